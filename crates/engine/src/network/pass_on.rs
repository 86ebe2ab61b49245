//! Ports of a container that lead elsewhere: their sockets are inside its namespace, and its supervisor, which is in the
//! host's, passes on what comes. So everything that the host reaches is reached, and the container's network, names and
//! published ports are those of any other.

use super::join::sandbox_of;
use crate::Engine;
use crate::containers::{ContainerRecord, PassOn};
use crate::error::Error;
use crate::spec::{PortKey, PortProtocol};
use sampan_error::Result;
use sampan_network::Sandbox;
use sampan_shim::protocol::{Aim, ChangeSockets, Relay, RelayProtocol};
use sampan_state::Durability;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;

impl Engine {
    /// Lets ports of a container lead elsewhere, each in the place of where it led before: at once when it runs, and with
    /// every start from now on. Connections that exist stay where they are.
    ///
    /// # Errors
    /// No such container; one without a network of its own; a program inside has the port.
    pub async fn pass_on(&self, reference: &str, passes: &[PassOn]) -> Result<()> {
        self.recovered().await;
        let container = self.container(reference)?;
        let _operation = container.operation.lock().await;
        let before = container.record();
        if let Some(other) = passes.iter().find(|pass| pass.port.protocol == PortProtocol::Sctp) {
            return Err(Error::Invalid(format!("port {}/sctp cannot be passed on", other.port.port)).into());
        }
        let is_new = |pass: &&PassOn| before.passes.iter().all(|known| known.port != pass.port);
        if let Some(live) = container.live().filter(|_| before.is_running()) {
            let added: Vec<PassOn> = passes.iter().filter(is_new).cloned().collect();
            let inside = std::sync::Arc::clone(&container);
            let (relays, sockets) = crate::blocking(move || entrances(&sandbox_of(&inside)?, &added)).await?;
            let aims = passes.iter().filter(|pass| !is_new(pass)).map(aim).collect();
            let change = ChangeSockets { relays, closed: Vec::new(), aims };
            live.supervisor.change_sockets(&change, Vec::new(), sockets).await?;
        }
        let record = container.change(|record| {
            record.passes.retain(|known| passes.iter().all(|pass| pass.port != known.port));
            record.passes.extend(passes.iter().cloned());
        });
        self.save_now(&record, Durability::Full).await
    }
}

/// The sockets of a container that is about to start.
pub(super) fn open(sandbox: &Sandbox, record: &ContainerRecord) -> Result<(Vec<Relay>, Vec<OwnedFd>)> {
    entrances(sandbox, &record.passes)
}

fn entrances(sandbox: &Sandbox, passes: &[PassOn]) -> Result<(Vec<Relay>, Vec<OwnedFd>)> {
    let (mut relays, mut sockets) = (Vec::new(), Vec::new());
    for pass in passes {
        let (relayed, protocol) = match pass.port.protocol {
            PortProtocol::Udp => (RelayProtocol::Udp, sampan_network::Protocol::Udp),
            _ => (RelayProtocol::Tcp, sampan_network::Protocol::Tcp),
        };
        for socket in sandbox.open_entrances(protocol, pass.port.port)? {
            let Aim { name, target, held } = aim(pass);
            relays.push(Relay { protocol: relayed, target, only_near: false, name, held });
            sockets.push(socket);
        }
    }
    Ok((relays, sockets))
}

fn aim(pass: &PassOn) -> Aim {
    let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    Aim { name: name(pass.port), target: pass.to.unwrap_or(nowhere), held: pass.to.is_none() }
}

fn name(port: PortKey) -> String {
    format!("{}/{}", port.port, if port.protocol == PortProtocol::Udp { "udp" } else { "tcp" })
}
