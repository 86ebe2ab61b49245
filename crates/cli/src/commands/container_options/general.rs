//! What runs in the container, as whom and with what around it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::devices::{self, Device, Limit};
use super::{checks, key_values};
use crate::flags::{FlagSet, Parsed};

/// The general flags.
#[derive(Default)]
pub(crate) struct General {
    pub(crate) attach: Vec<String>,
    pub(crate) env: Vec<String>,
    env_files: Vec<String>,
    labels: Vec<String>,
    label_files: Vec<String>,
    pub(crate) interactive: bool,
    pub(crate) tty: bool,
    pub(crate) auto_remove: bool,
    pub(crate) id_file: String,
    device_rules: Vec<String>,
    devices: Vec<String>,
    gpus: Vec<Value>,
    entrypoint: String,
    group_add: Vec<String>,
    hostname: String,
    domain_name: String,
    read_only: bool,
    restart: String,
    stop_signal: String,
    stop_timeout: i64,
    sysctls: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    ulimits: BTreeMap<String, Limit>,
    user: String,
    working_directory: String,
    isolation: String,
    runtime: String,
    init: bool,
}

impl General {
    /// The values before any flag is read.
    pub(super) fn new() -> Self {
        Self { restart: String::from("no"), ..Self::default() }
    }

    pub(super) fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.checked_list(
            &mut self.attach,
            "attach",
            "a",
            "Attach to STDIN, STDOUT or STDERR",
            checks::attach,
        );
        flags.checked_list(&mut self.env, "env", "e", "Set environment variables", checks::environment);
        flags.list(&mut self.env_files, "env-file", "", "Read in a file of environment variables");
        flags.checked_list(&mut self.labels, "label", "l", "Set meta data on a container", checks::label);
        flags.list(&mut self.label_files, "label-file", "", "Read in a line delimited file of labels");
        flags.bool(&mut self.interactive, "interactive", "i", "Keep STDIN open even if not attached");
        flags.bool(&mut self.tty, "tty", "t", "Allocate a pseudo-TTY");
        flags.bool(
            &mut self.auto_remove,
            "rm",
            "",
            "Automatically remove the container and its associated anonymous volumes when it exits",
        );
        flags.string(&mut self.id_file, "cidfile", "", "Write the container ID to the file");
        flags.checked_list(
            &mut self.device_rules,
            "device-cgroup-rule",
            "",
            "Add a rule to the cgroup allowed devices list",
            checks::device_rule,
        );
        flags.list(&mut self.devices, "device", "", "Add a host device to the container");
        let gpus = &mut self.gpus;
        flags.value(
            "gpus",
            "",
            "gpu-request",
            "GPU devices to add to the container ('all' to pass all GPUs)",
            |text| {
                gpus.push(devices::parse_gpus(text)?);
                Ok(())
            },
        );
        flags.string(&mut self.entrypoint, "entrypoint", "", "Overwrite the default ENTRYPOINT of the image");
        flags.list(&mut self.group_add, "group-add", "", "Add additional groups to join");
        flags.string(&mut self.hostname, "hostname", "h", "Container host name");
        flags.string(&mut self.domain_name, "domainname", "", "Container NIS domain name");
        flags.bool(
            &mut self.read_only,
            "read-only",
            "",
            "Mount the container's root filesystem as read only",
        );
        flags.string(&mut self.restart, "restart", "", "Restart policy to apply when a container exits");
        flags.string(&mut self.stop_signal, "stop-signal", "", "Signal to stop the container");
        flags.int(&mut self.stop_timeout, "stop-timeout", "", "Timeout (in seconds) to stop a container");
        flags.map(&mut self.sysctls, "sysctl", "Sysctl options", checks::sysctl);
        flags.map(
            &mut self.annotations,
            "annotation",
            "Add an annotation to the container (passed through to the OCI runtime)",
            |_| Ok(()),
        );
        let ulimits = &mut self.ulimits;
        flags
            .value("ulimit", "", "ulimit", "Ulimit options", |text| {
                let limit = devices::parse_limit(text)?;
                ulimits.insert(limit.name.clone(), limit);
                Ok(())
            })
            .shown_default("[]");
        flags.string(&mut self.user, "user", "u", "Username or UID (format: <name|uid>[:<group|gid>])");
        flags.string(&mut self.working_directory, "workdir", "w", "Working directory inside the container");
        flags.string(&mut self.isolation, "isolation", "", "Container isolation technology");
        flags.string(&mut self.runtime, "runtime", "", "Runtime to use for this container");
        flags.bool(
            &mut self.init,
            "init",
            "",
            "Run an init inside the container that forwards signals and reaps processes",
        );
    }

    /// Adds to the API's `Config` and `HostConfig`.
    pub(super) fn fill(
        &self,
        parsed: &Parsed,
        proxies: &[(String, String)],
        config: &mut Map<String, Value>,
        host: &mut Map<String, Value>,
    ) -> Result<(), String> {
        let (devices, interfaces) = self.devices()?;
        let environment = self.environment(proxies)?;
        let mut labels = Vec::new();
        for file in &self.label_files {
            labels.extend(key_values::read_file(file, false)?);
        }
        labels.extend_from_slice(&self.labels);

        let attached = |name: &str| self.attach.iter().any(|stream| stream == name);
        let by_default = self.attach.is_empty();
        let stdin = self.interactive || attached("stdin");
        let mut set = |name: &str, value: Value| config.insert(name.to_owned(), value);
        set("Hostname", json!(self.hostname));
        set("Domainname", json!(self.domain_name));
        set("User", json!(self.user));
        set("AttachStdin", json!(stdin));
        set("AttachStdout", json!(by_default || attached("stdout")));
        set("AttachStderr", json!(by_default || attached("stderr")));
        set("Tty", json!(self.tty));
        set("OpenStdin", json!(self.interactive));
        set("StdinOnce", json!(self.interactive && stdin));
        set("Env", if environment.is_empty() { Value::Null } else { json!(environment) });
        set("WorkingDir", json!(self.working_directory));
        let entrypoint = match self.entrypoint.as_str() {
            "" if !parsed.changed("entrypoint") => Value::Null,
            text => json!([text]),
        };
        set("Entrypoint", entrypoint);
        set("OnBuild", Value::Null);
        set("Labels", key_values::object(&labels).into());
        if !self.stop_signal.is_empty() {
            set("StopSignal", json!(self.stop_signal));
        }
        if parsed.changed("stop-timeout") {
            set("StopTimeout", json!(self.stop_timeout));
        }

        let (restart, retries) = super::security::restart_policy(&self.restart)?;
        if self.auto_remove && !matches!(restart.as_str(), "" | "no") {
            return Err(String::from("conflicting options: cannot specify both --restart and --rm"));
        }
        let or_null = |list: &[String]| if list.is_empty() { Value::Null } else { json!(list) };
        let mut requests = self.gpus.clone();
        if !interfaces.is_empty() {
            requests.push(json!({
                "Driver": "cdi", "Count": 0, "DeviceIDs": interfaces, "Capabilities": null, "Options": null,
            }));
        }
        let limits: Vec<Value> = self
            .ulimits
            .values()
            .map(|limit| json!({"Name": limit.name, "Hard": limit.hard, "Soft": limit.soft}))
            .collect();
        let mut set = |name: &str, value: Value| host.insert(name.to_owned(), value);
        set("ContainerIDFile", json!(self.id_file));
        set("AutoRemove", json!(self.auto_remove));
        set("RestartPolicy", json!({"Name": restart, "MaximumRetryCount": retries}));
        set("GroupAdd", or_null(&self.group_add));
        set("ReadonlyRootfs", json!(self.read_only));
        set("Isolation", json!(self.isolation));
        set("Devices", json!(devices));
        set("DeviceCgroupRules", or_null(&self.device_rules));
        set("DeviceRequests", if requests.is_empty() { Value::Null } else { json!(requests) });
        set("Ulimits", json!(limits));
        if !self.sysctls.is_empty() {
            set("Sysctls", json!(self.sysctls));
        }
        if !self.annotations.is_empty() {
            set("Annotations", json!(self.annotations));
        }
        if !self.runtime.is_empty() {
            set("Runtime", json!(self.runtime));
        }
        if parsed.changed("init") {
            set("Init", json!(self.init));
        }
        Ok(())
    }

    fn devices(&self) -> Result<(Vec<Value>, Vec<String>), String> {
        let mut mappings = Vec::new();
        let mut interfaces = Vec::new();
        for device in &self.devices {
            match devices::parse(device)? {
                Device::Host(mapping) => mappings.push(mapping),
                Device::Interface(name) => interfaces.push(name),
            }
        }
        Ok((mappings, interfaces))
    }

    /// The files' variables, then those of `--env` (the last of a name counts), then the proxies of
    /// `config.json` that were not given.
    fn environment(&self, proxies: &[(String, String)]) -> Result<Vec<String>, String> {
        let mut variables = Vec::new();
        for file in &self.env_files {
            variables.extend(key_values::read_file(file, true)?);
        }
        let name_of = |variable: &str| variable.split('=').next().unwrap_or_default().to_owned();
        let mut given: Vec<(String, String)> = Vec::new();
        for variable in &self.env {
            let name = name_of(variable);
            match given.iter_mut().find(|(other, _)| *other == name) {
                Some((_, value)) => variable.clone_into(value),
                None => given.push((name, variable.clone())),
            }
        }
        for (name, value) in proxies {
            if !given.iter().any(|(other, _)| other == name) {
                given.push((name.clone(), format!("{name}={value}")));
            }
        }
        variables.extend(given.into_iter().map(|(_, variable)| variable));
        Ok(variables)
    }
}
