//! `/system/df`: what lies on the disk.

use super::backend::Backend as SystemBackend;
use crate::containers::convert::summary;
use crate::containers::wire::Summary;
use crate::http::time::{now, rfc3339};
use crate::http::{Call, Outcome, Version, reply};
use crate::{build, images, volumes};
use sampan_build::CacheEntry;
use sampan_error::{Error, Result};
use serde::Serialize;
use std::time::SystemTime;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct DiskUsage {
    layers_size: u64,
    images: Option<Vec<images::wire::Summary>>,
    containers: Option<Vec<Summary>>,
    volumes: Option<Vec<volumes::wire::Volume>>,
    build_cache: Option<Vec<BuildCache>>,
}

/// An outcome of a build's step.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct BuildCache {
    #[serde(rename = "ID")]
    id: String,
    r#type: &'static str,
    description: String,
    in_use: bool,
    shared: bool,
    size: u64,
    created_at: String,
    last_used_at: String,
    usage_count: u64,
}

impl From<CacheEntry> for BuildCache {
    fn from(entry: CacheEntry) -> Self {
        Self {
            id: entry.id,
            r#type: "regular",
            description: entry.description,
            in_use: false,
            shared: false,
            size: entry.bytes,
            created_at: rfc3339(nanoseconds(entry.created)),
            last_used_at: rfc3339(nanoseconds(entry.used)),
            usage_count: 1,
        }
    }
}

fn nanoseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// Which parts a client asks for; from 1.42 on it may choose.
struct Parts(Vec<String>);

impl Parts {
    fn of<E>(call: &Call<E>) -> Result<Self> {
        let chosen: Vec<String> = match call.version {
            version if version < Version(42) => Vec::new(),
            _ => call.query.all("type").map(str::to_owned).collect(),
        };
        match chosen
            .iter()
            .find(|part| !["container", "image", "volume", "build-cache"].contains(&part.as_str()))
        {
            Some(part) => Err(Error::invalid(format!("unknown object type: {part}"))),
            None => Ok(Self(chosen)),
        }
    }

    fn has(&self, part: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|chosen| chosen == part)
    }
}

/// `GET /system/df`
pub(super) async fn disk_usage<E>(call: Call<E>) -> Result<Outcome>
where
    E: SystemBackend + build::backend::Backend + images::backend::Backend + volumes::backend::Backend,
{
    let parts = Parts::of(&call)?;
    let usage = call.engine.disk_usage().await?;
    let now = now();
    let containers =
        usage.containers.iter().map(|it| summary(&it.record, Some((it.writable, it.total)), now));
    let containers: Vec<Summary> = containers.collect();
    let mut rows = None;
    if parts.has("image") {
        let mut images = images::summaries(&call.engine, call.version).await?;
        for image in &mut images {
            let users = containers.iter().filter(|container| container.image_id == image.id);
            image.containers = i64::try_from(users.count()).unwrap_or(i64::MAX);
        }
        rows = Some(images);
    }
    let mut volumes = None;
    if parts.has("volume") {
        let mut list = volumes::list(&call.engine).await?;
        for volume in &mut list {
            if let Some(found) = usage.volumes.iter().find(|it| it.name == volume.name) {
                volume.usage_data = Some(volumes::wire::Usage {
                    size: i64::try_from(found.size).unwrap_or(i64::MAX),
                    ref_count: i64::try_from(found.users).unwrap_or(i64::MAX),
                });
            }
        }
        volumes = Some(list);
    }
    let mut cache = None;
    if parts.has("build-cache") {
        cache = Some(call.engine.build_cache().await?.into_iter().map(BuildCache::from).collect());
    }
    let answer = DiskUsage {
        layers_size: usage.layers,
        images: rows,
        containers: parts.has("container").then_some(containers),
        volumes,
        build_cache: cache,
    };
    Ok(reply::ok(&answer)?.into())
}
