//! Scheduling policy, input/output priority and execution domain of this process.

use std::io;

/// sched_setattr(2): the kernel's `struct sched_attr` without the utilisation clamps.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Scheduler {
    /// Bytes of this structure; [`Scheduler::apply`] fills it in.
    pub size: u32,
    /// `SCHED_*` number.
    pub policy: u32,
    /// `SCHED_FLAG_*` bits.
    pub flags: u64,
    /// Nice value, for the normal policies.
    pub nice: i32,
    /// Priority, for the real-time policies.
    pub priority: u32,
    /// Nanoseconds, for SCHED_DEADLINE.
    pub runtime: u64,
    /// Nanoseconds, for SCHED_DEADLINE.
    pub deadline: u64,
    /// Nanoseconds, for SCHED_DEADLINE.
    pub period: u64,
}

impl Scheduler {
    /// Gives this process the policy.
    ///
    /// # Errors
    /// `EPERM`, `EINVAL`, `EBUSY` as sched_setattr(2) says.
    pub fn apply(mut self) -> io::Result<()> {
        self.size = size_of::<Self>() as u32;
        // SAFETY: the structure lives for the time of the call and says its own size.
        let result = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const self, 0) };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

/// Sets the input/output priority: class 1 real time, 2 best effort, 3 idle; level 0 (first) to 7.
///
/// # Errors
/// `EPERM` for the real-time class without CAP_SYS_ADMIN; `EINVAL`.
pub fn set_io_priority(class: u8, level: u16) -> io::Result<()> {
    const WHO_PROCESS: libc::c_int = 1;
    let value = libc::c_int::from(class) << 13 | libc::c_int::from(level & 0x1fff);
    // SAFETY: ioprio_set takes numbers.
    let result = unsafe { libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, 0, value) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Sets the execution domain (personality(2)): 0 is Linux, 8 is 32-bit Linux.
///
/// # Errors
/// `EINVAL` for one that the kernel does not have.
pub fn set_personality(domain: u32) -> io::Result<()> {
    // SAFETY: personality takes a number.
    let result = unsafe { libc::personality(libc::c_ulong::from(domain)) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Sets a limit of this process by the resource's number (setrlimit(2)); `u64::MAX` is no limit.
///
/// # Errors
/// `EPERM` for a hard limit above the present one without CAP_SYS_RESOURCE, `EINVAL`.
pub fn set_resource_limit(resource: u32, soft: u64, hard: u64) -> io::Result<()> {
    let limit = libc::rlimit64 { rlim_cur: soft, rlim_max: hard };
    // SAFETY: the structure lives for the time of the call; no old value is asked for.
    let result = unsafe {
        libc::prlimit64(0, resource as libc::__rlimit_resource_t, &raw const limit, std::ptr::null_mut())
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
