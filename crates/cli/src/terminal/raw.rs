//! Raw mode: every key goes to the container as it is.

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// Puts the terminal on stdin into raw mode until dropped.
pub(crate) struct RawMode {
    before: Option<Termios>,
}

impl RawMode {
    /// Does nothing when stdin is no terminal.
    pub(crate) fn enter() -> Self {
        let stdin = std::io::stdin();
        let Ok(before) = tcgetattr(&stdin) else { return Self { before: None } };
        let mut raw = before.clone();
        raw.make_raw();
        match tcsetattr(&stdin, OptionalActions::Now, &raw) {
            Ok(()) => Self { before: Some(before) },
            Err(_) => Self { before: None },
        }
    }

    /// Back to how the terminal was.
    pub(crate) fn restore(&mut self) {
        if let Some(before) = self.before.take() {
            // Nothing is left to be done when the terminal is gone.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &before);
        }
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        self.restore();
    }
}
