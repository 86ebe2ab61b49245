//! The 512-byte header block: fields, numbers, checksum.

use super::{BLOCK, EntryKind};
use crate::error::{Result, StorageError};

/// The dialect of a header, told by its magic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Seventh edition Unix: no magic.
    V7,
    /// POSIX ustar, also under PAX records.
    Ustar,
    /// GNU tar.
    Gnu,
}

/// A view of one header block.
pub(super) struct Header<'a>(pub(super) &'a [u8; BLOCK]);

impl Header<'_> {
    fn field(&self, start: usize, length: usize) -> &[u8] {
        &self.0[start..start + length]
    }

    /// Text up to the first NUL.
    fn text(&self, start: usize, length: usize) -> &[u8] {
        let field = self.field(start, length);
        &field[..field.iter().position(|byte| *byte == 0).unwrap_or(length)]
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    pub(super) fn dialect(&self) -> Dialect {
        match (self.field(257, 6), self.field(263, 2)) {
            (b"ustar\0", b"00") => Dialect::Ustar,
            (b"ustar ", b" \0") => Dialect::Gnu,
            _ => Dialect::V7,
        }
    }

    /// Checks the sum over the block with its own field read as spaces. Old programs summed signed
    /// bytes; both are accepted.
    pub(super) fn verify(&self) -> Result<()> {
        let wanted = parse_number(self.field(148, 8))
            .ok_or_else(|| StorageError::InvalidTar("a header's checksum is not a number".into()))?;
        let mut unsigned: u64 = 0;
        let mut signed: i64 = 0;
        for (index, byte) in self.0.iter().enumerate() {
            let byte = if (148..156).contains(&index) { b' ' } else { *byte };
            unsigned += u64::from(byte);
            signed += i64::from(byte.cast_signed());
        }
        if wanted == i128::from(unsigned) || wanted == i128::from(signed) {
            return Ok(());
        }
        Err(StorageError::InvalidTar(
            "a header's checksum is wrong: this is not a tar archive, or it is damaged".into(),
        ))
    }

    /// The full name: with the ustar prefix put before it.
    pub(super) fn path(&self) -> Vec<u8> {
        let name = self.text(0, 100);
        let prefix = if self.dialect() == Dialect::Ustar { self.text(345, 155) } else { b"" };
        if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
    }

    pub(super) fn link(&self) -> Vec<u8> {
        self.text(157, 100).to_vec()
    }

    pub(super) fn type_flag(&self) -> u8 {
        self.0[156]
    }

    pub(super) fn kind(&self) -> EntryKind {
        match self.type_flag() {
            0 if self.path().ends_with(b"/") => EntryKind::Directory,
            // '7' is a contiguous file, 'S' an old GNU sparse one.
            0 | b'0' | b'7' | b'S' => EntryKind::Regular,
            b'1' => EntryKind::HardLink,
            b'2' => EntryKind::Symlink,
            b'3' => EntryKind::CharDevice,
            b'4' => EntryKind::BlockDevice,
            b'5' => EntryKind::Directory,
            b'6' => EntryKind::Fifo,
            other => EntryKind::Other(other),
        }
    }

    fn number(&self, start: usize, length: usize, what: &str) -> Result<i128> {
        parse_number(self.field(start, length))
            .ok_or_else(|| StorageError::InvalidTar(format!("a header's {what} is not a number")))
    }

    pub(super) fn mode(&self) -> Result<u32> {
        u32::try_from(self.number(100, 8, "mode")? & 0o7777).map_err(|_| invalid("mode"))
    }

    pub(super) fn uid(&self) -> Result<u32> {
        u32::try_from(self.number(108, 8, "owner")?).map_err(|_| invalid("owner"))
    }

    pub(super) fn gid(&self) -> Result<u32> {
        u32::try_from(self.number(116, 8, "group")?).map_err(|_| invalid("group"))
    }

    pub(super) fn size(&self) -> Result<u64> {
        let size = self.number(124, 12, "size")?;
        u64::try_from(size).ok().filter(|size| *size <= i64::MAX as u64).ok_or_else(|| invalid("size"))
    }

    pub(super) fn mtime(&self) -> Result<i64> {
        i64::try_from(self.number(136, 12, "time")?).map_err(|_| invalid("time"))
    }

    pub(super) fn device(&self) -> Result<(u32, u32)> {
        if self.dialect() == Dialect::V7 {
            return Ok((0, 0));
        }
        let major =
            u32::try_from(self.number(329, 8, "device number")?).map_err(|_| invalid("device number"))?;
        let minor =
            u32::try_from(self.number(337, 8, "device number")?).map_err(|_| invalid("device number"))?;
        Ok((major, minor))
    }
}

fn invalid(what: &str) -> StorageError {
    StorageError::InvalidTar(format!("a header's {what} is out of range"))
}

/// Reads an octal or base-256 (first bit set, two's complement, big-endian) number.
/// An empty field is zero.
pub(super) fn parse_number(field: &[u8]) -> Option<i128> {
    let first = *field.first()?;
    if first & 0x80 != 0 {
        // The bit below the marker is the sign.
        let negative = first & 0x40 != 0;
        let mut value: i128 = if negative { -1 } else { 0 };
        for (index, byte) in field.iter().enumerate() {
            let byte = match (index, negative) {
                (0, false) => byte & 0x7f,
                (0, true) => byte | 0x80,
                _ => *byte,
            };
            value = (value << 8) | i128::from(byte);
        }
        return (i128::from(i64::MIN)..=i128::from(i64::MAX)).contains(&value).then_some(value);
    }
    let mut value: i128 = 0;
    let mut seen = false;
    let mut ended = false;
    for byte in field {
        match byte {
            b' ' if !seen => {}
            b' ' | 0 => ended = true,
            b'0'..=b'7' if !ended => {
                seen = true;
                value = value * 8 + i128::from(byte - b'0');
            }
            _ => return None,
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::parse_number;

    #[test]
    fn numbers_in_all_their_forms() {
        assert_eq!(parse_number(b"0000644\0"), Some(0o644));
        assert_eq!(parse_number(b"   644 \0"), Some(0o644));
        assert_eq!(parse_number(b"\0\0\0\0\0\0\0\0"), Some(0));
        assert_eq!(parse_number(b"77777777777 "), Some(0o77_777_777_777));
        assert_eq!(parse_number(&[0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]), Some(2 << 32));
        assert_eq!(parse_number(&[0xff; 12]), Some(-1));
        assert_eq!(parse_number(b"12x4567\0"), None);
        assert_eq!(parse_number(b"0000648\0"), None);
        assert_eq!(
            parse_number(&[0xbf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            None
        );
    }
}
