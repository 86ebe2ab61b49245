//! Capabilities of this thread: five sets, as bit masks (bit N = capability number N, capabilities(7)).

use std::io;

use rustix::thread::{CapabilitySet, CapabilitySets};

/// Sets the effective, permitted and inheritable sets.
///
/// # Errors
/// `EPERM` when a capability would be gained.
pub fn set(effective: u64, permitted: u64, inheritable: u64) -> io::Result<()> {
    Ok(rustix::thread::set_capabilities(
        None,
        CapabilitySets {
            effective: CapabilitySet::from_bits_retain(effective),
            permitted: CapabilitySet::from_bits_retain(permitted),
            inheritable: CapabilitySet::from_bits_retain(inheritable),
        },
    )?)
}

/// The (effective, permitted, inheritable) sets.
///
/// # Errors
/// As capget(2).
pub fn get() -> io::Result<(u64, u64, u64)> {
    let sets = rustix::thread::capabilities(None)?;
    Ok((sets.effective.bits(), sets.permitted.bits(), sets.inheritable.bits()))
}

/// All capabilities that this kernel knows, found by asking for each number in turn.
pub fn known() -> u64 {
    (0..64)
        .take_while(|number| bounding_contains(*number).is_some())
        .fold(0, |mask, number| mask | 1 << number)
}

/// The bounding set.
pub fn bounding() -> u64 {
    (0..64)
        .map_while(|number| bounding_contains(number).map(|present| u64::from(present) << number))
        .fold(0, |mask, bit| mask | bit)
}

/// Drops everything but `keep` from the bounding set, for good.
///
/// # Errors
/// `EPERM` without CAP_SETPCAP.
pub fn limit_bounding(keep: u64) -> io::Result<()> {
    for number in (0..64).filter(|number| keep & 1 << number == 0) {
        // SAFETY: PR_CAPBSET_DROP takes a number.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, number as libc::c_ulong, 0, 0, 0) } != 0 {
            match io::Error::last_os_error() {
                // Past the last capability that this kernel knows.
                error if error.raw_os_error() == Some(libc::EINVAL) => break,
                error => return Err(error),
            }
        }
    }
    Ok(())
}

/// Makes `mask` the ambient set. What is not both permitted and inheritable cannot be ambient.
///
/// # Errors
/// `EPERM` for such a capability.
pub fn set_ambient(mask: u64) -> io::Result<()> {
    rustix::thread::clear_ambient_capability_set()?;
    for number in 0..64 {
        if mask & 1 << number != 0 {
            // SAFETY: PR_CAP_AMBIENT_RAISE takes numbers.
            let result = unsafe {
                libc::prctl(
                    libc::PR_CAP_AMBIENT,
                    libc::PR_CAP_AMBIENT_RAISE as libc::c_ulong,
                    number as libc::c_ulong,
                    0,
                    0,
                )
            };
            if result != 0 {
                return Err(io::Error::last_os_error());
            }
        }
    }
    Ok(())
}

/// Whether a change of the user away from 0 keeps the permitted set; cleared by the next execve.
///
/// # Errors
/// `EPERM` when securebits forbid it.
pub fn keep_across_user_change(keep: bool) -> io::Result<()> {
    Ok(rustix::thread::set_keep_capabilities(keep)?)
}

/// `None` when the kernel does not know that number.
fn bounding_contains(number: u32) -> Option<bool> {
    // SAFETY: PR_CAPBSET_READ takes a number.
    match unsafe { libc::prctl(libc::PR_CAPBSET_READ, number as libc::c_ulong, 0, 0, 0) } {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_kernel_knows_at_least_the_classic_capabilities() {
        assert_eq!(super::known() & 0x1ff_ffff, 0x1ff_ffff);
        assert_eq!(super::bounding() & !super::known(), 0);
    }
}
