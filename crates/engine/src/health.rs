//! Health checks: probes run inside the container, their streak, and the word that clients see.

use crate::Engine;
use crate::containers::container::{Container, Live};
use crate::containers::{
    ClientStream, ContainerRecord, ExecOptions, ExecStart, HealthState, HealthStatus, ProbeResult,
    StopOptions,
};
use crate::spec::{HealthTest, Healthcheck};
use sampan_error::{Context, Error, Kind, Result};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// Defaults of Docker's health checks.
const INTERVAL: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(30);
const START_INTERVAL: Duration = Duration::from_secs(5);
const RETRIES: u32 = 3;
/// Between two looks at whether connections may come, and how long an answer may take.
const READINESS_EVERY: Duration = Duration::from_secs(1);
/// Bytes of a probe's output that are kept.
const KEPT_OUTPUT: usize = 4096;
/// Probes that are kept.
const KEPT_PROBES: usize = 5;

/// The health of a container that has just started; `None` when it has no check.
pub(crate) fn initial(check: Option<&Healthcheck>) -> Option<HealthState> {
    probes(check?).then(HealthState::default)
}

fn probes(check: &Healthcheck) -> bool {
    !matches!(check.test, HealthTest::None | HealthTest::Inherit)
}

fn duration(nanoseconds: i64, default: Duration) -> Duration {
    u64::try_from(nanoseconds).ok().filter(|it| *it > 0).map_or(default, Duration::from_nanos)
}

impl Engine {
    /// Starts the health monitor of a run, if its container has a check. It ends with the run.
    pub(crate) fn watch_health(&self, container: &Arc<Container>, live: &Arc<Live>) {
        let record = container.record();
        let Some(check) = record.resolved.healthcheck.clone().filter(probes) else { return };
        let (engine, container) = (self.clone(), Arc::clone(container));
        let ended = live.ended.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = ended.cancelled() => {}
                () = engine.probe_for_ever(&container, &check) => {}
            }
        });
    }

    /// Does what the container's label says of one that has become unhealthy.
    fn act_on_unhealthy(&self, record: &ContainerRecord) {
        let Some(action) = record.resolved.labels.get(crate::probe::ON_UNHEALTHY).cloned() else { return };
        let (engine, id) = (self.clone(), record.id.clone());
        tokio::spawn(async move {
            let done = match action.as_str() {
                "restart" => engine.restart(&id, StopOptions::default()).await,
                "stop" => engine.stop(&id, StopOptions::default()).await,
                _ => return,
            };
            tracing::warn!(container = %id, %action, "it was unhealthy");
            if let Err(error) = done {
                tracing::error!(container = %id, %action, %error, "an unhealthy container stays as it is");
            }
        });
    }

    /// Starts the monitor that says whether connections may come, if the container has a label that says how to know.
    pub(crate) fn watch_readiness(&self, container: &Arc<Container>, live: &Arc<Live>) {
        let record = container.record();
        let label = record.resolved.labels.get(crate::probe::READINESS);
        let Some(Ok(test)) = label.map(|value| HealthTest::of_label(crate::probe::READINESS, value)) else {
            return;
        };
        let (engine, container, ended) = (self.clone(), Arc::clone(container), live.ended.clone());
        tokio::spawn(async move {
            let watching = async {
                loop {
                    let record = container.record();
                    let (code, _) = engine.ask_port(&record, &test, READINESS_EVERY).await;
                    let before = record.state.ready;
                    if before != Some(code == 0) {
                        let record = container.change(|record| record.state.ready = Some(code == 0));
                        engine.save_soon(&record);
                        let word = if code == 0 { "readiness: ready" } else { "readiness: not ready" };
                        engine.container_event(&record, word, &[]);
                    }
                    tokio::time::sleep(READINESS_EVERY).await;
                }
            };
            tokio::select! {
                () = ended.cancelled() => {}
                () = watching => {}
            }
        });
    }

    async fn probe_for_ever(&self, container: &Arc<Container>, check: &Healthcheck) {
        let started = container.record().state.started;
        let start_period = check.start_period.max(0);
        loop {
            let record = container.record();
            let starting = record.state.health.as_ref().is_none_or(|it| it.status == HealthStatus::Starting);
            let in_start_period = starting && crate::clock::now() - started < start_period;
            let pause = if in_start_period {
                duration(check.start_interval, START_INTERVAL).min(duration(check.interval, INTERVAL))
            } else {
                duration(check.interval, INTERVAL)
            };
            tokio::time::sleep(pause).await;
            if container.record().state.status == crate::containers::Status::Paused {
                continue;
            }
            let result = self.probe(container, check).await;
            let forgiven = crate::clock::now() - started < start_period;
            self.note_probe(container, check, result, forgiven);
        }
    }

    /// Runs one probe and never fails: what goes wrong is its result.
    async fn probe(&self, container: &Arc<Container>, check: &Healthcheck) -> ProbeResult {
        let start = crate::clock::now();
        let timeout = duration(check.timeout, TIMEOUT);
        let (exit_code, output) = match tokio::time::timeout(timeout, self.run_probe(container, check)).await
        {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => (-1, error.to_string()),
            Err(_) => (-1, format!("Health check exceeded timeout ({timeout:?})")),
        };
        ProbeResult { start, end: crate::clock::now(), exit_code, output }
    }

    async fn run_probe(&self, container: &Arc<Container>, check: &Healthcheck) -> Result<(i32, String)> {
        let record = container.record();
        if matches!(check.test, HealthTest::Http { .. } | HealthTest::Tcp { .. }) {
            let timeout = duration(check.timeout, TIMEOUT);
            return Ok(self.ask_port(&record, &check.test, timeout).await);
        }
        let cmd = match &check.test {
            HealthTest::Command(words) => words.clone(),
            HealthTest::Shell(line) => {
                let mut shell =
                    record.resolved.shell.clone().unwrap_or_else(|| vec!["/bin/sh".into(), "-c".into()]);
                shell.push(line.clone());
                shell
            }
            _ => return Ok((0, String::new())),
        };
        self.run_in(container, cmd).await
    }

    /// Runs a program inside a running container; gives its exit code and the beginning of what it said.
    ///
    /// # Errors
    /// No such container, one that does not run; a program that cannot be started or takes longer than `timeout`.
    pub async fn run_inside(
        &self,
        reference: &str,
        cmd: Vec<String>,
        timeout: Duration,
    ) -> Result<(i32, String)> {
        let container = self.container(reference)?;
        match tokio::time::timeout(timeout, self.run_in(&container, cmd)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::new(Kind::Deadline, format!("it took longer than {timeout:?}"))),
        }
    }

    async fn run_in(&self, container: &Arc<Container>, cmd: Vec<String>) -> Result<(i32, String)> {
        let record = container.record();
        let options = ExecOptions { cmd, attach_stdout: true, attach_stderr: true, ..ExecOptions::default() };
        let id = self.exec_create(&record.id, options).await?;
        let guard = KillOnDrop {
            engine: self.clone(),
            exec: id.clone(),
            container: Arc::clone(container),
            armed: true,
        };
        let (ours, theirs) = UnixStream::pair().context("cannot make the pipe of a health probe")?;
        let client = ClientStream {
            socket: theirs.into(),
            read_ahead: Vec::new(),
            prologue: Vec::new(),
            multiplexed: false,
        };
        self.exec_start(&id, ExecStart::default(), Some(client)).await.map_err(|(error, _)| error)?;
        ours.set_nonblocking(true).context("cannot read a health probe")?;
        let mut stream = tokio::net::UnixStream::from_std(ours).context("cannot read a health probe")?;
        let output = read_some(&mut stream).await?;
        let exit_code = self.exec_code(&id).await;
        guard.disarm();
        Ok((exit_code, output))
    }

    /// The exit code of a session whose output has ended: known at once or in a moment.
    async fn exec_code(&self, id: &str) -> i32 {
        let mut ends = self.inner.sessions.ends();
        loop {
            match self.inner.sessions.get(id) {
                Ok(state) => match state.exit_code {
                    Some(code) => return code,
                    None if ends.changed().await.is_err() => return -1,
                    None => {}
                },
                Err(_) => return -1,
            }
        }
    }

    fn note_probe(
        &self,
        container: &Arc<Container>,
        check: &Healthcheck,
        result: ProbeResult,
        forgiven: bool,
    ) {
        let retries = u32::try_from(check.retries).ok().filter(|it| *it > 0).unwrap_or(RETRIES);
        let before = container.record().state.health.as_ref().map(|it| it.status);
        let record = container.change(|record| {
            let health = record.state.health.get_or_insert_default();
            if result.exit_code == 0 {
                health.failing_streak = 0;
                health.status = HealthStatus::Healthy;
            } else if !(forgiven && health.status == HealthStatus::Starting) {
                health.failing_streak += 1;
                if health.failing_streak >= retries {
                    health.status = HealthStatus::Unhealthy;
                }
            }
            health.log.push(result);
            let surplus = health.log.len().saturating_sub(KEPT_PROBES);
            health.log.drain(..surplus);
        });
        let now = record.state.health.as_ref().map(|it| it.status);
        if now != before {
            self.save_soon(&record);
            let word = match now {
                Some(HealthStatus::Healthy) => "health_status: healthy",
                Some(HealthStatus::Unhealthy) => "health_status: unhealthy",
                _ => return,
            };
            self.container_event(&record, word, &[]);
            if now == Some(HealthStatus::Unhealthy) {
                self.act_on_unhealthy(&record);
            }
        }
    }
}

/// Reads to the end, keeping the beginning.
async fn read_some(stream: &mut tokio::net::UnixStream) -> Result<String> {
    let mut kept = Vec::new();
    let mut buffer = [0_u8; 1024];
    loop {
        let count = stream.read(&mut buffer).await.context("cannot read a health probe")?;
        if count == 0 {
            return Ok(String::from_utf8_lossy(&kept).into_owned());
        }
        let room = KEPT_OUTPUT.saturating_sub(kept.len());
        kept.extend_from_slice(&buffer[..count.min(room)]);
    }
}

/// Kills a probe that is given up.
struct KillOnDrop {
    engine: Engine,
    exec: String,
    container: Arc<Container>,
    armed: bool,
}

impl KillOnDrop {
    fn disarm(mut self) {
        self.armed = false;
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let Some(live) = self.container.live().filter(|_| self.armed) else { return };
        let exec = self.exec.clone();
        let engine = self.engine.clone();
        tokio::spawn(async move {
            // It may have ended by itself in this moment.
            let _ = live.supervisor.signal(Some(&exec), 9).await;
            drop(engine);
        });
    }
}
