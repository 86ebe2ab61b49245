//! Devices, their limits, GPUs and ulimits.

use serde_json::{Map, Value, json};

use super::mounts::clean;
use crate::flags::{comma_separated, parse_size, quote};

/// One `--device` value.
pub(super) enum Device {
    /// A device of the host as the API's `DeviceMapping`.
    Host(Value),
    /// The name of a device of the Container Device Interface (`vendor/class=name`).
    Interface(String),
}

/// Reads `--device`: `host path[:container path][:rwm]`, or a CDI name.
pub(super) fn parse(text: &str) -> Result<Device, String> {
    if is_interface_name(text) {
        return Ok(Device::Interface(text.to_owned()));
    }
    let parts: Vec<&str> = text.split(':').collect();
    if parts.len() > 3 || parts[0].is_empty() {
        return Err(format!("bad format for path: {text}"));
    }
    let mut source = parts[0].to_owned();
    let mut permissions = "rwm";
    let mut target = String::new();
    let checked = match parts.as_slice() {
        [only] => {
            source = clean(only.as_ref());
            *only
        }
        [path, mode] if is_mode(mode) => {
            source = clean(path.as_ref());
            permissions = mode;
            *path
        }
        [_, path] => {
            target = clean(path.as_ref());
            *path
        }
        [_, path, mode] => {
            if !is_mode(mode) {
                return Err(format!("bad mode specified: {mode}"));
            }
            permissions = mode;
            (*path).clone_into(&mut target);
            *path
        }
        _ => return Err(format!("bad format for path: {text}")),
    };
    if !checked.starts_with('/') {
        return Err(format!("{checked} is not an absolute path"));
    }
    let target = if target.is_empty() { source.clone() } else { target };
    Ok(Device::Host(json!({
        "PathOnHost": source,
        "PathInContainer": target,
        "CgroupPermissions": permissions,
    })))
}

/// A composition of `r`, `w` and `m`, each at most once.
fn is_mode(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|character| "rwm".contains(character))
        && text.chars().enumerate().all(|(index, character)| text.find(character) == Some(index))
}

/// `vendor.example/class=name`, by the rules of the CDI specification.
fn is_interface_name(text: &str) -> bool {
    let Some((kind, name)) = text.split_once('=') else { return false };
    let Some((vendor, class)) = kind.split_once('/') else { return false };
    let alphanumeric = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let right = |part: &str, first_is_letter: bool, others: &[u8]| {
        let bytes = part.as_bytes();
        alphanumeric(bytes.first())
            && alphanumeric(bytes.last())
            && (!first_is_letter || bytes[0].is_ascii_alphabetic())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || others.contains(byte))
    };
    right(vendor, true, b"_-.") && right(class, true, b"_-") && right(name, false, b"_-.:")
}

/// `--gpus`: `all`, a number, or `count=…,device=…,driver=…,capabilities=…,options=…`.
pub(super) fn parse_gpus(text: &str) -> Result<Value, String> {
    let count_of = |text: &str| match text {
        "all" => Ok(-1),
        number => number.parse::<i64>().map_err(|_| {
            format!("invalid count ({number}): value must be either \"all\" or an integer: invalid syntax")
        }),
    };
    let mut count = None;
    let mut driver = "";
    let mut device_ids: Option<Vec<&str>> = None;
    let mut capabilities: Vec<&str> = Vec::new();
    let mut options = Map::new();
    let mut seen: Vec<String> = Vec::new();
    let fields = comma_separated(text)?;
    if fields.is_empty() {
        return Err(String::from("EOF"));
    }
    for field in &fields {
        let (name, value) = field.split_once('=').map_or((field.as_str(), None), |(n, v)| (n, Some(v)));
        if seen.iter().any(|other| other == name) {
            return Err(format!("gpu request key '{name}' can be specified only once"));
        }
        seen.push(name.to_owned());
        match (name, value) {
            (number, None) => {
                seen.push(String::from("count"));
                count = Some(count_of(number)?);
            }
            ("driver", Some(value)) => driver = value,
            ("count", Some(value)) => count = Some(count_of(value)?),
            ("device", Some(value)) => device_ids = Some(value.split(',').collect()),
            ("capabilities", Some(value)) => capabilities = value.split(',').collect(),
            ("options", Some(value)) => {
                let fields = comma_separated(value)
                    .map_err(|reason| format!("failed to read gpu options: {reason}"))?;
                for option in &fields {
                    let (key, value) = option.split_once('=').unwrap_or((option, ""));
                    options.insert(key.to_owned(), json!(value));
                }
            }
            _ => return Err(format!("unexpected key '{name}' in '{field}'")),
        }
    }
    let count = count.unwrap_or(i64::from(device_ids.is_none()));
    capabilities.push("gpu");
    Ok(json!({
        "Driver": driver,
        "Count": count,
        "DeviceIDs": device_ids,
        "Capabilities": [capabilities],
        "Options": options,
    }))
}

/// `--device-read-bps` and `--device-write-bps`: `/dev/name:size`.
pub(super) fn parse_byte_rate(text: &str) -> Result<Value, String> {
    let (path, rate) = device_and_value(text)?;
    let rate = parse_size(rate).map_err(|_| {
        format!(
            "invalid rate for device: {text}. The correct format is <device-path>:<number>[<unit>]. Number must \
             be a positive integer. Unit is optional and can be kb, mb, or gb"
        )
    })?;
    Ok(json!({"Path": path, "Rate": rate}))
}

/// `--device-read-iops` and `--device-write-iops`: `/dev/name:number`.
pub(super) fn parse_operation_rate(text: &str) -> Result<Value, String> {
    let (path, rate) = device_and_value(text)?;
    let rate: u64 = rate.parse().map_err(|_| {
        format!(
            "invalid rate for device: {text}. The correct format is <device-path>:<number>. Number must be a \
             positive integer"
        )
    })?;
    Ok(json!({"Path": path, "Rate": rate}))
}

/// `--blkio-weight-device`: `/dev/name:weight`, 10 to 1000 or 0.
pub(super) fn parse_weight(text: &str) -> Result<Value, String> {
    let (path, weight) = device_and_value(text)?;
    match weight.parse::<u16>() {
        Ok(weight) if weight == 0 || (10..=1000).contains(&weight) => {
            Ok(json!({"Path": path, "Weight": weight}))
        }
        _ => Err(format!("invalid weight for device: {text}")),
    }
}

fn device_and_value(text: &str) -> Result<(&str, &str), String> {
    let (path, value) = text
        .split_once(':')
        .filter(|(path, _)| !path.is_empty())
        .ok_or_else(|| format!("bad format: {text}"))?;
    if !path.starts_with("/dev/") {
        return Err(format!("bad format for device path: {text}"));
    }
    Ok((path, value))
}

/// A limit of `--ulimit`: name, soft, hard; -1 is unlimited.
#[derive(Debug, Clone)]
pub(in crate::commands) struct Limit {
    pub(in crate::commands) name: String,
    pub(in crate::commands) soft: i64,
    pub(in crate::commands) hard: i64,
}

/// `--ulimit`: `name=soft[:hard]`.
pub(in crate::commands) fn parse_limit(text: &str) -> Result<Limit, String> {
    const NAMES: &[&str] = &[
        "core",
        "cpu",
        "data",
        "fsize",
        "locks",
        "memlock",
        "msgqueue",
        "nice",
        "nofile",
        "nproc",
        "rss",
        "rtprio",
        "rttime",
        "sigpending",
        "stack",
    ];
    let (name, values) = text.split_once('=').ok_or_else(|| format!("invalid ulimit argument: {text}"))?;
    if !NAMES.contains(&name) {
        return Err(format!("invalid ulimit type: {name}"));
    }
    let number = |part: &str| {
        part.parse::<i64>().map_err(|_| format!("strconv.ParseInt: parsing {}: invalid syntax", quote(part)))
    };
    let parts: Vec<&str> = values.split(':').collect();
    let (soft, hard) = match parts.as_slice() {
        [soft] => (number(soft)?, number(soft)?),
        [soft, hard] => {
            let hard = number(hard)?;
            (number(soft)?, hard)
        }
        _ => {
            return Err(format!(
                "too many limit value arguments - {values}, can only have up to two, `soft[:hard]`"
            ));
        }
    };
    let must = "ulimit soft limit must be less than or equal to hard limit";
    if hard != -1 && soft == -1 {
        return Err(format!("{must}: soft: -1 (unlimited), hard: {hard}"));
    }
    if hard != -1 && soft > hard {
        return Err(format!("{must}: {soft} > {hard}"));
    }
    Ok(Limit { name: name.to_owned(), soft, hard })
}
