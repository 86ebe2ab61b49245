//! Forgetting old connections in the background: what takes the kernel 10 ms must not be on anybody's way.

use std::net::IpAddr;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use crate::netlink::conntrack::{self, Targets};
use crate::netlink::netfilter::NetfilterSocket;
use crate::record::{Protocol, PublishedRecord};
use crate::sandbox::lock;

/// What is still to be forgotten. A thread is there only while there is something to do, and takes all that came
/// meanwhile in one walk through the kernel's table.
#[derive(Debug, Default)]
pub(crate) struct Forgetting {
    queue: Mutex<Queue>,
    done: Condvar,
    /// Its own: a walk through a large table must not hold up a container's rules.
    socket: NetfilterSocket,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Targets,
    /// What the thread works on; there is a thread while this is set.
    working: Option<Targets>,
}

impl Queue {
    fn concerns(&self, address: IpAddr) -> bool {
        let in_work = self.working.as_ref().is_some_and(|working| working.addresses.contains(&address));
        in_work || self.waiting.addresses.contains(&address)
    }
}

impl Forgetting {
    /// Ports were taken back: connections through them lead nowhere.
    pub(crate) fn unpublished(self: &Arc<Self>, published: &PublishedRecord) {
        self.add(Targets { addresses: addresses(published).collect(), ..Targets::default() });
    }

    /// Ports were published: datagrams that came before would keep their way as long as they keep coming.
    pub(crate) fn published(self: &Arc<Self>, published: &PublishedRecord) {
        let is_udp = |protocol| protocol == Protocol::Udp;
        let udp = published.bindings.iter().filter(|binding| is_udp(binding.protocol));
        let targets =
            Targets { udp_ports: udp.map(|binding| binding.host_port).collect(), ..Targets::default() };
        if !targets.is_empty() {
            self.add(targets);
        }
    }

    /// Waits until nothing more of a former owner of these addresses is to be forgotten: the new owner's own
    /// connections must not be taken for the old ones.
    pub(crate) fn wait_for(&self, published: &PublishedRecord) {
        let mut queue = lock(&self.queue);
        while addresses(published).any(|address| queue.concerns(address)) {
            queue = self.done.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until there is nothing to do.
    pub(crate) fn settle(&self) {
        let mut queue = lock(&self.queue);
        while queue.working.is_some() {
            queue = self.done.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn add(self: &Arc<Self>, targets: Targets) {
        let mut queue = lock(&self.queue);
        queue.waiting.extend(targets);
        if queue.working.is_some() {
            return;
        }
        queue.working = Some(Targets::default());
        drop(queue);
        let this = Arc::clone(self);
        let work = move || this.work();
        if thread::Builder::new().name("conntrack".to_owned()).stack_size(128 * 1024).spawn(work).is_err() {
            // The connections time out by themselves; nobody may wait for a thread that is not there.
            *lock(&self.queue) = Queue::default();
            self.done.notify_all();
        }
    }

    fn work(&self) {
        loop {
            let mut queue = lock(&self.queue);
            let targets = std::mem::take(&mut queue.waiting);
            queue.working = (!targets.is_empty()).then(|| targets.clone());
            let ends = queue.working.is_none();
            drop(queue);
            self.done.notify_all();
            if ends {
                return;
            }
            // A kernel without connection tracking over netlink has nothing that could be forgotten, and a
            // connection that stays only times out later.
            let _ = self.socket.with(|socket| conntrack::forget(socket, &targets));
        }
    }
}

fn addresses(published: &PublishedRecord) -> impl Iterator<Item = IpAddr> {
    let both = [published.ipv4.map(IpAddr::V4), published.ipv6.map(IpAddr::V6)];
    both.into_iter().flatten()
}
