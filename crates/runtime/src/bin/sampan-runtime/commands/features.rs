//! `features`: what this runtime knows, as the specification's features document.

use sampan_error::Result;
use sampan_runtime::compile::CAPABILITIES;

use crate::store::Store;

pub(crate) fn run(_given: &[String], _store: &Store) -> Result<u8> {
    let capabilities: Vec<String> = CAPABILITIES.iter().map(|name| format!("CAP_{name}")).collect();
    let document = serde_json::json!({
        "ociVersionMin": "1.0.0",
        "ociVersionMax": super::SPEC_VERSION,
        "hooks": ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"],
        "mountOptions": sampan_runtime::compile::MOUNT_OPTIONS,
        "linux": {
            "namespaces": ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"],
            "capabilities": capabilities,
            "cgroup": { "v1": true, "v2": true, "systemd": false, "systemdUser": false, "rdma": true },
            "seccomp": {
                "enabled": true,
                "actions": sampan_runtime::compile::seccomp::ACTIONS,
                "operators": sampan_runtime::compile::seccomp::OPERATORS,
                "archs": sampan_runtime::compile::seccomp::ARCHITECTURES,
                "knownFlags": sampan_runtime::compile::seccomp::FLAGS,
                "supportedFlags": sampan_runtime::compile::seccomp::FLAGS,
            },
            "apparmor": { "enabled": true },
            "selinux": { "enabled": true },
            "intelRdt": { "enabled": false },
            "mountExtensions": { "idmap": { "enabled": true } },
        },
    });
    println!("{document:#}");
    Ok(0)
}
