//! `--mount` and `-v`.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::flags::{comma_separated, parse_bool, parse_size};

/// One `--mount` value as the API's `Mount` object.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let fields = comma_separated(text)?;
    if fields.is_empty() {
        return Err(String::from("EOF"));
    }
    let mut mount = Mount { kind: String::from("volume"), ..Mount::default() };
    for field in &fields {
        mount.apply(field)?;
    }
    mount.check()?;
    Ok(mount.into_value())
}

#[derive(Default)]
struct Mount {
    kind: String,
    source: String,
    target: String,
    read_only: bool,
    consistency: String,
    bind: Option<Map<String, Value>>,
    volume: Option<Volume>,
    image: Option<Map<String, Value>>,
    tmpfs: Option<Map<String, Value>>,
}

#[derive(Default)]
struct Volume {
    no_copy: bool,
    subpath: String,
    labels: Map<String, Value>,
    driver: String,
    options: Option<Map<String, Value>>,
}

impl Mount {
    fn apply(&mut self, field: &str) -> Result<(), String> {
        let (name, value) = match field.split_once('=') {
            Some((name, value)) => (name.to_lowercase(), value),
            None => (field.to_lowercase(), "true"),
        };
        let is_switch = matches!(name.as_str(), "readonly" | "ro" | "volume-nocopy" | "bind-nonrecursive");
        if !field.contains('=') && !is_switch {
            return Err(format!("invalid field '{field}' must be a key=value pair"));
        }
        let invalid = || format!("invalid value for {name}: {value}");
        let boolean = || parse_bool(value).map_err(|_| invalid());
        match name.as_str() {
            "type" => self.kind = value.to_lowercase(),
            "source" | "src" => self.source = absolute_if_dotted(value),
            "target" | "dst" | "destination" => value.clone_into(&mut self.target),
            "readonly" | "ro" => self.read_only = boolean()?,
            "consistency" => self.consistency = value.to_lowercase(),
            "bind-propagation" => self.set_bind("Propagation", json!(value.to_lowercase())),
            "bind-nonrecursive" => {
                let value = boolean()?;
                if field.contains('=') {
                    eprintln!(
                        "WARNING: bind-nonrecursive is deprecated, use bind-recursive=disabled instead"
                    );
                }
                self.set_bind("NonRecursive", json!(value));
            }
            "bind-recursive" => match value {
                "enabled" => {}
                "disabled" => self.set_bind("NonRecursive", json!(true)),
                "writable" => self.set_bind("ReadOnlyNonRecursive", json!(true)),
                "readonly" => self.set_bind("ReadOnlyForceRecursive", json!(true)),
                _ => {
                    return Err(format!(
                        "{} (must be \"enabled\", \"disabled\", \"writable\", or \"readonly\")",
                        invalid()
                    ));
                }
            },
            "image-subpath" => {
                self.image.get_or_insert_default().insert(String::from("Subpath"), json!(value));
            }
            "tmpfs-size" => {
                let size = parse_size(value).map_err(|_| invalid())?;
                self.tmpfs.get_or_insert_default().insert(String::from("SizeBytes"), json!(size));
            }
            "tmpfs-mode" => {
                let mode = u32::from_str_radix(value, 8).map_err(|_| invalid())?;
                self.tmpfs.get_or_insert_default().insert(String::from("Mode"), json!(mode));
            }
            volume if volume.starts_with("volume-") => return self.apply_volume(&name, value, field),
            _ => return Err(format!("unexpected key '{name}' in '{field}'")),
        }
        Ok(())
    }

    fn apply_volume(&mut self, name: &str, value: &str, field: &str) -> Result<(), String> {
        let insert_pair = |map: &mut Map<String, Value>| {
            let (key, value) = value.split_once('=').unwrap_or((value, ""));
            if !key.is_empty() {
                map.insert(key.to_owned(), json!(value));
            }
        };
        match name {
            "volume-nocopy" => {
                let no_copy =
                    parse_bool(value).map_err(|_| format!("invalid value for volume-nocopy: {value}"))?;
                self.volume.get_or_insert_default().no_copy = no_copy;
            }
            "volume-subpath" => value.clone_into(&mut self.volume.get_or_insert_default().subpath),
            "volume-driver" => value.clone_into(&mut self.volume.get_or_insert_default().driver),
            "volume-label" => insert_pair(&mut self.volume.get_or_insert_default().labels),
            "volume-opt" => insert_pair(self.volume.get_or_insert_default().options.get_or_insert_default()),
            _ => return Err(format!("unexpected key '{name}' in '{field}'")),
        }
        Ok(())
    }

    fn set_bind(&mut self, name: &str, value: Value) {
        self.bind.get_or_insert_default().insert(name.to_owned(), value);
    }

    fn bind_is(&self, name: &str) -> bool {
        self.bind.as_ref().is_some_and(|bind| bind.get(name) == Some(&Value::Bool(true)))
    }

    fn check(&self) -> Result<(), String> {
        if self.kind.is_empty() {
            return Err(String::from("type is required"));
        }
        if self.target.is_empty() {
            return Err(String::from("target is required"));
        }
        let families = [
            ("volume", self.volume.is_some()),
            ("image", self.image.is_some()),
            ("bind", self.bind.is_some()),
            ("tmpfs", self.tmpfs.is_some()),
        ];
        for (family, present) in families {
            if present && self.kind != family {
                return Err(format!("cannot mix '{family}-*' options with mount type '{}'", self.kind));
            }
        }
        if self.bind_is("ReadOnlyNonRecursive") && !self.read_only {
            return Err(String::from(
                "option 'bind-recursive=writable' requires 'readonly' to be specified in conjunction",
            ));
        }
        if self.bind_is("ReadOnlyForceRecursive") {
            if !self.read_only {
                return Err(String::from(
                    "option 'bind-recursive=readonly' requires 'readonly' to be specified in conjunction",
                ));
            }
            let propagation = self.bind.as_ref().and_then(|bind| bind.get("Propagation"));
            if propagation.and_then(Value::as_str) != Some("rprivate") {
                return Err(String::from(
                    "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified \
                     in conjunction",
                ));
            }
        }
        Ok(())
    }

    fn into_value(self) -> Value {
        let mut value = json!({"Type": self.kind, "Target": self.target});
        let mut set = |name: &str, present: bool, field: Value| {
            if present {
                value[name] = field;
            }
        };
        set("Source", !self.source.is_empty(), json!(self.source));
        set("ReadOnly", self.read_only, json!(true));
        set("Consistency", !self.consistency.is_empty(), json!(self.consistency));
        let drop_false = |map: Map<String, Value>| -> Value {
            map.into_iter().filter(|(_, value)| *value != Value::Bool(false)).collect::<Map<_, _>>().into()
        };
        if let Some(bind) = self.bind {
            set("BindOptions", true, drop_false(bind));
        }
        if let Some(image) = self.image {
            set("ImageOptions", true, image.into());
        }
        if let Some(tmpfs) = self.tmpfs {
            let tmpfs: Map<_, _> = tmpfs.into_iter().filter(|(_, value)| *value != json!(0)).collect();
            set("TmpfsOptions", true, tmpfs.into());
        }
        if let Some(volume) = self.volume {
            set("VolumeOptions", true, volume.into_value());
        }
        value
    }
}

impl Volume {
    fn into_value(self) -> Value {
        let mut driver = Map::new();
        if !self.driver.is_empty() {
            driver.insert(String::from("Name"), json!(self.driver));
        }
        if let Some(options) = self.options.filter(|options| !options.is_empty()) {
            driver.insert(String::from("Options"), options.into());
        }
        let mut value = json!({"DriverConfig": driver});
        if !self.labels.is_empty() {
            value["Labels"] = self.labels.into();
        }
        if self.no_copy {
            value["NoCopy"] = json!(true);
        }
        if !self.subpath.is_empty() {
            value["Subpath"] = json!(self.subpath);
        }
        value
    }
}

/// What a `-v` value asks for.
pub(super) enum Volumes {
    /// A bind or a named volume, as sent in `Binds`.
    Bind(String),
    /// An anonymous volume at this path.
    Anonymous(String),
}

/// One `-v` value: `path`, `source:path[:options]`.
pub(super) fn parse_volume(text: &str) -> Result<Volumes, String> {
    if text.is_empty() {
        return Err(String::from("invalid empty volume spec"));
    }
    if text.len() <= 2 {
        return Ok(Volumes::Anonymous(text.to_owned()));
    }
    let sections = sections(text);
    let invalid = |reason: &str| Err(format!("invalid spec: {text}: {reason}"));
    if sections.iter().take(4).any(|section| section.is_empty()) {
        return invalid("empty section between colons");
    }
    if sections.len() > 3 {
        return invalid("too many colons");
    }
    let Some((source, rest)) = text.split_once(':').filter(|_| sections.len() > 1) else {
        return Ok(Volumes::Anonymous(text.to_owned()));
    };
    let is_path = source.starts_with(['.', '/', '~']);
    Ok(Volumes::Bind(match is_path {
        true => format!("{}:{rest}", absolute_if_dotted(source)),
        false => text.to_owned(),
    }))
}

/// The parts between colons; a single letter before a colon is a Windows drive and stays with its path.
fn sections(text: &str) -> Vec<String> {
    let mut sections = vec![String::new()];
    for character in text.chars() {
        let last = sections.len() - 1;
        let section = &mut sections[last];
        let drive = section.chars().count() == 1 && section.chars().all(char::is_alphabetic);
        if character == ':' && !drive {
            sections.push(String::new());
        } else {
            section.push(character);
        }
    }
    sections
}

/// A path that begins with a dot is taken from the working folder; others stay as they are.
fn absolute_if_dotted(path: &str) -> String {
    if !path.starts_with('.') {
        return path.to_owned();
    }
    let Ok(folder) = std::env::current_dir() else { return path.to_owned() };
    clean(&folder.join(path))
}

/// A path without `.`, `..` and doubled slashes, by text alone (Go's `filepath.Clean`).
pub(crate) fn clean(path: &Path) -> String {
    let text = path.to_string_lossy();
    let rooted = text.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            other => parts.push(other),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => String::from("."),
        (false, false) => parts.join("/"),
    }
}
