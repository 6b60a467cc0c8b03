//! What the kernel put on the initial stack: arguments, environment, auxiliary vector (psABI 3.4.1).

/// Entries of the auxiliary vector that the loader reads or changes.
pub mod at {
    pub const NULL: u64 = 0;
    pub const PHDR: u64 = 3;
    pub const PHENT: u64 = 4;
    pub const PHNUM: u64 = 5;
    pub const BASE: u64 = 7;
    pub const ENTRY: u64 = 9;
    pub const SECURE: u64 = 23;
    pub const EXECFN: u64 = 31;
}

/// What `UNFOLD_PAGER` asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PagerChoice {
    Auto,
    Uffd,
    Signal,
    Eager,
}

pub struct Environment {
    auxv: *mut [u64; 2],
    /// `argv` and `envp`.
    pub arguments: *const u64,
    pub variables: *const u64,
    /// A debugger, or strace, has started the process.
    pub watched: bool,
    pub pager: PagerChoice,
    pub prefetch: bool,
    /// Nothing is done ahead but what the run before did.
    pub background: bool,
    pub keep: bool,
    /// A precise log is asked for: nothing is kept or prefetched, and a touch brings one page.
    pub profile: bool,
    /// `UNFOLD_TRACED=lazy`: first touches also under a debugger.
    pub traced: bool,
    pub log: bool,
    pub secure: bool,
}

impl Environment {
    /// # Safety
    ///
    /// `stack` is the stack pointer that the kernel started the process with.
    pub unsafe fn read(stack: *mut u64) -> Self {
        let mut environment = Self {
            auxv: core::ptr::null_mut(),
            arguments: core::ptr::null(),
            variables: core::ptr::null(),
            watched: false,
            pager: PagerChoice::Auto,
            prefetch: true,
            background: true,
            keep: true,
            profile: false,
            traced: false,
            log: false,
            secure: false,
        };
        // SAFETY: argc, then argv and envp, each ended by a null pointer, then the auxiliary vector; strings
        // end with a zero byte.
        unsafe {
            let argc = *stack as usize;
            let mut at = stack.add(1 + argc + 1);
            (environment.arguments, environment.variables) = (stack.add(1), at);
            while *at != 0 {
                environment.variable(core::ffi::CStr::from_ptr(*at as *const core::ffi::c_char).to_bytes());
                at = at.add(1);
            }
            environment.auxv = at.add(1).cast();
        }
        environment.secure = environment.auxiliary(at::SECURE).unwrap_or(0) != 0;
        environment.watched = !environment.traced && crate::sys::is_traced();
        environment
    }

    fn variable(&mut self, variable: &[u8]) {
        let Some(name) = variable.strip_prefix(b"UNFOLD_") else { return };
        if let Some(value) = name.strip_prefix(b"PAGER=") {
            self.pager = match value {
                b"uffd" => PagerChoice::Uffd,
                b"signal" => PagerChoice::Signal,
                b"eager" => PagerChoice::Eager,
                b"auto" | b"" => PagerChoice::Auto,
                _ => crate::report::die(&[b"UNFOLD_PAGER is none of auto, uffd, signal, eager"]),
            };
        } else if let Some(value) = name.strip_prefix(b"TRACED=") {
            self.traced = value == b"lazy";
        } else if let Some(value) = name.strip_prefix(b"PREFETCH=") {
            self.prefetch = !matches!(value, b"off" | b"0");
        } else if let Some(value) = name.strip_prefix(b"BACKGROUND=") {
            self.background = !matches!(value, b"off" | b"0");
        } else if let Some(value) = name.strip_prefix(b"KEEP=") {
            self.keep = !matches!(value, b"off" | b"0");
        } else if let Some(value) = name.strip_prefix(b"PROFILE=") {
            self.profile = !matches!(value, b"" | b"off" | b"0");
        } else if let Some(value) = name.strip_prefix(b"LOG=") {
            self.log = !matches!(value, b"" | b"0");
        }
    }

    fn entry(&self, key: u64) -> Option<*mut [u64; 2]> {
        let mut at = self.auxv;
        // SAFETY: the vector ends with AT_NULL.
        unsafe {
            while (*at)[0] != at::NULL {
                if (*at)[0] == key {
                    return Some(at);
                }
                at = at.add(1);
            }
        }
        None
    }

    /// The value of an entry of the auxiliary vector.
    pub fn auxiliary(&self, key: u64) -> Option<u64> {
        // SAFETY: `entry` returns entries of the vector.
        self.entry(key).map(|entry| unsafe { (*entry)[1] })
    }

    /// Where the value of an entry is, or null.
    pub fn auxiliary_place(&self, key: u64) -> *mut u64 {
        self.entry(key).map_or(core::ptr::null_mut(), |entry| entry.cast::<u64>().wrapping_add(1))
    }

    /// Changes an entry of the auxiliary vector, which the dynamic linker and the program will read.
    pub fn set_auxiliary(&self, key: u64, value: u64) {
        if let Some(entry) = self.entry(key) {
            // SAFETY: the vector is on our stack, and nothing else reads it yet.
            unsafe { (*entry)[1] = value };
        }
    }
}
