//! A thin client of AWS: signed requests over HTTPS, asked again where that may help, in the protocols of its services.

mod credentials;
mod errors;
mod query;
mod send;
mod xml;

pub(crate) use query::Form;
pub(crate) use xml::Node;

use credentials::Credentials;
use reqwest::Method;
use sampan_provider::{Failure, Result, Target};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// One service of AWS: how it is addressed, and in what its requests are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Api {
    /// In a host name: `ecs` of `ecs.eu-west-1.amazonaws.com`.
    pub(crate) host: &'static str,
    /// In a signature.
    pub(crate) signed_as: &'static str,
    /// Before the operation in `X-Amz-Target`, or the version of a query.
    pub(crate) target: &'static str,
    /// `application/x-amz-json-` this.
    pub(crate) json: &'static str,
    /// One for all regions, at a host without one.
    pub(crate) global: bool,
}

impl Api {
    /// A service that speaks JSON 1.1.
    pub(crate) const fn json(host: &'static str, signed_as: &'static str, target: &'static str) -> Self {
        Self { host, signed_as, target, json: "1.1", global: false }
    }

    /// A service that speaks queries and XML.
    pub(crate) const fn query(host: &'static str, version: &'static str) -> Self {
        Self { host, signed_as: host, target: version, json: "", global: false }
    }
}

/// Speaks to AWS for one target.
pub(crate) struct Client {
    http: reqwest::Client,
    credentials: Credentials,
    /// The region that is worked in.
    pub(crate) region: String,
    endpoint: Option<String>,
}

impl Client {
    /// Asks nobody yet.
    pub(crate) fn new(target: &Target, environment: &BTreeMap<String, String>) -> Result<Self> {
        let named = |name: &str| environment.get(name).cloned().or_else(|| std::env::var(name).ok());
        let region = Some(target.region.clone()).filter(|region| !region.is_empty());
        let region = region.or_else(|| named("AWS_REGION")).or_else(|| named("AWS_DEFAULT_REGION"));
        let region = region.ok_or_else(|| {
            Failure::invalid(
                "region",
                format!("target {} has no region: give it one with `--region`", target.name),
            )
        })?;
        if !region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(Failure::invalid("region", format!("{region:?} is no region of AWS")));
        }
        let endpoint = Some(target.endpoint.trim_end_matches('/').to_owned()).filter(|text| !text.is_empty());
        if endpoint.as_ref().is_some_and(|url| reqwest::Url::parse(url).is_err()) {
            return Err(Failure::invalid(
                "endpoint",
                "the target's endpoint is no URL: it begins with https://",
            ));
        }
        let http = http()?;
        let credentials = Credentials::new(http.clone(), environment);
        Ok(Self { http, credentials, region, endpoint })
    }

    /// Where a service is.
    fn address(&self, api: Api) -> String {
        let suffix = if self.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        match &self.endpoint {
            Some(endpoint) => endpoint.clone(),
            None if api.global => format!("https://{}.{suffix}", api.host),
            None if api.host == "api.ecr" || !self.region.is_empty() => {
                format!("https://{}.{}.{suffix}", api.host, self.region)
            }
            None => format!("https://{}.{suffix}", api.host),
        }
    }

    /// One operation of a service that speaks JSON.
    pub(crate) async fn json(&self, api: Api, operation: &str, body: &Value) -> Result<Value> {
        let request = send::Request {
            method: Method::POST,
            path: "/".to_owned(),
            kind: format!("application/x-amz-json-{}", api.json),
            target: Some(format!("{}.{operation}", api.target)),
            body: body.to_string(),
        };
        parsed(api, &self.send(api, operation, &request).await?)
    }

    /// One operation of a service that speaks queries and XML.
    pub(crate) async fn query(&self, api: Api, operation: &str, form: Form) -> Result<Node> {
        let request = send::Request {
            method: Method::POST,
            path: "/".to_owned(),
            kind: "application/x-www-form-urlencoded; charset=utf-8".to_owned(),
            target: None,
            body: form.encode(operation, api.target),
        };
        let answer = self.send(api, operation, &request).await?;
        Node::parse(&answer).ok_or_else(|| errors::unreadable(api))
    }

    /// One operation of a service that has a path for each thing.
    pub(crate) async fn rest(
        &self,
        api: Api,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value> {
        let request = send::Request {
            method,
            path: path.to_owned(),
            kind: "application/json".to_owned(),
            target: None,
            body: body.map(Value::to_string).unwrap_or_default(),
        };
        parsed(api, &self.send(api, path, &request).await?)
    }
}

fn parsed(api: Api, text: &str) -> Result<Value> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(text).map_err(|_| errors::unreadable(api))
}

/// Rustls with ring, and who this machine trusts.
fn http() -> Result<reqwest::Client> {
    let cannot = |error: &dyn std::fmt::Display| Failure::Transport(format!("TLS cannot be used: {error}"));
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let mut tls =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| cannot(&error))?
            .with_root_certificates(roots)
            .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_secs(60))
        .user_agent(concat!("sampan/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| cannot(&error))
}
