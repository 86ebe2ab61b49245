//! Fields that say how the container meets the host: mounts, namespaces, names, capabilities, policies.

use sampan_tests::{Host, until};
use serde_json::{Value, json};

use super::process::becomes;
use super::{Looks, Prints, PrintsOrRefuses, Refused, Row, Shows, row, stricter};

fn host(value: Value) -> Value {
    json!({"HostConfig": value})
}

pub(super) fn rows() -> Vec<Row> {
    [files(), binds(), volumes(), namespaces(), names(), security(), life()].into_iter().flatten().collect()
}

fn files() -> Vec<Row> {
    let volume_driver = json!({"VolumeDriver": "local", "Binds": ["by-driver:/v"]});
    vec![
        row(
            "HostConfig.Binds",
            host(json!({"Binds": ["@shared:/in:ro"]})),
            Prints("cat /in/file; touch /in/x", "from the host"),
        ),
        row(
            "HostConfig.Binds",
            host(json!({"Binds": ["@shared:/in:ro"]})),
            Prints("touch /in/x", "Read-only file system"),
        ),
        row("HostConfig.Binds", host(json!({"Binds": ["@shared:/in:nonsense"]})), Refused("nonsense|mode")),
        row("HostConfig.VolumeDriver", host(volume_driver), Prints("grep ' /v ' /proc/mounts", "/v")),
        row(
            "HostConfig.VolumeDriver",
            host(json!({"VolumeDriver": "nowhere", "Binds": ["elsewhere:/v"]})),
            Refused("nowhere"),
        ),
        row(
            "HostConfig.VolumesFrom",
            host(json!({"VolumesFrom": ["donor:ro"]})),
            Prints("cat /donated/file", "gift"),
        ),
        row("HostConfig.VolumesFrom", host(json!({"VolumesFrom": ["nobody"]})), Refused("nobody")),
        row(
            "HostConfig.Tmpfs",
            host(json!({"Tmpfs": {"/t": "size=1m,noexec"}})),
            Prints("grep ' /t ' /proc/mounts", "size=1024k"),
        ),
        row(
            "HostConfig.ShmSize",
            host(json!({"ShmSize": 3 << 20})),
            Prints("df -k /dev/shm | tail -1 | awk '{print $2}'", "3072"),
        ),
        row(
            "HostConfig.ReadonlyRootfs",
            host(json!({"ReadonlyRootfs": true})),
            Prints("touch /x", "Read-only file system"),
        ),
        row(
            "HostConfig.StorageOpt",
            host(json!({"StorageOpt": {"size": "10M"}})),
            PrintsOrRefuses("head -c 20000000 /dev/zero >/big", "No space left|quota exceeded"),
        ),
        row(
            "HostConfig.StorageOpt",
            host(json!({"StorageOpt": {"nonsense": "1"}})),
            Refused("nonsense|storage"),
        ),
    ]
}

fn binds() -> Vec<Row> {
    let bind = |more: Value| {
        let mut mount = json!({"Type": "bind", "Source": "@shared", "Target": "/in"});
        super::merge(&mut mount, &more);
        host(json!({"Mounts": [mount]}))
    };
    vec![
        row("HostConfig.Mounts.Target", bind(json!({})), Prints("cat /in/file", "from the host")),
        row("HostConfig.Mounts.Target", bind(json!({"Target": "relative"})), Refused("absolute")),
        row(
            "HostConfig.Mounts.Source",
            bind(json!({"Source": "@shared/none"})),
            Refused("bind source path does not exist"),
        ),
        row("HostConfig.Mounts.Type", bind(json!({"Type": "nonsense"})), Refused("nonsense|mount type")),
        row(
            "HostConfig.Mounts.ReadOnly",
            bind(json!({"ReadOnly": true})),
            Prints("touch /in/x", "Read-only file system"),
        ),
        row(
            "HostConfig.Mounts.Consistency",
            bind(json!({"Consistency": "cached"})),
            Prints("cat /in/file", "from the host"),
        ),
        row(
            "HostConfig.Mounts.BindOptions.Propagation",
            bind(json!({"BindOptions": {"Propagation": "rslave"}})),
            Prints("grep ' /in ' /proc/self/mountinfo", "master:"),
        ),
        row(
            "HostConfig.Mounts.BindOptions.NonRecursive",
            bind(json!({"BindOptions": {"NonRecursive": true}})),
            Prints("cat /in/file", "from the host"),
        ),
        row(
            "HostConfig.Mounts.BindOptions.CreateMountpoint",
            bind(json!({"Source": "@shared/made", "BindOptions": {"CreateMountpoint": true}})),
            Prints("ls -d /in && echo there", "there"),
        ),
        row(
            "HostConfig.Mounts.BindOptions.ReadOnlyNonRecursive",
            bind(json!({"ReadOnly": true, "BindOptions": {"ReadOnlyNonRecursive": true}})),
            Prints("touch /in/x", "Read-only file system"),
        ),
        row(
            "HostConfig.Mounts.BindOptions.ReadOnlyForceRecursive",
            bind(
                json!({"ReadOnly": true, "BindOptions": {"ReadOnlyForceRecursive": true, "Propagation": "rprivate"}}),
            ),
            Prints("touch /in/x", "Read-only file system"),
        ),
    ]
}

fn volumes() -> Vec<Row> {
    let volume = |more: Value| {
        let mut mount = json!({"Type": "volume", "Source": "of-mount", "Target": "/www"});
        super::merge(&mut mount, &more);
        host(json!({"Mounts": [mount]}))
    };
    let memory =
        |more: Value| host(json!({"Mounts": [{"Type": "tmpfs", "Target": "/t", "TmpfsOptions": more}]}));
    let image = json!({"Mounts": [{"Type": "image", "Source": "busybox", "Target": "/img", "ImageOptions": {"Subpath": "www"}}]});
    vec![
        row(
            "HostConfig.Mounts.VolumeOptions.NoCopy",
            volume(json!({"Source": "not-copied", "VolumeOptions": {"NoCopy": true}})),
            Prints("ls /www | wc -l", "0\n"),
        ),
        row(
            "HostConfig.Mounts.VolumeOptions.Labels",
            volume(json!({"Source": "labelled", "VolumeOptions": {"Labels": {"a": "b"}}})),
            Looks(labelled),
        ),
        row(
            "HostConfig.Mounts.VolumeOptions.DriverConfig",
            volume(
                json!({"Source": "in-memory", "VolumeOptions": {"DriverConfig": {"Name": "local", "Options": {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}}}}),
            ),
            PrintsOrRefuses("grep ' /www ' /proc/mounts", "tmpfs /www tmpfs"),
        ),
        row(
            "HostConfig.Mounts.VolumeOptions.Subpath",
            volume(json!({"Source": "no-subpath", "VolumeOptions": {"Subpath": "none"}})),
            Refused("none"),
        ),
        row(
            "HostConfig.Mounts.ImageOptions.Subpath",
            host(image),
            PrintsOrRefuses("cat /img/index.html; touch /img/x", "it works"),
        ),
        row(
            "HostConfig.Mounts.TmpfsOptions.SizeBytes",
            memory(json!({"SizeBytes": 1 << 20})),
            Prints("grep ' /t ' /proc/mounts", "size=1024k"),
        ),
        row(
            "HostConfig.Mounts.TmpfsOptions.Mode",
            memory(json!({"Mode": 0o700})),
            Prints("stat -c %a /t", "700"),
        ),
        row(
            "HostConfig.Mounts.TmpfsOptions.Options",
            memory(json!({"Options": [["noexec"]]})),
            Prints("grep ' /t ' /proc/mounts", "noexec"),
        ),
    ]
}

fn namespaces() -> Vec<Row> {
    vec![
        row(
            "HostConfig.NetworkMode",
            host(json!({"NetworkMode": "none"})),
            Prints("ip -o link | wc -l", "1\n"),
        ),
        row("HostConfig.NetworkMode", host(json!({"NetworkMode": "host"})), Prints("ip -o link", "uplink0")),
        row(
            "HostConfig.NetworkMode",
            host(json!({"NetworkMode": "container:donor"})),
            Prints("ip -o link", "eth0"),
        ),
        row("HostConfig.NetworkMode", host(json!({"NetworkMode": "default"})), Prints("ip -o link", "eth0")),
        row(
            "HostConfig.NetworkMode",
            host(json!({"NetworkMode": "nowhere"})),
            Refused("network nowhere not found"),
        ),
        row(
            "HostConfig.IpcMode",
            host(json!({"IpcMode": "none"})),
            Prints("grep -c /dev/shm /proc/mounts", "0\n"),
        ),
        row(
            "HostConfig.IpcMode",
            host(json!({"IpcMode": "host"})),
            Looks(|host, name| shares(host, name, "ipc")),
        ),
        row("HostConfig.IpcMode", host(json!({"IpcMode": "nonsense"})), Refused("IPC mode|IpcMode")),
        row(
            "HostConfig.PidMode",
            host(json!({"PidMode": "host"})),
            Looks(|host, name| shares(host, name, "pid")),
        ),
        row("HostConfig.PidMode", host(json!({"PidMode": "container:donor"})), Prints("ps", "sleep 1000")),
        row(
            "HostConfig.UTSMode",
            host(json!({"UTSMode": "host"})),
            Looks(|host, name| shares(host, name, "uts")),
        ),
        row("HostConfig.UTSMode", host(json!({"UTSMode": "nonsense"})), Refused("UTS mode|UTSMode")),
        row(
            "HostConfig.UsernsMode",
            host(json!({"UsernsMode": "host"})),
            Looks(|host, name| shares(host, name, "user")),
        ),
        stricter("HostConfig.UsernsMode", host(json!({"UsernsMode": "nonsense"})), Refused("user|User")),
        row(
            "HostConfig.CgroupnsMode",
            host(json!({"CgroupnsMode": "private"})),
            Prints("cut -d: -f3 /proc/self/cgroup | sort -u | head -1", "/\n"),
        ),
        row(
            "HostConfig.CgroupnsMode",
            host(json!({"CgroupnsMode": "host"})),
            Looks(|host, name| shares(host, name, "cgroup")),
        ),
        stricter("HostConfig.Cgroup", host(json!({"Cgroup": "nonsense"})), Refused("Cgroup|cgroup")),
        row("HostConfig.Isolation", host(json!({"Isolation": "hyperv"})), Refused("solation")),
        row("HostConfig.Runtime", host(json!({"Runtime": "nonsense"})), Refused("nonsense")),
    ]
}

fn names() -> Vec<Row> {
    let published = json!({"ExposedPorts": {"80/tcp": {}}, "HostConfig": {"PublishAllPorts": true}});
    let mut bound = host(json!({"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8099"}]}}));
    super::merge(&mut bound, &json!({"ExposedPorts": {"80/tcp": {}}}));
    vec![
        row(
            "HostConfig.Dns",
            host(json!({"Dns": ["192.0.2.53"]})),
            Prints("cat /etc/resolv.conf", "nameserver 192.0.2.53"),
        ),
        row(
            "HostConfig.DnsOptions",
            host(json!({"DnsOptions": ["ndots:3"]})),
            Prints("cat /etc/resolv.conf", "options ndots:3"),
        ),
        row(
            "HostConfig.DnsSearch",
            host(json!({"DnsSearch": ["example.test"]})),
            Prints("cat /etc/resolv.conf", "search example.test"),
        ),
        row(
            "HostConfig.ExtraHosts",
            host(json!({"ExtraHosts": ["peer:10.1.2.3"]})),
            Prints("cat /etc/hosts", "10.1.2.3\tpeer"),
        ),
        row(
            "HostConfig.ExtraHosts",
            host(json!({"ExtraHosts": ["up:host-gateway"]})),
            Prints("grep up /etc/hosts", "172.|10.|192."),
        ),
        row(
            "HostConfig.Links",
            host(json!({"Links": ["donor:friend"]})),
            PrintsOrRefuses("cat /etc/hosts", "friend"),
        ),
        row(
            "HostConfig.PortBindings",
            bound,
            Shows(
                "{{json .NetworkSettings.Ports}}",
                r#"{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"8099"}]}"#,
            ),
        ),
        row("HostConfig.PublishAllPorts", published, Looks(published_at_random)),
        row(
            "HostConfig.Annotations",
            host(json!({"Annotations": {"a": "b"}})),
            Shows("{{json .HostConfig.Annotations}}", r#"{"a":"b"}"#),
        ),
        row(
            "HostConfig.ContainerIDFile",
            host(json!({"ContainerIDFile": "/x"})),
            Shows("{{.HostConfig.ContainerIDFile}}", "/x"),
        ),
    ]
}

fn security() -> Vec<Row> {
    let capabilities = "grep CapEff /proc/self/status";
    let sysctls = json!({"Sysctls": {"net.core.somaxconn": "777"}});
    vec![
        row(
            "HostConfig.CapAdd",
            host(json!({"CapAdd": ["NET_ADMIN"]})),
            Prints(capabilities, "00000000a80435fb"),
        ),
        row("HostConfig.CapAdd", host(json!({"CapAdd": ["nonsense"]})), Refused("nonsense|NONSENSE")),
        row(
            "HostConfig.CapDrop",
            host(json!({"CapDrop": ["ALL"]})),
            Prints(capabilities, "0000000000000000"),
        ),
        row(
            "HostConfig.CapDrop",
            host(json!({"CapDrop": ["cap_net_raw"]})),
            Prints(capabilities, "00000000a80405fb"),
        ),
        row(
            "HostConfig.GroupAdd",
            host(json!({"GroupAdd": ["44", "www-data"]})),
            Prints("id -G", " 33 44| 44 33"),
        ),
        row("HostConfig.GroupAdd", host(json!({"GroupAdd": ["nobody-here"]})), Refused("nobody-here")),
        row(
            "HostConfig.Privileged",
            host(json!({"Privileged": true})),
            Prints(
                "mount -t tmpfs none /mnt 2>/dev/null || mkdir /m && mount -t tmpfs none /m && echo mounted; grep Seccomp: /proc/self/status",
                "mounted\nSeccomp:\t0",
            ),
        ),
        row(
            "HostConfig.SecurityOpt",
            host(json!({"SecurityOpt": ["no-new-privileges"]})),
            Prints("grep NoNewPrivs /proc/self/status", "\t1\n"),
        ),
        row(
            "HostConfig.SecurityOpt",
            host(json!({"SecurityOpt": ["seccomp=unconfined"]})),
            Prints("grep Seccomp: /proc/self/status", "\t0\n"),
        ),
        row("HostConfig.SecurityOpt", host(json!({"SecurityOpt": ["nonsense=1"]})), Refused("nonsense")),
        row("HostConfig.SecurityOpt", host(json!({})), Prints("grep Seccomp: /proc/self/status", "\t2\n")),
        row(
            "HostConfig.MaskedPaths",
            host(json!({"MaskedPaths": ["/etc/group"]})),
            Prints("wc -c </etc/group", "0\n"),
        ),
        row(
            "HostConfig.ReadonlyPaths",
            host(json!({"ReadonlyPaths": ["/etc"]})),
            Prints("touch /etc/x", "Read-only file system"),
        ),
        row("HostConfig.Sysctls", host(sysctls), Prints("cat /proc/sys/net/core/somaxconn", "777")),
        row("HostConfig.Sysctls", host(json!({"Sysctls": {"kernel.panic": "1"}})), Refused("kernel.panic")),
        row(
            "HostConfig.OomScoreAdj",
            host(json!({"OomScoreAdj": 123})),
            Prints("cat /proc/self/oom_score_adj", "123"),
        ),
        row(
            "HostConfig.OomScoreAdj",
            host(json!({"OomScoreAdj": 5000})),
            Refused("[-1000, 1000]|OomScoreAdj"),
        ),
    ]
}

fn life() -> Vec<Row> {
    let failing = json!({"HostConfig": {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 1}}, "Cmd": ["sh", "-c", "exit 1"]});
    let terminal = json!({"Tty": true, "HostConfig": {"ConsoleSize": [33, 121]}});
    vec![
        row(
            "HostConfig.Init",
            host(json!({"Init": true})),
            Prints("test $$ = 1 || echo not the first", "not the first"),
        ),
        row(
            "HostConfig.LogConfig",
            host(json!({"LogConfig": {"Type": "none"}})),
            Looks(|host, name| says(host, &["logs", name], "does not support reading")),
        ),
        row(
            "HostConfig.LogConfig",
            host(json!({"LogConfig": {"Type": "json-file", "Config": {"nonsense": "1"}}})),
            Refused("nonsense"),
        ),
        row("HostConfig.LogConfig", host(json!({"LogConfig": {"Type": "nonsense"}})), Refused("nonsense")),
        row(
            "HostConfig.RestartPolicy",
            failing,
            Looks(|host, name| becomes(host, name, "{{.RestartCount}} {{.State.Status}}", "1 exited")),
        ),
        row(
            "HostConfig.RestartPolicy",
            host(json!({"RestartPolicy": {"Name": "nonsense"}})),
            Refused("nonsense|restart policy"),
        ),
        row(
            "HostConfig.AutoRemove",
            json!({"HostConfig": {"AutoRemove": true}, "Cmd": ["true"]}),
            Looks(disappears),
        ),
        row("HostConfig.ConsoleSize", terminal, Prints("stty size", "33 121")),
    ]
}

fn labelled(host: &Host, _: &str) -> Result<(), String> {
    says(host, &["volume", "inspect", "-f", "{{json .Labels}}", "labelled"], r#"{"a":"b"}"#)
}

fn says(host: &Host, words: &[&str], wanted: &str) -> Result<(), String> {
    let outcome = host.docker(words);
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    if said.contains(wanted) { Ok(()) } else { Err(format!("{wanted:?} is missing: {outcome}")) }
}

/// The container is in one of the namespaces of the host, which is the one that the daemon is in.
fn shares(host: &Host, name: &str, kind: &str) -> Result<(), String> {
    let pid = host.docker(&["inspect", "-f", "{{.State.Pid}}", name]).ok().to_owned();
    let of = |pid: &str| host.run(&["readlink", &format!("/proc/{pid}/ns/{kind}")]).ok().to_owned();
    let (container, machine) = (of(&pid), of("1"));
    if container == machine { Ok(()) } else { Err(format!("is in {container}, not in {machine}")) }
}

fn published_at_random(host: &Host, name: &str) -> Result<(), String> {
    let port = host.docker(&["port", name, "80"]);
    if port.ok().starts_with("0.0.0.0:") { Ok(()) } else { Err(port.to_string()) }
}

fn disappears(host: &Host, name: &str) -> Result<(), String> {
    until("its removal", || host.docker(&["inspect", name]).code != 0);
    Ok(())
}
