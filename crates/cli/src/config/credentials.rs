//! Who is logged in where: in `config.json`, or kept by a credential helper (`docker-credential-NAME`).

use std::io::Write;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::{Map, Value as Json, json};

use crate::failure::{Failure, Result};
use crate::session::Session;

/// The key of Docker's own registry.
pub(crate) const DOCKER_REGISTRY: &str = "https://index.docker.io/v1/";
/// The user name under which helpers keep a token instead of a password.
const TOKEN_USER: &str = "<token>";

/// What identifies somebody to a registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) identity_token: String,
    pub(crate) registry_token: String,
    /// The registry, as the configuration calls it.
    pub(crate) server: String,
}

impl Credentials {
    /// The API's `AuthConfig`.
    pub(crate) fn json(&self) -> Json {
        let mut json = Map::new();
        for (key, value) in [
            ("username", &self.username),
            ("password", &self.password),
            ("serveraddress", &self.server),
            ("identitytoken", &self.identity_token),
            ("registrytoken", &self.registry_token),
        ] {
            if !value.is_empty() {
                json.insert(key.into(), value.as_str().into());
            }
        }
        Json::Object(json)
    }

    /// The value of the `X-Registry-Auth` header.
    pub(crate) fn header(&self) -> String {
        URL_SAFE.encode(self.json().to_string())
    }
}

/// The credentials of the configuration.
pub(crate) struct Keychain<'a> {
    session: &'a Session,
}

impl<'a> Keychain<'a> {
    /// The keychain of the session's configuration.
    pub(crate) fn new(session: &'a Session) -> Self {
        Self { session }
    }

    /// The helper for a registry: its own of `credHelpers`, else `credsStore`.
    fn helper(&self, server: &str) -> Option<String> {
        let config = self.session.config();
        let own = config.value("credHelpers").and_then(|helpers| helpers.get(server)).and_then(Json::as_str);
        let helper = own.unwrap_or_else(|| config.text("credsStore"));
        Some(helper.to_string()).filter(|helper| !helper.is_empty())
    }

    /// The credentials for a registry, empty when there are none.
    ///
    /// # Errors
    /// The helper fails.
    pub(crate) fn get(&self, server: &str) -> Result<Credentials> {
        match self.helper(server) {
            Some(helper) => from_helper(&helper, server),
            None => Ok(self.in_file(server)),
        }
    }

    fn in_file(&self, server: &str) -> Credentials {
        let Some(accounts) = self.session.config().value("auths").and_then(Json::as_object) else {
            return Credentials::default();
        };
        let exact = accounts.get_key_value(server);
        let found = exact.or_else(|| accounts.iter().find(|(key, _)| host_name(key) == server));
        found.map(|(key, account)| read_account(key, account)).unwrap_or_default()
    }

    /// Keeps credentials, in the helper or else in the file, with a warning that this is plain text.
    ///
    /// # Errors
    /// The helper fails or the file cannot be written.
    pub(crate) fn store(&self, credentials: &Credentials) -> Result<()> {
        let mut account = Map::new();
        if let Some(helper) = self.helper(&credentials.server) {
            let token = !credentials.identity_token.is_empty();
            let request = json!({
                "ServerURL": credentials.server,
                "Username": if token { TOKEN_USER } else { &credentials.username },
                "Secret": if token { &credentials.identity_token } else { &credentials.password },
            });
            call(&helper, "store", &request.to_string())?;
            return self.save_account(&credentials.server, Some(Json::Object(account)));
        }
        if self.in_file(&credentials.server) == *credentials {
            return Ok(());
        }
        let pair = format!("{}:{}", credentials.username, credentials.password);
        account.insert("auth".into(), STANDARD.encode(pair).into());
        if !credentials.identity_token.is_empty() {
            account.insert("identitytoken".into(), credentials.identity_token.as_str().into());
        }
        self.save_account(&credentials.server, Some(Json::Object(account)))?;
        if !credentials.password.is_empty() {
            let file = self.session.config_directory().join("config.json");
            eprintln!(
                "\nWARNING! Your credentials are stored unencrypted in '{}'.\nConfigure a credential helper to \
                 remove this warning. See\nhttps://docs.docker.com/go/credential-store/\n",
                file.display()
            );
        }
        Ok(())
    }

    /// Forgets the credentials for each of these names of a registry. The failures come back by name.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn erase(&self, servers: &[String]) -> Result<Vec<(String, Failure)>> {
        let mut failures = Vec::new();
        for server in servers {
            if let Some(helper) = self.helper(server)
                && let Err(failure) = call(&helper, "erase", server)
            {
                failures.push((server.clone(), failure));
            }
        }
        let mut accounts = self.accounts();
        let before = accounts.len();
        accounts.retain(|key, _| !servers.contains(key));
        if accounts.len() != before {
            self.session.config().save_value("auths", Json::Object(accounts))?;
        }
        Ok(failures)
    }

    fn accounts(&self) -> Map<String, Json> {
        self.session.config().value("auths").and_then(Json::as_object).cloned().unwrap_or_default()
    }

    fn save_account(&self, server: &str, account: Option<Json>) -> Result<()> {
        let mut accounts = self.accounts();
        match account {
            Some(account) => accounts.insert(server.into(), account),
            None => accounts.remove(server),
        };
        self.session.config().save_value("auths", Json::Object(accounts))
    }
}

/// An entry of `auths`: the user and the password are in `auth`, in base64.
fn read_account(server: &str, account: &Json) -> Credentials {
    let text = |key: &str| account.get(key).and_then(Json::as_str).unwrap_or_default().to_string();
    let mut credentials = Credentials {
        username: text("username"),
        password: text("password"),
        identity_token: text("identitytoken"),
        registry_token: text("registrytoken"),
        server: server.into(),
    };
    let decoded = STANDARD.decode(text("auth")).unwrap_or_default();
    if let Some((user, password)) = String::from_utf8_lossy(&decoded).split_once(':') {
        credentials.username = user.into();
        credentials.password = password.trim_matches('\0').into();
    }
    credentials
}

/// The registry's name without scheme and path.
pub(crate) fn host_name(server: &str) -> &str {
    let stripped = server.split_once("://").map_or(server, |(_, rest)| rest);
    stripped.split('/').next().unwrap_or_default()
}

fn from_helper(helper: &str, server: &str) -> Result<Credentials> {
    let answer = match call(helper, "get", server) {
        Ok(answer) => answer,
        Err(failure) if failure.to_string().contains("credentials not found in native keychain") => {
            return Ok(Credentials { server: server.into(), ..Credentials::default() });
        }
        Err(failure) => return Err(failure),
    };
    let answer: Json = serde_json::from_str(&answer)?;
    let text = |key: &str| answer.get(key).and_then(Json::as_str).unwrap_or_default().to_string();
    let mut credentials = Credentials { server: server.into(), ..Credentials::default() };
    if text("Username") == TOKEN_USER {
        credentials.identity_token = text("Secret");
    } else {
        credentials.username = text("Username");
        credentials.password = text("Secret");
    }
    Ok(credentials)
}

/// Runs a helper: the request on its stdin, the answer (or the error) on its stdout.
fn call(helper: &str, action: &str, request: &str) -> Result<String> {
    let program = format!("docker-credential-{helper}");
    let mut child = Command::new(&program)
        .arg(action)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|error| {
            let reason = match error.kind() {
                std::io::ErrorKind::NotFound => "executable file not found in $PATH".to_string(),
                _ => super::contexts::system_words(&error),
            };
            let what = match action {
                "get" => "getting",
                "store" => "storing",
                _ => "erasing",
            };
            Failure::message(format!(
                "error {what} credentials - err: exec: \"{program}\": {reason}, out: ``"
            ))
        })?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read its request says why by its status.
        let _ = stdin.write_all(request.as_bytes());
    }
    let output = child.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_string();
    if output.status.success() {
        return Ok(text);
    }
    let what = match action {
        "get" => "getting",
        "store" => "storing",
        _ => "erasing",
    };
    let status = output.status.code().map_or_else(|| "signal".into(), |code| code.to_string());
    Err(Failure::message(format!("error {what} credentials - err: exit status {status}, out: `{text}`")))
}
