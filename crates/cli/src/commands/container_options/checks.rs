//! Checks of single values of `run` and `create` flags, with docker's sentences.

use std::net::IpAddr;

use crate::flags::quote;

/// `--attach`: one of the three streams, in any case.
pub(super) fn attach(text: &str) -> Result<String, String> {
    let lower = text.to_lowercase();
    match lower.as_str() {
        "stdin" | "stdout" | "stderr" => Ok(lower),
        _ => Err(String::from("valid streams are STDIN, STDOUT and STDERR")),
    }
}

/// `--env`: `NAME=value`, or `NAME` for this process's own value when it has one.
pub(crate) fn environment(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some(("", _)) => Err(format!("invalid environment variable: {text}")),
        Some(_) => Ok(text.to_owned()),
        None if text.is_empty() => Err(String::from("invalid environment variable: ")),
        None => Ok(match std::env::var(text) {
            Ok(value) => format!("{text}={value}"),
            Err(_) => text.to_owned(),
        }),
    }
}

/// `--label`: the name may not be empty or contain blanks.
pub(crate) fn label(text: &str) -> Result<String, String> {
    let name = text.split('=').next().unwrap_or_default().trim_start_matches([' ', '\t']);
    if name.is_empty() {
        return Err(format!("invalid label '{text}': empty name"));
    }
    if name.contains([' ', '\t']) {
        return Err(format!("label '{name}' contains whitespaces"));
    }
    Ok(text.to_owned())
}

/// `--dns`: an address, in its shortest form.
pub(super) fn address(text: &str) -> Result<String, String> {
    text.trim()
        .parse::<IpAddr>()
        .map(|address| match address {
            IpAddr::V6(six) => six.to_ipv4_mapped().map_or(address, IpAddr::V4).to_string(),
            IpAddr::V4(_) => address.to_string(),
        })
        .map_err(|_| format!("IP address is not correctly formatted: {text}"))
}

/// `--dns-search`: a domain name, or a dot for none.
pub(super) fn search_domain(text: &str) -> Result<String, String> {
    let text = text.trim_matches(' ');
    if text == "." {
        return Ok(text.to_owned());
    }
    let invalid = || format!("{text} is not a valid domain");
    if !text.contains(|character: char| character.is_ascii_alphabetic()) {
        return Err(invalid());
    }
    let domain = text.strip_suffix('.').unwrap_or(text);
    let label_is_right = |label: &str| {
        let alphanumeric = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = label.as_bytes();
        alphanumeric(bytes.first())
            && alphanumeric(bytes.last())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if domain.len() < 255 && domain.split('.').all(label_is_right) {
        Ok(domain.to_owned())
    } else {
        Err(invalid())
    }
}

/// `--add-host`: `name:address` or `name=address`, brackets around an IPv6 address dropped.
pub(super) fn extra_host(text: &str) -> Result<String, String> {
    let (name, address) = text
        .split_once('=')
        .or_else(|| text.split_once(':'))
        .filter(|(name, _)| !name.is_empty() && !name.contains(':'))
        .ok_or_else(|| format!("bad format for add-host: {}", quote(text)))?;
    if address == "host-gateway" {
        return Ok(format!("{name}:{address}"));
    }
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
    if bare.trim().parse::<IpAddr>().is_err() {
        return Err(format!("invalid IP address in add-host: {}", quote(bare)));
    }
    Ok(format!("{name}:{bare}"))
}

/// `--link`: `container[:alias]`.
pub(super) fn link(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err(String::from("empty string specified for links"));
    }
    if text.matches(':').count() > 1 {
        return Err(format!("bad format for links: {text}"));
    }
    Ok(text.to_owned())
}

/// `--sysctl`: only what has a namespace of its own.
pub(super) fn sysctl(text: &str) -> Result<(), String> {
    const NAMES: &[&str] = &[
        "kernel.msgmax",
        "kernel.msgmnb",
        "kernel.msgmni",
        "kernel.sem",
        "kernel.shmall",
        "kernel.shmmax",
        "kernel.shmmni",
        "kernel.shm_rmid_forced",
    ];
    match text.split_once('=') {
        Some((name, _))
            if NAMES.contains(&name) || name.starts_with("net.") || name.starts_with("fs.mqueue.") =>
        {
            Ok(())
        }
        _ => Err(format!("sysctl '{text}' is not allowed")),
    }
}

/// `--device-cgroup-rule`: `type major:minor access`.
pub(super) fn device_rule(text: &str) -> Result<String, String> {
    let right = || {
        let mut words = text.split(' ');
        let (kind, numbers, access) = (words.next()?, words.next()?, words.next()?);
        let (major, minor) = numbers.split_once(':')?;
        let number =
            |part: &str| part == "*" || (!part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
        (words.next().is_none()
            && matches!(kind, "a" | "b" | "c")
            && number(major)
            && number(minor)
            && (1..=3).contains(&access.len())
            && access.bytes().all(|byte| b"rwm".contains(&byte)))
        .then_some(())
    };
    match right() {
        Some(()) => Ok(text.to_owned()),
        None => Err(format!("invalid device cgroup format '{text}'")),
    }
}

/// A MAC address in one of the forms that Go's `net.ParseMAC` takes.
pub(super) fn is_mac_address(text: &str) -> bool {
    let hexadecimal =
        |part: &str, width: usize| part.len() == width && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let text = text.trim();
    let bytes = [':', '-'].into_iter().any(|separator| {
        let parts: Vec<&str> = text.split(separator).collect();
        matches!(parts.len(), 6 | 8 | 20) && parts.iter().all(|part| hexadecimal(part, 2))
    });
    let words: Vec<&str> = text.split('.').collect();
    bytes || (matches!(words.len(), 3 | 4 | 10) && words.iter().all(|part| hexadecimal(part, 4)))
}
