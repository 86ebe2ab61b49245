//! Health checks of load balancers: one probe for each target, as long as it is registered.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::clock;
use crate::cloud::Cloud;
use crate::wire::members::{number, text_or};

/// Between probes of a target that was never healthy: nobody wants to wait for a whole interval.
const EAGER: Duration = Duration::from_millis(500);

/// Probes a target until it drains or is gone.
pub(crate) async fn run(cloud: Arc<Cloud>, region: String, group: String, address: String) {
    let (mut good, mut bad) = (0, 0);
    loop {
        let Some(settings) =
            cloud.store.look(&region, |region| region.thing("target-group", &group).cloned())
        else {
            return;
        };
        let at_least = |name: &str, or: i64| number(&settings[name]).unwrap_or(or).max(1);
        let interval = Duration::from_secs(at_least("HealthCheckIntervalSeconds", 30).unsigned_abs());
        let is_good = probe(&settings, &address).await;
        (good, bad) = if is_good { (good + 1, 0) } else { (0, bad + 1) };
        let next = cloud.store.touch(&region, |region| {
            let target = region.targets.get_mut(&group)?.get_mut(&address)?;
            let waited = clock::now() - target.since;
            let patience =
                interval.as_millis() * u128::from(at_least("UnhealthyThresholdCount", 2).unsigned_abs());
            let next = match target.state.as_str() {
                "draining" => return None,
                "initial" if is_good => "healthy",
                "initial" if i128::from(waited) < i128::try_from(patience).unwrap_or(0) => "initial",
                "healthy" if is_good || bad < at_least("UnhealthyThresholdCount", 2) => "healthy",
                "unhealthy" if is_good && good >= at_least("HealthyThresholdCount", 2).min(10) => "healthy",
                _ => "unhealthy",
            };
            if target.state != next {
                (target.state, target.since) = (next.into(), clock::now());
                cloud.wake.notify_one();
            }
            Some(if next == "initial" { EAGER } else { interval })
        });
        let Some(next) = next else { return };
        tokio::time::sleep(next).await;
    }
}

/// Whether a target accepts, and answers as it should when the group checks with HTTP.
async fn probe(settings: &Value, address: &str) -> bool {
    let seconds = number(&settings["HealthCheckTimeoutSeconds"]).unwrap_or(5).clamp(1, 120).unsigned_abs();
    let attempt = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        if text_or(settings, "HealthCheckProtocol", "TCP") == "TCP" {
            return Some(());
        }
        let path = text_or(settings, "HealthCheckPath", "/");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut head = [0; 12];
        stream.read_exact(&mut head).await.ok()?;
        // 200 to 399 for a network load balancer, 200 for the others; the wider one is taken.
        matches!(head[9], b'2' | b'3').then_some(())
    };
    matches!(tokio::time::timeout(Duration::from_secs(seconds), attempt).await, Ok(Some(())))
}
