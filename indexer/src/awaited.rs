//! The file of symbols of a generation that is about to settle, for whoever cannot wait until then.
//!
//! A debugger that is started right after the link of a large program finds the loader in the executable, and would find
//! nothing but the names of functions beside it. So the first thing that the process behind the link does is to put that
//! file under a lease (fcntl(2)): whoever opens it waits, and this process notices, and writes the debug information into it
//! at once, with the priority of the link. When the executable has settled, nobody needs the file any more, and it is what
//! it was.

use crate::companion;
use crate::index;
use crate::lease::{self, Held, Lease};
use crate::symbols;
use anyhow::{Context, Result};
use nix::fcntl::{AT_FDCWD, FallocateFlags, RenameFlags, fallocate, renameat2};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A second name of the file of symbols, while that is exchanged.
const SPARE: &str = "symbols.spare";

/// Between two looks whether somebody waits.
const PAUSE: Duration = Duration::from_millis(10);

/// A file of symbols for which whoever opens it waits.
pub struct Awaited {
    state: Arc<State>,
    watcher: Option<JoinHandle<()>>,
}

struct State {
    folder: PathBuf,
    /// Nothing any more, when nobody has to wait.
    held: Mutex<Option<Held>>,
    was_awaited: AtomicBool,
}

impl Awaited {
    /// From now on, who opens the file waits. To be called while this process has its priority. Where there are no leases,
    /// or the debug information is there already, everything stays as it is.
    pub fn begin(folder: &Path) -> Self {
        let held = if folder.join(companion::DONE).exists() { None } else { hold(folder) };
        let is_held = held.is_some();
        let state = Arc::new(State {
            folder: folder.to_owned(),
            held: Mutex::new(held),
            was_awaited: AtomicBool::new(false),
        });
        let watched = Arc::clone(&state);
        let watcher = is_held.then(|| thread::spawn(move || watched.watch()));
        Self { state, watcher }
    }

    /// Whether somebody has waited.
    pub fn was_awaited(&self) -> bool {
        self.state.was_awaited.load(Ordering::Relaxed)
    }

    /// Adds the debug information, for whoever waits and whoever comes.
    pub fn complete(&self) -> Result<()> {
        self.state.complete()
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        self.state.release();
        if let Some(watcher) = self.watcher.take() {
            watcher.join().ok();
        }
    }
}

impl State {
    fn watch(&self) {
        loop {
            thread::sleep(PAUSE);
            match &*self.held() {
                None => return,
                Some(held) if held.is_awaited() => break,
                Some(_) => {}
            }
        }
        self.was_awaited.store(true, Ordering::Relaxed);
        // Threads of its own, which have the priority of this one.
        if let Ok(threads) = rayon::ThreadPoolBuilder::new().build() {
            threads.install(|| self.complete()).ok();
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn complete(&self) -> Result<()> {
        let mut held = self.held();
        match held.take() {
            None => companion::complete(&self.folder),
            Some(held) => {
                let bytes = companion::with_debug(&self.folder)?;
                let path = self.folder.join(symbols::FILE);
                write_over(held.file(), &bytes)
                    .with_context(|| format!("cannot write {}", path.display()))?;
                index::write_file(&self.folder.join(companion::DONE), &[])
            }
        }
    }

    /// Makes the file what it was, unless somebody waits for another one.
    fn release(&self) {
        let is_awaited = self.held().as_ref().is_some_and(Held::is_awaited);
        if is_awaited {
            self.complete().ok();
        }
        if let Some(held) = self.held().take() {
            self.share(&held).ok();
        }
    }

    /// Has the generation share the names of functions again. What another process has put there stays.
    fn share(&self, held: &Held) -> io::Result<()> {
        let (path, spare) = (self.folder.join(symbols::FILE), self.folder.join(SPARE));
        let exchange = || -> io::Result<()> {
            Ok(renameat2(AT_FDCWD, &spare, AT_FDCWD, &path, RenameFlags::RENAME_EXCHANGE)?)
        };
        fs::hard_link(self.folder.join(symbols::SHARED), &spare)?;
        let shared = exchange().and_then(|()| {
            let was_there = fs::symlink_metadata(&spare)?;
            let is_ours = was_there.ino() == held.file().metadata()?.ino();
            if is_ours { Ok(()) } else { exchange() }
        });
        fs::remove_file(&spare).ok();
        shared
    }
}

/// Puts a file of the generation's own, under a lease, in the place of the one that it shares with others. It has the names
/// of functions too: this process may be killed.
fn hold(folder: &Path) -> Option<Held> {
    let spare = folder.join(SPARE);
    let mut file = File::options().read(true).write(true).create_new(true).open(&spare).ok()?;
    let hold = || {
        io::copy(&mut File::open(folder.join(symbols::SHARED)).ok()?, &mut file).ok()?;
        let Lease::Taken(held) = lease::take_of(file) else { return None };
        fs::rename(&spare, folder.join(symbols::FILE)).ok()?;
        Some(held)
    };
    let held = hold();
    if held.is_none() {
        fs::remove_file(&spare).ok();
    }
    held
}

/// Gives a file other bytes, if there is room for them.
fn write_over(file: &File, bytes: &[u8]) -> io::Result<()> {
    let room = libc::off_t::try_from(bytes.len()).map_err(io::Error::other)?;
    fallocate(file, FallocateFlags::FALLOC_FL_KEEP_SIZE, 0, room)?;
    file.write_all_at(bytes, 0)?;
    file.set_len(bytes.len() as u64)
}
