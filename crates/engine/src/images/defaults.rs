//! The image's configuration in the container's words.

use crate::containers::ImageDefaults;
use crate::spec::{HealthTest, Healthcheck, PortKey, PortProtocol};
use sampan_image::ImageConfig;

/// What a container takes from its image where the caller says nothing.
pub(super) fn of(config: &ImageConfig) -> ImageDefaults {
    ImageDefaults {
        user: config.user.clone(),
        exposed_ports: config.exposed_ports.iter().filter_map(|text| port(text)).collect(),
        env: config.env.clone(),
        entrypoint: config.entrypoint.clone(),
        cmd: config.cmd.clone(),
        volumes: config.volumes.iter().cloned().collect(),
        working_dir: config.working_dir.clone(),
        labels: config.labels.clone(),
        stop_signal: config.stop_signal.clone(),
        healthcheck: config.healthcheck.as_ref().map(healthcheck),
        shell: (!config.shell.is_empty()).then(|| config.shell.clone()),
        on_build: config.on_build.clone(),
    }
}

/// `80`, `80/tcp`, `53/udp`.
pub(crate) fn port(text: &str) -> Option<PortKey> {
    let (port, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = match protocol {
        "tcp" => PortProtocol::Tcp,
        "udp" => PortProtocol::Udp,
        "sctp" => PortProtocol::Sctp,
        _ => return None,
    };
    Some(PortKey { port: port.parse().ok()?, protocol })
}

fn healthcheck(image: &sampan_image::Healthcheck) -> Healthcheck {
    let words = image.test.get(1..).unwrap_or_default();
    Healthcheck {
        test: match image.test.first().map(String::as_str) {
            Some("CMD") => HealthTest::Command(words.to_vec()),
            Some("CMD-SHELL") => HealthTest::Shell(words.join(" ")),
            Some("NONE") => HealthTest::None,
            _ => HealthTest::Inherit,
        },
        interval: image.interval,
        timeout: image.timeout,
        start_period: image.start_period,
        start_interval: image.start_interval,
        retries: image.retries,
    }
}
