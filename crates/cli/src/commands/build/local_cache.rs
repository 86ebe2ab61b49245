//! `type=local` caches: a folder of this machine, which the engine reaches as a registry that lives as long as the build.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::failure::{Failure, Result};

/// Registries over folders; they end with this.
#[derive(Default)]
pub(super) struct LocalCaches {
    servers: Vec<Child>,
}

impl Drop for LocalCaches {
    fn drop(&mut self) {
        for server in &mut self.servers {
            // One that has ended already is as good.
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

impl LocalCaches {
    /// Serves the folders that are named, and puts the registries in their place. A source that is not there is said and
    /// left out.
    ///
    /// # Errors
    /// No folder, an engine on another machine, a registry that does not start.
    pub(super) fn serve(from: &mut Vec<String>, to: &mut [String], host: &str) -> Result<Self> {
        let mut caches = Self::default();
        let mut sources = Vec::new();
        for text in std::mem::take(from) {
            match folder(&text, "src")? {
                None => sources.push(text),
                Some(folder) if !Path::new(&folder).is_dir() => {
                    eprintln!("no build cache from {folder}: there is no such folder");
                }
                Some(folder) => sources.push(caches.registry(&folder, &text, host)?),
            }
        }
        *from = sources;
        for text in to {
            if let Some(folder) = folder(text, "dest")? {
                *text = caches.registry(&folder, text, host)?;
            }
        }
        Ok(caches)
    }

    /// The same cache with a registry in the place of the folder.
    fn registry(&mut self, folder: &str, text: &str, host: &str) -> Result<String> {
        if !host.starts_with("unix://") {
            return Err(Failure::message(format!(
                "a cache in the folder {folder} needs an engine on this machine, and {host} may be another one: use type=registry"
            )));
        }
        let mut server = Command::new(std::env::current_exe()?)
            .args(["registry", "serve", "--address", "127.0.0.1:0", "--root", folder])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = server.stderr.take();
        self.servers.push(server);
        let mut line = String::new();
        if let Some(stderr) = stderr {
            BufReader::new(stderr).read_line(&mut line)?;
        }
        let address = line.split("http://").nth(1).and_then(|rest| rest.split(',').next());
        let address = address.ok_or_else(|| {
            Failure::message(format!("the cache folder {folder} cannot be used: {}", line.trim()))
        })?;
        let kept = text.split(',').filter(|field| {
            !["type=", "src=", "dest="].iter().any(|name| field.trim().to_lowercase().starts_with(name))
        });
        let rest: String = kept.map(|field| format!(",{field}")).collect();
        Ok(format!("type=registry,ref={address}/cache:latest{rest}"))
    }
}

/// The folder of a `type=local` cache; `None` for other kinds.
fn folder(text: &str, name: &str) -> Result<Option<String>> {
    let fields = || text.split(',').filter_map(|field| field.trim().split_once('='));
    if !fields().any(|(key, value)| key.eq_ignore_ascii_case("type") && value == "local") {
        return Ok(None);
    }
    let folder = fields().find(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_empty());
    let folder = folder.map(|(_, value)| value.to_owned());
    folder.map(Some).ok_or_else(|| Failure::message(format!("cache {text:?} needs {name}=FOLDER")))
}
