//! Docker's multiplexed streams: frames of `[kind, 0, 0, 0, length as four bytes]` and their content.

use std::io::{self, IoSlice, Read, Write};

use crate::failure::{Failure, Result};

/// The length of a frame's head in bytes.
const HEAD: usize = 8;
/// The most content that a frame of Sampan's own kinds may have, in bytes.
const OWN_LIMIT: usize = 16 * 1024 * 1024;
/// The most pieces that go into one write.
const PIECES: usize = 64;

/// Where the content of frames goes.
pub(crate) trait Sink {
    /// Content of stdout, in pieces that belong together.
    ///
    /// # Errors
    /// The output cannot be written.
    fn stdout(&mut self, pieces: &mut [IoSlice<'_>]) -> io::Result<()>;
    /// Content of stderr.
    ///
    /// # Errors
    /// The output cannot be written.
    fn stderr(&mut self, pieces: &mut [IoSlice<'_>]) -> io::Result<()>;
    /// A whole frame of Sampan's own (kinds 16 and up).
    ///
    /// # Errors
    /// The frame means a failure.
    fn own(&mut self, kind: u8, content: &[u8]) -> Result<()> {
        let _ = content;
        Err(Failure::message(format!("Unrecognized input header: {kind}")))
    }
}

/// This process's stdout and stderr, either of them possibly not wanted.
pub(crate) struct StandardStreams {
    /// Whether stdout is wanted.
    pub(crate) stdout: bool,
    /// Whether stderr is wanted.
    pub(crate) stderr: bool,
}

impl Sink for StandardStreams {
    fn stdout(&mut self, pieces: &mut [IoSlice<'_>]) -> io::Result<()> {
        if self.stdout { write_all(rustix::stdio::stdout(), pieces) } else { Ok(()) }
    }

    fn stderr(&mut self, pieces: &mut [IoSlice<'_>]) -> io::Result<()> {
        if self.stderr { write_all(rustix::stdio::stderr(), pieces) } else { Ok(()) }
    }
}

/// Writes all pieces to a descriptor, past the buffers of the standard library.
pub(super) fn write_all(
    descriptor: rustix::fd::BorrowedFd<'_>,
    pieces: &mut [IoSlice<'_>],
) -> io::Result<()> {
    let mut pieces = pieces;
    while !pieces.is_empty() {
        match rustix::io::writev(descriptor, pieces) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => IoSlice::advance_slices(&mut pieces, count),
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => wait_writable(descriptor)?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// A terminal or pipe that another process made non-blocking is waited for.
fn wait_writable(descriptor: rustix::fd::BorrowedFd<'_>) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    poll(&mut [PollFd::from_borrowed_fd(descriptor, PollFlags::OUT)], None)?;
    Ok(())
}

/// Takes a multiplexed stream apart, however it is cut into reads.
#[derive(Default)]
pub(crate) struct Demultiplexer {
    /// An incomplete head.
    head: Vec<u8>,
    kind: u8,
    /// What is left of the current frame.
    left: usize,
    /// The content so far of a frame that is passed on whole.
    whole: Vec<u8>,
}

impl Demultiplexer {
    /// Passes on the content of what was read.
    ///
    /// # Errors
    /// A frame of no known kind, an error that the engine reports in the stream, a failed write.
    pub(crate) fn push(&mut self, read: &[u8], sink: &mut dyn Sink) -> Result<()> {
        let mut pieces: Vec<IoSlice<'_>> = Vec::new();
        let mut pieces_kind = 1;
        let mut rest = read;
        while !rest.is_empty() {
            if self.left == 0 && !self.take_head(&mut rest)? {
                break;
            }
            let count = self.left.min(rest.len());
            let (content, after) = rest.split_at(count);
            rest = after;
            self.left -= count;
            if self.kind > 2 {
                self.whole.extend_from_slice(content);
                if self.left == 0 {
                    flush(&mut pieces, pieces_kind, sink)?;
                    self.finish_whole(sink)?;
                }
                continue;
            }
            if count > 0 {
                if pieces_kind != self.kind || pieces.len() == PIECES {
                    flush(&mut pieces, pieces_kind, sink)?;
                    pieces_kind = self.kind;
                }
                pieces.push(IoSlice::new(content));
            }
        }
        flush(&mut pieces, pieces_kind, sink)
    }

    /// Reads a head; false when it is not complete yet.
    fn take_head(&mut self, rest: &mut &[u8]) -> Result<bool> {
        let missing = HEAD - self.head.len();
        let count = missing.min(rest.len());
        let (bytes, after) = rest.split_at(count);
        *rest = after;
        self.head.extend_from_slice(bytes);
        let Some(&[kind, _, _, _, a, b, c, d]) = self.head.first_chunk::<HEAD>() else { return Ok(false) };
        self.head.clear();
        self.left = u32::from_be_bytes([a, b, c, d]) as usize;
        // Docker's writers use 0 for stdin, which is shown on stdout.
        self.kind = if kind == 0 { 1 } else { kind };
        match self.kind {
            1 | 2 => {}
            3 | 16..=31 if self.left <= OWN_LIMIT => self.whole.clear(),
            _ => return Err(Failure::message(format!("Unrecognized input header: {kind}"))),
        }
        Ok(true)
    }

    fn finish_whole(&mut self, sink: &mut dyn Sink) -> Result<()> {
        let content = std::mem::take(&mut self.whole);
        if self.kind == 3 {
            let text = String::from_utf8_lossy(&content);
            return Err(Failure::message(format!("error from daemon in stream: {text}")));
        }
        sink.own(self.kind, &content)
    }

    /// Copies a whole multiplexed stream.
    ///
    /// # Errors
    /// As [`Demultiplexer::push`], or the stream breaks.
    pub(crate) fn copy(mut self, source: &mut dyn Read, sink: &mut dyn Sink) -> Result<()> {
        let mut buffer = vec![0; 128 * 1024];
        loop {
            match source.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => self.push(&buffer[..count], sink)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::Connection(error.to_string())),
            }
        }
    }
}

fn flush(pieces: &mut Vec<IoSlice<'_>>, kind: u8, sink: &mut dyn Sink) -> Result<()> {
    if !pieces.is_empty() {
        if kind == 2 {
            sink.stderr(pieces)?
        } else {
            sink.stdout(pieces)?
        }
        pieces.clear();
    }
    Ok(())
}

/// Copies an unframed stream to this process's stdout.
///
/// # Errors
/// The stream breaks or stdout cannot be written.
pub(crate) fn copy_raw(source: &mut dyn Read) -> Result<()> {
    let mut buffer = vec![0; 128 * 1024];
    let mut stdout = io::stdout().lock();
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(stdout.flush()?),
            Ok(count) => write_all(rustix::stdio::stdout(), &mut [IoSlice::new(&buffer[..count])])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::Connection(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, IoSlice};

    use super::{Demultiplexer, Sink};
    use crate::failure::Result;

    #[derive(Default)]
    struct Kept {
        text: Vec<(u8, Vec<u8>)>,
    }

    impl Kept {
        fn keep(&mut self, kind: u8, pieces: &[IoSlice<'_>]) {
            let content: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().copied()).collect();
            match self.text.last_mut() {
                Some((last, text)) if *last == kind => text.extend(content),
                _ => self.text.push((kind, content)),
            }
        }
    }

    impl Sink for Kept {
        fn stdout(&mut self, pieces: &mut [IoSlice<'_>]) -> io::Result<()> {
            self.keep(1, pieces);
            Ok(())
        }

        fn stderr(&mut self, pieces: &mut [IoSlice<'_>]) -> io::Result<()> {
            self.keep(2, pieces);
            Ok(())
        }

        fn own(&mut self, kind: u8, content: &[u8]) -> Result<()> {
            self.text.push((kind, content.to_vec()));
            Ok(())
        }
    }

    fn frame(kind: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&[kind, 0, 0, 0], &length[..], content].concat()
    }

    #[test]
    fn however_the_stream_is_cut() {
        let stream = [
            frame(16, b"{}"),
            frame(1, b"one "),
            frame(0, b"two "),
            frame(2, b""),
            frame(1, b"three"),
            frame(2, b"error"),
            frame(17, b"end"),
        ]
        .concat();
        let expected: Vec<(u8, Vec<u8>)> = vec![
            (16, b"{}".to_vec()),
            (1, b"one two three".to_vec()),
            (2, b"error".to_vec()),
            (17, b"end".to_vec()),
        ];
        for size in 1..stream.len() {
            let (mut demultiplexer, mut kept) = (Demultiplexer::default(), Kept::default());
            for part in stream.chunks(size) {
                demultiplexer.push(part, &mut kept).unwrap();
            }
            assert_eq!(kept.text, expected, "cut every {size} bytes");
        }
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let failure = Demultiplexer::default().push(b"hello world", &mut Kept::default()).unwrap_err();
        assert_eq!(failure.to_string(), "Unrecognized input header: 104");
        let failure = Demultiplexer::default().push(&frame(3, b"gone"), &mut Kept::default()).unwrap_err();
        assert_eq!(failure.to_string(), "error from daemon in stream: gone");
    }
}
