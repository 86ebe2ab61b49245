//! An answer that is read line by line while it goes on.

use super::errors;
use http_body_util::BodyExt as _;
use kube::client::Body;
use sampan_provider::Result;

/// A line longer than this is cut.
const LONGEST: usize = 1 << 20;

/// The lines of an answer.
pub(crate) struct Lines {
    body: Body,
    held: Vec<u8>,
    /// So much of what is held was looked at already.
    looked: usize,
    ended: bool,
}

impl Lines {
    pub(super) fn new(body: Body) -> Self {
        Self { body, held: Vec::new(), looked: 0, ended: false }
    }

    /// The next one without its line feed; `None` at the end. It can be dropped and asked again: nothing is lost.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            let end = self.held[self.looked..].iter().position(|byte| *byte == b'\n');
            if let Some(end) = end {
                let mut line: Vec<u8> = self.held.drain(..=self.looked + end).collect();
                self.looked = 0;
                line.pop();
                return Ok(Some(line));
            }
            self.looked = self.held.len();
            if self.held.len() > LONGEST || (self.ended && !self.held.is_empty()) {
                self.looked = 0;
                return Ok(Some(std::mem::take(&mut self.held)));
            }
            if self.ended {
                return Ok(None);
            }
            match self.body.frame().await {
                Some(frame) => {
                    let frame = frame.map_err(|_| errors::broken())?;
                    self.held.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
                }
                None => self.ended = true,
            }
        }
    }
}
