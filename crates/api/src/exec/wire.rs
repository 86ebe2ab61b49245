//! Docker's JSON of exec sessions.

use serde::{Deserialize, Serialize};

/// `ExecConfig`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct CreateBody {
    pub(super) user: String,
    pub(super) privileged: bool,
    pub(super) tty: bool,
    pub(super) console_size: Option<Vec<u16>>,
    pub(super) attach_stdin: bool,
    pub(super) attach_stderr: bool,
    pub(super) attach_stdout: bool,
    pub(super) detach_keys: String,
    pub(super) env: Option<Vec<String>>,
    pub(super) working_dir: String,
    pub(super) cmd: Option<crate::containers::wire::Words>,
}

/// The answer to a creation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateReply {
    pub(super) id: String,
}

/// The body of a start.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct StartBody {
    pub(super) detach: bool,
    pub(super) tty: Option<bool>,
    pub(super) console_size: Option<Vec<u16>>,
}

/// What is known of a session.
#[derive(Debug, Serialize)]
pub(super) struct Inspect {
    #[serde(rename = "ID")]
    pub(super) id: String,
    #[serde(rename = "Running")]
    pub(super) running: bool,
    /// `null` while it runs.
    #[serde(rename = "ExitCode")]
    pub(super) exit_code: Option<i32>,
    #[serde(rename = "ProcessConfig")]
    pub(super) process_config: Process,
    #[serde(rename = "OpenStdin")]
    pub(super) open_stdin: bool,
    #[serde(rename = "OpenStderr")]
    pub(super) open_stderr: bool,
    #[serde(rename = "OpenStdout")]
    pub(super) open_stdout: bool,
    #[serde(rename = "CanRemove")]
    pub(super) can_remove: bool,
    #[serde(rename = "ContainerID")]
    pub(super) container_id: String,
    #[serde(rename = "DetachKeys")]
    pub(super) detach_keys: String,
    #[serde(rename = "Pid")]
    pub(super) pid: u32,
}

/// The program of a session.
#[derive(Debug, Serialize)]
pub(super) struct Process {
    pub(super) tty: bool,
    pub(super) entrypoint: String,
    pub(super) arguments: Vec<String>,
    pub(super) privileged: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) user: String,
}
