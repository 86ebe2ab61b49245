//! What a container's things are called in AWS.

/// FNV-1a, so that two names that look alike once their odd characters are gone stay two.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Lower-case letters, digits and `-`, at most so many; a hash is added when that is not all of the name.
fn plain(name: &str, most: usize) -> String {
    let kept: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    if kept == name && name.len() <= most && !name.ends_with('-') {
        return kept;
    }
    let short: String = kept.chars().take(most - 9).collect();
    format!("{}-{:08x}", short.trim_end_matches('-'), hash(name))
}

/// The service in ECS.
pub(super) fn service(name: &str) -> String {
    plain(name, 200)
}

/// The family of task definitions; the security group.
pub(super) fn family(name: &str) -> String {
    format!("sampan-{}", plain(name, 200))
}

/// The repository of its images.
pub(super) fn repository(name: &str) -> String {
    format!("sampan/{}", plain(name, 200))
}

/// Its logs.
pub(super) fn log_group(name: &str) -> String {
    format!("/sampan/{}", plain(name, 400))
}

/// The load balancer: at most 32 characters.
pub(super) fn balancer(name: &str) -> String {
    format!("sampan-{}", plain(name, 25))
}

/// A group of targets for a port inside and its protocol: at most 32 characters.
pub(super) fn target_group(name: &str, port: u16, protocol: &str) -> String {
    let end = format!(
        "{port}{}",
        match protocol {
            "TCP" => "t",
            "UDP" => "u",
            _ => "b",
        }
    );
    format!("sampan-{}-{end}", plain(name, 24 - end.len()))
}

#[cfg(test)]
mod tests {
    use super::{balancer, repository, target_group};

    #[test]
    fn names_fit_and_stay_apart() {
        let long = "a-container-with-a-name-that-is-longer-than-aws-likes";
        assert!(balancer(long).len() <= 32);
        assert!(target_group(long, 65535, "TCP_UDP").len() <= 32);
        assert_eq!(balancer("web"), "sampan-web");
        assert_ne!(repository("a.b"), repository("a-b"));
        assert_ne!(repository("Web"), repository("web"));
    }
}
