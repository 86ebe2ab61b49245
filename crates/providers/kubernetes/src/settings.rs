//! What a target's options say.

use sampan_provider::{Failure, Result, Target};

/// How a service's published ports are reached, where its volumes are, and where its images come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Empty is the one of the user's context.
    pub(crate) namespace: String,
    /// `LoadBalancer`, `NodePort` or `ClusterIP`, as Kubernetes writes them.
    pub(crate) expose: &'static str,
    /// `None` is the cluster's usual one.
    pub(crate) storage_class: Option<String>,
    /// As Kubernetes writes it.
    pub(crate) access_mode: &'static str,
    /// A quantity.
    pub(crate) volume_size: String,
    /// The secret, made by the user, with which nodes read the registry.
    pub(crate) pull_secret: Option<String>,
    /// Host and prefix of the registry that both the user and the cluster's nodes reach.
    pub(crate) registry: Option<(String, String)>,
}

const EXPOSE: [&str; 3] = ["LoadBalancer", "NodePort", "ClusterIP"];
const ACCESS: [&str; 3] = ["ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"];

impl Default for Settings {
    fn default() -> Self {
        Self {
            namespace: String::new(),
            expose: EXPOSE[0],
            storage_class: None,
            access_mode: ACCESS[0],
            volume_size: "10Gi".to_owned(),
            pull_secret: None,
            registry: None,
        }
    }
}

impl Settings {
    /// Those of a target.
    ///
    /// # Errors
    /// One cannot be right.
    pub(crate) fn of(target: &Target) -> Result<Self> {
        let usual = Self::default();
        let text = |name: &str| target.option(name).map(str::to_owned);
        let size = text("volume-size").unwrap_or(usual.volume_size);
        if crate::quantity::parse(&size).is_none_or(|bytes| bytes < 1.0) {
            return Err(Failure::invalid(
                "volume-size",
                format!("{size:?} is no size: write it like `10Gi`"),
            ));
        }
        Ok(Self {
            namespace: text("namespace").unwrap_or_default(),
            expose: one_of(target, "expose", &EXPOSE)?,
            storage_class: text("storage-class"),
            access_mode: one_of(target, "access-mode", &ACCESS)?,
            volume_size: size,
            pull_secret: text("pull-secret"),
            registry: text("registry").map(|registry| registry_of(&registry)).transpose()?,
        })
    }

    /// Only one node at a time has a volume.
    pub(crate) fn is_one_writer(&self) -> bool {
        self.access_mode != "ReadWriteMany"
    }
}

/// An option with few values, the first of which is the usual one.
fn one_of(target: &Target, name: &str, known: &[&'static str]) -> Result<&'static str> {
    let Some(asked) = target.option(name) else { return Ok(known[0]) };
    known.iter().find(|one| one.eq_ignore_ascii_case(asked)).copied().ok_or_else(|| {
        Failure::invalid(name, format!("{asked:?} is none of the values of `{name}`: {}", known.join(", ")))
    })
}

/// `HOST[:PORT]/PREFIX`, or a host alone.
fn registry_of(text: &str) -> Result<(String, String)> {
    let (host, prefix) = text.split_once('/').unwrap_or((text, ""));
    let prefix = prefix.trim_matches('/');
    let host_fits = !host.is_empty()
        && !host.ends_with(':')
        && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']'));
    let prefix_fits = prefix
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '/' | '.' | '_' | '-'));
    if host_fits && prefix_fits {
        return Ok((host.to_owned(), prefix.to_owned()));
    }
    Err(Failure::invalid(
        "registry",
        format!("{text:?} is no registry: write it as HOST/PREFIX, without `https://`"),
    ))
}

#[cfg(test)]
mod tests {
    use super::Settings;
    use sampan_provider::Target;

    fn with(name: &str, value: &str) -> Target {
        Target { options: [(name.to_owned(), value.to_owned())].into(), ..Target::default() }
    }

    #[test]
    fn options_are_read() {
        assert_eq!(Settings::of(&Target::default()).unwrap(), Settings::default());
        assert_eq!(Settings::of(&with("expose", "nodeport")).unwrap().expose, "NodePort");
        let registry = Settings::of(&with("registry", "reg.example:5000/a/b")).unwrap().registry.unwrap();
        assert_eq!(registry, ("reg.example:5000".to_owned(), "a/b".to_owned()));
        let plain = Settings::of(&with("registry", "reg.example")).unwrap().registry.unwrap();
        assert_eq!(plain, ("reg.example".to_owned(), String::new()));
    }

    #[test]
    fn what_cannot_be_right_is_refused() {
        for (name, value) in [
            ("expose", "ingress"),
            ("access-mode", "rw"),
            ("volume-size", "much"),
            ("volume-size", "-1Gi"),
            ("registry", "https://reg.example/a"),
            ("registry", "reg.example/A"),
        ] {
            assert!(Settings::of(&with(name, value)).is_err(), "{name}={value}");
        }
    }
}
