//! Who uses the index: links, all at once, or a collection, alone.
//!
//! A link refers to packs and generations that it has found, and writes that down only at its end. So nothing is
//! removed while one runs. A collection never waits for a link, and has the lock for moments only: it gives what is to
//! go another name, and removes it afterwards.

use std::fs::File;
use std::path::Path;

/// Its name in the index. The file is empty.
pub const FILE: &str = "lock";

/// The index, as long as this lives.
pub struct Lock {
    _file: File,
}

fn open(index: &Path) -> Option<File> {
    let path = index.join(FILE);
    // Whoever cannot write the index, or uses one that another user made, can still lock it.
    let read = || File::open(&path).ok();
    read().or_else(|| File::options().create(true).truncate(false).write(true).open(&path).ok()).or_else(read)
}

/// Keeps collections away. Where nothing can be locked nothing is collected either.
pub fn shared(index: &Path) -> Option<Lock> {
    let file = open(index)?;
    file.lock_shared().ok()?;
    Some(Lock { _file: file })
}

/// Keeps links away; `None` if some are running, or if the index is being deleted: nothing is made anew there.
pub fn exclusive(index: &Path) -> Option<Lock> {
    let file = File::open(index.join(FILE)).ok()?;
    file.try_lock().ok()?;
    Some(Lock { _file: file })
}
