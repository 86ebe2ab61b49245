//! What this program says of itself in `version` and `info`.

use crate::commands::platform::own_architecture;
use crate::config::current_context;
use crate::format::schema::{NamedValue, Record};
use crate::format::value::Value;
use crate::session::Session;

/// The version that is shown by the name `docker`, whose command line this is: scripts compare it.
const DOCKER_VERSION: &str = "28.5.2";

/// The client's part of `version` and `info`.
pub(crate) struct ClientVersion {
    /// What stands after `Client:`.
    pub(crate) platform: String,
    /// This program's version, or Docker's when it was called by that name.
    pub(crate) version: String,
    /// The version of the API that is spoken; empty when that is not known yet.
    pub(crate) api_version: String,
    /// The newest version of the API that could be spoken.
    pub(crate) default_api_version: String,
    /// The commit this was built from.
    pub(crate) commit: String,
    /// The language's version; the key is called after Docker's.
    pub(crate) language: String,
    /// When this was built.
    pub(crate) built: String,
    /// The context in use.
    pub(crate) context: String,
}

impl ClientVersion {
    /// Without the API version, which takes a connection.
    pub(crate) fn new(session: &Session) -> Self {
        let own = env!("CARGO_PKG_VERSION");
        let as_docker = session.name() == "docker";
        Self {
            platform: if as_docker { format!("Sampan {own}") } else { "Sampan".into() },
            version: if as_docker { DOCKER_VERSION.into() } else { own.into() },
            api_version: String::new(),
            default_api_version: crate::client::MAXIMUM_API_VERSION.into(),
            commit: option_env!("SAMPAN_COMMIT").unwrap_or("unknown").into(),
            language: concat!("rustc ", env!("CARGO_PKG_RUST_VERSION")).into(),
            built: option_env!("SAMPAN_BUILT").unwrap_or("unknown").into(),
            context: current_context(session),
        }
    }

    /// The fields in Docker's order, as templates and `json` see them.
    pub(crate) fn fields(&self) -> Vec<NamedValue> {
        let text = |text: &str| Value::text(text);
        let platform = Record::of(
            "system.platformInfo",
            vec![NamedValue::optional("Name", "Name", text(&self.platform))],
        );
        vec![
            NamedValue::optional("Platform", "Platform", platform),
            NamedValue::optional("Version", "Version", text(&self.version)),
            NamedValue::optional("APIVersion", "ApiVersion", text(&self.api_version)),
            NamedValue::optional("DefaultAPIVersion", "DefaultAPIVersion", text(&self.default_api_version)),
            NamedValue::optional("GitCommit", "GitCommit", text(&self.commit)),
            NamedValue::optional("GoVersion", "GoVersion", text(&self.language)),
            NamedValue::optional("Os", "Os", text("linux")),
            NamedValue::optional("Arch", "Arch", text(own_architecture())),
            NamedValue::optional("BuildTime", "BuildTime", text(&self.built)),
            NamedValue::new("Context", "Context", text(&self.context)),
        ]
    }
}
