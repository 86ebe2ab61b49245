//! A token server as the distribution project describes it: name and password in, a signed token out, good for a
//! short while.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::{Certificates, PASSWORD, USER};
use crate::Host;

/// A server that runs on threads of the test, in a host's network.
pub struct TokenServer {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    bundle: PathBuf,
}

/// Signs standard input with a key, in base64 for addresses.
const SIGN: &str = r#"openssl dgst -sha256 -sign "$1" | openssl base64 -A | tr '+/' '-_' | tr -d '='"#;
/// The refresh token that a login gets.
const REFRESH: &str = "a-refresh-token";

impl TokenServer {
    /// Starts one on a port of the host; tokens last `seconds`.
    ///
    /// # Panics
    /// When the port is taken.
    #[track_caller]
    pub fn start(host: &Host, port: u16, certificates: &Certificates, seconds: u64) -> TokenServer {
        let listener = host.in_network(|| TcpListener::bind(("127.0.0.1", port)).expect("a port for tokens"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let server = TokenServer { port, asked: Arc::clone(&asked), bundle: certificates.authority() };
        let certificates = certificates.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (certificates, asked) = (certificates.clone(), Arc::clone(&asked));
                std::thread::spawn(move || answer(stream, &certificates, &asked, seconds));
            }
        });
        server
    }

    /// What a registry's guard needs to know.
    pub fn guard(&self) -> (String, PathBuf) {
        (format!("http://127.0.0.1:{}/token", self.port), self.bundle.clone())
    }

    /// What was asked so far: method, address and body of each request.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no test panics here").clone()
    }
}

fn answer(mut stream: TcpStream, certificates: &Certificates, asked: &Mutex<Vec<String>>, seconds: u64) {
    let Some((line, authorization, body)) = request(&stream) else { return };
    asked.lock().expect("no test panics here").push(format!("{line} {body}"));
    let address = line.split(' ').nth(1).unwrap_or_default();
    let query = if body.is_empty() { address.split_once('?').map_or("", |(_, query)| query) } else { &body };
    let known = authorization.ends_with(&STANDARD.encode(format!("{USER}:{PASSWORD}")))
        || query.contains(&format!("refresh_token={REFRESH}"));
    let claims_to_be = !authorization.is_empty() || query.contains("refresh_token=");
    let (status, text) = if claims_to_be && !known {
        (
            "401 Unauthorized",
            r#"{"errors":[{"code":"UNAUTHORIZED","message":"incorrect username or password"}]}"#.to_owned(),
        )
    } else {
        let token = token(certificates, &access(query, known), seconds);
        let refresh = if query.contains("offline_token=true") && known {
            format!(r#","refresh_token":"{REFRESH}""#)
        } else {
            String::new()
        };
        ("200 OK", format!(r#"{{"token":"{token}","expires_in":{seconds}{refresh}}}"#))
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
    // A client that is gone needs no token.
    let _ = stream.write_all(format!("{head}{text}").as_bytes());
}

/// A request's first line, its `Authorization` and its body.
fn request(stream: &TcpStream) -> Option<(String, String, String)> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let (mut authorization, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => value.trim().clone_into(&mut authorization),
            "content-length" => length = value.trim().parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((first.trim().to_owned(), authorization, String::from_utf8(body).ok()?))
}

/// The rights that are asked for, of which somebody unknown gets those to pull from `public/…`.
fn access(query: &str, known: bool) -> String {
    let scopes = query.split('&').filter_map(|pair| pair.strip_prefix("scope="));
    let decoded = scopes.flat_map(|scope| {
        let text = scope.replace("%3A", ":").replace("%2F", "/").replace("%2C", ",").replace('+', " ");
        text.split(' ').map(str::to_owned).collect::<Vec<_>>()
    });
    let rights = decoded.filter_map(|scope| {
        let (kind, rest) = scope.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        let actions: Vec<&str> = actions
            .split(',')
            .filter(|action| known || (*action == "pull" && name.starts_with("public/")))
            .collect();
        Some(serde_json::json!({"type": kind, "name": name, "actions": actions}))
    });
    serde_json::Value::from_iter(rights).to_string()
}

fn token(certificates: &Certificates, access: &str, seconds: u64) -> String {
    let pem = std::fs::read_to_string(certificates.certificate()).expect("the server's certificate");
    let der: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let head = format!(r#"{{"typ":"JWT","alg":"RS256","x5c":["{der}"]}}"#);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let claims = format!(
        r#"{{"iss":"tests","sub":"","aud":"registry","exp":{},"nbf":{},"iat":{now},"jti":"1","access":{access}}}"#,
        now + seconds,
        now - 10
    );
    let signed = format!("{}.{}", for_addresses(head.as_bytes()), for_addresses(claims.as_bytes()));
    let mut sign = Command::new("sh")
        .args(["-c", SIGN, "sh"])
        .arg(certificates.key())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl runs");
    sign.stdin.take().expect("a pipe").write_all(signed.as_bytes()).expect("openssl reads");
    let signature = sign.wait_with_output().expect("openssl ends").stdout;
    format!("{signed}.{}", String::from_utf8_lossy(&signature).trim())
}

fn for_addresses(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
