//! The body of `POST /containers/create`.

use serde_json::{Map, Value, json};

use super::ContainerOptions;
use crate::flags::Parsed;

/// The body, in its three parts.
#[derive(Debug, Clone)]
pub(crate) struct CreateBody {
    /// The API's `ContainerConfig`.
    pub(crate) config: Map<String, Value>,
    /// The API's `HostConfig`.
    pub(crate) host: Map<String, Value>,
    /// The API's `EndpointsConfig`.
    pub(crate) endpoints: Map<String, Value>,
}

impl CreateBody {
    /// Whether the client attaches to this stream (`AttachStdin`, …).
    pub(crate) fn attaches(&self, stream: &str) -> bool {
        self.config.get(stream) == Some(&Value::Bool(true))
    }

    /// Sets a field of the `ContainerConfig`.
    pub(crate) fn set_config(&mut self, name: &str, value: Value) {
        self.config.insert(name.to_owned(), value);
    }

    /// The whole document.
    pub(crate) fn to_value(&self) -> Value {
        let mut body = self.config.clone();
        body.insert(String::from("HostConfig"), self.host.clone().into());
        body.insert(String::from("NetworkingConfig"), json!({"EndpointsConfig": self.endpoints}));
        body.into()
    }
}

impl ContainerOptions {
    /// Checks all values together and makes the body.
    ///
    /// # Errors
    /// Values that are wrong or contradict each other, in docker's words.
    pub(crate) fn body(
        &self,
        parsed: &Parsed,
        proxies: &[(String, String)],
        speaks_kernel_memory: bool,
    ) -> Result<CreateBody, String> {
        let mut config = Map::new();
        let mut host = Map::new();
        self.network.check()?;
        self.resources.fill(&mut host, speaks_kernel_memory)?;
        self.storage.fill(&mut config, &mut host)?;
        let endpoints = self.network.fill(&mut config, &mut host)?;
        self.general.fill(parsed, proxies, &mut config, &mut host)?;
        self.privileges.fill(&mut host)?;
        self.health.fill(&mut config)?;
        config.insert(String::from("Image"), json!(self.image));
        let command = if self.command.is_empty() { Value::Null } else { json!(self.command) };
        config.insert(String::from("Cmd"), command);
        host.insert(String::from("ConsoleSize"), json!([0, 0]));
        Ok(CreateBody { config, host, endpoints })
    }

    /// What to warn of that the engine does not.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.network
            .loopback_name_servers()
            .take(1)
            .map(|address| format!("Localhost DNS ({address}) may fail in containers."))
            .collect()
    }
}
