//! Groups by name, from /etc/group; a static program cannot ask NSS.

/// The number of a group; `None` when there is none of that name. A number is its own name.
pub(crate) fn find(name: &str) -> Option<u32> {
    if let Ok(number) = name.parse() {
        return Some(number);
    }
    let text = std::fs::read_to_string("/etc/group").ok()?;
    text.lines().find_map(|line| parse(line).filter(|(found, _)| *found == name).map(|(_, number)| number))
}

/// `name:password:number:members`, group(5).
fn parse(line: &str) -> Option<(&str, u32)> {
    let mut parts = line.split(':');
    let name = parts.next()?;
    Some((name, parts.nth(1)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_found_by_name_and_number() {
        assert_eq!(parse("docker:x:998:ann,bob"), Some(("docker", 998)));
        assert_eq!(parse("broken"), None);
        assert_eq!(find("root"), Some(0));
        assert_eq!(find("4711"), Some(4711));
        assert_eq!(find("no such group"), None);
    }
}
