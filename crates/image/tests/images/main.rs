//! The image store against real archives and real tools (tar, skopeo).

mod archives;
mod concurrency;
mod lifecycle;
mod store;

use sampan_image::Store;
use sampan_state::Database;
use std::path::Path;
use std::process::Command;

/// A store in a directory of its own.
fn open(root: &Path) -> Store {
    let driver = sampan_storage::drivers::open(None, root).unwrap();
    let database = Database::open(&root.join("state.db")).unwrap().database;
    Store::open(root, driver, database.collection(), database.collection()).unwrap()
}

/// Runs a tool and insists that it succeeds.
fn run(program: &str, arguments: &[&str]) -> String {
    let output =
        Command::new(program).args(arguments).output().unwrap_or_else(|e| panic!("{program} is needed: {e}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A tree with busybox and a few sorts of files, as a tar made by GNU tar.
fn busybox_tar(directory: &Path) -> std::path::PathBuf {
    let script = r#"
        set -e
        mkdir -p "$1/tree/bin" "$1/tree/etc" "$1/tree/tmp" && cd "$1/tree"
        cp /bin/busybox bin/busybox && ln bin/busybox bin/sh && ln -s busybox bin/ls
        chmod 1777 tmp && echo root:x:0:0::/:/bin/sh > etc/passwd && mkfifo etc/pipe && mknod etc/null c 1 3
        chmod 4755 bin/busybox && truncate -s 10M etc/sparse && echo end >> etc/sparse
        setfattr -n user.note -v hello etc/passwd 2>/dev/null || true
        tar --sparse --xattrs -cf "$1/busybox.tar" .
    "#;
    run("sh", &["-c", script, "sh", directory.to_str().unwrap()]);
    directory.join("busybox.tar")
}
