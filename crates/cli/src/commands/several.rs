//! Commands that do the same to several containers.

use std::sync::mpsc;

use crate::client::{Client, object_path};
use crate::failure::{ExitStatus, Failure, Result};

/// How many requests are under way at once.
const PARALLEL: usize = 50;

/// Does something to each container at the same time and prints, in the order given, the name of each for
/// which it worked. All failures are reported together at the end.
///
/// # Errors
/// The failures, one per line.
pub(crate) fn in_parallel(
    names: &[String],
    action: impl Fn(&str) -> Result<()> + Sync,
) -> Result<ExitStatus> {
    in_parallel_unless(names, |name| action(name).map(|()| true))
}

/// As [`in_parallel`]; the name is printed only where the action answers true.
///
/// # Errors
/// The failures, one per line.
pub(crate) fn in_parallel_unless(
    names: &[String],
    action: impl Fn(&str) -> Result<bool> + Sync,
) -> Result<ExitStatus> {
    if let [name] = names {
        if action(name)? {
            println!("{name}");
        }
        return Ok(ExitStatus::SUCCESS);
    }
    let next = std::sync::atomic::AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    let mut failures = Vec::new();
    std::thread::scope(|scope| {
        for _ in 0..names.len().min(PARALLEL) {
            let (next, action, sender) = (&next, &action, sender.clone());
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some(name) = names.get(index) else { break };
                    if sender.send((index, action(name))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting: Vec<Option<Result<bool>>> = names.iter().map(|_| None).collect();
        let mut printed = 0;
        for (index, result) in receiver {
            waiting[index] = Some(result);
            while let Some(result) = waiting.get_mut(printed).and_then(Option::take) {
                match result {
                    Ok(true) => println!("{}", names[printed]),
                    Ok(false) => {}
                    Err(failure) => failures.push(failure),
                }
                printed += 1;
            }
        }
    });
    joined(failures)
}

/// Does something to each container in turn and prints the name of each for which it worked.
///
/// # Errors
/// The failures, one per line.
pub(crate) fn in_turn(names: &[String], mut action: impl FnMut(&str) -> Result<()>) -> Result<ExitStatus> {
    let mut failures = Vec::new();
    for name in names {
        match action(name) {
            Ok(()) => println!("{name}"),
            Err(failure) => failures.push(failure),
        }
    }
    joined(failures)
}

/// Success, or all failures as one, a line each.
///
/// # Errors
/// The failures, if there are any.
pub(crate) fn joined(failures: Vec<Failure>) -> Result<ExitStatus> {
    if failures.is_empty() {
        return Ok(ExitStatus::SUCCESS);
    }
    let lines: Vec<String> = failures.iter().map(ToString::to_string).collect();
    Err(Failure::message(lines.join("\n")))
}

/// `POST /containers/NAME/ACTION`, whose answer has nothing to say.
///
/// # Errors
/// What the engine refuses.
pub(crate) fn post(client: &Client, name: &str, action: &str, query: &crate::client::Query) -> Result<()> {
    client.post(&object_path("container", name, action)?, query)?.discard()
}
