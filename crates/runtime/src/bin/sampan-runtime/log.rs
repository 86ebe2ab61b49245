//! Where errors go: standard error, and the file that the calling engine reads.

use std::io::Write;

use sampan_error::Error;

/// The log that `--log` and `--log-format` describe.
pub(crate) struct Log {
    path: Option<String>,
    json: bool,
}

impl Log {
    pub(crate) fn new(path: Option<&str>, format: Option<&str>) -> Self {
        Self { path: path.map(str::to_owned), json: format == Some("json") }
    }

    /// Reports an error. containerd takes the last line of level `error` out of the file as the reason.
    pub(crate) fn error(&self, error: &Error) {
        eprintln!("sampan-runtime: {error}");
        let Some(path) = &self.path else { return };
        let line = if self.json {
            let entry = serde_json::json!({
                "level": "error",
                "msg": error.message(),
                "time": crate::store::timestamp(),
            });
            entry.to_string()
        } else {
            format!("time={:?} level=error msg={:?}", crate::store::timestamp(), error.message())
        };
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        // There is nobody left to tell when even the log cannot be written.
        let _ = file.and_then(|mut file| writeln!(file, "{line}"));
    }
}
