//! The image as the loader holds it while the program runs: set up once, before the handover, then only read
//! (the atomics aside).

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ops::Range;
use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, AtomicUsize, Ordering};
use shared::ImageAddr;
use shared::checksum::Blocks;
use shared::plan::{Objects, PlanView, RegionKind, RegionRec};
use shared::record::ObjectView;

/// A page that a forked child finds full of zeroes (MADV_WIPEONFORK): what belongs to this process alone.
#[repr(C)]
pub struct OwnState {
    /// 1 in the process that opened the userfaultfd: in any other, its ioctls would act on that one's memory.
    pub uffd_is_ours: AtomicU32,
    /// Bit *n*: buffer *n* of the pool is in use.
    pub buffers: AtomicU32,
    /// How many threads are putting something in place.
    pub busy: AtomicU32,
    /// 1 while what is mapped is exchanged for the files of kept chunks.
    pub exchanging: AtomicU32,
    /// 1 when the program changes what is mapped itself.
    pub left_alone: AtomicU32,
}

pub struct Image {
    pub plan: PlanView<'static>,
    /// Bytes that one first touch brings: a chunk. For a precise log a page, and where this crate says chunk, it is that.
    pub unit: u64,
    /// One byte for each chunk of the reserved range: 1 once it is in place.
    pub installed: &'static [AtomicU8],
    pub own: &'static OwnState,
    /// Checksum of the generation's patch, or 0.
    pub patch: u64,
    /// The generation's folder, while the loader starts.
    pub dir: i64,
}

/// A place for the image that is written once.
struct Once(UnsafeCell<MaybeUninit<Image>>);
// SAFETY: written by `publish` on the only thread there is, and only read afterwards.
unsafe impl Sync for Once {}
static STORE: Once = Once(UnsafeCell::new(MaybeUninit::uninit()));
static IMAGE: AtomicPtr<Image> = AtomicPtr::new(core::ptr::null_mut());

/// The packs of the plan; none where nothing has to be rendered.
struct Packs {
    start: AtomicPtr<Blocks<'static>>,
    count: AtomicUsize,
}
static PACKS: Packs = Packs { start: AtomicPtr::new(core::ptr::null_mut()), count: AtomicUsize::new(0) };

/// Notes the packs. Called once, before any other thread exists.
pub fn publish_packs(packs: &'static [Blocks<'static>]) {
    PACKS.start.store(packs.as_ptr().cast_mut(), Ordering::Relaxed);
    PACKS.count.store(packs.len(), Ordering::Release);
}

pub fn packs() -> &'static [Blocks<'static>] {
    let count = PACKS.count.load(Ordering::Acquire);
    if count == 0 {
        return &[];
    }
    // SAFETY: `publish_packs` stored a static slice, once.
    unsafe { core::slice::from_raw_parts(PACKS.start.load(Ordering::Relaxed), count) }
}

/// Makes `image` what the fault handler serves. Called once, before any other thread exists.
pub fn publish(image: Image) -> &'static Image {
    // SAFETY: the only write, before `IMAGE` shows the place to anybody.
    let image: &'static Image = unsafe { (*STORE.0.get()).write(image) };
    IMAGE.store(core::ptr::from_ref(image).cast_mut(), Ordering::Release);
    image
}

/// Makes the image unknown: nothing is lazy, and nobody asks for it. Called before any other thread exists.
pub fn withdraw() {
    IMAGE.store(core::ptr::null_mut(), Ordering::Release);
}

/// The image, once it was published.
pub fn current() -> Option<&'static Image> {
    // SAFETY: only `publish` stores here, a static reference to something that is not written any more.
    unsafe { IMAGE.load(Ordering::Acquire).as_ref() }
}

/// Rendering has verified an object's row of the plan before it asks for the object.
impl Objects for &'static Image {
    fn object(&self, number: u32) -> Option<ObjectView<'_>> {
        let record = self.plan.objects.get(number as usize)?;
        let pack = packs().get(record.pack as usize)?;
        ObjectView::verified(pack, shared::pod::slice(pack.bytes(), record.offset, record.len)?)
    }

    fn checked(&self, number: u32) -> Option<Blocks<'_>> {
        let record = self.plan.objects.get(number as usize)?;
        packs().get(record.pack as usize).copied()
    }
}

impl Image {
    /// The lazy region that holds `addr`.
    pub fn lazy_region(&self, addr: u64) -> Option<&'static RegionRec> {
        let region = self.plan.region_at(ImageAddr(addr))?;
        (region.kind() == Some(RegionKind::Lazy)).then_some(region)
    }

    pub fn lazy_regions(&self) -> impl Iterator<Item = &'static RegionRec> {
        self.plan
            .regions
            .iter()
            .filter(|region| region.kind() == Some(RegionKind::Lazy) && !region.is_empty())
    }

    /// Whether a part of these bytes lies in a lazy region.
    pub fn has_lazy(&self, start: u64, len: u64) -> bool {
        let end = start.saturating_add(len);
        self.lazy_regions().any(|region| start < region.end.0 && region.start.0 < end)
    }

    /// Numbers of the chunks of a lazy region.
    pub fn chunks_of(&self, region: &RegionRec) -> Range<usize> {
        self.chunk_number(region.start.0)..self.chunk_number(region.end.0 - 1) + 1
    }

    /// Numbers of all lazy chunks.
    pub fn lazy_chunks(&self) -> impl Iterator<Item = usize> {
        self.lazy_regions().flat_map(|region| self.chunks_of(region))
    }

    /// Number of the chunk that holds `addr`.
    pub fn chunk_number(&self, addr: u64) -> usize {
        ((addr - self.plan.header.base.0) / self.unit) as usize
    }

    /// First address and length of chunk `number`, cut to its region, if it is a lazy one.
    pub fn chunk_range(&self, number: usize) -> Option<(&'static RegionRec, u64, u64)> {
        let start = self.plan.header.base.0 + number as u64 * self.unit;
        let region =
            self.lazy_regions().find(|region| region.start.0 < start + self.unit && start < region.end.0)?;
        let from = start.max(region.start.0);
        Some((region, from, (start + self.unit).min(region.end.0) - from))
    }

    pub fn is_installed(&self, chunk: usize) -> bool {
        self.installed.get(chunk).is_some_and(|state| state.load(Ordering::Acquire) != 0)
    }

    pub fn set_installed(&self, chunk: usize) {
        if let Some(state) = self.installed.get(chunk) {
            state.store(1, Ordering::Release);
        }
    }

    /// Before the program starts: a chunk is not in place any more.
    pub fn set_missing(&self, chunk: usize) {
        if let Some(state) = self.installed.get(chunk) {
            state.store(0, Ordering::Release);
        }
    }
}
