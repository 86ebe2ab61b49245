//! The program of the built-in image `hello`.
//!
//! Without arguments it says, from inside, what happened to make it run. With `serve [PORT]` it is a small web
//! page about the container it lives in. The engine uses it, too, where it needs a program of its own in a container:
//! `wait` holds one open, and `seed` brings volumes over.

mod facts;
mod page;
mod request;
mod serve;
mod story;

use sampan_seed::Role;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: hello               say what happened, step by step
       hello serve [PORT]  show it as a web page (port 80 unless told otherwise)
       hello wait          do nothing until asked to end
       hello try           say $SUITE_VALUE, then wait: what `target check --live` runs
       hello seed receive|send FOLDER...
                           one end of a transfer of these folders, over standard input and output
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => print(&story::tell(&facts::Facts::gather())),
        ["help" | "--help" | "-h"] => print(USAGE),
        ["serve"] => serve(80),
        ["serve", port] => match port.parse() {
            Ok(port) => serve(port),
            Err(_) => wrong(&format!("\"{port}\" is not a port: give a number from 1 to 65535")),
        },
        ["wait"] => outcome("wait", serve::wait()),
        ["try"] => {
            let value = std::env::var("SUITE_VALUE").unwrap_or_default();
            print(&format!("begun\nvalue={value}\n"));
            outcome("wait", serve::wait())
        }
        ["seed", role @ ("receive" | "send"), folders @ ..] if !folders.is_empty() => {
            outcome("bring files over", seed(role, folders))
        }
        [other, ..] => wrong(&format!("\"{other}\" is not something that hello can do")),
    }
}

fn print(text: &str) -> ExitCode {
    // A reader that went away (`| head`) is no failure of ours.
    let _ = io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn wrong(reason: &str) -> ExitCode {
    let _ = write!(io::stderr(), "hello: {reason}\n{USAGE}");
    ExitCode::from(2)
}

fn serve(port: u16) -> ExitCode {
    outcome(&format!("serve on port {port}"), serve::run(port))
}

fn seed(role: &str, folders: &[&str]) -> io::Result<()> {
    let role = if role == "send" { Role::Send } else { Role::Receive };
    let folders: Vec<PathBuf> = folders.iter().map(PathBuf::from).collect();
    let (mut input, mut output) = (io::stdin().lock(), BufWriter::new(io::stdout().lock()));
    sampan_seed::serve(role, &folders, &mut input, &mut output)
}

fn outcome(what: &str, done: io::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "hello: cannot {what}: {error}");
            ExitCode::FAILURE
        }
    }
}
