//! Finding where the last entries of a log begin, from its end.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

const BLOCK: usize = 64 * 1024;

/// The offset at which the last `wanted` lines of `file` begin, and how many lines those are (fewer when the
/// file has fewer). An unfinished last line does not count and lies behind the offset.
pub(super) fn start_of_last(file: &File, wanted: u64) -> io::Result<(u64, u64)> {
    let length = file.metadata()?.len();
    let mut block = vec![0_u8; BLOCK];
    let mut newlines = 0;
    let mut end = length;
    while end > 0 {
        let size = usize::try_from(end).map_or(BLOCK, |end| end.min(BLOCK));
        let start = end - size as u64;
        file.read_exact_at(&mut block[..size], start)?;
        for at in memchr::memrchr_iter(b'\n', &block[..size]) {
            newlines += 1;
            // One more newline ends the line before the first wanted one.
            if newlines > wanted {
                return Ok((start + at as u64 + 1, wanted));
            }
        }
        end = start;
    }
    Ok((0, newlines))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_whole_lines_from_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut text = String::new();
        for number in 0..20_000 {
            text.push_str(&format!("{number}\n"));
        }
        std::fs::write(&path, &text).unwrap();
        let file = File::open(&path).unwrap();
        for wanted in [0, 1, 2, 999, 19_999, 20_000, 30_000] {
            let (start, lines) = start_of_last(&file, wanted).unwrap();
            assert_eq!(lines, wanted.min(20_000));
            assert_eq!(text[usize::try_from(start).unwrap()..].lines().count() as u64, lines);
        }
        std::fs::write(&path, "one\ntwo\nunfinished").unwrap();
        assert_eq!(start_of_last(&File::open(&path).unwrap(), 1).unwrap(), (4, 1));
    }
}
