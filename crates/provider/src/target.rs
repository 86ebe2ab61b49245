//! Targets: places with a name.

use crate::failure::{Failure, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A place where containers can live.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Target {
    /// What users call it.
    pub name: String,
    /// The kind of provider: `docker`, `aws`, ….
    pub provider: String,
    /// The provider's own region name; empty where there are none.
    pub region: String,
    /// Where the provider is reached when not at its usual address: a URL.
    pub endpoint: String,
    /// What else this provider wants to know, by its own names (`cluster`, `subnets`, `ca`). Never a secret: those come
    /// from the provider's usual places at the moment of use.
    pub options: BTreeMap<String, String>,
    /// It is a simulation of that provider: said with every line about it.
    pub simulated: bool,
}

/// The providers whose regions are targets without being made, with the words that begin their names.
const BUILT_IN: [(&str, &str); 4] =
    [("aws-", "aws"), ("azure-", "azure"), ("google-", "google"), ("aliyun-", "aliyun")];

/// A checked name of a target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetName(String);

impl TargetName {
    /// Letters, digits, `.`, `_` and `-`, at most 63, a letter or digit first: what can stand behind the `@` of
    /// `NAME@TARGET` and in a URL. `local` is this engine and no target.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let begins_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !begins_well || text.len() > 63 || !text.chars().all(plain) || text == "local" {
            return Err(Failure::Invalid {
                field: "target".to_owned(),
                message: format!(
                    "{text:?} cannot be a target's name: letters, digits, `.`, `_` and `-`, at most 63, and not \"local\""
                ),
            });
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The target that a name of the form `PROVIDER-REGION` stands for without having been made.
    #[must_use]
    pub fn built_in(&self) -> Option<Target> {
        let (prefix, provider) = BUILT_IN.iter().find(|(prefix, _)| self.0.starts_with(prefix))?;
        let region = &self.0[prefix.len()..];
        (!region.is_empty()).then(|| Target {
            name: self.0.clone(),
            provider: (*provider).to_owned(),
            region: region.to_owned(),
            ..Target::default()
        })
    }
}

impl Target {
    /// An option's value; `None` when it was not given.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::TargetName;

    #[test]
    fn a_region_of_a_cloud_is_a_target() {
        let target = TargetName::parse("aws-us-east-1").unwrap().built_in().unwrap();
        assert_eq!((target.provider.as_str(), target.region.as_str()), ("aws", "us-east-1"));
        let target = TargetName::parse("azure-westus").unwrap().built_in().unwrap();
        assert_eq!((target.provider.as_str(), target.region.as_str()), ("azure", "westus"));
        assert!(TargetName::parse("aws-").unwrap().built_in().is_none());
        assert!(TargetName::parse("edge").unwrap().built_in().is_none());
    }

    #[test]
    fn what_cannot_stand_behind_the_at_is_no_name() {
        for text in ["", "a@b", "a/b", "-a", "local", "a b", &"x".repeat(64)] {
            assert!(TargetName::parse(text).is_err(), "{text:?}");
        }
    }
}
