//! The Dockerfile language: text to instructions.
//!
//! Rules are those of Docker's reference ("Dockerfile reference", syntax 1). Every failure says the line and shows it.

mod expand;
mod instruction;
mod lines;
mod lint;
mod mount;
mod parse;
mod suggest;
mod words;

pub use expand::expand;
pub use instruction::{Copy, Instruction, Kind, Run, Stage};
pub use lines::{Heredoc, Line};
pub use lint::{Checked, Warning, check};
pub use mount::Mount;
pub use parse::{Dockerfile, instruction, parse};
pub use words::{json_list, words};

/// A failure at a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1.
    pub column: usize,
    /// The line as it stands there.
    pub text: String,
    /// One sentence.
    pub message: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "dockerfile parse error on line {}: {}", self.line, self.message)?;
        let margin = format!("{:4} | ", self.line);
        write!(f, "\n{margin}{}\n{:width$}^", self.text, "", width = margin.len() + self.column - 1)
    }
}

impl std::error::Error for Failure {}
