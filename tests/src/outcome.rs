//! Running a program to its end, with a limit on how long a broken one may hang.

use std::io::Write;
use std::process::{Child, Command, Output, Stdio};

/// Seconds after which a program counts as hung. It bounds a broken test; no test measures time with it.
const HUNG: &str = "180";

/// What a program left behind.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The command as a person would type it.
    pub command: String,
    /// Exit code; 124 when it hung, 128 and the signal's number when a signal ended it.
    pub code: i32,
    /// All of standard output; bytes that are not UTF-8 are replaced.
    pub stdout: String,
    /// All of standard error.
    pub stderr: String,
}

impl Outcome {
    /// Standard output without the last line's end, for a command that must succeed.
    ///
    /// # Panics
    /// When the exit code is not 0.
    #[track_caller]
    pub fn ok(&self) -> &str {
        assert!(self.code == 0, "{self}");
        self.stdout.trim_end_matches(['\n', '\r'])
    }

    /// Checks the exit code and that standard error contains a text; for commands that must fail.
    ///
    /// # Panics
    /// When either differs.
    #[track_caller]
    pub fn fails(&self, code: i32, text: &str) {
        assert!(self.code == code, "expected exit code {code}: {self}");
        let said = self.stderr.to_lowercase();
        assert!(said.contains(&text.to_lowercase()), "expected {text:?} on standard error: {self}");
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Outcome { command, code, stdout, stderr } = self;
        write!(formatter, "`{command}` ended with {code}\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n---")
    }
}

/// A program that goes on while the test does something else. It is killed when dropped.
pub struct Running {
    command: String,
    child: Child,
}

impl Running {
    /// Closes its standard input and waits for its end.
    ///
    /// # Panics
    /// When it cannot be waited for.
    #[track_caller]
    pub fn finish(mut self) -> Outcome {
        drop(self.child.stdin.take());
        let stdout = read_aside(self.child.stdout.take());
        let stderr = read_aside(self.child.stderr.take());
        let status = self.child.wait().expect("waiting for a program of the test");
        let joined = |thread: std::thread::JoinHandle<Vec<u8>>| thread.join().expect("a reader never panics");
        outcome(self.command.clone(), &Output { status, stdout: joined(stdout), stderr: joined(stderr) })
    }

    /// True while it has not ended.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The process itself, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already in the good case; an error then says only that.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_aside(pipe: Option<impl std::io::Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What came before an error is still worth showing.
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

/// Wraps a command so that it ends after a while even when it hangs. It must be the innermost wrapper: what
/// enters a namespace of processes leaves its child behind when it is killed.
pub(crate) fn bounded(words: &[&str]) -> Vec<String> {
    let limit = ["timeout", "--kill-after=5", HUNG];
    limit.iter().chain(words).map(|word| (*word).to_owned()).collect()
}

/// A command from its words.
pub(crate) fn command(words: &[String]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

/// Runs a command to its end with `input` on its standard input.
#[track_caller]
pub(crate) fn run(mut command: Command, shown: String, input: &[u8]) -> Outcome {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{shown}: {error}"));
    let pipe = child.stdin.take();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        if let Some(mut pipe) = pipe {
            // A program may end without reading all: then there is nobody to tell.
            let _ = pipe.write_all(&input);
        }
    });
    let output = child.wait_with_output().unwrap_or_else(|error| panic!("{shown}: {error}"));
    writer.join().expect("a writer never panics");
    outcome(shown, &output)
}

/// Starts a command with pipes on all three ends.
#[track_caller]
pub(crate) fn start(mut command: Command, shown: String) -> Running {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap_or_else(|error| panic!("{shown}: {error}"));
    Running { command: shown, child }
}

fn outcome(command: String, output: &Output) -> Outcome {
    use std::os::unix::process::ExitStatusExt;
    let code = output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or(0));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Outcome { command, code, stdout: text(&output.stdout), stderr: text(&output.stderr) }
}
