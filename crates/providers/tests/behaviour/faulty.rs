//! Places with one fault each.

use sampan_provider::{
    Answer, AutoscalePolicy, Capabilities, Failure, Identity, ImageRoute, Instance, LogLine, LogRequest,
    Loss, Provider, Resource, Service, Sink, Specification, State, Usage,
};
use std::path::Path;
use std::sync::Arc;

macro_rules! faults {
    ($($fault:ident $name:literal is found by $rule:literal;)*) => {
        /// What is wrong with a place.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Fault { $($fault),* }

        impl Fault {
            pub(crate) const ALL: &[Self] = &[$(Self::$fault),*];

            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$fault => $name),* }
            }

            /// The rule that finds it.
            pub(crate) fn rule(self) -> &'static str {
                match self { $(Self::$fault => $rule),* }
            }
        }
    };
}

faults! {
    LosesEnvironment "environment" is found by "environment";
    Renames "name" is found by "name";
    ForgetsFingerprint "fingerprint" is found by "fingerprint";
    InventsServices "inventor" is found by "not found";
    HidesFromList "list" is found by "list";
    LiesAboutReady "liar" is found by "instances";
    IgnoresTail "tail" is found by "tail";
    KnowsNoUsage "usage" is found by "usage";
    HidesResources "resources" is found by "resources";
    AlwaysDeploys "again" is found by "again";
    ScalesOneLess "scale" is found by "scale";
    IgnoresStop "stop" is found by "stop";
    IgnoresStart "start" is found by "start";
    IgnoresUpdate "update" is found by "update";
    IgnoresRollBack "back" is found by "roll back";
    LeavesThings "leaves" is found by "leftovers";
    ForgetsResources "forgets" is found by "leftovers";
}

/// A place that does one thing wrong, and all else as the one behind it.
pub(crate) struct Faulty {
    inner: Arc<dyn Provider>,
    fault: Fault,
}

impl Faulty {
    pub(crate) fn new(inner: Arc<dyn Provider>, fault: Fault) -> Self {
        Self { inner, fault }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }
}

impl Provider for Faulty {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn losses(&self, specification: &Specification) -> Vec<Loss> {
        self.inner.losses(specification)
    }

    fn plan(&self, specification: &Specification, current: Option<&Service>) -> Vec<String> {
        self.inner.plan(specification, current)
    }

    fn identify(&self) -> Answer<'_, Identity> {
        self.inner.identify()
    }

    fn image_route<'a>(
        &'a self,
        service: &'a str,
        id: &'a str,
        chain: &'a [String],
    ) -> Answer<'a, ImageRoute> {
        self.inner.image_route(service, id, chain)
    }

    fn load_image<'a>(&'a self, archive: &'a Path) -> Answer<'a, ()> {
        self.inner.load_image(archive)
    }

    fn deploy<'a>(&'a self, specification: &'a Specification) -> Answer<'a, Service> {
        Box::pin(async move {
            let mut wanted = specification.clone();
            if self.has(Fault::LosesEnvironment) {
                wanted.environment.clear();
            }
            if self.has(Fault::IgnoresUpdate)
                && let Ok(there) = self.inner.describe(&wanted.name).await
            {
                return Ok(there);
            }
            if self.has(Fault::AlwaysDeploys) {
                self.inner.remove(&wanted.name, false).await?;
            }
            self.inner.deploy(&wanted).await
        })
    }

    fn describe<'a>(&'a self, name: &'a str) -> Answer<'a, Service> {
        Box::pin(async move {
            let described = self.inner.describe(name).await;
            if self.has(Fault::InventsServices) && described.is_err() {
                return Ok(Service { name: name.to_owned(), state: State::Running, ..Service::default() });
            }
            let mut service = described?;
            if self.has(Fault::Renames) {
                service.name.push('x');
            }
            if self.has(Fault::ForgetsFingerprint) {
                service.fingerprint.clear();
            }
            Ok(service)
        })
    }

    fn list(&self) -> Answer<'_, Vec<Service>> {
        Box::pin(async move {
            let all = self.inner.list().await?;
            Ok(if self.has(Fault::HidesFromList) { Vec::new() } else { all })
        })
    }

    fn instances<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<Instance>> {
        Box::pin(async move {
            let mut all = self.inner.instances(name).await?;
            if self.has(Fault::LiesAboutReady) {
                all.iter_mut().for_each(|one| one.ready = false);
            }
            Ok(all)
        })
    }

    fn logs<'a>(&'a self, name: &'a str, request: &'a LogRequest, lines: Sink<LogLine>) -> Answer<'a, ()> {
        Box::pin(async move {
            let all = LogRequest { tail: None, ..request.clone() };
            self.inner.logs(name, if self.has(Fault::IgnoresTail) { &all } else { request }, lines).await
        })
    }

    fn usage<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<Usage>> {
        Box::pin(async move {
            if self.has(Fault::KnowsNoUsage) { Ok(Vec::new()) } else { self.inner.usage(name).await }
        })
    }

    fn scale<'a>(&'a self, name: &'a str, replicas: u32) -> Answer<'a, ()> {
        let less = u32::from(self.has(Fault::ScalesOneLess) && replicas > 1);
        self.inner.scale(name, replicas - less)
    }

    fn autoscale<'a>(&'a self, name: &'a str, policy: &'a AutoscalePolicy) -> Answer<'a, ()> {
        self.inner.autoscale(name, policy)
    }

    fn roll_back<'a>(&'a self, name: &'a str) -> Answer<'a, Service> {
        if self.has(Fault::IgnoresRollBack) { self.inner.describe(name) } else { self.inner.roll_back(name) }
    }

    fn stop<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        if self.has(Fault::IgnoresStop) { Box::pin(async { Ok(()) }) } else { self.inner.stop(name) }
    }

    fn start<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        if self.has(Fault::IgnoresStart) { Box::pin(async { Ok(()) }) } else { self.inner.start(name) }
    }

    fn remove<'a>(&'a self, name: &'a str, with_volumes: bool) -> Answer<'a, ()> {
        if self.has(Fault::LeavesThings) {
            self.inner.stop(name)
        } else {
            self.inner.remove(name, with_volumes)
        }
    }

    fn resources(&self) -> Answer<'_, Vec<Resource>> {
        Box::pin(async move {
            let all = self.inner.resources().await?;
            if self.has(Fault::ForgetsResources)
                && !all.iter().any(|one| one.service.ends_with(self.fault.name()))
            {
                return Err(Failure::Transport("nobody knows any more".to_owned()));
            }
            Ok(if self.has(Fault::HidesResources) { Vec::new() } else { all })
        })
    }
}
