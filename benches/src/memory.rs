//! What an engine's own processes hold in memory: the proportional set size, which counts a shared page
//! once over all that share it (proc(5), smaps_rollup).

use crate::engine::Engine;

/// The program in the containers; everything else on the engine's machine is the engine.
const WORKLOAD: &str = "sleep";
/// What keeps the machine itself alive (tests/src/script.rs).
const MACHINE: [&str; 2] = ["sh", "cat"];

/// The sum over an engine's processes in MiB; `None` when the engine runs on this machine, unseen.
pub(crate) fn of(engine: &Engine) -> Option<f64> {
    let processes = engine.host.as_ref()?.processes();
    let own = processes.into_iter().filter(|(_, name)| name != WORKLOAD && !MACHINE.contains(&name.as_str()));
    let kib: u64 = own.map(|(pid, _)| proportional(pid).unwrap_or(0)).sum();
    Some(kib as f64 / 1024.0)
}

/// One process's share in KiB; `None` when it has ended.
fn proportional(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find(|line| line.starts_with("Pss:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_process_has_a_size() {
        assert!(super::proportional(std::process::id()).is_some_and(|kib| kib > 0));
        assert_eq!(super::proportional(u32::MAX), None);
    }
}
