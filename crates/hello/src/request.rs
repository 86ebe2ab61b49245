//! Reading one HTTP request's head: only what the page needs, and nothing trusted.

/// The largest head that is read.
pub(crate) const LARGEST_HEAD: usize = 16 * 1024;

/// The head of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) version: String,
    pub(crate) headers: Vec<(String, String)>,
}

/// What the bytes so far are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// The beginning of a head.
    Incomplete,
    /// A head of so many bytes.
    Request(Request, usize),
    /// No HTTP, or not one we take: the status to answer with.
    Bad(u16),
}

/// Reads a head from the start of `bytes`.
pub(crate) fn parse(bytes: &[u8]) -> Parsed {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return if bytes.len() >= LARGEST_HEAD { Parsed::Bad(431) } else { Parsed::Incomplete };
    };
    let Ok(head) = std::str::from_utf8(&bytes[..end]) else { return Parsed::Bad(400) };
    let mut lines = head.split("\r\n");
    let first: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let [method, path, version] = first.as_slice() else { return Parsed::Bad(400) };
    let token =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    if !token(method) || !(path.starts_with('/') || *path == "*") {
        return Parsed::Bad(400);
    }
    if *version != "HTTP/1.1" && *version != "HTTP/1.0" {
        return Parsed::Bad(505);
    }
    let mut headers = Vec::new();
    for line in lines {
        match line.split_once(':') {
            Some((name, value)) if token(name) => headers.push((name.to_owned(), value.trim().to_owned())),
            _ => return Parsed::Bad(400),
        }
    }
    let request = Request {
        method: (*method).to_owned(),
        path: (*path).to_owned(),
        version: (*version).to_owned(),
        headers,
    };
    Parsed::Request(request, end + 4)
}

impl Request {
    /// The first header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether the connection can carry another request after this one: a body is not read, so one that has
    /// one ends it.
    pub(crate) fn keeps_alive(&self) -> bool {
        let said = |word: &str| {
            self.header("connection").is_some_and(|value| value.to_ascii_lowercase().contains(word))
        };
        let has_body = self.header("content-length").is_some_and(|length| length != "0")
            || self.header("transfer-encoding").is_some();
        !has_body && !said("close") && (self.version == "HTTP/1.1" || said("keep-alive"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_good_and_bad() {
        let Parsed::Request(request, length) = parse(b"GET /a?b HTTP/1.1\r\nHost: x\r\nA: b: c\r\n\r\nrest")
        else {
            panic!()
        };
        assert_eq!((request.path.as_str(), request.header("a"), length), ("/a?b", Some("b: c"), 39));
        assert!(request.keeps_alive());
        assert_eq!(parse(b"GET / HTTP/1.1\r\nHost"), Parsed::Incomplete);
        for (bytes, status) in [
            (&b"\x16\x03\x01\r\n\r\n"[..], 400),
            (b"GET /\r\n\r\n", 400),
            (b"GET / HTTP/2.0\r\n\r\n", 505),
            (b"GET x HTTP/1.1\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
            (b"\xff\xfe / HTTP/1.1\r\n\r\n", 400),
        ] {
            assert_eq!(parse(bytes), Parsed::Bad(status), "{bytes:?}");
        }
        assert_eq!(parse(&vec![b'a'; LARGEST_HEAD]), Parsed::Bad(431));
        for head in [
            "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
            "GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
        ] {
            let Parsed::Request(request, _) = parse(head.as_bytes()) else { panic!() };
            assert!(!request.keeps_alive(), "{head}");
        }
    }
}
