//! The host's own servers, read again when they are needed: whoever changes the file need tell nobody.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What was read is good for so long.
const GOOD_FOR: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(crate) struct HostServers(Mutex<Option<(Instant, Vec<IpAddr>)>>);

impl HostServers {
    /// The servers as of a second ago at most.
    pub(crate) fn now(&self) -> Vec<IpAddr> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((read, servers)) if read.elapsed() < GOOD_FOR => servers.clone(),
            _ => {
                let servers = sampan_network::host_servers();
                *kept = Some((Instant::now(), servers.clone()));
                servers
            }
        }
    }
}
