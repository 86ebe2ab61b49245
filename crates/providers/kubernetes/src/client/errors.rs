//! What an API server says when it does not do what it was asked, as failures.

use http::HeaderMap;
use sampan_provider::Failure;
use serde_json::Value;
use std::time::Duration;

const EXPIRED: &str =
    "the cluster does not know these credentials, or they have expired: log in to it again, as for `kubectl`";

/// The answer is in no known form.
pub(super) fn unreadable() -> Failure {
    Failure::Transport("the cluster answered in a form that is not Kubernetes'".to_owned())
}

/// The answer ended before its end.
pub(super) fn broken() -> Failure {
    Failure::Transport("the cluster broke off its answer".to_owned())
}

/// There was no answer. What the client says of the user's login program is not repeated: it may hold a token.
pub(super) fn unsent(error: &kube::Error, server: &str) -> Failure {
    match error {
        kube::Error::Auth(_) => Failure::Unauthenticated(
            "the program or file that the kubeconfig names gave no credentials: try `kubectl get pods`"
                .to_owned(),
        ),
        _ => Failure::Transport(format!(
            "{server} cannot be reached: check the kubeconfig's server and certificates, and this machine's network"
        )),
    }
}

/// The failure that an answer stands for. `hidden`: what was sent is secret, and the answer may repeat it.
pub(super) fn failure(status: u16, headers: &HeaderMap, body: &[u8], hidden: bool) -> Failure {
    // https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
    let (reason, words) = (text("reason"), text("message"));
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let message = match (hidden, words.is_empty()) {
        (true, _) if !reason.is_empty() => reason.clone(),
        (false, false) => words.clone(),
        _ => format!("HTTP status {status}"),
    };
    let sentence = format!("the cluster says: {message}");
    match status {
        401 => Failure::Unauthenticated(EXPIRED.to_owned()),
        403 if words.contains("exceeded quota") || words.contains("failed quota") => Failure::Quota(sentence),
        403 if words.contains("being terminated") => Failure::Conflict(sentence),
        403 => Failure::Denied(sentence),
        404 => Failure::NotFound(sentence),
        409 if reason == "AlreadyExists" => Failure::AlreadyExists(sentence),
        409 => Failure::Conflict(sentence),
        400 | 413 | 415 | 422 => Failure::invalid("", sentence),
        429 => {
            let seconds = header("retry-after").parse().ok();
            let seconds = seconds.or_else(|| said["details"]["retryAfterSeconds"].as_u64());
            Failure::RateLimited {
                service: "the cluster".to_owned(),
                after: seconds.map(Duration::from_secs),
            }
        }
        _ => Failure::Provider {
            service: "the cluster".to_owned(),
            status,
            code: reason,
            message,
            request_id: header("audit-id").to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::failure;
    use http::HeaderMap;
    use sampan_provider::{Failure, Retry};
    use std::time::Duration;

    fn read(status: u16, body: &str) -> Failure {
        failure(status, &HeaderMap::new(), body.as_bytes(), false)
    }

    #[test]
    fn each_answer_has_its_failure() {
        let quota = r#"{"kind":"Status","message":"pods \"web\" is forbidden: exceeded quota: small"}"#;
        assert!(matches!(read(403, quota), Failure::Quota(_)));
        assert!(matches!(read(403, r#"{"message":"deployments.apps is forbidden"}"#), Failure::Denied(_)));
        assert!(matches!(read(409, r#"{"reason":"AlreadyExists"}"#), Failure::AlreadyExists(_)));
        assert!(matches!(read(409, r#"{"reason":"Conflict"}"#), Failure::Conflict(_)));
        assert!(matches!(read(401, ""), Failure::Unauthenticated(_)));
        assert!(matches!(read(422, "{}"), Failure::Invalid { .. }));
    }

    #[test]
    fn a_page_of_html_is_not_shown() {
        let failed = read(500, "<html><body>secret words</body></html>");
        assert_eq!(failed.retry(), Retry::Later(None));
        assert_eq!(failed.to_string(), "the cluster says: HTTP status 500");
    }

    #[test]
    fn it_says_when_it_takes_calls_again() {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "7".parse().unwrap());
        let limited = failure(429, &headers, b"{}", false);
        assert_eq!(limited.retry(), Retry::Later(Some(Duration::from_secs(7))));
        let limited = read(429, r#"{"details":{"retryAfterSeconds":3}}"#);
        assert_eq!(limited.retry(), Retry::Later(Some(Duration::from_secs(3))));
    }

    #[test]
    fn what_is_said_of_a_secret_is_not_repeated() {
        let body = br#"{"reason":"Invalid","message":"data: Invalid value: \"hunter2\""}"#;
        let refused = failure(422, &HeaderMap::new(), body, true);
        assert!(!refused.to_string().contains("hunter2") && refused.to_string().contains("Invalid"));
    }
}
