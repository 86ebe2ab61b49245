//! Where load balancers listen: each has an address of its own on the region's network, held by a container that does
//! nothing. Addresses of this host itself will not do: a port that a container publishes here is taken on all of them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use sampan_error::{Error, Result};
use serde_json::json;
use std::os::fd::AsFd;
use tokio::net::TcpListener;

use crate::cloud::Cloud;

/// An image that every Sampan engine has, and its command: a page at a port that nobody asks for.
const IMAGE: &str = "hello";
const COMMAND: [&str; 2] = ["serve", "1"];

/// The name of the container that holds a load balancer's address.
pub(crate) fn container(region: &str, balancer: &str) -> String {
    format!("cloudsim-{region}-balancer-{balancer}")
}

/// Makes the container and gives its address; what is there already stays.
///
/// # Errors
/// What the engine says: one that is not Sampan has no such image.
pub(crate) async fn address(cloud: &Cloud, region: &str, balancer: &str) -> Result<String> {
    let labels = json!({ "sampan.cloudsim": "1", "sampan.cloudsim.id": cloud.keys.simulation,
        "sampan.cloudsim.region": region, "sampan.cloudsim.balancer": balancer });
    let (name, network) = (container(region, balancer), format!("cloudsim-{region}"));
    cloud.engine.network(&network, &labels).await?;
    if cloud.engine.inspect(&name).await.is_err() {
        let body = json!({ "Image": IMAGE, "Cmd": COMMAND, "Labels": labels,
            "HostConfig": { "NetworkMode": network, "RestartPolicy": { "Name": "always" } } });
        cloud.engine.create(&name, &body).await?;
    }
    cloud.engine.start(&name).await?;
    let seen = cloud.engine.inspect(&name).await?;
    let address = seen["NetworkSettings"]["Networks"][&network]["IPAddress"].as_str();
    let address = address.filter(|address| !address.is_empty()).map(str::to_owned);
    address.ok_or_else(|| Error::unavailable("the load balancer's container has no address"))
}

/// Removes the container.
///
/// # Errors
/// What the engine says.
pub(crate) async fn remove(cloud: &Cloud, region: &str, balancer: &str) -> Result<()> {
    cloud.engine.remove(&container(region, balancer)).await
}

/// Listens at a load balancer's address: at one of loopback here, at any other in the network namespace of its container.
///
/// # Errors
/// The port is taken; the container does not run.
pub(crate) async fn listen(cloud: &Cloud, container: &str, address: SocketAddr) -> io::Result<TcpListener> {
    if address.ip().is_loopback() {
        return TcpListener::bind(address).await;
    }
    let seen = cloud.engine.inspect(container).await.map_err(io::Error::other)?;
    let process = seen["State"]["Pid"].as_u64().filter(|process| *process != 0);
    let process = process.ok_or_else(|| io::Error::other("the load balancer's container does not run"))?;
    // A thread of its own: it stays in that namespace and ends.
    let bound = std::thread::spawn(move || {
        let namespace = std::fs::File::open(format!("/proc/{process}/ns/net"))?;
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
        std::net::TcpListener::bind((IpAddr::V4(Ipv4Addr::UNSPECIFIED), address.port()))
    });
    let bound = tokio::task::spawn_blocking(move || bound.join()).await.map_err(io::Error::other)?;
    let listener = bound.map_err(|_| io::Error::other("the thread that listens met a bug"))??;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}
