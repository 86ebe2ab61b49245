//! Decisions on loads that can be, and both autoscalers over loads of several shapes.

use super::super::{Trace, simulate};
use super::*;

fn policy(most: u32) -> Policy {
    Policy { most, ..Policy::default() }
}

fn sample(wanted: u32, cpu: &[f64]) -> Sample {
    let ready = u32::try_from(cpu.len()).expect("few");
    let mut sample = Sample { wanted, ready, ..Sample::default() };
    cpu.iter().for_each(|cpu| sample.add("cpu", *cpu));
    sample
}

/// The same load for so many seconds; the last decision.
fn for_a_while(policy: &Policy, history: &mut History, from: i64, seconds: i64, sample: &Sample) -> Decision {
    let mut last = Decision::default();
    for at in (from..=from + seconds).step_by(15) {
        last = decide(policy, at * SECOND, sample, history);
    }
    last
}

#[test]
fn up_at_once_and_down_only_after_a_while() {
    let (policy, mut history) = (policy(10), History::default());
    let up = decide(&policy, 0, &sample(1, &[170.0]), &mut history);
    assert_eq!(up.want, 3, "{up}");
    let same = decide(&policy, 15 * SECOND, &sample(3, &[57.0, 56.0, 57.0]), &mut history);
    assert_eq!(same.want, 3, "{same}");
    let quiet = sample(3, &[10.0, 10.0, 10.0]);
    let soon = for_a_while(&policy, &mut history, 30, 180, &quiet);
    assert!(soon.want == 3 && soon.held.contains("240 s"), "{soon}");
    let later = for_a_while(&policy, &mut history, 225, 120, &quiet);
    assert_eq!(later.want, 1, "{later}");
}

#[test]
fn nothing_goes_down_on_missing_figures() {
    let (policy, mut history) = (policy(10), History::default());
    let none = for_a_while(&policy, &mut history, 0, 600, &sample(3, &[]));
    assert!(none.want == 3 && none.held.contains("no figures"), "{none}");
    // One of three is silent: it is taken as busy when going down, as idle when going up.
    let mut silent = sample(3, &[5.0, 5.0]);
    silent.ready = 3;
    let down = for_a_while(&policy, &mut History::default(), 0, 600, &silent);
    assert_eq!(down.want, 2, "{down}");
    let mut busy = sample(3, &[90.0, 90.0]);
    busy.ready = 3;
    assert_eq!(decide(&policy, 0, &busy, &mut History::default()).want, 3);
    let two = Policy { targets: [("cpu".into(), 60.0), ("memory".into(), 80.0)].into(), ..policy };
    let half = for_a_while(&two, &mut History::default(), 0, 600, &sample(3, &[5.0, 5.0, 5.0]));
    assert!(half.want == 3 && half.held.contains("no figures for memory"), "{half}");
}

#[test]
fn bounds_hold() {
    let mut history = History::default();
    assert_eq!(decide(&policy(2), 0, &sample(1, &[500.0]), &mut history).want, 2);
    assert_eq!(decide(&policy(100), 0, &sample(1, &[9000.0]), &mut History::default()).want, 5);
    for bad in [Policy { least: 0, ..policy(3) }, Policy { least: 4, ..policy(3) }] {
        assert!(bad.check().is_err());
    }
    let unknown = Policy { targets: [("disk".into(), 1.0)].into(), ..policy(3) };
    assert!(
        unknown.check().expect_err("refused").to_string().contains("there are cpu, memory and connections")
    );
}

/// A load by the second.
type Shape = fn(u64) -> f64;

/// Figures that come out the same each time, between 0 and 1.
fn noise(seed: u64) -> f64 {
    let mut value = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d;
    value ^= value >> 29;
    value = value.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value ^= value >> 32;
    (value % 1000) as f64 / 1000.0
}

/// On each shape of load no longer over the target than the Kubernetes formula, and over all of them with no more minutes of
/// replicas.
#[test]
fn it_is_no_worse_than_the_kubernetes_formula() {
    let hour = 3600_u64;
    let shapes: [(&str, Shape); 6] = [
        ("step", |second| if (1200..3000).contains(&second) { 400.0 } else { 50.0 }),
        ("ramp", |second| 30.0 + second as f64 / 20.0),
        ("day", |second| 300.0 + 250.0 * (second as f64 / 6.0 * std::f64::consts::TAU / 3600.0).sin()),
        ("noisy day", |second| {
            let calm = 300.0 + 250.0 * (second as f64 / 6.0 * std::f64::consts::TAU / 3600.0).sin();
            calm * (0.9 + 0.2 * noise(second / 15))
        }),
        ("bursts", |second| if second % 900 < 240 { 500.0 } else { 100.0 + 40.0 * noise(second / 30) }),
        ("sawtooth", |second| 60.0 + (second % 1800) as f64 / 4.0),
    ];
    let policy = Policy { most: 20, ..Policy::default() };
    let (mut over, mut minutes) = ([0; 2], [0.0; 2]);
    for (name, shape) in shapes {
        let trace = Trace((0..6 * hour).map(shape).collect());
        let [ours, theirs] = simulate(&policy, &trace);
        println!("{name:10} ours {ours:?}\n{:10} kubernetes {theirs:?}", "");
        assert!(ours.seconds_over <= theirs.seconds_over, "{name}: over the target for longer");
        over = [over[0] + ours.seconds_over, over[1] + theirs.seconds_over];
        minutes = [minutes[0] + ours.replica_minutes, minutes[1] + theirs.replica_minutes];
    }
    println!("seconds over the target {over:?}, minutes of replicas {minutes:?}");
    assert!(over[0] < over[1] && minutes[0] <= minutes[1], "more minutes of replicas");
}

#[test]
fn traces_are_read() {
    let trace = Trace::parse("time,load\n0,1\n3,2.5\n4,0\n").expect("a trace");
    assert_eq!(trace.0, [1.0, 1.0, 1.0, 2.5]);
    for bad in ["", "x,y\n", "0,1\n0,2\n", "0,1\n1,-2\n", "5,1\n"] {
        assert!(Trace::parse(bad).is_err(), "{bad:?}");
    }
}
