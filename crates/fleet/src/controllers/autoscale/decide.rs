//! How many replicas: a pure function of the load, the policy and what was seen before.
//!
//! Target tracking as the Kubernetes autoscaler does it (kubernetes.io, "Horizontal Pod Autoscaling"): enough replicas
//! that each has its target, nothing within the tolerance, missing figures counted against the change, fewer replicas only
//! when all that was recommended for a while allows it. Beyond that the load is followed to where it will be when a new
//! replica is ready, and the wait before going down is shorter where the load is steady.

use sampan_error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;

const SECOND: i64 = 1_000_000_000;
/// Points of the past that a trend is read from, and over how long.
const TREND_POINTS: usize = 4;
const TREND_OVER: i64 = 90 * SECOND;

/// What is wanted of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// Fewest replicas.
    pub least: u32,
    /// Most replicas.
    pub most: u32,
    /// By metric, what each replica should have: `cpu` in percent of its CPUs, `memory` in percent of its limit,
    /// `connections` as a number.
    pub targets: BTreeMap<String, f64>,
    /// A difference of this part of the target is none.
    pub tolerance: f64,
    /// Seconds for which fewer replicas must have been enough.
    pub down_after: u64,
    /// Seconds that a new replica takes to be ready.
    pub lead: u64,
}

impl Default for Policy {
    fn default() -> Self {
        let targets = [("cpu".to_owned(), 60.0)].into();
        Self { least: 1, most: 1, targets, tolerance: 0.1, down_after: 240, lead: 15 }
    }
}

impl Policy {
    /// What a provider is told that scales by itself.
    pub(crate) fn ashore(&self) -> sampan_provider::AutoscalePolicy {
        sampan_provider::AutoscalePolicy {
            least: self.least,
            most: self.most,
            cpu: self.targets.get("cpu").copied(),
            memory: self.targets.get("memory").copied(),
            requests: None,
        }
    }

    /// Whether it makes sense.
    ///
    /// # Errors
    /// What does not.
    pub fn check(&self) -> Result<()> {
        if self.least == 0 || self.least > self.most {
            return Err(Error::invalid(format!(
                "automatic scale between {} and {}: the smaller number is at least 1 and no more than the larger one",
                self.least, self.most
            )));
        }
        for (metric, target) in &self.targets {
            if !["cpu", "memory", "connections"].contains(&metric.as_str()) {
                return Err(Error::invalid(format!(
                    "unknown metric {metric:?}: there are cpu, memory and connections"
                )));
            }
            if !target.is_finite() || *target <= 0.0 {
                return Err(Error::invalid(format!("the target of {metric} has to be more than 0")));
            }
        }
        Ok(())
    }
}

/// The load at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sample {
    /// How many replicas are wanted at present.
    pub wanted: u32,
    /// How many are ready.
    pub ready: u32,
    /// How many run and are not ready.
    pub starting: u32,
    /// By metric: the sum over those that have it, and how many those are.
    pub metrics: BTreeMap<String, (f64, u32)>,
}

impl Sample {
    /// Adds one replica's figure.
    pub(crate) fn add(&mut self, metric: &str, value: f64) {
        let entry = self.metrics.entry(metric.to_owned()).or_default();
        *entry = (entry.0 + value, entry.1 + 1);
    }
}

/// What was seen and recommended before.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    recommended: VecDeque<(i64, u32)>,
    /// By metric the sum over all replicas.
    totals: BTreeMap<String, VecDeque<(i64, f64)>>,
}

/// What one metric says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reason {
    /// The metric.
    pub metric: String,
    /// What each replica has on average.
    pub average: f64,
    /// What it should have.
    pub target: f64,
    /// How many replicas that makes.
    pub want: u32,
    /// What else counted, as a sentence; may be empty.
    pub note: String,
}

/// How many replicas, and why.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Decision {
    /// How many there are to be.
    pub want: u32,
    /// How many there were to be before.
    pub before: u32,
    /// What each metric says.
    pub reasons: Vec<Reason>,
    /// Why it is another number than the metrics say; may be empty.
    pub held: String,
}

/// Decides.
#[must_use]
pub(crate) fn decide(policy: &Policy, now: i64, sample: &Sample, history: &mut History) -> Decision {
    let before = sample.wanted.max(1);
    let (mut reasons, mut missing) = (Vec::new(), Vec::new());
    for (metric, target) in &policy.targets {
        match sample.metrics.get(metric).filter(|(_, count)| *count > 0) {
            Some((total, count)) => {
                reasons.push(reason(policy, now, sample, history, (metric, *target), (*total, *count)));
            }
            None => missing.push(metric.as_str()),
        }
    }
    let raw = reasons.iter().map(|reason| reason.want).max();
    let mut decision = Decision { want: before, before, reasons, held: String::new() };
    let Some(raw) = raw else {
        decision.held = format!("no figures ({}): nothing is changed", missing.join(", "));
        return decision;
    };
    let mut want = raw.clamp(policy.least, policy.most);
    if want != raw {
        decision.held = format!("between {} and {}", policy.least, policy.most);
    }
    if want < before && !missing.is_empty() {
        decision.held = format!("no figures for {}: not fewer", missing.join(", "));
        want = before;
    }
    // At most twice as many at once, or four more.
    let most_up = before.saturating_mul(2).max(before.saturating_add(4));
    if want > most_up {
        decision.held = "no more than twice as many at once".to_owned();
        want = most_up;
    }
    decision.want = settle(policy, now, before, want, history, &mut decision.held);
    decision
}

/// What one metric recommends.
fn reason(
    policy: &Policy,
    now: i64,
    sample: &Sample,
    history: &mut History,
    (metric, target): (&str, f64),
    (total, count): (f64, u32),
) -> Reason {
    let before = sample.wanted.max(1);
    let average = total / f64::from(count);
    let silent = f64::from(sample.ready.saturating_sub(count));
    let mut note = String::new();
    let totals = history.totals.entry(metric.to_owned()).or_default();
    totals.push_back((now, total));
    while totals.front().is_some_and(|(at, _)| now - at > TREND_OVER) {
        totals.pop_front();
    }
    let ratio = average / target;
    let ahead = if silent == 0.0 { ahead(totals, now, policy.lead) } else { None };
    let expected = ahead.unwrap_or(total);
    let want = if ratio > 1.0 + policy.tolerance
        || expected / (target * f64::from(before)) > 1.0 + policy.tolerance
    {
        // Whoever is silent or not ready yet is taken as idle: he will take his part.
        if expected > total {
            note = format!("rising: {expected:.1} in {} s", policy.lead);
        }
        ceil(expected.max(total) / target).max(before)
    } else if ratio < 1.0 - policy.tolerance {
        // Whoever is silent is taken as busy.
        let want = ceil((expected.max(total) + silent * target) / target);
        want.min(before)
    } else {
        before
    };
    Reason { metric: metric.to_owned(), average, target, want: want.max(1), note }
}

/// Where the sum will be when a new replica is ready, if it rises steadily.
fn ahead(totals: &VecDeque<(i64, f64)>, now: i64, lead: u64) -> Option<f64> {
    let points: Vec<(f64, f64)> =
        totals.iter().rev().take(TREND_POINTS).map(|(at, total)| (seconds(at - now), *total)).collect();
    if points.len() < 3 || !points.windows(2).all(|pair| pair[0].1 > pair[1].1) {
        return None;
    }
    let (newest, oldest) = (points.first()?, points.last()?);
    let slope = (newest.1 - oldest.1) / (newest.0 - oldest.0).max(1.0);
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    let lead = lead as f64;
    // A rise does not go on for ever: no more than half as much again.
    Some((newest.1 + slope * lead).min(newest.1 * 1.5))
}

/// Fewer only when all that was recommended for a while allows it.
fn settle(
    policy: &Policy,
    now: i64,
    before: u32,
    want: u32,
    history: &mut History,
    held: &mut String,
) -> u32 {
    let window = i64::try_from(policy.down_after).unwrap_or(i64::MAX / SECOND).saturating_mul(SECOND);
    // What was not watched for long enough allows nothing.
    let watched = history.recommended.front().is_some_and(|(at, _)| now - at >= window) || window == 0;
    history.recommended.push_back((now, want));
    while history.recommended.get(1).is_some_and(|(at, _)| now - at >= window) {
        history.recommended.pop_front();
    }
    if want >= before {
        return want;
    }
    let highest = history.recommended.iter().map(|(_, want)| *want).max().unwrap_or(want);
    if !watched || highest >= before {
        *held = format!("{want} would do; it has to for {} s", policy.down_after);
        return before;
    }
    highest.max(want)
}

fn seconds(nanoseconds: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "seconds of the last minutes")]
    let nanoseconds = nanoseconds as f64;
    nanoseconds / 1e9
}

/// The next whole number; what is a hair above one is that one.
fn ceil(value: f64) -> u32 {
    let value = (value - 1e-9).ceil();
    if value <= 0.0 {
        return 0;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped, and at least 0")]
    let whole = value.min(f64::from(u32::MAX)) as u32;
    whole
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.want == self.before {
            write!(f, "stays at {}", self.want)?;
        } else {
            write!(f, "from {} to {}", self.before, self.want)?;
        }
        for reason in &self.reasons {
            write!(
                f,
                "; {} {:.1} of {} for each: {} needed",
                reason.metric, reason.average, reason.target, reason.want
            )?;
            if !reason.note.is_empty() {
                write!(f, " ({})", reason.note)?;
            }
        }
        if !self.held.is_empty() {
            write!(f, "; {}", self.held)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
