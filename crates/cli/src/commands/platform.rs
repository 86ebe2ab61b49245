//! `--platform`: `os[/arch[/variant]]`.

use serde_json::{Value as Json, json};

use crate::failure::{Failure, Result};
use crate::flags::quote;

/// Reads a platform into the API's form of it.
///
/// # Errors
/// More than three parts, or letters that no platform has.
pub(crate) fn parse(text: &str) -> Result<Json> {
    let parts: Vec<&str> = text.split('/').collect();
    let invalid = |reason: String| Err(Failure::message(format!("{reason}: invalid argument")));
    let plain = |part: &&str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
    };
    if parts.len() > 3 {
        return invalid(format!("{}: cannot parse platform specifier", quote(text)));
    }
    let invalid_part = |part: &str, what: &str, pattern: &str| {
        invalid(format!("{} is an invalid {what} of {}: {pattern}", quote(part), quote(text)))
    };
    if !plain(&parts[0]) {
        let pattern = "OSAndVersion specifier component must match \"^([A-Za-z0-9_-]+)(?:\\\\(([A-Za-z0-9_.-]*)\\\\))?$\"";
        return invalid_part(parts[0], "OS component", pattern);
    }
    if let Some(part) = parts[1..].iter().find(|part| !plain(part)) {
        let pattern = "platform specifier component must match \"^[A-Za-z0-9_.-]+$\"";
        return invalid_part(part, "component", pattern);
    }
    let lower: Vec<String> = parts.iter().map(|part| part.to_lowercase()).collect();
    let (system, (architecture, variant)) = match lower.as_slice() {
        [one] if is_architecture(one) => ("linux", without_usual(normal(one, ""))),
        [one] if ["linux", "windows", "darwin", "freebsd"].contains(&one.as_str()) => {
            (one.as_str(), (own_architecture().to_string(), String::new()))
        }
        [_] => return invalid(format!("{}: unknown operating system or architecture", quote(text))),
        [system, architecture] => (system.as_str(), without_usual(normal(architecture, ""))),
        [system, architecture, variant] => {
            let (architecture, variant) = normal(architecture, variant);
            let plain = architecture == "arm64" && variant.is_empty();
            (system.as_str(), (architecture, if plain { "v8".into() } else { variant }))
        }
        _ => return invalid(format!("{}: cannot parse platform specifier", quote(text))),
    };
    let mut platform = json!({ "architecture": architecture, "os": system });
    if !variant.is_empty() {
        platform["variant"] = variant.into();
    }
    Ok(platform)
}

/// Whether a lone word is an architecture.
fn is_architecture(word: &str) -> bool {
    const KNOWN: &[&str] = &[
        "386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x", "i386",
        "x86_64", "x86-64", "aarch64", "armhf", "armel",
    ];
    KNOWN.contains(&word)
}

/// Go's names for an architecture and its variant.
fn normal(architecture: &str, variant: &str) -> (String, String) {
    let (architecture, variant) = match (architecture, variant) {
        ("i386", _) => ("386", ""),
        ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
        ("x86_64" | "x86-64" | "amd64", variant) => ("amd64", variant),
        ("aarch64" | "arm64", "8" | "v8") => ("arm64", ""),
        ("aarch64" | "arm64", variant) => ("arm64", variant),
        ("armhf", _) => ("arm", "v7"),
        ("armel", _) => ("arm", "v6"),
        ("arm", "" | "7") => ("arm", "v7"),
        ("arm", "5") => ("arm", "v5"),
        ("arm", "6") => ("arm", "v6"),
        ("arm", "8") => ("arm", "v8"),
        other => other,
    };
    (architecture.into(), variant.into())
}

/// A bare `arm` does not ask for its usual variant.
fn without_usual((architecture, variant): (String, String)) -> (String, String) {
    let usual = architecture == "arm" && variant == "v7";
    (architecture, if usual { String::new() } else { variant })
}

/// This machine's architecture by its Go name.
pub(crate) fn own_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        other => other,
    }
}
