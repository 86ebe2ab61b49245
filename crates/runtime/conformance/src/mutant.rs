//! The mutated runtime: passes everything on to the real one, but for what one case is about.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use serde_json::Value;

use crate::case::{Case, Check, Mutation};
use crate::cases;

/// `mutant CASE RUNTIME ARGUMENTS…`
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let [name, runtime, rest @ ..] = arguments else { return ExitCode::FAILURE };
    let Some(case) = cases::all().into_iter().find(|case| case.name == *name) else {
        return ExitCode::FAILURE;
    };
    let command = rest.iter().find(|argument| COMMANDS.contains(&argument.as_str()));
    let command = command.map_or("", String::as_str);
    match &case.mutation {
        Mutation::Skip(skipped) if *skipped == command => ExitCode::SUCCESS,
        Mutation::Succeed(forced) if *forced == command => {
            pass_on(runtime, rest, Stdio::inherit());
            ExitCode::SUCCESS
        }
        Mutation::Also(first, second) if *first == command => {
            let code = pass_on(runtime, rest, Stdio::inherit());
            let id = rest.last().cloned().unwrap_or_default();
            let global: Vec<String> =
                rest.iter().take_while(|argument| *argument != command).cloned().collect();
            let more = second.iter().map(ToString::to_string).chain([id]);
            pass_on(runtime, &global.into_iter().chain(more).collect::<Vec<_>>(), Stdio::inherit());
            code
        }
        Mutation::Print(printed, change) if *printed == command => print(runtime, rest, *change),
        Mutation::Edit(_) | Mutation::EditFamily(_) if matches!(command, "create" | "run") => {
            edit(&case, rest);
            pass_on(runtime, rest, Stdio::inherit())
        }
        _ => pass_on(runtime, rest, Stdio::inherit()),
    }
}

const COMMANDS: [&str; 6] = ["create", "start", "state", "kill", "delete", "run"];

fn pass_on(runtime: &str, arguments: &[String], output: Stdio) -> ExitCode {
    match Command::new(runtime).args(arguments).stdout(output).status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn print(runtime: &str, arguments: &[String], change: fn(&mut Value)) -> ExitCode {
    let Ok(output) = Command::new(runtime).args(arguments).stderr(Stdio::inherit()).output() else {
        return ExitCode::FAILURE;
    };
    let mut document: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    change(&mut document);
    println!("{document}");
    if output.status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Changes config.json in the bundle that the arguments name.
fn edit(case: &Case, arguments: &[String]) {
    let bundle = arguments
        .iter()
        .position(|argument| argument == "--bundle")
        .and_then(|at| arguments.get(at + 1))
        .map_or_else(|| Path::new("."), Path::new);
    let path = bundle.join("config.json");
    let Ok(text) = std::fs::read(&path) else { return };
    let Ok(mut spec) = serde_json::from_slice::<Value>(&text) else { return };
    match (&case.mutation, &case.check) {
        (Mutation::Edit(change), _) => change(&mut spec),
        (Mutation::EditFamily(change), Check::Family { parameter, .. }) => change(&mut spec, parameter),
        _ => {}
    }
    // Should this fail, the case passes on the mutant, and that is reported.
    let _ = std::fs::write(&path, spec.to_string());
}
