//! Processes that nobody waits for: what they let go of, and their priority.
#![allow(unsafe_code)]

use std::os::fd::AsRawFd;

/// To be called first: this process has no descriptors but the standard ones. Somebody may wait for the end of a pipe that
/// came from the build.
pub fn keep_standard_descriptors_alone() {
    // SAFETY: nothing has been opened yet, so no descriptor behind the standard ones is anybody's in this process.
    unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
}

/// This thread, and those that it starts, run when nothing else wants to (sched(7), SCHED_IDLE; ioprio_set(2), the idle
/// class), and the process is the first to go when memory is short. Where the kernel refuses, it is as polite as it may be.
pub fn take_what_is_left_of_the_machine() {
    const IOPRIO_WHO_PROCESS: libc::c_int = 1;
    const IOPRIO_CLASS_IDLE: libc::c_int = 3 << 13;
    let none = libc::sched_param { sched_priority: 0 };
    // SAFETY: numbers, and a struct of ours that is read.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, 19);
        libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const none);
        libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_CLASS_IDLE);
    }
    std::fs::write("/proc/self/oom_score_adj", "1000").ok();
    // The output before the link, which goes now (`emit::Replaced`).
    if let Ok(nothing) = std::fs::File::open("/dev/null") {
        // SAFETY: descriptors of this process, the second of which nobody reads from.
        unsafe { libc::dup2(nothing.as_raw_fd(), libc::STDIN_FILENO) };
    }
}
