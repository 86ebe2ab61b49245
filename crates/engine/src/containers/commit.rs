//! An image made of a container.

use super::{CommitOptions, ContainerRecord, Status};
use crate::Engine;
use crate::spec::ProcessOptions;
use sampan_error::Result;
use sampan_image::{CommitRequest, ImageConfig};
use std::sync::Arc;

impl Engine {
    /// Makes an image of a container's writable layer on its image; returns the new image's id.
    ///
    /// # Errors
    /// No such container, a bad reference or instruction, no space.
    pub async fn commit(&self, reference: &str, options: CommitOptions) -> Result<String> {
        self.recovered().await;
        let container = self.container(reference)?;
        let _operation = container.operation.lock().await;
        let record = container.record();
        let frozen = options.pause && record.state.status == Status::Running;
        if frozen {
            let cgroup = self.cgroup(&record)?;
            crate::blocking(move || Ok(cgroup.freeze()?)).await?;
        }
        let engine = self.clone();
        let committed = {
            let record = Arc::clone(&record);
            crate::blocking(move || engine.commit_blocking(&record, &options)).await
        };
        if frozen {
            self.thaw(&container).await?;
        }
        let id = committed?;
        self.container_event(&record, "commit", &[("comment", &id)]);
        Ok(id)
    }

    fn commit_blocking(&self, record: &ContainerRecord, options: &CommitOptions) -> Result<String> {
        let parent = self.inner.images.find(&record.image_id)?;
        let mut config = configuration(record, &parent.config);
        if let Some(overrides) = &options.overrides {
            lay_over(&mut config, overrides);
        }
        let request = CommitRequest {
            parent: Some(record.image_id.clone()),
            config,
            changes: options.changes.clone(),
            author: options.author.clone(),
            message: options.message.clone(),
            created_by: record.resolved.args.join(" "),
            container: record.id.clone(),
            reference: options.reference.clone(),
        };
        Ok(self.inner.images.commit_writable(&request, &record.id)?)
    }
}

/// The container's configuration as an image's.
fn configuration(record: &ContainerRecord, image: &ImageConfig) -> ImageConfig {
    let resolved = &record.resolved;
    ImageConfig {
        user: resolved.user.clone(),
        exposed_ports: resolved.exposed_ports.iter().map(ToString::to_string).collect(),
        env: resolved.env.clone(),
        entrypoint: resolved.entrypoint.clone(),
        cmd: resolved.cmd.clone(),
        volumes: resolved.volumes.iter().cloned().collect(),
        working_dir: resolved.working_dir.clone(),
        labels: resolved.labels.clone(),
        stop_signal: resolved.stop_signal.clone(),
        healthcheck: image.healthcheck.clone(),
        shell: resolved.shell.clone().unwrap_or_default(),
        on_build: resolved.on_build.clone(),
        ..ImageConfig::default()
    }
}

/// What the caller of a commit wants changed.
fn lay_over(config: &mut ImageConfig, over: &ProcessOptions) {
    let text = |own: &mut String, new: &String| {
        if !new.is_empty() {
            own.clone_from(new);
        }
    };
    text(&mut config.user, &over.user);
    text(&mut config.working_dir, &over.working_dir);
    text(&mut config.stop_signal, over.stop_signal.as_ref().unwrap_or(&String::new()));
    config.exposed_ports.extend(over.exposed_ports.iter().map(ToString::to_string));
    config.volumes.extend(over.volumes.iter().cloned());
    config.labels.extend(over.labels.clone());
    for variable in over.env.iter().filter(|it| it.contains('=')) {
        crate::oci::overlay(&mut config.env, std::slice::from_ref(variable));
    }
    if over.entrypoint.is_some() {
        config.entrypoint.clone_from(&over.entrypoint);
    }
    if over.cmd.is_some() {
        config.cmd.clone_from(&over.cmd);
    }
    if !over.on_build.is_empty() {
        config.on_build.clone_from(&over.on_build);
    }
}
