//! The text files of the repository: everything that is not built, ignored or binary.

use std::path::Path;

/// One text file.
pub(crate) struct File {
    /// Relative to the repository's root, with `/` between its parts.
    pub(crate) path: String,
    /// All of it.
    pub(crate) content: String,
}

/// Reads every text file below `root`, in a fixed order. Folders that hold builds or history are passed
/// over, as are files that are not UTF-8.
pub(crate) fn files(root: &Path) -> std::io::Result<Vec<File>> {
    let mut found = Vec::new();
    visit(root, "", &mut found)?;
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

fn visit(folder: &Path, prefix: &str, found: &mut Vec<File>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            let built = name == "target" || (prefix.is_empty() && name.starts_with("target-"));
            if !built && name != ".git" {
                visit(&entry.path(), &path, found)?;
            }
        } else if kind.is_file()
            && let Ok(content) = std::fs::read_to_string(entry.path())
        {
            found.push(File { path, content });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_history_and_binaries_are_passed_over() {
        let root = tempfile::tempdir().expect("a folder");
        for path in ["a/target/x", ".git/config", "target-mine/y", "a/b.rs", "c.md"] {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, "text").expect("written");
        }
        std::fs::write(root.path().join("picture"), [0xff, 0xfe, 0x00]).expect("written");
        let paths: Vec<_> = files(root.path()).expect("read").into_iter().map(|file| file.path).collect();
        assert_eq!(paths, ["a/b.rs", "c.md"]);
    }
}
