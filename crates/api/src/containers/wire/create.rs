//! The body of a creation, and its answer.

use super::{Config, Empty, Health, HostConfig, NetworkingConfig, Words};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A create body: the fields of `Config`, and beside them the host's part and the networks.
///
/// The fields of `Config` are repeated, since serde's flattening would lose the names that keys in another
/// case are matched with; a test holds both lists against each other.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateBody {
    hostname: String,
    domainname: String,
    user: String,
    attach_stdin: bool,
    attach_stdout: bool,
    attach_stderr: bool,
    exposed_ports: Option<BTreeMap<String, Empty>>,
    tty: bool,
    open_stdin: bool,
    stdin_once: bool,
    env: Option<Vec<String>>,
    cmd: Option<Words>,
    healthcheck: Option<Health>,
    args_escaped: bool,
    image: String,
    volumes: Option<BTreeMap<String, Empty>>,
    working_dir: String,
    entrypoint: Option<Words>,
    network_disabled: bool,
    mac_address: String,
    on_build: Option<Vec<String>>,
    labels: Option<BTreeMap<String, String>>,
    stop_signal: String,
    stop_timeout: Option<i64>,
    shell: Option<Words>,
    host_config: HostConfig,
    networking_config: NetworkingConfig,
}

impl CreateBody {
    /// Its three parts.
    pub(crate) fn into_parts(self) -> (Config, HostConfig, NetworkingConfig) {
        let config = Config {
            hostname: self.hostname,
            domainname: self.domainname,
            user: self.user,
            attach_stdin: self.attach_stdin,
            attach_stdout: self.attach_stdout,
            attach_stderr: self.attach_stderr,
            exposed_ports: self.exposed_ports,
            tty: self.tty,
            open_stdin: self.open_stdin,
            stdin_once: self.stdin_once,
            env: self.env,
            cmd: self.cmd,
            healthcheck: self.healthcheck,
            args_escaped: self.args_escaped,
            image: self.image,
            volumes: self.volumes,
            working_dir: self.working_dir,
            entrypoint: self.entrypoint,
            network_disabled: self.network_disabled,
            mac_address: self.mac_address,
            on_build: self.on_build,
            labels: self.labels,
            stop_signal: self.stop_signal,
            stop_timeout: self.stop_timeout,
            shell: self.shell,
        };
        (config, self.host_config, self.networking_config)
    }
}

/// The answer to a creation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateReply {
    pub(crate) id: String,
    pub(crate) warnings: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::json;

    #[test]
    fn the_body_has_all_fields_of_the_configuration() {
        let body: Vec<_> = json::names::<CreateBody>()
            .iter()
            .filter(|name| !["HostConfig", "NetworkingConfig"].contains(name))
            .collect();
        assert_eq!(body, json::names::<Config>().iter().collect::<Vec<_>>());
    }
}
