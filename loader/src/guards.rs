//! In front of libc while something is lazy ([`shared::guards`]): the addresses that the rows of the program's `.dynsym`
//! get, and what is done there before libc's function runs.
//!
//! That function then finds registers and stack as its caller left them, and returns to the caller: nothing of ours is
//! on the stack for unwinders, cancellation, `setjmp` or `vfork` to see.

use crate::environment::{Environment, at};
use crate::image::{self, Image};
use crate::{background, debugger, finish, masks, symbols, sys, wishes};
use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use shared::guards::{GUARDS, Own, Rule};
use shared::plan::GuardTable;

/// Bytes of the code of each guard.
const THUNK: u64 = 16;

core::arch::global_asm!(
    ".balign 16",
    ".globl unfold_thunks",
    ".hidden unfold_thunks",
    "unfold_thunks:",
    ".rept {count}",
    ".balign 16",
    "endbr64",
    "call unfold_guard", // which guard this is, the address that it pushes tells
    ".endr",
    "unfold_guard:",
    "push %rax", // the number of vector registers, for functions with variable arguments
    "push %rdi",
    "push %rsi",
    "push %rdx",
    "push %rcx",
    "push %r8",
    "push %r9",
    "push %r10",
    "mov %rsp, %rdi",
    "call {before}",
    "mov %rax, 64(%rsp)",
    "pop %r10",
    "pop %r9",
    "pop %r8",
    "pop %rcx",
    "pop %rdx",
    "pop %rsi",
    "pop %rdi",
    "pop %rax",
    "add $8, %rsp",
    "jmp *-8(%rsp)",
    // Where the program begins, behind the dynamic linker: with its stack and rdx, a function for atexit (psABI 3.4.1).
    ".globl unfold_entry",
    ".hidden unfold_entry",
    "unfold_entry:",
    "push %rdx",
    "push %rdx",
    "call {enter}",
    "pop %rdx",
    "pop %rdx",
    "jmp *%rax",
    count = const GUARDS.len(),
    before = sym before,
    enter = sym enter,
    options(att_syntax)
);
unsafe extern "C" {
    fn unfold_thunks();
    fn unfold_entry();
}

/// What a caller has left in registers, and where its guard is.
#[repr(C)]
struct Call {
    r10: u64,
    r9: u64,
    r8: u64,
    rcx: u64,
    rdx: u64,
    rsi: u64,
    rdi: u64,
    rax: u64,
    guard: u64,
}

type Arguments = [u64; 6];

/// The image's table, once the guards stand.
static TABLE: AtomicPtr<GuardTable> = AtomicPtr::new(core::ptr::null_mut());
/// The program's entry, and where the auxiliary vector says so.
static ENTRY: AtomicU64 = AtomicU64::new(0);
static ENTRY_PLACE: AtomicPtr<u64> = AtomicPtr::new(core::ptr::null_mut());

fn table() -> Option<&'static GuardTable> {
    // SAFETY: null, or the table of the image, which stays.
    unsafe { TABLE.load(Ordering::Acquire).as_ref() }
}

/// Has the dynamic linker bind calls to the guards: to all, or to those of all launches. Nothing but the loader runs yet.
pub fn stand(image: &'static Image, is_lazy: bool) {
    let place = image.plan.header.guards;
    let Some(region) = image.plan.region_at(place).filter(|_| place.0 != 0) else { return };
    if region.end.offset_from(place) < size_of::<GuardTable>() as u64 {
        return;
    }
    // SAFETY: the linker's table, in memory that was mapped for reading.
    let table = unsafe { &*(place.0 as *const GuardTable) };
    let is_wanted = |number: &usize| table.rows[*number].0 != 0 && stands(*number, is_lazy);
    let numbers = || (0..GUARDS.len()).filter(is_wanted);
    let rows = || numbers().map(|number| table.rows[number]);
    let (Some(first), Some(last)) = (rows().min(), rows().max()) else { return };
    let fits = |row: &shared::ImageAddr| {
        row.0.is_multiple_of(8) && region.start <= *row && row.0 + size_of::<Row>() as u64 <= region.end.0
    };
    if !fits(&first) || !fits(&last) {
        return;
    }
    let start = first.page_start().0;
    let len = last.0 + size_of::<Row>() as u64 - start;
    // SAFETY: rows of `.dynsym`, in pages of the image that are private to this process.
    unsafe {
        if sys::failed(sys::mprotect(start, len, sys::PROT_READ | sys::PROT_WRITE)) {
            return;
        }
        for number in numbers() {
            let row = &mut *(table.rows[number].0 as *mut Row);
            (row.info, row.section) = (Row::GLOBAL_FUNCTION, Row::ABSOLUTE);
            row.value = unfold_thunks as *const () as u64 + number as u64 * THUNK;
        }
        sys::mprotect(start, len, region.prot.into());
    }
    TABLE.store(core::ptr::from_ref(table).cast_mut(), Ordering::Release);
}

/// Whether a guard is in force.
fn stands(number: usize, is_lazy: bool) -> bool {
    is_lazy || GUARDS[number].rule == Rule::Open
}

/// A row of `.dynsym` (`Elf64_Sym`; gABI, "Symbol Table").
#[repr(C)]
struct Row {
    name: u32,
    info: u8,
    other: u8,
    section: u16,
    value: u64,
    size: u64,
}

impl Row {
    /// `STB_GLOBAL` and `STT_FUNC`; `SHN_ABS`: its value is an address, wherever the program was loaded.
    const GLOBAL_FUNCTION: u8 = 1 << 4 | 2;
    const ABSOLUTE: u16 = 0xfff1;
}

/// Whether anything was lazy at the start.
static IS_LAZY: AtomicBool = AtomicBool::new(false);

/// The dynamic linker is told to go on at ours instead of the program's entry.
pub fn stand_at_entry(image: &'static Image, environment: &Environment, is_lazy: bool) {
    if !debugger::is_known() && table().is_none() {
        return;
    }
    IS_LAZY.store(is_lazy, Ordering::Relaxed);
    ENTRY.store(image.plan.header.entry.0, Ordering::Relaxed);
    ENTRY_PLACE.store(environment.auxiliary_place(at::ENTRY), Ordering::Relaxed);
    environment.set_auxiliary(at::ENTRY, unfold_entry as *const () as u64);
}

/// The dynamic linker is done, and the constructors of libraries have run. Returns where the program begins.
extern "C" fn enter() -> u64 {
    let entry = ENTRY.load(Ordering::Relaxed);
    let place = ENTRY_PLACE.load(Ordering::Relaxed);
    if !place.is_null() {
        // SAFETY: the auxiliary vector, on the stack below which the program begins.
        unsafe { place.write(entry) };
    }
    debugger::publish();
    let is_lazy = IS_LAZY.load(Ordering::Relaxed);
    // Now, and not at a first call: that may be in a signal handler, while the dynamic linker is at work, or where a sanitizer
    // prints its report and has memory of its own, to which messages of searches that failed before do not belong.
    for (number, row) in table().iter().flat_map(|table| table.rows.iter().enumerate()) {
        if row.0 != 0 && stands(number, is_lazy) {
            real(number);
        }
    }
    if !is_lazy {
        return entry;
    }
    if image::current().is_some() && !finish::is_filled() && !is_interposed() {
        wishes::take_back();
        masks::unblock();
    }
    entry
}

/// The address of libc's function behind a guard, or of that of a library that comes before it.
pub fn real(number: usize) -> u64 {
    static REAL: [AtomicU64; GUARDS.len()] = [const { AtomicU64::new(0) }; GUARDS.len()];
    const RTLD_NEXT: u64 = u64::MAX;
    let known = REAL[number].load(Ordering::Relaxed);
    if known != 0 {
        return known;
    }
    let missing = missing as *const () as u64;
    // SAFETY: an entry of the GOT, in memory that was mapped for reading.
    let is_ready = |table: &GuardTable| unsafe { (table.slot.0 as *const u64).read_volatile() } != 0;
    if !table().is_some_and(is_ready) {
        // The dynamic linker has not got there yet.
        return missing;
    }
    // A search that finds nothing allocates memory for the message, and an allocator may be who calls.
    static SEARCHING: AtomicU64 = AtomicU64::new(0);
    let thread = sys::gettid();
    if SEARCHING.load(Ordering::Relaxed) == thread {
        return missing;
    }
    SEARCHING.store(thread, Ordering::Relaxed);
    let found = search(RTLD_NEXT, GUARDS[number].name);
    SEARCHING.store(0, Ordering::Relaxed);
    let found = if found == 0 { missing } else { found };
    REAL[number].store(found, Ordering::Relaxed);
    found
}

/// `dlsym`, called by the image.
fn search(handle: u64, name: &CStr) -> u64 {
    let Some(table) = table() else { return 0 };
    // SAFETY: code of the linker's that calls libc's function with these arguments.
    unsafe {
        let search: unsafe extern "C" fn(u64, *const core::ffi::c_char) -> u64 =
            core::mem::transmute::<u64, _>(table.search.0);
        search(handle, name.as_ptr())
    }
}

/// What a function is that no library has.
extern "C" fn missing() -> i64 {
    -1
}

/// The number of the guard that a function of ours is for.
pub fn number_of(own: Own) -> usize {
    GUARDS.iter().position(|guard| guard.rule == Rule::Own(own)).unwrap_or(0)
}

/// Runs in front of a guarded function. Returns where to go on.
extern "C" fn before(call: &Call) -> u64 {
    let number = ((call.guard - unfold_thunks as *const () as u64) / THUNK) as usize;
    let rule = GUARDS[number].rule;
    match rule {
        Rule::Own(_) if wishes::is_gone() => {}
        Rule::Own(own) if !is_interposed() => return function_of(own),
        // Somebody else wants to see what the program asks for, and hands it on, or not.
        Rule::Own(_) => obey(Rule::Share, &[0; 6]),
        _ => obey(rule, &[call.rdi, call.rsi, call.rdx, call.rcx, call.r8, call.r9]),
    }
    if rule == Rule::Open {
        // SAFETY: a C string, or what libc's function would crash at as well.
        unsafe { symbols::opening(call.rdi as *const u8) };
    }
    real(number)
}

/// Whether a library stands before libc itself, for one of the functions that ours take the place of. libc's have a version,
/// and others do not.
fn is_interposed() -> bool {
    static KNOWN: AtomicU64 = AtomicU64::new(0);
    const NO: u64 = 1;
    const YES: u64 = 2;
    const RTLD_DEFAULT: u64 = 0;
    let known = KNOWN.load(Ordering::Relaxed);
    if known != 0 {
        return known == YES;
    }
    let search_version = search(RTLD_DEFAULT, c"dlvsym");
    if search_version == 0 {
        return false;
    }
    let is_libcs = |number: usize| {
        // SAFETY: libc's function has this type.
        let found = unsafe {
            type Text = *const core::ffi::c_char;
            let search: unsafe extern "C" fn(u64, Text, Text) -> u64 = core::mem::transmute(search_version);
            search(RTLD_DEFAULT, GUARDS[number].name.as_ptr(), c"GLIBC_2.2.5".as_ptr())
        };
        found == 0 || found == real(number)
    };
    let mut own = (0..GUARDS.len()).filter(|number| matches!(GUARDS[*number].rule, Rule::Own(_)));
    let is_interposed = !own.all(is_libcs);
    KNOWN.store(if is_interposed { YES } else { NO }, Ordering::Relaxed);
    is_interposed
}

fn function_of(own: Own) -> u64 {
    match own {
        Own::Sigaction => wishes::sigaction as *const () as u64,
        Own::Signal => wishes::signal as *const () as u64,
        Own::Sigprocmask => masks::sigprocmask as *const () as u64,
        Own::PthreadSigmask => masks::pthread_sigmask as *const () as u64,
    }
}

fn obey(rule: Rule, arguments: &Arguments) {
    let Some(image) = image::current().filter(|_| !wishes::is_gone()) else { return };
    let argument = |number: usize| arguments[number];
    let is_lazy = |start: u64, len: u64| !finish::is_filled() && image.has_lazy(start, len);
    let must_fill = match rule {
        Rule::Own(_) => false,
        Rule::Fill => true,
        Rule::Memory(start, len) => {
            let is_code = image.has_lazy(argument(start), argument(len));
            if is_code {
                finish::leave_alone(image);
            }
            is_code && !finish::is_filled()
        }
        Rule::Items(start, size, count) => {
            is_lazy(argument(start), argument(size).saturating_mul(argument(count)))
        }
        Rule::Pieces(vector, count) => has_lazy_piece(argument(vector), argument(count), is_lazy),
        Rule::Message(at) => {
            let mut message = [0u64; 4];
            // Offsets of `struct msghdr`: msg_iov 16, msg_iovlen 24.
            !finish::is_filled()
                && copy_in(argument(at), &mut message)
                && has_lazy_piece(message[2], message[3], is_lazy)
        }
        Rule::Open => !finish::is_filled() && is_memory_of_process(argument(0)),
        Rule::Path(at) => !finish::is_filled() && is_memory_of_process(argument(at)),
        Rule::Settle => {
            masks::settle(image);
            false
        }
        Rule::Mask | Rule::Thread => {
            if rule == Rule::Thread {
                wishes::THREADS.store(true, Ordering::SeqCst);
            }
            if masks::believed() != 0 {
                masks::settle(image);
            }
            false
        }
        Rule::Set(at) => {
            settle_for_set(image, argument(at));
            false
        }
        Rule::SetIn(at, offset) => {
            settle_for_set(image, argument(at).wrapping_add(offset));
            false
        }
        Rule::Start => {
            if wishes::is_ignoring() {
                wishes::leave_to_kernel(image);
            } else if masks::believed() != 0 {
                masks::settle(image);
            }
            false
        }
        Rule::Action => {
            if [sys::SIGSEGV, sys::SIGBUS].contains(&(argument(0) & 0xffff_ffff)) {
                wishes::leave_to_kernel(image);
            }
            false
        }
        Rule::If(at, numbers) => is_one_of(argument(at), numbers),
        Rule::Stack(at) => argument(at) < SMALL_STACK,
        Rule::StackAt(at, offset) => {
            stack_of(argument(at).wrapping_add(offset)).is_some_and(|size| size < SMALL_STACK)
        }
        Rule::AlternateStack => {
            stack_of(argument(0)).is_some_and(|size| size < SMALL_ALTERNATE_STACK || wishes::uses_stack(size))
        }
        Rule::Share => {
            wishes::leave_to_kernel(image);
            false
        }
        Rule::Alone => {
            alone(image);
            false
        }
        Rule::AloneIf(at, numbers) => {
            if is_one_of(argument(at), numbers) {
                alone(image);
            }
            false
        }
        Rule::Number => {
            if let Some(rule) = rule_of(argument(0)) {
                let [_, a, b, c, d, e] = *arguments;
                obey(rule, &[a, b, c, d, e, 0]);
            }
            false
        }
    };
    if must_fill {
        finish::fill(image);
    }
}

/// Before signals are waited for with a set, or held back by one that libc sets.
fn settle_for_set(image: &'static Image, at: u64) {
    let mut set = [0u64];
    if masks::believed() != 0 || (copy_in(at, &mut set) && set[0] & masks::OURS != 0) {
        masks::settle(image);
    }
}

fn is_one_of(argument: u64, numbers: &[u64]) -> bool {
    numbers.contains(&(argument & 0xffff_ffff))
}

/// A first touch needs some 6 KiB of stack, most of it for the kernel's frame, and more with the next processors.
const SMALL_STACK: u64 = 64 << 10;
/// On an alternate stack only faults are served, for a program that wants its own faults there.
const SMALL_ALTERNATE_STACK: u64 = 8 << 10;

/// The size of the stack that a `stack_t` describes, if it is one.
fn stack_of(at: u64) -> Option<u64> {
    const SS_DISABLE: u64 = 2;
    // Start, flags, size.
    let mut stack = [0u64; 3];
    (!finish::is_filled() && copy_in(at, &mut stack) && stack[1] & SS_DISABLE == 0).then_some(stack[2])
}

/// Everything is put in place, and the background ends.
fn alone(image: &'static Image) {
    finish::fill(image);
    background::stop();
}

/// What holds for a system call that is made by its number (arch/x86/entry/syscalls/syscall_64.tbl).
fn rule_of(number: u64) -> Option<Rule> {
    const SIGACTION: u64 = 13;
    // Calls whose name is the guard's.
    const NAMES: [(u64, &CStr); 40] = [
        (1, c"write"),
        (2, c"open"),
        (9, c"mmap"),
        (10, c"mprotect"),
        (11, c"munmap"),
        (18, c"pwrite64"),
        (20, c"writev"),
        (25, c"mremap"),
        (28, c"madvise"),
        (44, c"sendto"),
        (46, c"sendmsg"),
        (56, c"clone"),
        (57, c"fork"),
        (58, c"vfork"),
        (59, c"execve"),
        (101, c"ptrace"),
        (105, c"setuid"),
        (106, c"setgid"),
        (113, c"setreuid"),
        (114, c"setregid"),
        (116, c"setgroups"),
        (117, c"setresuid"),
        (119, c"setresgid"),
        (122, c"setfsuid"),
        (123, c"setfsgid"),
        (126, c"capset"),
        (149, c"mlock"),
        (131, c"sigaltstack"),
        (151, c"mlockall"),
        (157, c"prctl"),
        (160, c"setrlimit"),
        (257, c"openat"),
        (272, c"unshare"),
        (302, c"prlimit64"),
        (308, c"setns"),
        (310, c"process_vm_readv"),
        (317, c"seccomp"),
        (322, c"execveat"),
        (329, c"pkey_mprotect"),
        (435, c"clone"),
    ];
    // rt_sigprocmask, rt_sigpending, rt_sigtimedwait, rt_sigsuspend, pselect6, ppoll, epoll_pwait, signalfd, signalfd4,
    // epoll_pwait2: with sets of signals, or about what is held back.
    const SETS: [u64; 10] = [14, 127, 128, 130, 270, 271, 281, 282, 289, 441];
    const LANDLOCK_RESTRICT_SELF: u64 = 446;
    if number == SIGACTION {
        // Also for other signals: their masks are the kernel's.
        return Some(Rule::Share);
    }
    if number == LANDLOCK_RESTRICT_SELF {
        return Some(Rule::Alone);
    }
    if SETS.contains(&number) {
        return Some(Rule::Settle);
    }
    let (_, name) = NAMES.iter().find(|(there, _)| *there == number)?;
    GUARDS.iter().find(|guard| guard.name == *name).map(|guard| guard.rule)
}

/// Copies words of the program's memory, which may not be there. Returns whether all of them are.
fn copy_in(from: u64, words: &mut [u64]) -> bool {
    let len = size_of_val(words);
    // SAFETY: the bytes of these words, any of which make words.
    let bytes = unsafe { core::slice::from_raw_parts_mut(words.as_mut_ptr().cast::<u8>(), len) };
    from != 0 && sys::copy_own(from, bytes) == len as i64
}

/// Whether one of `count` pieces (`struct iovec`) lies in lazy memory.
fn has_lazy_piece(vector: u64, count: u64, is_lazy: impl Fn(u64, u64) -> bool) -> bool {
    const MOST: u64 = 1024; // UIO_MAXIOV
    if finish::is_filled() {
        return false;
    }
    (0..count.min(MOST)).any(|number| {
        let mut piece = [0u64; 2];
        copy_in(vector + number * 16, &mut piece) && is_lazy(piece[0], piece[1])
    })
}

/// Whether a path is `/proc/.../mem`, or may be, from some folder.
fn is_memory_of_process(path: u64) -> bool {
    let mut bytes = [0u8; 64];
    if path == 0 {
        return false;
    }
    // What follows may end at a page that is not there: what was read counts.
    sys::copy_own(path, &mut bytes);
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    (text.starts_with(b"/proc/") || !text.starts_with(b"/")) && (text.ends_with(b"/mem") || text == b"mem")
}
