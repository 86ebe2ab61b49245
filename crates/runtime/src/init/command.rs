//! The working directory, the program in PATH, and the execve.

use std::ffi::CString;
use std::io;

use rustix::fs::{Access, AtFlags, CWD, FileType, accessat, stat};

use super::process::ProcessContext;
use crate::error::{Error, Result, command};

/// Enters the working directory while still root: a user may be without access to a directory above it.
pub(super) fn enter_directory_as_root(context: &mut ProcessContext) -> Result<()> {
    match rustix::process::chdir(context.process.cwd.as_str()) {
        Ok(()) => {
            context.directory_due = false;
            check_directory()
        }
        // A network file system may refuse root and admit the user: try again as the user.
        Err(rustix::io::Errno::ACCESS) => Ok(()),
        Err(error) => Err(directory_failure(context, error.into())),
    }
}

pub(super) fn enter_directory(context: &mut ProcessContext) -> Result<()> {
    if context.directory_due {
        rustix::process::chdir(context.process.cwd.as_str())
            .map_err(|error| directory_failure(context, error.into()))?;
    }
    check_directory()
}

fn directory_failure(context: &ProcessContext, error: io::Error) -> Error {
    let reason = plain(&error);
    let failure = crate::error::Failure::new(
        "working directory",
        sampan_error::Kind::InvalidArgument,
        format!("chdir to cwd ({:?}) set in config.json failed: {reason}", context.process.cwd),
    );
    Error::Step(failure)
}

/// A descriptor that leaked from the host would let a working directory such as /proc/self/fd/8 lie outside
/// the container (CVE-2024-21626); the kernel then knows no path to it.
fn check_directory() -> Result<()> {
    let inside = rustix::process::getcwd(Vec::new()).is_ok_and(|path| path.as_bytes().starts_with(b"/"));
    if inside {
        return Ok(());
    }
    Err(Error::Invalid(
        "current working directory is outside of container mount namespace root -- \
         possible container breakout detected"
            .into(),
    ))
}

/// Finds the program, as the user and with the rights that it will have.
pub(super) fn find(context: &mut ProcessContext) -> Result<()> {
    let Some(name) = context.process.args.first().cloned() else {
        return Err(Error::Invalid("no command is given: the list of arguments is empty".into()));
    };
    let found = if name.contains('/') {
        examine(&name)?;
        name
    } else {
        let path = context.process.env.iter().rev().find_map(|entry| entry.strip_prefix("PATH="));
        search(&name, path.unwrap_or_default()).ok_or_else(|| command::not_in_path(&name))?
    };
    context.program = CString::new(found).map_err(|_| zero_byte())?;
    Ok(())
}

fn search(name: &str, path: &str) -> Option<String> {
    if name.is_empty() {
        return None;
    }
    path.split(':')
        .map(|directory| format!("{}/{name}", if directory.is_empty() { "." } else { directory }))
        .find(|candidate| examine(candidate).is_ok())
}

fn examine(path: &str) -> Result<()> {
    let status = match stat(path) {
        Ok(status) => status,
        Err(rustix::io::Errno::NOENT) => return Err(command::missing(path)),
        Err(rustix::io::Errno::ACCESS) => return Err(command::denied(path)),
        Err(error) => return Err(command::refused(path, &error.into())),
    };
    if FileType::from_raw_mode(status.st_mode) == FileType::Directory {
        return Err(command::directory(path));
    }
    match accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS) {
        Ok(()) => Ok(()),
        // An old kernel, or a filter that knows no faccessat2: the bits must do.
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) if status.st_mode & 0o111 != 0 => Ok(()),
        Err(_) => Err(command::denied(path)),
    }
}

/// Executes the program. Returns only when that failed.
pub(super) fn execute(context: &ProcessContext) -> Error {
    let strings =
        |list: &[String]| list.iter().map(|text| CString::new(text.as_str())).collect::<Result<Vec<_>, _>>();
    let (Ok(arguments), Ok(environment)) = (strings(&context.process.args), strings(&context.process.env))
    else {
        return zero_byte();
    };
    let error = sampan_sys::process::execute(&context.program, &arguments, &environment);
    command::refused(&context.program.to_string_lossy(), &error)
}

fn zero_byte() -> Error {
    Error::Invalid("arguments and environment must not hold a zero byte".into())
}

/// The kernel's words for an error number, without Rust's "(os error N)".
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
