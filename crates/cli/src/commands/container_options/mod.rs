//! The flags that `run` and `create` share, and the request body that they make.

mod body;
mod checks;
mod devices;
mod general;
mod health;
pub(crate) mod key_values;
mod mounts;
mod network_flags;
mod networks;
mod ports;
mod resources;
mod security;
mod storage;

pub(crate) use body::CreateBody;
pub(crate) use checks::environment as check_environment;
pub(in crate::commands) use devices::parse_limit;
pub(crate) use mounts::clean as clean_path;
pub(crate) use ports::bindings as port_bindings;
pub(crate) use resources::refuse_windows_flags;
pub(crate) use security::restart_policy;

use crate::flags::FlagSet;

/// The values of all flags that describe a container, by group.
pub(crate) struct ContainerOptions {
    pub(crate) general: general::General,
    network: network_flags::NetworkFlags,
    storage: storage::Storage,
    health: health::Health,
    resources: resources::Resources,
    privileges: security::Privileges,
    /// The image.
    pub(crate) image: String,
    /// The command and its arguments; none for the image's own.
    pub(crate) command: Vec<String>,
}

impl Default for ContainerOptions {
    /// The values before any flag is read.
    fn default() -> Self {
        Self {
            general: general::General::new(),
            network: network_flags::NetworkFlags::default(),
            storage: storage::Storage::default(),
            health: health::Health::default(),
            resources: resources::Resources::new(),
            privileges: security::Privileges::default(),
            image: String::new(),
            command: Vec::new(),
        }
    }
}

impl ContainerOptions {
    /// Binds every flag that `run` and `create` share.
    pub(crate) fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        self.general.flags(flags);
        self.network.flags(flags);
        self.storage.flags(flags);
        self.health.flags(flags);
        self.resources.flags(flags);
        self.privileges.flags(flags);
    }
}
