//! Signals as events on a descriptor.

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use signal_hook::consts::signal as number;
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;

use crate::failure::Result;

/// The signals that docker passes on to a container, with the names that the API knows. Those that
/// cannot be caught, that report on this process's own business (CHLD, PIPE, URG) or that the pseudo-terminal
/// makes by itself (WINCH) are not among them.
const PROXIED: &[(i32, &str)] = &[
    (number::SIGHUP, "HUP"),
    (number::SIGINT, "INT"),
    (number::SIGQUIT, "QUIT"),
    (number::SIGTRAP, "TRAP"),
    (number::SIGABRT, "ABRT"),
    (number::SIGUSR1, "USR1"),
    (number::SIGUSR2, "USR2"),
    (number::SIGALRM, "ALRM"),
    (number::SIGTERM, "TERM"),
    (number::SIGCONT, "CONT"),
    (number::SIGTSTP, "TSTP"),
    (number::SIGTTIN, "TTIN"),
    (number::SIGTTOU, "TTOU"),
    (number::SIGXCPU, "XCPU"),
    (number::SIGXFSZ, "XFSZ"),
    (number::SIGVTALRM, "VTALRM"),
    (number::SIGPROF, "PROF"),
    (number::SIGIO, "IO"),
    (number::SIGSYS, "SYS"),
];

/// One signal that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrived {
    /// The window's size changed.
    WindowSize,
    /// To be passed on to the container under this name.
    Proxy(&'static str),
}

/// The signals that arrive from now on, until dropped.
pub(crate) struct Signals {
    delivery: SignalDelivery<UnixStream, SignalOnly>,
}

impl Signals {
    /// Catches the change of the window's size, and with `proxy` all signals that a container gets.
    ///
    /// # Errors
    /// No descriptor is left.
    pub(crate) fn catch(proxy: bool) -> Result<Self> {
        let mut numbers = vec![number::SIGWINCH];
        if proxy {
            numbers.extend(PROXIED.iter().map(|(number, _)| *number));
        }
        let (reader, writer) = UnixStream::pair()?;
        let delivery = SignalDelivery::with_pipe(reader, writer, SignalOnly, &numbers)?;
        Ok(Self { delivery })
    }

    /// The signals that arrived since the last call.
    pub(crate) fn arrived(&mut self) -> Vec<Arrived> {
        self.delivery
            .pending()
            .filter_map(|arrived| match arrived {
                number::SIGWINCH => Some(Arrived::WindowSize),
                other => {
                    PROXIED.iter().find(|(number, _)| *number == other).map(|(_, name)| Arrived::Proxy(name))
                }
            })
            .collect()
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.delivery.get_read().as_fd()
    }
}
