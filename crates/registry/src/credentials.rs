//! Who somebody is to a registry.

use serde::{Deserialize, Serialize};

/// What a client sends in `X-Registry-Auth` and to `POST /auth` (Docker's `AuthConfig`). All empty is anonymous.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Credentials {
    /// The user's name.
    pub username: String,
    /// The user's password, or an access token in its place.
    pub password: String,
    /// The registry as the client's configuration calls it.
    #[serde(rename = "serveraddress")]
    pub server: String,
    /// A refresh token of OAuth 2, in place of user and password.
    #[serde(rename = "identitytoken")]
    pub identity_token: String,
    /// A bearer token that is sent as it is.
    #[serde(rename = "registrytoken")]
    pub registry_token: String,
}

impl Credentials {
    /// Whether nothing is known of the caller.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.username.is_empty() && self.identity_token.is_empty() && self.registry_token.is_empty()
    }
}

impl std::fmt::Debug for Credentials {
    /// Without secrets: it may reach a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}
