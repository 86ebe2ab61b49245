//! `--output`: what becomes of the image beside its place in the engine.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::client::{Client, Query, object_path};
use crate::commands::download::Output as Download;
use crate::failure::{Failure, Result};

/// A way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Output {
    /// Only the engine.
    Image,
    /// Its files, in this folder.
    Local(PathBuf),
    /// Its files as an archive; no path is stdout.
    Tar(Option<PathBuf>),
    /// The image as an archive that Docker and OCI tools read; no path is stdout.
    Archive(Option<PathBuf>),
}

/// Reads `type=local,dest=FOLDER`, a folder alone, or `-`.
///
/// # Errors
/// A type or key that nobody knows, a place that is missing.
pub(super) fn parse(text: &str) -> Result<Output> {
    if text == "-" {
        return Ok(Output::Tar(None));
    }
    if !text.contains('=') {
        return Ok(Output::Local(text.into()));
    }
    let (mut kind, mut place) = (String::new(), None);
    for field in text.split(',') {
        match field.split_once('=') {
            Some(("type", value)) => kind = value.to_owned(),
            Some(("dest", value)) => place = Some(value).filter(|it| *it != "-").map(PathBuf::from),
            Some(("name" | "push", _)) => {
                return Err(Failure::message(format!(
                    "{field} is no part of --output here: use -t, and push afterwards"
                )));
            }
            Some((key, _)) => return Err(Failure::message(format!("unexpected key '{key}' in '{text}'"))),
            None => return Err(Failure::message(format!("invalid value {field} expecting k=v"))),
        }
    }
    match (kind.as_str(), place) {
        ("image", _) => Ok(Output::Image),
        ("local", Some(place)) => Ok(Output::Local(place)),
        ("local", None) => Err("dest is required for local exporter".into()),
        ("tar", place) => Ok(Output::Tar(place)),
        ("docker" | "oci", place) => Ok(Output::Archive(place)),
        ("", _) => Err(Failure::message(format!("type is required for output: {text}"))),
        (other, _) => Err(Failure::message(format!(
            "unknown output type {other:?}: local, tar, docker, oci and image are"
        ))),
    }
}

/// Hands an image over.
///
/// # Errors
/// The place cannot be written.
pub(super) fn deliver(client: &Client, image: &str, names: &[String], output: &Output) -> Result<()> {
    let name = names.first().map_or(image, String::as_str);
    let place = |path: &Option<PathBuf>| -> Result<Download> {
        let path = path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        Download::open(&path, "failed to write the output")
    };
    match output {
        Output::Image => Ok(()),
        Output::Local(folder) => unpack(client, image, folder),
        Output::Tar(path) => {
            let place = place(path)?;
            place.take(&mut files(client, image)?)
        }
        Output::Archive(path) => {
            let place = place(path)?;
            place.take(&mut client.get(&object_path("image", name, "get")?, &Query::new())?)
        }
    }
}

fn files(client: &Client, image: &str) -> Result<crate::client::Response> {
    client.get(&format!("/sampan/images/{image}/files"), &Query::new())
}

/// Writes the image's files, which become this user's, beside what the folder has.
fn unpack(client: &Client, image: &str, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::message(format!("cannot make {}: {error}", folder.display())))?;
    let mut archive = tar::Archive::new(files(client, image)?);
    archive.set_preserve_permissions(true);
    archive.set_preserve_mtime(true);
    archive.set_unpack_xattrs(false);
    archive.set_overwrite(true);
    archive
        .unpack(folder)
        .map_err(|error| Failure::message(format!("cannot write to {}: {error}", folder.display())))
}

/// Writes `--metadata-file`.
///
/// # Errors
/// It cannot be written.
pub(super) fn metadata(path: &str, image: &str, names: &[String]) -> Result<()> {
    let mut told = serde_json::json!({
        "containerimage.config.digest": image,
        "containerimage.digest": image,
    });
    if !names.is_empty() {
        told["image.name"] = names.join(",").into();
    }
    let mut file = File::create(path)?;
    serde_json::to_writer_pretty(&mut file, &told).map_err(|error| Failure::message(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_read() {
        for (text, expected) in [
            ("out", Output::Local("out".into())),
            ("-", Output::Tar(None)),
            ("type=tar,dest=a.tar", Output::Tar(Some("a.tar".into()))),
            ("type=oci,dest=-", Output::Archive(None)),
            ("type=image", Output::Image),
        ] {
            assert_eq!(parse(text).expect(text), expected);
        }
        for wrong in ["type=local", "type=what", "dest=x", "type=image,push=true", "type=tar,x=y"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
