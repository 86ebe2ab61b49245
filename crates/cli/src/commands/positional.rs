//! How many positional arguments a command takes, and docker's sentences when the number is wrong.

use crate::failure::{ExitStatus, Failure, Result};

/// The number of positional arguments that a command takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Positional {
    /// Any number.
    Any,
    /// None.
    None,
    /// Exactly this many.
    Exactly(usize),
    /// This many or more.
    AtLeast(usize),
    /// No more than this.
    AtMost(usize),
    /// Between these, both included.
    Between(usize, usize),
}

impl Positional {
    /// Checks a number of arguments for a command (`docker stop`) of a program (`docker`) whose usage
    /// line is given.
    ///
    /// # Errors
    /// The number is wrong; exit status 1.
    pub(crate) fn check(self, count: usize, program: &str, path: &str, usage: &str) -> Result<()> {
        let plural = |number: usize| if number == 1 { "argument" } else { "arguments" };
        let (complaint, advice) = match self {
            Self::None if count > 0 => (String::from("accepts no arguments"), "Run"),
            Self::Exactly(number) if count != number => {
                (format!("requires {number} {}", plural(number)), "Run")
            }
            Self::AtLeast(number) if count < number => {
                (format!("requires at least {number} {}", plural(number)), "See")
            }
            // The spelling of the advice is docker's own.
            Self::AtMost(number) if count > number => {
                (format!("requires at most {number} {}", plural(number)), "SRun")
            }
            Self::Between(least, most) if count < least || count > most => {
                (format!("requires at least {least} and at most {most} {}", plural(most)), "Run")
            }
            _ => return Ok(()),
        };
        Err(Failure::Status {
            text: format!(
                "{program}: '{path}' {complaint}\n\nUsage:  {usage}\n\n{advice} '{path} --help' for more information"
            ),
            status: ExitStatus::FAILURE,
        })
    }
}
