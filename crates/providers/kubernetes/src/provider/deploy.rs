//! Making a service, or making it what is specified. Every object is applied, so that a deployment that was broken off is
//! finished by the next.

use super::{Kubernetes, is_of, number, text};
use crate::client::Kind;
use crate::settings::Settings;
use crate::{losses, manifests, names};
use sampan_provider::{Failure, Loss, Result, Service, Severity, Specification};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What deploying would do.
pub(super) fn sentences(
    specification: &Specification,
    current: Option<&Service>,
    settings: &Settings,
) -> Vec<String> {
    let (name, replicas) = (&specification.name, specification.replicas);
    let same = |service: &Service| service.fingerprint == specification.fingerprint();
    if current.is_some_and(same) {
        return vec![format!("leave the deployment {name} as it is, with {replicas} replicas")];
    }
    let mut all = Vec::new();
    for one in manifests::all(specification, settings, None) {
        let called = text(&one, "/metadata/name");
        match one["kind"].as_str() {
            Some("Secret") => {
                all.push(format!("put the values of secret variables into the secret {called}"))
            }
            Some("PersistentVolumeClaim") => all.push(format!(
                "claim {} for volume {called}, unless it is there",
                text(&one, "/spec/resources/requests/storage")
            )),
            Some("Service") => {
                let ports = specification.published().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let kind = text(&one, "/spec/type");
                let ports = if ports.is_empty() { "its ports inside the cluster".to_owned() } else { ports };
                all.push(format!("reach {ports} through the service {called} ({kind})"));
            }
            _ => {}
        }
    }
    all.push(match current {
        None => format!("start {replicas} replicas as the deployment {name}"),
        Some(_) if stops_first(specification, settings) => {
            format!("end the replicas of the deployment {name}, then start {replicas} new ones: they write to a volume of one node")
        }
        Some(_) => format!("replace the replicas of the deployment {name} without an interruption, {replicas} in all"),
    });
    all
}

fn stops_first(specification: &Specification, settings: &Settings) -> bool {
    manifests::deployment(specification, settings, None)["spec"]["strategy"]["type"] == "Recreate"
}

impl Kubernetes {
    /// All of it.
    pub(super) async fn make(&self, specification: &Specification) -> Result<Service> {
        refuse(&losses::of(specification, &self.settings))?;
        let name = &specification.name;
        let current = self.may_make(Kind::DEPLOYMENT, &names::object(name), name).await?;
        let mut wanted = specification.clone();
        if let Some(current) = &current {
            let scaler = self.client.get(Kind::AUTOSCALER, &names::object(name)).await?;
            if let Some(scaler) = scaler.filter(|scaler| is_of(scaler, name)) {
                let now = number(current, "/spec/replicas");
                wanted.replicas = now.clamp(
                    number(&scaler, "/spec/minReplicas").max(1),
                    number(&scaler, "/spec/maxReplicas").max(1),
                );
            }
        }
        let pull = self.pull(name).await?;
        let objects = manifests::all(&wanted, &self.settings, pull.as_deref());
        for object in &objects {
            self.put(object, name).await?;
        }
        if !objects.iter().any(|object| object["kind"] == "Service") {
            self.drop_ours(Kind::SERVICE, &names::object(name), name).await?;
        }
        if current.is_some_and(|found| !found["metadata"]["annotations"][names::STOPPED].is_null()) {
            let unmark = json!({ "metadata": { "annotations": { names::STOPPED: null } } });
            self.client.change(Kind::DEPLOYMENT, &names::object(name), "", &unmark).await?;
        }
        self.forget_old_secrets(name).await?;
        self.one(name).await
    }

    /// An object that is there; a failure when it is not ours to change.
    async fn may_make(&self, kind: Kind, called: &str, service: &str) -> Result<Option<Value>> {
        let Some(found) = self.client.get(kind, called).await? else { return Ok(None) };
        // Several containers can have one volume.
        let shared = kind == Kind::CLAIM && found["metadata"]["labels"][names::MANAGED] == "1";
        if !is_of(&found, service) && !shared {
            return Err(Failure::AlreadyExists(format!(
                "the {} {called} was not made by Sampan for {service}: rename the container or volume, or give the target \
                 another namespace",
                kind.name
            )));
        }
        if !found["metadata"]["deletionTimestamp"].is_null() {
            return Err(Failure::Conflict(format!(
                "the {} {called} is still being removed there: try again in a minute",
                kind.name
            )));
        }
        Ok(Some(found))
    }

    async fn put(&self, object: &Value, service: &str) -> Result<()> {
        let kind = text(object, "/kind");
        let Some(kind) = Kind::of(&kind) else { return Ok(()) };
        let there = self.may_make(kind, &text(object, "/metadata/name"), service).await?;
        // A claim that is bound cannot be changed.
        if kind == Kind::CLAIM && there.is_some() {
            return Ok(());
        }
        self.client.apply(kind, object).await.map(drop)
    }

    /// The secret with which nodes read the registry, made when there is a login; the one of before when there is none now.
    async fn pull(&self, service: &str) -> Result<Option<String>> {
        let Some((host, _)) = self.settings.registry.as_ref().filter(|_| self.settings.pull_secret.is_none())
        else {
            return Ok(None);
        };
        let called = names::pull_secret(service);
        if let Some(login) = self.logins.find(host).await {
            self.put(&manifests::pull_secret(&login, service, &self.settings), service).await?;
            return Ok(Some(called));
        }
        let there = self.client.get(Kind::SECRET, &called).await?;
        Ok(there.filter(|secret| is_of(secret, service)).map(|_| called))
    }

    /// Removes an object if it is of a service.
    pub(super) async fn drop_ours(&self, kind: Kind, called: &str, service: &str) -> Result<()> {
        match self.client.get(kind, called).await? {
            Some(found) if is_of(&found, service) => self.client.delete(kind, called).await,
            _ => Ok(()),
        }
    }

    /// Removes secrets of values that no revision has any more.
    async fn forget_old_secrets(&self, service: &str) -> Result<()> {
        let selector = format!("{},{}=environment", names::selector(service), names::ROLE);
        let (secrets, _) = self.client.list(Kind::SECRET, &selector).await?;
        if secrets.len() < 2 {
            return Ok(());
        }
        let (mut revisions, _) = self.client.list(Kind::REPLICA_SET, &names::selector(service)).await?;
        revisions.push(self.ours(service).await?);
        let used: BTreeSet<String> = revisions.iter().flat_map(secrets_of).collect();
        for secret in secrets.iter().filter(|secret| is_of(secret, service)) {
            let called = text(secret, "/metadata/name");
            if !used.contains(&called) {
                self.client.delete(Kind::SECRET, &called).await?;
            }
        }
        Ok(())
    }
}

/// The secrets that a template's variables are taken from.
fn secrets_of(object: &Value) -> Vec<String> {
    let variables = object.pointer("/spec/template/spec/containers/0/env").and_then(Value::as_array);
    let names = variables.into_iter().flatten().map(|one| text(one, "/valueFrom/secretKeyRef/name"));
    names.filter(|name| !name.is_empty()).collect()
}

/// What cannot run there is not begun.
fn refuse(losses: &[Loss]) -> Result<()> {
    match losses.iter().find(|loss| loss.severity == Severity::Fatal) {
        None => Ok(()),
        Some(loss) => Err(Failure::unsupported(
            format!("{} {}", loss.setting, loss.asked),
            "a cluster's nodes have nothing of this host: run the container without it",
        )),
    }
}
