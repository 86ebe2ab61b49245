//! Comparing the kernel with the records, and taking everything away.

use std::collections::HashSet;

use super::{Manager, Reconciled};
use crate::drivers::bridge::is_ours;
use crate::error::{ErrorList, Result};
use crate::netlink::{Request, link};
use crate::sandbox::{device_prefix, lock, route_socket};
use crate::watch::RulesetWatch;

impl Manager {
    /// Compares the kernel with what the manager knows: removes devices of this instance without a record, and
    /// lays the ruleset down again if somebody flushed or changed it. Others' objects are never touched.
    ///
    /// # Errors
    /// All failures, after everything was tried.
    pub fn reconcile(&self) -> Result<Reconciled> {
        let _gate = self.standing_still();
        let mut errors = ErrorList::default();
        let mut reconciled = Reconciled::default();
        let published = lock(&self.state).elements();
        if errors.collect(self.firewall.is_intact(&published)) == Some(false) {
            reconciled.ruleset_repaired = errors.collect(self.firewall.lay_down(&published)).is_some();
        }
        errors.collect(self.firewall.make_user_chain());
        for network in self.networks() {
            errors.collect(self.driver(network.driver).and_then(|driver| driver.restore_network(&network)));
        }
        errors.collect(self.restore_endpoints());
        reconciled.removed_devices = errors.collect(self.remove_leftovers()).unwrap_or_default();
        errors.finish()?;
        Ok(reconciled)
    }

    /// Something that hears of removals from our tables and the user's.
    ///
    /// # Errors
    /// No packet filter.
    pub fn watch_ruleset(&self) -> Result<RulesetWatch> {
        RulesetWatch::open(self.firewall.table_names().into(), std::sync::Arc::clone(&self.netfilter))
    }

    /// Lays the ruleset down again if somebody removed any of it: connections go on. True when there was need.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn repair_ruleset(&self) -> Result<bool> {
        let _gate = self.standing_still();
        self.firewall.make_user_chain()?;
        let published = lock(&self.state).elements();
        let intact = self.firewall.is_laid_down()? && self.firewall.is_intact(&published)?;
        if !intact {
            self.firewall.lay_down(&published)?;
        }
        Ok(!intact)
    }

    /// Removes every kernel object of this instance: for tests and for uninstalling. Containers lose their network.
    ///
    /// # Errors
    /// All failures, after everything was tried.
    pub fn teardown(&self) -> Result<()> {
        let _gate = self.standing_still();
        let mut errors = ErrorList::default();
        self.forgetting.settle();
        for network in self.networks() {
            let removed = self.driver(network.driver).and_then(|driver| driver.remove_network(&network));
            errors.collect(removed);
        }
        *lock(&self.state) = super::State::default();
        errors.collect(self.remove_unattached());
        errors.collect(self.remove_leftovers());
        errors.collect(self.firewall.remove());
        errors.finish()
    }

    /// Attaches living endpoints again whose bridge was removed and is back, and lets those reach themselves that
    /// publish ports.
    pub(super) fn restore_endpoints(&self) -> Result<()> {
        let endpoints: Vec<_> = lock(&self.state).endpoints.values().cloned().collect();
        let mut errors = ErrorList::default();
        for endpoint in endpoints.iter().filter(|endpoint| !endpoint.host_device.is_empty()) {
            let network = self.network(&endpoint.network_id);
            let restored =
                network.and_then(|network| self.driver(network.driver)?.restore_endpoint(&network, endpoint));
            errors.collect(restored);
            if lock(&self.state).published.contains_key(&endpoint.id) {
                errors.collect(super::publish::let_it_reach_itself(endpoint));
            }
        }
        errors.finish()
    }

    /// Removes bridges of this instance, and veth ends attached to something, that no record names. Ends that
    /// belong to no bridge may be those of ready sandboxes.
    fn remove_leftovers(&self) -> Result<Vec<String>> {
        let instance = &self.config.instance;
        self.remove_links(|link, is_end| (is_end && link.master.is_some()) || is_ours(link, instance))
    }

    /// Removes veth ends that belong to no bridge and that no record names: at start there are no ready sandboxes.
    pub(super) fn remove_unattached(&self) -> Result<Vec<String>> {
        self.remove_links(|link, is_end| is_end && link.master.is_none())
    }

    /// Removes those that `choose` picks; it is told whether a link is a veth end of this instance.
    fn remove_links(&self, choose: impl Fn(&link::Link, bool) -> bool) -> Result<Vec<String>> {
        let prefix = device_prefix(&self.config.instance)?;
        let known: HashSet<String> = {
            let state = lock(&self.state);
            let ends = state.endpoints.values().map(|endpoint| endpoint.host_device.clone());
            ends.chain(state.networks.iter().map(|network| network.record.device.clone())).collect()
        };
        let socket = route_socket()?;
        let mut request = Request::new();
        let mut removed = Vec::new();
        for link in link::list(&socket)? {
            let is_end =
                link.kind == "veth" && link.name.len() == prefix.len() + 6 && link.name.starts_with(&prefix);
            if choose(&link, is_end) && !known.contains(&link.name) {
                request.delete_link(link.index, format!("remove the leftover {}", link.name));
                removed.push(link.name);
            }
        }
        request.execute(&socket)?;
        Ok(removed)
    }
}
