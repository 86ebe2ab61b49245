//! Bundles: a directory with a root file system that holds the probe, and a specification.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// A bundle on disk.
#[derive(Debug)]
pub(crate) struct Bundle {
    pub(crate) path: PathBuf,
}

impl Bundle {
    /// Makes a bundle at `path` with the probe hard-linked into its root.
    pub(crate) fn make(path: &Path, probe: &Path) -> io::Result<Self> {
        let root = path.join("rootfs");
        for directory in ["dev", "proc", "sys", "tmp", "etc", "work", "masked", "readonly"] {
            fs::create_dir_all(root.join(directory))?;
        }
        fs::hard_link(probe, root.join("probe"))?;
        fs::write(root.join("etc/passwd"), "root:x:0:0::/root:/probe\n")?;
        fs::write(root.join("masked/secret"), "secret")?;
        fs::write(root.join("secret"), "secret")?;
        symlink("etc", root.join("link"))?;
        Ok(Self { path: path.to_owned() })
    }

    /// Writes the specification.
    pub(crate) fn write(&self, spec: &Value) -> io::Result<()> {
        fs::write(self.path.join("config.json"), spec.to_string())
    }

    /// Where the container's output goes.
    pub(crate) fn output(&self) -> PathBuf {
        self.path.join("output")
    }
}

/// The specification that cases change: the probe in namespaces of its own, with little rights.
pub(crate) fn base(cgroups: &str) -> Value {
    let capabilities = json!(["CAP_KILL", "CAP_MKNOD", "CAP_CHOWN", "CAP_DAC_OVERRIDE"]);
    let namespaces =
        ["pid", "network", "ipc", "uts", "mount", "cgroup"].map(|kind| json!({ "type": kind })).to_vec();
    json!({
        "ociVersion": "1.0.2",
        "process": {
            "terminal": false,
            "user": { "uid": 0, "gid": 0 },
            "args": ["/probe", "probe"],
            "env": ["PATH=/", "TERM=xterm"],
            "cwd": "/",
            "capabilities": {
                "bounding": capabilities, "effective": capabilities, "permitted": capabilities,
            },
            "noNewPrivileges": true,
        },
        "root": { "path": "rootfs", "readonly": false },
        "hostname": "conformance",
        "mounts": [
            { "destination": "/proc", "type": "proc", "source": "proc" },
            { "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
              "options": ["nosuid", "strictatime", "mode=755", "size=65536k"] },
            { "destination": "/dev/pts", "type": "devpts", "source": "devpts",
              "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"] },
            { "destination": "/dev/shm", "type": "tmpfs", "source": "shm",
              "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"] },
            { "destination": "/sys", "type": "sysfs", "source": "sysfs",
              "options": ["nosuid", "noexec", "nodev", "ro"] },
        ],
        "linux": {
            "cgroupsPath": cgroups,
            "resources": { "devices": [{ "allow": false, "access": "rwm" }] },
            "namespaces": namespaces,
        },
    })
}

/// Adds requests to the probe, such as `read=/etc/passwd`.
pub(crate) fn ask(spec: &mut Value, requests: &[&str]) {
    if let Some(arguments) = spec["process"]["args"].as_array_mut() {
        arguments.extend(requests.iter().map(|request| json!(request)));
    }
}

/// Adds a mount.
pub(crate) fn mount(spec: &mut Value, mount: Value) {
    if let Some(mounts) = spec["mounts"].as_array_mut() {
        mounts.push(mount);
    }
}

/// Removes the namespace of a kind from the list.
pub(crate) fn without_namespace(spec: &mut Value, kind: &str) {
    if let Some(namespaces) = spec["linux"]["namespaces"].as_array_mut() {
        namespaces.retain(|namespace| namespace["type"] != kind);
    }
}

/// Adds a namespace.
pub(crate) fn with_namespace(spec: &mut Value, namespace: Value) {
    if let Some(namespaces) = spec["linux"]["namespaces"].as_array_mut() {
        namespaces.push(namespace);
    }
}

/// Takes a field away.
pub(crate) fn drop_field(spec: &mut Value, parent: &str, field: &str) {
    if let Some(object) = spec.pointer_mut(parent).and_then(Value::as_object_mut) {
        object.remove(field);
    }
}
