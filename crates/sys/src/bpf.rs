//! bpf(2) for device rules on cgroup v2: loading a program and attaching it to a directory.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

const PROGRAM_LOAD: libc::c_int = 5;
const PROGRAM_ATTACH: libc::c_int = 8;
const PROGRAM_DETACH: libc::c_int = 9;
const PROGRAM_BY_ID: libc::c_int = 13;
const PROGRAM_QUERY: libc::c_int = 16;
const TYPE_CGROUP_DEVICE: u32 = 15;
const ATTACH_CGROUP_DEVICE: u32 = 6;
const ALLOW_MULTIPLE: u32 = 2;

#[repr(C)]
#[derive(Default)]
struct Load {
    program_type: u32,
    instruction_count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buffer: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
}

#[repr(C)]
#[derive(Default)]
struct Attach {
    target: u32,
    program: u32,
    attach_type: u32,
    flags: u32,
    replace: u32,
}

#[repr(C)]
#[derive(Default)]
struct Query {
    target: u32,
    attach_type: u32,
    query_flags: u32,
    attach_flags: u32,
    programs: u64,
    count: u32,
    padding: u32,
}

fn bpf<T>(command: libc::c_int, argument: &mut T) -> io::Result<libc::c_long> {
    // SAFETY: the argument is a prefix of `union bpf_attr`, valid for the call; its size is passed.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, &raw mut *argument, size_of::<T>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Loads a device program: eBPF instructions of 8 bytes each, as the kernel's `struct bpf_insn` lies in memory.
///
/// # Errors
/// `EACCES`, `EINVAL` when the verifier refuses it, `EPERM` without CAP_BPF or CAP_SYS_ADMIN.
pub fn load_device_program(instructions: &[u64]) -> io::Result<OwnedFd> {
    let mut argument = Load {
        program_type: TYPE_CGROUP_DEVICE,
        instruction_count: instructions.len() as u32,
        instructions: instructions.as_ptr() as u64,
        license: c"Apache-2.0".as_ptr() as u64,
        ..Default::default()
    };
    let fd = bpf(PROGRAM_LOAD, &mut argument)?;
    // SAFETY: a successful load returns a fresh descriptor.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// Attaches the program to a cgroup v2 directory, beside those that are there; all must allow an access.
///
/// # Errors
/// As bpf(2) `BPF_PROG_ATTACH`.
pub fn attach_device_program(cgroup: BorrowedFd<'_>, program: BorrowedFd<'_>) -> io::Result<()> {
    let mut argument = Attach {
        target: cgroup.as_raw_fd() as u32,
        program: program.as_raw_fd() as u32,
        attach_type: ATTACH_CGROUP_DEVICE,
        flags: ALLOW_MULTIPLE,
        ..Default::default()
    };
    bpf(PROGRAM_ATTACH, &mut argument).map(|_| ())
}

/// Takes a program off the directory.
///
/// # Errors
/// `ENOENT` when it is not attached there.
pub fn detach_device_program(cgroup: BorrowedFd<'_>, program: BorrowedFd<'_>) -> io::Result<()> {
    let mut argument = Attach {
        target: cgroup.as_raw_fd() as u32,
        program: program.as_raw_fd() as u32,
        attach_type: ATTACH_CGROUP_DEVICE,
        ..Default::default()
    };
    bpf(PROGRAM_DETACH, &mut argument).map(|_| ())
}

/// The device programs attached to this directory itself (at most 64).
///
/// # Errors
/// As bpf(2) `BPF_PROG_QUERY`.
pub fn device_programs(cgroup: BorrowedFd<'_>) -> io::Result<Vec<OwnedFd>> {
    let mut identifiers = [0_u32; 64];
    let mut argument = Query {
        target: cgroup.as_raw_fd() as u32,
        attach_type: ATTACH_CGROUP_DEVICE,
        programs: identifiers.as_mut_ptr() as u64,
        count: identifiers.len() as u32,
        ..Default::default()
    };
    bpf(PROGRAM_QUERY, &mut argument)?;
    identifiers
        .iter()
        .take(argument.count as usize)
        .map(|identifier| {
            let mut argument = [*identifier, 0, 0];
            let fd = bpf(PROGRAM_BY_ID, &mut argument)?;
            // SAFETY: a successful call returns a fresh descriptor.
            Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
        })
        .collect()
}
