//! Signature version 4: who sent a request, and whether it arrived as it was sent.
//!
//! The rules are those of "Create a signed AWS API request" in the IAM user guide.

use hyper::http::request::Parts;
use ring::{digest, hmac};

use crate::keys::Keys;

/// Longest distance between the caller's clock and ours, in milliseconds.
const SKEW: i64 = 15 * 60 * 1000;

/// Where a request wants to go, as its signature says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) date: String,
    pub(crate) region: String,
    pub(crate) service: String,
}

/// Why a request is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// There is no signature of this version.
    Missing,
    /// The key is not ours.
    UnknownKey,
    /// The signature is another one.
    Wrong,
    /// It was signed too long ago, or in the future.
    Expired,
}

struct Authorization<'a> {
    key: &'a str,
    scope: Scope,
    signed: Vec<&'a str>,
    signature: &'a str,
}

fn parse(header: &str) -> Option<Authorization<'_>> {
    let rest = header.strip_prefix("AWS4-HMAC-SHA256")?;
    let part = |name: &str| {
        rest.split(',').find_map(|part| part.trim().strip_prefix(name)).and_then(|p| p.strip_prefix('='))
    };
    let mut credential = part("Credential")?.split('/');
    let key = credential.next()?;
    let mut next = || credential.next().map(str::to_owned);
    let scope = Scope { date: next()?, region: next()?, service: next()? };
    let signed = part("SignedHeaders")?.split(';').collect();
    Some(Authorization { key, scope, signed, signature: part("Signature")? })
}

/// The scope of a request, believed or not.
pub(crate) fn scope(head: &Parts) -> Option<Scope> {
    parse(head.headers.get("authorization")?.to_str().ok()?).map(|authorization| authorization.scope)
}

/// Checks a request's signature at a moment in milliseconds.
pub(crate) fn check(head: &Parts, body: &[u8], keys: &Keys, now: i64) -> Result<Scope, Doubt> {
    let header = head.headers.get("authorization").and_then(|value| value.to_str().ok());
    let authorization = header.and_then(parse).ok_or(Doubt::Missing)?;
    if authorization.key != keys.id {
        return Err(Doubt::UnknownKey);
    }
    let date = head.headers.get("x-amz-date").and_then(|value| value.to_str().ok()).ok_or(Doubt::Missing)?;
    if !date.starts_with(&authorization.scope.date) {
        return Err(Doubt::Wrong);
    }
    let text = canonical(head, body, &authorization).ok_or(Doubt::Wrong)?;
    let Scope { date: day, region, service } = &authorization.scope;
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", sha256(text.as_bytes()));
    let key = [day, region, service, "aws4_request"]
        .iter()
        .fold(format!("AWS4{}", keys.secret).into_bytes(), |key, part| {
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec()
        });
    let claimed = hex::decode(authorization.signature).map_err(|_| Doubt::Wrong)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    hmac::verify(&key, text.as_bytes(), &claimed).map_err(|_| Doubt::Wrong)?;
    let signed_at = moment(date).ok_or(Doubt::Wrong)?;
    if (now - signed_at).abs() > SKEW { Err(Doubt::Expired) } else { Ok(authorization.scope) }
}

fn moment(date: &str) -> Option<i64> {
    let civil = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok()?;
    Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

fn canonical(head: &Parts, body: &[u8], authorization: &Authorization<'_>) -> Option<String> {
    let path = head.uri.path();
    let path = if authorization.scope.service == "s3" { path.to_owned() } else { encode(path, true) };
    let mut query: Vec<(String, String)> =
        form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
            .map(|(name, value)| (encode(&name, false), encode(&value, false)))
            .collect();
    query.sort();
    let query: Vec<String> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut headers = String::new();
    for name in &authorization.signed {
        let values: Vec<String> = head
            .headers
            .get_all(*name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .map(|value| value.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        headers.push_str(&format!("{name}:{}\n", values.join(",")));
    }
    let claimed = head.headers.get("x-amz-content-sha256").and_then(|value| value.to_str().ok());
    let hash = match claimed {
        // Only S3 takes a body without its hash.
        Some("UNSIGNED-PAYLOAD") if authorization.scope.service == "s3" => "UNSIGNED-PAYLOAD".to_owned(),
        _ => sha256(body),
    };
    let signed = authorization.signed.join(";");
    Some([head.method.as_str(), &path, &query.join("&"), &headers, &signed, &hash].join("\n"))
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

/// RFC 3986's unreserved characters stay, everything else becomes `%XX`.
fn encode(text: &str, keep_slash: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            b'/' if keep_slash => out.push('/'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published example "get-vanilla" of the signature test suite.
    fn vanilla(signature: &str) -> (Parts, Keys) {
        let (head, ()) = hyper::Request::builder()
            .uri("/")
            .header("host", "example.amazonaws.com")
            .header("x-amz-date", "20150830T123600Z")
            .header(
                "authorization",
                format!(
                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                     SignedHeaders=host;x-amz-date, Signature={signature}"
                ),
            )
            .body(())
            .unwrap()
            .into_parts();
        let keys = Keys {
            id: "AKIDEXAMPLE".into(),
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            account: String::new(),
            simulation: String::new(),
        };
        (head, keys)
    }

    const RIGHT: &str = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

    #[test]
    fn the_published_example_is_believed_and_nothing_near_it() {
        let (head, keys) = vanilla(RIGHT);
        let at = moment("20150830T123600Z").unwrap();
        let scope = check(&head, b"", &keys, at).unwrap();
        assert_eq!((scope.region.as_str(), scope.service.as_str()), ("us-east-1", "service"));
        assert_eq!(check(&head, b"x", &keys, at), Err(Doubt::Wrong));
        assert_eq!(check(&head, b"", &keys, at + SKEW + 1), Err(Doubt::Expired));
        let other = Keys { id: "AKIDOTHER".into(), ..keys.clone() };
        assert_eq!(check(&head, b"", &other, at), Err(Doubt::UnknownKey));
        let (head, _) = vanilla(&RIGHT.replace('5', "6"));
        assert_eq!(check(&head, b"", &keys, at), Err(Doubt::Wrong));
    }

    #[test]
    fn paths_and_names_are_encoded_as_the_rules_say() {
        assert_eq!(encode("/a b/c%3A", true), "/a%20b/c%253A");
        assert_eq!(encode("a/b~", false), "a%2Fb~");
    }
}
