//! What the two ends say to each other: a length of four bytes, little-endian, and so many bytes of postcard.

use crate::entry::{Entry, Path, Tree};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::io::{self, Read, Write};

/// The longest message that is believed: a tree of some millions of files.
const LONGEST: u32 = 1 << 30;

/// One message. Paths are below the root of the tree with this number.
#[derive(Debug, Serialize, Deserialize)]
pub enum Message {
    /// To the receiver: say what you have.
    Ask,
    /// Its answer.
    Tree(#[doc(hidden)] Trees),
    /// To the receiver: this goes, with all below it.
    Remove(usize, Vec<u8>),
    /// To the receiver: this is there from now on, without its bytes.
    Make(usize, Vec<u8>, #[doc(hidden)] Made),
    /// To the receiver: these bytes at this place of this file.
    Write(usize, Vec<u8>, u64, Data),
    /// To the receiver: that was all.
    Finish,
    /// Its answer: the digest of what it has, read from its disk and safe there.
    Have(String),
    /// To a sender that is told when: send what changed, while somebody writes or after all writing has ended.
    Go {
        /// Somebody writes.
        live: bool,
    },
    /// Its answer.
    Went(Round),
    /// Either way: it failed, in words for the user. The last one.
    Failed(String),
}

/// What a receiver has. Only this crate looks inside.
#[derive(Debug, Serialize, Deserialize)]
pub struct Trees(pub(crate) Vec<Tree>);

/// Bytes of a file, written down as bytes and not one by one.
#[derive(Debug)]
pub struct Data(pub Vec<u8>);

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'a> Deserialize<'a> for Data {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Data;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Data, E> {
                Ok(Data(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

/// What something is. Only this crate looks inside.
#[derive(Debug, Serialize, Deserialize)]
pub struct Made(pub(crate) Entry);

/// What a round came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// Files that are there.
    pub files: u64,
    /// Files of which bytes were sent.
    pub changed: u64,
    /// Bytes that were sent of them.
    pub sent: u64,
    /// Bytes that are there.
    pub bytes: u64,
    /// Digest of everything, the same on both sides.
    pub digest: String,
}

impl Message {
    pub(crate) fn make(tree: usize, path: &Path, entry: &Entry) -> Self {
        Self::Make(tree, path.clone(), Made(entry.clone()))
    }

    /// Writes it.
    ///
    /// # Errors
    /// The stream's.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let bytes = postcard::to_allocvec(self).map_err(io::Error::other)?;
        let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= LONGEST);
        let length =
            length.ok_or_else(|| io::Error::other("there are more files than one message can name"))?;
        to.write_all(&length.to_le_bytes())?;
        to.write_all(&bytes)
    }

    /// Reads the next one.
    ///
    /// # Errors
    /// The stream's; something that is none.
    pub fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length);
        if length > LONGEST {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the other side does not speak as a seed does",
            ));
        }
        let mut bytes = Vec::new();
        from.take(u64::from(length)).read_to_end(&mut bytes)?;
        if bytes.len() != length as usize {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        postcard::from_bytes(&bytes).map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidData, "the other side does not speak as a seed does")
        })
    }
}
