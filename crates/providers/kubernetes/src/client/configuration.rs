//! Which server, and who asks: the usual places in the usual order, with the asker's environment before this process's own.

use super::Place;
use kube::config::{KubeConfigOptions, Kubeconfig};
use sampan_provider::{Failure, Result, Target};
use std::collections::BTreeMap;
use std::path::PathBuf;

const MISSING: &str =
    "there is no kubeconfig: set KUBECONFIG to the file that `kubectl` uses, or put it at ~/.kube/config";

/// What is known before anything is read.
#[derive(Debug, Clone)]
pub(super) struct Configuration {
    /// Files, those first whose words count. None: the machine is in a cluster, or nothing was set up.
    files: Vec<PathBuf>,
    context: Option<String>,
    namespace: Option<String>,
    server: Option<http::Uri>,
}

impl Configuration {
    /// Reads nothing yet.
    ///
    /// # Errors
    /// The target's endpoint is no URL, or its namespace no name.
    pub(super) fn of(target: &Target, environment: &BTreeMap<String, String>) -> Result<Self> {
        let server = match target.endpoint.as_str() {
            "" => None,
            text => {
                Some(text.parse::<http::Uri>().ok().filter(|uri| uri.host().is_some()).ok_or_else(|| {
                    Failure::invalid("endpoint", "the target's endpoint is no URL: it begins with https://")
                })?)
            }
        };
        let namespace = target.option("namespace").map(str::to_owned);
        if namespace.as_deref().is_some_and(|name| !crate::manifests::is_hostname(name)) {
            return Err(Failure::invalid(
                "namespace",
                "a namespace's name has lower-case letters, digits and `-`",
            ));
        }
        Ok(Self {
            files: files(environment),
            context: target.option("context").map(str::to_owned),
            namespace,
            server,
        })
    }

    /// Reads what the user has, and makes a client of it. Nobody is asked but the user's own login program.
    pub(super) async fn connect(&self) -> Result<Place> {
        let this = self.clone();
        let read = tokio::task::spawn_blocking(move || this.read()).await;
        let found = read.map_err(|_| Failure::invalid("kubeconfig", "the kubeconfig cannot be read"))??;
        let (mut config, context) = match found {
            Some(kubeconfig) => {
                let context = self.context.clone().or_else(|| kubeconfig.current_context.clone());
                let options =
                    KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
                let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await;
                (config.map_err(|error| unusable(&error))?, context.unwrap_or_default())
            }
            None => {
                let inside = kube::Config::incluster();
                (inside.map_err(|_| Failure::Unauthenticated(MISSING.to_owned()))?, String::new())
            }
        };
        config.default_retry = false;
        if let Some(server) = &self.server {
            config.cluster_url = server.clone();
        }
        let namespace = self.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let http = kube::Client::try_from(config).map_err(|_| {
            Failure::invalid(
                "kubeconfig",
                format!("the kubeconfig's certificates or proxy for {server} cannot be used"),
            )
        })?;
        Ok(Place { http, namespace, server, context })
    }

    /// The user's files as one.
    fn read(&self) -> Result<Option<Kubeconfig>> {
        if self.files.is_empty() {
            return Ok(None);
        }
        let mut merged = Kubeconfig::default();
        for file in &self.files {
            let read = Kubeconfig::read_from(file).and_then(|next| merged.clone().merge(next));
            merged = read.map_err(|_| {
                Failure::invalid("kubeconfig", format!("{} cannot be read as a kubeconfig", file.display()))
            })?;
        }
        Ok(Some(merged))
    }
}

/// `KUBECONFIG`, whose files that are not there do not count, else `~/.kube/config`.
fn files(environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let own = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let named = environment.get("KUBECONFIG").filter(|value| !value.is_empty());
    let named = named.map(Into::into).or_else(|| own("KUBECONFIG"));
    let all: Vec<PathBuf> = match named {
        Some(list) => std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect(),
        None => own("HOME").map(|home| PathBuf::from(home).join(".kube/config")).into_iter().collect(),
    };
    all.into_iter().filter(|path| path.is_file()).collect()
}

/// What is wrong with a configuration. What it holds is not repeated.
fn unusable(error: &kube::config::KubeconfigError) -> Failure {
    use kube::config::KubeconfigError as Wrong;
    let message = match error {
        Wrong::CurrentContextNotSet => {
            "the kubeconfig has no current context: give the target `-o context=NAME`".to_owned()
        }
        Wrong::LoadContext(name) => {
            format!("the kubeconfig has no context {name}: `kubectl config get-contexts` lists them")
        }
        Wrong::LoadClusterOfContext(name) => format!("the kubeconfig has no cluster {name}"),
        _ => "the kubeconfig cannot be used: try `kubectl get pods`".to_owned(),
    };
    Failure::invalid("context", message)
}

#[cfg(test)]
mod tests {
    use super::Configuration;
    use sampan_provider::{Failure, Target};
    use std::collections::BTreeMap;

    fn config(name: &str, current: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\n{current}clusters:\n- name: {name}\n  cluster: {{server: 'http://127.0.0.1:1/{name}'}}\n\
             contexts:\n- name: {name}\n  context: {{cluster: {name}, user: {name}, namespace: of-{name}}}\n\
             users:\n- name: {name}\n  user: {{token: t}}\n"
        )
    }

    fn of(files: &[&std::path::Path], options: &[(&str, &str)]) -> Configuration {
        let list = std::env::join_paths(files).unwrap().into_string().unwrap();
        let environment: BTreeMap<String, String> = [("KUBECONFIG".to_owned(), list)].into();
        let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Configuration::of(&Target { options, ..Target::default() }, &environment).unwrap()
    }

    #[tokio::test]
    async fn files_are_merged_and_the_context_is_chosen() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        std::fs::write(&one, config("one", "current-context: one\n")).unwrap();
        std::fs::write(&two, config("two", "")).unwrap();
        let absent = folder.path().join("absent");
        let place = of(&[&absent, &one, &two], &[]).connect().await.unwrap();
        assert_eq!((place.server.as_str(), place.namespace.as_str()), ("http://127.0.0.1:1/one", "of-one"));
        let place = of(&[&one, &two], &[("context", "two"), ("namespace", "mine")]).connect().await.unwrap();
        assert_eq!((place.server.as_str(), place.namespace.as_str()), ("http://127.0.0.1:1/two", "mine"));
    }

    #[tokio::test]
    async fn what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        std::fs::write(&file, config("one", "")).unwrap();
        let text = |failure: Failure| failure.to_string();
        let unset = of(&[&file], &[]).connect().await.err().unwrap();
        assert!(text(unset).contains("context=NAME"));
        let unknown = of(&[&file], &[("context", "prod")]).connect().await.err().unwrap();
        assert!(text(unknown).contains("prod"));
        std::fs::write(&file, "password: [hunter2").unwrap();
        let broken = text(of(&[&file], &[]).connect().await.err().unwrap());
        assert!(broken.contains("config") && !broken.contains("hunter2"));
    }
}
