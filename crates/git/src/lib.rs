//! A folder of a repository, fetched with this machine's `git`, which knows its keys and proxies.
//!
//! Addresses come from users and from Dockerfiles: nothing in them is ever read as an option of `git`, and what comes
//! out lies inside of the folder that the caller gave.

use sampan_error::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Whether a text is a repository's address: `git@…`, `git://…`, `ssh://…`, or one that ends in `.git`, each with
/// `#REF:FOLDER` behind it or without (Docker's documentation of build contexts, "Git repositories").
#[must_use]
pub fn is_address(text: &str) -> bool {
    let address = text.split('#').next().unwrap_or_default();
    text.starts_with("git@")
        || text.starts_with("git://")
        || text.starts_with("ssh://")
        || (address.contains("://") && address.ends_with(".git"))
        || text.starts_with("github.com/")
}

/// Fetches what an address names into an empty folder, without the history, and unless `keep_git` is set without `.git`;
/// gives the folder that was asked for,
/// which is this or one below it. Blocks.
///
/// # Errors
/// There is no `git`; no such repository, reference or folder.
pub fn checkout(text: &str, folder: &Path, keep_git: bool) -> Result<PathBuf> {
    let (address, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (reference, below) = fragment.split_once(':').unwrap_or((fragment, ""));
    for (what, value) in [("address", address), ("reference", reference)] {
        if value.starts_with('-') || value.contains(char::is_control) {
            return Err(Error::invalid(format!("{value:?} is no {what} of a repository")));
        }
    }
    let address =
        if address.starts_with("github.com/") { format!("https://{address}") } else { address.to_owned() };
    let git = |words: &[&str]| run(folder, words);
    // A reference may be a branch, a tag or a commit: servers give each of them by its name.
    let wanted = if reference.is_empty() { "HEAD" } else { reference };
    git(&["init", "--quiet"])?;
    git(&["remote", "add", "--", "origin", &address])?;
    let fetched = git(&["fetch", "--quiet", "--depth", "1", "--end-of-options", "origin", wanted])
        // Servers that are only files know no depths.
        .or_else(|_| git(&["fetch", "--quiet", "--end-of-options", "origin", wanted]));
    match fetched {
        Ok(()) => git(&["checkout", "--quiet", "FETCH_HEAD"])?,
        Err(failure) if reference.is_empty() => return Err(failure),
        // Some give no commits by their numbers: it may be in a branch.
        Err(_) => {
            git(&["fetch", "--quiet", "origin", "+refs/heads/*:refs/remotes/origin/*", "--tags"])?;
            git(&["checkout", "--quiet", reference])?;
        }
    }
    git(&["submodule", "--quiet", "update", "--init", "--recursive", "--depth", "1"])?;
    if !keep_git {
        std::fs::remove_dir_all(folder.join(".git"))?;
    }
    let wanted = folder.join(below.trim_start_matches('/'));
    let inside = wanted
        .canonicalize()
        .ok()
        .filter(|real| folder.canonicalize().is_ok_and(|root| real.starts_with(root)) && real.is_dir());
    inside.ok_or_else(|| Error::invalid(format!("the repository has no folder {below:?}")))
}

fn run(folder: &Path, words: &[&str]) -> Result<()> {
    let output = Command::new("git")
        // A repository has no say in what runs here.
        .args(["-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never", "-C"])
        .arg(folder)
        .args(words)
        .stdin(Stdio::null())
        .env("GIT_TERMINAL_PROMPT", "0")
        .output()
        .map_err(|error| Error::unavailable(format!("unable to run git: {error}; install it")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Error::invalid(format!("git {}: {said}", words.join(" "))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn repository() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("folder");
        let git = |words: &[&str]| run(folder.path(), words).expect("git");
        git(&["init", "--quiet", "--initial-branch=main"]);
        std::fs::create_dir(folder.path().join("app")).expect("folder");
        std::fs::write(folder.path().join("app/Dockerfile"), "FROM scratch").expect("file");
        symlink("/etc", folder.path().join("away")).expect("link");
        symlink("..", folder.path().join("up")).expect("link");
        git(&["add", "."]);
        git(&["-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "first"]);
        git(&["branch", "old"]);
        folder
    }

    #[test]
    fn addresses_are_known() {
        for address in ["git@h:a/b", "https://h/a.git#x:y", "git://h/a", "ssh://h/a", "github.com/a/b"] {
            assert!(is_address(address), "{address}");
        }
        for other in [".", "https://h/a.tar", "/srv/a.git", "a.git"] {
            assert!(!is_address(other), "{other}");
        }
    }

    #[test]
    fn folders_of_references_come_out() {
        let source = repository();
        let address = format!("file://{}", source.path().display());
        for fragment in ["", "#main", "#old:app", "#:app"] {
            let folder = tempfile::tempdir().expect("folder");
            let found = checkout(&format!("{address}{fragment}"), folder.path(), false).expect("folder");
            let file = if fragment.ends_with("app") { "Dockerfile" } else { "app/Dockerfile" };
            assert!(found.join(file).exists(), "{fragment}");
            assert!(!folder.path().join(".git").exists());
        }
    }

    #[test]
    fn nothing_gets_out_and_nothing_is_an_option() {
        let source = repository();
        let address = format!("file://{}", source.path().display());
        let bad = |text: &str| {
            let folder = tempfile::tempdir().expect("folder");
            let proof = folder.path().join("proof");
            let error = checkout(&text.replace("PROOF", &proof.display().to_string()), folder.path(), false);
            assert!(!proof.exists(), "{text} ran a program");
            error.expect_err(text)
        };
        for fragment in ["#main:away", "#main:up/..", "#main:../..", "#main:nowhere", "#nowhere"] {
            bad(&format!("{address}{fragment}"));
        }
        bad(&format!("{address}#--upload-pack=touch PROOF"));
        bad("--upload-pack=touch PROOF;x.git");
        bad("ext::sh -c touch% PROOF .git");
    }
}
