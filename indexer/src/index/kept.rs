//! Kept chunks, as launches leave them on the shelves of a generation (`loader/src/kept.rs`, `docs/format.md`).
//!
//! Other processes map both files of a shelf and add to them at any time. So nothing is mapped here, bytes of the map are
//! read when they are asked for, and a chunk is whole before its byte says so. Bytes of a chunk that is listed are never
//! changed: a running program may execute them.

use super::opened::Executable;
use shared::log::{KEPT_HEAD, KEPT_MAGIC, changed_chunks};
use shared::plan::{PlanView, RegionKind};
use shared::{CHUNK, ImageAddr};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Files of a shelf: the chunks, each at its offset in the image, and the map.
pub const COMMON: [&str; 2] = ["kept", "kept.map"];
pub const OWN: [&str; 2] = ["own", "own.map"];

/// The list of chunks whose place is the generation's own shelf.
pub const CHANGED: &str = "changed";

/// What is done with a shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing is changed.
    Read,
    /// Chunks may be forgotten.
    Forget,
    /// Chunks may be added too: a shelf that is not there, or not of this boot, is begun anew.
    Add,
}

/// How a shelf is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Launches map what is on it.
    Good,
    /// Of an earlier boot, or of a folder that was copied: launches begin it anew.
    Stale,
    /// Nobody writes such a head. Launches begin it anew as well.
    Damaged,
}

/// One shelf.
pub struct Shelf {
    pub path: PathBuf,
    pub map_path: PathBuf,
    pub condition: Condition,
    file: File,
    map: File,
    /// Chunks of the image.
    count: usize,
}

impl Shelf {
    /// Opens the shelf of these files in the folder of a generation, for an image of so many chunks; `None` if there is
    /// none. `plan` and `patch`: what its head has to name.
    pub fn open(
        folder: &Path,
        files: [&str; 2],
        (plan, patch): (u64, u64),
        count: usize,
        access: Access,
    ) -> io::Result<Option<Self>> {
        let open = |name: &str, writable: bool| {
            let mut options = File::options();
            options.read(true).write(writable).create(access == Access::Add).truncate(false);
            options.mode(0o644).custom_flags(nix::libc::O_NOFOLLOW);
            match options.open(folder.join(name)) {
                Ok(file) if access == Access::Add && !is_ours(&file.metadata()?) => Ok(None),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                opened => opened.map(Some),
            }
        };
        let map = open(files[1], access != Access::Read)?;
        let Some((file, map)) = open(files[0], access == Access::Add)?.zip(map) else { return Ok(None) };
        let wanted = head(plan, patch, file.metadata()?.ino())?;
        let [path, map_path] = files.map(|name| folder.join(name));
        let mut shelf = Self { path, map_path, condition: Condition::Good, file, map, count };
        shelf.condition = shelf.examine(&wanted)?;
        if shelf.condition != Condition::Good && access == Access::Add {
            shelf.begin(&wanted)?;
        }
        Ok(Some(shelf))
    }

    /// A launch that begins a shelf writes the head byte by byte: what looks damaged is read again.
    fn examine(&self, wanted: &[u8; KEPT_HEAD]) -> io::Result<Condition> {
        const TRIES: usize = 5;
        for attempt in 0..TRIES {
            let mut found = [0; KEPT_HEAD];
            let read = read_at(&self.map, &mut found, 0)?;
            match compare(&found[..read], wanted) {
                Condition::Damaged if attempt + 1 < TRIES => {
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
                condition => return Ok(condition),
            }
        }
        Ok(Condition::Damaged)
    }

    /// Forgets all chunks, before it says whose the next ones are.
    fn begin(&mut self, head: &[u8; KEPT_HEAD]) -> io::Result<()> {
        let len = (KEPT_HEAD + self.count) as u64;
        self.map.set_len(len)?;
        self.map.write_all_at(&vec![0; len as usize], 0)?;
        self.map.write_all_at(head, 0)?;
        self.condition = Condition::Good;
        Ok(())
    }

    /// The byte of each chunk: 0 if it is not there. Those behind the end of the map are not.
    pub fn bytes(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; self.count];
        if self.condition == Condition::Good {
            let read = read_at(&self.map, &mut bytes, KEPT_HEAD as u64)?;
            bytes[read..].fill(0);
        }
        Ok(bytes)
    }

    /// The byte of one chunk, as it is now.
    pub fn byte(&self, chunk: usize) -> io::Result<u8> {
        let mut byte = [0];
        read_at(&self.map, &mut byte, (KEPT_HEAD + chunk) as u64)?;
        Ok(byte[0])
    }

    /// Bytes of the map, and how many it has to have.
    pub fn map_len(&self) -> io::Result<(u64, u64)> {
        Ok((self.map.metadata()?.len(), (KEPT_HEAD + self.count) as u64))
    }

    /// Reads a part of the image that is on the shelf, from this offset on. Returns how much of it the file has.
    pub fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        read_at(&self.file, out, offset)
    }

    /// Adds a chunk, which begins at this offset of the image.
    pub fn add(&self, chunk: usize, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)?;
        self.map.write_all_at(&[1], (KEPT_HEAD + chunk) as u64)
    }

    /// Takes the right to complete the shelf, unless another process has it: a running program, or the linker behind
    /// another link. It is given back when the process ends (fcntl(2), advisory record locks).
    pub fn take(&self) -> io::Result<bool> {
        use nix::fcntl::{FcntlArg, fcntl};
        let lock = nix::libc::flock {
            l_type: nix::libc::F_WRLCK as i16,
            l_whence: nix::libc::SEEK_SET as i16,
            l_start: 0,
            l_len: 0,
            l_pid: 0,
        };
        match fcntl(&self.file, FcntlArg::F_SETLK(&lock)) {
            Ok(_) => Ok(true),
            Err(nix::errno::Errno::EACCES | nix::errno::Errno::EAGAIN) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The next launch renders the chunk itself.
    pub fn forget(&self, chunk: usize) -> io::Result<()> {
        self.map.write_all_at(&[0], (KEPT_HEAD + chunk) as u64)
    }

    /// The next launch begins the shelf anew. Running programs that have mapped it may go on adding to it.
    pub fn disown(&self) -> io::Result<()> {
        self.map.write_all_at(&[0; KEPT_HEAD], 0)
    }
}

/// Whether a launch would use a file: it is its user's or root's, and nobody else can write it.
fn is_ours(metadata: &fs::Metadata) -> bool {
    let user = nix::unistd::geteuid().as_raw();
    (metadata.uid() == user || metadata.uid() == 0) && metadata.mode() & 0o022 == 0
}

/// The shelves of a generation.
#[derive(Default)]
pub struct Shelves {
    pub common: Option<Shelf>,
    pub own: Option<Shelf>,
    /// A byte for each chunk that is not 0 if relinks have changed it; none: no relink has changed anything.
    changed: Vec<u8>,
    /// The generation has a patch, but no list of what is changed: nothing is kept.
    pub lacks_list: bool,
}

impl Shelves {
    pub fn open(executable: &Executable, plan: &PlanView<'_>, access: Access) -> io::Result<Self> {
        let count = chunk_count(plan);
        let (config, folder) = (&executable.config, &executable.folder);
        let mut shelves = Self::default();
        if config.patch != 0 {
            let list = fs::read(folder.join(CHANGED)).unwrap_or_default();
            let known = changed_chunks(&list, config.plan, config.patch).filter(|known| known.len() >= count);
            let Some(known) = known else { return Ok(Self { lacks_list: true, ..shelves }) };
            shelves.changed = known.to_vec();
            shelves.own = Shelf::open(folder, OWN, (config.plan, config.patch), count, access)?;
        }
        shelves.common = Shelf::open(folder, COMMON, (config.plan, 0), count, access)?;
        Ok(shelves)
    }

    /// The shelf that is the place of a chunk, if it is there.
    pub fn of(&self, chunk: usize) -> Option<&Shelf> {
        let is_changed = self.changed.get(chunk).is_some_and(|byte| *byte != 0);
        if is_changed { self.own.as_ref() } else { self.common.as_ref() }
    }

    /// The chunks that a launch maps, each with its byte.
    pub fn listed(&self) -> io::Result<Vec<(usize, u8)>> {
        let read = |shelf: &Option<Shelf>| shelf.as_ref().map_or(Ok(Vec::new()), Shelf::bytes);
        let (common, own) = (read(&self.common)?, read(&self.own)?);
        let is_changed = |chunk: usize| self.changed.get(chunk).is_some_and(|byte| *byte != 0);
        let byte = |chunk: usize| {
            let bytes = if is_changed(chunk) { &own } else { &common };
            bytes.get(chunk).copied().filter(|byte| *byte != 0).map(|byte| (chunk, byte))
        };
        Ok((0..common.len().max(own.len())).filter_map(byte).collect())
    }
}

/// How many chunks an image has.
pub fn chunk_count(plan: &PlanView<'_>) -> usize {
    plan.header.limit.offset_from(plan.header.base).div_ceil(CHUNK) as usize
}

/// First address and length of a chunk, cut to its region, if that is a lazy one.
pub fn chunk_range(plan: &PlanView<'_>, chunk: usize) -> Option<(ImageAddr, u64)> {
    let start = plan.header.base + chunk as u64 * CHUNK;
    let end = start + CHUNK;
    let region = plan
        .regions
        .iter()
        .find(|region| region.kind() == Some(RegionKind::Lazy) && region.start < end && start < region.end)?;
    let from = start.max(region.start);
    Some((from, end.min(region.end).offset_from(from)))
}

/// What the head of a map has to be.
fn head(plan: u64, patch: u64, inode: u64) -> io::Result<[u8; KEPT_HEAD]> {
    let boot = fs::read("/proc/sys/kernel/random/boot_id")?;
    let boot = boot.get(..BOOT_LEN).ok_or(io::ErrorKind::InvalidData)?;
    let mut head = [0; KEPT_HEAD];
    head[..8].copy_from_slice(&KEPT_MAGIC.to_le_bytes());
    head[8..16].copy_from_slice(&plan.to_le_bytes());
    head[16..BOOT].copy_from_slice(&patch.to_le_bytes());
    head[BOOT..INODE].copy_from_slice(boot);
    head[INODE..].copy_from_slice(&(inode as u32).to_le_bytes());
    Ok(head)
}

/// Where in a head the boot and the inode are.
const BOOT: usize = 24;
const BOOT_LEN: usize = 36;
const INODE: usize = BOOT + BOOT_LEN;

fn compare(found: &[u8], wanted: &[u8; KEPT_HEAD]) -> Condition {
    if found == wanted {
        return Condition::Good;
    }
    // A map that nobody has begun.
    if found.iter().all(|byte| *byte == 0) {
        return Condition::Stale;
    }
    let is_boot = |boot: &[u8]| boot.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-');
    match found.get(..BOOT) == wanted.get(..BOOT) && found.get(BOOT..INODE).is_some_and(is_boot) {
        true if found.len() == KEPT_HEAD => Condition::Stale,
        _ => Condition::Damaged,
    }
}

/// Reads what the file has of it. Returns how much that is.
pub fn read_at(file: &File, out: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < out.len() {
        match file.read_at(&mut out[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: (u64, u64) = (12, 34);

    fn open(folder: &Path, count: usize, access: Access) -> Option<Shelf> {
        Shelf::open(folder, COMMON, PLAN, count, access).expect("the folder can be read")
    }

    #[test]
    fn a_chunk_is_there_until_it_is_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(open(folder.path(), 3, Access::Read).is_none());
        assert!(open(folder.path(), 3, Access::Forget).is_none());
        let shelf = open(folder.path(), 3, Access::Add).expect("a shelf");
        assert_eq!(shelf.bytes().expect("a map"), [0, 0, 0]);
        shelf.add(1, CHUNK, &[7; CHUNK as usize]).expect("room");

        let other = open(folder.path(), 3, Access::Forget).expect("a shelf");
        assert_eq!((other.condition, other.bytes().expect("a map")), (Condition::Good, vec![0, 1, 0]));
        let mut bytes = [0; 2];
        assert_eq!(other.read(2 * CHUNK - 1, &mut bytes).expect("a file"), 1);
        assert_eq!(bytes[0], 7);
        other.forget(1).expect("the map can be written");
        assert_eq!(shelf.byte(1).expect("a map"), 0);
        // What was on a shelf stays there when somebody else adds to it.
        shelf.add(2, 2 * CHUNK, &[8; CHUNK as usize]).expect("room");
        let again = open(folder.path(), 3, Access::Add).expect("a shelf");
        assert_eq!(again.bytes().expect("a map"), [0, 0, 1]);
    }

    #[test]
    fn a_shelf_of_somebody_else_is_passed_over() {
        let folder = tempfile::tempdir().expect("a folder");
        open(folder.path(), 3, Access::Add).expect("a shelf").add(0, 0, &[7; 16]).expect("room");
        let map = folder.path().join(COMMON[1]);
        let whole = fs::read(&map).expect("a map");
        for (at, condition) in [
            (0, Condition::Damaged),
            (8, Condition::Damaged),
            (16, Condition::Damaged),
            (BOOT + 8, Condition::Damaged),
            (INODE, Condition::Stale),
        ] {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x80;
            fs::write(&map, &bytes).expect("the map can be written");
            let shelf = open(folder.path(), 3, Access::Forget).expect("a shelf");
            assert_eq!(
                (shelf.condition, shelf.bytes().expect("a map")),
                (condition, vec![0; 3]),
                "byte {at}"
            );
        }
        // Of another boot.
        let mut bytes = whole.clone();
        bytes[BOOT] = if bytes[BOOT] == b'0' { b'1' } else { b'0' };
        fs::write(&map, &bytes).expect("the map can be written");
        assert_eq!(open(folder.path(), 3, Access::Read).expect("a shelf").condition, Condition::Stale);
        let anew = open(folder.path(), 3, Access::Add).expect("a shelf");
        assert_eq!((anew.condition, anew.bytes().expect("a map")), (Condition::Good, vec![0; 3]));
        assert_eq!(fs::read(&map).expect("a map")[..KEPT_HEAD], whole[..KEPT_HEAD]);
    }
}
