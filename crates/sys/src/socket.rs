//! Frames over a unix stream socket: a length, the bytes, and descriptors that travel with them.
//!
//! A frame is a 32-bit little-endian length followed by that many bytes. Descriptors (SCM_RIGHTS, unix(7))
//! ride on the length, so that a receiver never has to guess where in the stream they belong.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recv, recvmsg, send, sendmsg, socketpair,
};

/// The most descriptors that one frame can carry (`SCM_MAX_FD` in the kernel).
pub const MAXIMUM_DESCRIPTORS: usize = 253;

/// Two connected unix stream sockets, both close-on-exec.
///
/// # Errors
/// As socketpair(2).
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?)
}

/// Sends one frame with `descriptors` (copies of them arrive; the caller keeps its own).
///
/// # Errors
/// `InvalidInput` for more than [`MAXIMUM_DESCRIPTORS`] or over 4 GiB; else as sendmsg(2). A peer that is gone
/// gives `EPIPE`, without a signal.
pub fn send_frame(socket: impl AsFd, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let length = u32::try_from(bytes.len())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a frame is limited to 4 GiB"))?
        .to_le_bytes();
    if descriptors.len() > MAXIMUM_DESCRIPTORS {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("a frame is limited to {MAXIMUM_DESCRIPTORS} descriptors"),
        ));
    }
    let mut sent = {
        let mut space = vec![
            MaybeUninit::uninit();
            SendAncillaryMessage::ScmRights(descriptors).size()
                + SendAncillaryMessage::ScmRights(&[]).size()
        ];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(io::Error::other("the control message has no room for the descriptors"));
        }
        let parts = [IoSlice::new(&length), IoSlice::new(bytes)];
        rustix::io::retry_on_intr(|| sendmsg(socket.as_fd(), &parts, &mut control, SendFlags::NOSIGNAL))?
    };
    while sent < length.len() {
        sent += rustix::io::retry_on_intr(|| send(socket.as_fd(), &length[sent..], SendFlags::NOSIGNAL))?;
    }
    while sent < length.len() + bytes.len() {
        let rest = &bytes[sent - length.len()..];
        sent += rustix::io::retry_on_intr(|| send(socket.as_fd(), rest, SendFlags::NOSIGNAL))?;
    }
    Ok(())
}

/// A frame as it arrived.
#[derive(Debug)]
pub struct Frame {
    /// The payload.
    pub bytes: Vec<u8>,
    /// The descriptors that came with it, close-on-exec, in the order they were sent.
    pub descriptors: Vec<OwnedFd>,
}

/// Receives one frame of at most `limit` bytes; `None` when the peer closed its end between frames.
///
/// # Errors
/// `InvalidData` for a frame over the limit or with truncated descriptors, `UnexpectedEof` when the peer went
/// away in the middle of one; else as recvmsg(2).
pub fn receive_frame(socket: impl AsFd, limit: usize) -> io::Result<Option<Frame>> {
    let mut length = [0_u8; 4];
    let mut descriptors = Vec::new();
    let mut filled = 0;
    while filled < length.len() {
        let received = receive_with_descriptors(socket.as_fd(), &mut length[filled..], &mut descriptors)?;
        if received == 0 {
            if filled == 0 {
                return Ok(None);
            }
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        filled += received;
    }
    let size = u32::from_le_bytes(length) as usize;
    if size > limit {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a frame of {size} bytes is over the limit of {limit}"),
        ));
    }
    let mut bytes = vec![0_u8; size];
    let mut at = 0;
    while at < size {
        let (received, _) =
            rustix::io::retry_on_intr(|| recv(socket.as_fd(), &mut bytes[at..], RecvFlags::empty()))?;
        if received == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        at += received;
    }
    Ok(Some(Frame { bytes, descriptors }))
}

/// Receives bytes of a plain stream and whatever descriptors come with them; 0 is the end of the stream.
///
/// # Errors
/// `InvalidData` when descriptors did not fit; else as recvmsg(2).
pub fn receive_with_descriptors(
    socket: BorrowedFd<'_>,
    buffer: &mut [u8],
    descriptors: &mut Vec<OwnedFd>,
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAXIMUM_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let message = rustix::io::retry_on_intr(|| {
        recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut control, RecvFlags::CMSG_CLOEXEC)
    })?;
    for part in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = part {
            descriptors.extend(received);
        }
    }
    if message.flags.contains(ReturnFlags::CTRUNC) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "descriptors were lost on the way"));
    }
    Ok(message.bytes)
}

/// Sends plain bytes with descriptors, without a frame around them: for protocols of others, such as the
/// console socket of the OCI command line.
///
/// # Errors
/// As sendmsg(2).
pub fn send_with_descriptors(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<usize> {
    let mut space = vec![MaybeUninit::uninit(); SendAncillaryMessage::ScmRights(descriptors).size()];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::other("the control message has no room for the descriptors"));
    }
    let parts = [IoSlice::new(bytes)];
    Ok(rustix::io::retry_on_intr(|| sendmsg(socket, &parts, &mut control, SendFlags::NOSIGNAL))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_carries_bytes_and_descriptors() {
        let (left, right) = pair().unwrap();
        let null = crate::descriptor::null().unwrap();
        let big = vec![7_u8; 3 << 20];
        let sender = std::thread::spawn(move || {
            send_frame(&left, b"first", &[null.as_fd(), null.as_fd()]).unwrap();
            send_frame(&left, &big, &[]).unwrap();
        });
        let first = receive_frame(&right, 1 << 10).unwrap().unwrap();
        assert_eq!((first.bytes.as_slice(), first.descriptors.len()), (&b"first"[..], 2));
        let second = receive_frame(&right, 4 << 20).unwrap().unwrap();
        assert_eq!((second.bytes.len(), second.descriptors.len()), (3 << 20, 0));
        sender.join().unwrap();
        assert!(receive_frame(&right, 10).unwrap().is_none());
    }

    #[test]
    fn a_frame_over_the_limit_is_refused() {
        let (left, right) = pair().unwrap();
        send_frame(&left, &[0; 100], &[]).unwrap();
        assert_eq!(receive_frame(&right, 10).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
