//! `config.json`: read leniently (keys in any case, as Go reads them), written back with every key kept.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::failure::Result;

/// Docker's `config.json`.
#[derive(Debug, Default)]
pub(crate) struct ConfigFile {
    path: PathBuf,
    values: Map<String, Value>,
}

impl ConfigFile {
    /// Reads the file in this folder; a missing one is empty.
    ///
    /// # Errors
    /// The file cannot be read or is not JSON.
    pub(crate) fn load(directory: &Path) -> Result<Self> {
        let path = directory.join("config.json");
        let values = match std::fs::read(&path) {
            Ok(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => Map::new(),
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| format!("parsing config file ({}): {error}", path.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Map::new(),
            Err(error) => return Err(format!("loading config file ({}): {error}", path.display()).into()),
        };
        Ok(Self { path, values })
    }

    /// As [`ConfigFile::load`]; a file that cannot be read is empty, with a warning on stderr.
    pub(crate) fn load_or_warn(directory: &Path) -> Self {
        Self::load(directory).unwrap_or_else(|failure| {
            eprintln!("WARNING: Error {failure}");
            Self { path: directory.join("config.json"), values: Map::new() }
        })
    }

    /// The value under this key.
    pub(crate) fn value(&self, key: &str) -> Option<&Value> {
        self.values.get(key).or_else(|| {
            self.values.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value)
        })
    }

    /// The string under this key, or nothing.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.value(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether any header is configured for requests to the engine.
    pub(crate) fn has_http_headers(&self) -> bool {
        self.http_headers().next().is_some()
    }

    /// `HttpHeaders`: names and values.
    pub(crate) fn http_headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.value("HttpHeaders")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
    }

    /// `proxies`: the variables that containers of the engine at `host` get unless they are set otherwise.
    pub(crate) fn proxies(&self, host: &str) -> Vec<(String, String)> {
        const FIELDS: [(&str, &str); 5] = [
            ("HTTP_PROXY", "httpProxy"),
            ("HTTPS_PROXY", "httpsProxy"),
            ("NO_PROXY", "noProxy"),
            ("FTP_PROXY", "ftpProxy"),
            ("ALL_PROXY", "allProxy"),
        ];
        let Some(proxies) = self.value("proxies").and_then(Value::as_object) else { return Vec::new() };
        let Some(proxy) = proxies.get(host).or_else(|| proxies.get("default")) else { return Vec::new() };
        let mut variables = Vec::new();
        for (name, field) in FIELDS {
            if let Some(value) = proxy.get(field).and_then(Value::as_str).filter(|value| !value.is_empty()) {
                variables.push((name.to_owned(), value.to_owned()));
                variables.push((name.to_lowercase(), value.to_owned()));
            }
        }
        variables
    }

    /// Sets a key (removes it for null) and writes the file whole, by rename.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(crate) fn save_value(&self, key: &str, value: Value) -> Result<()> {
        let mut values = self.values.clone();
        if value.is_null() {
            values.remove(key);
        } else {
            values.insert(key.to_owned(), value);
        }
        let folder = self.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let temporary = folder.join(format!(".config.json.{}", std::process::id()));
        let mut text = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(b"\t");
        let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
        serde::Serialize::serialize(&Value::Object(values), &mut serializer)?;
        write_private(&temporary, &text)?;
        let target = std::fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        std::fs::rename(&temporary, target)?;
        Ok(())
    }
}

/// Writes a file that only its owner may read: `config.json` can hold credentials.
fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)
}
