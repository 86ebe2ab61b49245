//! A double of an API server with its controllers and a node. It keeps objects as server-side apply does, makes replica sets
//! and pods of deployments, and runs the programs of pods as processes of this machine. What it is not: it has no admission,
//! no scheduler, no network, and pods are ready as soon as their program runs. kubectl and the Python client look at it in
//! `referees.rs`.

mod apply;
mod controllers;
mod discovery;
mod http;
mod node;
mod store;
mod tls;

pub(crate) use http::Fault;
pub(crate) use store::Store;

use sampan_provider::{Provider, Target};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What a client has to show.
const TOKEN: &str = "a-token-of-the-test";

/// A running double; ends with the test.
pub(crate) struct Double {
    pub(crate) store: Arc<Store>,
    address: std::net::SocketAddr,
    folder: tempfile::TempDir,
}

impl Double {
    /// Starts one on loopback.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = tls::Tls::bind(folder.path()).await;
        let address = axum::serve::Listener::local_addr(&listener).unwrap();
        let store = Arc::new(Store::new(TOKEN));
        tokio::spawn(controllers::run(Arc::clone(&store)));
        let router = axum::Router::new().fallback(http::handle).with_state(Arc::clone(&store));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let double = Self { store, address, folder };
        double.write_kubeconfig(TOKEN);
        double
    }

    /// The user's file.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    /// Writes it with a token.
    pub(crate) fn write_kubeconfig(&self, token: &str) {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: double\nclusters:\n- name: double\n  cluster: {{server: 'https://{}', certificate-authority: ca.pem}}\n\
             contexts:\n- name: double\n  context: {{cluster: double, user: me, namespace: default}}\n\
             users:\n- name: me\n  user: {{token: {token}}}\n",
            self.address
        );
        std::fs::write(self.kubeconfig(), text).unwrap();
    }

    /// Our provider of it.
    pub(crate) fn provider(&self, options: &[(&str, &str)]) -> Arc<dyn Provider> {
        let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let target = Target {
            name: "cluster".to_owned(),
            provider: "kubernetes".to_owned(),
            options,
            ..Target::default()
        };
        let environment = BTreeMap::from([
            ("KUBECONFIG".to_owned(), self.kubeconfig().display().to_string()),
            ("SAMPAN_REGISTRY_USER".to_owned(), "me".to_owned()),
            ("SAMPAN_REGISTRY_PASSWORD".to_owned(), "hunter2".to_owned()),
        ]);
        sampan_provider_kubernetes::connect(&target, &environment).unwrap()
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.store.end_processes();
    }
}
