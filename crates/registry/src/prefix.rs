//! Which names a prefix covers: the one rule of mirrors, places and trust.

/// Whether a prefix (`registry.example`, `registry.example/shop`) covers a complete repository name. A prefix ends
/// where a part of the name ends, so `a.example/b` does not cover `a.example/bb`; `*.example` covers the hosts
/// below a domain.
pub(crate) fn covers(prefix: &str, repository: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    if let Some(domain) = prefix.strip_prefix("*.") {
        let host = repository.split_once('/').map_or(repository, |(host, _)| host);
        let host = host.split_once(':').map_or(host, |(host, _)| host);
        return host.strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'));
    }
    repository.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':', '@']))
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_prefix_ends_where_a_part_ends() {
        assert!(covers("a.example", "a.example/b"));
        assert!(covers("a.example/b", "a.example/b"));
        assert!(covers("a.example/b/", "a.example/b/c"));
        assert!(!covers("a.example/b", "a.example/bb"));
        assert!(!covers("a.example", "a.example.org/b"));
    }

    #[test]
    fn a_star_stands_for_hosts_below_a_domain() {
        assert!(covers("*.example", "a.example/b"));
        assert!(covers("*.example", "a.b.example:5000/b"));
        assert!(!covers("*.example", "example/b"));
        assert!(!covers("*.example", "aexample/b"));
        assert!(!covers("*.example", ".example/b"));
    }
}
