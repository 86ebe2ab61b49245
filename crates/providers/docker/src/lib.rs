//! Any Docker engine as a place for containers: over a unix socket, TCP, TLS or ssh.
//!
//! A service is a container of that name; its other replicas are called `web-2`, `web-3`, …. Labels say what belongs
//! together, so that every machine that asks sees the same. The one before the last deployment is kept, stopped, as
//! `web.before`. Where the engine is Sampan, its own routes do what plain Docker cannot: several replicas behind one port.

mod body;
mod deploy;
mod describe;
mod engine;
mod failure;
mod images;
mod logs;
mod losses;
mod provider;
mod seed;
mod usage;

use sampan_engine_client::{Address, Certificates, Client};
use sampan_provider::{Failure, Provider, Result, Target};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// The engine that a target's endpoint names: `unix://`, `tcp://` (with the options `ca`, `cert` and `key`, files, over TLS)
/// or `ssh://`. The option `address` says where its published ports are reached when that is not the endpoint's host.
///
/// # Errors
/// The endpoint is none.
pub fn connect(target: &Target, _environment: &BTreeMap<String, String>) -> Result<Arc<dyn Provider>> {
    let file = |name: &str| target.option(name).map(PathBuf::from);
    let identity = match (file("cert"), file("key")) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => return Err(Failure::invalid("cert", "a certificate needs its key: give both `cert` and `key`")),
    };
    let authority = file("ca");
    let encrypted = authority.is_some() || identity.is_some() || target.endpoint.starts_with("https://");
    let certificates = encrypted.then_some(Certificates { authority, identity });
    if target.endpoint.is_empty() {
        return Err(Failure::invalid(
            "endpoint",
            "a Docker engine has an address: `--endpoint ssh://HOST`, `tcp://HOST:PORT` or `unix:///PATH`",
        ));
    }
    let address = Address::parse(&target.endpoint, certificates)
        .map_err(|failure| Failure::invalid("endpoint", failure.to_string()))?;
    let published = target.option("address").map(str::to_owned);
    Ok(Arc::new(engine::Docker::new(Client::new(address), published)))
}
