//! The autoscaler over a load that was recorded, beside the Kubernetes formula: how long replicas had more than their
//! target, and how many minutes of replicas that took.

use super::decide::{History, Policy, Sample, decide};
use sampan_error::{Error, Result};
use serde::Serialize;

const SECOND: i64 = 1_000_000_000;
/// Seconds between two looks.
const EVERY: u64 = 15;
/// The Kubernetes autoscaler's wait before going down, in seconds.
const KUBERNETES_DOWN: u64 = 300;

/// A recorded load: at each second the sum over all replicas, in the metric's unit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trace(pub Vec<f64>);

/// How one autoscaler did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Simulation {
    /// Seconds in which a ready replica had more than its target and the tolerance.
    pub seconds_over: u64,
    /// Minutes of replicas that ran.
    pub replica_minutes: f64,
    /// How often the number changed.
    pub changes: u32,
    /// The highest number.
    pub most: u32,
}

impl Trace {
    /// Reads a CSV file: time in seconds and load, one pair a line, in the first two columns that are numbers; a line that
    /// has none is a heading. Between two lines the load stays.
    ///
    /// # Errors
    /// No two lines with numbers, times that go back, a load that is none.
    pub fn parse(text: &str) -> Result<Self> {
        let mut points: Vec<(f64, f64)> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let numbers: Vec<f64> = line
                .split([',', ';', '\t', ' '])
                .filter_map(|cell| cell.trim().parse().ok())
                .take(2)
                .collect();
            let [time, load] = numbers[..] else { continue };
            let is_later = points.last().is_none_or(|(before, _)| time > *before);
            if !is_later || !load.is_finite() || load < 0.0 {
                return Err(Error::invalid(format!(
                    "line {} of the trace: times have to grow, and a load is 0 or more",
                    index + 1
                )));
            }
            points.push((time, load));
        }
        let ([(first, _), ..], Some((last, _))) = (&points[..], points.last()) else {
            return Err(Error::invalid("the trace has no lines with a time and a load"));
        };
        if last - first > 1e8 || points.len() < 2 {
            return Err(Error::invalid("the trace has to have two lines, and no more than three years"));
        }
        let mut seconds = Vec::new();
        for pair in points.windows(2) {
            let mut time = pair[0].0;
            while time < pair[1].0 {
                seconds.push(pair[0].1);
                time += 1.0;
            }
        }
        Ok(Self(seconds))
    }
}

/// Ours and the Kubernetes one over the same load, with the policy's first target.
#[must_use]
pub fn simulate(policy: &Policy, trace: &Trace) -> [Simulation; 2] {
    let target = policy.targets.values().next().copied().unwrap_or(1.0);
    let metric = policy.targets.keys().next().cloned().unwrap_or_default();
    let mut history = History::default();
    let ours = replay(policy, trace, target, |now, load, ready, wanted| {
        let mut sample =
            Sample { wanted, ready, starting: wanted.saturating_sub(ready), ..Sample::default() };
        for _ in 0..ready {
            sample.add(&metric, load / f64::from(ready.max(1)));
        }
        decide(policy, now, &sample, &mut history).want
    });
    let mut recommended: Vec<(i64, u32)> = Vec::new();
    let theirs = replay(policy, trace, target, |now, load, ready, wanted| {
        // kubernetes pkg/controller/podautoscaler/replica_calculator.go: not ready ones count as idle when going up.
        let ratio = load / (target * f64::from(ready.max(1)));
        let mut want = wanted;
        if (ratio - 1.0).abs() > policy.tolerance {
            let starting = wanted.saturating_sub(ready);
            let with_all = load / (target * f64::from(ready + starting));
            let is_up = ratio > 1.0;
            let holds = is_up && (with_all <= 1.0 + policy.tolerance);
            if !holds {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few replicas")]
                let exact = (load / target).ceil() as u32;
                want = if is_up { exact.max(wanted) } else { exact };
            }
        }
        want = want.clamp(policy.least, policy.most).min((wanted * 2).max(wanted + 4));
        recommended.push((now, want));
        let window = i64::try_from(KUBERNETES_DOWN).unwrap_or(i64::MAX) * SECOND;
        recommended.retain(|(at, _)| now - at < window);
        let highest = recommended.iter().map(|(_, want)| *want).max().unwrap_or(want);
        if want < wanted { highest.min(wanted) } else { want }
    });
    [ours, theirs]
}

/// Runs through the load; new replicas are ready after the policy's lead.
fn replay(
    policy: &Policy,
    trace: &Trace,
    target: f64,
    mut decide: impl FnMut(i64, f64, u32, u32) -> u32,
) -> Simulation {
    let mut result = Simulation::default();
    let mut wanted = policy.least;
    let mut ready_at: Vec<u64> = vec![0; policy.least as usize];
    for (second, load) in trace.0.iter().enumerate() {
        let second = second as u64;
        let count = |ready_at: &[u64]| {
            u32::try_from(ready_at.iter().filter(|at| **at <= second).count()).unwrap_or(u32::MAX).max(1)
        };
        if second.is_multiple_of(EVERY) {
            let now = i64::try_from(second).unwrap_or(i64::MAX / SECOND) * SECOND;
            let want = decide(now, *load, count(&ready_at), wanted);
            result.changes += u32::from(want != wanted);
            wanted = want;
            while (ready_at.len() as u64) < u64::from(wanted) {
                ready_at.push(second + policy.lead);
            }
            ready_at.truncate(wanted as usize);
        }
        let ready = count(&ready_at);
        result.seconds_over += u64::from(load / f64::from(ready) > target * (1.0 + policy.tolerance));
        result.replica_minutes += f64::from(wanted) / 60.0;
        result.most = result.most.max(wanted);
    }
    result
}
