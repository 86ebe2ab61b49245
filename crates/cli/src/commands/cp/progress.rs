//! The line that says how much was copied.

use std::io::{self, IsTerminal, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::format::units;

/// How often the line is written again.
const INTERVAL: Duration = Duration::from_millis(75);

/// Counts bytes and shows them on stderr where that is a terminal.
pub(super) struct Progress {
    quiet: bool,
    terminal: bool,
    header: &'static str,
    total: Arc<AtomicU64>,
}

impl Progress {
    /// Begins; a quiet one shows nothing.
    pub(super) fn start(header: &'static str, quiet: bool) -> Self {
        let terminal = !quiet && std::io::stderr().is_terminal();
        if terminal {
            // Saves the cursor's place and hides it.
            eprint!("\x1b7\x1b[?25l{header}{}", size(0));
        }
        Self { quiet, terminal, header, total: Arc::default() }
    }

    /// A reader whose bytes are counted.
    pub(super) fn count<R: Read>(&self, reader: R) -> Counted<R> {
        Counted {
            reader,
            total: Arc::clone(&self.total),
            header: self.terminal.then_some(self.header),
            shown: Instant::now(),
        }
    }

    /// Ends with docker's sentence.
    pub(super) fn finish(self, target: &str) {
        if self.terminal {
            eprint!("\x1b8\x1b[2K\x1b[?25h");
        }
        if !self.quiet {
            eprintln!("Successfully copied {} to {target}", size(self.total.load(Ordering::Relaxed)));
        }
    }
}

fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    units::human_size_with_precision(bytes as f64, 3)
}

/// A reader whose bytes are counted.
pub(super) struct Counted<R> {
    reader: R,
    total: Arc<AtomicU64>,
    header: Option<&'static str>,
    shown: Instant,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        let total = self.total.fetch_add(count as u64, Ordering::Relaxed) + count as u64;
        if let Some(header) = self.header
            && self.shown.elapsed() > INTERVAL
        {
            self.shown = Instant::now();
            let column = header.len() + 1;
            // A terminal that went away does not stop the copy.
            let _ = write!(io::stderr(), "\x1b[{column}G\x1b[K{}", size(total));
        }
        Ok(count)
    }
}
