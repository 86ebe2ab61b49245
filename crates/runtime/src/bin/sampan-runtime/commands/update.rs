//! `update`.

use oci_spec::runtime::LinuxResources;
use sampan_error::{Context, Error, Result};
use sampan_runtime::compile::limits;
use sampan_runtime::plan::Limits;

use crate::arguments::{Arguments, Flag};
use crate::store::Store;

const FLAGS: &[Flag] = &[
    Flag::value("resources").short('r'),
    Flag::value("blkio-weight"),
    Flag::value("cpu-period"),
    Flag::value("cpu-quota"),
    Flag::value("cpu-burst"),
    Flag::value("cpu-share"),
    Flag::value("cpu-rt-period"),
    Flag::value("cpu-rt-runtime"),
    Flag::value("cpuset-cpus"),
    Flag::value("cpuset-mems"),
    Flag::value("cpu-idle"),
    Flag::value("memory"),
    Flag::value("memory-reservation"),
    Flag::value("memory-swap"),
    Flag::value("pids-limit"),
];

pub(crate) fn run(given: &[String], store: &Store) -> Result<u8> {
    let (arguments, id) = super::with_id(FLAGS, given)?;
    let record = store.load(&id)?;
    let limits = match arguments.value("resources") {
        Some(path) => from_file(path)?,
        None => from_flags(&arguments)?,
    };
    record.cgroup.apply(&limits)?;
    Ok(0)
}

fn from_file(path: &str) -> Result<Limits> {
    let path = if path == "-" { "/dev/stdin" } else { path };
    let text = std::fs::read(path).context(format!("read {path}"))?;
    let resources: LinuxResources = serde_json::from_slice(&text)
        .map_err(|error| Error::invalid(format!("{path} holds no valid resources: {error}")))?;
    Ok(limits(&resources)?)
}

fn from_flags(arguments: &Arguments) -> Result<Limits> {
    fn number<T: std::str::FromStr>(arguments: &Arguments, name: &str) -> Result<Option<T>> {
        match arguments.value(name) {
            None | Some("") => Ok(None),
            Some(text) => {
                text.parse().map(Some).map_err(|_| Error::invalid(format!("--{name}: {text:?} is no number")))
            }
        }
    }
    let text = |name: &str| arguments.value(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let mut limits = Limits::default();
    limits.block_io.weight = number(arguments, "blkio-weight")?;
    limits.cpu.period = number(arguments, "cpu-period")?;
    limits.cpu.quota = number(arguments, "cpu-quota")?;
    limits.cpu.burst = number(arguments, "cpu-burst")?;
    limits.cpu.shares = number(arguments, "cpu-share")?;
    limits.cpu.realtime_period = number(arguments, "cpu-rt-period")?;
    limits.cpu.realtime_runtime = number(arguments, "cpu-rt-runtime")?;
    limits.cpu.cpus = text("cpuset-cpus");
    limits.cpu.mems = text("cpuset-mems");
    limits.cpu.idle = number(arguments, "cpu-idle")?;
    limits.memory.limit = bytes(arguments, "memory")?;
    limits.memory.reservation = bytes(arguments, "memory-reservation")?;
    limits.memory.swap = bytes(arguments, "memory-swap")?;
    limits.pids = number(arguments, "pids-limit")?;
    Ok(limits)
}

/// A number of bytes with an optional unit, or -1.
fn bytes(arguments: &Arguments, name: &str) -> Result<Option<i64>> {
    let Some(text) = arguments.value(name).filter(|text| !text.is_empty()) else { return Ok(None) };
    let wrong = || Error::invalid(format!("--{name}: {text:?} is no number of bytes"));
    let lower = text.to_ascii_lowercase();
    let plain = lower.trim_end_matches("ib").trim_end_matches('b');
    let (digits, factor) = match plain.chars().last() {
        Some('k') => (&plain[..plain.len() - 1], 1_i64 << 10),
        Some('m') => (&plain[..plain.len() - 1], 1 << 20),
        Some('g') => (&plain[..plain.len() - 1], 1 << 30),
        Some('t') => (&plain[..plain.len() - 1], 1 << 40),
        _ => (plain, 1),
    };
    let number: i64 = digits.parse().map_err(|_| wrong())?;
    if number == -1 { Ok(Some(-1)) } else { number.checked_mul(factor).map(Some).ok_or_else(wrong) }
}
