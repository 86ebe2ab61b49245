//! `RUN --mount=…`.

/// What is mounted while a RUN step's program runs. Values still have their variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mount {
    /// `bind`, `cache`, `tmpfs`, `secret` or `ssh`.
    pub kind: String,
    /// Where it is seen.
    pub target: String,
    /// A path of the context, stage or image.
    pub source: String,
    /// The stage or image that it is of; empty is the context.
    pub from: String,
    /// Which cache or secret.
    pub id: String,
    /// The variable that a secret is seen as, in place of a file or beside it.
    pub env: String,
    /// `shared`, `private` or `locked`.
    pub sharing: String,
    /// Octal mode of a new cache's folder.
    pub mode: String,
    /// Owner of a new cache's folder.
    pub user: String,
    /// Its group.
    pub group: String,
    /// Bytes of a tmpfs.
    pub size: String,
    /// Whether it can be written to; what is written to a bind is not kept.
    pub writable: bool,
    /// A secret without which the step cannot run.
    pub required: bool,
}

/// Reads the value of one `--mount`.
///
/// # Errors
/// An unknown type or key, a target that is missing.
pub(super) fn parse(text: &str) -> Result<Mount, String> {
    let mut mount = Mount { kind: "bind".to_owned(), sharing: "shared".to_owned(), ..Mount::default() };
    let mut access = None;
    for field in text.split(',') {
        let (key, value) = field.split_once('=').map_or((field, None), |(key, value)| (key, Some(value)));
        let text = || {
            value
                .map(str::to_owned)
                .ok_or_else(|| format!("invalid field '{field}' must be a key=value pair"))
        };
        let flag = || match value {
            None | Some("true" | "1") => Ok(true),
            Some("false" | "0") => Ok(false),
            Some(other) => Err(format!("invalid value for {key}: {other}")),
        };
        match key.to_ascii_lowercase().as_str() {
            "type" => mount.kind = text()?,
            "target" | "dst" | "destination" => mount.target = text()?,
            "source" | "src" => mount.source = text()?,
            "from" => mount.from = text()?,
            "id" => mount.id = text()?,
            "env" => mount.env = text()?,
            "sharing" => mount.sharing = text()?,
            "mode" => mount.mode = text()?,
            "uid" => mount.user = text()?,
            "gid" => mount.group = text()?,
            "size" => mount.size = text()?,
            "required" => mount.required = flag()?,
            "rw" | "readwrite" => access = Some(flag()?),
            "ro" | "readonly" => access = Some(!flag()?),
            _ => return Err(format!("unexpected key '{key}' in '{field}'")),
        }
    }
    match mount.kind.as_str() {
        "bind" | "cache" | "tmpfs" if mount.target.is_empty() => {
            return Err(format!("RUN --mount of type {} requires a target", mount.kind));
        }
        "bind" | "cache" | "tmpfs" | "secret" | "ssh" => {}
        other => return Err(format!("unsupported mount type {other:?}")),
    }
    if !["shared", "private", "locked"].contains(&mount.sharing.as_str()) {
        return Err(format!("unsupported sharing value {:?}", mount.sharing));
    }
    mount.writable = access.unwrap_or(mount.kind != "bind");
    Ok(mount)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn mounts_are_read() {
        let cache = parse("type=cache,target=/root/.cache,sharing=locked,mode=0700").unwrap();
        assert_eq!((cache.kind.as_str(), cache.sharing.as_str(), cache.writable), ("cache", "locked", true));
        let bind = parse("target=/src,from=one,source=/app").unwrap();
        assert_eq!((bind.kind.as_str(), bind.from.as_str(), bind.writable), ("bind", "one", false));
        assert!(parse("target=/x,rw").unwrap().writable);
        for wrong in
            ["type=cache", "type=what,target=/x", "target", "nonsense=1", "type=cache,target=/x,sharing=x"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
