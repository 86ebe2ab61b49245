//! Which stretches of a file are there.

use std::ops::Range;

/// Bytes of one entry on the disk: start and end, little-endian.
const ENTRY: usize = 16;

/// Stretches in order; no two touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stretches(Vec<Range<u64>>);

/// One stretch as it is written to the disk.
pub(super) fn entry(range: Range<u64>) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    entry[..8].copy_from_slice(&range.start.to_le_bytes());
    entry[8..].copy_from_slice(&range.end.to_le_bytes());
    entry
}

impl Stretches {
    /// Reads entries; what is torn, or beyond the file's length, counts for nothing.
    pub(super) fn parse(bytes: &[u8], length: u64) -> Self {
        let mut stretches = Self::default();
        for entry in bytes.chunks_exact(ENTRY) {
            let (start, end) = entry.split_at(8);
            let number = |half: &[u8]| u64::from_le_bytes(half.try_into().unwrap_or_default());
            let range = number(start)..number(end).min(length);
            if range.start < range.end {
                stretches.add(range);
            }
        }
        stretches
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        self.0.iter().flat_map(|range| entry(range.clone())).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a stretch, joining it with those that it touches.
    pub(super) fn add(&mut self, mut new: Range<u64>) {
        let first = self.0.partition_point(|range| range.end < new.start);
        let mut last = first;
        while let Some(range) = self.0.get(last).filter(|range| range.start <= new.end) {
            new = new.start.min(range.start)..new.end.max(range.end);
            last += 1;
        }
        self.0.splice(first..last, [new]);
    }

    /// How many bytes are there from a position on, without a gap.
    pub(super) fn from(&self, position: u64) -> u64 {
        let index = self.0.partition_point(|range| range.end <= position);
        self.0.get(index).filter(|range| range.start <= position).map_or(0, |range| range.end - position)
    }

    /// What is missing of `size` bytes, in pieces of at most `longest`.
    pub(super) fn gaps(&self, size: u64, longest: u64) -> Vec<Range<u64>> {
        let mut gaps = Vec::new();
        let mut position = 0;
        let mut gap = |mut start: u64, end: u64| {
            while start < end {
                let stop = end.min(start + longest);
                gaps.push(start..stop);
                start = stop;
            }
        };
        for range in &self.0 {
            gap(position, range.start.min(size));
            position = range.end;
        }
        gap(position, size);
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_joined_and_gaps_found() {
        let mut stretches = Stretches::default();
        for range in [10..20, 30..40, 20..25, 0..5, 24..31] {
            stretches.add(range);
        }
        assert_eq!(stretches.0, [0..5, 10..40]);
        assert_eq!(stretches.gaps(50, 6), [5..10, 40..46, 46..50]);
        assert_eq!(
            (stretches.from(0), stretches.from(7), stretches.from(39), stretches.from(40)),
            (5, 0, 1, 0)
        );
        assert_eq!(Stretches::parse(&stretches.encode(), 100), stretches);
        assert_eq!(Stretches::parse(&stretches.encode(), 35).0, [0..5, 10..35]);
    }
}
