//! What every provider does, tried on a real one: `run` uses it as the fleet does, and says what it found wrong.
//!
//! It makes a service of the specification's name and removes it again. The container has to print its environment's
//! variable [`VARIABLE`] as a line `value=…` when it starts, and to go on.

use crate::failure::{Failure, Result};
use crate::provider::{LogLine, LogRequest, Provider};
use crate::service::{Service, State};
use crate::specification::Specification;
use std::fmt;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// The variable that the container prints.
pub const VARIABLE: &str = "SUITE_VALUE";
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// Something that a provider does not do as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's name: `stop`, `environment`, ….
    pub rule: &'static str,
    /// What was seen.
    pub seen: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.seen)
    }
}

/// A run of the suite.
struct Suite<'a> {
    provider: &'a dyn Provider,
    specification: Specification,
    patience: Duration,
    findings: Vec<Finding>,
}

/// Tries a provider with a service; gives what is wrong, in the order in which it was seen. `patience` is how long the place
/// may take for each thing that is waited for.
pub async fn run(provider: &dyn Provider, specification: &Specification, patience: Duration) -> Vec<Finding> {
    let mut specification = specification.clone();
    specification.replicas = 1;
    set(&mut specification, "first");
    let mut suite = Suite { provider, specification, patience, findings: Vec::new() };
    if let Err(failure) = suite.all().await {
        suite.found("call", failure.to_string());
    }
    suite.after_removal().await;
    suite.findings
}

fn set(specification: &mut Specification, value: &str) {
    specification.environment.retain(|(name, _)| name != VARIABLE);
    specification.environment.push((VARIABLE.to_owned(), value.to_owned()));
}

impl Suite<'_> {
    fn found(&mut self, rule: &'static str, seen: impl Into<String>) {
        self.findings.push(Finding { rule, seen: seen.into() });
    }

    fn check(&mut self, rule: &'static str, holds: bool, seen: impl FnOnce() -> String) {
        if !holds {
            self.found(rule, seen());
        }
    }

    fn name(&self) -> String {
        self.specification.name.clone()
    }

    async fn all(&mut self) -> Result<()> {
        let name = self.name();
        let unknown = self.provider.describe(&format!("{name}-nobody")).await;
        self.check("not found", matches!(unknown, Err(Failure::NotFound(_))), || {
            format!("{unknown:?} for a name that is not there")
        });
        self.deployed().await?;
        self.seen_from_everywhere().await?;
        self.again().await?;
        self.scaled().await?;
        self.stopped_and_started().await?;
        self.updated_and_back().await
    }

    /// Waits until a service is as it is to be; gives what it was last.
    async fn until(&self, holds: impl Fn(&Service) -> bool) -> Result<(bool, Service)> {
        let begun = Instant::now();
        loop {
            let service = self.provider.describe(&self.specification.name).await?;
            if holds(&service) {
                return Ok((true, service));
            }
            if begun.elapsed() > self.patience {
                return Ok((false, service));
            }
            sleep(PAUSE).await;
        }
    }

    async fn deployed(&mut self) -> Result<()> {
        self.provider.deploy(&self.specification).await?;
        let (ready, service) =
            self.until(|service| service.state == State::Running && service.ready == 1).await?;
        self.check("deploy", ready, || {
            format!("{:?}, {} of {} ready", service.state, service.ready, service.wanted)
        });
        self.check("name", service.name == self.specification.name, || {
            format!("it is called {:?}", service.name)
        });
        let wanted = self.specification.fingerprint();
        self.check("fingerprint", service.fingerprint == wanted, || {
            format!("{:?} and not {wanted}", service.fingerprint)
        });
        let lines = self.lines("value=first").await?;
        self.check("environment", lines.iter().any(|line| line.text == "value=first"), || {
            format!("{} lines without the variable", lines.len())
        });
        Ok(())
    }

    /// Lines of output, once one of them is this, or patience is over.
    async fn lines(&self, wanted: &str) -> Result<Vec<LogLine>> {
        let begun = Instant::now();
        loop {
            let lines = self.logs(&LogRequest::default()).await?;
            if lines.iter().any(|line| line.text == wanted) || begun.elapsed() > self.patience {
                return Ok(lines);
            }
            sleep(PAUSE).await;
        }
    }

    async fn logs(&self, request: &LogRequest) -> Result<Vec<LogLine>> {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(64);
        let reading = self.provider.logs(&self.specification.name, request, sender);
        let mut lines = Vec::new();
        let gathering = async {
            while let Some(line) = receiver.recv().await {
                lines.push(line);
            }
        };
        let both = async { tokio::join!(reading, gathering).0 };
        let read = timeout(self.patience, both).await;
        read.unwrap_or_else(|_| Err(Failure::Deadline("logs that are not followed do not end".to_owned())))?;
        Ok(lines)
    }

    async fn seen_from_everywhere(&mut self) -> Result<()> {
        let name = self.name();
        let listed = self.provider.list().await?;
        self.check("list", listed.iter().any(|service| service.name == name), || {
            "it is not in the list".to_owned()
        });
        let instances = self.provider.instances(&name).await?;
        let ready = instances.iter().filter(|instance| instance.ready).count();
        self.check("instances", instances.len() == 1 && ready == 1, || {
            format!("{} instances, {ready} ready, of 1", instances.len())
        });
        let last = self.logs(&LogRequest { tail: Some(1), ..LogRequest::default() }).await?;
        self.check("tail", last.len() <= 1, || {
            format!("{} lines where the last one was asked for", last.len())
        });
        let usage = self.provider.usage(&name).await?;
        let known = usage
            .iter()
            .any(|one| one.memory.is_some() || one.memory_percent.is_some() || one.cpu_percent.is_some());
        self.check("usage", known, || "nobody knows what it uses".to_owned());
        let resources = self.provider.resources().await?;
        self.check("resources", resources.iter().any(|one| one.service == name), || {
            "nothing is listed that was made for it".to_owned()
        });
        Ok(())
    }

    /// The same again changes nothing.
    async fn again(&mut self) -> Result<()> {
        let ids = |all: Vec<crate::service::Instance>| all.into_iter().map(|one| one.id).collect::<Vec<_>>();
        let before = ids(self.provider.instances(&self.specification.name).await?);
        self.provider.deploy(&self.specification).await?;
        let (_, service) = self.until(|service| service.state == State::Running).await?;
        let after = ids(self.provider.instances(&service.name).await?);
        self.check("again", before == after, || "the same specification again made new instances".to_owned());
        Ok(())
    }

    async fn scaled(&mut self) -> Result<()> {
        let name = self.name();
        for count in [2, 1] {
            self.provider.scale(&name, count).await?;
            let (done, service) =
                self.until(|service| service.wanted == count && service.ready == count).await?;
            let there = self.provider.instances(&name).await?.iter().filter(|one| one.ready).count();
            self.check("scale", done && there == count as usize, || {
                format!("{} wanted and {} ready, {there} seen, of {count}", service.wanted, service.ready)
            });
        }
        Ok(())
    }

    async fn stopped_and_started(&mut self) -> Result<()> {
        let name = self.name();
        for _twice in 0..2 {
            self.provider.stop(&name).await?;
        }
        let (stopped, service) = self.until(|service| service.state == State::Stopped).await?;
        let running = self.provider.instances(&name).await?.iter().filter(|one| one.ready).count();
        self.check("stop", stopped && running == 0, || {
            format!("{:?}, {running} still answer", service.state)
        });
        self.provider.start(&name).await?;
        let (started, service) =
            self.until(|service| service.state == State::Running && service.ready == 1).await?;
        self.check("start", started, || format!("{:?}, {} ready", service.state, service.ready));
        Ok(())
    }

    async fn updated_and_back(&mut self) -> Result<()> {
        let first = self.specification.fingerprint();
        set(&mut self.specification, "second");
        let second = self.specification.fingerprint();
        self.provider.deploy(&self.specification).await?;
        let (updated, _) =
            self.until(|service| service.state == State::Running && service.fingerprint == second).await?;
        let lines = self.lines("value=second").await?;
        let printed = lines.iter().any(|line| line.text == "value=second");
        self.check("update", updated && printed, || "what was changed is not there".to_owned());
        self.provider.roll_back(&self.specification.name).await?;
        let (back, service) =
            self.until(|service| service.state == State::Running && service.fingerprint == first).await?;
        self.check("roll back", back, || format!("{:?} with {:?}", service.state, service.fingerprint));
        Ok(())
    }

    /// Removes it, twice, and looks whether something is left.
    async fn after_removal(&mut self) {
        let name = self.name();
        for time in ["", " a second time"] {
            if let Err(failure) = self.provider.remove(&name, true).await {
                self.found("remove", format!("it cannot be removed{time}: {failure}"));
            }
        }
        let begun = Instant::now();
        loop {
            let gone = matches!(self.provider.describe(&name).await, Err(Failure::NotFound(_)));
            let left: Vec<String> = match self.provider.resources().await {
                Ok(all) => all.into_iter().filter(|one| one.service == name).map(|one| one.kind).collect(),
                // Who cannot say what is there cannot say that nothing is.
                Err(failure) => vec![failure.to_string()],
            };
            if gone && left.is_empty() {
                return;
            }
            if begun.elapsed() > self.patience {
                self.check("remove", gone, || "it is still there".to_owned());
                self.check("leftovers", left.is_empty(), || left.join(", "));
                return;
            }
            sleep(PAUSE).await;
        }
    }
}
