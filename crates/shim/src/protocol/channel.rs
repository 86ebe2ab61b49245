//! Frames in and out of a non-blocking socket, for either side and any kind of loop.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use super::{LARGEST_FRAME, Message, Packet};

/// Descriptors in one message: the kernel's limit is 253 (`SCM_MAX_FD`).
const DESCRIPTORS_AT_ONCE: usize = 250;

/// The receiving half: gathers bytes until a frame is whole.
#[derive(Debug, Default)]
pub struct Incoming {
    bytes: Vec<u8>,
    descriptors: VecDeque<OwnedFd>,
}

impl Incoming {
    /// Takes what the socket has, once, without waiting. False at the end of the stream.
    ///
    /// # Errors
    /// `WouldBlock` when there is nothing; `InvalidData` when descriptors were lost; else as recvmsg(2).
    pub fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<bool> {
        let start = self.bytes.len();
        let wanted = match self.frame_length()? {
            Some(length) => (length + 4).saturating_sub(start).max(1),
            None => 4096,
        };
        self.bytes.resize(start + wanted, 0);
        let result = self.receive_at(socket, start);
        let count = *result.as_ref().unwrap_or(&0);
        self.bytes.truncate(start + count);
        result.map(|count| count > 0)
    }

    fn receive_at(&mut self, socket: BorrowedFd<'_>, start: usize) -> io::Result<usize> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(253))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        let message = rustix::io::retry_on_intr(|| {
            recvmsg(socket, &mut [IoSliceMut::new(&mut self.bytes[start..])], &mut control, flags)
        })?;
        for part in control.drain() {
            if let RecvAncillaryMessage::ScmRights(received) = part {
                self.descriptors.extend(received);
            }
        }
        if message.flags.contains(ReturnFlags::CTRUNC) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "descriptors were lost: too many are open",
            ));
        }
        Ok(message.bytes)
    }

    fn frame_length(&self) -> io::Result<Option<usize>> {
        let Some(header) = self.bytes.first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_le_bytes(*header) as usize;
        if length > LARGEST_FRAME {
            let text = format!("a frame of {length} bytes is over the limit of {LARGEST_FRAME}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(Some(length))
    }

    /// The next whole frame, if one is there.
    ///
    /// # Errors
    /// `InvalidData` for a frame over [`LARGEST_FRAME`], one that is not JSON of the right form, or one whose
    /// descriptors are missing.
    pub fn take(&mut self) -> io::Result<Option<Packet>> {
        let Some(length) = self.frame_length()? else { return Ok(None) };
        if self.bytes.len() < length + 4 {
            return Ok(None);
        }
        let rest = self.bytes.split_off(length + 4);
        let mut bytes = std::mem::replace(&mut self.bytes, rest);
        if self.bytes.is_empty() {
            self.bytes = Vec::new();
        }
        bytes.drain(..4);
        let mut packet = Packet { bytes, descriptors: Vec::new() };
        let wanted = packet.frame()?.descriptors.len();
        if self.descriptors.len() < wanted {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame lacks some of its descriptors"));
        }
        packet.descriptors = self.descriptors.drain(..wanted).collect();
        Ok(Some(packet))
    }
}

/// The sending half: keeps what the socket does not take at once.
#[derive(Debug, Default)]
pub struct Outgoing {
    queue: VecDeque<(Vec<u8>, usize, Vec<OwnedFd>)>,
}

impl Outgoing {
    /// Appends a frame. Copies of the descriptors arrive; these here are closed once they are sent.
    pub fn push(&mut self, message: Message, descriptors: Vec<OwnedFd>) {
        self.queue.push_back((message.0, 0, descriptors));
    }

    /// Whether all is sent.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Sends what the socket takes without waiting. True when all is sent.
    ///
    /// # Errors
    /// As sendmsg(2), except that a full socket is no error. `EPIPE` comes without a signal.
    pub fn send(&mut self, socket: BorrowedFd<'_>) -> io::Result<bool> {
        while let Some((bytes, sent, descriptors)) = self.queue.front_mut() {
            let now = descriptors.len().min(DESCRIPTORS_AT_ONCE);
            // Only one byte goes with a batch that is not the last, so that each finds a byte to ride on.
            let end = if now < descriptors.len() { *sent + 1 } else { bytes.len() };
            match send_some(socket, &bytes[*sent..end], &descriptors[..now]) {
                Ok(count) => {
                    *sent += count;
                    descriptors.drain(..now);
                    if *sent == bytes.len() {
                        self.queue.pop_front();
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

fn send_some(socket: BorrowedFd<'_>, bytes: &[u8], descriptors: &[OwnedFd]) -> io::Result<usize> {
    let borrowed: Vec<BorrowedFd<'_>> = descriptors.iter().map(AsFd::as_fd).collect();
    let rights = SendAncillaryMessage::ScmRights(&borrowed);
    let mut space = vec![MaybeUninit::uninit(); if borrowed.is_empty() { 0 } else { rights.size() }];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !borrowed.is_empty() && !control.push(rights) {
        return Err(io::Error::other("the control message has no room for the descriptors"));
    }
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    Ok(rustix::io::retry_on_intr(|| sendmsg(socket, &[IoSlice::new(bytes)], &mut control, flags))?)
}

#[cfg(test)]
mod tests {
    use super::super::Role;
    use super::*;

    fn duplicate() -> OwnedFd {
        sampan_sys::descriptor::null().unwrap()
    }

    #[test]
    fn many_descriptors_and_large_frames_cross_in_pieces() {
        let (left, right) = sampan_sys::socket::pair().unwrap();
        let mut outgoing = Outgoing::default();
        let text = "x".repeat(1 << 20);
        let roles = vec![Role::Reservation; 600];
        outgoing.push(
            Message::new("first", 1, &roles, &text).unwrap(),
            std::iter::repeat_with(duplicate).take(600).collect(),
        );
        outgoing.push(Message::new("second", 2, &[Role::Client], &"y").unwrap(), vec![duplicate()]);
        let mut incoming = Incoming::default();
        let mut packets = Vec::new();
        while packets.len() < 2 {
            outgoing.send(left.as_fd()).unwrap();
            match incoming.receive(right.as_fd()) {
                Ok(more) => assert!(more),
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
            packets.extend(std::iter::from_fn(|| incoming.take().unwrap()));
        }
        assert!(outgoing.is_empty());
        assert_eq!(packets[0].descriptors.len(), 600);
        assert_eq!(packets[0].frame().unwrap().parse::<String>().unwrap(), text);
        assert_eq!(packets[1].descriptors.len(), 1);
        drop((left, outgoing));
        assert!(!incoming.receive(right.as_fd()).unwrap());
    }

    #[test]
    fn nonsense_is_refused() {
        let (left, right) = sampan_sys::socket::pair().unwrap();
        rustix::io::write(&left, &u32::MAX.to_le_bytes()).unwrap();
        let mut incoming = Incoming::default();
        incoming.receive(right.as_fd()).unwrap();
        assert_eq!(incoming.take().unwrap_err().kind(), io::ErrorKind::InvalidData);
        let (left, right) = sampan_sys::socket::pair().unwrap();
        rustix::io::write(&left, b"\x03\0\0\0abc").unwrap();
        let mut incoming = Incoming::default();
        incoming.receive(right.as_fd()).unwrap();
        assert!(incoming.take().is_err());
    }
}
