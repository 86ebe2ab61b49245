//! Headers that every answer has, errors too.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

/// The version of Docker whose behaviour we offer.
pub(crate) const DOCKER_VERSION: &str = "28.5.2";
/// Our own version.
pub(crate) const SAMPAN_VERSION: &str = env!("CARGO_PKG_VERSION");

const ALL: [(&str, &str); 5] = [
    ("server", "Docker/28.5.2 (linux)"),
    ("api-version", "1.51"),
    ("ostype", "linux"),
    ("docker-experimental", "false"),
    ("sampan-version", SAMPAN_VERSION),
];

/// Adds them.
pub(super) fn add(headers: &mut HeaderMap) {
    for (name, value) in ALL {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
}

/// The same as lines of text.
pub(crate) fn text() -> String {
    ALL.iter().fold(String::new(), |text, (name, value)| text + name + ": " + value + "\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Version;

    #[test]
    fn the_headers_say_what_we_speak() {
        assert!(ALL.contains(&("server", &format!("Docker/{DOCKER_VERSION} (linux)"))));
        assert!(ALL.contains(&("api-version", &Version::NEWEST.to_string())));
    }
}
