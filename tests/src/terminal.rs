//! A program on a terminal: what a person at a keyboard sees and types.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::wait::{eventually, until};

/// A pseudo-terminal with a program on it. The program is killed when this is dropped.
pub struct Terminal {
    keyboard: File,
    screen: Arc<Mutex<Vec<u8>>>,
    child: Child,
}

impl Terminal {
    /// Starts a command with a terminal of 24 lines by 80 columns as its controlling one.
    ///
    /// # Panics
    /// When there is no terminal to be had.
    #[track_caller]
    pub(crate) fn start(command: Command) -> Terminal {
        let main =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
        grantpt(&main).expect("grantpt");
        unlockpt(&main).expect("unlockpt");
        let path = ptsname(&main, Vec::new()).expect("ptsname");
        let path = path.to_str().expect("a path of /dev/pts");
        set_size(&main, 24, 80);
        let end = File::options().read(true).write(true).open(path).expect("the terminal's other end");
        let copy = |file: &File| Stdio::from(file.try_clone().expect("a second descriptor"));

        // setsid(1) makes the terminal the controlling one, which needs a fresh process.
        let mut session = Command::new("setsid");
        session.args(["--ctty", "--wait"]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => session.env(name, value),
                None => session.env_remove(name),
            };
        }
        session.env("TERM", "xterm").stdin(copy(&end)).stdout(copy(&end)).stderr(copy(&end));
        let child = session.spawn().expect("setsid (util-linux) starts");
        drop(session);
        drop(end);

        let keyboard = File::from(main);
        let screen = Arc::new(Mutex::new(Vec::new()));
        watch(keyboard.try_clone().expect("a second descriptor"), Arc::clone(&screen));
        Terminal { keyboard, screen, child }
    }

    /// Types bytes.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn types(&mut self, bytes: &[u8]) {
        self.keyboard.write_all(bytes).expect("typing");
    }

    /// Everything that was printed so far.
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().expect("no reader panics")).into_owned()
    }

    /// Waits until a text has been printed.
    ///
    /// # Panics
    /// When it never is.
    #[track_caller]
    pub fn shows(&self, text: &str) {
        let start = std::time::Instant::now();
        while !self.screen().contains(text) {
            let late = start.elapsed() > std::time::Duration::from_secs(60);
            assert!(!late, "{text:?} never came; the screen:\n{}", self.screen());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// Changes the window's size; the program gets SIGWINCH.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn resize(&self, rows: u16, columns: u16) {
        set_size(&self.keyboard, rows, columns);
    }

    /// Waits for the program's end and returns its exit code.
    ///
    /// # Panics
    /// When it does not end.
    #[track_caller]
    pub fn exit_code(&mut self) -> i32 {
        let status =
            eventually("the end of a program on a terminal", || self.child.try_wait().ok().flatten());
        let screen = self.screen();
        status.code().unwrap_or_else(|| panic!("ended by a signal: {status}; the screen:\n{screen}"))
    }

    /// Waits until the program has ended, however it did.
    ///
    /// # Panics
    /// When it does not end.
    #[track_caller]
    pub fn ends(&mut self) {
        until("the end of a program on a terminal", || {
            self.child.try_wait().is_ok_and(|status| status.is_some())
        });
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended already in the good case.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn set_size(terminal: &impl std::os::fd::AsFd, rows: u16, columns: u16) {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(terminal, size).expect("a size for the terminal");
}

/// Collects what is printed until the last program has closed the terminal.
fn watch(mut terminal: File, screen: Arc<Mutex<Vec<u8>>>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length) = terminal.read(&mut buffer) {
            if length == 0 {
                break;
            }
            screen.lock().expect("no reader panics").extend_from_slice(&buffer[..length]);
        }
    });
}
