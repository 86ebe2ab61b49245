//! What a client asks of the Dockerfile frontend, as strings with names, made into a request.

use crate::gateway::image_of;
use crate::lint;
use bollard_buildkit_proto::pb::Definition;
use sampan_build::{NamedContext, Request, cache_source};
use sampan_engine::spec::{NetworkMode, Ulimit};
use sampan_error::{Error, Result};
use std::collections::{BTreeMap, HashMap};

/// A build as a client asks for it.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) request: Request,
    /// The Dockerfile's name in its folder.
    pub(crate) dockerfile: String,
    /// The client's name for the folder of the context.
    pub(crate) folder: String,
    /// Where the context is, when it is not with the client.
    pub(crate) remote: Option<String>,
    /// The client's name for the folder of the Dockerfile; with a remote context only when it is not part of that.
    pub(crate) dockerfile_folder: Option<String>,
    /// The client's names for folders of named contexts.
    pub(crate) named: BTreeMap<String, String>,
    /// Nothing is built: the Dockerfile is checked.
    pub(crate) only_check: bool,
}

/// Reads the options.
///
/// # Errors
/// What is asked for and not possible, or makes no sense.
pub(crate) fn read(
    options: HashMap<String, String>,
    inputs: &HashMap<String, Definition>,
    may_use_host_network: bool,
) -> Result<Options> {
    let mut out = Options { folder: "context".to_owned(), ..Options::default() };
    out.dockerfile_folder = Some("dockerfile".to_owned());
    let has_folder = options.contains_key("dockerfilekey");
    for (name, value) in options {
        let request = &mut out.request;
        if let Some(name) = name.strip_prefix("build-arg:") {
            request.arguments.insert(name.to_owned(), value);
            continue;
        }
        if let Some(name) = name.strip_prefix("label:") {
            request.labels.insert(name.to_owned(), value);
            continue;
        }
        if let Some(name) = name.strip_prefix("context:") {
            named(&mut out, name, &value, inputs)?;
            continue;
        }
        match name.as_str() {
            "filename" => out.dockerfile = value,
            "target" => request.target = value,
            "no-cache" if value.is_empty() => request.no_cache = true,
            "no-cache" => request.no_cache_stages = value.split(',').map(str::to_lowercase).collect(),
            "platform" => request.platform = platform(value)?,
            "image-resolve-mode" => request.pull = value == "pull",
            "force-network-mode" => request.network = Some(network(&value, may_use_host_network)?),
            "add-hosts" => request.host.extra_hosts = list(&value, |host| Ok(host.replacen('=', ":", 1)))?,
            "shm-size" => request.host.shm_size = number(&name, &value)?,
            "ulimit" => request.host.resources.ulimits = list(&value, ulimit)?,
            "cgroup-parent" => request.host.resources.cgroup_parent = value,
            "context" => {
                out.remote = Some(value);
                if !has_folder {
                    out.dockerfile_folder = None;
                }
            }
            "dockerfilekey" => out.dockerfile_folder = Some(value),
            "contextkey" => out.folder = value,
            "cache-from" => {
                for text in value.split(',').filter(|text| !text.is_empty()) {
                    request.cache_from.extend(cache_source(text)?);
                }
            }
            "requestid" if value == lint::REQUEST => out.only_check = true,
            "requestid" => {
                return Err(Error::not_implemented(format!(
                    "{value} (--call) is not possible: only check is"
                )));
            }
            // What describes the client, or asks for what is no part of an image here.
            _ => {}
        }
    }
    Ok(out)
}

fn named(out: &mut Options, name: &str, value: &str, inputs: &HashMap<String, Definition>) -> Result<()> {
    // `name::platform` is for one platform only; there is one.
    let name = name.split("::").next().unwrap_or(name);
    let (kind, rest) = value.split_once(':').unwrap_or((value, ""));
    let context = match kind {
        "docker-image" => NamedContext::Image(rest.trim_start_matches("//").to_owned()),
        "local" => {
            out.named.insert(name.to_owned(), rest.to_owned());
            NamedContext::Files
        }
        "input" => match inputs.get(rest).and_then(image_of) {
            Some(image) => NamedContext::Image(image),
            None => {
                return Err(Error::not_implemented(format!(
                    "the context {name:?} is made of steps that only BuildKit knows: use an image or a folder"
                )));
            }
        },
        _ => {
            return Err(Error::not_implemented(format!(
                "the context {name:?} as {value:?} is not possible: use a folder or docker-image://"
            )));
        }
    };
    out.request.contexts.insert(name.to_owned(), context);
    Ok(())
}

fn platform(value: String) -> Result<Option<String>> {
    if value.contains(',') {
        return Err(Error::not_implemented(format!(
            "building for several platforms at once ({value}) is not possible: build one after the other"
        )));
    }
    Ok(Some(value).filter(|value| !value.is_empty()))
}

fn network(value: &str, may_use_host: bool) -> Result<NetworkMode> {
    match value {
        "host" if may_use_host => Ok(NetworkMode::Host),
        "host" => Err(Error::invalid("granting entitlement network.host is not allowed by the client")),
        "none" => Ok(NetworkMode::None),
        "" | "default" | "sandbox" => Ok(NetworkMode::default()),
        other => {
            Err(Error::invalid(format!("unknown network {other:?}: builds know default, none and host")))
        }
    }
}

/// `name=soft:hard`.
fn ulimit(text: &str) -> Result<Ulimit> {
    let bad = || Error::invalid(format!("invalid ulimit {text:?}: it is name=soft:hard"));
    let (name, limits) = text.split_once('=').ok_or_else(bad)?;
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    let number = |text: &str| text.parse().map_err(|_| bad());
    Ok(Ulimit { name: name.to_owned(), soft: number(soft)?, hard: number(hard)? })
}

fn list<T>(value: &str, each: impl Fn(&str) -> Result<T>) -> Result<Vec<T>> {
    value.split(',').filter(|it| !it.is_empty()).map(each).collect()
}

fn number(name: &str, value: &str) -> Result<u64> {
    value.parse().map_err(|_| Error::invalid(format!("{name}: {value:?} is no number")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Result<Options> {
        let map = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        read(map, &HashMap::new(), false)
    }

    #[test]
    fn options_become_a_request() {
        let options = of(&[
            ("filename", "Other"),
            ("build-arg:A", "1"),
            ("label:l", "m"),
            ("no-cache", ""),
            ("image-resolve-mode", "local"),
            ("ulimit", "nofile=10:20,nproc=5"),
            ("add-hosts", "a=1.2.3.4,b=::1"),
            ("context:base", "docker-image://busybox"),
            ("context:src", "local:src"),
            ("vcs:source", "x"),
        ])
        .expect("options");
        let request = &options.request;
        assert_eq!((options.dockerfile.as_str(), request.arguments["A"].as_str()), ("Other", "1"));
        assert!(request.no_cache && !request.pull);
        assert_eq!(request.host.resources.ulimits[1].hard, 5);
        assert_eq!(request.host.extra_hosts, ["a:1.2.3.4", "b:::1"]);
        assert_eq!(request.contexts["base"], NamedContext::Image("busybox".into()));
        assert_eq!(options.named["src"], "src");
        assert_eq!(options.dockerfile_folder.as_deref(), Some("dockerfile"));
    }

    #[test]
    fn the_dockerfile_of_a_remote_context_is_in_it() {
        assert_eq!(of(&[("context", "https://x/y.git")]).expect("options").dockerfile_folder, None);
        let both = of(&[("context", "x"), ("dockerfilekey", "dockerfile")]).expect("options");
        assert_eq!(both.dockerfile_folder.as_deref(), Some("dockerfile"));
    }

    #[test]
    fn what_is_not_possible_is_said() {
        for (name, value, said) in [
            ("platform", "linux/amd64,linux/arm64", "several platforms"),
            ("force-network-mode", "host", "network.host"),
            ("force-network-mode", "web", "unknown network"),
            ("ulimit", "x", "invalid ulimit"),
            ("shm-size", "x", "is no number"),
            ("requestid", "frontend.outline", "only check is"),
            ("context:a", "oci-layout://x", "is not possible"),
            ("context:a", "input:x", "only BuildKit knows"),
        ] {
            let error = of(&[(name, value)]).expect_err(name);
            assert!(error.to_string().contains(said), "{name}: {error}");
        }
    }
}
