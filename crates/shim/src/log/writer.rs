//! The writing side of a container's log.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;

use super::encode::{Suffix, entry};
use super::splitter::Splitter;
use super::{LogDriver, LogOptions, Stream, rotated_path};
use crate::timestamp::Timestamp;

/// Encoded bytes that are gathered before a write.
const BATCH: usize = 48 * 1024;

/// Writes entries, rotates, and survives a full disk: what cannot be written is dropped and counted, and the
/// first entry that can be written again is preceded by one that says how many lines are missing.
#[derive(Debug)]
pub struct LogWriter {
    options: LogOptions,
    attributes: Vec<u8>,
    file: Option<File>,
    /// Bytes of the current file, counted since it was opened.
    size: u64,
    stdout: Splitter,
    stderr: Splitter,
    /// Encoded entries not yet written, and how many they are.
    batch: Vec<u8>,
    batched: u64,
    /// Entries lost since the last one that was written, and in all.
    missing: u64,
    dropped: u64,
}

impl LogWriter {
    /// Opens the log for appending; with the driver `none`, a log that keeps nothing.
    ///
    /// # Errors
    /// As open(2) of the path.
    pub fn open(options: LogOptions) -> io::Result<Self> {
        let attributes =
            if options.attributes.is_empty() { Vec::new() } else { serde_json::to_vec(&options.attributes)? };
        let mut writer = Self {
            options,
            attributes,
            file: None,
            size: 0,
            stdout: Splitter::default(),
            stderr: Splitter::default(),
            batch: Vec::new(),
            batched: 0,
            missing: 0,
            dropped: 0,
        };
        if writer.options.driver != LogDriver::None {
            writer.open_file()?;
        }
        Ok(writer)
    }

    /// The current file.
    pub fn path(&self) -> &std::path::Path {
        &self.options.path
    }

    /// Entries that were lost because the disk was full or broken.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Takes output of the program. All lines that end in it are in the file when this returns.
    pub fn write(&mut self, stream: Stream, data: &[u8]) {
        if self.file.is_none() {
            return;
        }
        self.with_splitter(stream, |splitter, emit| splitter.push(data, emit));
        self.flush();
        if self.batch.capacity() > 2 * BATCH {
            self.batch = Vec::new();
        }
    }

    /// The program has ended: writes the unfinished last lines.
    pub fn finish(&mut self) {
        if self.file.is_some() {
            self.with_splitter(Stream::Stdout, |splitter, emit| splitter.finish(emit));
            self.with_splitter(Stream::Stderr, |splitter, emit| splitter.finish(emit));
            self.flush();
        }
        self.release();
    }

    /// Gives buffer memory back until the next output.
    pub fn release(&mut self) {
        self.batch = Vec::new();
    }

    fn with_splitter(
        &mut self,
        stream: Stream,
        work: impl FnOnce(&mut Splitter, &mut dyn FnMut(&[u8], bool)),
    ) {
        let mut time = Vec::with_capacity(32);
        Timestamp::now().write_trimmed(&mut time);
        let suffix = Suffix::new(stream, &self.attributes, &time);
        let mut splitter = match stream {
            Stream::Stdout => std::mem::take(&mut self.stdout),
            Stream::Stderr => std::mem::take(&mut self.stderr),
        };
        work(&mut splitter, &mut |text, newline| self.append(text, newline, &suffix));
        match stream {
            Stream::Stdout => self.stdout = splitter,
            Stream::Stderr => self.stderr = splitter,
        }
    }

    fn append(&mut self, text: &[u8], newline: bool, suffix: &Suffix) {
        let limit = self.options.max_size;
        if limit > 0 && self.size + self.batch.len() as u64 >= limit {
            self.flush();
            if self.size >= limit {
                self.rotate();
            }
        }
        if self.batch.capacity() == 0 {
            self.batch.reserve(1024);
        }
        entry(&mut self.batch, text, newline, suffix);
        self.batched += 1;
        if self.batch.len() >= BATCH {
            self.flush();
        }
    }

    /// Writes the batch, or drops it.
    fn flush(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let batch = std::mem::take(&mut self.batch);
        let entries = std::mem::take(&mut self.batched);
        let lost = if self.missing > 0 && !self.say_what_is_missing() {
            entries
        } else {
            self.write_entries(&batch)
        };
        self.missing += lost;
        self.dropped += lost;
        self.batch = batch;
        self.batch.clear();
    }

    /// Tells the reader of the log how many lines are missing here. Says whether that could be written.
    fn say_what_is_missing(&mut self) -> bool {
        let mut time = Vec::new();
        Timestamp::now().write_trimmed(&mut time);
        let suffix = Suffix::new(Stream::Stderr, &self.attributes, &time);
        let text = format!(
            "sampan: {} lines are missing here: the log could not be written (disk full?)",
            self.missing
        );
        let mut line = Vec::new();
        entry(&mut line, text.as_bytes(), true, &suffix);
        let written = self.write_entries(&line) == 0;
        if written {
            self.missing = 0;
        }
        written
    }

    /// Writes whole entries; of a part that did not fit, what is a broken line is cut off again. Returns how
    /// many entries were lost.
    fn write_entries(&mut self, bytes: &[u8]) -> u64 {
        let Some(file) = self.file.as_mut() else { return 0 };
        let mut written = 0;
        while written < bytes.len() {
            match file.write(&bytes[written..]) {
                Ok(0) => break,
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        if written == bytes.len() {
            self.size += written as u64;
            return 0;
        }
        let whole = bytes[..written].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        // Somebody may have truncated the file meanwhile: count from its real end.
        if whole < written
            && let Ok(metadata) = file.metadata()
        {
            let _ = file.set_len(metadata.len().saturating_sub((written - whole) as u64));
        }
        self.size += whole as u64;
        bytes[whole..].iter().filter(|byte| **byte == b'\n').count() as u64
    }

    /// Moves the current file to `.1`, the others one up, and starts a new one. When that fails the current
    /// file goes on: a log that is too large is better than none.
    fn rotate(&mut self) {
        let path = self.options.path.clone();
        let last = self.options.max_files.max(1) - 1;
        for index in (1..=last).rev() {
            let _ = std::fs::rename(rotated_path(&path, index - 1), rotated_path(&path, index));
        }
        if last == 0 {
            // The only file gets a successor of the same name; a reader keeps the old one.
            let _ = std::fs::remove_file(&path);
        }
        if self.open_file().is_err() {
            self.size = 0;
        }
    }

    fn open_file(&mut self) -> io::Result<()> {
        let file = OpenOptions::new().append(true).create(true).mode(0o640).open(&self.options.path)?;
        self.size = file.metadata()?.len();
        self.file = Some(file);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(directory: &std::path::Path) -> LogOptions {
        LogOptions {
            path: directory.join("c-json.log"),
            max_size: 4096,
            max_files: 3,
            ..LogOptions::default()
        }
    }

    #[test]
    fn rotation_keeps_the_newest_files_and_every_line_once() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = LogWriter::open(options(directory.path())).unwrap();
        for number in 0..200 {
            writer.write(Stream::Stdout, format!("line {number}\n").as_bytes());
        }
        writer.finish();
        let path = directory.path().join("c-json.log");
        let mut all = String::new();
        for index in [2, 1, 0] {
            let text = std::fs::read_to_string(rotated_path(&path, index)).unwrap();
            assert!(text.len() < 4096 + 200 && text.ends_with('\n'));
            all.push_str(&text);
        }
        assert!(!rotated_path(&path, 3).exists());
        let numbers: Vec<u32> = all
            .lines()
            .map(|line| line["{\"log\":\"line ".len()..].split('\\').next().unwrap().parse().unwrap())
            .collect();
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1));
        assert_eq!(numbers.last(), Some(&199));
    }

    #[test]
    fn one_file_is_replaced_and_removal_takes_all() {
        let directory = tempfile::tempdir().unwrap();
        let mut chosen = options(directory.path());
        chosen.max_files = 1;
        let mut writer = LogWriter::open(chosen.clone()).unwrap();
        for number in 0..200 {
            writer.write(Stream::Stderr, format!("line {number}\n").as_bytes());
        }
        let text = std::fs::read_to_string(&chosen.path).unwrap();
        assert!(text.len() < 4096 + 200 && text.contains("line 199"));
        std::fs::write(rotated_path(&chosen.path, 1), "").unwrap();
        std::fs::write(rotated_path(&chosen.path, 2), "").unwrap();
        super::super::remove(&chosen.path).unwrap();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_unfinished_line_is_written_at_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let chosen = options(directory.path());
        let mut writer = LogWriter::open(chosen.clone()).unwrap();
        writer.write(Stream::Stdout, b"no newline");
        assert_eq!(std::fs::metadata(&chosen.path).unwrap().len(), 0);
        writer.finish();
        let text = std::fs::read_to_string(&chosen.path).unwrap();
        assert!(text.starts_with(r#"{"log":"no newline","stream":"stdout","time":""#), "{text}");
    }
}
