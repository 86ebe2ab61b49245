//! Images as Docker shows them.

use super::backend;
use super::wire;
use crate::containers::wire::{Config, Empty, GraphDriver, Health, Words};
use crate::http::Version;
use crate::http::time::{SECOND, rfc3339};
use sampan_engine::ImageDetails;
use sampan_image::{HistoryRow, ImageConfig, Names, Summary};
use std::collections::{BTreeMap, BTreeSet};

/// A row of the list. `users` is how many containers use it, -1 when they were not counted.
pub(super) fn summary(summary: &Summary, users: i64, version: Version) -> wire::Summary {
    let image = &summary.image;
    let (repo_tags, repo_digests) = names(&summary.names, version);
    wire::Summary {
        id: image.id.clone(),
        parent_id: image.parent.clone().unwrap_or_default(),
        repo_tags,
        repo_digests,
        created: image.created_at.div_euclid(SECOND),
        size: image.size,
        shared_size: summary.shared_size,
        virtual_size: (version < Version(44)).then_some(image.size),
        labels: (!image.config.labels.is_empty()).then(|| image.config.labels.clone()),
        containers: users,
    }
}

/// Tags and digests. Clients of before 1.43 read `<none>` for an image without a name.
fn names(names: &Names, version: Version) -> (Vec<String>, Vec<String>) {
    let (mut tags, mut digests) = (names.tags.clone(), names.digests.clone());
    if version < Version(43) && tags.is_empty() && digests.is_empty() {
        tags.push("<none>:<none>".into());
        digests.push("<none>@<none>".into());
    }
    (tags, digests)
}

/// Everything about an image.
pub(super) fn inspect(details: &ImageDetails, version: Version, is_old_compose: bool) -> wire::Inspect {
    let image = &details.image;
    let old = version < Version(44);
    let config = if version < Version(50) {
        wire::InspectConfig::Container(Box::new(container_config(&image.config)))
    } else {
        wire::InspectConfig::Image(Box::new(image_config(&image.config)))
    };
    wire::Inspect {
        id: image.id.clone(),
        repo_tags: details.names.tags.clone(),
        repo_digests: details.names.digests.clone(),
        parent: image.parent.clone().unwrap_or_default(),
        comment: image.comment.clone(),
        created: if image.created_at == 0 { image.created.clone() } else { rfc3339(image.created_at) },
        container: (version < Version(45)).then(|| image.container.clone()),
        container_config: (version < Version(45) || is_old_compose)
            .then(|| Box::new(container_config(&image.config))),
        docker_version: image.docker_version.clone(),
        author: image.author.clone(),
        config,
        architecture: image.architecture.clone(),
        variant: image.variant.clone(),
        os: image.os.clone(),
        os_version: image.os_version.clone(),
        size: image.size,
        virtual_size: old.then_some(image.size),
        graph_driver: GraphDriver {
            data: (!details.graph.is_empty()).then(|| details.graph.iter().cloned().collect()),
            name: details.driver.to_owned(),
        },
        root_fs: wire::RootFs { kind: "layers", layers: image.diff_ids.clone() },
        metadata: wire::Metadata { last_tag_time: rfc3339(image.last_tagged_at) },
        pinned: image.pinned,
        attestations: image.attestations.iter().map(attestation).collect(),
    }
}

fn attestation(said: &sampan_image::Attestation) -> wire::Attestation {
    wire::Attestation {
        predicate_type: said.predicate_type.clone(),
        repository: said.repository.clone(),
        digest: said.digest.clone(),
        media_type: said.media_type.clone(),
        size: said.size,
    }
}

fn set(keys: &BTreeSet<String>) -> BTreeMap<String, Empty> {
    keys.iter().map(|key| (key.clone(), Empty {})).collect()
}

fn healthcheck(config: &ImageConfig) -> Option<Health> {
    config.healthcheck.as_ref().map(|check| Health {
        test: check.test.clone(),
        interval: check.interval,
        timeout: check.timeout,
        start_period: check.start_period,
        start_interval: check.start_interval,
        retries: check.retries,
    })
}

/// The configuration in the form of a container's, which clients of before 1.50 read.
fn container_config(config: &ImageConfig) -> Config {
    Config {
        hostname: config.hostname.clone(),
        domainname: config.domainname.clone(),
        user: config.user.clone(),
        tty: config.tty,
        open_stdin: config.open_stdin,
        network_disabled: config.network_disabled,
        exposed_ports: (!config.exposed_ports.is_empty()).then(|| set(&config.exposed_ports)),
        env: Some(config.env.clone()),
        cmd: config.cmd.clone().map(Words),
        healthcheck: healthcheck(config),
        args_escaped: config.args_escaped,
        volumes: (!config.volumes.is_empty()).then(|| set(&config.volumes)),
        working_dir: config.working_dir.clone(),
        entrypoint: config.entrypoint.clone().map(Words),
        on_build: (!config.on_build.is_empty()).then(|| config.on_build.clone()),
        labels: (!config.labels.is_empty()).then(|| config.labels.clone()),
        stop_signal: config.stop_signal.clone(),
        stop_timeout: config.stop_timeout,
        shell: (!config.shell.is_empty()).then(|| Words(config.shell.clone())),
        ..Config::default()
    }
}

fn image_config(config: &ImageConfig) -> wire::ImageConfig {
    wire::ImageConfig {
        user: config.user.clone(),
        exposed_ports: set(&config.exposed_ports),
        env: config.env.clone(),
        entrypoint: config.entrypoint.clone(),
        cmd: config.cmd.clone(),
        healthcheck: healthcheck(config),
        args_escaped: config.args_escaped,
        volumes: set(&config.volumes),
        working_dir: config.working_dir.clone(),
        on_build: config.on_build.clone(),
        labels: config.labels.clone(),
        stop_signal: config.stop_signal.clone(),
        shell: config.shell.clone(),
    }
}

/// One step of the history.
pub(super) fn history(row: HistoryRow) -> wire::HistoryRow {
    wire::HistoryRow {
        id: row.id,
        created: row.created,
        created_by: row.created_by,
        tags: (!row.tags.is_empty()).then_some(row.tags),
        size: row.size,
        comment: row.comment,
    }
}

/// What was taken away.
pub(super) fn removals(list: Vec<backend::Removal>) -> Vec<wire::Removal> {
    list.into_iter()
        .map(|removal| match removal {
            backend::Removal::Untagged(name) => wire::Removal::Untagged(name),
            backend::Removal::Deleted(id) => wire::Removal::Deleted(id),
        })
        .collect()
}
