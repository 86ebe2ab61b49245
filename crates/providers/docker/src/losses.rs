//! What a Docker engine does not do as it was asked.

use crate::body::ADDRESSES;
use sampan_provider::{Capabilities, Loss, Specification, losses_of};
use serde_json::Value;

/// What an engine can do; `own` is Sampan.
pub(crate) fn capabilities(own: bool) -> Capabilities {
    Capabilities {
        udp: true,
        sctp: true,
        several_ports: true,
        remapped_ports: true,
        command_probes: true,
        network_probes: own,
        volumes: true,
        seeds: true,
        shared_volumes: true,
        balanced_ports: own,
        scale_to_zero: true,
        autoscale: own,
        rolling: own,
        rolls_back: true,
        exec: true,
        longest_stop_timeout: u64::MAX,
    }
}

/// What is lost there.
pub(crate) fn losses(specification: &Specification, own: bool) -> Vec<Loss> {
    let mut losses = losses_of(specification, &capabilities(own));
    let folders = specification.setting("HostConfig.Binds").and_then(Value::as_array);
    for folder in folders.into_iter().flatten().filter_map(Value::as_str) {
        let becomes = "the folder of that name at the engine's host, which has to be there";
        losses.push(Loss::behaviour("HostConfig.Binds", folder, becomes));
    }
    if let Some(addresses) = specification.setting(ADDRESSES) {
        let becomes = "the same address of the engine's host, which has to have it";
        losses.push(Loss::behaviour(ADDRESSES, addresses.to_string(), becomes));
    }
    let fixed = specification.published().any(|port| port.published != Some(0));
    if specification.replicas > 1 && fixed && !own {
        losses.push(Loss::fatal(
            "replicas",
            format!("{} behind one published port", specification.replicas),
            "one: a plain Docker engine gives a port to one container",
        ));
    }
    losses
}

/// Whether the successor of a replica can only start when it has ended: both would have the same port, or write to the
/// same volume.
pub(crate) fn stop_first(specification: &Specification) -> bool {
    specification.published().any(|port| port.published != Some(0))
        || specification.volumes.iter().any(|volume| !volume.read_only)
}
