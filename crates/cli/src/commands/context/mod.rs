//! `docker context`: the engines that the command line knows by name.

mod archive;
pub(super) mod create;
mod endpoint;
pub(super) mod export;
pub(super) mod import;
pub(super) mod inspect;
pub(super) mod list;
pub(super) mod remove;
pub(super) mod show;
pub(super) mod switch;
pub(super) mod update;

use crate::config::contexts::{Store, check_name};
use crate::failure::Result;
use crate::flags::quote;

/// Whether a context of this name can be made.
fn check_new(store: &Store<'_>, name: &str) -> Result<()> {
    check_name(name)?;
    if store.metadata_folder(name).join("meta.json").exists() {
        return Err(format!("context {} already exists", quote(name)).into());
    }
    Ok(())
}

/// Whether the environment overrides what `context use` says.
fn overridden() -> bool {
    std::env::var_os("DOCKER_HOST").is_some_and(|host| !host.is_empty())
}
