//! One frame: what it is, whose answer it is, and what its descriptors are for.

use std::os::fd::OwnedFd;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What a descriptor that travels with a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The network namespace that the container gets.
    NetworkNamespace,
    /// A socket that reserves a published port: it is only held.
    Reservation,
    /// A listening (TCP) or bound (UDP) socket to be relayed; the n-th belongs to the n-th relay.
    RelayListener,
    /// The connection of an attached client.
    Client,
    /// A socket on which the container's name server is asked: first the one for datagrams, then the listening one.
    NameSocket,
    /// A name that this build does not know.
    #[serde(other)]
    Unknown,
}

/// The body of a frame before it is known what kind it is.
#[derive(Debug, Serialize, Deserialize)]
pub struct Frame<'a> {
    /// The name of the request or event, or `reply`.
    pub kind: std::borrow::Cow<'a, str>,
    /// The request's number, in requests and replies; 0 in events.
    #[serde(default)]
    pub sequence: u64,
    /// What each descriptor that came with it is for, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub descriptors: Vec<Role>,
    /// The request or event itself, or `{"ok":…}` or `{"error":…}`.
    #[serde(borrow)]
    pub body: &'a RawValue,
}

/// The name of the frame that answers a request.
const REPLY: &str = "reply";

/// A frame ready to be sent, without its descriptors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message(pub Vec<u8>);

impl Message {
    /// A request or an event.
    ///
    /// # Errors
    /// A value that JSON cannot hold.
    pub fn new(
        kind: &str,
        sequence: u64,
        descriptors: &[Role],
        body: &impl Serialize,
    ) -> serde_json::Result<Self> {
        #[derive(Serialize)]
        struct Typed<'a, B> {
            kind: &'a str,
            sequence: u64,
            #[serde(skip_serializing_if = "<[Role]>::is_empty")]
            descriptors: &'a [Role],
            body: &'a B,
        }
        let mut bytes = vec![0; 4];
        serde_json::to_writer(&mut bytes, &Typed { kind, sequence, descriptors, body })?;
        let length = u32::try_from(bytes.len() - 4).unwrap_or(u32::MAX);
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        Ok(Self(bytes))
    }

    /// The answer to request number `sequence`.
    ///
    /// # Errors
    /// A value that JSON cannot hold.
    pub fn reply(
        sequence: u64,
        result: Result<&impl Serialize, &super::Failure>,
    ) -> serde_json::Result<Self> {
        Self::reply_with(sequence, &[], result)
    }

    /// The answer to request number `sequence`, with descriptors.
    ///
    /// # Errors
    /// A value that JSON cannot hold.
    pub fn reply_with(
        sequence: u64,
        descriptors: &[Role],
        result: Result<&impl Serialize, &super::Failure>,
    ) -> serde_json::Result<Self> {
        #[derive(Serialize)]
        #[serde(rename_all = "lowercase")]
        enum Body<'a, T> {
            Ok(&'a T),
            Error(&'a super::Failure),
        }
        Self::new(
            REPLY,
            sequence,
            descriptors,
            &match result {
                Ok(value) => Body::Ok(value),
                Err(failure) => Body::Error(failure),
            },
        )
    }
}

/// A frame that arrived, with its descriptors.
#[derive(Debug)]
pub struct Packet {
    /// The JSON.
    pub bytes: Vec<u8>,
    /// The descriptors, in the order in which they were sent.
    pub descriptors: Vec<OwnedFd>,
}

impl Packet {
    /// Looks into the frame.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn frame(&self) -> serde_json::Result<Frame<'_>> {
        serde_json::from_slice(&self.bytes)
    }
}

impl Frame<'_> {
    /// Whether this answers a request.
    pub fn is_reply(&self) -> bool {
        self.kind == REPLY
    }

    /// The body as what the kind of frame says it is.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(self.body.get())
    }

    /// The body of a reply.
    ///
    /// # Errors
    /// The body is no reply to such a request.
    pub fn outcome<T: DeserializeOwned>(&self) -> serde_json::Result<Result<T, super::Failure>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Body<T> {
            Ok(T),
            Error(super::Failure),
        }
        Ok(match self.parse()? {
            Body::Ok(value) => Ok(value),
            Body::Error(failure) => Err(failure),
        })
    }
}

/// The descriptors of a request, sorted by what they are for.
#[derive(Debug, Default)]
pub struct Descriptors {
    entries: Vec<(Role, Option<OwnedFd>)>,
}

impl Descriptors {
    /// Pairs the roles of a frame with the descriptors that came with it. Those without a role are closed.
    pub fn new(roles: &[Role], descriptors: Vec<OwnedFd>) -> Self {
        Self { entries: roles.iter().copied().zip(descriptors.into_iter().map(Some)).collect() }
    }

    /// Takes the first of that role.
    pub fn take(&mut self, role: Role) -> Option<OwnedFd> {
        self.entries.iter_mut().find(|(of, fd)| *of == role && fd.is_some()).and_then(|(_, fd)| fd.take())
    }

    /// Takes all of that role, in order.
    pub fn take_all(&mut self, role: Role) -> Vec<OwnedFd> {
        self.entries.iter_mut().filter(|(of, _)| *of == role).filter_map(|(_, fd)| fd.take()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Failure;

    #[test]
    fn a_reply_is_recognised_and_strange_fields_are_ignored() {
        let failure = Failure { kind: "Conflict".into(), message: "no".into(), cause: String::new() };
        let message = Message::reply(7, Err::<&(), _>(&failure)).unwrap();
        let packet = Packet { bytes: message.0[4..].to_vec(), descriptors: Vec::new() };
        let frame = packet.frame().unwrap();
        assert!(frame.is_reply() && frame.sequence == 7);
        assert_eq!(frame.outcome::<()>().unwrap(), Err(failure));

        let bytes =
            br#"{"kind":"launch","sequence":1,"descriptors":["client","tomorrow"],"new":1,"body":{"a":1}}"#;
        let packet = Packet { bytes: bytes.to_vec(), descriptors: Vec::new() };
        let frame = packet.frame().unwrap();
        assert_eq!(frame.descriptors, [Role::Client, Role::Unknown]);
        assert_eq!(frame.body.get(), r#"{"a":1}"#);
    }
}
