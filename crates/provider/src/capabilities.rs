//! What a kind of provider can do.

use serde::{Deserialize, Serialize};

/// What a kind of provider can do by itself. What it cannot is done above it, or said to be lost.
#[expect(clippy::struct_excessive_bools, reason = "each is a thing of its own that a provider can do or not")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// UDP ports can be published.
    pub udp: bool,
    /// SCTP ports can be published.
    pub sctp: bool,
    /// More than one port can be published.
    pub several_ports: bool,
    /// A port may be published under another number.
    pub remapped_ports: bool,
    /// Health checks may be commands.
    pub command_probes: bool,
    /// Health checks may be HTTP or TCP.
    pub network_probes: bool,
    /// There are lasting volumes.
    pub volumes: bool,
    /// What is in a volume can be brought there and back ([`crate::Provider::seed`]).
    pub seeds: bool,
    /// Several instances may have one volume.
    pub shared_volumes: bool,
    /// Several replicas share a published port.
    pub balanced_ports: bool,
    /// There may be none of it and it is still known.
    pub scale_to_zero: bool,
    /// It scales by load by itself.
    pub autoscale: bool,
    /// Replicas are replaced one after the other without an interruption.
    pub rolling: bool,
    /// A replacement that fails is taken back by the provider.
    pub rolls_back: bool,
    /// A program can be run inside.
    pub exec: bool,
    /// Seconds that a program may take to end.
    pub longest_stop_timeout: u64,
}
