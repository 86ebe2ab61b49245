//! Sandboxes made ahead of need: making one takes a millisecond, taking one takes none.

use std::sync::Mutex;

use super::{Sandbox, device_prefix, lock};
use crate::error::Result;

/// Ready sandboxes of both sorts. Nothing in it survives the process, and nothing has to be cleaned up.
#[derive(Debug)]
pub struct SandboxPool {
    instance: String,
    size: usize,
    mtu: u32,
    ready: Mutex<Ready>,
}

#[derive(Debug, Default)]
struct Ready {
    linked: Vec<Sandbox>,
    isolated: Vec<Sandbox>,
}

impl SandboxPool {
    /// An empty pool for up to `size` sandboxes with a veth pair, and a quarter of that without one; `mtu` in bytes
    /// is a guess that `connect` corrects. Make it after [`crate::Manager::open`], which removes what a former
    /// daemon left.
    ///
    /// # Errors
    /// The instance id cannot name a device.
    pub fn new(instance: &str, size: usize, mtu: u32) -> Result<Self> {
        device_prefix(instance)?;
        Ok(Self { instance: instance.to_owned(), size, mtu, ready: Mutex::default() })
    }

    /// Takes a ready one, or makes one when the pool is empty. Never waits for a refill.
    ///
    /// # Errors
    /// As [`Sandbox::create`].
    pub fn take(&self) -> Result<Sandbox> {
        let ready = lock(&self.ready).linked.pop();
        ready.map_or_else(|| Sandbox::create(&self.instance, self.mtu), Ok)
    }

    /// The same for the network `none`.
    ///
    /// # Errors
    /// As [`Sandbox::create_isolated`].
    pub fn take_isolated(&self) -> Result<Sandbox> {
        let ready = lock(&self.ready).isolated.pop();
        ready.map_or_else(Sandbox::create_isolated, Ok)
    }

    /// Makes as many as are missing; the owner calls it in the background, after a take. One call at a time: two
    /// would make a few too many.
    ///
    /// # Errors
    /// As [`Sandbox::create`].
    pub fn refill(&self) -> Result<()> {
        while lock(&self.ready).linked.len() < self.size {
            let sandbox = Sandbox::create(&self.instance, self.mtu)?;
            lock(&self.ready).linked.push(sandbox);
        }
        while lock(&self.ready).isolated.len() < self.isolated_size() {
            let sandbox = Sandbox::create_isolated()?;
            lock(&self.ready).isolated.push(sandbox);
        }
        Ok(())
    }

    /// Whether a refill would make nothing.
    pub fn is_full(&self) -> bool {
        let ready = lock(&self.ready);
        ready.linked.len() >= self.size && ready.isolated.len() >= self.isolated_size()
    }

    /// How many of those without a veth pair are kept.
    fn isolated_size(&self) -> usize {
        self.size.div_ceil(4)
    }
}
