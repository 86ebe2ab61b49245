//! A context as a tar archive: `meta.json` and `tls/ENDPOINT/FILE`.

use std::io::{Read, Write};

use serde_json::Value as Json;

use crate::config::contexts::{Context, Store, check_name};
use crate::failure::{Failure, Result};

/// Archives larger than this are refused, in bytes.
const LARGEST: u64 = 10 << 20;
const METADATA: &str = "meta.json";

/// Writes a context.
pub(super) fn write(store: &Store<'_>, name: &str) -> Result<Vec<u8>> {
    let context = store.get(name)?;
    let mut archive = tar::Builder::new(Vec::new());
    append(&mut archive, METADATA, 0o644, context.document().as_bytes())?;
    append_folder(&mut archive, "tls")?;
    for (endpoint, files) in store.certificates(name) {
        append_folder(&mut archive, &format!("tls/{endpoint}"))?;
        for file in files {
            let bytes = std::fs::read(store.certificates_folder(name).join(&endpoint).join(&file))?;
            append(&mut archive, &format!("tls/{endpoint}/{file}"), 0o600, &bytes)?;
        }
    }
    Ok(archive.into_inner()?)
}

fn append(archive: &mut tar::Builder<impl Write>, path: &str, mode: u32, bytes: &[u8]) -> Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_mode(mode);
    header.set_size(bytes.len() as u64);
    header.set_entry_type(tar::EntryType::Regular);
    Ok(archive.append_data(&mut header, path, bytes)?)
}

fn append_folder(archive: &mut tar::Builder<impl Write>, path: &str) -> Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_mode(0o700);
    header.set_size(0);
    header.set_entry_type(tar::EntryType::Directory);
    Ok(archive.append_data(&mut header, path, std::io::empty())?)
}

/// Reads a context and stores it under a name.
pub(super) fn read(store: &Store<'_>, name: &str, source: impl Read) -> Result<()> {
    check_name(name)?;
    let mut found = None;
    let mut certificates = Vec::new();
    let mut archive = tar::Archive::new(source.take(LARGEST));
    for entry in archive.entries()? {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        check_path(&path)?;
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        if path == METADATA {
            found = Some(serde_json::from_slice::<Json>(&bytes)?);
            continue;
        }
        let parts: Vec<&str> = path.splitn(3, '/').collect();
        let [_, endpoint, file] = parts.as_slice() else {
            return Err("archive format is invalid".into());
        };
        if file.contains('/') {
            return Err("archive format is invalid".into());
        }
        certificates.push(((*endpoint).to_string(), (*file).to_string(), bytes));
    }
    let document = found.ok_or_else(|| Failure::message("invalid context: no metadata found"))?;
    let object = |key: &str| document.get(key).and_then(Json::as_object).cloned().unwrap_or_default();
    store.save(&Context {
        name: name.into(),
        metadata: object("Metadata"),
        endpoints: object("Endpoints"),
    })?;
    for (endpoint, file, bytes) in certificates {
        store.save_certificate(name, &endpoint, &file, &bytes)?;
    }
    Ok(())
}

/// Only the two kinds of files, by plain paths: an archive must not reach outside the store.
fn check_path(path: &str) -> Result<()> {
    let plain = path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    let problem = if path != METADATA && !path.starts_with("tls/") {
        "unexpected context file"
    } else if !plain {
        "unexpected path format"
    } else if path.contains('\\') {
        "unexpected '\\' in path"
    } else {
        return Ok(());
    };
    Err(format!("{path}: {problem}").into())
}

/// Gives a context the certificates of another one.
pub(super) fn copy_certificates(store: &Store<'_>, from: &str, to: &str) -> Result<()> {
    for (endpoint, files) in store.certificates(from) {
        for file in files {
            let bytes = std::fs::read(store.certificates_folder(from).join(&endpoint).join(&file))?;
            store.save_certificate(to, &endpoint, &file, &bytes)?;
        }
    }
    Ok(())
}
