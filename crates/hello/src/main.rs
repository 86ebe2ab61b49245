//! The program of the built-in image `hello`.
//!
//! Without arguments it says, from inside, what happened to make it run. With `serve [PORT]` it is a small web
//! page about the container it lives in.

mod facts;
mod page;
mod request;
mod serve;
mod story;

use std::io::Write;
use std::process::ExitCode;

const USAGE: &str = "usage: hello               say what happened, step by step
       hello serve [PORT]  show it as a web page (port 80 unless told otherwise)
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
        [other, ..] => wrong(&format!("\"{other}\" is not something that hello can do")),
    }
}

fn print(text: &str) -> ExitCode {
    // A reader that went away (`| head`) is no failure of ours.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn wrong(reason: &str) -> ExitCode {
    let _ = write!(std::io::stderr(), "hello: {reason}\n{USAGE}");
    ExitCode::from(2)
}

fn serve(port: u16) -> ExitCode {
    match serve::run(port) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "hello: cannot serve on port {port}: {error}");
            ExitCode::FAILURE
        }
    }
}
