//! Publishing ports: taken, put into the kernel's maps, and taken back.

use super::{Manager, PublishRequest, Published};
use crate::error::{ErrorList, Result};
use crate::netlink::{Request, link};
use crate::nftables::elements::is_translated;
use crate::ports;
use crate::record::{DriverName, EndpointRecord, PublishedBinding, PublishedRecord};
use crate::sandbox::{lock, route_socket};

impl Manager {
    /// Publishes ports, all or none. A container without an address of its own (`host`, `none`) publishes none.
    ///
    /// # Errors
    /// [`crate::NetworkError::PortAllocated`], [`crate::NetworkError::PortBind`], the kernel's refusal.
    pub fn publish(&self, request: &PublishRequest) -> Result<Published> {
        let _gate = self.coming_or_going();
        let endpoint = &request.endpoint;
        let network = self.network(&endpoint.network_id)?;
        let mut record = PublishedRecord {
            endpoint_id: endpoint.id.clone(),
            ipv4: endpoint.ipv4(),
            ipv6: endpoint.ipv6(),
            bindings: Vec::new(),
        };
        if network.driver != DriverName::Bridge || network.internal || request.bindings.is_empty() {
            return Ok(Published { record, reservations: Vec::new(), relays: Vec::new(), notes: Vec::new() });
        }
        let plan = ports::plan(
            endpoint,
            &request.bindings,
            network.binding_address,
            self.config.reach,
            &self.ports,
        )?;
        record.bindings = plan.bindings;
        if let Err(error) = self.open_ports(endpoint, &record) {
            ports::release(&self.ports, &record.bindings);
            return Err(error);
        }
        lock(&self.state).published.insert(record.endpoint_id.clone(), record.clone());
        Ok(Published { record, reservations: plan.reservations, relays: plan.relays, notes: plan.notes })
    }

    /// Publishes further ports of an endpoint; those that are published already do not notice. The result has the
    /// record of all, and the sockets of the new ones.
    ///
    /// # Errors
    /// As [`Self::publish`].
    pub fn publish_more(&self, request: &PublishRequest) -> Result<Published> {
        let _gate = self.coming_or_going();
        let endpoint = &request.endpoint;
        let network = self.network(&endpoint.network_id)?;
        let plan = ports::plan(
            endpoint,
            &request.bindings,
            network.binding_address,
            self.config.reach,
            &self.ports,
        )?;
        let mut record = PublishedRecord {
            endpoint_id: endpoint.id.clone(),
            ipv4: endpoint.ipv4(),
            ipv6: endpoint.ipv6(),
            bindings: plan.bindings,
        };
        if let Err(error) = self.open_ports(endpoint, &record) {
            ports::release(&self.ports, &record.bindings);
            return Err(error);
        }
        let mut state = lock(&self.state);
        if let Some(before) = state.published.get(&endpoint.id) {
            record.bindings.splice(0..0, before.bindings.iter().cloned());
        }
        state.published.insert(endpoint.id.clone(), record.clone());
        drop(state);
        Ok(Published { record, reservations: plan.reservations, relays: plan.relays, notes: plan.notes })
    }

    /// Takes some published ports of an endpoint back and ends the connections through them; others do not notice.
    /// Gives the record of those that stay. The sockets are to be closed by whoever holds them.
    ///
    /// # Errors
    /// All failures, after everything was tried.
    pub fn unpublish_some(
        &self,
        published: &PublishedRecord,
        gone: &[PublishedBinding],
    ) -> Result<PublishedRecord> {
        let _gate = self.coming_or_going();
        let (gone, stay): (Vec<_>, Vec<_>) =
            published.bindings.iter().cloned().partition(|binding| gone.contains(binding));
        let removed = PublishedRecord { bindings: gone, ..published.clone() };
        let left = PublishedRecord { bindings: stay, ..published.clone() };
        let mut errors = ErrorList::default();
        errors.collect(self.firewall.unpublish(&removed));
        self.forgetting.unpublished(&removed);
        if let Some(known) = lock(&self.state).published.get_mut(&published.endpoint_id) {
            known.bindings.clone_from(&left.bindings);
            ports::release(&self.ports, &removed.bindings);
        }
        errors.finish()?;
        Ok(left)
    }

    /// Takes published ports back and ends the connections through them. The shim's sockets are to be closed by
    /// whoever holds them.
    ///
    /// # Errors
    /// All failures, after everything was tried.
    pub fn unpublish(&self, published: &PublishedRecord) -> Result<()> {
        let _gate = self.coming_or_going();
        let mut errors = ErrorList::default();
        let was_used = self.firewall.was_used(published);
        errors.collect(self.firewall.unpublish(published));
        if was_used {
            self.forgetting.unpublished(published);
        }
        // Twice is once: by now the ports may be somebody else's.
        if lock(&self.state).published.remove(&published.endpoint_id).is_some() {
            ports::release(&self.ports, &published.bindings);
        }
        errors.finish()
    }

    fn open_ports(&self, endpoint: &EndpointRecord, record: &PublishedRecord) -> Result<()> {
        if record.bindings.iter().any(|binding| is_translated(record, binding)) {
            let_it_reach_itself(endpoint)?;
            self.forgetting.wait_for(record);
            self.firewall.publish(record)?;
        }
        self.forgetting.published(record);
        Ok(())
    }
}

/// With bridge-nf-call-iptables a container that reaches itself by the host's address has its packets turned around
/// in the bridge, which sends nothing back where it came from unless told so.
pub(super) fn let_it_reach_itself(endpoint: &EndpointRecord) -> Result<()> {
    let socket = route_socket()?;
    // A container that ended took its link along.
    let Some(link) = link::find(&socket, &endpoint.host_device)? else { return Ok(()) };
    let mut request = Request::new();
    request.change_port(link.index, Some(true), None, format!("let {} reach itself", endpoint.host_device));
    request.execute(&socket)
}
