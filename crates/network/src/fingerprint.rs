//! Short fingerprints of data: the same for the same bytes on every host, and no protection against anybody.

/// FNV-1a of 64 bits (draft-eastlake-fnv), started from `seed`.
pub(crate) fn of(seed: u64, bytes: &[u8]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    bytes.iter().fold(OFFSET ^ seed, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    #[test]
    fn are_those_of_the_draft() {
        assert_eq!(super::of(0, b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(super::of(0, b"foobar"), 0x8594_4171_f739_67e8);
    }
}
