//! Names of hosts to addresses, without the C library's resolver: this program is linked statically, and
//! that resolver loads libraries while it runs. `/etc/hosts` first, then the name servers of
//! `/etc/resolv.conf` (RFC 1035; resolv.conf(5)).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// How long a name server has for its answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often each name server is asked.
const ATTEMPTS: usize = 2;
/// The types of records that are asked for.
const A: u16 = 1;
const AAAA: u16 = 28;

/// The addresses of a host, best first. Blocks, for some seconds where servers are silent.
///
/// # Errors
/// Nobody knows the name.
pub fn resolve(host: &str) -> io::Result<Vec<IpAddr>> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse() {
        return Ok(vec![address]);
    }
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let known = of_hosts_file(&hosts, bare);
    if !known.is_empty() {
        return Ok(known);
    }
    if bare == "localhost" || bare.ends_with(".localhost") {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let configuration =
        Configuration::parse(&std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default());
    for name in configuration.candidates(bare) {
        for server in &configuration.servers {
            let addresses = ask(*server, &name);
            if !addresses.is_empty() {
                return Ok(addresses);
            }
        }
    }
    Err(io::Error::new(io::ErrorKind::NotFound, format!("lookup {host}: no such host")))
}

fn of_hosts_file(hosts: &str, name: &str) -> Vec<IpAddr> {
    hosts
        .lines()
        .filter_map(|line| {
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
            let address = words.next()?.parse().ok()?;
            words.any(|word| word.eq_ignore_ascii_case(name)).then_some(address)
        })
        .collect()
}

/// What `/etc/resolv.conf` says.
struct Configuration {
    servers: Vec<SocketAddr>,
    search: Vec<String>,
    /// A name with so many dots is tried as it is first.
    dots: usize,
}

impl Configuration {
    fn parse(text: &str) -> Self {
        let mut configuration = Self { servers: Vec::new(), search: Vec::new(), dots: 1 };
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let address = words.next().and_then(|word| word.parse::<IpAddr>().ok());
                    configuration.servers.extend(address.map(|address| SocketAddr::new(address, 53)));
                }
                Some("search" | "domain") => configuration.search = words.map(str::to_owned).collect(),
                Some("options") => {
                    let dots = words.filter_map(|word| word.strip_prefix("ndots:")?.parse().ok()).next_back();
                    configuration.dots = dots.unwrap_or(configuration.dots);
                }
                _ => {}
            }
        }
        configuration
    }

    /// The full names that a name may stand for, in the order to try them.
    fn candidates(&self, name: &str) -> Vec<String> {
        if let Some(full) = name.strip_suffix('.') {
            return vec![full.to_owned()];
        }
        let mut names: Vec<String> = self.search.iter().map(|domain| format!("{name}.{domain}")).collect();
        let place = if name.matches('.').count() >= self.dots { 0 } else { names.len() };
        names.insert(place, name.to_owned());
        names
    }
}

/// Asks one server for both kinds of addresses; silence and refusal are no addresses.
fn ask(server: SocketAddr, name: &str) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    for kind in [A, AAAA] {
        for _ in 0..ATTEMPTS {
            if let Ok(found) = exchange(server, name, kind) {
                addresses.extend(found);
                break;
            }
        }
    }
    addresses
}

fn exchange(server: SocketAddr, name: &str, kind: u16) -> io::Result<Vec<IpAddr>> {
    let local: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((local, 0))?;
    // Only answers of this server arrive.
    socket.connect(server)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let id = identifier();
    socket.send(&question(id, name, kind)?)?;
    let mut buffer = [0; 4096];
    loop {
        let count = socket.recv(&mut buffer)?;
        if let Some(addresses) = answers(&buffer[..count], id, kind) {
            return Ok(addresses);
        }
    }
}

/// A number that others cannot easily guess.
fn identifier() -> u16 {
    use std::hash::{BuildHasher, Hasher};
    let seed = std::collections::hash_map::RandomState::new().build_hasher().finish();
    u16::try_from(seed & 0xffff).unwrap_or_default()
}

/// One question, recursion desired.
fn question(id: u16, name: &str, kind: u16) -> io::Result<Vec<u8>> {
    let mut packet = id.to_be_bytes().to_vec();
    packet.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..64).contains(length));
        packet.push(length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no name of a host"))?);
        packet.extend(label.as_bytes());
    }
    packet.push(0);
    packet.extend(kind.to_be_bytes());
    packet.extend([0, 1]);
    Ok(packet)
}

/// The addresses of an answer to this question; nothing when it is another's answer or is damaged.
fn answers(packet: &[u8], id: u16, kind: u16) -> Option<Vec<IpAddr>> {
    let number = |at: usize| Some(u16::from_be_bytes([*packet.get(at)?, *packet.get(at + 1)?]));
    let is_answer = number(0)? == id && packet.get(2)? & 0x80 != 0;
    if !is_answer {
        return None;
    }
    let mut at = 12;
    for _ in 0..number(4)? {
        at = after_name(packet, at)? + 4;
    }
    let mut addresses = Vec::new();
    for _ in 0..number(6)? {
        at = after_name(packet, at)?;
        let (found, length) = (number(at)?, usize::from(number(at + 8)?));
        let data = packet.get(at + 10..at + 10 + length)?;
        at += 10 + length;
        match (found == kind, data.len()) {
            (true, 4) => addresses.push(IpAddr::from(<[u8; 4]>::try_from(data).ok()?)),
            (true, 16) => addresses.push(IpAddr::from(<[u8; 16]>::try_from(data).ok()?)),
            _ => {}
        }
    }
    Some(addresses)
}

/// The place behind a name; a pointer ends it.
fn after_name(packet: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        match *packet.get(at)? {
            0 => return Some(at + 1),
            pointer if pointer >= 0xc0 => return Some(at + 2),
            length => at += 1 + usize::from(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::{A, Configuration, answers, exchange, of_hosts_file, question, resolve};

    #[test]
    fn addresses_and_the_hosts_file() {
        assert_eq!(resolve("127.0.0.1").unwrap(), ["127.0.0.1".parse::<std::net::IpAddr>().unwrap()]);
        assert_eq!(resolve("[::1]").unwrap(), ["::1".parse::<std::net::IpAddr>().unwrap()]);
        assert!(!resolve("localhost").unwrap().is_empty());
        let hosts = "10.0.0.1 one two # three\n# 10.0.0.2 two\n::9 TWO\n";
        let found: Vec<String> = of_hosts_file(hosts, "two").iter().map(ToString::to_string).collect();
        assert_eq!(found, ["10.0.0.1", "::9"]);
    }

    #[test]
    fn search_domains() {
        let text =
            "nameserver 10.0.0.1\nnameserver ::1\nsearch a.example b.example\noptions ndots:2 trust-ad\n";
        let configuration = Configuration::parse(text);
        assert_eq!(configuration.servers.len(), 2);
        assert_eq!(configuration.candidates("x.y"), ["x.y.a.example", "x.y.b.example", "x.y"]);
        assert_eq!(configuration.candidates("x.y.z"), ["x.y.z", "x.y.z.a.example", "x.y.z.b.example"]);
        assert_eq!(configuration.candidates("x."), ["x"]);
    }

    #[test]
    fn a_name_server_is_asked() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let asked = std::thread::spawn(move || {
            let mut buffer = [0; 512];
            let (count, client) = server.recv_from(&mut buffer).unwrap();
            let mut answer = buffer[..count].to_vec();
            // An answer, one record: the question's own name, type A, class IN, a minute, four bytes.
            answer[2] |= 0x80;
            answer[7] = 1;
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 1, 2, 3]);
            server.send_to(b"nonsense", client).unwrap();
            server.send_to(&answer, client).unwrap();
        });
        let found = exchange(address, "engine.example", A).unwrap();
        asked.join().unwrap();
        assert_eq!(found[0].to_string(), "10.1.2.3");
    }

    #[test]
    fn damaged_answers_are_no_answers() {
        assert!(question(1, "a..b", A).is_err());
        let whole = [0, 1, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 1, 2, 3];
        assert_eq!(answers(&whole, 1, A).unwrap().len(), 1);
        for length in 0..whole.len() {
            assert!(answers(&whole[..length], 1, A).is_none_or(|found| found.is_empty()));
        }
        assert!(answers(&whole, 2, A).is_none());
    }
}
