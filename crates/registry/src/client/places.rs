//! From an image's name to the places that have it: rules, mirrors, the registry itself.

use sampan_error::{Error, Kind, Result};
use sampan_image::Reference;

use super::{Registries, Repository};
use crate::credentials::Credentials;
use crate::prefix;
use crate::settings::{Place, Rule};

const HUB: &str = "docker.io";

impl Registries {
    /// Where an image can be pulled from, the best place first. What the caller's name is goes to the registry (or
    /// what is configured in its place), never to a mirror.
    ///
    /// # Errors
    /// `PermissionDenied` when a rule blocks the name; `InvalidArgument` for certificates that cannot be used.
    pub fn sources(&self, reference: &Reference, credentials: &Credentials) -> Result<Vec<Repository>> {
        let repository = reference.repository();
        let rule = self.rule(&repository)?;
        let mut sources = Vec::new();
        for mirror in rule.iter().flat_map(|rule| &rule.mirrors) {
            let prefix = rule.map_or(HUB, |rule| &rule.prefix);
            let insecure = rule.is_some_and(|rule| rule.insecure);
            sources.push(self.at(mirror, prefix, &repository, insecure, &Credentials::default())?);
        }
        if reference.domain() == HUB {
            for mirror in &self.inner.settings.hub_mirrors {
                sources.push(self.at(mirror, HUB, &repository, false, &Credentials::default())?);
            }
        }
        sources.push(self.target(reference, credentials)?);
        Ok(sources)
    }

    /// Where an image is pushed to.
    ///
    /// # Errors
    /// As [`Self::sources`].
    pub fn target(&self, reference: &Reference, credentials: &Credentials) -> Result<Repository> {
        let repository = reference.repository();
        match self.rule(&repository)?.filter(|rule| !rule.location.is_empty()) {
            Some(rule) => self.at(&rule.location, &rule.prefix, &repository, rule.insecure, credentials),
            None => Ok(Repository {
                connection: self.connection(reference.domain(), false, credentials)?,
                path: reference.path().to_owned(),
            }),
        }
    }

    /// The host that stands for a registry's own, with whether it may do without TLS.
    pub(super) fn registry(&self, host: &str) -> Result<(String, bool)> {
        match self.rule(host)?.filter(|rule| !rule.location.is_empty()) {
            Some(rule) => {
                let place = Place::parse(&rule.location)?;
                Ok((place.host, place.plain || rule.insecure))
            }
            None => Ok((host.to_owned(), false)),
        }
    }

    /// The rule with the longest prefix that covers a repository.
    fn rule(&self, repository: &str) -> Result<Option<&Rule>> {
        let covering =
            self.inner.settings.rules.iter().filter(|rule| prefix::covers(&rule.prefix, repository));
        let rule = covering.max_by_key(|rule| rule.prefix.len());
        match rule.filter(|rule| rule.blocked) {
            Some(rule) => Err(Error::new(
                Kind::PermissionDenied,
                format!("{repository} may not be used here: the registry rule for {} blocks it", rule.prefix),
            )),
            None => Ok(rule),
        }
    }

    fn at(
        &self,
        place: &str,
        prefix: &str,
        repository: &str,
        insecure: bool,
        credentials: &Credentials,
    ) -> Result<Repository> {
        let place = Place::parse(place)?;
        let rest = match prefix.strip_prefix("*.") {
            Some(_) => repository.split_once('/').map_or("", |(_, rest)| rest),
            None => repository.strip_prefix(prefix.trim_end_matches('/')).unwrap_or(repository),
        };
        let rest = rest.trim_start_matches('/');
        let parts: Vec<&str> =
            [place.path.as_str(), rest].into_iter().filter(|part| !part.is_empty()).collect();
        let connection = self.connection(&place.host, insecure || place.plain, credentials)?;
        Ok(Repository { connection, path: parts.join("/") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn rule(prefix: &str, location: &str, mirrors: &[&str]) -> Rule {
        Rule {
            prefix: prefix.into(),
            location: location.into(),
            mirrors: mirrors.iter().map(ToString::to_string).collect(),
            insecure: false,
            blocked: prefix == "blocked.example",
        }
    }

    fn places(settings: Settings, name: &str) -> Vec<String> {
        let reference = Reference::parse(name).unwrap();
        let sources =
            Registries::new(settings).unwrap().sources(&reference, &Credentials::default()).unwrap();
        sources.iter().map(Repository::display).collect()
    }

    #[test]
    fn mirrors_come_first_and_the_registry_last() {
        let settings = Settings { hub_mirrors: vec!["https://m.example".into()], ..Settings::default() };
        assert_eq!(
            places(settings.clone(), "busybox"),
            ["m.example/library/busybox", "docker.io/library/busybox"]
        );
        assert_eq!(places(settings, "a.example/b"), ["a.example/b"]);
    }

    #[test]
    fn the_longest_rule_counts() {
        let settings = Settings {
            rules: vec![
                rule("docker.io", "127.0.0.1:5000/hub", &["m.example"]),
                rule("docker.io/library", "l.example", &[]),
                rule("*.corp.example", "proxy.example/corp", &[]),
                rule("blocked.example", "", &[]),
            ],
            ..Settings::default()
        };
        assert_eq!(places(settings.clone(), "busybox"), ["l.example/busybox"]);
        assert_eq!(
            places(settings.clone(), "some/app"),
            ["m.example/some/app", "127.0.0.1:5000/hub/some/app"]
        );
        assert_eq!(places(settings.clone(), "a.corp.example/x/y"), ["proxy.example/corp/x/y"]);
        let blocked = Reference::parse("blocked.example/x").unwrap();
        let error =
            Registries::new(settings).unwrap().sources(&blocked, &Credentials::default()).unwrap_err();
        assert_eq!(error.kind(), Kind::PermissionDenied);
    }
}
