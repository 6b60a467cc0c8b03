//! The database that says which pack has whose record.
//!
//! `sled` admits one process at a time. So it is opened late and for moments only: to look up what is known of some
//! files, and to add entries. When others have it for long, the link does without: that costs reading objects again,
//! nothing else.

use super::store::{Entry, key};
use std::collections::HashMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::{Once, mpsc};
use std::time::{Duration, Instant};

/// Folder of the database in the index.
pub const FOLDER: &str = "records";

/// How long a link waits for others that look up or add entries, all together. One takes some hundredths of a second.
const PATIENCE: Duration = Duration::from_millis(400);

/// Longer than this nothing takes that comes to an end. Who gives up has no list, or another link reads more objects.
const LONGEST: Duration = Duration::from_secs(10);

/// Bytes of a file that `sled` uses up at a time. Most programs have a few hundred entries of some 200 bytes.
const SEGMENT: usize = 64 * 1024;

/// What is known of these files and, where they are archives, of their members. Nothing if others have the database
/// for long.
pub fn look_up<'a>(index: &Path, files: impl Iterator<Item = &'a PathBuf>) -> HashMap<Vec<u8>, Entry> {
    let mut found = HashMap::new();
    if !index.join(FOLDER).exists() {
        return found;
    }
    let Some(database) = Database::open(index) else { return found };
    attempt(|| {
        for path in files {
            let of_file = key(path, b"", 0);
            let of_members = [of_file.as_slice(), b"\0"].concat();
            let of_file = database.tree().get(&of_file).ok().flatten().map(|value| (of_file.into(), value));
            let of_members = database.tree().scan_prefix(of_members).filter_map(Result::ok);
            let all = of_file.into_iter().chain(of_members);
            found
                .extend(all.filter_map(|(key, value): (sled::IVec, _)| Some((key.to_vec(), entry(&value)?))));
        }
    });
    found
}

/// Adds entries. A failure costs time at the next link, so it is not an error of this one.
pub fn put(index: &Path, entries: impl Iterator<Item = (Vec<u8>, Entry)>) {
    if let Some(database) = Database::open(index) {
        database.put(entries);
    }
}

/// Has `sled` do something. Where a disk fails at the wrong moment it panics (when it closes its log, for one): then there is
/// no result, and nobody needs to hear of it.
fn attempt<T>(work: impl FnOnce() -> T) -> Option<T> {
    static SILENCE: Once = Once::new();
    SILENCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !panic.location().is_some_and(|place| place.file().contains("/sled-")) {
                usual(panic);
            }
        }));
    });
    panic::catch_unwind(AssertUnwindSafe(work)).ok()
}

/// As [`attempt`], for what writes: `sled` waits for ever for a thread of its own that could not. Who is left waiting ends with
/// the process, as one that is killed.
fn attempt_to_write<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, result) = mpsc::channel();
    std::thread::spawn(move || drop(done.send(attempt(work))));
    result.recv_timeout(LONGEST).ok().flatten()
}

/// The database, which no other process has meanwhile.
pub struct Database {
    /// `None`: it is closed.
    open: Option<sled::Db>,
}

impl Drop for Database {
    fn drop(&mut self) {
        self.shut();
    }
}

impl Database {
    /// Opens the database, waiting for moments if another process has it.
    pub fn open(index: &Path) -> Option<Self> {
        let start = Instant::now();
        let mut may_begin_anew = true;
        loop {
            match Self::open_at(&index.join(FOLDER)) {
                Ok(database) => return Some(database),
                Err(error) => match trouble(&error) {
                    Trouble::Taken if start.elapsed() < PATIENCE => {
                        std::thread::park_timeout(Duration::from_millis(3));
                    }
                    Trouble::Unreadable if may_begin_anew => {
                        may_begin_anew = false;
                        set_aside(index);
                    }
                    _ => return None,
                },
            }
        }
    }

    /// Opens the database in a folder.
    pub fn open_at(folder: &Path) -> sled::Result<Self> {
        let config = sled::Config::new().path(folder).cache_capacity(16 << 20).segment_size(SEGMENT);
        let failed = || Err(sled::Error::Io(io::Error::from_raw_os_error(nix::libc::EIO)));
        let opened = attempt_to_write(move || config.flush_every_ms(None).open()).unwrap_or_else(failed)?;
        Ok(Self { open: Some(opened) })
    }

    /// Closes it; false if what is in it may not have reached the disk.
    pub fn close(mut self) -> bool {
        self.shut()
    }

    fn shut(&mut self) -> bool {
        let open = self.open.take();
        attempt_to_write(move || drop(open)).is_some()
    }

    fn tree(&self) -> &sled::Tree {
        self.open.as_ref().expect("it is closed by who gives it up")
    }

    /// Everything that is in it.
    pub fn all(&self) -> impl Iterator<Item = (Vec<u8>, Entry)> {
        let found = self.tree().iter().filter_map(Result::ok);
        found.filter_map(|(key, value)| Some((key.to_vec(), entry(&value)?)))
    }

    /// How many entries there are.
    pub fn count(&self) -> usize {
        self.tree().iter().count()
    }

    /// Adds entries; false if they could not be written.
    pub fn put(&self, entries: impl Iterator<Item = (Vec<u8>, Entry)>) -> bool {
        let mut batch = sled::Batch::default();
        for (key, entry) in entries {
            batch.insert(key, shared::pod::bytes_of(&[entry]));
        }
        let open = self.open.clone();
        let write = move || open.is_some_and(|open| open.apply_batch(batch).is_ok() && open.flush().is_ok());
        attempt_to_write(write) == Some(true)
    }
}

fn entry(value: &[u8]) -> Option<Entry> {
    let mut entry = [Entry::default()];
    let bytes: &mut [u8] = shared::pod::bytes_of_mut(&mut entry);
    if value.len() != bytes.len() {
        return None;
    }
    bytes.copy_from_slice(value);
    Some(entry[0])
}

/// Why the database does not open.
enum Trouble {
    /// Another process has it.
    Taken,
    /// It is damaged, or was made with other parameters.
    Unreadable,
    /// The folder cannot be read or written.
    Refused,
}

fn trouble(error: &sled::Error) -> Trouble {
    match error {
        sled::Error::Io(error) if error.to_string().contains("could not acquire lock") => Trouble::Taken,
        sled::Error::Io(error)
            if !matches!(
                error.kind(),
                ErrorKind::InvalidData | ErrorKind::UnexpectedEof | ErrorKind::Other
            ) =>
        {
            Trouble::Refused
        }
        _ => Trouble::Unreadable,
    }
}

/// Puts a database that cannot be read out of the way. Who races here loses entries, no more.
fn set_aside(index: &Path) {
    let Ok(folder) = tempfile::Builder::new().prefix(".new-records-").tempdir_in(index) else { return };
    fs::rename(index.join(FOLDER), folder.path().join(FOLDER)).ok();
}
