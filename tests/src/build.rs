//! Contexts of builds, and what is seen of what they made.

use std::path::PathBuf;

use crate::{Host, settings::lab};

/// A folder of the host with a Dockerfile and files.
///
/// # Panics
/// When it cannot be written.
pub fn context(host: &Host, name: &str, dockerfile: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = host.folder().join(name);
    for (path, text) in [("Dockerfile", dockerfile)].iter().chain(files) {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    folder
}

/// What a shell in a container of the image writes.
#[track_caller]
pub fn in_image(host: &Host, image: &str, script: &str) -> String {
    host.docker(&["run", "--rm", "--entrypoint", "sh", image, "-c", script]).ok().to_owned()
}

/// Gives the host's command line the plugins of the lab: buildx and Compose.
///
/// # Panics
/// When the lab has none.
#[track_caller]
pub fn add_plugins(host: &Host) {
    let plugins = lab().join("plugins");
    assert!(plugins.join("docker-buildx").exists(), "the lab has no buildx: run tests/lab/prepare.sh peers");
    let client = host.folder().join("client");
    std::fs::create_dir_all(&client).expect("a folder");
    let link = client.join("cli-plugins");
    if !link.exists() {
        std::os::unix::fs::symlink(&plugins, link).expect("a link");
    }
}
