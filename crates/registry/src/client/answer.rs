//! A registry's answer: its body within a limit, its error as ours.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::{Response, StatusCode};
use serde::Deserialize;

use super::error::RegistryError;

/// Most bytes of an error's body that are read.
const LARGEST_ERROR: u64 = 64 << 10;
/// Longest part of a sentence that is no JSON which is shown.
const LONGEST_SENTENCE: usize = 300;
/// Longest time that a registry may ask us to wait and be obeyed.
const LONGEST_AFTER: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
struct Errors {
    #[serde(default)]
    errors: Vec<Coded>,
    /// As token servers and some front ends write it.
    #[serde(default, alias = "error_description", alias = "message")]
    details: Option<String>,
}

#[derive(Deserialize)]
struct Coded {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// The whole body, if it is not longer than the limit.
pub(crate) async fn body(
    host: &str,
    mut response: Response,
    limit: u64,
    what: &str,
) -> Result<Bytes, RegistryError> {
    let too_large = || RegistryError::TooLarge { host: host.to_owned(), what: what.to_owned(), limit };
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| interrupted(host, &error))? {
        if body.len() as u64 + chunk.len() as u64 > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// The error that an answer is, which is not one of success.
pub(crate) async fn refusal(host: &str, response: Response) -> RegistryError {
    let status = response.status();
    let after = retry_after(&response);
    let body = body(host, response, LARGEST_ERROR, "an error").await.unwrap_or_default();
    let (code, message) = sentence(&body, status);
    let host = host.to_owned();
    let or = |fallback: &str| if code.is_empty() { fallback.to_owned() } else { code.clone() };
    match status {
        StatusCode::UNAUTHORIZED => RegistryError::Unauthorized { code: or("UNAUTHORIZED"), message },
        StatusCode::FORBIDDEN => RegistryError::Denied { code: or("DENIED"), message },
        StatusCode::NOT_FOUND => RegistryError::NotFound { code, message },
        StatusCode::TOO_MANY_REQUESTS => {
            RegistryError::TooMany { host, code: or("TOOMANYREQUESTS"), message, after }
        }
        StatusCode::REQUEST_TIMEOUT => {
            RegistryError::Broken { host, status: status.to_string(), message, after }
        }
        _ if status.is_server_error() => {
            RegistryError::Broken { host, status: status.to_string(), message, after }
        }
        _ => RegistryError::Rejected { host, status: status.to_string(), code, message },
    }
}

fn sentence(body: &[u8], status: StatusCode) -> (String, String) {
    if let Ok(errors) = serde_json::from_slice::<Errors>(body) {
        if let Some(first) = errors.errors.into_iter().next() {
            return (first.code, first.message);
        }
        if let Some(details) = errors.details {
            return (String::new(), details);
        }
    }
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.is_empty() || text.starts_with('<') {
        return (
            String::new(),
            status.canonical_reason().unwrap_or("an error without a name").to_lowercase(),
        );
    }
    let first: String = text.lines().next().unwrap_or_default().chars().take(LONGEST_SENTENCE).collect();
    (String::new(), first)
}

/// `Retry-After` in seconds (RFC 9110, 10.2.3); the date form is not used by registries.
fn retry_after(response: &Response) -> Option<Duration> {
    let header = response.headers().get(reqwest::header::RETRY_AFTER)?.to_str().ok()?;
    Some(Duration::from_secs(header.trim().parse().ok()?).min(LONGEST_AFTER))
}

/// A failure before an answer began.
pub(crate) fn unreachable(host: &str, error: &reqwest::Error) -> RegistryError {
    let host = host.to_owned();
    if error.is_timeout() {
        return RegistryError::Silent { host, reason: innermost(error) };
    }
    // HTTP/2 keeps of an alert only its text.
    let alert = || Some(innermost(error)).filter(|text| text.contains("fatal alert"));
    if let Some(reason) = causes(error).find_map(distrust).or_else(alert) {
        return RegistryError::Distrusted { host, reason };
    }
    RegistryError::Unreachable { host, reason: innermost(error), connected: !error.is_connect() }
}

/// A failure in the middle of a body.
pub(crate) fn interrupted(host: &str, error: &reqwest::Error) -> RegistryError {
    let host = host.to_owned();
    if error.is_timeout() {
        return RegistryError::Silent { host, reason: innermost(error) };
    }
    RegistryError::Interrupted { host, reason: innermost(error) }
}

fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// What TLS said, if it was TLS.
fn distrust(cause: &(dyn std::error::Error + 'static)) -> Option<String> {
    // Failures of TLS come wrapped in those of reading and writing, which do not name them as their cause.
    if let Some(io) = cause.downcast_ref::<std::io::Error>() {
        return io.get_ref().and_then(|inner| distrust(inner));
    }
    let tls = cause.downcast_ref::<rustls::Error>()?;
    match tls {
        rustls::Error::InvalidCertificate(_) | rustls::Error::AlertReceived(_) => Some(tls.to_string()),
        _ => None,
    }
}

/// The last cause's sentence: those before it only say that there is one.
fn innermost(error: &reqwest::Error) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}
