//! What a container wrote.

use super::{ClientStream, ContainerRecord, Handed, LogOptions};
use crate::Engine;
use crate::error::Error;
use crate::stream::{self, ByteStream};
use crate::supervisor::Supervisor;
use sampan_error::Result;
use sampan_shim::log::{Framing, LogReader, Progress, Selection};
use sampan_shim::protocol::FollowOptions;
use sampan_shim::timestamp::Timestamp;

/// Bytes formatted before they are sent on.
const STEP: usize = 256 * 1024;

impl Engine {
    /// The log so far, framed (raw for a terminal), as a stream that ends.
    ///
    /// # Errors
    /// No such container, a driver that keeps nothing, neither output chosen.
    pub async fn logs(&self, reference: &str, options: LogOptions) -> Result<ByteStream> {
        self.recovered().await;
        let record = self.container(reference)?.record();
        let selection = selection(&record, &options)?;
        let path = record.log_path.clone();
        Ok(stream::produce(move |out| {
            let mut reader = LogReader::open(&path, selection)?;
            let mut buffer = Vec::with_capacity(STEP);
            loop {
                buffer.clear();
                let progress = reader.read(&mut buffer, STEP)?;
                out.write_all(&buffer)?;
                if progress != Progress::More {
                    return Ok(());
                }
            }
        }))
    }

    /// Whether this container's output has no frames (a terminal).
    ///
    /// # Errors
    /// No such container.
    pub async fn has_terminal(&self, reference: &str) -> Result<bool> {
        self.recovered().await;
        Ok(self.container(reference)?.record().spec.process.tty)
    }

    /// The log so far and what comes, until the container ends; the client's connection is handed to a
    /// process of its own, which needs no daemon.
    ///
    /// # Errors
    /// As [`Engine::logs`], with the connection back.
    pub async fn logs_follow(&self, reference: &str, options: LogOptions, client: ClientStream) -> Handed {
        self.recovered().await;
        let outcome = match client.try_clone() {
            Ok(copy) => self.follow_log(reference, &options, copy),
            Err(error) => Err(error.into()),
        };
        outcome.map_err(|error| (error, Some(client)))
    }

    fn follow_log(&self, reference: &str, options: &LogOptions, client: ClientStream) -> Result<()> {
        let container = self.container(reference)?;
        let record = container.record();
        let follow = FollowOptions {
            path: record.log_path.clone(),
            selection: selection(&record, options)?,
            prologue: client.prologue.into(),
            chunked: false,
        };
        let program = self.inner.program.descriptor();
        match container.live() {
            Some(live) => live.supervisor.follow_logs(program, &follow, client.socket),
            None => Supervisor::send_logs(program, &follow, client.socket),
        }
    }
}

fn selection(record: &ContainerRecord, options: &LogOptions) -> Result<Selection> {
    if record.spec.host.log.driver == "none" {
        return Err(Error::NotImplemented("configured logging driver does not support reading".into()).into());
    }
    if !options.stdout && !options.stderr {
        return Err(Error::Invalid("Bad parameters: you must choose at least one stream".into()).into());
    }
    let time = |nanoseconds: i64| (nanoseconds != 0).then_some(Timestamp(nanoseconds));
    Ok(Selection {
        stdout: options.stdout,
        stderr: options.stderr,
        since: time(options.since),
        until: time(options.until),
        tail: options.tail.map(|lines| u64::try_from(lines).unwrap_or(u64::MAX)),
        timestamps: options.timestamps,
        details: options.details,
        framing: if record.spec.process.tty { Framing::Raw } else { Framing::Multiplexed },
    })
}
