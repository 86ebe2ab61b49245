//! Plans for what can be there: each as the list of its steps, and all of them carried out in a model.

use super::*;
use crate::group::Generation;
use crate::settings::Settings;

const NOW: i64 = 1_000_000_000_000;

fn group(replicas: u32, generation: u64) -> Group {
    let generations = (1..=generation).map(|number| Generation { number, ..Generation::default() }).collect();
    Group {
        name: "web".into(),
        leader: "1.1".into(),
        replicas,
        generation,
        generations,
        settings: Settings::default(),
        ..Group::default()
    }
}

fn member(number: u32, generation: u64) -> Member {
    let name = if number == 1 { "web".to_owned() } else { format!("web-{number}") };
    let id = format!("{number}.{generation}");
    Member {
        id,
        name,
        number,
        generation,
        running: true,
        health: Health::Healthy,
        started: 1,
        ..Member::default()
    }
}

fn steps(group: &Group, members: &[Member]) -> String {
    Plan::of(group, members, NOW)
        .to_string()
        .lines()
        .map(|line| line[4..].to_owned())
        .collect::<Vec<_>>()
        .join("; ")
}

#[test]
fn replicas_come_side_by_side_and_the_last_ones_go_first() {
    assert_eq!(
        steps(&group(3, 1), &[member(1, 1)]),
        "run web-2; run web-3; wait until replicas 2, 3 can take connections"
    );
    let four = [member(1, 1), member(2, 1), member(3, 1), member(4, 1)];
    assert_eq!(
        steps(&group(2, 1), &four),
        "send no new connections to 4.1, 3.1; wait for the connections of 4.1, 3.1; stop 4.1, 3.1; remove 4.1, 3.1"
    );
    assert!(Plan::of(&group(4, 1), &four, NOW).steps.is_empty());
}

#[test]
fn an_update_replaces_one_after_the_other_and_the_first_one_last() {
    let text = steps(&group(2, 2), &[member(1, 1), member(2, 1)]);
    assert_eq!(
        text,
        "run web-2.2; wait until replica 2 can take connections; send no new connections to 2.1; \
         wait for the connections of 2.1; stop 2.1; remove 2.1; call replica 2 web-2; \
         run web.2; wait until replica 1 can take connections; send no new connections to 1.1; \
         wait for the connections of 1.1; stop 1.1; give the published ports of 1.1 to replica 1; remove 1.1; \
         call replica 1 web"
    );
}

#[test]
fn what_only_one_may_write_to_is_stopped_first() {
    let mut group = group(1, 2);
    group.generations[1].stop_first = Some("it writes".into());
    assert_eq!(
        steps(&group, &[member(1, 1)]),
        "wait for the connections of 1.1; stop 1.1; run web.2 with the volumes of 1.1; \
         wait until replica 1 can take connections; send no new connections to 1.1; \
         give the published ports of 1.1 to replica 1; remove 1.1; call replica 1 web"
    );
}

/// A world in which steps are carried out, up to a point.
fn carry_out(group: &mut Group, members: &mut Vec<Member>, step: &Step) {
    match step {
        Step::Run { slot, name, .. } => {
            let mut new = member(slot.number, slot.generation);
            (new.name, new.health) = (name.clone(), Health::Starting);
            members.push(new);
        }
        Step::Start { id, .. } => {
            for member in members.iter_mut().filter(|member| member.id == *id) {
                member.running = true;
            }
        }
        Step::Await { slots } => {
            for slot in slots {
                let awaited = members
                    .iter_mut()
                    .find(|it| (it.number, it.generation) == (slot.number, slot.generation));
                awaited.expect("it is there").health = Health::Healthy;
            }
        }
        Step::Leave { .. } | Step::Drain { .. } => {}
        Step::Stop { ids } => {
            for member in members.iter_mut().filter(|member| ids.contains(&member.id)) {
                member.running = false;
            }
        }
        Step::HandOver { to, .. } => group.leader = format!("{}.{}", to.number, to.generation),
        Step::Remove { ids, .. } => members.retain(|member| !ids.contains(&member.id)),
        Step::Rename { slot, name } => {
            assert!(members.iter().all(|member| member.name != *name), "{name} is taken");
            let renamed =
                members.iter_mut().find(|it| (it.number, it.generation) == (slot.number, slot.generation));
            renamed.expect("it is there").name.clone_from(name);
        }
    }
}

/// Wherever a plan is interrupted, the next one finishes it; at any time as many replicas run as before, and one always
/// has the published ports.
#[test]
fn a_plan_that_is_interrupted_anywhere_is_finished_by_the_next() {
    for (before, after, from, to, stop_first) in [
        (1, 3, 1, 1, false),
        (3, 1, 1, 1, false),
        (3, 3, 1, 2, false),
        (1, 1, 1, 2, true),
        (3, 2, 1, 2, false),
        (2, 4, 1, 2, true),
        (3, 3, 2, 1, false),
    ] {
        let mut goal = group(after, from.max(to));
        goal.generation = to;
        goal.leader = format!("1.{from}");
        if stop_first {
            goal.generations.iter_mut().for_each(|it| it.stop_first = Some("it writes".into()));
        }
        let start: Vec<Member> = (1..=before).map(|number| member(number, from)).collect();
        let length = Plan::of(&goal, &start, NOW).steps.len();
        for cut in 0..=length {
            let (mut group, mut members) = (goal.clone(), start.clone());
            for step in Plan::of(&group, &members, NOW).steps.iter().take(cut) {
                carry_out(&mut group, &mut members, step);
                let ready = members.iter().filter(|it| it.is_ready(&group.settings, NOW)).count();
                assert!(stop_first || ready >= before.min(after) as usize, "{step:?} leaves {ready}");
            }
            for step in Plan::of(&group, &members, NOW).steps {
                carry_out(&mut group, &mut members, &step);
            }
            members.sort_by_key(|member| member.number);
            let wanted: Vec<Member> = (1..=after).map(|number| member(number, to)).collect();
            assert_eq!(members, wanted, "{before} to {after}, cut at {cut}");
            assert_eq!(group.leader, format!("1.{to}"));
            assert!(Plan::of(&group, &members, NOW).steps.is_empty());
        }
    }
}

#[test]
fn planning_two_hundred_takes_no_longer_for_each_than_planning_two() {
    let members: Vec<Member> = (1..=200).map(|number| member(number, 1)).collect();
    let plan = Plan::of(&group(200, 2), &members, NOW);
    assert_eq!(plan.steps.len(), 200 * 7 + 1);
}
