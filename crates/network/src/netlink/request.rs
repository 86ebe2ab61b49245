//! Writing: several netlink messages in one datagram, and the reading of their answers.

use std::borrow::Cow;
use std::io;
use std::net::IpAddr;

use sampan_sys::netlink::NetlinkSocket;

use super::{Attributes, aligned};
use crate::error::{NetworkError, Result};

/// `NLM_F_REQUEST`: set on every message by [`Request::message`].
const REQUEST: u16 = 0x1;
/// `NLM_F_ACK`: answer also when all went well.
const ACKNOWLEDGE: u16 = 0x4;
/// `NLM_F_ROOT | NLM_F_MATCH`: list everything.
pub(crate) const DUMP: u16 = 0x300;
/// `NLM_F_REPLACE`.
pub(crate) const REPLACE: u16 = 0x100;
/// `NLM_F_EXCL`: it must not be there yet.
pub(crate) const EXCLUSIVE: u16 = 0x200;
/// `NLM_F_CREATE`.
pub(crate) const CREATE: u16 = 0x400;
/// `NLM_F_APPEND`.
pub(crate) const APPEND: u16 = 0x800;

/// Size of `struct nlmsghdr`.
const HEADER: usize = 16;
/// `NLMSG_ERROR`, which is also the positive answer, with error number 0.
const ANSWER: u16 = 2;
/// `NLMSG_DONE`.
const DONE: u16 = 3;
/// `NLMSGERR_ATTR_MSG`: the kernel's explanation.
const EXPLANATION: u16 = 1;
/// `NLM_F_CAPPED`: the answer does not repeat the request's payload.
const CAPPED: u16 = 0x100;
/// `NLM_F_ACK_TLVS`: attributes follow in the answer.
const WITH_ATTRIBUTES: u16 = 0x200;

/// Messages that go out together. The first message has sequence number 1.
#[derive(Debug, Default)]
pub(crate) struct Request {
    bytes: Vec<u8>,
    /// What each message asks, as the end of "the kernel refused to …", with the error number to be ignored.
    labels: Vec<(Cow<'static, str>, i32)>,
    message_start: usize,
}

impl Request {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self { bytes: Vec::with_capacity(1024), labels: Vec::with_capacity(8), message_start: 0 }
    }

    /// Begins a message; `header` is the family's fixed part. `label` says what it asks.
    pub(crate) fn message(
        &mut self,
        kind: u16,
        flags: u16,
        header: &[u8],
        label: impl Into<Cow<'static, str>>,
    ) {
        self.end_message();
        self.labels.push((label.into(), 0));
        self.message_start = self.bytes.len();
        self.bytes.extend_from_slice(&0_u32.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(&(flags | REQUEST).to_ne_bytes());
        self.bytes.extend_from_slice(&(self.labels.len() as u32).to_ne_bytes());
        self.bytes.extend_from_slice(&0_u32.to_ne_bytes());
        self.bytes.extend_from_slice(header);
        self.pad();
    }

    /// The current message may fail with this error number.
    pub(crate) fn tolerate(&mut self, errno: rustix::io::Errno) {
        if let Some((_, tolerated)) = self.labels.last_mut() {
            *tolerated = errno.raw_os_error();
        }
    }

    /// Adds an attribute.
    pub(crate) fn put(&mut self, kind: u16, value: &[u8]) {
        self.bytes.extend_from_slice(&((4 + value.len()) as u16).to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        self.pad();
    }

    /// Adds a number in the host's byte order.
    pub(crate) fn put_u32(&mut self, kind: u16, value: u32) {
        self.put(kind, &value.to_ne_bytes());
    }

    /// Adds a number in network byte order.
    pub(crate) fn put_u32_be(&mut self, kind: u16, value: u32) {
        self.put(kind, &value.to_be_bytes());
    }

    /// Adds a text with its closing zero byte.
    pub(crate) fn put_text(&mut self, kind: u16, value: &str) {
        self.bytes.extend_from_slice(&((5 + value.len()) as u16).to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value.as_bytes());
        self.bytes.push(0);
        self.pad();
    }

    /// Adds an address of its family's length.
    pub(crate) fn put_address(&mut self, kind: u16, address: IpAddr) {
        match address {
            IpAddr::V4(address) => self.put(kind, &address.octets()),
            IpAddr::V6(address) => self.put(kind, &address.octets()),
        }
    }

    /// Adds an attribute that holds what `content` writes. `NLA_F_NESTED` is the caller's choice in `kind`.
    pub(crate) fn nest(&mut self, kind: u16, content: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.put(kind, &[]);
        content(self);
        let length = (self.bytes.len() - start) as u16;
        self.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
    }

    /// Adds raw bytes, for a fixed part inside an attribute.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.pad();
    }

    /// What would be sent.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Sends all messages and reads the answers. The last message is acknowledged; the others answer only by
    /// failing, which saves a system call each.
    ///
    /// # Errors
    /// The first refusal, with its label.
    pub(crate) fn execute(self, socket: &NetlinkSocket) -> Result<()> {
        self.execute_acknowledging(socket, None)
    }

    /// As [`Self::execute`], where the message with this sequence number is the last that can acknowledge:
    /// a batch of nf_tables ends with a message that old kernels do not acknowledge.
    pub(crate) fn execute_acknowledging(mut self, socket: &NetlinkSocket, last: Option<u32>) -> Result<()> {
        if self.labels.is_empty() {
            return Ok(());
        }
        self.end_message();
        let last = last.unwrap_or(self.labels.len() as u32);
        self.acknowledge(last);
        socket.send(&self.bytes).map_err(NetworkError::system("cannot send to the kernel"))?;
        let mut failure = None;
        let mut buffer = Vec::new();
        let mut answered = false;
        while socket.receive(&mut buffer).map_err(NetworkError::system("cannot read the kernel's answer"))? {
            for message in Messages(&buffer) {
                if message.kind != ANSWER {
                    continue;
                }
                answered |= message.sequence == last;
                if failure.is_none() {
                    failure = self.refusal(&message);
                }
            }
        }
        match failure {
            Some(error) => Err(error),
            None if answered => Ok(()),
            None => Err(NetworkError::Malformed { what: "no answer came to a request" }),
        }
    }

    /// Sends one message that lists things, and hands each item to `item`: the bytes after its netlink header.
    ///
    /// # Errors
    /// The kernel's refusal, or a list that was not finished.
    pub(crate) fn list(mut self, socket: &NetlinkSocket, mut item: impl FnMut(u16, &[u8])) -> Result<()> {
        self.end_message();
        socket.send(&self.bytes).map_err(NetworkError::system("cannot send to the kernel"))?;
        let mut buffer = Vec::new();
        while socket.receive(&mut buffer).map_err(NetworkError::system("cannot read the kernel's answer"))? {
            for message in Messages(&buffer) {
                match message.kind {
                    DONE => return Ok(()),
                    ANSWER => return self.refusal(&message).map_or(Ok(()), Err),
                    kind => item(kind, message.payload),
                }
            }
        }
        Err(NetworkError::Malformed { what: "a list has no end" })
    }

    /// Sends one message that asks for several things and hands each to `item`, until nothing more comes.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub(crate) fn get_all(mut self, socket: &NetlinkSocket, mut item: impl FnMut(&[u8])) -> Result<()> {
        self.end_message();
        self.acknowledge(1);
        socket.send(&self.bytes).map_err(NetworkError::system("cannot send to the kernel"))?;
        let mut failure = None;
        let mut buffer = Vec::new();
        while socket.receive(&mut buffer).map_err(NetworkError::system("cannot read the kernel's answer"))? {
            for message in Messages(&buffer) {
                if message.kind == ANSWER {
                    failure = failure.or_else(|| self.refusal(&message));
                } else {
                    item(message.payload);
                }
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// Sends one message that asks for one thing and gives its answer: the bytes after the netlink header.
    ///
    /// # Errors
    /// The kernel's refusal, or no answer.
    pub(crate) fn get(mut self, socket: &NetlinkSocket) -> Result<Vec<u8>> {
        self.end_message();
        socket.send(&self.bytes).map_err(NetworkError::system("cannot send to the kernel"))?;
        let mut buffer = Vec::new();
        while socket.receive(&mut buffer).map_err(NetworkError::system("cannot read the kernel's answer"))? {
            for message in Messages(&buffer) {
                if message.kind != ANSWER {
                    return Ok(message.payload.to_vec());
                }
                if let Some(error) = self.refusal(&message) {
                    return Err(error);
                }
            }
        }
        Err(NetworkError::Malformed { what: "no answer came to a request" })
    }

    fn refusal(&self, message: &Message<'_>) -> Option<NetworkError> {
        let errno = i32::from_ne_bytes(message.payload.get(..4)?.try_into().ok()?);
        let index = (message.sequence as usize).checked_sub(1)?;
        let (what, tolerated) = self.labels.get(index)?;
        if errno == 0 || -errno == *tolerated {
            return None;
        }
        Some(NetworkError::Kernel {
            what: what.clone().into_owned(),
            message: explanation(message),
            source: io::Error::from_raw_os_error(-errno),
        })
    }

    fn pad(&mut self) {
        self.bytes.resize(aligned(self.bytes.len()), 0);
    }

    fn end_message(&mut self) {
        if !self.labels.is_empty() {
            let length = (self.bytes.len() - self.message_start) as u32;
            self.bytes[self.message_start..self.message_start + 4].copy_from_slice(&length.to_ne_bytes());
        }
    }

    /// Sets `NLM_F_ACK` on the message of this sequence number.
    fn acknowledge(&mut self, sequence: u32) {
        let mut at = 0;
        while let Some(header) = self.bytes.get(at..at + HEADER) {
            let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
            if header[8..12] == sequence.to_ne_bytes() {
                self.bytes[at + 6] |= ACKNOWLEDGE as u8;
                return;
            }
            at += aligned(length);
        }
    }
}

struct Message<'a> {
    kind: u16,
    flags: u16,
    sequence: u32,
    payload: &'a [u8],
}

/// The messages of one datagram.
struct Messages<'a>(&'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let header = self.0.get(..HEADER)?;
        let length = u32::from_ne_bytes(header[..4].try_into().ok()?) as usize;
        let payload = self.0.get(HEADER..length)?;
        self.0 = self.0.get(aligned(length)..).unwrap_or_default();
        Some(Message {
            kind: u16::from_ne_bytes(header[4..6].try_into().ok()?),
            flags: u16::from_ne_bytes(header[6..8].try_into().ok()?),
            sequence: u32::from_ne_bytes(header[8..12].try_into().ok()?),
            payload,
        })
    }
}

fn explanation(message: &Message<'_>) -> Option<String> {
    if message.flags & WITH_ATTRIBUTES == 0 {
        return None;
    }
    // The error number, then the request's header, and its payload unless capped; then the attributes.
    let repeated =
        message.payload.get(4..8).and_then(|bytes| bytes.try_into().ok()).map(u32::from_ne_bytes)?;
    let start = 4 + if message.flags & CAPPED != 0 { HEADER } else { aligned(repeated as usize) };
    Attributes(message.payload.get(start..)?).text(EXPLANATION).map(str::to_owned)
}
