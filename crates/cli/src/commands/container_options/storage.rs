//! Volumes, mounts and logs.

use serde_json::{Map, Value, json};

use super::key_values;
use super::mounts::{self, Volumes};
use crate::flags::FlagSet;

/// The flags of volumes, mounts and logs.
#[derive(Default)]
pub(crate) struct Storage {
    volumes: Vec<String>,
    tmpfs: Vec<String>,
    mounts: Vec<Value>,
    volumes_from: Vec<String>,
    volume_driver: String,
    storage: Vec<String>,
    log_driver: String,
    log_options: Vec<String>,
}

impl Storage {
    pub(super) fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.log_driver, "log-driver", "", "Logging driver for the container");
        flags.string(
            &mut self.volume_driver,
            "volume-driver",
            "",
            "Optional volume driver for the container",
        );
        flags.list(&mut self.log_options, "log-opt", "", "Log driver options");
        flags.list(&mut self.storage, "storage-opt", "", "Storage driver options for the container");
        flags.list(&mut self.tmpfs, "tmpfs", "", "Mount a tmpfs directory");
        flags.list(
            &mut self.volumes_from,
            "volumes-from",
            "",
            "Mount volumes from the specified container(s)",
        );
        flags.list(&mut self.volumes, "volume", "v", "Bind mount a volume");
        let mounts = &mut self.mounts;
        flags.value("mount", "", "mount", "Attach a filesystem mount to the container", |text| {
            mounts.push(mounts::parse(text)?);
            Ok(())
        });
    }

    /// Adds to the API's `Config` and `HostConfig`.
    pub(super) fn fill(
        &self,
        config: &mut Map<String, Value>,
        host: &mut Map<String, Value>,
    ) -> Result<(), String> {
        let mut binds: Vec<String> = Vec::new();
        let mut anonymous = Map::new();
        for volume in &self.volumes {
            match mounts::parse_volume(volume)? {
                Volumes::Bind(bind) if binds.contains(&bind) => {}
                Volumes::Bind(bind) => binds.push(bind),
                Volumes::Anonymous(path) => {
                    anonymous.insert(path, json!({}));
                }
            }
        }
        if self.log_driver == "none" && !self.log_options.is_empty() {
            return Err(format!("invalid logging opts for driver {}", self.log_driver));
        }
        if self.storage.iter().any(|option| !option.contains('=')) {
            return Err(String::from("invalid storage option"));
        }
        let tmpfs: Map<String, Value> = self
            .tmpfs
            .iter()
            .map(|text| {
                let (path, options) = text.split_once(':').unwrap_or((text, ""));
                (path.to_owned(), json!(options))
            })
            .collect();
        config.insert(String::from("Volumes"), anonymous.into());
        let or_null = |list: &[String]| if list.is_empty() { Value::Null } else { json!(list) };
        let mut set = |name: &str, value: Value| host.insert(name.to_owned(), value);
        set("Binds", or_null(&binds));
        set("VolumesFrom", or_null(&self.volumes_from));
        set("VolumeDriver", json!(self.volume_driver));
        set("LogConfig", json!({"Type": self.log_driver, "Config": key_values::object(&self.log_options)}));
        if !self.storage.is_empty() {
            set("StorageOpt", key_values::object(&self.storage).into());
        }
        if !tmpfs.is_empty() {
            set("Tmpfs", tmpfs.into());
        }
        if !self.mounts.is_empty() {
            set("Mounts", json!(self.mounts));
        }
        Ok(())
    }
}
