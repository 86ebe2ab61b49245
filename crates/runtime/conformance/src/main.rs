//! Does a container runtime keep to the OCI runtime specification? One case per MUST, for any runtime.
//!
//! The cases drive the runtime by its command line. Inside the container this program runs once more, as a probe
//! that reports what it finds. A case that cannot fail proves nothing: with `--mutants` each case runs again with
//! a wrapper around the runtime that drops just what the case checks, and must fail.

mod bench;
mod bundle;
mod case;
mod cases;
mod mutant;
mod probe;

use std::path::PathBuf;
use std::process::ExitCode;

use bench::Bench;
use case::Case;

const USAGE: &str = "Usage: runtime-conformance --runtime PATH [--mutants] [--only TEXT]
       runtime-conformance --list

  --runtime PATH  the runtime to examine
  --mutants       also show that each case can fail
  --only TEXT     only cases whose name contains TEXT
  --list          print the cases by section, as Markdown
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("probe") => return probe::run(&arguments[1..]),
        Some("mutant") => return mutant::run(&arguments[1..]),
        Some("--list") => {
            list();
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let value = |name: &str| {
        arguments.iter().position(|argument| argument == name).and_then(|at| arguments.get(at + 1))
    };
    let Some(runtime) = value("--runtime").map(PathBuf::from) else {
        eprint!("{USAGE}");
        return ExitCode::FAILURE;
    };
    let only = value("--only").map_or("", String::as_str);
    let mutants = arguments.iter().any(|argument| argument == "--mutants");
    let selected: Vec<Case> = cases::all().into_iter().filter(|case| case.name.contains(only)).collect();
    match examine(&runtime, &selected, mutants) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("runtime-conformance: {error}");
            ExitCode::FAILURE
        }
    }
}

fn list() {
    println!("# What a runtime must do, case by case");
    println!();
    println!(
        "Printed by `cargo run -p sampan-conformance -- --list`. Each case is also shown to fail on a runtime"
    );
    println!("that was mutated for it. Where an older runc is known not to comply, the case says so.");
    let mut section = "";
    for case in cases::all() {
        if case.section != section {
            section = case.section;
            println!("\n## {section}\n");
        }
        println!("- `{}`: {}", case.name, case.must);
        for (runtime, why) in case.deviations {
            println!("  ({runtime}: {why})");
        }
    }
}

fn examine(runtime: &std::path::Path, selected: &[Case], mutants: bool) -> std::io::Result<bool> {
    let bench = Bench::new(runtime)?;
    let version = bench.version();
    let (mut passed, mut failed, mut known, mut survived) = (0, 0, 0, 0);
    for case in selected {
        let outcome = bench.judge(case, None);
        let deviation = case.deviations.iter().find(|(name, _)| version.contains(name));
        match (&outcome, deviation) {
            (Ok(()), _) => {
                passed += 1;
                println!("ok        {}", case.name);
            }
            (Err(reason), Some((_, why))) => {
                known += 1;
                println!("deviates  {}: {why} ({reason})", case.name);
            }
            (Err(reason), None) => {
                failed += 1;
                println!("FAILED    {} [{}]: {reason}", case.name, case.section);
            }
        }
        if mutants && outcome.is_ok() {
            match bench.judge(case, Some(case)) {
                Err(reason) => println!("  caught  {}", reason.lines().next().unwrap_or_default()),
                Ok(()) => {
                    survived += 1;
                    println!("  SURVIVED: the case passes on a mutated runtime");
                }
            }
        }
    }
    println!(
        "\n{version}: {passed} passed, {failed} failed, {known} known deviations, {survived} mutants survived"
    );
    Ok(failed == 0 && survived == 0)
}
