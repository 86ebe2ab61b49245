//! Probes that fork nothing: a connection to a port of the container, from inside its network, and for HTTP one request.

use crate::Engine;
use crate::containers::ContainerRecord;
use crate::error::Error;
use crate::spec::HealthTest;
use sampan_error::Result;
use sampan_network::Sandbox;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// Label: what says whether connections may come, `http::8080/path` or `tcp::5432`; apart from the health check.
pub(crate) const READINESS: &str = "sampan.readiness";
/// Label: a health check of the same form, for clients that know only programs.
pub(crate) const HEALTH: &str = "sampan.health";
/// Label: what happens to a container that becomes unhealthy: `restart`, `stop` or `none`.
pub(crate) const ON_UNHEALTHY: &str = "sampan.on-unhealthy";
/// Bytes of an answer that are looked at.
const LOOKED_AT: usize = 512;

impl HealthTest {
    /// Reads `:8080/path` (`HTTP`) or `:5432` (`TCP`).
    ///
    /// # Errors
    /// Another kind, no port.
    pub fn network(kind: &str, address: &str) -> Result<Self> {
        let wrong = || {
            let form = if kind == "TCP" { ":5432" } else { ":8080/path" };
            Error::Invalid(format!("{kind} probe {address:?}: it has to be of the form {form}"))
        };
        let rest = address.strip_prefix("http://").unwrap_or(address);
        let rest = rest.strip_prefix("localhost").unwrap_or(rest);
        let rest = rest.strip_prefix(':').unwrap_or(rest);
        let (port, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
        let port: u16 = port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?;
        let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic());
        match kind {
            "HTTP" if is_plain => Ok(Self::Http { port, path: path.to_owned() }),
            "TCP" if path == "/" => Ok(Self::Tcp { port }),
            _ => Err(wrong().into()),
        }
    }

    /// Reads a label: `http::8080/path` or `tcp::5432`.
    ///
    /// # Errors
    /// It is of another form.
    pub(crate) fn of_label(label: &str, value: &str) -> Result<Self> {
        let (kind, address) = value.split_once(':').unwrap_or((value, ""));
        Self::network(&kind.to_ascii_uppercase(), address)
            .map_err(|error| Error::Invalid(format!("label {label}: {error}")).into())
    }
}

/// Checks the labels that say how a container is probed.
///
/// # Errors
/// One of another form.
pub(crate) fn check_labels(labels: &std::collections::BTreeMap<String, String>) -> Result<()> {
    for label in [READINESS, HEALTH] {
        if let Some(value) = labels.get(label) {
            HealthTest::of_label(label, value)?;
        }
    }
    match labels.get(ON_UNHEALTHY).map(String::as_str) {
        None | Some("restart" | "stop" | "none") => Ok(()),
        Some(other) => {
            Err(Error::Invalid(format!("on-unhealthy {other:?}: it is one of restart, stop and none")).into())
        }
    }
}

impl Engine {
    /// Asks a port of a container; gives a probe's exit code and output. Never fails: what goes wrong is the result.
    pub(crate) async fn ask_port(
        &self,
        record: &ContainerRecord,
        test: &HealthTest,
        timeout: Duration,
    ) -> (i32, String) {
        let (pid, test) = (i32::try_from(record.state.pid).unwrap_or_default(), test.clone());
        let own: Vec<IpAddr> =
            record.endpoints.values().filter_map(|endpoint| endpoint.ipv4.map(|it| it.0)).collect();
        let asked = crate::blocking(move || ask(pid, &own, &test, timeout)).await;
        asked.map_or_else(|error| (1, error.to_string()), |output| (0, output))
    }
}

fn ask(pid: i32, own: &[IpAddr], test: &HealthTest, timeout: Duration) -> Result<String> {
    let (port, path) = match test {
        HealthTest::Http { port, path } => (*port, Some(path)),
        HealthTest::Tcp { port } => (*port, None),
        _ => return Ok(String::new()),
    };
    let sandbox = Sandbox::from_pid(pid)?;
    // Most programs listen on all addresses; some only on the one that others see.
    let mut connected = Err(Error::Invalid(String::new()).into());
    for address in [IpAddr::V4(Ipv4Addr::LOCALHOST)].iter().chain(own) {
        connected = Ok(sandbox.open_connection(SocketAddr::new(*address, port), timeout));
        if matches!(connected, Ok(Ok(_))) {
            break;
        }
    }
    let connection: Result<TcpStream> = connected.and_then(|tried| Ok(tried?));
    let connection = connection.map_err(|error| Error::Conflict(format!("port {port}: {error}")))?;
    match path {
        None => Ok(format!("port {port} accepts connections")),
        Some(path) => request(connection, port, path, timeout),
    }
}

/// One request; any status below 400 is an answer that is meant.
fn request(mut connection: TcpStream, port: u16, path: &str, timeout: Duration) -> Result<String> {
    connection.set_read_timeout(Some(timeout))?;
    connection.set_write_timeout(Some(timeout))?;
    let text = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUser-Agent: sampan\r\nConnection: close\r\n\r\n"
    );
    connection.write_all(text.as_bytes())?;
    let mut head = Vec::new();
    let mut buffer = [0; LOOKED_AT];
    while !head.contains(&b'\n') && head.len() < LOOKED_AT {
        match connection.read(&mut buffer)? {
            0 => break,
            count => head.extend_from_slice(&buffer[..count]),
        }
    }
    let head = String::from_utf8_lossy(&head);
    let line = head.lines().next().unwrap_or_default().to_owned();
    let status: Option<u16> = line.split_whitespace().nth(1).and_then(|word| word.parse().ok());
    match status.filter(|_| line.starts_with("HTTP/")) {
        Some(200..=399) => Ok(line),
        Some(_) => Err(Error::Conflict(format!("GET {path} of port {port}: {line}")).into()),
        None => Err(Error::Conflict(format!("port {port} does not speak HTTP: {line:?}")).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let http = |port, path: &str| HealthTest::Http { port, path: path.to_owned() };
        for (kind, text, test) in [
            ("HTTP", ":8080/health?x=1", http(8080, "/health?x=1")),
            ("HTTP", "http://localhost:80", http(80, "/")),
            ("HTTP", "80/", http(80, "/")),
            ("TCP", ":5432", HealthTest::Tcp { port: 5432 }),
        ] {
            assert_eq!(HealthTest::network(kind, text).expect(text), test);
        }
        assert_eq!(HealthTest::of_label("l", "http::80/x").expect("a label"), http(80, "/x"));
        for (kind, text) in
            [("HTTP", ""), ("HTTP", ":0/"), ("TCP", ":1/x"), ("UDP", ":1"), ("HTTP", ":1/a b")]
        {
            assert!(HealthTest::network(kind, text).is_err(), "{kind} {text}");
        }
        assert!(
            HealthTest::of_label("sampan.health", "x").expect_err("refused").to_string().contains("label")
        );
    }

    #[test]
    fn the_status_decides() {
        let answer = |text: &'static str| {
            let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
            let port = server.local_addr().expect("an address").port();
            std::thread::spawn(move || {
                let (mut connection, _) = server.accept().expect("a connection");
                connection.write_all(text.as_bytes()).expect("written");
            });
            let connection = TcpStream::connect(("127.0.0.1", port)).expect("connected");
            request(connection, port, "/", Duration::from_secs(5))
        };
        assert_eq!(answer("HTTP/1.1 204 No Content\r\n\r\n").expect("well"), "HTTP/1.1 204 No Content");
        assert!(answer("HTTP/1.1 503 x\r\n\r\n").expect_err("ill").to_string().contains("503"));
        assert!(answer("SSH-2.0\r\n").expect_err("ill").to_string().contains("does not speak HTTP"));
    }
}
