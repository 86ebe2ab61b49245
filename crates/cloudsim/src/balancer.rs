//! Load balancers: proxies for TCP, each at an address of its own.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::balancer_host;
use crate::cloud::Cloud;
use crate::state::Region;

/// Longest wait for a target to accept.
const PATIENCE: Duration = Duration::from_secs(3);

/// The listeners that listen, and the connections of each target.
pub(crate) struct Balancers {
    /// The first two numbers of the addresses.
    pub(crate) network: [u8; 2],
    running: Mutex<HashMap<String, (SocketAddr, CancellationToken)>>,
    connections: Mutex<HashMap<String, usize>>,
    turn: AtomicUsize,
}

impl Balancers {
    pub(crate) fn new(network: [u8; 2]) -> Self {
        Self { network, running: Mutex::default(), connections: Mutex::default(), turn: AtomicUsize::new(0) }
    }

    /// The open connections to `address:port`.
    pub(crate) fn connections(&self, target: &str) -> usize {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).get(target).copied().unwrap_or(0)
    }

    fn count(&self, target: &str, more: bool) -> usize {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let count = connections.entry(target.into()).or_default();
        *count = if more { *count + 1 } else { count.saturating_sub(1) };
        *count
    }
}

/// A connection that counts as long as it lives.
struct Counted<'a>(&'a Cloud, String);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        if self.0.balancers.count(&self.1, false) == 0 {
            self.0.wake.notify_one();
        }
    }
}

fn wanted(region: &Region) -> HashMap<String, (SocketAddr, String)> {
    let one = |listener: &Value| {
        let balancer = region.thing("balancer", listener["LoadBalancerArn"].as_str()?)?;
        let address = balancer["DNSName"].as_str()?.parse().ok()?;
        let port = u16::try_from(listener["Port"].as_i64()?).ok()?;
        let holder = balancer_host::container(&region.name, balancer["LoadBalancerName"].as_str()?);
        Some((listener["ListenerArn"].as_str()?.to_owned(), (SocketAddr::new(address, port), holder)))
    };
    region.all("listener").filter_map(one).collect()
}

/// Opens the listeners that a region wants, and closes those that it no longer wants.
pub(crate) async fn sync(cloud: &Arc<Cloud>, region: &str) {
    let wanted = cloud.store.look(region, wanted);
    let mut missing = wanted.clone();
    {
        let mut running = cloud.balancers.running.lock().unwrap_or_else(PoisonError::into_inner);
        let part = format!(":{region}:");
        running.retain(|arn, (address, end)| {
            let stays = !arn.contains(&part) || wanted.get(arn).is_some_and(|(wanted, _)| wanted == address);
            if !stays {
                end.cancel();
            }
            stays
        });
        missing.retain(|arn, _| !running.contains_key(arn));
    }
    for (arn, (address, holder)) in missing {
        match balancer_host::listen(cloud, &holder, address).await {
            Ok(listener) => {
                let end = cloud.end.child_token();
                let mut running = cloud.balancers.running.lock().unwrap_or_else(PoisonError::into_inner);
                running.insert(arn.clone(), (address, end.clone()));
                let serving = accept(Arc::clone(cloud), region.to_owned(), arn, listener);
                tokio::spawn(async move { end.run_until_cancelled(serving).await });
            }
            Err(error) => tracing::error!(%error, %address, "a load balancer cannot listen"),
        }
    }
}

async fn accept(cloud: Arc<Cloud>, region: String, listener: String, socket: TcpListener) {
    loop {
        let Ok((client, _)) = socket.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (cloud, region, listener) = (Arc::clone(&cloud), region.clone(), listener.clone());
        tokio::spawn(async move {
            cloud.end.run_until_cancelled(relay(&cloud, &region, &listener, client)).await;
        });
    }
}

/// The target group that a listener sends to.
pub(crate) fn target_group(listener: &Value) -> Option<&str> {
    let action = &listener["DefaultActions"][0];
    action["TargetGroupArn"]
        .as_str()
        .or(action["ForwardConfig"]["TargetGroups"][0]["TargetGroupArn"].as_str())
}

fn healthy(region: &Region, listener: &str) -> Vec<String> {
    let group = region.thing("listener", listener).and_then(target_group);
    let targets = group.and_then(|group| region.targets.get(group));
    let healthy = targets.into_iter().flatten().filter(|(_, target)| target.state == "healthy");
    healthy.map(|(address, _)| address.clone()).collect()
}

/// Sends a new connection to a healthy target; when one refuses, to the next.
async fn relay(cloud: &Cloud, region: &str, listener: &str, mut client: TcpStream) {
    let targets = cloud.store.look(region, |region| healthy(region, listener));
    let turn = cloud.balancers.turn.fetch_add(1, Ordering::Relaxed);
    for step in 0..targets.len() {
        let target = &targets[(turn + step) % targets.len()];
        // Counted before it is connected, so that nobody stops the target in between.
        cloud.balancers.count(target, true);
        let _counted = Counted(cloud, target.clone());
        if let Ok(Ok(mut server)) = tokio::time::timeout(PATIENCE, TcpStream::connect(target)).await {
            let _ = (client.set_nodelay(true), server.set_nodelay(true));
            // Either side may end its half first; an error is the end of both.
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            return;
        }
    }
}
