//! What AWS says when it does not do what it was asked, as failures.

use super::{Api, Node};
use reqwest::header::HeaderMap;
use sampan_provider::Failure;
use serde_json::Value;
use std::time::Duration;

const EXPIRED: &str = "the AWS credentials have expired";

/// The answer is in no known form.
pub(super) fn unreadable(api: Api) -> Failure {
    Failure::Transport(format!("{} answered in a form that is not its own", api.signed_as))
}

/// There was no answer.
pub(super) fn unreachable(api: Api, error: &reqwest::Error) -> Failure {
    let what = if error.is_timeout() {
        "takes too long to answer"
    } else if error.is_connect() {
        "cannot be reached: check the target's region and endpoint, and this machine's network"
    } else {
        "broke off its answer"
    };
    Failure::Transport(format!("{} of AWS {what}", api.signed_as))
}

/// Other credentials may do.
pub(super) fn is_expired(failure: &Failure) -> bool {
    matches!(failure, Failure::Unauthenticated(text) if text.starts_with(EXPIRED))
}

/// What AWS said.
struct Said {
    code: String,
    message: String,
    request_id: String,
}

/// The failure that an answer stands for.
pub(super) fn failure(api: Api, operation: &str, status: u16, headers: &HeaderMap, body: &str) -> Failure {
    let said = Said::read(headers, body);
    let after = headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    said.failure(api, operation, status, after.map(Duration::from_secs))
}

impl Said {
    /// JSON (`__type`, or a header), XML (`Code`), or anything else, which says nothing.
    fn read(headers: &HeaderMap, body: &str) -> Self {
        let header = |name: &str| {
            headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let request_id = [header("x-amzn-requestid"), header("x-amz-request-id")].concat();
        let (code, message, within) = match serde_json::from_str::<Value>(body) {
            Ok(json) => {
                let text =
                    |names: [&str; 3]| names.iter().find_map(|name| json[*name].as_str()).unwrap_or_default();
                let code = [header("x-amzn-errortype"), text(["__type", "code", "ErrorCode"]).to_owned()];
                let code = code.into_iter().find(|code| !code.is_empty()).unwrap_or_default();
                (code, text(["message", "Message", "errorMessage"]).to_owned(), String::new())
            }
            Err(_) => match Node::parse(body) {
                Some(tree) => {
                    let text =
                        |name: &str| tree.find(name).map(|node| node.own().to_owned()).unwrap_or_default();
                    (text("Code"), text("Message"), [text("RequestId"), text("RequestID")].concat())
                }
                None => (String::new(), String::new(), String::new()),
            },
        };
        let code =
            code.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default().to_owned();
        let request_id = if request_id.is_empty() { within } else { request_id };
        Self { code, message, request_id }
    }

    #[expect(clippy::too_many_lines, reason = "a table of codes")]
    fn failure(self, api: Api, operation: &str, status: u16, after: Option<Duration>) -> Failure {
        let service = api.signed_as;
        let said = if self.message.is_empty() { self.code.clone() } else { self.message.clone() };
        let id = if self.request_id.is_empty() {
            String::new()
        } else {
            format!(" (request {})", self.request_id)
        };
        let text = format!("{service} of AWS says to {operation}: {said}{id}");
        let code = self.code.as_str();
        let has = |pieces: &[&str]| pieces.iter().any(|piece| code.contains(piece));
        if has(&["ExpiredToken", "RequestExpired", "TokenRefreshRequired"]) {
            return Failure::Unauthenticated(format!(
                "{EXPIRED}: get new ones, for example with `aws sso login`{id}"
            ));
        }
        if has(&[
            "UnrecognizedClient",
            "InvalidClientTokenId",
            "SignatureDoesNotMatch",
            "AuthFailure",
            "MissingAuthenticationToken",
            "InvalidSignature",
            "IncompleteSignature",
            "InvalidAccessKeyId",
            "InvalidSecurityToken",
            "NotAuthenticated",
        ]) {
            return Failure::Unauthenticated(format!(
                "AWS does not know these credentials ({code}): check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY{id}"
            ));
        }
        if has(&["AccessDenied", "UnauthorizedOperation", "NotAuthorized", "OptInRequired"]) {
            return Failure::Denied(format!(
                "these AWS credentials may not do {service}:{operation}: {said}{id}"
            ));
        }
        if has(&["Throttl", "TooManyRequests", "RequestLimitExceeded", "SlowDown", "BandwidthLimit"])
            || status == 429
        {
            return Failure::RateLimited { service: format!("{service} of AWS"), after };
        }
        if has(&["LimitExceeded", "TooMany", "QuotaExceeded", "FileSystemLimit"]) {
            return Failure::Quota(text);
        }
        if has(&[
            "InsufficientCapacity",
            "InsufficientInstanceCapacity",
            "InsufficientThroughput",
            "CapacityUnavailable",
        ]) {
            return Failure::Capacity(text);
        }
        if has(&["AlreadyExist", "Duplicate", "EntityExists"])
            || matches!(code, "MountTargetConflict" | "AccessPointAlreadyExists")
        {
            return Failure::AlreadyExists(text);
        }
        if has(&[
            "ResourceInUse",
            "DependencyViolation",
            "DeleteConflict",
            "InUse",
            "IncorrectFileSystemLifeCycle",
            "ConcurrentModification",
            "UpdateInProgress",
            "OperationAborted",
            "NotActive",
            "RepositoryNotEmpty",
            "Concurrent",
        ]) {
            return Failure::Conflict(text);
        }
        if has(&["NotFound", "NoSuchEntity", "DoesNotExist", "ObjectNotFound"])
            || (status == 404 && !code.is_empty())
        {
            return Failure::NotFound(text);
        }
        if status < 500
            && has(&[
                "Invalid",
                "Validation",
                "MalformedInput",
                "MissingParameter",
                "BadRequest",
                "ClientException",
                "UnsupportedFeature",
                "PlatformUnknown",
                "MalformedPolicy",
                "Unsupported",
            ])
        {
            return Failure::Invalid { field: String::new(), message: text };
        }
        let message = if said.is_empty() {
            format!("HTTP status {status} to {operation}")
        } else {
            format!("{said}{id}")
        };
        Failure::Provider {
            service: format!("{service} of AWS"),
            status,
            code: self.code,
            message,
            request_id: self.request_id,
        }
    }
}
