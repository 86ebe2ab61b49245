//! Steps on the new namespaces themselves: names, kernel parameters, the execution domain.

use super::InitContext;
use crate::error::{During, Error, Result};

pub(super) fn set_names(context: &mut InitContext) -> Result<()> {
    if let Some(name) = context.plan.hostname.as_ref().filter(|name| !name.is_empty()) {
        rustix::system::sethostname(name.as_bytes()).during(|| format!("set the host name {name:?}"))?;
    }
    if let Some(name) = context.plan.domainname.as_ref().filter(|name| !name.is_empty()) {
        rustix::system::setdomainname(name.as_bytes()).during(|| format!("set the domain name {name:?}"))?;
    }
    Ok(())
}

/// Kernel parameters are written through the host's procfs, which shows the namespaces of who looks.
pub(super) fn set_parameters(context: &mut InitContext) -> Result<()> {
    for (path, value) in &context.plan.sysctls {
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(Error::Invalid(format!("{path:?} is no name of a kernel parameter")));
        }
        context.process.write_proc(&format!("sys/{path}"), value)?;
    }
    Ok(())
}

pub(super) fn set_personality(context: &mut InitContext) -> Result<()> {
    match context.plan.personality {
        None => Ok(()),
        Some(domain) => sampan_sys::scheduling::set_personality(domain).during(|| "set the execution domain"),
    }
}
