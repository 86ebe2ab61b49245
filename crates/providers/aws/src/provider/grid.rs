//! The sizes that Fargate has: CPU in 1/1024, memory in MiB (ECS developer guide, "Task CPU and memory").

/// CPU, and least, most and step of its memory.
const SIZES: [(u64, u64, u64, u64); 7] = [
    (256, 512, 2048, 512),
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16384, 1024),
    (4096, 8192, 30720, 1024),
    (8192, 16384, 61440, 4096),
    (16384, 32768, 122_880, 8192),
];

/// The smallest size that has so much: thousand-millionths of a CPU, bytes; 0 asks for nothing.
pub(super) fn size(nano_cpus: u64, memory: u64) -> Option<(u64, u64)> {
    let cpu = nano_cpus.saturating_mul(1024).div_ceil(1_000_000_000);
    let memory = memory.div_ceil(1 << 20);
    let (size, least, _, step) =
        SIZES.into_iter().find(|(size, _, most, _)| *size >= cpu && *most >= memory)?;
    // The smallest one has half a GiB, then whole ones.
    let step = if size == 256 && memory > 1024 { 1024 } else { step };
    Some((size, memory.max(least).div_ceil(step) * step))
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_rounded_up() {
        assert_eq!(size(0, 0), Some((256, 512)));
        assert_eq!(size(250_000_000, 600 << 20), Some((256, 1024)));
        assert_eq!(size(100_000_000, 1500 << 20), Some((256, 2048)));
        assert_eq!(size(300_000_000, 0), Some((512, 1024)));
        assert_eq!(size(0, 3 << 30), Some((512, 3072)));
        assert_eq!(size(8_000_000_000, 17 << 30), Some((8192, 20480)));
        assert_eq!(size(17_000_000_000, 0), None);
        assert_eq!(size(0, 121 << 30), None);
    }
}
