//! Giving memory back: for small processes of which there is one per container.

/// From now on blocks of at least `threshold` bytes are mapped one by one and unmapped when they are freed, and
/// the heap keeps no reserve at its end (mallopt(3)).
///
/// Without this, glibc raises its own threshold with the first large block that is freed, and keeps the memory.
pub fn return_large_blocks(threshold: i32) {
    // SAFETY: mallopt only sets parameters of the allocator; an unknown value is refused, not harmful.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, threshold);
        libc::mallopt(libc::M_TRIM_THRESHOLD, threshold);
        libc::mallopt(libc::M_TOP_PAD, 0);
    }
}

/// Gives all free memory of the heap back to the system (malloc_trim(3)). Takes some microseconds.
pub fn trim() {
    // SAFETY: malloc_trim only releases memory that the allocator itself owns and that is free.
    unsafe { libc::malloc_trim(0) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_can_be_used_before_and_after() {
        let before = vec![1_u8; 100_000];
        return_large_blocks(64 * 1024);
        let after = vec![2_u8; 100_000];
        trim();
        assert_eq!(u32::from(before[99_999]) + u32::from(after[99_999]), 3);
    }
}
