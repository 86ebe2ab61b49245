//! What a container can find out about itself, from the kernel alone.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The facts. What is not known is `None` or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The container's name, when it was given in `SAMPAN_NAME`; else its host name.
    pub(crate) name: String,
    pub(crate) hostname: String,
    pub(crate) kernel: String,
    pub(crate) pid: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// The namespaces, by name, with their numbers.
    pub(crate) namespaces: Vec<(String, String)>,
    /// How many capabilities are in force, and how many the kernel knows.
    pub(crate) capabilities: Option<(u32, u32)>,
    /// Whether a system call filter is in force.
    pub(crate) filtered: bool,
    pub(crate) no_new_privileges: bool,
    /// The type of the root file system, and whether it is read-only.
    pub(crate) root: Option<(String, bool)>,
    /// Bytes.
    pub(crate) memory_limit: Option<u64>,
    /// Thousandths of a processor.
    pub(crate) cpu_limit: Option<u64>,
    pub(crate) pids_limit: Option<u64>,
    pub(crate) processors: usize,
    pub(crate) addresses: Vec<String>,
    pub(crate) gateway: Option<Ipv4Addr>,
}

impl Facts {
    /// Looks at everything.
    pub(crate) fn gather() -> Self {
        let system = rustix::system::uname();
        let hostname = system.nodename().to_string_lossy().into_owned();
        let status = read("/proc/self/status");
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim_start_matches(':').trim().to_owned())
        };
        let last = read("/proc/sys/kernel/cap_last_cap").trim().parse::<u32>().ok();
        let effective = field("CapEff").and_then(|text| u64::from_str_radix(&text, 16).ok());
        Self {
            name: std::env::var("SAMPAN_NAME").unwrap_or_else(|_| hostname.clone()),
            hostname,
            kernel: system.release().to_string_lossy().into_owned(),
            pid: std::process::id(),
            uid: rustix::process::getuid().as_raw(),
            gid: rustix::process::getgid().as_raw(),
            namespaces: namespaces(),
            capabilities: effective.zip(last).map(|(effective, last)| (effective.count_ones(), last + 1)),
            filtered: field("Seccomp").as_deref() == Some("2"),
            no_new_privileges: field("NoNewPrivs").as_deref() == Some("1"),
            root: root(&read("/proc/self/mountinfo")),
            memory_limit: memory_limit(),
            cpu_limit: cpu_limit(),
            pids_limit: number(&["/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max"]),
            processors: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            addresses: addresses(&read("/proc/net/fib_trie"), &read("/proc/net/if_inet6")),
            gateway: gateway(&read("/proc/net/route")),
        }
    }
}

/// A file's text; one that cannot be read is empty.
fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The number in the first of these files that has one. `max` is none.
fn number(paths: &[&str]) -> Option<u64> {
    paths.iter().find_map(|path| read(path).trim().parse().ok())
}

fn namespaces() -> Vec<(String, String)> {
    let names = ["pid", "mnt", "net", "ipc", "uts", "cgroup", "user"];
    let of = |name: &str| {
        let link = std::fs::read_link(format!("/proc/self/ns/{name}")).ok()?;
        let link = link.to_str()?;
        Some(link.split_once('[')?.1.trim_end_matches(']').to_owned())
    };
    names.iter().filter_map(|name| Some(((*name).to_owned(), of(name)?))).collect()
}

/// The limit of the whole container, cgroup v2 or v1 (where "none" is a very large number).
fn memory_limit() -> Option<u64> {
    let limit = number(&["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]);
    limit.filter(|limit| *limit < 1 << 60)
}

fn cpu_limit() -> Option<u64> {
    let unified = read("/sys/fs/cgroup/cpu.max");
    let (quota, period) = match unified.split_once(' ') {
        Some((quota, period)) => (quota.parse().ok()?, period.trim().parse().ok()?),
        None => (
            number(&["/sys/fs/cgroup/cpu/cpu.cfs_quota_us"])?,
            number(&["/sys/fs/cgroup/cpu/cpu.cfs_period_us"])?,
        ),
    };
    u64::checked_mul(quota, 1000)?.checked_div(period)
}

/// The last mount on `/` in mountinfo (proc_pid_mountinfo(5)).
fn root(mounts: &str) -> Option<(String, bool)> {
    let line = mounts.lines().rfind(|line| line.split(' ').nth(4) == Some("/"))?;
    let (mount, filesystem) = line.split_once(" - ")?;
    let readonly = mount.split(' ').nth(5)?.split(',').any(|option| option == "ro");
    Some((filesystem.split(' ').next()?.to_owned(), readonly))
}

/// The addresses of all interfaces but loopback. The kernel lists local IPv4 addresses in its routing table:
/// a line with the address, then one that says that it is local.
fn addresses(routes: &str, interfaces6: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut last = None;
    for line in routes.lines() {
        let line = line.trim();
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse::<Ipv4Addr>().ok();
        } else if line == "/32 host LOCAL"
            && let Some(address) = last
            && !address.is_loopback()
            && !found.contains(&address.to_string())
        {
            found.push(address.to_string());
        }
    }
    for line in interfaces6.lines() {
        let digits = line.split_whitespace().next().and_then(|digits| u128::from_str_radix(digits, 16).ok());
        if let Some(address) = digits.map(Ipv6Addr::from)
            && !address.is_loopback()
            && !address.is_unicast_link_local()
        {
            found.push(address.to_string());
        }
    }
    found
}

/// The gateway of the default route; the kernel writes addresses in its own byte order, in hexadecimal.
fn gateway(routes: &str) -> Option<Ipv4Addr> {
    let mut lines = routes.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let line =
        lines.find(|fields| fields.get(1) == Some(&"00000000") && fields.get(7) == Some(&"00000000"))?;
    let bits = u32::from_str_radix(line.get(2)?, 16).ok()?;
    Some(Ipv4Addr::from(bits.to_ne_bytes())).filter(|gateway| !gateway.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_facts() {
        let facts = Facts::gather();
        assert_eq!(facts.pid, std::process::id());
        assert!(!facts.hostname.is_empty() && facts.namespaces.len() >= 6);
        assert!(facts.capabilities.is_some() && facts.root.is_some());
    }

    #[test]
    fn kernel_tables_are_understood() {
        let trie = "Local:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 127.0.0.1\n        /32 host LOCAL\n     |-- 172.17.0.2\n        /32 host LOCAL\n     |-- 172.17.255.255\n        /32 link BROADCAST\n";
        let six = "00000000000000000000000000000001 01 80 10 80 lo\nfd000000000000000000000000000002 02 40 00 80 eth0\nfe80000000000000004200fffe110002 02 40 20 80 eth0\n";
        assert_eq!(addresses(trie, six), ["172.17.0.2", "fd00::2"]);
        let table = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\nlo\t0000007F\t00000000\t0001\t0\t0\t0\t000000FF\neth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n";
        assert_eq!(gateway(table), Some(Ipv4Addr::new(172, 17, 0, 1)));
        let mounts = "22 1 0:21 / / rw - rootfs x rw\n36 35 0:30 / / ro,relatime master:1 - overlay overlay rw,lowerdir=/l\n";
        assert_eq!(root(mounts), Some(("overlay".to_owned(), true)));
    }
}
