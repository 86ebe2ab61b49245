//! Docker's configuration folder: `config.json` and the contexts.

pub(crate) mod contexts;
pub(crate) mod credentials;
mod file;

use std::path::PathBuf;

pub(crate) use file::ConfigFile;

use crate::session::Session;

/// The context that stands for `DOCKER_HOST` or the default socket.
pub(crate) const DEFAULT_CONTEXT: &str = "default";

/// The value of the `X-Registry-Auth` header for a registry: who is logged in there, or nobody.
pub(crate) fn registry_authentication(session: &Session, domain: &str) -> String {
    let server =
        if matches!(domain, "docker.io" | "index.docker.io") { credentials::DOCKER_REGISTRY } else { domain };
    credentials::Keychain::new(session).get(server).unwrap_or_default().header()
}

/// The user's home: `$HOME`, or the root folder.
pub(crate) fn home_directory() -> PathBuf {
    std::env::var_os("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from)
}

/// The name of the context in use: `--context`, else the default one when `-H` or `DOCKER_HOST` is set,
/// else `DOCKER_CONTEXT`, else that of `docker context use`.
pub(crate) fn current_context(session: &Session) -> String {
    let options = session.options();
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    if !options.context.is_empty() {
        return options.context.clone();
    }
    if !options.hosts.is_empty() || set("DOCKER_HOST").is_some() {
        return DEFAULT_CONTEXT.to_owned();
    }
    if let Some(context) = set("DOCKER_CONTEXT") {
        return context;
    }
    match session.config().text("currentContext") {
        "" => DEFAULT_CONTEXT.to_owned(),
        context => context.to_owned(),
    }
}
