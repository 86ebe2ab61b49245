//! Dockerfile-like instructions for `docker import --change` and `docker commit --change`.

use crate::config::{Healthcheck, ImageConfig};
use crate::error::{ImageError, Result};

/// Applies instructions such as `CMD ["sh"]` or `ENV A=b` to a configuration, in order. The known ones
/// are CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, SHELL, STOPSIGNAL, USER, VOLUME and WORKDIR.
///
/// # Errors
/// `InvalidArgument` for an instruction that is unknown or wrong.
pub fn apply_changes(config: &mut ImageConfig, changes: &[String]) -> Result<()> {
    for line in changes.iter().flat_map(|change| change.lines()) {
        let line = line.trim();
        if !line.is_empty() {
            apply(config, line)?;
        }
    }
    Ok(())
}

fn bad(text: impl Into<String>) -> ImageError {
    ImageError::Invalid(text.into())
}

fn apply(config: &mut ImageConfig, line: &str) -> Result<()> {
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let word = word.to_ascii_uppercase();
    let rest = rest.trim();
    let needed =
        || if rest.is_empty() { Err(bad(format!("{word} requires at least one argument"))) } else { Ok(()) };
    match word.as_str() {
        "CMD" => {
            config.cmd = Some(command(rest, &config.shell));
            config.args_escaped = false;
        }
        "ENTRYPOINT" => {
            config.entrypoint = Some(command(rest, &config.shell)).filter(|list| !list.is_empty())
        }
        "ENV" => {
            needed()?;
            for (name, value) in pairs(rest, "ENV")? {
                let prefix = format!("{name}=");
                config.env.retain(|known| !known.starts_with(&prefix));
                config.env.push(prefix + &value);
            }
        }
        "LABEL" => {
            needed()?;
            config.labels.extend(pairs(rest, "LABEL")?);
        }
        "EXPOSE" => {
            needed()?;
            for port in words(rest)? {
                expose(config, &port)?;
            }
        }
        "USER" => {
            needed()?;
            config.user = single(rest, "USER")?;
        }
        "WORKDIR" => {
            needed()?;
            config.working_dir = directory(&config.working_dir, rest);
        }
        "VOLUME" => {
            needed()?;
            let list = json_list(rest).map_or_else(|| words(rest), Ok)?;
            if list.iter().any(|path| path.trim().is_empty()) {
                return Err(bad("VOLUME specified can not be an empty string"));
            }
            config.volumes.extend(list);
        }
        "STOPSIGNAL" => {
            needed()?;
            config.stop_signal = single(rest, "STOPSIGNAL")?;
        }
        "ONBUILD" => {
            needed()?;
            let trigger = rest.split_whitespace().next().unwrap_or("").to_ascii_uppercase();
            if trigger == "ONBUILD" {
                return Err(bad("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"));
            }
            if trigger == "MAINTAINER" || trigger == "FROM" {
                return Err(bad(format!("{trigger} isn't allowed as an ONBUILD trigger")));
            }
            config.on_build.push(rest.to_owned());
        }
        "SHELL" => {
            config.shell = json_list(rest)
                .filter(|list| !list.is_empty())
                .ok_or_else(|| bad("SHELL requires the arguments to be in JSON form"))?;
        }
        "HEALTHCHECK" => config.healthcheck = Some(healthcheck(rest)?),
        "FROM" | "RUN" | "COPY" | "ADD" | "ARG" | "MAINTAINER" => {
            return Err(bad(format!("{} is not a valid change command", word.to_ascii_lowercase())));
        }
        _ => return Err(bad(format!("unknown instruction: {word}"))),
    }
    Ok(())
}

/// A JSON list of strings, or a line for the shell.
fn command(text: &str, shell: &[String]) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    json_list(text).unwrap_or_else(|| {
        let mut list =
            if shell.is_empty() { vec!["/bin/sh".to_owned(), "-c".to_owned()] } else { shell.to_vec() };
        list.push(text.to_owned());
        list
    })
}

fn json_list(text: &str) -> Option<Vec<String>> {
    text.starts_with('[').then(|| serde_json::from_str(text).ok()).flatten()
}

fn single(text: &str, word: &str) -> Result<String> {
    match words(text)?.as_slice() {
        [one] => Ok(one.clone()),
        _ => Err(bad(format!("{word} requires exactly one argument"))),
    }
}

fn expose(config: &mut ImageConfig, text: &str) -> Result<()> {
    let wrong = || bad(format!("invalid containerPort: {text}"));
    let (range, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = protocol.to_ascii_lowercase();
    if !["tcp", "udp", "sctp"].contains(&protocol.as_str()) {
        return Err(bad(format!("invalid proto: {protocol}")));
    }
    // A part before the last colon would be a host's: allowed by Docker's parser and ignored.
    let range = range.rsplit(':').next().unwrap_or(range);
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let first: u16 = first.parse().map_err(|_| wrong())?;
    let last: u16 = last.parse().map_err(|_| wrong())?;
    if first > last || first == 0 {
        return Err(wrong());
    }
    config.exposed_ports.extend((first..=last).map(|port| format!("{port}/{protocol}")));
    Ok(())
}

/// A directory against the one before it, cleaned.
fn directory(before: &str, text: &str) -> String {
    let text = text.trim_matches('"');
    let full = if text.starts_with('/') { text.to_owned() } else { format!("{before}/{text}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in full.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// `a=b c="d e"`, or the old form `name value with spaces`.
fn pairs(text: &str, word: &str) -> Result<Vec<(String, String)>> {
    let list = words(text)?;
    if list.first().is_some_and(|first| !first.contains('=')) {
        let (name, value) = text
            .split_once(char::is_whitespace)
            .ok_or_else(|| bad(format!("{word} must have two arguments")))?;
        return Ok(vec![(name.to_owned(), value.trim().to_owned())]);
    }
    list.into_iter()
        .map(|pair| match pair.split_once('=') {
            Some(("", _)) => Err(bad(format!("{word} names can not be blank"))),
            Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
            None => {
                Err(bad(format!("Syntax error - can't find = in {pair:?}. Must be of the form: name=value")))
            }
        })
        .collect()
}

/// Words separated by white space, with quotes and backslashes as in a Dockerfile.
fn words(text: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut current: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\\', open) if open != Some('\'') => {
                current.get_or_insert_default().extend(characters.next());
            }
            (c, Some(_)) => current.get_or_insert_default().push(c),
            ('"' | '\'', None) => {
                quote = Some(character);
                current.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(current.take()),
            (c, None) => current.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err(bad(format!("unexpected end of statement while looking for matching quote in {text:?}")));
    }
    words.extend(current);
    Ok(words)
}

fn healthcheck(text: &str) -> Result<Healthcheck> {
    let mut check = Healthcheck::default();
    let mut rest = text;
    while let Some(flag) = rest.strip_prefix("--") {
        let (flag, after) = flag.split_once(char::is_whitespace).unwrap_or((flag, ""));
        rest = after.trim_start();
        let (name, value) =
            flag.split_once('=').ok_or_else(|| bad(format!("Missing a value on flag: {flag}")))?;
        match name {
            "interval" => check.interval = duration(value)?,
            "timeout" => check.timeout = duration(value)?,
            "start-period" => check.start_period = duration(value)?,
            "start-interval" => check.start_interval = duration(value)?,
            "retries" => {
                check.retries =
                    value.parse().map_err(|_| bad(format!("invalid value for --retries: {value}")))?
            }
            _ => return Err(bad(format!("unknown flag: {name}"))),
        }
    }
    let (word, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    match word.to_ascii_uppercase().as_str() {
        "NONE" => check.test = vec!["NONE".to_owned()],
        "CMD" if rest.trim().is_empty() => return Err(bad("Missing command after HEALTHCHECK CMD")),
        "CMD" => {
            check.test = match json_list(rest.trim()) {
                Some(list) => [vec!["CMD".to_owned()], list].concat(),
                None => vec!["CMD-SHELL".to_owned(), rest.trim().to_owned()],
            };
        }
        other => return Err(bad(format!("Unknown type {other:?} in HEALTHCHECK (try CMD)"))),
    }
    Ok(check)
}

/// A duration in Go's form (`1m30s`, `1.5h`, `300ms`), in nanoseconds.
pub(crate) fn duration(text: &str) -> Result<i64> {
    let wrong = || bad(format!("invalid duration {text:?}"));
    let mut rest = text;
    let mut total = 0f64;
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let value: f64 = rest[..number].parse().map_err(|_| wrong())?;
        rest = &rest[number..];
        let unit = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let scale = match &rest[..unit] {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            _ => return Err(wrong()),
        };
        total += value * scale;
        rest = &rest[unit..];
    }
    if total > i64::MAX as f64 { Err(wrong()) } else { Ok(total as i64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(changes: &[&str]) -> Result<ImageConfig> {
        let mut config = ImageConfig::default();
        apply_changes(&mut config, &changes.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>())?;
        Ok(config)
    }

    #[test]
    fn instructions_change_the_configuration() {
        let config = with(&[
            "CMD [\"a\", \"b\"]",
            "ENTRYPOINT x y",
            "ENV A=1 B=\"two words\"",
            "env A 2 3",
            "EXPOSE 80 53/udp 1-3",
            "LABEL l=\"v\"",
            "USER me:us",
            "VOLUME /a /b",
            "WORKDIR /w",
            "WORKDIR ../x",
            "STOPSIGNAL SIGINT",
            "ONBUILD RUN x",
            "HEALTHCHECK --interval=1m30s --retries=2 CMD curl x",
            "SHELL [\"/bin/ash\", \"-c\"]",
        ])
        .unwrap();
        assert_eq!(config.cmd.unwrap(), ["a", "b"]);
        assert_eq!(config.entrypoint.unwrap(), ["/bin/sh", "-c", "x y"]);
        assert_eq!(config.env, ["B=two words", "A=2 3"]);
        assert_eq!(
            config.exposed_ports.into_iter().collect::<Vec<_>>(),
            ["1/tcp", "2/tcp", "3/tcp", "53/udp", "80/tcp"]
        );
        assert_eq!(config.working_dir, "/x");
        let check = config.healthcheck.unwrap();
        assert_eq!((check.interval, check.retries), (90_000_000_000, 2));
        assert_eq!(check.test, ["CMD-SHELL", "curl x"]);
    }

    #[test]
    fn wrong_ones_are_refused() {
        for wrong in [
            "RUN x",
            "FROM a",
            "NONSENSE",
            "EXPOSE 0",
            "EXPOSE 99999",
            "ENV",
            "ENV A",
            "LABEL =x",
            "USER a b",
            "HEALTHCHECK WHAT",
            "ONBUILD ONBUILD RUN x",
            "CMDX",
            "ENV A=\"x",
        ] {
            assert!(with(&[wrong]).is_err(), "{wrong}");
        }
    }
}
