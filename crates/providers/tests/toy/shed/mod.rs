//! The shed: services are programs of this machine, as long as this process lives. What a real provider keeps at its place is
//! kept here in memory.

mod process;

use process::Process;
use sampan_provider::{
    Answer, AutoscalePolicy, Capabilities, Failure, Identity, ImageRoute, Instance, Layers, LogLine,
    LogRequest, Loss, Provider, Resource, Result, Rollout, Service, Sink, Specification, State, Target,
    Usage, losses_of,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One service: what it is, what it was before, and its programs.
#[derive(Default)]
struct Kept {
    now: Specification,
    before: Option<Specification>,
    revision: u64,
    wanted: u32,
    stopped: bool,
    processes: Vec<Process>,
}

/// The place.
#[derive(Default)]
struct Shed {
    services: Mutex<BTreeMap<String, Kept>>,
}

const ABLE: Capabilities = Capabilities {
    udp: false,
    sctp: false,
    several_ports: false,
    remapped_ports: false,
    command_probes: true,
    network_probes: false,
    volumes: false,
    seeds: false,
    shared_volumes: false,
    balanced_ports: false,
    scale_to_zero: true,
    autoscale: false,
    rolling: false,
    rolls_back: false,
    exec: false,
    longest_stop_timeout: 10,
};

/// The shed of an endpoint, which may be any word.
pub(crate) fn connect(target: &Target, _: &BTreeMap<String, String>) -> Result<Arc<dyn Provider>> {
    if target.endpoint.is_empty() {
        return Err(Failure::invalid("endpoint", "a shed has a name: `--endpoint NAME`"));
    }
    Ok(Arc::new(Shed::default()))
}

impl Kept {
    fn name(&self) -> String {
        self.now.name.clone()
    }

    /// As many programs as are wanted, of what it is now.
    fn settle(&mut self) -> Result<()> {
        let wanted = if self.stopped { 0 } else { self.wanted as usize };
        self.processes.truncate(wanted);
        while self.processes.len() < wanted {
            let name = format!("{}-{}", self.now.name, self.processes.len() + 1);
            self.processes.push(Process::start(name, &self.now)?);
        }
        Ok(())
    }

    fn become_it(&mut self, specification: &Specification) -> Result<()> {
        if self.now.fingerprint() != specification.fingerprint() || self.revision == 0 {
            let old = std::mem::replace(&mut self.now, specification.clone());
            self.before = (self.revision > 0).then_some(old);
            self.revision += 1;
            self.processes.clear();
        }
        self.wanted = specification.replicas;
        self.stopped = false;
        self.settle()
    }

    fn service(&mut self) -> Service {
        let ready = self.processes.iter_mut().filter_map(|one| one.is_running().then_some(1)).sum();
        let state = match () {
            () if self.stopped || self.wanted == 0 => State::Stopped,
            () if ready == self.wanted => State::Running,
            () => State::Starting,
        };
        Service {
            name: self.name(),
            id: self.name(),
            image: self.now.image.reference.clone(),
            fingerprint: self.now.fingerprint(),
            revision: self.revision,
            state,
            wanted: self.wanted,
            ready,
            rollout: Some(Rollout { finished: state == State::Running, ..Rollout::default() }),
            ..Service::default()
        }
    }
}

impl Shed {
    fn services(&self) -> MutexGuard<'_, BTreeMap<String, Kept>> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, name: &str, work: impl FnOnce(&mut Kept) -> Result<T>) -> Result<T> {
        let mut services = self.services();
        let kept = services.get_mut(name).ok_or_else(|| Failure::NotFound(format!("there is no {name}")))?;
        work(kept)
    }
}

impl Provider for Shed {
    fn capabilities(&self) -> Capabilities {
        ABLE
    }

    fn losses(&self, specification: &Specification) -> Vec<Loss> {
        losses_of(specification, &ABLE)
    }

    fn plan(&self, specification: &Specification, _: Option<&Service>) -> Vec<String> {
        vec![format!("start {} programs", specification.replicas)]
    }

    fn identify(&self) -> Answer<'_, Identity> {
        Box::pin(async { Ok(Identity { product: "a shed".to_owned(), ..Identity::default() }) })
    }

    fn image_route<'a>(&'a self, _: &'a str, _: &'a str, _: &'a [String]) -> Answer<'a, ImageRoute> {
        Box::pin(async { Ok(ImageRoute::Archive(Layers { complete: true, chains: Vec::new() })) })
    }

    fn load_image<'a>(&'a self, _: &'a Path) -> Answer<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn deploy<'a>(&'a self, specification: &'a Specification) -> Answer<'a, Service> {
        Box::pin(async move {
            let mut services = self.services();
            let kept = services.entry(specification.name.clone()).or_default();
            kept.become_it(specification)?;
            Ok(kept.service())
        })
    }

    fn describe<'a>(&'a self, name: &'a str) -> Answer<'a, Service> {
        Box::pin(async move { self.with(name, |kept| Ok(kept.service())) })
    }

    fn list(&self) -> Answer<'_, Vec<Service>> {
        Box::pin(async { Ok(self.services().values_mut().map(Kept::service).collect()) })
    }

    fn instances<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<Instance>> {
        Box::pin(async move {
            self.with(name, |kept| {
                let revision = kept.revision;
                let instance = |one: &mut Process| Instance { revision, ..one.instance() };
                Ok(kept.processes.iter_mut().map(instance).collect())
            })
        })
    }

    fn logs<'a>(&'a self, name: &'a str, request: &'a LogRequest, lines: Sink<LogLine>) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut all = self
                .with(name, |kept| Ok(kept.processes.iter().flat_map(Process::lines).collect::<Vec<_>>()))?;
            if let Some(tail) = request.tail {
                all.drain(..all.len().saturating_sub(usize::try_from(tail).unwrap_or(usize::MAX)));
            }
            for line in all {
                if lines.send(line).await.is_err() {
                    break;
                }
            }
            Ok(())
        })
    }

    fn usage<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<Usage>> {
        Box::pin(
            async move { self.with(name, |kept| Ok(kept.processes.iter().map(Process::usage).collect())) },
        )
    }

    fn scale<'a>(&'a self, name: &'a str, replicas: u32) -> Answer<'a, ()> {
        Box::pin(async move {
            self.with(name, |kept| {
                kept.wanted = replicas;
                kept.settle()
            })
        })
    }

    fn autoscale<'a>(&'a self, _: &'a str, _: &'a AutoscalePolicy) -> Answer<'a, ()> {
        Box::pin(async { Err(Failure::unsupported("automatic scale", "a shed has a door and no meter")) })
    }

    fn roll_back<'a>(&'a self, name: &'a str) -> Answer<'a, Service> {
        Box::pin(async move {
            self.with(name, |kept| {
                let before = kept.before.clone().ok_or_else(|| {
                    Failure::Conflict(format!("there is nothing before {name} to go back to"))
                })?;
                let replicas = kept.wanted;
                kept.become_it(&Specification { replicas, ..before })?;
                Ok(kept.service())
            })
        })
    }

    fn stop<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            self.with(name, |kept| {
                kept.stopped = true;
                kept.settle()
            })
        })
    }

    fn start<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            self.with(name, |kept| {
                kept.stopped = false;
                kept.settle()
            })
        })
    }

    fn remove<'a>(&'a self, name: &'a str, _: bool) -> Answer<'a, ()> {
        Box::pin(async move {
            self.services().remove(name);
            Ok(())
        })
    }

    fn resources(&self) -> Answer<'_, Vec<Resource>> {
        let resource =
            |name: &String| Resource { kind: "service".to_owned(), id: name.clone(), service: name.clone() };
        Box::pin(async move { Ok(self.services().keys().map(resource).collect()) })
    }
}
