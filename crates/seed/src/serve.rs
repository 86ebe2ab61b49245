//! One end as a program: what the seed container does, and what speaks to it.

use crate::message::Message;
use crate::receive::Receiver;
use crate::send::Sender;
use std::io::{self, Read, Write};
use std::path::PathBuf;

/// Which end it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It gets the files.
    Receive,
    /// It has them, and sends what changed when it is told to.
    Send,
}

/// Does its part over this stream, until the other side goes away.
///
/// # Errors
/// The stream; this side's disk, after the other side was told.
pub fn serve(role: Role, roots: &[PathBuf], from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    if role == Role::Receive {
        return Receiver::new(roots)?.serve(from, to);
    }
    let mut sender = Sender::new(roots)?;
    loop {
        let live = match Message::read(from) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Ok(Message::Go { live }) => live,
            Ok(_) => return Err(io::ErrorKind::InvalidData.into()),
            Err(error) => return Err(error),
        };
        let done = sender.round(live, from, to);
        let said = match &done {
            Ok(round) => Message::Went(round.clone()),
            Err(error) => Message::Failed(error.to_string()),
        };
        said.write(to)?;
        to.flush()?;
        done?;
    }
}
