//! Who a program runs as: numbers, or names looked up in the container's own /etc/passwd and /etc/group.
//!
//! The files are data that the container controls. They are opened without following links out of the root,
//! must be regular, are read up to a limit, and no code of the container runs (no NSS).

use std::io::Read;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, openat2};

use crate::error::{Error, Result};
use crate::plan::User;

/// A user, resolved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Identity {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Supplementary groups.
    pub(crate) groups: Vec<u32>,
    pub(crate) home: String,
    pub(crate) umask: Option<u32>,
}

/// The largest number that Docker accepts.
const LARGEST: u32 = i32::MAX as u32;

/// No honest password file is larger; a hostile one shall not fill the container's memory.
const LIMIT: u64 = 16 << 20;

/// Resolves `user` with the files below `/`, which is the container's root by now.
pub(super) fn resolve(user: &User) -> Result<Identity> {
    let passwd = read_in_root("etc/passwd");
    match user {
        User::Numbers { uid, gid, additional, umask } => {
            let home = passwd_entries(&passwd).find(|entry| entry.uid == *uid).map(|entry| entry.home);
            Ok(Identity {
                uid: *uid,
                gid: *gid,
                groups: additional.clone(),
                home: home.filter(|home| !home.is_empty()).unwrap_or("/").to_owned(),
                umask: *umask,
            })
        }
        User::Docker { user, groups, umask, .. } => {
            let group = read_in_root("etc/group");
            docker(user, groups, *umask, &passwd, &group)
        }
    }
}

/// Docker's rules: `user[:group]`, each a name or a number; groups of the user only without an explicit group.
fn docker(
    argument: &str,
    more: &[String],
    umask: Option<u32>,
    passwd: &str,
    group: &str,
) -> Result<Identity> {
    let (user, group_name) = argument.split_once(':').unwrap_or((argument, ""));
    let number = user.parse::<u32>().ok();
    let entry = passwd_entries(passwd).find(|entry| match (user, number) {
        ("", _) => entry.uid == 0,
        (_, Some(number)) => entry.name == user || entry.uid == number,
        _ => entry.name == user,
    });
    let mut identity = Identity { home: "/".into(), umask, ..Identity::default() };
    match (&entry, number) {
        (Some(entry), _) => {
            identity.uid = entry.uid;
            identity.gid = entry.gid;
            if !entry.home.is_empty() {
                identity.home = entry.home.to_owned();
            }
        }
        (None, _) if user.is_empty() => {}
        (None, Some(number)) => identity.uid = in_range(number)?,
        (None, None) if is_number(user) => return Err(out_of_range()),
        (None, None) => {
            return Err(Error::Invalid(format!(
                "unable to find user {user}: no matching entries in passwd file"
            )));
        }
    }
    let mut groups = Vec::new();
    if group_name.is_empty() {
        if let Some(entry) = &entry {
            groups.extend(
                group_entries(group)
                    .filter(|group| group.members.split(',').any(|member| member == entry.name))
                    .map(|group| group.gid),
            );
        }
    } else {
        identity.gid = find_group(group_name, group)?;
    }
    for name in more {
        groups.push(find_group(name, group)?);
    }
    // The primary group is among the supplementary ones too, so that "no access for the group" holds.
    identity.groups.push(in_range(identity.gid)?);
    for gid in groups {
        if !identity.groups.contains(&gid) {
            identity.groups.push(in_range(gid)?);
        }
    }
    in_range(identity.uid)?;
    Ok(identity)
}

fn find_group(name: &str, group: &str) -> Result<u32> {
    let number = name.parse::<u32>().ok();
    let known = group_entries(group).find(|entry| entry.name == name || Some(entry.gid) == number);
    match (known, number) {
        (Some(entry), _) => in_range(entry.gid),
        (None, Some(number)) => in_range(number),
        (None, None) if is_number(name) => Err(out_of_range()),
        (None, None) => {
            Err(Error::Invalid(format!("unable to find group {name}: no matching entries in group file")))
        }
    }
}

/// A number that is too large or negative must not be taken for a name, nor wrap around to 0.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn in_range(number: u32) -> Result<u32> {
    if number > LARGEST { Err(out_of_range()) } else { Ok(number) }
}

fn out_of_range() -> Error {
    Error::Invalid(format!("uids and gids must be in range 0-{LARGEST}"))
}

struct PasswdEntry<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

/// Lines of passwd(5); those that make no sense are passed over.
fn passwd_entries(text: &str) -> impl Iterator<Item = PasswdEntry<'_>> {
    text.lines().filter_map(|line| {
        let mut fields = line.trim().split(':');
        let name = fields.next().filter(|name| !name.is_empty() && !name.starts_with('#'))?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(PasswdEntry { name, uid, gid, home: fields.nth(1).unwrap_or("") })
    })
}

struct GroupEntry<'a> {
    name: &'a str,
    gid: u32,
    members: &'a str,
}

/// Lines of group(5).
fn group_entries(text: &str) -> impl Iterator<Item = GroupEntry<'_>> {
    text.lines().filter_map(|line| {
        let mut fields = line.trim().split(':');
        let name = fields.next().filter(|name| !name.is_empty() && !name.starts_with('#'))?;
        let gid = fields.nth(1)?.parse().ok()?;
        Some(GroupEntry { name, gid, members: fields.next().unwrap_or("") })
    })
}

/// A file below `/`; empty when it is missing or no regular file.
fn read_in_root(path: &str) -> String {
    let open = || -> std::io::Result<String> {
        let root = rustix::fs::open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        // Without O_NONBLOCK a named pipe in the file's place would hold up the container for ever.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let file = openat2(&root, path, flags, Mode::empty(), resolve)?;
        if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
            return Ok(String::new());
        }
        let mut bytes = Vec::new();
        std::fs::File::from(file).take(LIMIT).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    open().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n# x\nweb:x:33:34::/var/www:/bin/false\nbad:x:y:z\n";
    const GROUP: &str = "root:x:0:\nweb:x:34:\nlogs:x:50:web,other\nbig:x:4294967295:\n";

    fn find(user: &str, more: &[&str]) -> Result<Identity> {
        let more: Vec<String> = more.iter().map(ToString::to_string).collect();
        docker(user, &more, None, PASSWD, GROUP)
    }

    #[test]
    fn names_and_numbers_are_found_as_docker_does() {
        let web = find("web", &[]).unwrap();
        assert_eq!((web.uid, web.gid, web.groups, web.home.as_str()), (33, 34, vec![34, 50], "/var/www"));
        let explicit = find("web:logs", &[]).unwrap();
        assert_eq!((explicit.gid, explicit.groups), (50, vec![50]));
        let unknown = find("1234", &["logs", "77"]).unwrap();
        assert_eq!((unknown.uid, unknown.gid, unknown.groups), (1234, 0, vec![0, 50, 77]));
        assert_eq!(find("", &[]).unwrap().home, "/root");
        assert_eq!(find("33:7", &[]).unwrap().gid, 7);
    }

    #[test]
    fn what_is_unknown_or_out_of_range_is_refused() {
        let message = |user: &str, more: &[&str]| find(user, more).unwrap_err().to_string();
        assert_eq!(message("nobody", &[]), "unable to find user nobody: no matching entries in passwd file");
        assert_eq!(message("0:none", &[]), "unable to find group none: no matching entries in group file");
        for wrong in ["4294967295", "4294967296", "-1", "99999999999999999999", "2147483648"] {
            assert_eq!(message(wrong, &[]), "uids and gids must be in range 0-2147483647");
            assert_eq!(message(&format!("0:{wrong}"), &[]), "uids and gids must be in range 0-2147483647");
        }
        assert!(find("0", &["big"]).is_err());
    }
}
