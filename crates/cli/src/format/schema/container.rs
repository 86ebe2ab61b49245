//! The fields of a container as `inspect` shows them to templates. Names, order and omission are those of Docker's API types.

use super::{Struct, Type, field, optional};

static CONTAINER_HEALTHCHECK_RESULT: Struct = Struct {
    name: "container.HealthcheckResult",
    fields: &[
        field("Start", "Start", Type::Time),
        field("End", "End", Type::Time),
        field("ExitCode", "ExitCode", Type::Int),
        field("Output", "Output", Type::Text),
    ],
};

static CONTAINER_HEALTH: Struct = Struct {
    name: "container.Health",
    fields: &[
        field("Status", "Status", Type::Text),
        field("FailingStreak", "FailingStreak", Type::Int),
        field(
            "Log",
            "Log",
            Type::List(
                &Type::Pointer(&Type::Struct(&CONTAINER_HEALTHCHECK_RESULT)),
                "[]*container.HealthcheckResult",
            ),
        ),
    ],
};

static CONTAINER_STATE: Struct = Struct {
    name: "container.State",
    fields: &[
        field("Status", "Status", Type::Text),
        field("Running", "Running", Type::Bool),
        field("Paused", "Paused", Type::Bool),
        field("Restarting", "Restarting", Type::Bool),
        field("OOMKilled", "OOMKilled", Type::Bool),
        field("Dead", "Dead", Type::Bool),
        field("Pid", "Pid", Type::Int),
        field("ExitCode", "ExitCode", Type::Int),
        field("Error", "Error", Type::Text),
        field("StartedAt", "StartedAt", Type::Text),
        field("FinishedAt", "FinishedAt", Type::Text),
        optional("Health", "Health", Type::Pointer(&Type::Struct(&CONTAINER_HEALTH))),
    ],
};

static CONTAINER_LOG_CONFIG: Struct = Struct {
    name: "container.LogConfig",
    fields: &[
        field("Type", "Type", Type::Text),
        field("Config", "Config", Type::Map(&Type::Text, "map[string]string")),
    ],
};

static NAT_PORT_BINDING: Struct = Struct {
    name: "nat.PortBinding",
    fields: &[field("HostIP", "HostIp", Type::Text), field("HostPort", "HostPort", Type::Text)],
};

static CONTAINER_RESTART_POLICY: Struct = Struct {
    name: "container.RestartPolicy",
    fields: &[field("Name", "Name", Type::Text), field("MaximumRetryCount", "MaximumRetryCount", Type::Int)],
};

static BLKIODEV_WEIGHT_DEVICE: Struct = Struct {
    name: "blkiodev.WeightDevice",
    fields: &[field("Path", "Path", Type::Text), field("Weight", "Weight", Type::Uint)],
};

static BLKIODEV_THROTTLE_DEVICE: Struct = Struct {
    name: "blkiodev.ThrottleDevice",
    fields: &[field("Path", "Path", Type::Text), field("Rate", "Rate", Type::Uint)],
};

static CONTAINER_DEVICE_MAPPING: Struct = Struct {
    name: "container.DeviceMapping",
    fields: &[
        field("PathOnHost", "PathOnHost", Type::Text),
        field("PathInContainer", "PathInContainer", Type::Text),
        field("CgroupPermissions", "CgroupPermissions", Type::Text),
    ],
};

static CONTAINER_DEVICE_REQUEST: Struct = Struct {
    name: "container.DeviceRequest",
    fields: &[
        field("Driver", "Driver", Type::Text),
        field("Count", "Count", Type::Int),
        field("DeviceIDs", "DeviceIDs", Type::List(&Type::Text, "[]string")),
        field("Capabilities", "Capabilities", Type::List(&Type::List(&Type::Text, "[]string"), "[][]string")),
        field("Options", "Options", Type::Map(&Type::Text, "map[string]string")),
    ],
};

static UNITS_ULIMIT: Struct = Struct {
    name: "units.Ulimit",
    fields: &[
        field("Name", "Name", Type::Text),
        field("Hard", "Hard", Type::Int),
        field("Soft", "Soft", Type::Int),
    ],
};

static MOUNT_BIND_OPTIONS: Struct = Struct {
    name: "mount.BindOptions",
    fields: &[
        optional("Propagation", "Propagation", Type::Text),
        optional("NonRecursive", "NonRecursive", Type::Bool),
        optional("CreateMountpoint", "CreateMountpoint", Type::Bool),
        optional("ReadOnlyNonRecursive", "ReadOnlyNonRecursive", Type::Bool),
        optional("ReadOnlyForceRecursive", "ReadOnlyForceRecursive", Type::Bool),
    ],
};

static MOUNT_DRIVER: Struct = Struct {
    name: "mount.Driver",
    fields: &[
        optional("Name", "Name", Type::Text),
        optional("Options", "Options", Type::Map(&Type::Text, "map[string]string")),
    ],
};

static MOUNT_VOLUME_OPTIONS: Struct = Struct {
    name: "mount.VolumeOptions",
    fields: &[
        optional("NoCopy", "NoCopy", Type::Bool),
        optional("Labels", "Labels", Type::Map(&Type::Text, "map[string]string")),
        optional("Subpath", "Subpath", Type::Text),
        optional("DriverConfig", "DriverConfig", Type::Pointer(&Type::Struct(&MOUNT_DRIVER))),
    ],
};

static MOUNT_IMAGE_OPTIONS: Struct =
    Struct { name: "mount.ImageOptions", fields: &[optional("Subpath", "Subpath", Type::Text)] };

static MOUNT_TMPFS_OPTIONS: Struct = Struct {
    name: "mount.TmpfsOptions",
    fields: &[
        optional("SizeBytes", "SizeBytes", Type::Int),
        optional("Mode", "Mode", Type::Uint),
        optional("Options", "Options", Type::List(&Type::List(&Type::Text, "[]string"), "[][]string")),
    ],
};

static MOUNT_MOUNT: Struct = Struct {
    name: "mount.Mount",
    fields: &[
        optional("Type", "Type", Type::Text),
        optional("Source", "Source", Type::Text),
        optional("Target", "Target", Type::Text),
        optional("ReadOnly", "ReadOnly", Type::Bool),
        optional("Consistency", "Consistency", Type::Text),
        optional("BindOptions", "BindOptions", Type::Pointer(&Type::Struct(&MOUNT_BIND_OPTIONS))),
        optional("VolumeOptions", "VolumeOptions", Type::Pointer(&Type::Struct(&MOUNT_VOLUME_OPTIONS))),
        optional("ImageOptions", "ImageOptions", Type::Pointer(&Type::Struct(&MOUNT_IMAGE_OPTIONS))),
        optional("TmpfsOptions", "TmpfsOptions", Type::Pointer(&Type::Struct(&MOUNT_TMPFS_OPTIONS))),
        optional("ClusterOptions", "ClusterOptions", Type::Pointer(&Type::Any)),
    ],
};

static CONTAINER_HOST_CONFIG: Struct = Struct {
    name: "container.HostConfig",
    fields: &[
        field("Binds", "Binds", Type::List(&Type::Text, "[]string")),
        field("ContainerIDFile", "ContainerIDFile", Type::Text),
        field("LogConfig", "LogConfig", Type::Struct(&CONTAINER_LOG_CONFIG)),
        field("NetworkMode", "NetworkMode", Type::Text),
        field(
            "PortBindings",
            "PortBindings",
            Type::Map(&Type::List(&Type::Struct(&NAT_PORT_BINDING), "[]nat.PortBinding"), "nat.PortMap"),
        ),
        field("RestartPolicy", "RestartPolicy", Type::Struct(&CONTAINER_RESTART_POLICY)),
        field("AutoRemove", "AutoRemove", Type::Bool),
        field("VolumeDriver", "VolumeDriver", Type::Text),
        field("VolumesFrom", "VolumesFrom", Type::List(&Type::Text, "[]string")),
        field("ConsoleSize", "ConsoleSize", Type::List(&Type::Uint, "[2]uint")),
        optional("Annotations", "Annotations", Type::Map(&Type::Text, "map[string]string")),
        field("CapAdd", "CapAdd", Type::List(&Type::Text, "strslice.StrSlice")),
        field("CapDrop", "CapDrop", Type::List(&Type::Text, "strslice.StrSlice")),
        field("CgroupnsMode", "CgroupnsMode", Type::Text),
        field("DNS", "Dns", Type::List(&Type::Text, "[]string")),
        field("DNSOptions", "DnsOptions", Type::List(&Type::Text, "[]string")),
        field("DNSSearch", "DnsSearch", Type::List(&Type::Text, "[]string")),
        field("ExtraHosts", "ExtraHosts", Type::List(&Type::Text, "[]string")),
        field("GroupAdd", "GroupAdd", Type::List(&Type::Text, "[]string")),
        field("IpcMode", "IpcMode", Type::Text),
        field("Cgroup", "Cgroup", Type::Text),
        field("Links", "Links", Type::List(&Type::Text, "[]string")),
        field("OomScoreAdj", "OomScoreAdj", Type::Int),
        field("PidMode", "PidMode", Type::Text),
        field("Privileged", "Privileged", Type::Bool),
        field("PublishAllPorts", "PublishAllPorts", Type::Bool),
        field("ReadonlyRootfs", "ReadonlyRootfs", Type::Bool),
        field("SecurityOpt", "SecurityOpt", Type::List(&Type::Text, "[]string")),
        optional("StorageOpt", "StorageOpt", Type::Map(&Type::Text, "map[string]string")),
        optional("Tmpfs", "Tmpfs", Type::Map(&Type::Text, "map[string]string")),
        field("UTSMode", "UTSMode", Type::Text),
        field("UsernsMode", "UsernsMode", Type::Text),
        field("ShmSize", "ShmSize", Type::Int),
        optional("Sysctls", "Sysctls", Type::Map(&Type::Text, "map[string]string")),
        optional("Runtime", "Runtime", Type::Text),
        field("Isolation", "Isolation", Type::Text),
        field("CPUShares", "CpuShares", Type::Int),
        field("Memory", "Memory", Type::Int),
        field("NanoCPUs", "NanoCpus", Type::Int),
        field("CgroupParent", "CgroupParent", Type::Text),
        field("BlkioWeight", "BlkioWeight", Type::Uint),
        field(
            "BlkioWeightDevice",
            "BlkioWeightDevice",
            Type::List(&Type::Pointer(&Type::Struct(&BLKIODEV_WEIGHT_DEVICE)), "[]*blkiodev.WeightDevice"),
        ),
        field(
            "BlkioDeviceReadBps",
            "BlkioDeviceReadBps",
            Type::List(
                &Type::Pointer(&Type::Struct(&BLKIODEV_THROTTLE_DEVICE)),
                "[]*blkiodev.ThrottleDevice",
            ),
        ),
        field(
            "BlkioDeviceWriteBps",
            "BlkioDeviceWriteBps",
            Type::List(
                &Type::Pointer(&Type::Struct(&BLKIODEV_THROTTLE_DEVICE)),
                "[]*blkiodev.ThrottleDevice",
            ),
        ),
        field(
            "BlkioDeviceReadIOps",
            "BlkioDeviceReadIOps",
            Type::List(
                &Type::Pointer(&Type::Struct(&BLKIODEV_THROTTLE_DEVICE)),
                "[]*blkiodev.ThrottleDevice",
            ),
        ),
        field(
            "BlkioDeviceWriteIOps",
            "BlkioDeviceWriteIOps",
            Type::List(
                &Type::Pointer(&Type::Struct(&BLKIODEV_THROTTLE_DEVICE)),
                "[]*blkiodev.ThrottleDevice",
            ),
        ),
        field("CPUPeriod", "CpuPeriod", Type::Int),
        field("CPUQuota", "CpuQuota", Type::Int),
        field("CPURealtimePeriod", "CpuRealtimePeriod", Type::Int),
        field("CPURealtimeRuntime", "CpuRealtimeRuntime", Type::Int),
        field("CpusetCpus", "CpusetCpus", Type::Text),
        field("CpusetMems", "CpusetMems", Type::Text),
        field(
            "Devices",
            "Devices",
            Type::List(&Type::Struct(&CONTAINER_DEVICE_MAPPING), "[]container.DeviceMapping"),
        ),
        field("DeviceCgroupRules", "DeviceCgroupRules", Type::List(&Type::Text, "[]string")),
        field(
            "DeviceRequests",
            "DeviceRequests",
            Type::List(&Type::Struct(&CONTAINER_DEVICE_REQUEST), "[]container.DeviceRequest"),
        ),
        optional("KernelMemory", "KernelMemory", Type::Int),
        optional("KernelMemoryTCP", "KernelMemoryTCP", Type::Int),
        field("MemoryReservation", "MemoryReservation", Type::Int),
        field("MemorySwap", "MemorySwap", Type::Int),
        field("MemorySwappiness", "MemorySwappiness", Type::Pointer(&Type::Int)),
        field("OomKillDisable", "OomKillDisable", Type::Pointer(&Type::Bool)),
        field("PidsLimit", "PidsLimit", Type::Pointer(&Type::Int)),
        field(
            "Ulimits",
            "Ulimits",
            Type::List(&Type::Pointer(&Type::Struct(&UNITS_ULIMIT)), "[]*container.Ulimit"),
        ),
        field("CPUCount", "CpuCount", Type::Int),
        field("CPUPercent", "CpuPercent", Type::Int),
        field("IOMaximumIOps", "IOMaximumIOps", Type::Uint),
        field("IOMaximumBandwidth", "IOMaximumBandwidth", Type::Uint),
        optional("Mounts", "Mounts", Type::List(&Type::Struct(&MOUNT_MOUNT), "[]mount.Mount")),
        field("MaskedPaths", "MaskedPaths", Type::List(&Type::Text, "[]string")),
        field("ReadonlyPaths", "ReadonlyPaths", Type::List(&Type::Text, "[]string")),
        optional("Init", "Init", Type::Pointer(&Type::Bool)),
    ],
};

pub(super) static STORAGE_DRIVER_DATA: Struct = Struct {
    name: "storage.DriverData",
    fields: &[
        field("Data", "Data", Type::Map(&Type::Text, "map[string]string")),
        field("Name", "Name", Type::Text),
    ],
};

static CONTAINER_MOUNT_POINT: Struct = Struct {
    name: "container.MountPoint",
    fields: &[
        optional("Type", "Type", Type::Text),
        optional("Name", "Name", Type::Text),
        field("Source", "Source", Type::Text),
        field("Destination", "Destination", Type::Text),
        optional("Driver", "Driver", Type::Text),
        field("Mode", "Mode", Type::Text),
        field("RW", "RW", Type::Bool),
        field("Propagation", "Propagation", Type::Text),
    ],
};

pub(super) static DOCKERSPEC_HEALTHCHECK_CONFIG: Struct = Struct {
    name: "v1.HealthcheckConfig",
    fields: &[
        optional("Test", "Test", Type::List(&Type::Text, "[]string")),
        optional("Interval", "Interval", Type::Duration),
        optional("Timeout", "Timeout", Type::Duration),
        optional("StartPeriod", "StartPeriod", Type::Duration),
        optional("StartInterval", "StartInterval", Type::Duration),
        optional("Retries", "Retries", Type::Int),
    ],
};

pub(super) static CONTAINER_CONFIG: Struct = Struct {
    name: "container.Config",
    fields: &[
        field("Hostname", "Hostname", Type::Text),
        field("Domainname", "Domainname", Type::Text),
        field("User", "User", Type::Text),
        field("AttachStdin", "AttachStdin", Type::Bool),
        field("AttachStdout", "AttachStdout", Type::Bool),
        field("AttachStderr", "AttachStderr", Type::Bool),
        optional("ExposedPorts", "ExposedPorts", Type::Map(&Type::Empty, "nat.PortSet")),
        field("Tty", "Tty", Type::Bool),
        field("OpenStdin", "OpenStdin", Type::Bool),
        field("StdinOnce", "StdinOnce", Type::Bool),
        field("Env", "Env", Type::List(&Type::Text, "[]string")),
        field("Cmd", "Cmd", Type::List(&Type::Text, "strslice.StrSlice")),
        optional("Healthcheck", "Healthcheck", Type::Pointer(&Type::Struct(&DOCKERSPEC_HEALTHCHECK_CONFIG))),
        optional("ArgsEscaped", "ArgsEscaped", Type::Bool),
        field("Image", "Image", Type::Text),
        field("Volumes", "Volumes", Type::Map(&Type::Empty, "map[string]struct {}")),
        field("WorkingDir", "WorkingDir", Type::Text),
        field("Entrypoint", "Entrypoint", Type::List(&Type::Text, "strslice.StrSlice")),
        optional("NetworkDisabled", "NetworkDisabled", Type::Bool),
        optional("MacAddress", "MacAddress", Type::Text),
        field("OnBuild", "OnBuild", Type::List(&Type::Text, "[]string")),
        field("Labels", "Labels", Type::Map(&Type::Text, "map[string]string")),
        optional("StopSignal", "StopSignal", Type::Text),
        optional("StopTimeout", "StopTimeout", Type::Pointer(&Type::Int)),
        optional("Shell", "Shell", Type::List(&Type::Text, "strslice.StrSlice")),
    ],
};

static NETWORK_ADDRESS: Struct = Struct {
    name: "network.Address",
    fields: &[field("Addr", "Addr", Type::Text), field("PrefixLen", "PrefixLen", Type::Int)],
};

static NETWORK_ENDPOINT_IPAMCONFIG: Struct = Struct {
    name: "network.EndpointIPAMConfig",
    fields: &[
        optional("IPv4Address", "IPv4Address", Type::Text),
        optional("IPv6Address", "IPv6Address", Type::Text),
        optional("LinkLocalIPs", "LinkLocalIPs", Type::List(&Type::Text, "[]string")),
    ],
};

static NETWORK_ENDPOINT_SETTINGS: Struct = Struct {
    name: "network.EndpointSettings",
    fields: &[
        field("IPAMConfig", "IPAMConfig", Type::Pointer(&Type::Struct(&NETWORK_ENDPOINT_IPAMCONFIG))),
        field("Links", "Links", Type::List(&Type::Text, "[]string")),
        field("Aliases", "Aliases", Type::List(&Type::Text, "[]string")),
        field("MacAddress", "MacAddress", Type::Text),
        field("DriverOpts", "DriverOpts", Type::Map(&Type::Text, "map[string]string")),
        field("GwPriority", "GwPriority", Type::Int),
        field("NetworkID", "NetworkID", Type::Text),
        field("EndpointID", "EndpointID", Type::Text),
        field("Gateway", "Gateway", Type::Text),
        field("IPAddress", "IPAddress", Type::Text),
        field("IPPrefixLen", "IPPrefixLen", Type::Int),
        field("IPv6Gateway", "IPv6Gateway", Type::Text),
        field("GlobalIPv6Address", "GlobalIPv6Address", Type::Text),
        field("GlobalIPv6PrefixLen", "GlobalIPv6PrefixLen", Type::Int),
        field("DNSNames", "DNSNames", Type::List(&Type::Text, "[]string")),
    ],
};

static CONTAINER_NETWORK_SETTINGS: Struct = Struct {
    name: "container.NetworkSettings",
    fields: &[
        field("Bridge", "Bridge", Type::Text),
        field("SandboxID", "SandboxID", Type::Text),
        field("SandboxKey", "SandboxKey", Type::Text),
        field(
            "Ports",
            "Ports",
            Type::Map(&Type::List(&Type::Struct(&NAT_PORT_BINDING), "[]nat.PortBinding"), "nat.PortMap"),
        ),
        field("HairpinMode", "HairpinMode", Type::Bool),
        field("LinkLocalIPv6Address", "LinkLocalIPv6Address", Type::Text),
        field("LinkLocalIPv6PrefixLen", "LinkLocalIPv6PrefixLen", Type::Int),
        field(
            "SecondaryIPAddresses",
            "SecondaryIPAddresses",
            Type::List(&Type::Struct(&NETWORK_ADDRESS), "[]network.Address"),
        ),
        field(
            "SecondaryIPv6Addresses",
            "SecondaryIPv6Addresses",
            Type::List(&Type::Struct(&NETWORK_ADDRESS), "[]network.Address"),
        ),
        field("EndpointID", "EndpointID", Type::Text),
        field("Gateway", "Gateway", Type::Text),
        field("GlobalIPv6Address", "GlobalIPv6Address", Type::Text),
        field("GlobalIPv6PrefixLen", "GlobalIPv6PrefixLen", Type::Int),
        field("IPAddress", "IPAddress", Type::Text),
        field("IPPrefixLen", "IPPrefixLen", Type::Int),
        field("IPv6Gateway", "IPv6Gateway", Type::Text),
        field("MacAddress", "MacAddress", Type::Text),
        field(
            "Networks",
            "Networks",
            Type::Map(
                &Type::Pointer(&Type::Struct(&NETWORK_ENDPOINT_SETTINGS)),
                "map[string]*network.EndpointSettings",
            ),
        ),
    ],
};

pub(super) static OCISPEC_PLATFORM: Struct = Struct {
    name: "v1.Platform",
    fields: &[
        field("Architecture", "architecture", Type::Text),
        field("OS", "os", Type::Text),
        optional("OSVersion", "os.version", Type::Text),
        optional("OSFeatures", "os.features", Type::List(&Type::Text, "[]string")),
        optional("Variant", "variant", Type::Text),
    ],
};

pub(super) static OCISPEC_DESCRIPTOR: Struct = Struct {
    name: "v1.Descriptor",
    fields: &[
        field("MediaType", "mediaType", Type::Text),
        field("Digest", "digest", Type::Text),
        field("Size", "size", Type::Int),
        optional("URLs", "urls", Type::List(&Type::Text, "[]string")),
        optional("Annotations", "annotations", Type::Map(&Type::Text, "map[string]string")),
        optional("Data", "data", Type::List(&Type::Uint, "[]byte")),
        optional("Platform", "platform", Type::Pointer(&Type::Struct(&OCISPEC_PLATFORM))),
        optional("ArtifactType", "artifactType", Type::Text),
    ],
};

/// The whole object.
pub(crate) static CONTAINER_INSPECT_RESPONSE: Struct = Struct {
    name: "container.InspectResponse",
    fields: &[
        field("ID", "Id", Type::Text),
        field("Created", "Created", Type::Text),
        field("Path", "Path", Type::Text),
        field("Args", "Args", Type::List(&Type::Text, "[]string")),
        field("State", "State", Type::Pointer(&Type::Struct(&CONTAINER_STATE))),
        field("Image", "Image", Type::Text),
        field("ResolvConfPath", "ResolvConfPath", Type::Text),
        field("HostnamePath", "HostnamePath", Type::Text),
        field("HostsPath", "HostsPath", Type::Text),
        field("LogPath", "LogPath", Type::Text),
        field("Name", "Name", Type::Text),
        field("RestartCount", "RestartCount", Type::Int),
        field("Driver", "Driver", Type::Text),
        field("Platform", "Platform", Type::Text),
        field("MountLabel", "MountLabel", Type::Text),
        field("ProcessLabel", "ProcessLabel", Type::Text),
        field("AppArmorProfile", "AppArmorProfile", Type::Text),
        field("ExecIDs", "ExecIDs", Type::List(&Type::Text, "[]string")),
        field("HostConfig", "HostConfig", Type::Pointer(&Type::Struct(&CONTAINER_HOST_CONFIG))),
        field("GraphDriver", "GraphDriver", Type::Struct(&STORAGE_DRIVER_DATA)),
        optional("SizeRw", "SizeRw", Type::Pointer(&Type::Int)),
        optional("SizeRootFs", "SizeRootFs", Type::Pointer(&Type::Int)),
        field(
            "Mounts",
            "Mounts",
            Type::List(&Type::Struct(&CONTAINER_MOUNT_POINT), "[]container.MountPoint"),
        ),
        field("Config", "Config", Type::Pointer(&Type::Struct(&CONTAINER_CONFIG))),
        field(
            "NetworkSettings",
            "NetworkSettings",
            Type::Pointer(&Type::Struct(&CONTAINER_NETWORK_SETTINGS)),
        ),
        optional(
            "ImageManifestDescriptor",
            "ImageManifestDescriptor",
            Type::Pointer(&Type::Struct(&OCISPEC_DESCRIPTOR)),
        ),
    ],
};
