//! Opens the generation: plan, patch and packs. Everything is mapped here once, so that a program that runs
//! does not notice when its files are replaced or removed.

use crate::environment::{Environment, at};
use crate::image::{self, Image, OwnState};
use crate::report::{die, die_errno, look_for_stderr, note_number, set_name};
use crate::{symbols, sys};
use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use shared::checksum::{Blocks, Summed};
use shared::image::ImagePrint;
use shared::output::{self, CONFIG, LOADER, OutputConfig};
use shared::plan::{HEADER, Patch, PatchHeader, PatchPage, PlanError, PlanHeader, PlanView};
use shared::pod;
use shared::{CHUNK, ImageAddr, PAGE};

const RELINK: &[u8] = b"; link the program again";

/// The executable's configuration page, as the kernel mapped it.
fn config(environment: &Environment) -> (&'static [u8], &'static OutputConfig) {
    // The kernel's AT_PHDR points behind the ELF header of our own file.
    let header = environment.auxiliary(at::PHDR).unwrap_or(0) & !(shared::PAGE - 1);
    if header == 0 {
        die(&[b"the kernel gave no program headers"]);
    }
    // SAFETY: the first segment of the file covers the header and the configuration page.
    let page =
        unsafe { core::slice::from_raw_parts((header + CONFIG) as *const u8, (LOADER - CONFIG) as usize) };
    match output::config(page) {
        Some(config) => (page, config),
        None => die(&[b"the executable is damaged", RELINK]),
    }
}

/// The path in the file, which build systems change when they install a program.
fn search_path(page: &'static [u8], config: &OutputConfig) -> (&'static [u8], ImageAddr) {
    if config.path_len == 0 {
        return (&[], ImageAddr(0));
    }
    let base = page.as_ptr() as u64 - CONFIG;
    // SAFETY: the linker wrote the path into a segment of the file, which the kernel mapped at this distance from
    // the configuration page; the page's checksum was verified.
    let path =
        unsafe { core::slice::from_raw_parts((base + config.path) as *const u8, config.path_len as usize) };
    (path, config.image_path)
}

/// Opens the generation's folder: where it was, or beside the executable.
fn open_generation(page: &'static [u8], config: &OutputConfig) -> i64 {
    let flags = sys::O_RDONLY | sys::O_DIRECTORY | sys::O_CLOEXEC;
    let Some(absolute) = output::c_string(page, config.absolute) else {
        die(&[b"the executable is damaged", RELINK]);
    };
    let linker = output::c_string(page, config.linker).unwrap_or(b"\0");
    symbols::remember(linker, absolute);
    // SAFETY: a C string of the configuration page.
    let mut dir = unsafe { sys::openat(sys::AT_FDCWD as u64, absolute.as_ptr() as u64, flags, 0) };
    let mut path = [0u8; 8192];
    if dir == sys::ENOENT {
        // SAFETY: reads the link into our buffer, whose second half stays for the relative path.
        let len = unsafe { sys::readlink(c"/proc/self/exe".as_ptr() as u64, path.as_mut_ptr() as u64, 4096) };
        let relative = output::c_string(page, config.relative);
        if let (true, Some(relative)) = (len > 0, relative) {
            let folder = path[..len as usize].iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
            path[folder..folder + relative.len()].copy_from_slice(relative);
            // SAFETY: a C string in our buffer.
            let moved = unsafe { sys::openat(sys::AT_FDCWD as u64, path.as_ptr() as u64, flags, 0) };
            if !sys::failed(moved) {
                dir = moved;
                let len = folder + relative.len();
                symbols::remember(linker, &path[..len]);
            }
        }
    }
    if sys::failed(dir) {
        let shown = &absolute[..absolute.len() - 1];
        die_errno(&[b"cannot open its part of the index, ", shown], dir);
    }
    look_for_stderr(dir);
    check_owner(dir, absolute);
    dir
}

/// The owner of the generation's folder, who is trusted, and the user who runs the program.
static OWNER: AtomicU32 = AtomicU32::new(0);
static USER: AtomicU32 = AtomicU32::new(0);

/// Refuses an index that somebody else could have written: its contents are executed. It may be root's, that of the user who
/// runs the program, or of the executable's owner, who could have written anything into that as well.
fn check_owner(dir: i64, path: &[u8]) {
    let shown = &path[..path.len() - 1];
    let Some(stat) = sys::fstat(dir) else { die(&[b"cannot examine ", shown]) };
    let user = sys::geteuid();
    if stat.uid != 0 && stat.uid != user && Some(stat.uid) != owner_of_executable() {
        die(&[
            b"refused: ",
            shown,
            b" belongs to another user, who does not own the executable either; link it yourself, or bake it (unfold bake)",
        ]);
    }
    OWNER.store(stat.uid, Ordering::Relaxed);
    USER.store(user, Ordering::Relaxed);
    if stat.mode & WRITABLE_BY_OTHERS != 0 {
        die(&[b"refused: ", shown, b" can be written by others (chmod go-w)"]);
    }
}

const WRITABLE_BY_OTHERS: u32 = 0o022;

/// `None` without `/proc`: a name may mean another file by now.
fn owner_of_executable() -> Option<u32> {
    const O_PATH: u64 = 0o10_000_000;
    let name = c"/proc/self/exe".as_ptr() as u64;
    // SAFETY: a C string.
    let fd = unsafe { sys::openat(sys::AT_FDCWD as u64, name, O_PATH | sys::O_CLOEXEC, 0) };
    if sys::failed(fd) {
        return None;
    }
    let stat = sys::fstat(fd);
    sys::close(fd);
    stat.map(|stat| stat.uid)
}

/// Whether nobody but those who are trusted could have written a file of the index.
pub fn is_trusted(stat: &sys::Stat) -> bool {
    let owners = [0, USER.load(Ordering::Relaxed), OWNER.load(Ordering::Relaxed)];
    owners.contains(&stat.uid) && stat.mode & WRITABLE_BY_OTHERS == 0
}

/// Whether the index is another user's: nothing is written there. Root could, and its owner would find files that are not
/// theirs.
pub fn is_of_another() -> bool {
    OWNER.load(Ordering::Relaxed) != USER.load(Ordering::Relaxed)
}

/// Refuses a file of the index that somebody else could have written.
pub fn check_file(stat: &sys::Stat, shown: &[u8]) {
    if !is_trusted(stat) {
        let folder = symbols::folder().map_or(&b"?"[..], |folder| &folder[..folder.len() - 1]);
        die(&[
            b"refused: ",
            shown,
            b" of the index (",
            folder,
            b") belongs to another user, or can be written by others (chmod go-w); or link the program again",
        ]);
    }
}

/// Maps a whole file of the generation.
fn map(dir: i64, name: &[u8], shown: &[u8], prot: u64) -> &'static mut [u8] {
    // SAFETY: `name` is a C string.
    let fd = unsafe { sys::openat(dir as u64, name.as_ptr() as u64, sys::O_RDONLY | sys::O_CLOEXEC, 0) };
    if sys::failed(fd) {
        die_errno(&[b"cannot open ", shown, b" of the index"], fd);
    }
    let Some(stat) = sys::fstat(fd) else { die(&[b"cannot examine ", shown, b" of the index"]) };
    check_file(&stat, shown);
    if stat.size == 0 {
        die(&[shown, b" of the index is empty", RELINK]);
    }
    let Some(addr) = sys::map_file(fd, stat.size, prot) else {
        die(&[b"cannot map ", shown, b" of the index: out of address space or descriptors"]);
    };
    sys::close(fd);
    // SAFETY: a new private mapping of that many bytes, which is never unmapped. The linker writes these files
    // once, under other names, and never changes them in place.
    unsafe { core::slice::from_raw_parts_mut(addr as *mut u8, stat.size as usize) }
}

/// Has the next link make everything anew: it does not read through files whose size and time are as they were. What
/// it knows of them is in the file that is removed here.
pub fn condemn() {
    let Some(folder) = symbols::folder() else { return };
    let flags = sys::O_RDONLY | sys::O_DIRECTORY | sys::O_CLOEXEC;
    // SAFETY: C strings.
    unsafe {
        let dir = sys::openat(sys::AT_FDCWD as u64, folder.as_ptr() as u64, flags, 0);
        if !sys::failed(dir) {
            sys::unlinkat(dir as u64, c"changes".as_ptr() as u64, 0);
        }
    }
}

/// Ends the program: a file of its generation is damaged.
fn refuse_own(error: PlanError, what: &[u8]) -> ! {
    condemn();
    refuse(error, what)
}

fn refuse(error: PlanError, what: &[u8]) -> ! {
    let why: &[u8] = match error {
        PlanError::Foreign => b" was written by another version of unfold",
        PlanError::Truncated => b" is truncated",
        PlanError::Damaged => b" is damaged, or belongs to another link",
        PlanError::Malformed => b" contradicts itself",
    };
    die(&[what, b" of the index", why, RELINK])
}

/// A zeroed array that lives as long as the process.
fn array<T>(count: usize) -> &'static mut [T] {
    let len = (count * size_of::<T>()).max(1) as u64;
    let Some(addr) = sys::map_anonymous(len) else { die(&[b"out of memory"]) };
    // SAFETY: a new mapping of that size, zeroed; used with atomics and with slices that are stored before
    // they are read.
    unsafe { core::slice::from_raw_parts_mut(addr as *mut T, count) }
}

/// The image, and the pages of the generation's patch.
pub struct Opened {
    pub image: Image,
    /// Where libraries are looked for, as the file says, and the place of that text in the image.
    pub search_path: (&'static [u8], ImageAddr),
    pub patch_pages: &'static [PatchPage],
    /// What the file `image` was when it was written.
    pub image_print: ImagePrint,
}

/// Maps the plan and applies the patch. Of the plan only that is verified which the start needs, and what the patch
/// replaces, so that the start does not grow with the program.
fn open_plan(dir: i64, config: &OutputConfig) -> (PlanView<'static>, &'static [PatchPage]) {
    let name = b"the plan";
    let plan = map(dir, b"plan\0", name, sys::PROT_READ | sys::PROT_WRITE);
    remember(0, plan);
    let states = array::<AtomicU8>(Blocks::states(plan.len() as u64));
    let summed = shared::plan::summed(plan).unwrap_or_else(|error| refuse_own(error, name));
    let len = summed.bytes().len() as u64;
    let Some(header) = pod::get::<PlanHeader>(plan, 0).filter(|header| header.checksum == config.plan) else {
        refuse(PlanError::Damaged, name)
    };
    let mut pages = &[][..];
    if config.patch != 0 {
        let bytes = map(dir, b"patch\0", b"the patch", sys::PROT_READ);
        remember(1, bytes);
        let is_ours = pod::get::<PatchHeader>(bytes, 0).is_some_and(|patch| patch.checksum == config.patch);
        if !is_ours {
            refuse(PlanError::Damaged, b"the patch");
        }
        let patch = Patch::new(header, bytes).unwrap_or_else(|error| refuse_own(error, b"the patch"));
        let checked = Blocks::new(summed, states);
        if !patch.replaced(plan).all(|part| checked.verify(part)) {
            refuse_own(PlanError::Damaged, name);
        }
        pages = patch.pages;
        // What is replaced counts as verified from here on.
        patch.apply(plan).unwrap_or_else(|error| refuse_own(error, b"the patch"));
    }
    let plan: &[u8] = plan;
    let Some(summed) = Summed::new(&plan[HEADER..], len) else { refuse(PlanError::Malformed, name) };
    match PlanView::with(Blocks::new(summed, states), plan) {
        Ok(view) => (view, pages),
        Err(PlanError::Damaged) => refuse_own(PlanError::Damaged, name),
        Err(error) => refuse(error, name),
    }
}

/// The mappings of plan and patch: start and length.
static MAPPINGS: [[AtomicU64; 2]; 2] = [const { [const { AtomicU64::new(0) }; 2] }; 2];

fn remember(number: usize, bytes: &[u8]) {
    MAPPINGS[number][0].store(bytes.as_ptr() as u64, Ordering::Relaxed);
    MAPPINGS[number][1].store(bytes.len() as u64, Ordering::Relaxed);
}

fn mappings() -> impl Iterator<Item = (u64, u64)> {
    let range = |[start, len]: &[AtomicU64; 2]| (start.load(Ordering::Relaxed), len.load(Ordering::Relaxed));
    MAPPINGS.iter().map(range).filter(|(_, len)| *len != 0)
}

/// Unmaps plan and patch: the program has all that they say, and nothing will be asked of them any more.
///
/// # Safety
///
/// Nobody has a reference into them, or gets one from the image, which [`image::withdraw`] has made unknown.
pub unsafe fn unmap_plan() {
    for (start, len) in mappings() {
        // SAFETY: mappings of ours; the rest is the caller's.
        unsafe { sys::munmap(start, len) };
    }
}

/// Gives back the memory of plan, patch and packs. They stay mapped: a thread may be in the handler.
pub fn release_memory() {
    const MADV_DONTNEED: u64 = 4;
    let packs =
        image::packs().iter().map(Blocks::bytes).map(|bytes| (bytes.as_ptr() as u64, bytes.len() as u64));
    for (start, len) in mappings().chain(packs).filter(|(_, len)| *len != 0) {
        // SAFETY: pages of files that nobody writes to: whoever reads them again gets what is in the file. What a patch
        // has changed of the plan concerns rendering alone, and nothing is rendered any more.
        unsafe { sys::madvise(start, len.next_multiple_of(PAGE), MADV_DONTNEED) };
    }
}

/// Opens what the executable's configuration names, and checks it.
pub fn open(environment: &Environment) -> Opened {
    let (page, config) = config(environment);
    let search_path = search_path(page, config);
    if let Some(name) = output::c_string(page, config.name) {
        set_name(&name[..name.len() - 1]);
    }
    let dir = open_generation(page, config);

    let (plan, patch_pages) = open_plan(dir, config);
    note_number(&[b"objects: "], plan.objects.len() as u64);

    let own = array::<OwnState>(1);
    // SAFETY: the page is ours; a kernel before 4.14 does not know the advice.
    unsafe { sys::madvise(own.as_ptr() as u64, shared::PAGE, sys::MADV_WIPEONFORK) };
    let unit = if environment.profile { PAGE } else { CHUNK };
    let units = plan.header.limit.offset_from(plan.header.base).div_ceil(unit);
    let image = Image {
        plan,
        unit,
        installed: array::<AtomicU8>(units as usize),
        own: &own[0],
        patch: config.patch,
        dir,
    };
    Opened { image, search_path, patch_pages, image_print: config.image }
}

/// Maps the packs, for rendering. It comes later, but before the program starts: from then on its index may be replaced.
pub fn open_packs(image: &Image) {
    let plan = &image.plan;
    let packs = array::<Blocks<'_>>(plan.packs.len());
    let mut states: &[AtomicU8] = array(plan.packs.iter().map(|pack| Blocks::states(pack.len)).sum());
    for (place, pack) in packs.iter_mut().zip(plan.packs) {
        *place = Blocks::none();
        if pack.len == 0 {
            continue;
        }
        let mut path = [0u8; 512];
        let name = pack.name.of(plan.strings);
        // The generation's folder is `outputs/<output>/<generation>` of the index.
        let prefix = b"../../../packs/";
        if name.len() + prefix.len() >= path.len() {
            refuse(PlanError::Malformed, b"the plan");
        }
        path[..prefix.len()].copy_from_slice(prefix);
        path[prefix.len()..prefix.len() + name.len()].copy_from_slice(name);
        let bytes: &'static [u8] = map(image.dir, &path, name, sys::PROT_READ);
        if (bytes.len() as u64) < pack.len {
            refuse_own(PlanError::Truncated, name);
        }
        let (own, rest) = states.split_at(Blocks::states(pack.len));
        states = rest;
        match shared::plan::pack_summed(bytes, pack) {
            Some(summed) => *place = Blocks::new(summed, own),
            None => refuse_own(PlanError::Damaged, name),
        }
    }
    image::publish_packs(packs);
}
