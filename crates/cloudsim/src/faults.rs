//! Faults that tests order: `POST /_cloudsim/faults`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// Too many calls.
    Throttle,
    /// A page in HTML with status 500, as a broken front door sends.
    Html500,
    /// No answer.
    Timeout,
    /// The session's token is too old.
    ExpiredToken,
    /// The operation is done, but the answer says that it failed.
    Partial,
    /// The deployment that the operation makes stays in progress.
    Stuck,
}

/// An order for a fault.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Fault {
    /// `ecs:CreateService`, as IAM names actions.
    pub(crate) operation: String,
    pub(crate) kind: Kind,
    /// How many calls it hits.
    #[serde(default = "once")]
    pub(crate) count: u32,
}

fn once() -> u32 {
    1
}

/// The faults that are ordered and not yet delivered.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<HashMap<String, (Kind, u32)>>);

impl Faults {
    /// Orders a fault; a count of 0 takes an order back.
    pub(crate) fn order(&self, fault: Fault) {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        faults.insert(fault.operation, (fault.kind, fault.count));
    }

    /// The fault for a call to an operation, which is used up by it.
    pub(crate) fn take(&self, operation: &str) -> Option<Kind> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (kind, left) = faults.get_mut(operation)?;
        *left = left.checked_sub(1)?;
        Some(*kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_hits_as_many_calls_as_ordered() {
        let faults = Faults::default();
        faults.order(serde_json::from_str(r#"{"operation":"ecs:X","kind":"html500","count":2}"#).unwrap());
        assert_eq!(faults.take("ecs:Y"), None);
        assert_eq!(faults.take("ecs:X"), Some(Kind::Html500));
        assert_eq!(faults.take("ecs:X"), Some(Kind::Html500));
        assert_eq!(faults.take("ecs:X"), None);
    }
}
