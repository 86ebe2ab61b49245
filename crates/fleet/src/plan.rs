//! The planner: from what is wanted and what is there to the steps between. Pure; the same input gives the same plan.

use crate::group::Group;
use crate::member::{Health, Member};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A replica by what it is to be, whether it is there yet or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Slot {
    /// Which replica, from 1.
    pub number: u32,
    /// Of which generation.
    pub generation: u64,
}

/// One step. Replicas that are there are named by their ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "do")]
pub enum Step {
    /// Make it and start it.
    Run {
        /// It.
        slot: Slot,
        /// Its name until it takes its own.
        name: String,
        /// The one whose volumes it takes over.
        predecessor: Option<String>,
    },
    /// Start it again.
    Start {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
    },
    /// Wait until they are ready.
    Await {
        /// They.
        slots: Vec<Slot>,
    },
    /// Send new connections to all that are ready but these.
    Leave {
        /// Their ids.
        ids: Vec<String>,
    },
    /// Wait until these have no connections, or their time is over.
    Drain {
        /// Their ids.
        ids: Vec<String>,
    },
    /// Ask these to end.
    Stop {
        /// Their ids.
        ids: Vec<String>,
    },
    /// Give the published ports to the new first replica.
    HandOver {
        /// Who has them.
        from: String,
        /// Who gets them.
        to: Slot,
    },
    /// Remove these.
    Remove {
        /// Their ids.
        ids: Vec<String>,
        /// Their own volumes go too.
        with_volumes: bool,
    },
    /// Give it its name.
    Rename {
        /// It.
        slot: Slot,
        /// The name.
        name: String,
    },
}

/// Steps in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// They.
    pub steps: Vec<Step>,
}

impl Plan {
    /// What is to be done so that the group is as wanted. Replicas beyond the wanted number leave, missing ones come, those
    /// of another generation are replaced one by one, the first one last.
    #[must_use]
    pub fn of(group: &Group, members: &[Member], now: i64) -> Self {
        let mut plan = Self::default();
        let mut by_number: BTreeMap<u32, Vec<&Member>> = BTreeMap::new();
        for member in members {
            by_number.entry(member.number).or_default().push(member);
        }
        let none = Vec::new();
        let at = |number: u32| by_number.get(&number).unwrap_or(&none);
        let is_new = |member: &&&Member| member.generation == group.generation;
        // Missing ones come first, side by side: nobody has to make room for them.
        let (mut coming, mut start) = (Vec::new(), Vec::new());
        for number in 1..=group.replicas {
            let slot = Slot { number, generation: group.generation };
            match at(number)[..] {
                [] => {
                    plan.steps.push(Step::Run { slot, name: group.member_name(number), predecessor: None });
                    coming.push(slot);
                }
                [only] if is_new(&&only) && !only.is_ready(&group.settings, now) => {
                    if !only.running && !only.restarting {
                        start.push(Step::Start { id: only.id.clone(), name: only.name.clone() });
                    }
                    // One that was unhealthy before is not what anybody waits for.
                    if only.health != Health::Unhealthy {
                        coming.push(slot);
                    }
                }
                _ => {}
            }
        }
        plan.steps.extend(start);
        if !coming.is_empty() {
            plan.steps.push(Step::Await { slots: coming });
        }
        for number in (2..=group.replicas).chain([1]) {
            plan.replace(group, number, at(number), now);
        }
        let surplus = by_number.range(group.replicas.saturating_add(1)..).rev().flat_map(|(_, all)| all);
        plan.dismiss(surplus.map(|member| member.id.clone()).collect(), true);
        plan
    }

    /// Replaces one replica by one of the wanted generation.
    fn replace(&mut self, group: &Group, number: u32, there: &[&Member], now: i64) {
        let slot = Slot { number, generation: group.generation };
        let new = there.iter().find(|member| member.generation == group.generation);
        let old: Vec<&&Member> =
            there.iter().filter(|member| member.generation != group.generation).collect();
        let name = group.member_name(number);
        if old.is_empty() {
            if let Some(new) = new.filter(|new| new.name != name) {
                debug_assert_eq!(new.number, number);
                self.steps.push(Step::Rename { slot, name });
            }
            return;
        }
        let ids: Vec<String> = old.iter().map(|member| member.id.clone()).collect();
        let takes_over = group.wanted().is_some_and(|wanted| wanted.stop_first.is_some());
        let running: Vec<String> =
            old.iter().filter(|member| member.running || member.restarting).map(|it| it.id.clone()).collect();
        if takes_over && !running.is_empty() {
            self.steps.push(Step::Drain { ids: running.clone() });
            self.steps.push(Step::Stop { ids: running.clone() });
        }
        match new {
            None => {
                let predecessor = takes_over.then(|| ids[0].clone());
                self.steps.push(Step::Run { slot, name: group.coming_name(number), predecessor });
            }
            Some(new) if !new.running && !new.restarting => {
                self.steps.push(Step::Start { id: new.id.clone(), name: new.name.clone() });
            }
            Some(_) => {}
        }
        if new.is_none_or(|new| !new.is_ready(&group.settings, now)) {
            self.steps.push(Step::Await { slots: vec![slot] });
        }
        self.steps.push(Step::Leave { ids: ids.clone() });
        if !takes_over {
            self.steps.push(Step::Drain { ids: ids.clone() });
            self.steps.push(Step::Stop { ids: ids.clone() });
        }
        if number == 1 {
            self.steps.push(Step::HandOver { from: ids[0].clone(), to: slot });
        }
        self.steps.push(Step::Remove { ids, with_volumes: !takes_over });
        self.steps.push(Step::Rename { slot, name });
    }

    /// Lets replicas go.
    fn dismiss(&mut self, ids: Vec<String>, with_volumes: bool) {
        if ids.is_empty() {
            return;
        }
        self.steps.push(Step::Leave { ids: ids.clone() });
        self.steps.push(Step::Drain { ids: ids.clone() });
        self.steps.push(Step::Stop { ids: ids.clone() });
        self.steps.push(Step::Remove { ids, with_volumes });
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "replica {}", self.number)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |ids: &[String]| -> String {
            ids.iter().map(|id| id.get(..12).unwrap_or(id)).collect::<Vec<_>>().join(", ")
        };
        match self {
            Self::Run { name, predecessor: None, .. } => write!(f, "run {name}"),
            Self::Run { name, predecessor: Some(id), .. } => {
                write!(f, "run {name} with the volumes of {}", short(std::slice::from_ref(id)))
            }
            Self::Start { name, .. } => write!(f, "start {name}"),
            Self::Await { slots } => {
                let numbers: Vec<String> = slots.iter().map(|slot| slot.number.to_string()).collect();
                let word = if slots.len() == 1 { "replica" } else { "replicas" };
                write!(f, "wait until {word} {} can take connections", numbers.join(", "))
            }
            Self::Leave { ids } => write!(f, "send no new connections to {}", short(ids)),
            Self::Drain { ids } => write!(f, "wait for the connections of {}", short(ids)),
            Self::Stop { ids } => write!(f, "stop {}", short(ids)),
            Self::HandOver { from, to } => {
                write!(f, "give the published ports of {} to {to}", short(std::slice::from_ref(from)))
            }
            Self::Remove { ids, .. } => write!(f, "remove {}", short(ids)),
            Self::Rename { slot, name } => write!(f, "call {slot} {name}"),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return write!(f, "nothing to do");
        }
        for (index, step) in self.steps.iter().enumerate() {
            let end = if index + 1 == self.steps.len() { "" } else { "\n" };
            write!(f, "{:2}. {step}{end}", index + 1)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
