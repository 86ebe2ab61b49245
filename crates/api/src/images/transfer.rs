//! Images to and from registries: pull, push, search, what a registry has.

use super::backend::Backend;
use super::progress::{bar, run};
use super::wire::{
    Aux, DistributionDescriptor, DistributionInspect, DistributionPlatform, Found, Progress, ProgressDetail,
    PushedTag,
};
use crate::http::{Call, Outcome, filters, reply};
use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hyper::HeaderMap;
use sampan_engine::containers::Filters;
use sampan_engine::{PullRequest, PushRequest, SearchRequest};
use sampan_error::{Error, Result};
use sampan_image::Compression;
use sampan_registry::{Credentials, Steps, TransferStep};
use std::collections::BTreeMap;
use tokio::sync::mpsc::unbounded_channel;

/// `POST /images/create?fromImage=…`
pub(super) async fn pull<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let request = PullRequest {
        image: call.query.get("fromImage").to_owned(),
        tag: call.query.text("tag").map(str::to_owned),
        platform: call.query.text("platform").map(str::to_owned),
        // As Docker: a header that cannot be read is as none, so that old clients still work.
        credentials: credentials(&call.headers).unwrap_or_default(),
    };
    let (sender, steps) = unbounded_channel();
    let engine = call.engine.clone();
    run(async move { engine.pull_image(request, Steps::new(sender)).await }, steps, shown).await
}

/// `POST /images/{name}/push`
pub(super) async fn push<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let request = PushRequest {
        image: call.parameter("name"),
        tag: call.query.text("tag").map(str::to_owned),
        platform: call.query.text("platform").map(platform_text).transpose()?,
        compression: call.query.text("compression").map(compression).transpose()?,
        credentials: credentials(&call.headers)?,
    };
    let (sender, steps) = unbounded_channel();
    let engine = call.engine.clone();
    run(async move { engine.push_image(request, Steps::new(sender)).await }, steps, shown).await
}

/// `GET /images/search`
pub(super) async fn search<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let filters = filters::parse(&call.query)?;
    filters::only(&filters, &["stars", "is-official", "is-automated"])?;
    let limit = match call.query.get("limit") {
        "" | "0" => None,
        text => Some(
            text.parse()
                .map_err(|_| Error::invalid(format!("invalid limit specified: {text:?} is no number")))?,
        ),
    };
    let request = SearchRequest {
        term: call.query.get("term").to_owned(),
        limit,
        stars: stars(&filters)?,
        official: truth(&filters, "is-official")?,
        automated: truth(&filters, "is-automated")?,
        credentials: credentials(&call.headers).unwrap_or_default(),
    };
    let found = call.engine.search_images(request).await?;
    Ok(reply::ok(&found.into_iter().map(Found::from).collect::<Vec<_>>())?.into())
}

/// The largest number of stars that is asked for counts, as at Docker.
fn stars(filters: &Filters) -> Result<u64> {
    let mut most = 0;
    for text in filters.get("stars").into_iter().flatten() {
        let stars = text.parse().map_err(|_| Error::invalid(format!("invalid filter 'stars={text}'")))?;
        most = u64::max(most, stars);
    }
    Ok(most)
}

fn truth(filters: &Filters, name: &str) -> Result<Option<bool>> {
    match filters.get(name).and_then(|values| values.first()).map(String::as_str) {
        None => Ok(None),
        Some("true" | "1") => Ok(Some(true)),
        Some("false" | "0") => Ok(Some(false)),
        Some(other) => Err(Error::invalid(format!("invalid filter '{name}={other}'"))),
    }
}

/// `GET /distribution/{name}/json`
pub(super) async fn distribution<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let credentials = credentials(&call.headers).unwrap_or_default();
    let found = call.engine.distribution(&call.parameter("name"), credentials).await?;
    let answer = DistributionInspect {
        descriptor: DistributionDescriptor {
            media_type: found.media_type,
            digest: found.digest,
            size: found.size,
        },
        platforms: found
            .platforms
            .into_iter()
            .map(|platform| DistributionPlatform {
                architecture: platform.architecture,
                os: platform.os,
                os_version: platform.os_version,
                os_features: platform.os_features,
                variant: platform.variant,
            })
            .collect(),
    };
    Ok(reply::ok(&answer)?.into())
}

/// Ours: the form that layers are wanted in.
fn compression(text: &str) -> Result<Compression> {
    match text {
        "gzip" => Ok(Compression::Gzip),
        "zstd" => Ok(Compression::Zstd),
        "none" => Ok(Compression::Plain),
        other => Err(Error::invalid(format!("compression {other:?} is not known: say gzip, zstd or none"))),
    }
}

/// Docker's clients send a platform to push as JSON.
fn platform_text(text: &str) -> Result<String> {
    if !text.starts_with('{') {
        return Ok(text.to_owned());
    }
    let platform: sampan_registry::Platform = serde_json::from_str(text)
        .map_err(|error| Error::invalid(format!("failed to parse platform: {error}")))?;
    Ok(platform.to_string())
}

/// `X-Registry-Auth`: JSON in base64, of which clients use every kind.
pub(super) fn credentials(headers: &HeaderMap) -> Result<Credentials> {
    decoded(headers, "X-Registry-Auth")
}

/// `X-Registry-Config`: the same for many registries, by host.
pub(crate) fn all_credentials(headers: &HeaderMap) -> Result<BTreeMap<String, Credentials>> {
    let all: BTreeMap<String, Credentials> = decoded(headers, "X-Registry-Config")?;
    let host = |name: String| match name.strip_prefix("https://index.docker.io/") {
        Some(_) => "docker.io".to_owned(),
        None => name,
    };
    Ok(all.into_iter().map(|(name, credentials)| (host(name), credentials)).collect())
}

fn decoded<T: serde::de::DeserializeOwned + Default>(headers: &HeaderMap, name: &str) -> Result<T> {
    let Some(value) = headers.get(name).filter(|value| !value.is_empty()) else {
        return Ok(T::default());
    };
    let bad = |why: String| Error::invalid(format!("invalid {name} header: {why}"));
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let decoded = GeneralPurpose::new(&URL_SAFE, config)
        .decode(value)
        .or_else(|_| GeneralPurpose::new(&STANDARD, config).decode(value))
        .map_err(|error| bad(error.to_string()))?;
    if decoded.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(&decoded).map_err(|error| bad(error.to_string()))
}

fn shown(step: TransferStep) -> Option<Progress> {
    Some(match step {
        TransferStep::Status { id, status } if id.is_empty() => {
            Progress { status: Some(status), ..Progress::default() }
        }
        TransferStep::Status { id, status } => {
            // A line that says where the image comes from stands alone; all others are of a layer.
            let of_layer = !status.starts_with("Pulling from");
            let progress_detail = of_layer.then(ProgressDetail::default);
            Progress { status: Some(status), progress_detail, id: Some(id), ..Progress::default() }
        }
        TransferStep::Progress { id, status, current, total } => Progress {
            status: Some(status.to_owned()),
            progress_detail: Some(ProgressDetail { current, total }),
            progress: Some(bar(current, total)),
            id: Some(id),
            ..Progress::default()
        },
        TransferStep::Pushed { tag, digest, size } => Progress {
            progress_detail: Some(ProgressDetail::default()),
            aux: Some(Aux::Pushed(PushedTag { tag, digest, size })),
            ..Progress::default()
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_come_in_every_kind_of_base64() {
        let json = br#"{"username":"u","password":"~?>~~?","serveraddress":"a.example"}"#;
        let kinds = [
            base64::engine::general_purpose::URL_SAFE.encode(json),
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json),
            base64::engine::general_purpose::STANDARD.encode(json),
        ];
        for text in kinds {
            let mut headers = HeaderMap::new();
            headers.insert("x-registry-auth", text.parse().unwrap());
            assert_eq!(credentials(&headers).unwrap().password, "~?>~~?");
        }
        let mut headers = HeaderMap::new();
        assert!(credentials(&headers).unwrap().is_anonymous());
        headers.insert("x-registry-auth", "!".parse().unwrap());
        assert!(credentials(&headers).is_err());
    }
}
