//! The life of a daemon: start, serve, stop.

use crate::error::{Error, Result};
use crate::instance_lock::InstanceLock;
use crate::listen::{self, Bound, Made};
use crate::options::Options;
use crate::simulator::CloudSimulator;
use crate::{log, mounted_sockets};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sampan_api::EngineSlot;
use sampan_engine::{Engine, EngineConfig};
use sampan_fleet::{Ashore, Fleet};
use std::fs::File;
use std::io::Write;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

/// Bytes of stack for each thread: handlers keep little on it.
const STACK: usize = 512 * 1024;
/// Threads for blocking work; they end when they have nothing to do for a while.
const BLOCKING_THREADS: usize = 128;
/// How long such a thread waits for more.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// Blocks of memory from this size on go back to the system when they are freed.
const LARGE_BLOCK: i32 = 128 * 1024;
/// How long work that is under way may take after the stop.
const LAST_WORK: Duration = Duration::from_secs(10);

/// Runs the daemon until it is asked to stop.
///
/// # Errors
/// It does not come up.
pub(crate) fn serve(options: Options) -> Result<()> {
    log::start(&options);
    sampan_sys::heap::return_large_blocks(LARGE_BLOCK);
    raise_descriptor_limit();
    let _lock = InstanceLock::take(&options.data_root())?;
    let bound = listen::all(&options.addresses(), options.group.as_deref())?;
    let made: Vec<Made> = bound
        .iter()
        .filter_map(|bound| if let Bound::Unix(_, made) = bound { made.clone() } else { None })
        .collect();
    if let Some(path) = &options.pid_file {
        let text = format!("{}\n", std::process::id());
        std::fs::write(path, text).map_err(|source| Error::Path { path: path.clone(), source })?;
    }
    let runtime = runtime()?;
    let outcome = runtime.block_on(live(&options, bound, &made));
    for socket in &made {
        socket.remove();
    }
    if let Some(path) = &options.pid_file {
        // Nobody reads the file of a daemon that has ended.
        let _ = std::fs::remove_file(path);
    }
    runtime.shutdown_timeout(LAST_WORK);
    outcome
}

pub(crate) fn runtime() -> Result<Runtime> {
    let workers = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 4);
    Builder::new_multi_thread()
        .worker_threads(workers)
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_keep_alive(KEEP_ALIVE)
        .thread_stack_size(STACK)
        .thread_name("sampan")
        .enable_all()
        .build()
        .map_err(Error::Threads)
}

/// Serves while the engine opens and recovers; ends at a signal, or when the engine does not open.
async fn live(options: &Options, bound: Vec<Bound>, made: &[Made]) -> Result<()> {
    let listeners: std::io::Result<Vec<_>> = bound.into_iter().map(Bound::into_listener).collect();
    let listeners = listeners.map_err(Error::Threads)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::Threads)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Threads)?;
    let slot = EngineSlot::default();
    let stop = async {
        let asked = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        let start = start(options, &slot, made);
        tokio::pin!(asked);
        tokio::select! {
            () = &mut asked => return Ok(()),
            outcome = start => outcome?,
        }
        asked.await;
        Ok(())
    };
    // The outcome leaves the future by this cell, since serving ends with nothing.
    let mut outcome = Ok(());
    sampan_api::serve(listeners, &slot, async { outcome = stop.await }).await;
    tracing::info!("stopping; containers go on running");
    outcome
}

/// Opens the engine, lets requests through, recovers containers.
async fn start(options: &Options, slot: &EngineSlot<Engine>, made: &[Made]) -> Result<()> {
    let config: EngineConfig = options.engine();
    let opened = tokio::task::spawn_blocking(move || Engine::open(config)).await;
    let engine = match opened {
        Ok(opened) => opened.map_err(Error::Engine)?,
        Err(panic) => return Err(Error::Threads(std::io::Error::other(panic))),
    };
    // Before the first request: a cloud that is simulated must never be taken for the real one.
    Ashore::install(&engine, sampan_providers::ALL);
    CloudSimulator::install(&engine, &options.data_root(), made.first().map(|made| made.path.clone()));
    slot.fill(engine.clone());
    say_ready(options)?;
    engine.recover().await;
    mounted_sockets::renew(&engine, made.to_vec()).await;
    tokio::spawn(Fleet::local(&engine).run());
    sampan_sys::heap::trim();
    tracing::info!(data_root = %options.data_root().display(), "ready");
    Ok(())
}

/// Tells whoever started us that requests are answered.
fn say_ready(options: &Options) -> Result<()> {
    let Some(number) = options.ready_descriptor else { return Ok(()) };
    let descriptor = sampan_sys::descriptor::take_inherited(number)
        .map_err(|error| Error::Flag(format!("--ready-fd {number}: {error}")))?;
    // Whoever started us may have ended already.
    let _ = File::from(descriptor).write_all(b"1");
    Ok(())
}

/// Many containers need many descriptors: takes all that the hard limit allows.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}
