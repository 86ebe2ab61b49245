//! `sampan-runtime`: the runtime as a program with the OCI command line, for engines and validation suites.

mod arguments;
mod commands;
mod console;
mod foreground;
mod log;
mod sealed;
mod signals;
mod store;

use std::process::ExitCode;

use arguments::{Arguments, Flag};

/// The flags before the command.
const GLOBAL: &[Flag] = &[
    Flag::value("root"),
    Flag::value("log"),
    Flag::value("log-format"),
    Flag::switch("debug"),
    Flag::switch("systemd-cgroup"),
    Flag::value("rootless"),
    Flag::value("criu"),
    Flag::switch("version").short('v'),
    Flag::switch("help").short('h'),
];

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let (global, rest) = match Arguments::parse(GLOBAL, &given) {
        Ok(parsed) => parsed,
        Err(message) => return usage_error(&message),
    };
    let log = log::Log::new(global.value("log"), global.value("log-format"));
    if global.has("version") {
        println!("sampan-runtime version {}\nspec: {}", env!("CARGO_PKG_VERSION"), commands::SPEC_VERSION);
        return ExitCode::SUCCESS;
    }
    let Some((name, arguments)) = rest.split_first() else {
        print!("{}", commands::help());
        return if global.has("help") { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    };
    let store = store::Store::new(global.value("root"));
    match commands::run(name, arguments, &store) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            log.error(&error);
            // As runc: a caller tells a failure of exec itself from what the program returned.
            if name == "exec" { ExitCode::from(255) } else { ExitCode::FAILURE }
        }
    }
}

fn usage_error(message: &str) -> ExitCode {
    eprintln!("sampan-runtime: {message}");
    ExitCode::FAILURE
}
