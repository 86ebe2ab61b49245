//! What a provider cannot do as it was asked.

use crate::capabilities::Capabilities;
use crate::specification::{Probe, Protocol, Specification};
use serde::{Deserialize, Serialize};

/// One setting that is not there as it is here. All of them are said before anything is touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// The setting, by its name in `docker inspect` (`HostConfig.Privileged`).
    pub setting: String,
    /// What was asked.
    pub asked: String,
    /// What it becomes; empty when nothing.
    pub becomes: String,
    /// How bad that is.
    pub severity: Severity,
}

/// How bad a loss is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nobody but an inspector notices.
    Cosmetic,
    /// The container may behave otherwise.
    Behaviour,
    /// It cannot run there. Nothing is done.
    Fatal,
}

impl Loss {
    /// It cannot run there without it.
    #[must_use]
    pub fn fatal(setting: impl Into<String>, asked: impl Into<String>, becomes: impl Into<String>) -> Self {
        Self::new(Severity::Fatal, setting, asked, becomes)
    }

    /// It may behave otherwise.
    #[must_use]
    pub fn behaviour(
        setting: impl Into<String>,
        asked: impl Into<String>,
        becomes: impl Into<String>,
    ) -> Self {
        Self::new(Severity::Behaviour, setting, asked, becomes)
    }

    /// Nobody notices.
    #[must_use]
    pub fn cosmetic(
        setting: impl Into<String>,
        asked: impl Into<String>,
        becomes: impl Into<String>,
    ) -> Self {
        Self::new(Severity::Cosmetic, setting, asked, becomes)
    }

    fn new(
        severity: Severity,
        setting: impl Into<String>,
        asked: impl Into<String>,
        becomes: impl Into<String>,
    ) -> Self {
        Self { setting: setting.into(), asked: asked.into(), becomes: becomes.into(), severity }
    }
}

/// What is lost by a provider's capabilities alone. A provider adds what is lost by its own rules.
#[must_use]
pub fn losses_of(specification: &Specification, able: &Capabilities) -> Vec<Loss> {
    let mut losses = Vec::new();
    for port in &specification.ports {
        let text = port.to_string();
        match port.protocol {
            Protocol::Sctp if !able.sctp => losses.push(Loss::fatal("HostConfig.PortBindings", text, "")),
            Protocol::Udp if !able.udp => losses.push(Loss::fatal("HostConfig.PortBindings", text, "")),
            _ if port.published.is_some_and(|published| published != port.container)
                && !able.remapped_ports =>
            {
                losses.push(Loss::behaviour("HostConfig.PortBindings", text, port.container.to_string()));
            }
            _ => {}
        }
    }
    if specification.published().count() > 1 && !able.several_ports {
        losses.push(Loss::fatal("HostConfig.PortBindings", "several ports", "only one can be published"));
    }
    if let Some(health) = &specification.health {
        let known = match health.probe {
            Probe::Command(_) | Probe::Shell(_) => able.command_probes,
            Probe::Http { .. } | Probe::Tcp { .. } => able.network_probes,
        };
        if !known {
            losses.push(Loss::behaviour("Config.Healthcheck", health.probe.to_string(), "whether it runs"));
        }
    }
    for volume in &specification.volumes {
        if !able.volumes {
            losses.push(Loss::fatal("Mounts", format!("{}:{}", volume.name, volume.path), "no volumes"));
        }
    }
    if let Some(seconds) = specification.stop_timeout.filter(|asked| *asked > able.longest_stop_timeout) {
        let becomes = able.longest_stop_timeout.to_string();
        losses.push(Loss::behaviour("Config.StopTimeout", seconds.to_string(), becomes));
    }
    losses
}
