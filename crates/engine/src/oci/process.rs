//! The process part: command, environment, capabilities, limits.

use super::security;
use crate::Engine;
use crate::containers::ContainerRecord;
use crate::spec::Ulimit;
use serde_json::{Value, json};

/// The search path when nobody says one, as Docker has it.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub(super) fn specification(engine: &Engine, record: &ContainerRecord) -> Value {
    let host = &record.spec.host;
    let tty = record.spec.process.tty;
    let capabilities = security::capabilities(record);
    let mut value = json!({
        "terminal": tty,
        "user": { "uid": 0, "gid": 0 },
        "args": arguments(record),
        "env": environment(record),
        "cwd": working_directory(record),
        "capabilities": {
            "bounding": capabilities,
            "effective": capabilities,
            "permitted": capabilities,
        },
        "noNewPrivileges": security::no_new_privileges(engine, record),
        "oomScoreAdj": host.oom_score_adj,
        "rlimits": limits(engine, record),
    });
    if let (true, Some((rows, columns))) = (tty, host.console_size) {
        value["consoleSize"] = json!({ "height": rows, "width": columns });
    }
    if let Some(profile) = security::apparmor_profile(record) {
        value["apparmorProfile"] = profile.into();
    }
    value
}

/// The command, behind our own init when one is wanted.
fn arguments(record: &ContainerRecord) -> Vec<String> {
    let mut args = record.resolved.args.clone();
    if record.spec.host.init == Some(true) {
        args.splice(0..0, [super::mounts::INIT_TARGET.to_owned(), "--".to_owned()]);
    }
    args
}

fn working_directory(record: &ContainerRecord) -> &str {
    if record.resolved.working_dir.is_empty() { "/" } else { &record.resolved.working_dir }
}

/// PATH and HOSTNAME first (and TERM with a terminal), then the container's own variables, which win.
pub(crate) fn environment(record: &ContainerRecord) -> Vec<String> {
    let mut variables = vec![PATH.to_owned(), format!("HOSTNAME={}", record.resolved.hostname)];
    if record.spec.process.tty {
        variables.push("TERM=xterm".to_owned());
    }
    overlay(&mut variables, &record.resolved.env);
    overlay(&mut variables, &record.spec.process.secret_env);
    variables
}

/// Replaces variables of the same name in place and appends the others.
pub(crate) fn overlay(variables: &mut Vec<String>, over: &[String]) {
    for variable in over {
        let Some((name, _)) = variable.split_once('=') else {
            variables.retain(|it| it.split_once('=').is_none_or(|(known, _)| known != variable));
            continue;
        };
        match variables.iter_mut().find(|it| it.split_once('=').is_some_and(|(known, _)| known == name)) {
            Some(known) => known.clone_from(variable),
            None => variables.push(variable.clone()),
        }
    }
}

/// The container's limits, and the daemon's for those it does not name.
fn limits(engine: &Engine, record: &ContainerRecord) -> Vec<Value> {
    let own = &record.spec.host.resources.ulimits;
    let defaults = engine.inner.config.ulimits.iter().filter(|it| own.iter().all(|own| own.name != it.name));
    own.iter().chain(defaults).map(limit).collect()
}

fn limit(ulimit: &Ulimit) -> Value {
    // -1 is RLIM_INFINITY, all bits set.
    json!({
        "type": format!("RLIMIT_{}", ulimit.name.to_ascii_uppercase()),
        "soft": ulimit.soft.cast_unsigned(),
        "hard": ulimit.hard.cast_unsigned(),
    })
}

/// Kernel parameters. With a network namespace of its own a container may serve low ports and ping without
/// privileges, as Docker's since 20.10.
pub(super) fn sysctls(record: &ContainerRecord) -> Value {
    use crate::spec::NetworkMode;
    let mut sysctls = record.spec.host.sysctls.clone();
    let own_network = !matches!(record.spec.host.network_mode, NetworkMode::Host | NetworkMode::Container(_));
    if own_network {
        for (name, value) in
            [("net.ipv4.ip_unprivileged_port_start", "0"), ("net.ipv4.ping_group_range", "0 2147483647")]
        {
            sysctls.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    json!(sysctls)
}

#[cfg(test)]
mod tests {
    use super::overlay;

    #[test]
    fn own_variables_replace_in_place() {
        let mut variables = vec!["A=1".to_owned(), "B=2".to_owned()];
        overlay(&mut variables, &["B=3".to_owned(), "C=4".to_owned(), "A".to_owned()]);
        assert_eq!(variables, ["B=3", "C=4"]);
    }
}
