//! The cases, by chapter.

mod cgroups;
mod config;
mod devices;
mod hooks;
mod lifecycle;
mod mounts;
mod namespaces;
mod process;
mod restrictions;

use serde_json::Value;

use crate::case::{Case, Check, Mutation, Outcome};

/// All cases, in the order of the specification.
pub(crate) fn all() -> Vec<Case> {
    let mut all = Vec::new();
    all.extend(config::cases());
    all.extend(mounts::cases());
    all.extend(process::cases());
    all.extend(hooks::cases());
    all.extend(namespaces::cases());
    all.extend(devices::cases());
    all.extend(cgroups::cases());
    all.extend(restrictions::cases());
    all.extend(lifecycle::cases());
    all
}

fn case(name: &str, section: &'static str, must: &str, check: Check, mutation: Mutation) -> Case {
    Case { name: name.into(), section, must: must.into(), check, mutation, deviations: &[] }
}

/// A case on the probe's report.
fn facts(
    name: &str,
    section: &'static str,
    must: &str,
    edit: fn(&mut Value),
    judge: fn(&Value) -> Outcome,
    mutation: fn(&mut Value),
) -> Case {
    case(name, section, must, Check::Facts { edit, judge }, Mutation::Edit(mutation))
}

/// A case on a specification that must be refused; the mutation makes it a good one.
fn refused(
    name: &str,
    section: &'static str,
    must: &str,
    edit: fn(&mut Value),
    mutation: fn(&mut Value),
) -> Case {
    case(name, section, must, Check::Refused(edit), Mutation::Edit(mutation))
}

impl Case {
    fn deviates(mut self, deviations: &'static [(&'static str, &'static str)]) -> Self {
        self.deviations = deviations;
        self
    }
}
