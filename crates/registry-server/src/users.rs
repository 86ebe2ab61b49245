//! Who may come in: a file of names and bcrypt hashes, as `htpasswd -B` writes it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sampan_error::{Error, Result};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Pairs of name and password that were found right are remembered: a bcrypt hash takes its time on purpose.
const MOST_REMEMBERED: usize = 1000;

/// The users of a registry.
#[derive(Debug)]
pub(crate) struct Users {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    changed: Option<SystemTime>,
    hashes: HashMap<String, String>,
    /// SHA-256 of headers that were right.
    right: HashSet<[u8; 32]>,
}

impl Users {
    /// Reads the file.
    ///
    /// # Errors
    /// It cannot be read, or has a line that is no `name:bcrypt-hash`.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let users = Self { path: path.to_owned(), state: Mutex::default() };
        users.refresh()?;
        Ok(users)
    }

    /// Reads the file anew when it has changed.
    fn refresh(&self) -> Result<()> {
        let unreadable = |error: std::io::Error| {
            Error::invalid(format!("the file of users {} cannot be read: {error}", self.path.display()))
        };
        let changed =
            std::fs::metadata(&self.path).and_then(|metadata| metadata.modified()).map_err(unreadable)?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.changed == Some(changed) {
            return Ok(());
        }
        let text = std::fs::read_to_string(&self.path).map_err(unreadable)?;
        let mut hashes = HashMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.split_once(':') {
                Some((name, hash)) if hash.starts_with("$2") => {
                    hashes.insert(name.to_owned(), hash.to_owned())
                }
                _ => {
                    return Err(Error::invalid(format!(
                        "line {} of {} is no name and bcrypt hash: make it with htpasswd -B",
                        number + 1,
                        self.path.display()
                    )));
                }
            };
        }
        *state = State { changed: Some(changed), hashes, right: HashSet::new() };
        Ok(())
    }

    /// Whether an `Authorization` header is right. The hash is computed away from the threads of the network.
    pub(crate) async fn admit(self: &Arc<Self>, header: Option<&str>) -> bool {
        let Some(header) = header.map(str::to_owned) else { return false };
        let users = Arc::clone(self);
        tokio::task::spawn_blocking(move || users.is_right(&header)).await.unwrap_or(false)
    }

    fn is_right(&self, header: &str) -> bool {
        if let Err(error) = self.refresh() {
            // What was read before goes on to count.
            tracing::error!(%error, "the file of users cannot be read anew");
        }
        let print: [u8; 32] = Sha256::digest(header).into();
        let hash = {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.right.contains(&print) {
                return true;
            }
            let Some((name, password)) = pair(header) else { return false };
            let Some(hash) = state.hashes.get(&name).cloned() else { return false };
            (hash, password)
        };
        let right = bcrypt::verify(hash.1, &hash.0).unwrap_or(false);
        if right {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.right.len() >= MOST_REMEMBERED {
                state.right.clear();
            }
            state.right.insert(print);
        }
        right
    }
}

/// Name and password of a `Basic` header (RFC 7617).
fn pair(header: &str) -> Option<(String, String)> {
    let (scheme, coded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(coded.trim()).ok()?).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}
