//! The keys that detach a client from a terminal, as Docker writes them.

use crate::containers::{AttachOptions, ClientStream};
use crate::error::Error;
use sampan_shim::protocol::{Attach, AttachFraming};
use std::os::fd::OwnedFd;

/// Ctrl-P, Ctrl-Q.
const DEFAULT: [u8; 2] = [16, 17];

/// The bytes of `ctrl-p,ctrl-q` or `a,ctrl-@`; the default when nothing is said.
///
/// # Errors
/// A word that is neither one letter nor `ctrl-` and a key.
pub(crate) fn parse(text: Option<&str>) -> Result<Vec<u8>, Error> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(DEFAULT.to_vec()) };
    text.split(',')
        .map(|word| key(word).ok_or_else(|| Error::Invalid(format!("Invalid detach keys ({text}) provided"))))
        .collect()
}

fn key(word: &str) -> Option<u8> {
    if let Some(letter) = word.strip_prefix("ctrl-") {
        return match letter.as_bytes() {
            [letter @ b'a'..=b'z'] => Some(letter - b'a' + 1),
            [letter @ b'A'..=b'Z'] => Some(letter - b'A' + 1),
            b"@" => Some(0),
            b"[" => Some(27),
            b"\\" => Some(28),
            b"]" => Some(29),
            b"^" => Some(30),
            b"_" => Some(31),
            _ => None,
        };
    }
    match word.as_bytes() {
        [letter] if letter.is_ascii() => Some(*letter),
        _ => None,
    }
}

/// What the supervisor is told about a client that attaches, and the client's socket.
///
/// # Errors
/// Bad detach keys.
pub(crate) fn attachment(
    wish: &AttachOptions,
    client: ClientStream,
    tty: bool,
) -> Result<(Attach, OwnedFd), Error> {
    let keys = if tty { parse(wish.detach_keys.as_deref())? } else { Vec::new() };
    let framing = if client.multiplexed && !tty { AttachFraming::Multiplexed } else { AttachFraming::Raw };
    let attach = Attach {
        stdin: wish.stdin,
        stdout: wish.stdout,
        stderr: wish.stderr,
        detach_keys: keys.into(),
        framing,
        prologue: client.prologue.into(),
        read_ahead: client.read_ahead.into(),
        ..Attach::default()
    };
    Ok((attach, client.socket))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn keys_are_read_as_docker_writes_them() {
        assert_eq!(parse(None).expect("default"), [16, 17]);
        assert_eq!(parse(Some("ctrl-a,x,ctrl-[")).expect("keys"), [1, b'x', 27]);
        assert!(parse(Some("ctrl-1")).is_err());
        assert!(parse(Some("abc")).is_err());
    }
}
