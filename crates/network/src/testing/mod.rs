//! For tests: a network namespace of their own, and real tools inside it.

use std::process::{Command, Stdio};

use sampan_sys::namespace::{Namespaces, unshare};
use sampan_sys::netlink::{NetlinkProtocol, NetlinkSocket};

use crate::netlink::{Request, link};

/// Runs `test` in a thread with a network namespace of its own that has only loopback, up.
/// The kernel removes the namespace afterwards. Needs root.
pub(crate) fn in_own_namespace<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::spawn(move || {
        unshare(Namespaces::NETWORK).expect("tests of the network need root");
        let socket = NetlinkSocket::open(NetlinkProtocol::Route).unwrap();
        let lo = link::find(&socket, "lo").unwrap().unwrap();
        let mut request = Request::new();
        request.change_link(
            lo.index,
            &link::Change { up: Some(true), ..Default::default() },
            "set lo up".into(),
        );
        request.execute(&socket).unwrap();
        test()
    });
    match thread.join() {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Runs a tool in the calling thread's namespaces and gives its output; it must succeed.
pub(crate) fn tool(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{program} is needed by the tests of the network: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

pub(crate) mod lab;
