//! The registry between the user and the cluster, and how it is logged in to.

use crate::manifests::Login;
use crate::names;
use crate::settings::Settings;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sampan_provider::{Failure, RegistryAccess, Result};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where credentials of a registry are looked for.
#[derive(Debug, Clone)]
pub(crate) struct Logins {
    user: Option<String>,
    password: Option<Hidden>,
    files: Vec<PathBuf>,
}

/// Not for any log.
#[derive(Clone)]
struct Hidden(String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl Logins {
    /// `SAMPAN_REGISTRY_USER` and `SAMPAN_REGISTRY_PASSWORD`, or the file of `docker login`; nothing is read yet.
    pub(crate) fn of(environment: &BTreeMap<String, String>) -> Self {
        let named = |name: &str| {
            let given = environment.get(name).cloned().or_else(|| std::env::var(name).ok());
            given.filter(|value| !value.is_empty())
        };
        let own = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let files = [
            named("SAMPAN_REGISTRY_CONFIG").map(PathBuf::from),
            own("DOCKER_CONFIG").map(|folder| folder.join("config.json")),
            own("HOME").map(|home| home.join(".docker/config.json")),
        ];
        Self {
            user: named("SAMPAN_REGISTRY_USER"),
            password: named("SAMPAN_REGISTRY_PASSWORD").map(Hidden),
            files: files.into_iter().flatten().collect(),
        }
    }

    /// The login of a host; `None` when it is read by everybody, as far as is known here.
    pub(crate) async fn find(&self, host: &str) -> Option<Login> {
        if let (Some(user), Some(password)) = (&self.user, &self.password) {
            return Some(Login { host: host.to_owned(), user: user.clone(), password: password.0.clone() });
        }
        for file in &self.files {
            let Ok(text) = tokio::fs::read(file).await else { continue };
            let found = serde_json::from_slice(&text).ok().and_then(|config| login(&config, host));
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

/// The login of a host in a configuration of `docker login`.
fn login(config: &Value, host: &str) -> Option<Login> {
    let auth = config["auths"][host]["auth"].as_str()?;
    let pair = String::from_utf8(STANDARD.decode(auth).ok()?).ok()?;
    let (user, password) = pair.split_once(':')?;
    Some(Login { host: host.to_owned(), user: user.to_owned(), password: password.to_owned() })
}

/// Where the image of a service goes.
///
/// # Errors
/// The target has no registry.
pub(crate) async fn access(service: &str, settings: &Settings, logins: &Logins) -> Result<RegistryAccess> {
    let Some((host, prefix)) = &settings.registry else { return Err(Failure::invalid("registry", MISSING)) };
    let login = logins.find(host).await;
    let (user, password) = login.map(|login| (login.user, login.password)).unwrap_or_default();
    let name = names::object(service);
    let repository = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
    Ok(RegistryAccess { host: host.clone(), repository, user, password, insecure: false })
}

/// What is missing without one.
pub(crate) const MISSING: &str = "images come to a cluster through a registry that its nodes reach: give the target \
    `-o registry=HOST/PREFIX`";

#[cfg(test)]
mod tests {
    use super::{Logins, access};
    use crate::settings::Settings;
    use std::collections::BTreeMap;

    #[tokio::test]
    async fn a_login_is_found_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        std::fs::write(&file, r#"{"auths":{"reg.example":{"auth":"bWU6aHVudGVyMg=="}}}"#).unwrap();
        let named = [("SAMPAN_REGISTRY_CONFIG".to_owned(), file.display().to_string())];
        let logins = Logins::of(&BTreeMap::from(named));
        let settings =
            Settings { registry: Some(("reg.example".to_owned(), "shop".to_owned())), ..Settings::default() };
        let found = access("web", &settings, &logins).await.unwrap();
        assert_eq!(
            (found.repository.as_str(), found.user.as_str(), found.password.as_str()),
            ("shop/web", "me", "hunter2")
        );
        assert!(!format!("{found:?}{:?}{logins:?}", logins.find("reg.example").await).contains("hunter2"));
        assert_eq!(logins.find("other.example").await, None);
        assert!(access("web", &Settings::default(), &logins).await.is_err());
    }
}
