//! What `run`, `start -a`, `attach` and `exec` do alike: signals, the window's size, the exit status.

use serde::Deserialize;

use crate::client::{Client, Query, Response};
use crate::failure::{ExitStatus, Result};
use crate::terminal::{self, Arrived};

/// What is attached to: the path of its endpoints.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// A container, by id.
    Container(String),
    /// An exec, by id; it takes no signals.
    Exec(String),
}

impl Target {
    fn path(&self) -> String {
        match self {
            Self::Container(id) => format!("/containers/{id}"),
            Self::Exec(id) => format!("/exec/{id}"),
        }
    }
}

/// Passes a signal on, or the window's new size when the container has a terminal. What cannot be delivered
/// is dropped, as with docker: the container may just have ended.
pub(crate) fn deliver(client: &Client, target: &Target, tty: bool, arrived: Arrived) {
    let done = match (arrived, target) {
        (Arrived::WindowSize, _) if tty => resize(client, target),
        (Arrived::Proxy(name), Target::Container(_)) => client
            .post(&format!("{}/kill", target.path()), &Query::new().with("signal", name))
            .and_then(Response::discard),
        _ => Ok(()),
    };
    drop(done);
}

/// Tells the container how large the terminal is.
///
/// # Errors
/// The engine refuses.
pub(crate) fn resize(client: &Client, target: &Target) -> Result<()> {
    let (rows, columns) = terminal::size();
    if rows == 0 && columns == 0 {
        return Ok(());
    }
    let query = Query::new().with("h", rows.to_string()).with("w", columns.to_string());
    client.post(&format!("{}/resize", target.path()), &query)?.discard()
}

/// Asks for the container's end: the answer's head comes at once, its body when the container has ended.
///
/// # Errors
/// The engine refuses.
pub(crate) fn wait_for(client: &Client, id: &str, condition: &str) -> Result<Response> {
    let query = Query::new().with_if(!condition.is_empty(), "condition", condition);
    client.post(&format!("/containers/{id}/wait"), &query)
}

#[derive(Debug, Deserialize)]
struct Exit {
    #[serde(rename = "StatusCode", default)]
    status: i64,
    #[serde(rename = "Error", default)]
    error: Option<ExitError>,
}

#[derive(Debug, Deserialize)]
struct ExitError {
    #[serde(rename = "Message", default)]
    message: String,
}

/// The exit status in the body of a `/wait` answer.
pub(crate) fn exit_status(body: &str) -> ExitStatus {
    match serde_json::from_str::<Exit>(body) {
        Ok(Exit { error: Some(error), .. }) => {
            eprintln!("Error waiting for container: {}", error.message);
            ExitStatus(125)
        }
        Ok(exit) => ExitStatus::of_program(exit.status),
        Err(error) => {
            eprintln!("error waiting for container: {error}");
            ExitStatus(125)
        }
    }
}
