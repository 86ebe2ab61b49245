//! The page itself.

use std::fmt::Write;
use std::net::SocketAddr;

use crate::facts::Facts;
use crate::request::Request;
use crate::story;

const STYLE: &str = "
:root{color-scheme:light dark;--ink:#17324d;--paper:#f4f8fb;--card:#fff;--line:#d5e2ec;--accent:#0b7a9e;--dim:#5d7386}
@media(prefers-color-scheme:dark){:root{--ink:#dbe8f2;--paper:#0d1b29;--card:#14273a;--line:#27425a;--accent:#4fc3e0;--dim:#8ba3b7}}
*{box-sizing:border-box}body{margin:0;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
main{max-width:46rem;margin:0 auto;padding:2.5rem 1.25rem}
svg{width:5.5rem;display:block;color:var(--accent)}
h1{font-size:1.9rem;margin:.4rem 0 0}p{margin:.3rem 0 1.6rem;color:var(--dim)}
section{background:var(--card);border:1px solid var(--line);border-radius:.7rem;padding:1rem 1.25rem;margin:0 0 1rem}
h2{font-size:.8rem;letter-spacing:.08em;text-transform:uppercase;color:var(--accent);margin:0 0 .5rem}
dl{display:grid;grid-template-columns:9rem 1fr;gap:.3rem 1rem;margin:0}dt{color:var(--dim)}
dd{margin:0;overflow-wrap:anywhere;font-family:ui-monospace,monospace;font-size:.9rem}
@media(max-width:30rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}}
";

/// A flat boat under a batten sail, on water.
const BOAT: &str = r#"<svg viewBox="0 0 96 64" fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="M8 44h80l-12 10H22z"/><path d="M46 44V6M46 8c16 4 22 16 24 30H46M48 18h15M48 28h19"/><path d="M6 60q7-4 14 0t14 0 14 0 14 0 14 0 14 0"/></svg>"#;

/// The page about this container and the request that asked for it.
pub(crate) fn page(facts: &Facts, request: &Request, client: Option<SocketAddr>) -> String {
    let mut page = String::with_capacity(6 * 1024);
    let name = escape(&facts.name);
    let _ = write!(
        page,
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{name} · Sampan</title><style>{STYLE}</style><main>{BOAT}<h1>Hello from {name}</h1>\
         <p>A container, served by Sampan.</p>"
    );
    section(
        &mut page,
        "Container",
        &[
            ("Host name", facts.hostname.clone()),
            ("Process", facts.pid.to_string()),
            ("Rights", story::rights(facts)),
            (
                "Root",
                facts.root.as_ref().map_or_else(String::new, |(kind, readonly)| {
                    format!("{kind}{}", if *readonly { ", read-only" } else { "" })
                }),
            ),
            ("Kernel", format!("Linux {}", facts.kernel)),
        ],
    );
    section(
        &mut page,
        "Limits",
        &[
            ("Memory", facts.memory_limit.map_or_else(|| "no limit".to_owned(), story::bytes)),
            (
                "Processors",
                match facts.cpu_limit {
                    Some(limit) => {
                        format!("{}.{:02} of {}", limit / 1000, limit % 1000 / 10, facts.processors)
                    }
                    None => format!("all {}", facts.processors),
                },
            ),
            ("Processes", facts.pids_limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string())),
        ],
    );
    section(
        &mut page,
        "Network",
        &[
            ("Addresses", story::network(facts)),
            (
                "Namespace",
                facts
                    .namespaces
                    .iter()
                    .find(|(name, _)| name == "net")
                    .map_or_else(String::new, |(_, id)| id.clone()),
            ),
        ],
    );
    let mut rows = vec![
        ("Request", format!("{} {} {}", request.method, request.path, request.version)),
        ("From", client.map_or_else(|| "unknown".to_owned(), |client| client.to_string())),
    ];
    rows.extend(request.headers.iter().take(24).map(|(name, value)| (name.as_str(), value.clone())));
    section(&mut page, "Your request", &rows);
    page.push_str("</main></html>\n");
    page
}

fn section(page: &mut String, title: &str, rows: &[(&str, String)]) {
    let _ = write!(page, "<section><h2>{title}</h2><dl>");
    for (name, value) in rows {
        let _ = write!(page, "<dt>{}</dt><dd>{}</dd>", escape(name), escape(value));
    }
    page.push_str("</dl></section>");
}

/// Text that cannot become markup.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_sends_stays_text() {
        let request = Request {
            method: "GET".into(),
            path: "/<script>alert(1)</script>".into(),
            version: "HTTP/1.1".into(),
            headers: vec![("X".into(), "\"><img src=x onerror=y>".into())],
        };
        let page = page(&Facts { name: "<b>".into(), ..Facts::default() }, &request, None);
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script>") && !page.contains("<img"));
        assert!(page.contains("Hello from &lt;b&gt;"));
        assert!(page.len() < 8 * 1024);
    }
}
