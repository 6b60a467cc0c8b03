//! What one run touched, in order, and what the loader did for it.
//!
//! The file is mapped shared by the run that writes it, so that it is whole whenever that run ends. The next
//! run reads it and relocates in this order.

use crate::checksum::checksum;
use crate::pod;
use crate::{CHUNK, PAGE};

/// Bytes in front of the map of kept chunks (`kept.map`): what it belongs to. Then a byte for each chunk.
pub const KEPT_HEAD: usize = 64;

/// First word of such a map; the last digit is the version of the format.
pub const KEPT_MAGIC: u64 = u64::from_le_bytes(*b"UFkept\0\x02");

/// First word of `changed`; the last digit is the version of the format.
pub const CHANGED_MAGIC: u64 = u64::from_le_bytes(*b"UFchan\0\x01");

/// Bytes in front of the list in `changed`: magic, checksum of what follows it, plan, patch.
pub const CHANGED_HEAD: usize = 32;

/// The file `changed` of a generation: a byte for each chunk of the image, 1 if its contents are not those of the last full
/// link.
pub fn changed_chunks(bytes: &[u8], plan: u64, patch: u64) -> Option<&[u8]> {
    let word = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let is_of = word(0)? == CHANGED_MAGIC && word(16)? == plan && word(24)? == patch;
    (is_of && word(8)? == checksum(&bytes[16..])).then(|| &bytes[CHANGED_HEAD..])
}

/// First word of `order`; the last digit is the version of the format.
pub const ORDER_MAGIC: u64 = u64::from_le_bytes(*b"UForder\x01");

/// The file `order` of a generation: what runs of it and of those before it touched first, in the order of first
/// touch.
///
/// ```text
/// OrderHeader | numbers of pages (u32) | numbers of chunks (u32)
/// ```
///
/// All are counted from the base of the image. Pages come from logs that are precise; of a chunk with such pages the
/// number is not listed.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct OrderHeader {
    pub magic: u64,
    /// Of all bytes behind this field.
    pub checksum: u64,
    /// Checksum in the header of the plan that the numbers belong to.
    pub plan: u64,
    pub pages: u64,
    pub chunks: u64,
}

/// The numbers of pages and of chunks in an `order` of this plan, unless it is damaged.
pub fn order(bytes: &[u8], plan: u64) -> Option<(&[u32], &[u32])> {
    let header: &OrderHeader = pod::get(bytes, 0)?;
    if header.magic != ORDER_MAGIC || header.plan != plan || header.checksum != checksum(bytes.get(16..)?) {
        return None;
    }
    let total = header.pages.checked_add(header.chunks)?;
    let numbers: &[u32] = pod::slice(bytes, size_of::<OrderHeader>() as u64, total)?;
    numbers.split_at_checked(header.pages as usize)
}

/// First word of a log; the last digit is the version of the format.
pub const MAGIC: u64 = u64::from_le_bytes(*b"UFlog\0\0\x03");

/// Room for threads in a precise log. Of more, only the numbers are known.
pub const THREADS: usize = 256;

/// The log of a run.
///
/// ```text
/// LogHeader | LogEntry, `capacity` of them | LogThread, `thread_capacity` of them
/// ```

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct LogHeader {
    pub magic: u64,
    pub generation: u64,
    pub pid: u64,
    /// A [`Pager`].
    pub pager: u64,
    /// First touches that the loader served.
    pub faults: u64,
    pub pages_rendered: u64,
    pub pages_from_kept: u64,
    /// Of the pages rendered, those that the background thread rendered.
    pub pages_prefetched: u64,
    /// From the start of the loader to the start of the dynamic linker or the program.
    pub handover_ns: u64,
    /// Entries that were written, and room for them.
    pub count: u64,
    pub capacity: u64,
    /// Bytes of what an entry is about: a chunk, or a page in a precise log (`UNFOLD_PROFILE`).
    pub unit: u64,
    /// Threads that were named, and room for them: none but in a precise log.
    pub thread_count: u64,
    pub thread_capacity: u64,
}

/// One chunk, or page, that was put in place.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct LogEntry {
    /// Its number, counted from the base of the image; bit 31: put there by the background.
    pub number: u32,
    /// Thread that touched it.
    pub thread: u32,
    /// When that began, since the start of the loader.
    pub time_ns: u64,
    /// The byte that was touched, counted from the base of the image; of the background, the first of the chunk.
    pub offset: u32,
    /// How long the loader took.
    pub cost_ns: u32,
}

/// A thread that touched something.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct LogThread {
    /// 0: not written yet.
    pub thread: u32,
    /// The process that it is of: that of the log, or one forked from it.
    pub process: u32,
    /// Its name when it touched something last, as the kernel has it: zero bytes behind it.
    pub name: [u8; 16],
}

impl LogHeader {
    /// Number of the chunk that an entry of this log is about. The unit has been checked by [`read`].
    pub fn chunk_of(&self, entry: &LogEntry) -> usize {
        (u64::from(entry.number()) * self.unit / CHUNK) as usize
    }
}

impl LogEntry {
    pub const BACKGROUND: u32 = 1 << 31;

    pub fn is_background(&self) -> bool {
        self.number & Self::BACKGROUND != 0
    }

    /// The number alone.
    pub fn number(&self) -> u32 {
        self.number & !Self::BACKGROUND
    }
}

/// How a run pages its image in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Pager {
    /// Nothing was lazy: everything was kept.
    None = 0,
    /// Everything is rendered before the program starts.
    Eager = 1,
    /// userfaultfd, in the faulting thread.
    Uffd = 2,
    /// SIGSEGV on pages without access.
    Signal = 3,
}

impl Pager {
    pub fn name(number: u64) -> &'static str {
        match number {
            1 => "eager",
            2 => "uffd",
            3 => "signal",
            _ => "none",
        }
    }
}

crate::pod! {
    LogHeader {
        magic: u64, generation: u64, pid: u64, pager: u64, faults: u64, pages_rendered: u64,
        pages_from_kept: u64, pages_prefetched: u64, handover_ns: u64, count: u64, capacity: u64, unit: u64,
        thread_count: u64, thread_capacity: u64,
    }
    OrderHeader { magic: u64, checksum: u64, plan: u64, pages: u64, chunks: u64 }
    LogEntry { number: u32, thread: u32, time_ns: u64, offset: u32, cost_ns: u32 }
    LogThread { thread: u32, process: u32, name: [u8; 16] }
}

/// A log's header and the entries that were written.
pub fn read(bytes: &[u8]) -> Option<(&LogHeader, &[LogEntry])> {
    let header: &LogHeader = pod::get(bytes, 0)?;
    if header.magic != MAGIC || !matches!(header.unit, CHUNK | PAGE) {
        return None;
    }
    let count = header.count.min(header.capacity);
    Some((header, pod::slice(bytes, size_of::<LogHeader>() as u64, count)?))
}

/// The threads that a log names.
pub fn threads(bytes: &[u8]) -> Option<&[LogThread]> {
    let (header, _) = read(bytes)?;
    let entries = header.capacity.checked_mul(size_of::<LogEntry>() as u64)?;
    let count = header.thread_count.min(header.thread_capacity);
    pod::slice(bytes, entries.checked_add(size_of::<LogHeader>() as u64)?, count)
}
