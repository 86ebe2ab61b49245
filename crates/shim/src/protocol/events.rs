//! What a shim says by itself, and what it says when asked for its status.

use serde::{Deserialize, Serialize};

use super::Frame;
use crate::timestamp::Timestamp;

/// The first frame on every connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Greeting {
    /// The version of the protocol that the shim speaks: [`VERSION`](super::VERSION).
    pub version: u32,
    /// The version of the program.
    pub program: String,
    /// The shim's process number.
    pub pid: i32,
}

/// How the container ended. This is also the content of the exit record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// The exit status, 0 to 255: the program's, or 128 and the signal that ended it.
    pub code: i32,
    /// When.
    pub at: Timestamp,
    /// Whether the kernel killed a process of the container for want of memory.
    #[serde(default)]
    pub oom_killed: bool,
    /// How many such kills there were.
    #[serde(default)]
    pub oom_kills: u64,
    /// Lines of output that the log lost because it could not be written.
    #[serde(default)]
    pub lines_dropped: u64,
}

/// The container's program was executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// Its process number on the host.
    pub pid: i32,
    /// When.
    pub at: Timestamp,
}

/// The container has ended; its log is complete and the exit record is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exited {
    /// How.
    pub exit: Exit,
}

/// An added process was executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecStarted {
    /// The exec's id.
    pub id: String,
    /// Its process number on the host.
    pub pid: i32,
}

/// An added process has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecExited {
    /// The exec's id.
    pub id: String,
    /// Its exit status; 126 or 127 when it could not be executed.
    pub code: i32,
}

/// A client is not attached any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachEnded {
    /// The number from [`Attach`](super::Attach).
    pub id: u64,
    /// The exec that it was attached to; the container when absent.
    #[serde(default)]
    pub exec: Option<String>,
    /// Why.
    pub end: AttachEnd,
}

/// Why an attach ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachEnd {
    /// The client pressed its detach keys.
    Detached,
    /// The client went away.
    HungUp,
    /// The program ended, and the client got all its output.
    Finished,
}

/// The kernel killed a process of the container for want of memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutOfMemory {
    /// How many such kills there were in all.
    pub kills: u64,
}

/// Something that a shim tells without being asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The container's program was executed.
    Started(Started),
    /// The container has ended.
    Exited(Exited),
    /// An added process was executed.
    ExecStarted(ExecStarted),
    /// An added process has ended.
    ExecExited(ExecExited),
    /// A client is not attached any more.
    AttachEnded(AttachEnded),
    /// A process was killed for want of memory.
    OutOfMemory(OutOfMemory),
}

impl Event {
    /// Reads an event; `None` for one that this build does not know.
    ///
    /// # Errors
    /// A known event whose body is wrong.
    pub fn read(frame: &Frame<'_>) -> serde_json::Result<Option<Self>> {
        Ok(Some(match frame.kind.as_ref() {
            "started" => Self::Started(frame.parse()?),
            "exited" => Self::Exited(frame.parse()?),
            "exec_started" => Self::ExecStarted(frame.parse()?),
            "exec_exited" => Self::ExecExited(frame.parse()?),
            "attach_ended" => Self::AttachEnded(frame.parse()?),
            "out_of_memory" => Self::OutOfMemory(frame.parse()?),
            _ => return Ok(None),
        }))
    }

    /// The frame that carries this event.
    ///
    /// # Errors
    /// None in practice: all bodies are plain data.
    pub fn message(&self) -> serde_json::Result<super::Message> {
        use super::Message;
        match self {
            Self::Started(body) => Message::new("started", 0, &[], body),
            Self::Exited(body) => Message::new("exited", 0, &[], body),
            Self::ExecStarted(body) => Message::new("exec_started", 0, &[], body),
            Self::ExecExited(body) => Message::new("exec_exited", 0, &[], body),
            Self::AttachEnded(body) => Message::new("attach_ended", 0, &[], body),
            Self::OutOfMemory(body) => Message::new("out_of_memory", 0, &[], body),
        }
    }
}

/// Where a container is in its life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing is made yet.
    #[default]
    Fresh,
    /// An init waits for a plan.
    Parked,
    /// Everything is prepared; the program waits for `Start`.
    Created,
    /// The program runs.
    Running,
    /// It has ended.
    Exited,
}

/// One exec as the shim knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecStatus {
    /// The exec's id.
    pub id: String,
    /// Its process number on the host.
    pub pid: i32,
    /// Its exit status, once it has ended.
    #[serde(default)]
    pub code: Option<i32>,
}

/// Everything that a daemon must know about a container that it finds again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// The container's id; empty before the launch.
    pub container: String,
    /// Where it is in its life.
    pub state: State,
    /// The init's process number on the host; 0 when there is none.
    pub pid: i32,
    /// When its program was executed.
    pub started_at: Option<Timestamp>,
    /// How it ended.
    pub exit: Option<Exit>,
    /// The running execs, and the last ones that ended.
    pub execs: Vec<ExecStatus>,
    /// How many clients are attached, to the container and its execs.
    pub clients: u32,
    /// Lines of output that the log lost.
    pub lines_dropped: u64,
    /// The sockets held for published ports: reservations and relays.
    pub sockets: u32,
}
