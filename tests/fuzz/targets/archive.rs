//! Archives, ordinary and thin.
#![no_main]

use hostile::{Aligned, lasting};
use indexer::inputs::archive::{self, Archive};
use libfuzzer_sys::{Corpus, fuzz_target};
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A folder in which members of thin archives are: `a.o` and `empty.o`, and `folder` is one.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = tempfile::Builder::new().prefix("unfold-fuzz").tempdir().expect("a folder").keep();
    std::fs::create_dir(folder.join("folder")).expect("a folder");
    for (name, contents) in [("a.o", &b"\x7fELF\x02\x01\x01"[..]), ("empty.o", b"")] {
        std::fs::write(folder.join(name), contents).expect("a file");
    }
    folder
});

/// Files stay mapped until the process ends: it may not have any number of them.
static MAPPED: AtomicUsize = AtomicUsize::new(0);
const MOST_MAPPED: usize = 20_000;

fuzz_target!(|data: &[u8]| -> Corpus {
    let copy = Aligned::new(data);
    // SAFETY: nothing is kept.
    let data = unsafe { lasting(copy.bytes()) };
    let is_thin = data.starts_with(b"!<thin>\n");
    let may_map = MAPPED.load(Ordering::Relaxed) < MOST_MAPPED;
    let folder = if may_map { FOLDER.clone() } else { FOLDER.join("gone") };
    let Ok(archive) = Archive::parse(data, &folder.join("lib.a")) else { return Corpus::Reject };
    let count = |members: usize| {
        if is_thin {
            MAPPED.fetch_add(members, Ordering::Relaxed);
        }
    };
    if !is_thin {
        archive.first_object();
    }
    let members = archive.members();
    let offsets = archive.offsets();
    if let Ok(members) = &members {
        count(2 * members.len());
        let found: Vec<u64> = members.iter().map(|member| member.offset).collect();
        assert_eq!(found, offsets.expect("the members could be read"));
        for member in members.iter().take(8) {
            let again = archive.member_at(member.offset).expect("it is there");
            assert_eq!((again.name, again.data.as_ptr()), (member.name.clone(), again.data.as_ptr()));
            count(1);
            archive::defined_names(member.data).ok();
            archive::names_with_value(member.data).ok();
        }
    }
    if let Ok(Some(symbols)) = archive.symbols() {
        for (name, offset) in symbols.into_iter().take(64) {
            indexer::object::name_hash(name);
            if archive.member_at(offset).is_ok() {
                count(1);
            }
        }
    }
    for offset in [0, 8, 60, data.len() as u64, u64::MAX] {
        archive.member_at(offset).ok();
    }
    Corpus::Keep
});
