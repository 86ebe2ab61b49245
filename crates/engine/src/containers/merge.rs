//! What the image says and what the caller says, put together: pure, in Docker's order of precedence.

use super::Resolved;
use crate::error::Error;
use crate::spec::{HealthTest, Healthcheck, PortKey, ProcessOptions};
use std::collections::BTreeMap;

/// The image's part of the configuration.
#[derive(Debug, Clone, Default)]
pub(crate) struct ImageDefaults {
    pub(crate) user: String,
    pub(crate) exposed_ports: Vec<PortKey>,
    pub(crate) env: Vec<String>,
    pub(crate) entrypoint: Option<Vec<String>>,
    pub(crate) cmd: Option<Vec<String>>,
    pub(crate) volumes: Vec<String>,
    pub(crate) working_dir: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) stop_signal: String,
    pub(crate) healthcheck: Option<Healthcheck>,
    pub(crate) shell: Option<Vec<String>>,
    pub(crate) on_build: Vec<String>,
}

/// Merges both. `id` gives the default host name.
///
/// # Errors
/// Neither side names a command.
pub(crate) fn merge(
    process: &ProcessOptions,
    image: &ImageDefaults,
    id: &str,
    hostname: Option<String>,
) -> Result<Resolved, Error> {
    let (entrypoint, cmd) = command(process, image);
    let args: Vec<String> = entrypoint.iter().flatten().chain(cmd.iter().flatten()).cloned().collect();
    if args.is_empty() {
        return Err(Error::Invalid("no command specified".into()));
    }
    let labels: BTreeMap<String, String> =
        image.labels.clone().into_iter().chain(process.labels.clone()).collect();
    let pick = |own: &String, images: &String| if own.is_empty() { images.clone() } else { own.clone() };
    Ok(Resolved {
        hostname: hostname.unwrap_or_else(|| id.chars().take(12).collect()),
        args,
        entrypoint,
        cmd,
        env: environment(&process.env, &image.env),
        user: pick(&process.user, &image.user),
        working_dir: pick(&process.working_dir, &image.working_dir),
        exposed_ports: union(&process.exposed_ports, &image.exposed_ports),
        volumes: union(&process.volumes, &image.volumes),
        healthcheck: healthcheck_or_label(process.healthcheck.as_ref(), image.healthcheck.as_ref(), &labels)?,
        labels,
        stop_signal: process.stop_signal.clone().unwrap_or_else(|| image.stop_signal.clone()),
        stop_timeout: process.stop_timeout,
        on_build: if process.on_build.is_empty() { image.on_build.clone() } else { process.on_build.clone() },
        shell: process.shell.clone().or_else(|| image.shell.clone()),
    })
}

/// The entry point and the command. An entry point of one's own drops the image's command; an explicit
/// empty one (`[]` or `[""]`) drops the image's entry point.
fn command(process: &ProcessOptions, image: &ImageDefaults) -> (Option<Vec<String>>, Option<Vec<String>>) {
    let own_entrypoint = process.entrypoint.as_ref().is_some_and(|it| !it.is_empty());
    let own_cmd = process.cmd.as_ref().is_some_and(|it| !it.is_empty());
    let cmd = if own_cmd || own_entrypoint { process.cmd.clone() } else { image.cmd.clone() };
    let entrypoint = match &process.entrypoint {
        None => image.entrypoint.clone(),
        Some(given) if given.len() == 1 && given[0].is_empty() => None,
        Some(given) => Some(given.clone()),
    };
    (entrypoint.filter(|it| !it.is_empty()), cmd)
}

/// The caller's variables first, then those of the image that the caller did not name. A bare `NAME`
/// removes the image's variable.
fn environment(own: &[String], image: &[String]) -> Vec<String> {
    let key =
        |variable: &String| variable.split_once('=').map_or(variable.clone(), |(name, _)| name.to_owned());
    let named: Vec<String> = own.iter().map(key).collect();
    let mut merged: Vec<String> = own.iter().filter(|variable| variable.contains('=')).cloned().collect();
    merged.extend(image.iter().filter(|variable| !named.contains(&key(variable))).cloned());
    merged
}

fn union<T: Clone + Ord>(one: &[T], other: &[T]) -> Vec<T> {
    let mut all: Vec<T> = one.iter().chain(other).cloned().collect();
    all.sort();
    all.dedup();
    all
}

/// The health check, or where none is said the one of a label.
fn healthcheck_or_label(
    own: Option<&Healthcheck>,
    image: Option<&Healthcheck>,
    labels: &BTreeMap<String, String>,
) -> Result<Option<Healthcheck>, Error> {
    let check = healthcheck(own, image);
    let Some(label) = labels.get(crate::probe::HEALTH) else { return Ok(check) };
    let mut check = check.unwrap_or_default();
    if check.test == HealthTest::Inherit {
        check.test = HealthTest::of_label(crate::probe::HEALTH, label)
            .map_err(|error| Error::Invalid(error.to_string()))?;
    }
    Ok(Some(check))
}

/// A health check with the image's values where the caller said nothing.
fn healthcheck(own: Option<&Healthcheck>, image: Option<&Healthcheck>) -> Option<Healthcheck> {
    let merged = match (own, image) {
        (None, image) => image?.clone(),
        (Some(own), None) => own.clone(),
        (Some(own), Some(image)) => {
            let pick = |own: i64, image: i64| if own == 0 { image } else { own };
            Healthcheck {
                test: if own.test == HealthTest::Inherit { image.test.clone() } else { own.test.clone() },
                interval: pick(own.interval, image.interval),
                timeout: pick(own.timeout, image.timeout),
                start_period: pick(own.start_period, image.start_period),
                start_interval: pick(own.start_interval, image.start_interval),
                retries: pick(own.retries, image.retries),
            }
        }
    };
    Some(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Option<Vec<String>> {
        Some(words.iter().map(|word| (*word).to_owned()).collect())
    }

    fn args(entrypoint: Option<Vec<String>>, cmd: Option<Vec<String>>) -> Result<Vec<String>, String> {
        let image =
            ImageDefaults { entrypoint: words(&["/entry"]), cmd: words(&["serve"]), ..Default::default() };
        let process = ProcessOptions { entrypoint, cmd, ..Default::default() };
        merge(&process, &image, "0123456789abcdef", None).map(|it| it.args).map_err(|error| error.to_string())
    }

    #[test]
    fn entry_point_and_command_follow_dockers_table() {
        assert_eq!(args(None, None), Ok(words(&["/entry", "serve"]).unwrap_or_default()));
        assert_eq!(args(None, words(&["sh"])), Ok(words(&["/entry", "sh"]).unwrap_or_default()));
        assert_eq!(args(words(&["/mine"]), None), Ok(words(&["/mine"]).unwrap_or_default()));
        assert_eq!(args(words(&["/mine"]), words(&["x"])), Ok(words(&["/mine", "x"]).unwrap_or_default()));
        assert_eq!(args(words(&[]), words(&["sh"])), Ok(words(&["sh"]).unwrap_or_default()));
        assert_eq!(args(words(&[""]), words(&["sh"])), Ok(words(&["sh"]).unwrap_or_default()));
        assert_eq!(args(words(&[""]), None), Err("no command specified".into()));
    }

    #[test]
    fn the_callers_variables_win_and_a_bare_name_removes() {
        let own = ["A=1".to_owned(), "GONE".to_owned()];
        let image = ["A=0".to_owned(), "GONE=1".to_owned(), "PATH=/bin".to_owned()];
        assert_eq!(environment(&own, &image), ["A=1", "PATH=/bin"]);
    }

    #[test]
    fn a_health_check_takes_what_it_lacks_from_the_image() {
        let image = Healthcheck { test: HealthTest::Shell("true".into()), retries: 5, ..Default::default() };
        let own = Healthcheck { interval: 7, ..Default::default() };
        let merged = healthcheck(Some(&own), Some(&image)).expect("a check");
        assert_eq!((merged.interval, merged.retries), (7, 5));
        assert_eq!(merged.test, HealthTest::Shell("true".into()));
    }
}
