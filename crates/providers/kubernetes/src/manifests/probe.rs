//! A health check as a probe.

use sampan_provider::{Health, Probe};
use serde_json::{Value, json};

/// Docker's own where nothing was said: seconds, seconds, failures in a row.
const USUAL: (u64, u64, u32) = (30, 30, 3);

/// The probe. Its times are whole seconds, at least one.
pub(super) fn probe(health: &Health) -> Value {
    let seconds = |nanoseconds: u64, usual: u64| match nanoseconds {
        0 => usual,
        some => some.div_ceil(1_000_000_000),
    };
    let mut made = match &health.probe {
        Probe::Command(words) => json!({ "exec": { "command": words } }),
        Probe::Shell(line) => json!({ "exec": { "command": ["/bin/sh", "-c", line] } }),
        Probe::Http { port, path } => json!({ "httpGet": { "port": port, "path": path } }),
        Probe::Tcp { port } => json!({ "tcpSocket": { "port": port } }),
    };
    made["periodSeconds"] = json!(seconds(health.interval, USUAL.0));
    made["timeoutSeconds"] = json!(seconds(health.timeout, USUAL.1));
    made["failureThreshold"] = json!(if health.retries == 0 { USUAL.2 } else { health.retries });
    made
}

#[cfg(test)]
mod tests {
    use super::probe;
    use sampan_provider::{Health, Probe};
    use serde_json::json;

    #[test]
    fn each_check_has_its_probe() {
        let health = |probe, interval| Health { probe, interval, timeout: 0, start_period: 0, retries: 0 };
        let shell = probe(&health(Probe::Shell("test -e /x".to_owned()), 300_000_000));
        assert_eq!(
            shell,
            json!({ "exec": { "command": ["/bin/sh", "-c", "test -e /x"] },
                "periodSeconds": 1, "timeoutSeconds": 30, "failureThreshold": 3 })
        );
        let http = probe(&health(Probe::Http { port: 80, path: "/ok".to_owned() }, 0));
        assert_eq!((&http["httpGet"]["path"], &http["periodSeconds"]), (&json!("/ok"), &json!(30)));
        assert_eq!(probe(&health(Probe::Tcp { port: 6379 }, 0))["tcpSocket"]["port"], 6379);
    }
}
