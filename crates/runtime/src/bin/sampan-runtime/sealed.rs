//! Running from a sealed copy in memory, so that no container can overwrite this program (CVE-2019-5736).

use std::ffi::CString;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;

use sampan_error::{Context, Result};

/// Executes this program anew from a sealed memory file, unless it runs from one.
pub(crate) fn ensure() -> Result<()> {
    let own = std::fs::File::open("/proc/self/exe").context("open this program")?;
    if sampan_sys::memfd::is_sealed(&own) {
        return Ok(());
    }
    let content = std::fs::read("/proc/self/exe").context("read this program")?;
    let copy = sampan_sys::memfd::sealed(c"sampan-runtime", &content).context("copy this program")?;
    let strings = |list: Vec<std::ffi::OsString>| -> Vec<CString> {
        list.into_iter().filter_map(|text| CString::new(text.into_vec()).ok()).collect()
    };
    let arguments = strings(std::env::args_os().collect());
    let environment = std::env::vars_os().map(|(name, value)| {
        let mut entry = name;
        entry.push("=");
        entry.push(value);
        entry
    });
    let environment = strings(environment.collect());
    let error = sampan_sys::process::execute_descriptor(copy.as_fd(), &arguments, &environment);
    Err(error).context("execute the sealed copy of this program")
}
