//! Fields that limit: memory, processor, block devices, processes. Scripts read the container's own control
//! group, of version 1 or of version 2; the expected texts are separated by `|`.

use sampan_tests::Host;
use serde_json::{Value, json};

use super::{Looks, Prints, PrintsOrRefuses, Refused, Row, row, stricter};

const MIB: u64 = 1 << 20;

fn host(value: Value) -> Value {
    json!({"HostConfig": value})
}

pub(super) fn rows() -> Vec<Row> {
    [memory(), processor(), block(), others()].into_iter().flatten().collect()
}

fn memory() -> Vec<Row> {
    let kernel_tcp = "cat /sys/fs/cgroup/memory/memory.kmem.tcp.limit_in_bytes";
    let limit = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null";
    let soft = "cat /sys/fs/cgroup/memory/memory.soft_limit_in_bytes /sys/fs/cgroup/memory.low 2>/dev/null";
    let swap =
        "cat /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes /sys/fs/cgroup/memory.swap.max 2>/dev/null";
    vec![
        row("HostConfig.Memory", host(json!({"Memory": 64 * MIB})), Prints(limit, "67108864")),
        row("HostConfig.Memory", host(json!({"Memory": 1024})), Refused("Minimum memory limit")),
        row(
            "HostConfig.MemoryReservation",
            host(json!({"MemoryReservation": 32 * MIB})),
            Prints(soft, "33554432"),
        ),
        row(
            "HostConfig.MemorySwap",
            host(json!({"Memory": 64 * MIB, "MemorySwap": 96 * MIB})),
            PrintsOrRefuses(swap, "100663296|33554432"),
        ),
        row(
            "HostConfig.MemorySwap",
            host(json!({"MemorySwap": 96 * MIB})),
            Refused("memory limit|Memoryswap|MemorySwap"),
        ),
        row(
            "HostConfig.MemorySwappiness",
            host(json!({"MemorySwappiness": 10})),
            PrintsOrRefuses("cat /sys/fs/cgroup/memory/memory.swappiness", "10\n"),
        ),
        row("HostConfig.MemorySwappiness", host(json!({"MemorySwappiness": 1000})), Refused("wappiness")),
        row(
            "HostConfig.OomKillDisable",
            host(json!({"OomKillDisable": true, "Memory": 64 * MIB})),
            PrintsOrRefuses("cat /sys/fs/cgroup/memory/memory.oom_control", "oom_kill_disable 1"),
        ),
        stricter(
            "HostConfig.KernelMemoryTCP",
            host(json!({"KernelMemoryTCP": 8 * MIB})),
            PrintsOrRefuses(kernel_tcp, "8388608"),
        ),
    ]
}

fn processor() -> Vec<Row> {
    let quota = "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us 2>/dev/null || cat /sys/fs/cgroup/cpu.max";
    let shares = "cat /sys/fs/cgroup/cpu/cpu.shares /sys/fs/cgroup/cpu.weight 2>/dev/null";
    let realtime = "cat /sys/fs/cgroup/cpu/cpu.rt_runtime_us /sys/fs/cgroup/cpu/cpu.rt_period_us";
    vec![
        row("HostConfig.CpuShares", host(json!({"CpuShares": 512})), Prints(shares, "512\n|20\n|59\n")),
        row(
            "HostConfig.NanoCpus",
            host(json!({"NanoCpus": 500_000_000})),
            Prints(quota, "50000\n100000|50000 100000"),
        ),
        row("HostConfig.NanoCpus", host(json!({"NanoCpus": 999_000_000_000_i64})), Refused("CPUs")),
        row(
            "HostConfig.CpuPeriod",
            host(json!({"CpuPeriod": 50_000, "CpuQuota": 20_000})),
            Prints(quota, "20000\n50000|20000 50000"),
        ),
        row(
            "HostConfig.CpuQuota",
            host(json!({"CpuQuota": 20_000})),
            Prints(quota, "20000\n100000|20000 100000"),
        ),
        row("HostConfig.CpuQuota", host(json!({"CpuQuota": 20})), Refused("CPU cfs quota|CpuQuota")),
        row(
            "HostConfig.CpuRealtimePeriod",
            host(json!({"CpuRealtimePeriod": 1_000_000})),
            PrintsOrRefuses(realtime, "1000000"),
        ),
        stricter(
            "HostConfig.CpuRealtimeRuntime",
            host(json!({"CpuRealtimeRuntime": 1000})),
            PrintsOrRefuses(realtime, "1000\n"),
        ),
        row(
            "HostConfig.CpusetCpus",
            host(json!({"CpusetCpus": "0"})),
            Prints("grep Cpus_allowed_list /proc/self/status", "\t0\n"),
        ),
        row("HostConfig.CpusetCpus", host(json!({"CpusetCpus": "4000"})), Refused("CPUs|cpuset")),
        row(
            "HostConfig.CpusetMems",
            host(json!({"CpusetMems": "0"})),
            Prints("grep Mems_allowed_list /proc/self/status", "\t0\n"),
        ),
        stricter("HostConfig.CpuCount", host(json!({"CpuCount": 1})), Refused("CpuCount")),
        stricter("HostConfig.CpuPercent", host(json!({"CpuPercent": 50})), Refused("CpuPercent")),
        stricter("HostConfig.IOMaximumIOps", host(json!({"IOMaximumIOps": 50})), Refused("IOMaximumIOps")),
        stricter(
            "HostConfig.IOMaximumBandwidth",
            host(json!({"IOMaximumBandwidth": 50})),
            Refused("IOMaximumBandwidth"),
        ),
    ]
}

fn block() -> Vec<Row> {
    let throttle = json!([{"Path": "@disk", "Rate": 1_048_576}]);
    let script = |kind: &str| -> &'static str {
        match kind {
            "read_bps" => {
                "cat /sys/fs/cgroup/blkio/blkio.throttle.read_bps_device /sys/fs/cgroup/io.max 2>/dev/null"
            }
            "write_bps" => {
                "cat /sys/fs/cgroup/blkio/blkio.throttle.write_bps_device /sys/fs/cgroup/io.max 2>/dev/null"
            }
            "read_iops" => {
                "cat /sys/fs/cgroup/blkio/blkio.throttle.read_iops_device /sys/fs/cgroup/io.max 2>/dev/null"
            }
            _ => {
                "cat /sys/fs/cgroup/blkio/blkio.throttle.write_iops_device /sys/fs/cgroup/io.max 2>/dev/null"
            }
        }
    };
    let weight = "cat /sys/fs/cgroup/blkio/blkio.bfq.weight /sys/fs/cgroup/blkio/blkio.weight /sys/fs/cgroup/io.bfq.weight /sys/fs/cgroup/io.weight 2>/dev/null";
    let devices = "cat /sys/fs/cgroup/blkio/blkio.bfq.weight_device /sys/fs/cgroup/blkio/blkio.weight_device /sys/fs/cgroup/io.bfq.weight 2>/dev/null";
    vec![
        row("HostConfig.BlkioWeight", host(json!({"BlkioWeight": 500})), PrintsOrRefuses(weight, "500")),
        stricter(
            "HostConfig.BlkioWeight",
            host(json!({"BlkioWeight": 5})),
            Refused("blkio weight|BlkioWeight"),
        ),
        row(
            "HostConfig.BlkioWeightDevice",
            host(json!({"BlkioWeightDevice": [{"Path": "@disk", "Weight": 400}]})),
            PrintsOrRefuses(devices, " 400"),
        ),
        row(
            "HostConfig.BlkioDeviceReadBps",
            host(json!({"BlkioDeviceReadBps": throttle})),
            PrintsOrRefuses(script("read_bps"), " 1048576|rbps=1048576"),
        ),
        row(
            "HostConfig.BlkioDeviceWriteBps",
            host(json!({"BlkioDeviceWriteBps": throttle})),
            PrintsOrRefuses(script("write_bps"), " 1048576|wbps=1048576"),
        ),
        row(
            "HostConfig.BlkioDeviceReadIOps",
            host(json!({"BlkioDeviceReadIOps": throttle})),
            PrintsOrRefuses(script("read_iops"), " 1048576|riops=1048576"),
        ),
        row(
            "HostConfig.BlkioDeviceWriteIOps",
            host(json!({"BlkioDeviceWriteIOps": throttle})),
            PrintsOrRefuses(script(""), " 1048576|wiops=1048576"),
        ),
    ]
}

fn others() -> Vec<Row> {
    let pids = "cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null";
    let rules = host(json!({"DeviceCgroupRules": ["c 42:7 rw"]}));
    let gpu = json!({"DeviceRequests": [{"Driver": "", "Count": -1, "Capabilities": [["gpu"]], "Options": {}, "DeviceIDs": null}]});
    let device = json!({"Devices": [{"PathOnHost": "/dev/zero", "PathInContainer": "/dev/mine", "CgroupPermissions": "r"}]});
    vec![
        row("HostConfig.PidsLimit", host(json!({"PidsLimit": 77})), Prints(pids, "77\n")),
        row("HostConfig.PidsLimit", host(json!({"PidsLimit": -1})), Prints(pids, "max\n")),
        row(
            "HostConfig.Ulimits",
            host(json!({"Ulimits": [{"Name": "nofile", "Soft": 77, "Hard": 99}]})),
            Prints("ulimit -Sn; ulimit -Hn", "77\n99\n"),
        ),
        row(
            "HostConfig.Ulimits",
            host(json!({"Ulimits": [{"Name": "nonsense", "Soft": 1, "Hard": 1}]})),
            Refused("nonsense|NONSENSE"),
        ),
        row(
            "HostConfig.Devices",
            host(device),
            Prints("head -c 3 /dev/mine | wc -c; echo x >/dev/mine || echo no", "3\n"),
        ),
        row(
            "HostConfig.Devices",
            host(json!({"Devices": [{"PathOnHost": "/dev/none", "PathInContainer": "/dev/none"}]})),
            Refused("/dev/none"),
        ),
        // A node may be made anyway; the rule decides whether it may be opened.
        row(
            "HostConfig.DeviceCgroupRules",
            rules,
            Prints("mknod /tmp/n c 42 7; cat /tmp/n", "No such device"),
        ),
        row(
            "HostConfig.DeviceCgroupRules",
            host(json!({"DeviceCgroupRules": ["nonsense"]})),
            Refused("nonsense"),
        ),
        row("HostConfig.DeviceRequests", host(gpu), Refused("device driver|DeviceRequests")),
        row("HostConfig.CgroupParent", host(json!({"CgroupParent": "/sampan-test-parent"})), Looks(parent)),
    ]
}

fn parent(host: &Host, name: &str) -> Result<(), String> {
    let pid = host.docker(&["inspect", "-f", "{{.State.Pid}}", name]).ok().to_owned();
    let groups = host.run(&["cat", &format!("/proc/{pid}/cgroup")]);
    let found = groups.ok().contains("/sampan-test-parent/");
    host.docker(&["rm", "-f", name]).ok();
    // Nobody else removes a parent that a user named.
    host.shell("find /sys/fs/cgroup -depth -type d -path '*/sampan-test-parent*' -exec rmdir {} + 2>/dev/null || true", &[]);
    if found { Ok(()) } else { Err(format!("is in {groups}")) }
}
