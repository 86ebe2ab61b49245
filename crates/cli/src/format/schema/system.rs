//! The fields of what `info` asks the engine for. Names, order and omission are those of Docker's API types.

use super::{Struct, Type, field, optional};

static SYSTEM_PLUGINS_INFO: Struct = Struct {
    name: "system.PluginsInfo",
    fields: &[
        field("Volume", "Volume", Type::List(&Type::Text, "[]string")),
        field("Network", "Network", Type::List(&Type::Text, "[]string")),
        field("Authorization", "Authorization", Type::List(&Type::Text, "[]string")),
        field("Log", "Log", Type::List(&Type::Text, "[]string")),
    ],
};

static SYSTEM_RUNTIME_WITH_STATUS: Struct = Struct {
    name: "system.RuntimeWithStatus",
    fields: &[
        optional("Path", "path", Type::Text),
        optional("Args", "runtimeArgs", Type::List(&Type::Text, "[]string")),
        optional("Type", "runtimeType", Type::Text),
        optional("Options", "options", Type::Map(&Type::Any, "map[string]interface {}")),
        optional("Status", "status", Type::Map(&Type::Text, "map[string]string")),
    ],
};

static SWARM_PEER: Struct = Struct {
    name: "swarm.Peer",
    fields: &[field("NodeID", "NodeID", Type::Text), field("Addr", "Addr", Type::Text)],
};

static SWARM_INFO: Struct = Struct {
    name: "swarm.Info",
    fields: &[
        field("NodeID", "NodeID", Type::Text),
        field("NodeAddr", "NodeAddr", Type::Text),
        field("LocalNodeState", "LocalNodeState", Type::Text),
        field("ControlAvailable", "ControlAvailable", Type::Bool),
        field("Error", "Error", Type::Text),
        field("RemoteManagers", "RemoteManagers", Type::List(&Type::Struct(&SWARM_PEER), "[]swarm.Peer")),
        optional("Nodes", "Nodes", Type::Int),
        optional("Managers", "Managers", Type::Int),
        optional("Cluster", "Cluster", Type::Pointer(&Type::Any)),
        optional("Warnings", "Warnings", Type::List(&Type::Text, "[]string")),
    ],
};

static SYSTEM_COMMIT: Struct = Struct {
    name: "system.Commit",
    fields: &[field("ID", "ID", Type::Text), optional("Expected", "Expected", Type::Text)],
};

static SYSTEM_NETWORK_ADDRESS_POOL: Struct = Struct {
    name: "system.NetworkAddressPool",
    fields: &[field("Base", "Base", Type::Text), field("Size", "Size", Type::Int)],
};

static SYSTEM_FIREWALL_INFO: Struct = Struct {
    name: "system.FirewallInfo",
    fields: &[
        field("Driver", "Driver", Type::Text),
        optional("Info", "Info", Type::List(&Type::List(&Type::Text, "[2]string"), "[]system.[2]string")),
    ],
};

static SYSTEM_DEVICE_INFO: Struct = Struct {
    name: "system.DeviceInfo",
    fields: &[field("Source", "Source", Type::Text), field("ID", "ID", Type::Text)],
};

static SYSTEM_CONTAINERD_NAMESPACES: Struct = Struct {
    name: "system.ContainerdNamespaces",
    fields: &[field("Containers", "Containers", Type::Text), field("Plugins", "Plugins", Type::Text)],
};

static SYSTEM_CONTAINERD_INFO: Struct = Struct {
    name: "system.ContainerdInfo",
    fields: &[
        optional("Address", "Address", Type::Text),
        field("Namespaces", "Namespaces", Type::Struct(&SYSTEM_CONTAINERD_NAMESPACES)),
    ],
};

/// The whole object.
pub(crate) static SYSTEM_INFO: Struct = Struct {
    name: "system.Info",
    fields: &[
        field("ID", "ID", Type::Text),
        field("Containers", "Containers", Type::Int),
        field("ContainersRunning", "ContainersRunning", Type::Int),
        field("ContainersPaused", "ContainersPaused", Type::Int),
        field("ContainersStopped", "ContainersStopped", Type::Int),
        field("Images", "Images", Type::Int),
        field("Driver", "Driver", Type::Text),
        field(
            "DriverStatus",
            "DriverStatus",
            Type::List(&Type::List(&Type::Text, "[2]string"), "[]system.[2]string"),
        ),
        optional(
            "SystemStatus",
            "SystemStatus",
            Type::List(&Type::List(&Type::Text, "[2]string"), "[]system.[2]string"),
        ),
        field("Plugins", "Plugins", Type::Struct(&SYSTEM_PLUGINS_INFO)),
        field("MemoryLimit", "MemoryLimit", Type::Bool),
        field("SwapLimit", "SwapLimit", Type::Bool),
        optional("KernelMemory", "KernelMemory", Type::Bool),
        optional("KernelMemoryTCP", "KernelMemoryTCP", Type::Bool),
        field("CPUCfsPeriod", "CpuCfsPeriod", Type::Bool),
        field("CPUCfsQuota", "CpuCfsQuota", Type::Bool),
        field("CPUShares", "CPUShares", Type::Bool),
        field("CPUSet", "CPUSet", Type::Bool),
        field("PidsLimit", "PidsLimit", Type::Bool),
        field("IPv4Forwarding", "IPv4Forwarding", Type::Bool),
        field("Debug", "Debug", Type::Bool),
        field("NFd", "NFd", Type::Int),
        field("OomKillDisable", "OomKillDisable", Type::Bool),
        field("NGoroutines", "NGoroutines", Type::Int),
        field("SystemTime", "SystemTime", Type::Text),
        field("LoggingDriver", "LoggingDriver", Type::Text),
        field("CgroupDriver", "CgroupDriver", Type::Text),
        optional("CgroupVersion", "CgroupVersion", Type::Text),
        field("NEventsListener", "NEventsListener", Type::Int),
        field("KernelVersion", "KernelVersion", Type::Text),
        field("OperatingSystem", "OperatingSystem", Type::Text),
        field("OSVersion", "OSVersion", Type::Text),
        field("OSType", "OSType", Type::Text),
        field("Architecture", "Architecture", Type::Text),
        field("IndexServerAddress", "IndexServerAddress", Type::Text),
        field("RegistryConfig", "RegistryConfig", Type::Any),
        field("NCPU", "NCPU", Type::Int),
        field("MemTotal", "MemTotal", Type::Int),
        field("GenericResources", "GenericResources", Type::List(&Type::Any, "[]image.ManifestSummary")),
        field("DockerRootDir", "DockerRootDir", Type::Text),
        field("HTTPProxy", "HttpProxy", Type::Text),
        field("HTTPSProxy", "HttpsProxy", Type::Text),
        field("NoProxy", "NoProxy", Type::Text),
        field("Name", "Name", Type::Text),
        field("Labels", "Labels", Type::List(&Type::Text, "[]string")),
        field("ExperimentalBuild", "ExperimentalBuild", Type::Bool),
        field("ServerVersion", "ServerVersion", Type::Text),
        field(
            "Runtimes",
            "Runtimes",
            Type::Map(&Type::Struct(&SYSTEM_RUNTIME_WITH_STATUS), "map[string]system.RuntimeWithStatus"),
        ),
        field("DefaultRuntime", "DefaultRuntime", Type::Text),
        field("Swarm", "Swarm", Type::Struct(&SWARM_INFO)),
        field("LiveRestoreEnabled", "LiveRestoreEnabled", Type::Bool),
        field("Isolation", "Isolation", Type::Text),
        field("InitBinary", "InitBinary", Type::Text),
        field("ContainerdCommit", "ContainerdCommit", Type::Struct(&SYSTEM_COMMIT)),
        field("RuncCommit", "RuncCommit", Type::Struct(&SYSTEM_COMMIT)),
        field("InitCommit", "InitCommit", Type::Struct(&SYSTEM_COMMIT)),
        field("SecurityOptions", "SecurityOptions", Type::List(&Type::Text, "[]string")),
        optional("ProductLicense", "ProductLicense", Type::Text),
        optional(
            "DefaultAddressPools",
            "DefaultAddressPools",
            Type::List(&Type::Struct(&SYSTEM_NETWORK_ADDRESS_POOL), "[]system.NetworkAddressPool"),
        ),
        optional("FirewallBackend", "FirewallBackend", Type::Pointer(&Type::Struct(&SYSTEM_FIREWALL_INFO))),
        field("CDISpecDirs", "CDISpecDirs", Type::List(&Type::Text, "[]string")),
        optional(
            "DiscoveredDevices",
            "DiscoveredDevices",
            Type::List(&Type::Struct(&SYSTEM_DEVICE_INFO), "[]system.DeviceInfo"),
        ),
        optional("Containerd", "Containerd", Type::Pointer(&Type::Struct(&SYSTEM_CONTAINERD_INFO))),
        field("Warnings", "Warnings", Type::List(&Type::Text, "[]string")),
    ],
};
