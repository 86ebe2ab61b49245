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
    let (system, architecture, variant) = match lower.as_slice() {
        [one] => match architecture(one) {
            Some((architecture, variant)) => ("linux", architecture, variant.to_string()),
            None if ["linux", "windows", "darwin", "freebsd"].contains(&one.as_str()) => {
                (one.as_str(), own_architecture(), String::new())
            }
            None => return invalid(format!("{}: unknown operating system or architecture", quote(text))),
        },
        [system, arch] => {
            let (architecture, variant) = architecture(arch).unwrap_or((arch, ""));
            (system.as_str(), architecture, variant.to_string())
        }
        [system, arch, variant] => {
            let (architecture, usual) = architecture(arch).unwrap_or((arch, ""));
            let variant = if architecture == "arm64" && variant == "v8" { usual } else { variant.as_str() };
            (system.as_str(), architecture, variant.to_string())
        }
        _ => return invalid(format!("{}: cannot parse platform specifier", quote(text))),
    };
    let mut platform = json!({ "architecture": architecture, "os": system });
    if !variant.is_empty() {
        platform["variant"] = variant.into();
    }
    Ok(platform)
}

/// Go's name of a known architecture, and the variant that an old name stands for.
fn architecture(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "i386" | "386" => ("386", ""),
        "x86_64" | "x86-64" | "amd64" => ("amd64", ""),
        "aarch64" | "arm64" => ("arm64", ""),
        "armhf" => ("arm", "v7"),
        "armel" => ("arm", "v6"),
        "arm" => ("arm", "v7"),
        "ppc64le" => ("ppc64le", ""),
        "s390x" => ("s390x", ""),
        "riscv64" => ("riscv64", ""),
        "loong64" => ("loong64", ""),
        "mips64le" => ("mips64le", ""),
        _ => return None,
    })
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
