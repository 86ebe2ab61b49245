//! The image configuration of the OCI image specification, with Docker's additions.

use crate::build_cache::CachedChain;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};

/// What a container made from an image runs with, unless its creator says otherwise. Names and forms
/// are those of the stored JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ImageConfig {
    /// Host name; left over from the container that was committed.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub hostname: String,
    /// NIS domain name; likewise.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub domainname: String,
    /// `user[:group]`.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Ports as `80/tcp`.
    #[serde(with = "keys", skip_serializing_if = "BTreeSet::is_empty")]
    pub exposed_ports: BTreeSet<String>,
    /// `NAME=value`.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// The entry point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    /// The command, or the entry point's arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cmd: Option<Vec<String>>,
    /// The health check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    /// Whether the command is already escaped (Windows).
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_false")]
    pub args_escaped: bool,
    /// Paths that become anonymous volumes.
    #[serde(with = "keys", skip_serializing_if = "BTreeSet::is_empty")]
    pub volumes: BTreeSet<String>,
    /// Working directory.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub working_dir: String,
    /// Triggers of builds on this image.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub on_build: Vec<String>,
    /// Labels.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Signal that asks the program to stop.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub stop_signal: String,
    /// Seconds to wait after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<i64>,
    /// Shell of shell-form commands.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub shell: Vec<String>,
    /// A pseudo terminal; left over from the container that was committed.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_false")]
    pub tty: bool,
    /// Open standard input; likewise.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_false")]
    pub open_stdin: bool,
    /// No network.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_false")]
    pub network_disabled: bool,
}

/// How to find out whether a container is well. Durations are nanoseconds; zero is the default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Healthcheck {
    /// `[]` inherit, `["NONE"]`, `["CMD", …]`, `["CMD-SHELL", line]`.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub test: Vec<String>,
    /// Between two probes.
    #[serde(skip_serializing_if = "is_zero")]
    pub interval: i64,
    /// Of one probe.
    #[serde(skip_serializing_if = "is_zero")]
    pub timeout: i64,
    /// In which failures do not count.
    #[serde(skip_serializing_if = "is_zero")]
    pub start_period: i64,
    /// Between two probes in the start period.
    #[serde(skip_serializing_if = "is_zero")]
    pub start_interval: i64,
    /// Failures in a row that make the container unhealthy.
    #[serde(skip_serializing_if = "is_zero")]
    pub retries: i64,
}

/// One step of an image's history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Who did it.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// The command.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub created_by: String,
    /// A message.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// True for a step that made no layer.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_false")]
    pub empty_layer: bool,
}

/// The list of layers in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct RootFs {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) diff_ids: Vec<String>,
}

/// The whole configuration file, whose digest is the image's id.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ConfigFile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) created: Option<String>,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub(crate) author: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) architecture: String,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub(crate) variant: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) os: String,
    #[serde(
        default,
        rename = "os.version",
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub(crate) os_version: String,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub(crate) docker_version: String,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub(crate) container: String,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub(crate) comment: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) config: ImageConfig,
    pub(crate) rootfs: RootFs,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub(crate) history: Vec<History>,
    /// Which layers came of which steps, for builds elsewhere; other engines pass it by.
    #[serde(
        default,
        rename = "sampan.build.cache",
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub(crate) build_cache: Vec<CachedChain>,
}

/// Go writes `null` for an empty value of any type.
pub(crate) fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    input: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(input)?.unwrap_or_default())
}

fn is_false(value: &bool) -> bool {
    !*value
}

fn is_zero(value: &i64) -> bool {
    *value == 0
}

/// A set, written as an object with empty values: `{"80/tcp": {}}`.
mod keys {
    use super::{BTreeMap, BTreeSet, Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Empty {}

    pub(super) fn serialize<S: Serializer>(set: &BTreeSet<String>, output: S) -> Result<S::Ok, S::Error> {
        output.collect_map(set.iter().map(|key| (key, Empty {})))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<BTreeSet<String>, D::Error> {
        let map = Option::<BTreeMap<String, Option<serde::de::IgnoredAny>>>::deserialize(input)?;
        Ok(map.unwrap_or_default().into_keys().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dockers_own_form_is_read() {
        let text = r#"{"architecture":"amd64","config":{"Hostname":"","ExposedPorts":{"80/tcp":{}},"Env":null,
            "Cmd":["sh"],"Volumes":null,"Entrypoint":null,"OnBuild":null,"Labels":null,"Tty":false,
            "Healthcheck":{"Test":["CMD-SHELL","x"],"Interval":1000}},
            "created":"2024-01-01T00:00:00Z","history":[{"created_by":"x","empty_layer":true}],"os":"linux",
            "rootfs":{"type":"layers","diff_ids":["sha256:aa"]},"unknown":{"kept":"elsewhere"}}"#;
        let config: ConfigFile = serde_json::from_str(text).unwrap();
        assert_eq!(config.config.cmd, Some(vec!["sh".to_owned()]));
        assert!(config.config.exposed_ports.contains("80/tcp"));
        assert_eq!(config.config.healthcheck.as_ref().unwrap().interval, 1000);
        let again: ConfigFile = serde_json::from_slice(&serde_json::to_vec(&config).unwrap()).unwrap();
        assert_eq!(again, config);
    }
}
