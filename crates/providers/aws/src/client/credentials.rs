//! Who is asking: the usual places in the usual order, with the asker's environment before this process's own.

use bytes::Bytes;
use reqsign_aws_v4::{Credential, DefaultCredentialProvider};
use reqsign_core::{
    CommandExecute, CommandOutput, Context, Env, Error, FileRead, HttpSend, ProvideCredential, Result,
};
use sampan_provider::Failure;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long the metadata addresses of a cloud's machine may take: from elsewhere nobody answers there.
const METADATA: Duration = Duration::from_secs(1);
/// How long any other place of credentials may take.
const ELSEWHERE: Duration = Duration::from_secs(20);

/// How variables begin that say nothing of who is asking.
const NEUTRAL: [&str; 8] = [
    "AWS_REGION",
    "AWS_DEFAULT_",
    "AWS_ENDPOINT_URL",
    "AWS_CA_BUNDLE",
    "AWS_PAGER",
    "AWS_MAX_ATTEMPTS",
    "AWS_RETRY_MODE",
    "AWS_USE_",
];

const MISSING: &str = "there are no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run \
    `aws configure`; to try it without an account, `sampan cloudsim up`";

/// Finds credentials, and keeps them until they end.
pub(super) struct Credentials {
    context: Context,
    chain: DefaultCredentialProvider,
    known: Mutex<Option<Credential>>,
}

impl Credentials {
    /// Looks nowhere yet.
    pub(super) fn new(http: reqwest::Client, environment: &BTreeMap<String, String>) -> Self {
        let context = Context::new()
            .with_file_read(Files)
            .with_http_send(Http(http))
            .with_env(Environment(environment.clone()))
            .with_command_execute(Commands);
        Self { context, chain: DefaultCredentialProvider::new(), known: Mutex::new(None) }
    }

    /// The context that a signature is made in.
    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// Those of now.
    pub(super) async fn get(&self) -> sampan_provider::Result<Credential> {
        let mut known = self.known.lock().await;
        if let Some(credential) = known.as_ref().filter(|credential| lasts(credential)) {
            return Ok(credential.clone());
        }
        let (found, why) = match self.chain.provide_credential(&self.context).await {
            Ok(found) => (found.filter(|found| !found.access_key_id.is_empty()), String::new()),
            // What the chain says may name files and hosts, never a key.
            Err(error) => (None, format!(" (what was found cannot be used: {error})")),
        };
        let found = found.ok_or_else(|| Failure::Unauthenticated(format!("{MISSING}{why}")))?;
        *known = Some(found.clone());
        Ok(found)
    }

    /// What was known has ended.
    pub(super) async fn forget(&self) {
        *self.known.lock().await = None;
    }
}

/// A minute more is enough for a call.
fn lasts(credential: &Credential) -> bool {
    let soon = reqsign_core::time::Timestamp::now() + Duration::from_secs(60);
    credential.expires_in.is_none_or(|end| end > soon)
}

#[derive(Debug)]
struct Files;

impl FileRead for Files {
    async fn file_read(&self, path: &str) -> Result<Vec<u8>> {
        let read = tokio::fs::read(path).await;
        read.map_err(|error| Error::unexpected("the file cannot be read").with_source(error))
    }
}

#[derive(Debug)]
struct Http(reqwest::Client);

impl HttpSend for Http {
    async fn http_send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>> {
        let link_local = request
            .uri()
            .host()
            .is_some_and(|host| host.starts_with("169.254.") || host.contains("fd00:ec2"));
        let failed =
            |error: reqwest::Error| Error::unexpected("nobody answers").with_source(error.without_url());
        let mut request = reqwest::Request::try_from(request).map_err(failed)?;
        *request.timeout_mut() = Some(if link_local { METADATA } else { ELSEWHERE });
        let answer = self.0.execute(request).await.map_err(failed)?;
        let mut response = http::Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            headers.clone_from(answer.headers());
        }
        let body = answer.bytes().await.map_err(failed)?;
        response.body(body).map_err(|error| Error::unexpected("the answer is no answer").with_source(error))
    }
}

/// `credential_process` of a profile.
#[derive(Debug)]
struct Commands;

impl CommandExecute for Commands {
    async fn command_execute<'a>(
        &'a self,
        program: &'a str,
        arguments: &'a [&'a str],
    ) -> Result<CommandOutput> {
        let run = tokio::process::Command::new(program).args(arguments).kill_on_drop(true).output();
        let output = tokio::time::timeout(ELSEWHERE, run)
            .await
            .map_err(|_| Error::unexpected("the credential process takes too long"))?
            .map_err(|error| Error::unexpected("the credential process cannot be run").with_source(error))?;
        Ok(CommandOutput {
            status: output.status.code().unwrap_or(1),
            stdout: output.stdout,
            stderr: output.stderr,
        })
    }
}

/// The asker's environment, then this process's. Its values are never printed.
struct Environment(BTreeMap<String, String>);

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Environment")
    }
}

impl Environment {
    /// An asker who says anything of its own about who it is never gets another's key, token or profile.
    fn own(&self) -> bool {
        let tells =
            |name: &&String| name.starts_with("AWS_") && !NEUTRAL.iter().any(|it| name.starts_with(it));
        self.0.keys().any(|name| tells(&name))
    }
}

impl Env for Environment {
    fn var(&self, key: &str) -> Option<String> {
        self.vars().remove(key)
    }

    fn vars(&self) -> HashMap<String, String> {
        let own = self.own();
        let process = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let mut all: HashMap<String, String> =
            process.filter(|(name, _)| !(own && name.starts_with("AWS_"))).collect();
        all.extend(self.0.clone());
        all
    }

    fn home_dir(&self) -> Option<PathBuf> {
        self.var("HOME").map(PathBuf::from)
    }
}

#[cfg(test)]
mod tests {
    use super::Environment;

    #[test]
    fn an_asker_who_says_who_it_is_gets_nothing_of_the_daemons() {
        let own = |names: &[&str]| {
            Environment(names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect()).own()
        };
        for name in [
            "AWS_ACCESS_KEY_ID",
            "AWS_PROFILE",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_ROLE_ARN",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_CONFIG_FILE",
        ] {
            assert!(own(&[name]), "{name}");
        }
        assert!(!own(&[
            "AWS_REGION",
            "AWS_DEFAULT_REGION",
            "AWS_ENDPOINT_URL_S3",
            "AWS_CA_BUNDLE",
            "KUBECONFIG"
        ]));
    }
}
