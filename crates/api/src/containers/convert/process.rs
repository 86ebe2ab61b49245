//! The portable part of a create or commit body.

use super::{invalid, port};
use crate::containers::wire::{Config, Health, Words};
use sampan_engine::spec::{HealthTest, Healthcheck, ProcessOptions};
use sampan_error::Result;

/// The portable part.
///
/// # Errors
/// A value that cannot be.
pub(crate) fn process(config: Config) -> Result<ProcessOptions> {
    let mut exposed_ports = Vec::new();
    for key in config.exposed_ports.unwrap_or_default().keys() {
        exposed_ports.extend(port::keys(key)?);
    }
    let volumes = config.volumes.unwrap_or_default().into_keys().collect::<Vec<_>>();
    if let Some(bad) = volumes.iter().find(|path| !path.starts_with('/') || path.contains(':')) {
        return Err(invalid(format!("invalid volume specification: '{bad}'")));
    }
    Ok(ProcessOptions {
        hostname: some(config.hostname),
        domainname: some(config.domainname),
        user: config.user,
        attach_stdin: config.attach_stdin,
        attach_stdout: config.attach_stdout,
        attach_stderr: config.attach_stderr,
        tty: config.tty,
        open_stdin: config.open_stdin,
        stdin_once: config.stdin_once,
        env: config.env.unwrap_or_default(),
        secret_env: Vec::new(),
        cmd: config.cmd.map(|words| words.0),
        entrypoint: config.entrypoint.map(|words| words.0),
        healthcheck: config.healthcheck.map(healthcheck).transpose()?,
        exposed_ports,
        volumes,
        working_dir: config.working_dir,
        network_disabled: config.network_disabled,
        mac_address: some(config.mac_address),
        on_build: config.on_build.unwrap_or_default(),
        labels: config.labels.unwrap_or_default(),
        stop_signal: some(config.stop_signal),
        stop_timeout: config.stop_timeout,
        shell: config.shell.map(|Words(words)| words),
        args_escaped: config.args_escaped,
    })
}

fn healthcheck(health: Health) -> Result<Healthcheck> {
    let mut words = health.test.into_iter();
    let test = match words.next().as_deref() {
        None => HealthTest::Inherit,
        Some("NONE") => HealthTest::None,
        Some("CMD") => HealthTest::Command(words.collect()),
        Some("CMD-SHELL") => HealthTest::Shell(words.collect::<Vec<_>>().join(" ")),
        Some(kind @ ("HTTP" | "TCP")) => HealthTest::network(kind, &words.next().unwrap_or_default())?,
        Some(other) => {
            return Err(invalid(format!(
                "Unknown healthcheck type {other:?} (expected 'CMD', 'CMD-SHELL' or 'NONE')"
            )));
        }
    };
    Ok(Healthcheck {
        test,
        interval: health.interval,
        timeout: health.timeout,
        start_period: health.start_period,
        start_interval: health.start_interval,
        retries: health.retries,
    })
}

/// Go's empty string is "not said".
pub(super) fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
