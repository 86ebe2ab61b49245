//! Which version of the API is spoken, and what the engine says of itself in the handshake.

use super::{Body, Client};
use crate::failure::Result;

/// The newest version of the API that this client speaks.
pub(crate) const MAXIMUM_API_VERSION: &str = "1.51";
/// What an engine speaks that does not say.
const ASSUMED_API_VERSION: &str = "1.24";

/// The header by which Sampan says its own version beside Docker's.
const OWN_VERSION_HEADER: &str = "sampan-version";

/// Says, once, that the daemon is of another version than this command line.
pub(super) fn note_other_build(header: &dyn Fn(&str) -> Option<String>) {
    static SAID: std::sync::Once = std::sync::Once::new();
    let ours = env!("CARGO_PKG_VERSION");
    if let Some(theirs) = header(OWN_VERSION_HEADER)
        && theirs != ours
    {
        SAID.call_once(|| {
            eprintln!(
                "sampan: the daemon is version {theirs} and this command line is version {ours}: restart the daemon"
            );
        });
    }
}

/// What the headers of `/_ping` say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ping {
    /// The newest version of the API that the engine speaks; empty when it does not say.
    pub(crate) api_version: String,
    /// The engine is Sampan.
    pub(crate) own_engine: bool,
}

impl Client {
    /// Asks the engine who it is, once.
    ///
    /// # Errors
    /// No engine can be reached.
    pub(crate) fn ping(&self) -> Result<&Ping> {
        if let Some(ping) = self.ping.get() {
            return Ok(ping);
        }
        let mut response = self.exchange("HEAD", "/_ping", &[], Body::None)?;
        if response.status() != 200 && response.status() != 500 {
            // Engines before API 1.40 and some proxies know only GET.
            response = self.exchange("GET", "/_ping", &[], Body::None)?;
        }
        let text = |name| response.header(name).unwrap_or_default().to_owned();
        let ping = Ping {
            api_version: text("api-version"),
            own_engine: response.header(OWN_VERSION_HEADER).is_some()
                || text("server").starts_with("Sampan/"),
        };
        let _ = response.discard();
        Ok(self.ping.get_or_init(|| ping))
    }

    /// The version that is put before every path: `DOCKER_API_VERSION`, else the newest that both
    /// sides speak. With the own engine at the default socket no question is asked.
    pub(crate) fn api_version(&self) -> &str {
        self.version.get_or_init(|| {
            if let Ok(fixed) = std::env::var("DOCKER_API_VERSION")
                && !fixed.is_empty()
            {
                return fixed.trim_start_matches('v').to_owned();
            }
            if self.endpoint.is_own_default() {
                return MAXIMUM_API_VERSION.to_owned();
            }
            let offered = match self.ping() {
                Ok(ping) if ping.api_version.is_empty() => ASSUMED_API_VERSION,
                Ok(ping) => &ping.api_version,
                Err(_) => MAXIMUM_API_VERSION,
            };
            if at_least(offered, MAXIMUM_API_VERSION) { MAXIMUM_API_VERSION } else { offered }.to_owned()
        })
    }

    /// Whether the version spoken is this one or newer.
    pub(crate) fn speaks(&self, version: &str) -> bool {
        at_least(self.api_version(), version)
    }
}

/// Whether a version (`1.44`) is another one or newer.
pub(crate) fn at_least(version: &str, minimum: &str) -> bool {
    let numbers =
        |text: &str| -> Vec<u32> { text.split('.').map(|part| part.parse().unwrap_or(0)).collect() };
    numbers(version) >= numbers(minimum)
}
