//! Published ports that several containers answer.

use super::Manager;
use crate::error::Result;
use crate::nftables::elements::Published;
use crate::record::{BalancedRecord, PublishedRecord};
use crate::sandbox::lock;

impl Manager {
    /// From now on each new connection to these ports goes to one of the targets, all with the same chance; connections
    /// that are there stay with theirs. Takes the place of what had the same name. Without targets or ports there is
    /// nothing to balance, and the ports lead where they were published to. At one moment.
    ///
    /// # Errors
    /// The kernel's refusal; then all is as before.
    pub fn balance(&self, record: &BalancedRecord) -> Result<()> {
        let _gate = self.coming_or_going();
        let before = lock(&self.state).balanced.get(&record.name).cloned();
        let elements = |record: &BalancedRecord| Published::default().with_balanced([record]);
        let (old, new) = (before.as_ref().map(elements).unwrap_or_default(), elements(record));
        for target in &record.targets {
            self.forgetting.wait_for(&endpoint_of(*target, record));
        }
        self.firewall.exchange(&old.without(&new), &new.without(&old))?;
        let mut state = lock(&self.state);
        if record.targets.is_empty() || record.bindings.is_empty() {
            state.balanced.remove(&record.name);
        } else {
            state.balanced.insert(record.name.clone(), record.clone());
        }
        drop(state);
        // Datagrams would keep the way of those that came before.
        self.forgetting.published(&endpoint_of(Default::default(), record));
        Ok(())
    }

    /// Ends connections that were balanced to a container which is gone: they lead nowhere.
    pub fn forget_target(&self, target: crate::BalancedTarget) {
        self.forgetting.unpublished(&endpoint_of(target, &BalancedRecord::default()));
    }

    /// How many published TCP connections lead to these addresses and are not over.
    ///
    /// # Errors
    /// A kernel without connection tracking over netlink.
    pub fn connections_to(&self, addresses: &[std::net::IpAddr]) -> Result<u64> {
        self.netfilter.with(|socket| crate::netlink::conntrack::count(socket, addresses))
    }

    /// All ports that are balanced.
    pub fn balanced(&self) -> Vec<BalancedRecord> {
        lock(&self.state).balanced.values().cloned().collect()
    }
}

/// A target as if the ports were published to it alone.
fn endpoint_of(target: crate::BalancedTarget, record: &BalancedRecord) -> PublishedRecord {
    PublishedRecord {
        endpoint_id: String::new(),
        ipv4: target.ipv4,
        ipv6: target.ipv6,
        bindings: record.bindings.clone(),
    }
}
