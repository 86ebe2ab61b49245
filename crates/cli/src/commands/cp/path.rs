//! The rules by which `cp` understands paths: a trailing `/` or `/.` says "a directory".

use std::path::Path;

use crate::commands::container_options::clean_path;
use crate::commands::container_options::key_values::system_text;
use crate::failure::{Failure, Result};
use crate::flags::quote;

/// What is copied.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: String,
    pub(super) is_directory: bool,
    /// The name that the copy gets instead of its own, when a link was followed.
    pub(super) rebase: String,
}

/// Where it is copied to.
#[derive(Debug)]
pub(super) struct Destination {
    pub(super) path: String,
    pub(super) exists: bool,
    pub(super) is_directory: bool,
}

/// `container:path` or a path here; what begins with `/` or `.` is always a path.
pub(super) fn split(argument: &str) -> (Option<&str>, &str) {
    if argument.starts_with('/') {
        return (None, argument);
    }
    match argument.split_once(':') {
        Some((container, path)) if !container.starts_with('.') => {
            (Some(container).filter(|name| !name.is_empty()), path)
        }
        _ => (None, argument),
    }
}

fn ends_with_separator(path: &str) -> bool {
    path.ends_with('/')
}

/// Whether the last part is a dot.
fn is_current(path: &str) -> bool {
    let trimmed = path.trim_end_matches('/');
    trimmed == "." || trimmed.ends_with("/.") || path.is_empty()
}

/// Whether the path can only be a directory.
fn asserts_directory(path: &str) -> bool {
    ends_with_separator(path) || is_current(path)
}

/// The cleaned path with the end of the original one that says "a directory".
fn keep_end(cleaned: String, original: &str) -> String {
    let mut path = cleaned;
    if !is_current(&path) && is_current(original) {
        if !ends_with_separator(&path) {
            path.push('/');
        }
        path.push('.');
    }
    if !ends_with_separator(&path) && ends_with_separator(original) {
        path.push('/');
    }
    path
}

/// A path here, absolute, its end kept.
pub(super) fn absolute(path: &str) -> Result<String> {
    let joined = std::env::current_dir()?.join(path);
    Ok(keep_end(clean_path(&joined), path))
}

/// The folder and the last part of a path; the last part of `x/.` is the dot.
pub(super) fn split_entry(path: &str) -> (String, String) {
    let mut cleaned = clean_path(Path::new(path));
    if is_current(path) {
        cleaned.push_str("/.");
    }
    match cleaned.rsplit_once('/') {
        Some((folder, "")) => (clean_folder(folder), String::from("/")),
        Some((folder, base)) => (clean_folder(folder), base.to_owned()),
        None => (String::from("."), cleaned),
    }
}

fn clean_folder(folder: &str) -> String {
    if folder.is_empty() { String::from("/") } else { clean_path(Path::new(folder)) }
}

/// Where a link leads, seen from the folder that it stands in.
pub(super) fn link_target(link: &str, target: &str) -> String {
    if target.starts_with('/') {
        return target.to_owned();
    }
    let (folder, _) = split_entry(link);
    clean_path(Path::new(&format!("{folder}/{target}")))
}

/// The followed path with the original's end, and the name that the copy gets if the link has another one.
pub(super) fn rebase_name(path: &str, resolved: &str) -> (String, String) {
    let mut resolved = resolved.to_owned();
    if is_current(path) && !is_current(&resolved) {
        resolved.push_str("/.");
    }
    if ends_with_separator(path) && !ends_with_separator(&resolved) {
        resolved.push('/');
    }
    let base = |path: &str| path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
    // A dot names no entry of its own.
    let rebase = if base(path) == base(&resolved) { String::new() } else { base(path) };
    (resolved, rebase)
}

/// The source here: with `follow` the file behind the link, else the link itself in its real folder.
pub(super) fn resolve_source(path: &str, follow: bool) -> Result<(String, String)> {
    let resolve = |path: &str| {
        std::fs::canonicalize(if path.is_empty() { "/" } else { path })
            .map(|path| path.to_string_lossy().into_owned())
            .map_err(|error| system_failure("lstat", path, &error))
    };
    if follow {
        return Ok(rebase_name(path, &resolve(path)?));
    }
    let (folder, base) = path.rsplit_once('/').unwrap_or((".", path));
    let folder = resolve(folder)?;
    let joined = format!("{}/{base}", folder.trim_end_matches('/'));
    let name = |path: &str| path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
    let rebase =
        if ends_with_separator(path) && name(path) != name(&joined) { name(path) } else { String::new() };
    Ok((joined, rebase))
}

/// The folder to extract into, and the name that the copied entry gets there.
pub(super) fn place(source: &Source, destination: &Destination) -> Result<(String, String)> {
    let (folder, target_name) = split_entry(&destination.path);
    let (_, own_name) = split_entry(&source.path);
    let own_name = if source.rebase.is_empty() { own_name } else { source.rebase.clone() };
    match (destination.exists, destination.is_directory, source.is_directory) {
        (true, true, _) => Ok((destination.path.clone(), own_name)),
        (true, false, true) => Err("cannot copy directory".into()),
        (false, _, false) if asserts_directory(&destination.path) => Err("no such directory".into()),
        _ => Ok((folder, target_name)),
    }
}

/// Refuses a place here that nothing can be written to.
pub(super) fn check_output(path: &str) -> Result<()> {
    let cleaned = clean_path(Path::new(path));
    if let Some(folder) = Path::new(&cleaned).parent()
        && !folder.as_os_str().is_empty()
        && !folder.exists()
    {
        return Err(Failure::message(format!(
            "invalid output path: directory {} does not exist",
            quote(&folder.to_string_lossy())
        )));
    }
    if let Ok(metadata) = std::fs::metadata(path) {
        use std::os::unix::fs::FileTypeExt;
        let kind = metadata.file_type();
        if kind.is_block_device() || kind.is_char_device() {
            return Err(Failure::message(format!(
                "invalid output path: {} must be a directory or a regular file: got a device",
                quote(path)
            )));
        }
    }
    Ok(())
}

/// What the system said of a path, in Go's form.
pub(super) fn system_failure(call: &str, path: &str, error: &std::io::Error) -> Failure {
    Failure::message(format!("{call} {path}: {}", system_text(error)))
}

#[cfg(test)]
mod tests {
    use super::{Destination, Source, place, split, split_entry};

    #[test]
    fn containers_and_paths() {
        assert_eq!(split("web:/etc"), (Some("web"), "/etc"));
        assert_eq!(split("./a:b"), (None, "./a:b"));
        assert_eq!(split("/a:b"), (None, "/a:b"));
        assert_eq!(split("plain"), (None, "plain"));
        assert_eq!(split_entry("/a/b/."), ("/a/b".into(), ".".into()));
        assert_eq!(split_entry("/a/b/"), ("/a".into(), "b".into()));
        assert_eq!(split_entry("/a"), ("/".into(), "a".into()));
        assert_eq!(split_entry("a"), (".".into(), "a".into()));
    }

    #[test]
    fn where_a_copy_goes() {
        let source =
            |path: &str, is_directory| Source { path: path.into(), is_directory, rebase: String::new() };
        let target =
            |path: &str, exists, is_directory| Destination { path: path.into(), exists, is_directory };
        let placed = |source, target| place(&source, &target).map_err(|failure| failure.to_string());
        assert_eq!(placed(source("/x/f", false), target("/d", true, true)), Ok(("/d".into(), "f".into())));
        assert_eq!(placed(source("/x/f", false), target("/d/g", true, false)), Ok(("/d".into(), "g".into())));
        assert_eq!(
            placed(source("/x/f", false), target("/d/g", false, false)),
            Ok(("/d".into(), "g".into()))
        );
        assert_eq!(placed(source("/x", true), target("/d/g", false, false)), Ok(("/d".into(), "g".into())));
        assert_eq!(placed(source("/x/.", true), target("/d", true, true)), Ok(("/d".into(), ".".into())));
        assert_eq!(
            placed(source("/x", true), target("/d", true, false)),
            Err("cannot copy directory".into())
        );
        assert_eq!(
            placed(source("/x/f", false), target("/d/", false, false)),
            Err("no such directory".into())
        );
    }
}
