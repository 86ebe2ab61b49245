//! Every field of API 1.51, as its published specification lists them.

/// Group and names.
pub(super) const ALL: [(&str, &str); 4] = [
    (
        "Config",
        "Hostname Domainname User AttachStdin AttachStdout AttachStderr ExposedPorts Tty OpenStdin StdinOnce Env Cmd \
         Healthcheck ArgsEscaped Image Volumes WorkingDir Entrypoint NetworkDisabled MacAddress OnBuild Labels \
         StopSignal StopTimeout Shell",
    ),
    (
        "HostConfig",
        "CpuShares Memory CgroupParent BlkioWeight BlkioWeightDevice BlkioDeviceReadBps BlkioDeviceWriteBps \
         BlkioDeviceReadIOps BlkioDeviceWriteIOps CpuPeriod CpuQuota CpuRealtimePeriod CpuRealtimeRuntime CpusetCpus \
         CpusetMems Devices DeviceCgroupRules DeviceRequests KernelMemoryTCP MemoryReservation MemorySwap \
         MemorySwappiness NanoCpus OomKillDisable Init PidsLimit Ulimits CpuCount CpuPercent IOMaximumIOps \
         IOMaximumBandwidth Binds ContainerIDFile LogConfig NetworkMode PortBindings RestartPolicy AutoRemove \
         VolumeDriver VolumesFrom Mounts ConsoleSize Annotations CapAdd CapDrop CgroupnsMode Dns DnsOptions DnsSearch \
         ExtraHosts GroupAdd IpcMode Cgroup Links OomScoreAdj PidMode Privileged PublishAllPorts ReadonlyRootfs \
         SecurityOpt StorageOpt Tmpfs UTSMode UsernsMode ShmSize Sysctls Runtime Isolation MaskedPaths ReadonlyPaths",
    ),
    (
        "Endpoint",
        "IPAMConfig Links MacAddress Aliases DriverOpts GwPriority NetworkID EndpointID Gateway IPAddress IPPrefixLen \
         IPv6Gateway GlobalIPv6Address GlobalIPv6PrefixLen DNSNames",
    ),
    (
        "HostConfig.Mounts",
        "Target Source Type ReadOnly Consistency BindOptions.Propagation BindOptions.NonRecursive \
         BindOptions.CreateMountpoint BindOptions.ReadOnlyNonRecursive BindOptions.ReadOnlyForceRecursive \
         VolumeOptions.NoCopy VolumeOptions.Labels VolumeOptions.DriverConfig VolumeOptions.Subpath \
         ImageOptions.Subpath TmpfsOptions.SizeBytes TmpfsOptions.Mode TmpfsOptions.Options",
    ),
];
