//! What whoever asked is told meanwhile.

use tokio::sync::mpsc::UnboundedSender;

/// Takes sentences. Whoever asked may have gone; the work goes on.
#[derive(Debug, Clone, Default)]
pub struct Report(Option<UnboundedSender<String>>);

impl Report {
    /// To this channel.
    #[must_use]
    pub fn new(lines: UnboundedSender<String>) -> Self {
        Self(Some(lines))
    }

    /// To nobody.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// Tells one.
    pub fn say(&self, line: impl Into<String>) {
        if let Some(lines) = &self.0 {
            // See above.
            let _ = lines.send(line.into());
        }
    }
}
