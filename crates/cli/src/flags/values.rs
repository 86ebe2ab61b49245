//! The types of flag values that several commands share, each with pflag's name and error text.

use std::collections::BTreeMap;

use super::quantities::{parse_cpus, parse_duration, parse_size};
use super::{Flag, FlagSet};

impl<'a> FlagSet<'a> {
    /// A switch: `--name`, `--name=false`.
    pub(crate) fn bool(
        &mut self,
        target: &'a mut bool,
        name: &'static str,
        shorthand: &'static str,
        usage: &'static str,
    ) -> &mut Flag<'a> {
        let default = if *target { "true" } else { "" };
        self.value(name, shorthand, "bool", usage, |text| {
            *target = parse_bool(text)?;
            Ok(())
        })
        .bare("true")
        .shown_default(default)
    }

    /// One string; a later one replaces it.
    pub(crate) fn string(
        &mut self,
        target: &'a mut String,
        name: &'static str,
        shorthand: &'static str,
        usage: &'static str,
    ) -> &mut Flag<'a> {
        let default = target.clone();
        self.value(name, shorthand, "string", usage, |text| {
            text.clone_into(target);
            Ok(())
        })
        .shown_default(default)
    }

    /// A whole number.
    pub(crate) fn int(
        &mut self,
        target: &'a mut i64,
        name: &'static str,
        shorthand: &'static str,
        usage: &'static str,
    ) -> &mut Flag<'a> {
        let default = if *target == 0 { String::new() } else { target.to_string() };
        self.value(name, shorthand, "int", usage, |text| {
            *target = parse_int(text)?;
            Ok(())
        })
        .shown_default(default)
    }

    /// A whole number that is not negative and not above `most`; `type_name` is `uint`, `uint16`, ….
    pub(crate) fn unsigned(
        &mut self,
        target: &'a mut u64,
        name: &'static str,
        type_name: &'static str,
        most: u64,
        usage: &'static str,
    ) -> &mut Flag<'a> {
        self.value(name, "", type_name, usage, move |text| {
            *target = parse_unsigned(text, most)?;
            Ok(())
        })
    }

    /// A size in bytes, with a unit.
    pub(crate) fn size(
        &mut self,
        target: &'a mut i64,
        name: &'static str,
        shorthand: &'static str,
        usage: &'static str,
    ) -> &mut Flag<'a> {
        self.value(name, shorthand, "bytes", usage, |text| {
            *target = parse_size(text)?;
            Ok(())
        })
    }

    /// A size in bytes where -1 means unlimited.
    pub(crate) fn swap_size(
        &mut self,
        target: &'a mut i64,
        name: &'static str,
        usage: &'static str,
    ) -> &mut Flag<'a> {
        self.value(name, "", "bytes", usage, |text| {
            *target = if text == "-1" { -1 } else { parse_size(text)? };
            Ok(())
        })
    }

    /// A number of CPUs, kept in billionths.
    pub(crate) fn cpus(
        &mut self,
        target: &'a mut i64,
        name: &'static str,
        usage: &'static str,
    ) -> &mut Flag<'a> {
        self.value(name, "", "decimal", usage, |text| {
            *target = parse_cpus(text)?;
            Ok(())
        })
    }

    /// A span of time, kept in nanoseconds.
    pub(crate) fn duration(
        &mut self,
        target: &'a mut i64,
        name: &'static str,
        usage: &'static str,
    ) -> &mut Flag<'a> {
        self.value(name, "", "duration", usage, |text| {
            *target = parse_duration(text)?;
            Ok(())
        })
    }

    /// `key=value` pairs; a later one replaces an earlier one of the same key (docker's `map`).
    pub(crate) fn map(
        &mut self,
        target: &'a mut BTreeMap<String, String>,
        name: &'static str,
        usage: &'static str,
        check: fn(&str) -> Result<(), String>,
    ) -> &mut Flag<'a> {
        self.value(name, "", "map", usage, move |text| {
            check(text)?;
            let (key, value) = text.split_once('=').unwrap_or((text, ""));
            target.insert(key.to_owned(), value.to_owned());
            Ok(())
        })
        .shown_default("map[]")
    }

    /// Strings, one per occurrence of the flag, in order (docker's `list`).
    pub(crate) fn list(
        &mut self,
        target: &'a mut Vec<String>,
        name: &'static str,
        shorthand: &'static str,
        usage: &'static str,
    ) -> &mut Flag<'a> {
        self.value(name, shorthand, "list", usage, |text| {
            target.push(text.to_owned());
            Ok(())
        })
    }

    /// Strings, one per occurrence of the flag, each checked and possibly rewritten first.
    pub(crate) fn checked_list(
        &mut self,
        target: &'a mut Vec<String>,
        name: &'static str,
        shorthand: &'static str,
        usage: &'static str,
        check: fn(&str) -> Result<String, String>,
    ) -> &mut Flag<'a> {
        self.value(name, shorthand, "list", usage, move |text| {
            target.push(check(text)?);
            Ok(())
        })
    }

    /// Strings, several per occurrence, separated by commas (pflag's `stringSlice`).
    pub(crate) fn strings(
        &mut self,
        target: &'a mut Vec<String>,
        name: &'static str,
        shorthand: &'static str,
        usage: &'static str,
    ) -> &mut Flag<'a> {
        self.value(name, shorthand, "strings", usage, |text| {
            target.extend(comma_separated(text)?);
            Ok(())
        })
    }

    /// `name=value` pairs for the API's `filters` parameter, in the order given.
    pub(crate) fn filters(
        &mut self,
        target: &'a mut Vec<(String, String)>,
        name: &'static str,
        shorthand: &'static str,
        usage: &'static str,
    ) -> &mut Flag<'a> {
        self.value(name, shorthand, "filter", usage, |text| {
            if text.is_empty() {
                return Ok(());
            }
            let Some((key, value)) = text.split_once('=') else {
                return Err(String::from("bad format of filter (expected name=value)"));
            };
            target.push((key.trim().to_lowercase(), value.trim().to_owned()));
            Ok(())
        })
    }
}

/// A boolean as Go's `strconv.ParseBool` reads it.
pub(crate) fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(format!("strconv.ParseBool: parsing {}: invalid syntax", quote(text))),
    }
}

/// A whole number as Go's `strconv.ParseInt(text, 0, 64)` reads it: `0x`, `0o`, `0b` and a leading
/// zero choose the base, underscores may separate digits.
pub(crate) fn parse_int(text: &str) -> Result<i64, String> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, body) = if let Some(rest) = lower.strip_prefix("0x") {
        (16, rest)
    } else if let Some(rest) = lower.strip_prefix("0b") {
        (2, rest)
    } else if let Some(rest) = lower.strip_prefix("0o") {
        (8, rest)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    let body = body.replace('_', "");
    let invalid = || format!("strconv.ParseInt: parsing {}: invalid syntax", quote(text));
    if body.is_empty() || body.starts_with(['+', '-']) {
        return Err(invalid());
    }
    let signed = if negative { format!("-{body}") } else { body };
    i64::from_str_radix(&signed, radix).map_err(|error| match error.kind() {
        std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => {
            format!("strconv.ParseInt: parsing {}: value out of range", quote(text))
        }
        _ => invalid(),
    })
}

/// A whole number as Go's `strconv.ParseUint(text, 0, …)` reads it, at most `most`.
pub(crate) fn parse_unsigned(text: &str, most: u64) -> Result<u64, String> {
    let invalid = || format!("strconv.ParseUint: parsing {}: invalid syntax", quote(text));
    if text.starts_with(['-', '+']) {
        return Err(invalid());
    }
    let value = parse_int(text).map_err(|reason| reason.replace("ParseInt", "ParseUint"))?;
    match u64::try_from(value) {
        Ok(value) if value <= most => Ok(value),
        Ok(_) => Err(format!("strconv.ParseUint: parsing {}: value out of range", quote(text))),
        Err(_) => Err(invalid()),
    }
}

/// One record of comma-separated values, with double quotes around fields that contain commas
/// (Go's `encoding/csv`, which docker uses for `--mount`, `--volumes-from` and their like).
pub(crate) fn comma_separated(text: &str) -> Result<Vec<String>, String> {
    let mut fields = Vec::new();
    let mut rest = text;
    if rest.is_empty() {
        return Ok(fields);
    }
    loop {
        if let Some(mut quoted) = rest.strip_prefix('"') {
            let mut field = String::new();
            loop {
                let Some(end) = quoted.find('"') else {
                    return Err(String::from(
                        "parse error on line 1: extraneous or missing \" in quoted-field",
                    ));
                };
                field.push_str(&quoted[..end]);
                quoted = &quoted[end + 1..];
                match quoted.strip_prefix('"') {
                    Some(after) => {
                        field.push('"');
                        quoted = after;
                    }
                    None => break,
                }
            }
            fields.push(field);
            match quoted.strip_prefix(',') {
                Some(after) => rest = after,
                None if quoted.is_empty() => return Ok(fields),
                None => {
                    return Err(String::from(
                        "parse error on line 1: extraneous or missing \" in quoted-field",
                    ));
                }
            }
        } else {
            let (field, after) = match rest.split_once(',') {
                Some((field, after)) => (field, Some(after)),
                None => (rest, None),
            };
            if field.contains('"') {
                return Err(String::from("parse error on line 1: bare \" in non-quoted-field"));
            }
            fields.push(field.to_owned());
            match after {
                Some(after) => rest = after,
                None => return Ok(fields),
            }
        }
    }
}

/// A string in double quotes, escaped as Go's `%q` does.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            control if control.is_control() => quoted.push_str(&format!("\\x{:02x}", u32::from(control))),
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}
