//! What the query of a build says, as clients write it: much of it is noise that means nothing.

use crate::containers::convert::ulimit;
use crate::containers::network_mode;
use crate::containers::wire::Ulimit;
use crate::http::{Form, filters};
use sampan_build::{CacheTarget, NamedContext, Pruning, Request, cache_source};
use sampan_engine::spec::HostOptions;
use sampan_error::{Error, Result};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::time::Duration;

/// Reads the query.
///
/// # Errors
/// JSON that is none; what is asked for and not possible here.
pub(super) fn request(query: &Form) -> Result<Request> {
    if query.text("version") == Some("2") {
        return Err(Error::not_implemented(
            "BuildKit's protocol is not possible yet: set DOCKER_BUILDKIT=0, or use sampan build",
        ));
    }
    if query.text("outputs").is_some_and(|outputs| !matches!(outputs, "" | "[]" | "null")) {
        return Err(Error::not_implemented("outputs of a build other than an image are not possible yet"));
    }
    let text = |name: &str| query.text(name).unwrap_or_default().to_owned();
    let arguments: BTreeMap<String, Option<String>> = json(query, "buildargs")?;
    let labels: BTreeMap<String, String> = json(query, "labels")?;
    let mut tags: Vec<String> = query.all("t").filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
    tags.dedup();
    let mut cache_from = Vec::new();
    for text in json::<Vec<String>>(query, "cachefrom")? {
        cache_from.extend(cache_source(&text)?);
    }
    let cache_to = json::<Vec<String>>(query, "cacheto")?;
    let cache_to = cache_to.iter().map(|text| CacheTarget::parse(text)).collect::<Result<_>>()?;
    let network = query.text("networkmode").filter(|mode| !mode.is_empty() && *mode != "default");
    Ok(Request {
        dockerfile: text("dockerfile"),
        dockerfile_text: None,
        target: text("target"),
        arguments: arguments.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
        labels,
        tags,
        no_cache: query.flag("nocache"),
        why: query.flag("why"),
        no_cache_stages: query.all("nocachefilter").map(str::to_lowercase).collect(),
        contexts: contexts(query)?,
        pull: query.flag("pull"),
        squash: query.flag("squash"),
        platform: query.text("platform").filter(|platform| !platform.is_empty()).map(str::to_owned),
        network: network.map(network_mode),
        host: host(query)?,
        cache_from,
        cache_to,
        credentials: BTreeMap::new(),
    })
}

/// What a pruning leaves: `keep-storage` and its successors in bytes, and the filter `until`.
///
/// # Errors
/// What is no number, and filters that nobody knows.
pub(super) fn pruning(query: &Form) -> Result<Pruning> {
    let mut pruning = Pruning::default();
    for name in ["keep-storage", "reserved-space", "max-used-space"] {
        let text = query.text(name).unwrap_or_default();
        if !matches!(text, "" | "0") {
            let bytes = text.parse().map_err(|_| Error::invalid(format!("{name}: {text:?} is no number")))?;
            pruning.keep_bytes = Some(bytes);
        }
    }
    for (name, values) in filters::parse(query)? {
        match name.as_str() {
            "until" | "unused-for" => {
                let text = values.first().map(String::as_str).unwrap_or_default();
                let age = sampan_engine::duration(text).and_then(|age| u64::try_from(age).ok());
                let age = age.ok_or_else(|| {
                    Error::invalid(format!("filter {name}: {text:?} is no duration, like 24h"))
                })?;
                pruning.older_than = Some(Duration::from_nanos(age));
            }
            _ => return Err(Error::invalid(format!("invalid filter '{name}'"))),
        }
    }
    Ok(pruning)
}

/// Contexts with names, of clients with a session: an image, or a folder that the client has under the same name.
fn contexts(query: &Form) -> Result<BTreeMap<String, NamedContext>> {
    let given: BTreeMap<String, String> = json(query, "contexts")?;
    given
        .into_iter()
        .map(|(name, value)| match value.split_once("://") {
            Some(("docker-image", image)) => Ok((name, NamedContext::Image(image.to_owned()))),
            None if value == "local" => Ok((name, NamedContext::Files)),
            _ => Err(Error::invalid(format!("the context {name:?} as {value:?} is not possible"))),
        })
        .collect()
}

/// Limits of RUN steps.
fn host(query: &Form) -> Result<HostOptions> {
    let number = |name: &str| -> Result<i64> {
        let text = query.text(name).unwrap_or_default();
        if text.is_empty() {
            return Ok(0);
        }
        text.parse().map_err(|_| Error::invalid(format!("{name}: {text:?} is no number")))
    };
    let mut host = HostOptions::default();
    host.resources.memory = number("memory")?;
    host.resources.memory_swap = number("memswap")?;
    host.resources.cpu_shares = number("cpushares")?;
    host.resources.cpu_quota = number("cpuquota")?;
    host.resources.cpu_period = number("cpuperiod")?;
    host.resources.cpuset_cpus = query.text("cpusetcpus").unwrap_or_default().to_owned();
    host.resources.cpuset_mems = query.text("cpusetmems").unwrap_or_default().to_owned();
    host.resources.cgroup_parent = query.text("cgroupparent").unwrap_or_default().to_owned();
    let limits: Vec<Ulimit> = json(query, "ulimits")?;
    host.resources.ulimits = limits.into_iter().map(ulimit).collect::<Result<_>>()?;
    host.shm_size = u64::try_from(number("shmsize")?).unwrap_or_default();
    host.extra_hosts = query
        .text("extrahosts")
        .into_iter()
        .flat_map(|hosts| hosts.split(','))
        .filter(|it| !it.is_empty())
        .map(str::to_owned)
        .collect();
    Ok(host)
}

/// A parameter that is JSON; missing, empty and `null` are its default.
fn json<T: DeserializeOwned + Default>(query: &Form, name: &str) -> Result<T> {
    let text = query.text(name).unwrap_or_default();
    if text.is_empty() {
        return Ok(T::default());
    }
    let value: Option<T> = serde_json::from_str(text)
        .map_err(|error| Error::invalid(format!("error reading {name}: {error}")))?;
    Ok(value.unwrap_or_default())
}
