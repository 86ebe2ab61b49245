//! A create body becomes a specification.

use super::{endpoint, host, process, version_rules};
use crate::containers::wire::CreateBody;
use crate::http::Version;
use sampan_engine::spec::ContainerSpec;
use sampan_error::Result;

/// The specification of a create body, as a client of this version means it, and warnings.
///
/// # Errors
/// A value that cannot be, or a field that cannot be honoured, by its name.
pub(crate) fn spec(
    body: CreateBody,
    platform: Option<String>,
    version: Version,
) -> Result<(ContainerSpec, Vec<String>)> {
    let (mut config, mut host, mut networking) = body.into_parts();
    let mut warnings = Vec::new();
    version_rules::apply(&mut config, &mut host, &mut networking, version, &mut warnings)?;
    let mac_address = std::mem::take(&mut config.mac_address);
    let image = std::mem::take(&mut config.image);
    let host = host::options(host, version)?;
    let mut networks = endpoint::requests(networking)?;
    endpoint::place_mac_address(mac_address, &host, &mut networks, version, &mut warnings)?;
    let platform = platform.filter(|platform| !platform.is_empty() && version >= Version(41));
    let spec = ContainerSpec { image, platform, process: process::process(config)?, host, networks };
    Ok((spec, warnings))
}

#[cfg(test)]
mod tests;
