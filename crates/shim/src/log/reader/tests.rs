//! Reading logs that the writer wrote, whole, in part, and while they are written.

use super::super::{LogOptions, LogWriter};
use super::*;

fn raw() -> Selection {
    Selection { framing: Framing::Raw, ..Selection::default() }
}

fn all(reader: &mut LogReader) -> String {
    let mut out = Vec::new();
    while reader.read(&mut out, 1000).unwrap() == Progress::More {}
    String::from_utf8(out).unwrap()
}

fn writer(path: &Path, max_size: u64, max_files: u32) -> LogWriter {
    LogWriter::open(LogOptions { path: path.to_owned(), max_size, max_files, ..LogOptions::default() })
        .unwrap()
}

#[test]
fn everything_and_the_tail_across_rotated_files() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let mut log = writer(&path, 10_000, 10);
    let mut expected = String::new();
    for number in 0..500 {
        let line = format!("line {number}\n");
        log.write(if number % 2 == 0 { Stream::Stdout } else { Stream::Stderr }, line.as_bytes());
        expected.push_str(&line);
    }
    assert!(rotated_path(&path, 3).exists());
    assert_eq!(all(&mut LogReader::open(&path, raw()).unwrap()), expected);
    for tail in [0, 1, 10, 150, 499, 500, 9999] {
        let got = all(&mut LogReader::open(&path, Selection { tail: Some(tail), ..raw() }).unwrap());
        let skipped = 500_usize.saturating_sub(usize::try_from(tail).unwrap());
        let wanted: String = expected.split_inclusive('\n').skip(skipped).collect();
        assert_eq!(got, wanted, "tail {tail}");
    }
    let stderr = all(&mut LogReader::open(&path, Selection { stdout: false, ..raw() }).unwrap());
    assert_eq!(stderr.lines().count(), 250);
    assert!(stderr.starts_with("line 1\nline 3\n"));
}

#[test]
fn following_misses_nothing_when_the_log_is_rotated_many_times_between_two_looks() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let mut log = writer(&path, 1000, 100);
    let mut reader = LogReader::open(&path, raw()).unwrap();
    let mut got = String::new();
    for round in 0..30 {
        for number in 0..round * 7 {
            log.write(Stream::Stdout, format!("{round}.{number}\n").as_bytes());
        }
        got.push_str(&all(&mut reader));
    }
    let expected: String =
        (0..30).flat_map(|round| (0..round * 7).map(move |n| format!("{round}.{n}\n"))).collect();
    assert_eq!(got, expected);
}

#[test]
fn a_half_written_line_waits() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let line = br#"{"log":"whole\n","stream":"stdout","time":"2026-11-21T04:05:06Z"}"#;
    std::fs::write(&path, &line[..20]).unwrap();
    let mut reader = LogReader::open(&path, raw()).unwrap();
    assert_eq!(all(&mut reader), "");
    std::fs::write(&path, [line.as_slice(), b"\n"].concat()).unwrap();
    assert_eq!(all(&mut reader), "whole\n");
}

#[test]
fn a_log_that_begins_later_and_one_that_is_emptied() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let mut reader = LogReader::open(&path, raw()).unwrap();
    assert_eq!(all(&mut reader), "");
    let mut log = writer(&path, 0, 1);
    log.write(Stream::Stdout, b"first line, a long one\n");
    assert_eq!(all(&mut reader), "first line, a long one\n");
    std::fs::File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    log.write(Stream::Stdout, b"x\n");
    assert_eq!(all(&mut reader), "x\n");
}

#[test]
fn times_frames_and_details() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let lines = [
        r#"{"log":"a\n","stream":"stdout","attrs":{"k":"v"},"time":"2026-11-21T04:05:06Z"}"#,
        "damaged",
        r#"{"log":"b\n","stream":"stderr","time":"2026-11-21T04:05:07.25Z"}"#,
        r#"{"log":"c\n","stream":"stdout","time":"2026-11-21T04:05:08Z"}"#,
    ];
    std::fs::write(&path, lines.map(|line| format!("{line}\n")).concat()).unwrap();
    let selection = Selection {
        since: Timestamp::parse(b"2026-11-21T04:05:06Z"),
        until: Timestamp::parse(b"2026-11-21T04:05:07.3Z"),
        timestamps: true,
        details: true,
        ..Selection::default()
    };
    let mut reader = LogReader::open(&path, selection).unwrap();
    let mut out = Vec::new();
    assert_eq!(reader.read(&mut out, 1 << 20).unwrap(), Progress::Finished);
    let a = "2026-11-21T04:05:06.000000000Z k=v a\n";
    let b = "2026-11-21T04:05:07.250000000Z  b\n";
    let expected =
        [&[1, 0, 0, 0, 0, 0, 0, 37], a.as_bytes(), &[2, 0, 0, 0, 0, 0, 0, 34], b.as_bytes()].concat();
    assert_eq!(out, expected);
}

#[test]
fn a_present_end_stays_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let mut log = writer(&path, 3000, 100);
    let mut expected = String::new();
    for number in 0..200 {
        log.write(Stream::Stdout, format!("{number}\n").as_bytes());
        expected.push_str(&format!("{number}\n"));
    }
    let mut reader = LogReader::open(&path, raw()).unwrap();
    reader.stop_at_present_end().unwrap();
    for number in 200..400 {
        log.write(Stream::Stdout, format!("{number}\n").as_bytes());
    }
    assert_eq!(all(&mut reader), expected);
    assert_eq!(all(&mut reader), "");
}
