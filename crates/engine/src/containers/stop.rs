//! Stopping, killing, freezing, restarting.

use super::container::{Container, Live};
use super::{ContainerRecord, Status, StopOptions, WaitCondition};
use crate::Engine;
use crate::error::Error;
use crate::signal;
use sampan_error::{Kind, Result};
use std::sync::Arc;
use std::time::Duration;

const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;
/// Seconds between the stop signal and SIGKILL when nobody says.
const DEFAULT_TIMEOUT: i64 = 10;

impl Engine {
    /// Asks the program to end, and kills it when it does not in time.
    ///
    /// # Errors
    /// No such container, an unknown signal; `NotModified` when it does not run.
    pub async fn stop(&self, reference: &str, options: StopOptions) -> Result<()> {
        self.recovered().await;
        let container = self.container(reference)?;
        let _operation = container.operation.lock().await;
        let record = container.record();
        if !record.is_running() && record.state.status != Status::Restarting {
            return Err(Error::AlreadyStopped(record.id.clone()).into());
        }
        self.stop_locked(&container, &options).await?;
        self.container_event(&container.record(), "stop", &[]);
        Ok(())
    }

    /// The stop itself; the caller holds the container's operation.
    pub(crate) async fn stop_locked(&self, container: &Arc<Container>, options: &StopOptions) -> Result<()> {
        let record = container.change(|record| {
            record.stopped_by_user = true;
            if record.state.status == Status::Restarting {
                record.state.status = Status::Exited;
            }
        });
        self.save_soon(&record);
        let Some(live) = container.live() else { return Ok(()) };
        let number = stop_signal(&record, options)?;
        let timeout = options.timeout.or(record.resolved.stop_timeout).unwrap_or(DEFAULT_TIMEOUT);
        let exit = container.wait(WaitCondition::NotRunning);
        tokio::pin!(exit);
        // It may just have ended by itself: that is what was wanted.
        let unless_ended = |told: Result<()>| match told {
            Err(error) if error.kind() == Kind::Conflict => Ok(()),
            other => other,
        };
        unless_ended(self.signal_and_tell(&record, &live, number).await)?;
        if record.state.status == Status::Paused {
            // A frozen program cannot answer: it gets the signal when it thaws.
            self.thaw(container).await?;
        }
        if timeout < 0 {
            exit.await;
            return Ok(());
        }
        let patience = Duration::from_secs(timeout.unsigned_abs());
        if tokio::time::timeout(patience, &mut exit).await.is_err() {
            unless_ended(self.signal_and_tell(&record, &live, SIGKILL).await)?;
            exit.await;
        }
        Ok(())
    }

    /// Sends a signal. Unlike `stop` it waits for nothing but a kill's effect.
    ///
    /// # Errors
    /// No such container, an unknown signal, a container that does not run.
    pub async fn kill(&self, reference: &str, signal: Option<&str>) -> Result<()> {
        self.recovered().await;
        let number = match signal.filter(|text| !text.is_empty()) {
            Some(text) => signal::parse(text).ok_or_else(|| Error::InvalidSignal(text.to_owned()))?,
            None => SIGKILL,
        };
        let container = self.container(reference)?;
        let record = container.record();
        let (true, Some(live)) = (record.is_running(), container.live()) else {
            return Err(sampan_error::Error::from(Error::NotRunning(record.id.clone()))
                .context(format!("cannot kill container: {reference}")));
        };
        if number == SIGKILL || stop_signal(&record, &StopOptions::default()).is_ok_and(|stop| stop == number)
        {
            container.change(|record| record.stopped_by_user = true);
        }
        let exit = container.wait(WaitCondition::NotRunning);
        self.signal_and_tell(&record, &live, number).await?;
        if number == SIGKILL {
            if record.state.status == Status::Paused {
                self.thaw(&container).await?;
            }
            // A program in an uninterruptible sleep does not die at once; the caller is not kept for it.
            let _ = tokio::time::timeout(Duration::from_secs(10), exit).await;
        }
        Ok(())
    }

    async fn signal_and_tell(&self, record: &ContainerRecord, live: &Arc<Live>, number: i32) -> Result<()> {
        match live.supervisor.signal(None, number).await {
            // It ended by itself meanwhile, which is what we wanted.
            Err(error) if error.kind() == sampan_error::Kind::NotFound => {}
            other => other?,
        }
        self.container_event(record, "kill", &[("signal", &number.to_string())]);
        Ok(())
    }

    /// Stops it when it runs, and starts it.
    ///
    /// # Errors
    /// No such container; whatever stopping or starting meets.
    pub async fn restart(&self, reference: &str, options: StopOptions) -> Result<()> {
        self.recovered().await;
        let container = self.container(reference)?;
        let _operation = container.operation.lock().await;
        if container.record().is_running() || container.record().state.status == Status::Restarting {
            // A container that removes itself at its end must survive the end of a restart.
            container.keep_on_exit(true);
            let stopped = self.stop_locked(&container, &options).await;
            container.keep_on_exit(false);
            stopped?;
        }
        self.start_locked(&container, None).await?;
        self.container_event(&container.record(), "restart", &[]);
        Ok(())
    }

    /// Freezes all processes.
    ///
    /// # Errors
    /// No such container, not running, frozen already.
    pub async fn pause(&self, reference: &str) -> Result<()> {
        self.recovered().await;
        let container = self.container(reference)?;
        let _operation = container.operation.lock().await;
        let record = container.record();
        match record.state.status {
            Status::Running => {}
            Status::Paused => return Err(Error::AlreadyPaused(reference.into()).into()),
            _ => return Err(Error::NotRunning(record.id.clone()).into()),
        }
        let cgroup = self.cgroup(&record)?;
        crate::blocking(move || Ok(cgroup.freeze()?)).await?;
        let record = container.change(|record| record.state.status = Status::Paused);
        self.save_soon(&record);
        self.container_event(&record, "pause", &[]);
        Ok(())
    }

    /// Lets frozen processes go on.
    ///
    /// # Errors
    /// No such container, not frozen.
    pub async fn unpause(&self, reference: &str) -> Result<()> {
        self.recovered().await;
        let container = self.container(reference)?;
        let _operation = container.operation.lock().await;
        if container.record().state.status != Status::Paused {
            return Err(Error::NotPaused(reference.into()).into());
        }
        self.thaw(&container).await?;
        self.container_event(&container.record(), "unpause", &[]);
        Ok(())
    }

    pub(crate) async fn thaw(&self, container: &Arc<Container>) -> Result<()> {
        let cgroup = self.cgroup(&container.record())?;
        crate::blocking(move || Ok(cgroup.thaw()?)).await?;
        let record = container.change(|record| {
            if record.state.status == Status::Paused {
                record.state.status = Status::Running;
            }
        });
        self.save_soon(&record);
        Ok(())
    }
}

/// The signal that asks this container to stop.
fn stop_signal(record: &ContainerRecord, options: &StopOptions) -> Result<i32, Error> {
    let text =
        options.signal.as_deref().filter(|text| !text.is_empty()).unwrap_or(&record.resolved.stop_signal);
    if text.is_empty() {
        return Ok(SIGTERM);
    }
    signal::parse(text).ok_or_else(|| Error::InvalidSignal(text.to_owned()))
}
