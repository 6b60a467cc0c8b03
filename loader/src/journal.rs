//! The log of this run: a file that is mapped shared, so that what was noted stays when the process ends,
//! however it ends. Children forked from the process write on in it.

use crate::image::Image;
use crate::report::note;
use crate::{open, sys};
use core::cell::UnsafeCell;
use core::ffi::CStr;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use shared::log::{LogEntry, LogHeader, LogThread, MAGIC, Pager, THREADS, order};

/// `LogHeader`, with atomics. The layout is the same.
#[repr(C)]
struct Counters {
    magic: AtomicU64,
    generation: AtomicU64,
    pid: AtomicU64,
    pager: AtomicU64,
    faults: AtomicU64,
    rendered: AtomicU64,
    kept: AtomicU64,
    prefetched: AtomicU64,
    handover: AtomicU64,
    count: AtomicU64,
    capacity: AtomicU64,
    unit: AtomicU64,
    thread_count: AtomicU64,
    thread_capacity: AtomicU64,
}
const _: () = assert!(size_of::<Counters>() == size_of::<LogHeader>());

impl Counters {
    const fn zero() -> Self {
        const fn none() -> AtomicU64 {
            AtomicU64::new(0)
        }
        Self {
            magic: none(),
            generation: none(),
            pid: none(),
            pager: none(),
            faults: none(),
            rendered: none(),
            kept: none(),
            prefetched: none(),
            handover: none(),
            count: none(),
            capacity: none(),
            unit: none(),
            thread_count: none(),
            thread_capacity: none(),
        }
    }
}

/// Of a run that touches nothing: it needs no log, and leaves the one before to those who want to know what is touched.
static OF_COMPLETE: Counters = Counters::zero();

static COUNTERS: AtomicPtr<Counters> = AtomicPtr::new(core::ptr::null_mut());
static STARTED: AtomicU64 = AtomicU64::new(0);

/// A file of the generation that says what earlier runs touched; empty: there is none.
struct Earlier {
    start: AtomicPtr<u8>,
    len: AtomicU64,
}

impl Earlier {
    const fn none() -> Self {
        Self { start: AtomicPtr::new(core::ptr::null_mut()), len: AtomicU64::new(0) }
    }

    fn open(&self, dir: i64, name: &CStr) {
        // SAFETY: a C string.
        let fd = unsafe { sys::openat(dir as u64, name.as_ptr() as u64, sys::O_RDONLY | sys::O_CLOEXEC, 0) };
        if sys::failed(fd) {
            return;
        }
        if let Some(stat) = sys::fstat(fd)
            && stat.size > 0
            && let Some(addr) = sys::map_file(fd, stat.size, sys::PROT_READ)
        {
            self.len.store(stat.size, Ordering::Relaxed);
            self.start.store(addr as *mut u8, Ordering::Relaxed);
        }
        sys::close(fd);
    }

    fn bytes(&self) -> &'static [u8] {
        let start = self.start.load(Ordering::Relaxed);
        if start.is_null() {
            return &[];
        }
        // SAFETY: `start` and the length were stored together, for a mapping that is never removed. The writer of a
        // log, if it still runs, changes words that are read one by one, and any value of them is checked before use.
        unsafe { core::slice::from_raw_parts(start, self.len.load(Ordering::Relaxed) as usize) }
    }

    /// The log that the file is, if it is one of this plan.
    fn log(&self, plan: u64) -> Option<(&'static LogHeader, &'static [LogEntry])> {
        shared::log::read(self.bytes()).filter(|(header, _)| header.generation == plan)
    }
}

/// What the linker has made of earlier logs; the log with the most first touches since then; that of the run before.
static ORDER: Earlier = Earlier::none();
static FULLEST: Earlier = Earlier::none();
static LAST: Earlier = Earlier::none();

/// File of the counters of the last run, if that has touched nothing.
const LAST_COMPLETE: &CStr = c"last";

/// Begins the counters of a run that touches nothing, because everything is kept.
pub fn start_complete(image: &Image, started: u64) {
    STARTED.store(started, Ordering::Relaxed);
    OF_COMPLETE.magic.store(MAGIC, Ordering::Relaxed);
    OF_COMPLETE.generation.store(image.plan.header.checksum, Ordering::Relaxed);
    OF_COMPLETE.pid.store(sys::getpid(), Ordering::Relaxed);
    OF_COMPLETE.pager.store(Pager::None as u64, Ordering::Relaxed);
    OF_COMPLETE.unit.store(image.unit, Ordering::Relaxed);
    COUNTERS.store((&raw const OF_COMPLETE).cast_mut(), Ordering::Release);
}

/// Maps what earlier runs touched, and begins the log of this one. A read-only index goes without.
pub fn start(image: &Image, pager: Pager, started: u64) {
    STARTED.store(started, Ordering::Relaxed);
    ORDER.open(image.dir, c"order");
    FULLEST.open(image.dir, c"touched");
    LAST.open(image.dir, c"log");
    // SAFETY: C strings; new mappings at addresses of the kernel's choice.
    unsafe {
        let dir = image.dir as u64;
        let log = c"log".as_ptr() as u64;
        if sys::files_are_limited() {
            note(&[b"no log: files may not grow beyond a limit"]);
            return;
        }
        if open::is_of_another() {
            note(&[b"no log: the index is another user's"]);
            return;
        }
        let chunks = image.lazy_regions().map(|region| region.len().div_ceil(image.unit)).sum::<u64>();
        // A precise log names threads: that costs a system call at each touch.
        let threads = if image.unit == shared::PAGE { THREADS as u64 } else { 0 };
        let entries = chunks * size_of::<LogEntry>() as u64;
        let named = threads * size_of::<LogThread>() as u64;
        let len = (size_of::<LogHeader>() as u64 + entries + named).next_multiple_of(shared::PAGE);
        let name = temporary_name();
        let flags = sys::O_RDWR | sys::O_CREAT | sys::O_EXCL | sys::O_CLOEXEC;
        let fd = sys::openat(dir, name.as_ptr() as u64, flags, 0o600);
        if sys::failed(fd) {
            note(&[b"no log: the index cannot be written"]);
            return;
        }
        let sized = sys::allocate(fd, len);
        let addr = sys::mmap(0, len, sys::PROT_READ | sys::PROT_WRITE, sys::MAP_SHARED, fd as u64, 0);
        sys::close(fd);
        if !sized || sys::failed(addr) {
            sys::unlinkat(dir, name.as_ptr() as u64, 0);
            return;
        }
        let counters = addr as *mut LogHeader;
        counters.write(LogHeader {
            magic: MAGIC,
            generation: image.plan.header.checksum,
            pid: sys::getpid(),
            pager: pager as u64,
            capacity: chunks,
            unit: image.unit,
            thread_capacity: threads,
            ..LogHeader::default()
        });
        sys::unlinkat(dir, LAST_COMPLETE.as_ptr() as u64, 0);
        if is_worth_keeping(image.plan.header.checksum) {
            sys::renameat(dir, log, dir, c"touched".as_ptr() as u64);
        }
        sys::renameat(dir, name.as_ptr() as u64, dir, log);
        COUNTERS.store(counters.cast(), Ordering::Release);
    }
}

/// Whether the log of the run before says more of first touches than the one that is kept for the linker.
fn is_worth_keeping(plan: u64) -> bool {
    let touches = |log: &Earlier| log.log(plan).map_or(0, |(header, _)| header.faults);
    touches(&LAST) > touches(&FULLEST)
}

/// `log.` and the process id, as a C string.
fn temporary_name() -> [u8; 32] {
    let mut name = [0u8; 32];
    name[..4].copy_from_slice(b"log.");
    let mut pid = sys::getpid();
    let mut at = 24;
    while pid != 0 || at == 24 {
        name[at] = b'0' + (pid % 10) as u8;
        pid /= 10;
        at -= 1;
    }
    name.copy_within(at + 1..25, 4);
    let len = 4 + 24 - at;
    name[len..].fill(0);
    name
}

fn counters() -> Option<&'static Counters> {
    // SAFETY: `start` stored a mapping that is never removed and is written through atomics only from then on.
    unsafe { COUNTERS.load(Ordering::Acquire).as_ref() }
}

/// The chunks that earlier runs touched, first touched first; some more than once. `None`: nothing is known.
pub fn earlier(image: &Image) -> Option<impl Iterator<Item = usize>> {
    const PAGES: u64 = shared::CHUNK / shared::PAGE;
    let plan = image.plan.header.checksum;
    let order = order(ORDER.bytes(), plan);
    let logs = [FULLEST.log(plan), LAST.log(plan)];
    let is_known = order.is_some() || logs.iter().any(Option::is_some);
    let (pages, chunks) = order.unwrap_or_default();
    let pages = pages.iter().map(|page| (u64::from(*page) / PAGES) as usize);
    let chunks = chunks.iter().map(|chunk| *chunk as usize);
    let logs = logs
        .into_iter()
        .flatten()
        .flat_map(|(header, entries)| entries.iter().map(move |entry| header.chunk_of(entry)));
    is_known.then(|| pages.chain(chunks).chain(logs))
}

fn since_start() -> u64 {
    sys::now_ns().saturating_sub(STARTED.load(Ordering::Relaxed))
}

/// The clock of the log's durations.
pub fn now() -> u64 {
    sys::now_ns()
}

/// Notes what was put in place since `began`, for the byte at `addr`.
fn append(counters: &Counters, image: &Image, number: u32, addr: u64, began: u64) {
    let index = counters.count.fetch_add(1, Ordering::Relaxed);
    let capacity = counters.capacity.load(Ordering::Relaxed);
    let thread = sys::gettid() as u32;
    if index < capacity {
        let entry = LogEntry {
            number,
            thread,
            time_ns: began.saturating_sub(STARTED.load(Ordering::Relaxed)),
            offset: addr.saturating_sub(image.plan.header.base.0) as u32,
            cost_ns: u32::try_from(now().saturating_sub(began)).unwrap_or(u32::MAX),
        };
        // SAFETY: the file has room for `capacity` entries behind the header, and each index is given out once.
        unsafe { entries(counters).add(index as usize).write(entry) };
    }
    if counters.thread_capacity.load(Ordering::Relaxed) == THREADS as u64 {
        // SAFETY: the file has room for so many threads behind the entries.
        let threads = unsafe { &*entries(counters).add(capacity as usize).cast::<[ThreadSlot; THREADS]>() };
        name_thread(counters, threads, thread);
    }
}

/// Where the entries of a log are.
fn entries(counters: &Counters) -> *mut LogEntry {
    // SAFETY: the header of a mapping, which goes on behind it, or counters without room for entries.
    unsafe { core::ptr::from_ref(counters).add(1).cast::<LogEntry>().cast_mut() }
}

/// `LogThread`, whose number is written last.
#[repr(C)]
struct ThreadSlot {
    thread: AtomicU32,
    process: AtomicU32,
    name: UnsafeCell<[u8; 16]>,
}
const _: () = assert!(size_of::<ThreadSlot>() == size_of::<LogThread>());

/// Notes the name that a thread has now. Only the thread itself writes what has its number.
fn name_thread(counters: &Counters, threads: &[ThreadSlot; THREADS], thread: u32) {
    const PR_GET_NAME: u64 = 16;
    let count = counters.thread_count.load(Ordering::Relaxed).min(THREADS as u64) as usize;
    let known = threads[..count].iter().find(|slot| slot.thread.load(Ordering::Relaxed) == thread);
    let slot = match known {
        Some(slot) => slot,
        None if count == THREADS => return,
        None => {
            let index = counters.thread_count.fetch_add(1, Ordering::Relaxed);
            let Some(slot) = threads.get(index as usize) else { return };
            slot
        }
    };
    slot.process.store(sys::getpid() as u32, Ordering::Relaxed);
    // SAFETY: the kernel writes 16 bytes there, which are this thread's alone.
    unsafe { sys::prctl(PR_GET_NAME, slot.name.get() as u64) };
    slot.thread.store(thread, Ordering::Release);
}

/// A first touch at `addr` was served, which has begun at this time.
pub fn touched(image: &Image, chunk: usize, pages: u64, addr: u64, began: u64) {
    if let Some(counters) = counters() {
        counters.faults.fetch_add(1, Ordering::Relaxed);
        counters.rendered.fetch_add(pages, Ordering::Relaxed);
        append(counters, image, chunk as u32, addr, began);
    }
}

/// The background put a chunk in place that an earlier run had touched, and has begun with that at this time.
pub fn prefetched(image: &Image, chunk: usize, pages: u64, began: u64) {
    if let Some(counters) = counters()
        && let Some((_, start, _)) = image.chunk_range(chunk)
    {
        append(counters, image, chunk as u32 | LogEntry::BACKGROUND, start, began);
    }
    rendered(pages, true);
}

/// Pages were rendered without a touch.
pub fn rendered(pages: u64, in_background: bool) {
    if let Some(counters) = counters() {
        counters.rendered.fetch_add(pages, Ordering::Relaxed);
        if in_background {
            counters.prefetched.fetch_add(pages, Ordering::Relaxed);
        }
    }
}

/// Pages were mapped from what an earlier run kept.
pub fn from_kept(pages: u64) {
    if let Some(counters) = counters() {
        counters.kept.fetch_add(pages, Ordering::Relaxed);
    }
}

/// The loader has done its part.
pub fn handed_over(image: &Image) {
    if let Some(counters) = counters() {
        counters.handover.store(since_start(), Ordering::Relaxed);
        if core::ptr::eq(counters, &raw const OF_COMPLETE) {
            write_counters(image.dir, counters);
        }
    }
    crate::report::program_has_started();
}

/// In one write, which nobody sees half of. A read-only index goes without.
fn write_counters(dir: i64, counters: &Counters) {
    if sys::files_are_limited() || open::is_of_another() {
        return;
    }
    let flags = sys::O_WRONLY | sys::O_CREAT | sys::O_CLOEXEC | sys::O_NOFOLLOW;
    // SAFETY: a C string; the kernel reads the counters.
    unsafe {
        let fd = sys::openat(dir as u64, LAST_COMPLETE.as_ptr() as u64, flags, 0o600);
        if !sys::failed(fd) {
            sys::pwrite(fd as u64, core::ptr::from_ref(counters) as u64, size_of::<Counters>() as u64, 0);
            sys::close(fd);
        }
    }
}
