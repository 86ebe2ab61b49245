//! What is measured. A scenario prepares an engine, is measured several times in turn with the others,
//! and cleans up. Each sample is one number.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::builds;
use crate::engine::{Engine, IMAGE};
use crate::images;
use crate::memory;

/// A sample, nothing when the engine cannot be measured so, or a sentence about what went wrong.
pub(crate) type Sample = Result<Option<f64>, String>;
type Step = fn(&Engine) -> Result<(), String>;

/// One row of the table.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    /// As the table calls it.
    pub(crate) name: &'static str,
    /// The unit of its samples.
    pub(crate) unit: &'static str,
    /// Whether more is better.
    pub(crate) more: bool,
    /// The usual number of repetitions.
    pub(crate) repeat: usize,
    /// The factor to which the first engine should be beaten, if there is a goal.
    pub(crate) goal: Option<f64>,
    /// Runs once per engine before.
    pub(crate) prepare: Step,
    /// Takes one sample.
    pub(crate) measure: fn(&mut Engine) -> Sample,
    /// Runs once per engine afterwards.
    pub(crate) clean: Step,
}

const BYTES: u64 = 200_000_000;
const CROWD: usize = 50;
const CLIENTS: usize = 8;
const WRITER: &str = "yes 012345678901234567890123456789012345678901234567890123456789 | head -c 200000000";

const QUICK: Scenario = Scenario {
    name: "",
    unit: "ms",
    more: false,
    repeat: 15,
    goal: None,
    prepare: nothing,
    measure: |_| Ok(None),
    clean: Engine::remove_all,
};

const IMAGES: Scenario = Scenario { unit: "s", repeat: 3, prepare: images::medium, ..QUICK };

/// Every scenario, in the order of the table.
pub(crate) const ALL: [Scenario; 30] = [
    Scenario {
        name: "`version`: command line and one round trip",
        measure: |e| time(e, &["version"]),
        ..QUICK
    },
    Scenario {
        name: "`run --rm IMG true`, default bridge",
        goal: Some(8.0),
        measure: |e| time(e, &["run", "--rm", IMAGE, "true"]),
        ..QUICK
    },
    Scenario {
        name: "`run --rm --network none IMG true`",
        measure: |e| time(e, &["run", "--rm", "--network", "none", IMAGE, "true"]),
        ..QUICK
    },
    Scenario {
        name: "`run --rm --network host IMG true`",
        measure: |e| time(e, &["run", "--rm", "--network", "host", IMAGE, "true"]),
        ..QUICK
    },
    Scenario {
        name: "`exec C true`",
        goal: Some(6.0),
        prepare: one,
        measure: |e| time(e, &["exec", "one", "true"]),
        ..QUICK
    },
    Scenario {
        name: "`run -d IMG sleep`",
        measure: |e| time(e, &["run", "-d", IMAGE, "sleep", "1000"]),
        ..QUICK
    },
    Scenario { name: "`rm -f` of a running container", measure: remove_one, ..QUICK },
    Scenario {
        name: "50 × `run -d`, 8 clients: rate",
        unit: "containers/s",
        more: true,
        repeat: 3,
        goal: Some(6.0),
        measure: crowd,
        ..QUICK
    },
    Scenario {
        name: "memory of the engine per container (PSS)",
        unit: "MiB",
        repeat: 1,
        goal: Some(10.0),
        measure: memory_per_container,
        ..QUICK
    },
    Scenario {
        name: "memory of the idle engine (PSS)",
        unit: "MiB",
        repeat: 3,
        measure: memory_idle,
        ..QUICK
    },
    Scenario {
        name: "daemon: start to first answer",
        repeat: 7,
        goal: Some(10.0),
        measure: first_answer,
        clean: nothing,
        ..QUICK
    },
    Scenario {
        name: "`ps -a` with 200 containers",
        prepare: two_hundred,
        measure: |e| time(e, &["ps", "-a"]),
        ..QUICK
    },
    Scenario {
        name: "`run --rm` writing 200 MB to stdout",
        unit: "MB/s",
        more: true,
        repeat: 3,
        measure: |e| rate(e.time(&["run", "--rm", IMAGE, "sh", "-c", WRITER])),
        ..QUICK
    },
    Scenario {
        name: "`run -d` writing 200 MB and `wait`: log driver",
        unit: "MB/s",
        more: true,
        repeat: 3,
        measure: write_log,
        ..QUICK
    },
    Scenario {
        name: "`logs C` of 200 MB",
        unit: "MB/s",
        more: true,
        repeat: 3,
        prepare: write_much,
        measure: |e| rate(e.time(&["logs", "much"])),
        ..QUICK
    },
    Scenario {
        name: "`build`, nothing changed",
        goal: Some(8.0),
        prepare: builds::small,
        measure: builds::cached,
        ..QUICK
    },
    Scenario {
        name: "`build` of ten `RUN true`",
        goal: Some(5.0),
        repeat: 5,
        measure: builds::ten_programs,
        ..QUICK
    },
    Scenario {
        name: "`build` with COPY of 5,000 files",
        goal: Some(2.0),
        repeat: 5,
        prepare: builds::many,
        measure: builds::copy_all,
        ..QUICK
    },
    Scenario {
        name: "`build`, one of 5,000 files changed",
        repeat: 5,
        prepare: builds::many,
        measure: builds::copy_one,
        ..QUICK
    },
    Scenario {
        name: "`build` of a C program in two stages",
        goal: Some(1.0),
        repeat: 3,
        prepare: builds::program,
        measure: builds::compile,
        ..QUICK
    },
    Scenario { name: "`load` of 200 MB", goal: Some(2.0), measure: images::load_medium, ..IMAGES },
    Scenario { name: "`load` of 1 GB", goal: Some(2.0), measure: images::load_large, ..IMAGES },
    Scenario { name: "`save` of 200 MB", goal: Some(1.0), measure: images::save_medium, ..IMAGES },
    Scenario { name: "`save` of 1 GB", goal: Some(1.0), measure: images::save_large, ..IMAGES },
    Scenario { name: "`pull` of 200 MB", goal: Some(2.0), measure: images::pull_medium, ..IMAGES },
    Scenario { name: "`pull` of 1 GB", goal: Some(2.0), measure: images::pull_large, ..IMAGES },
    Scenario { name: "`push` of 200 MB", goal: Some(1.0), measure: images::push_medium, ..IMAGES },
    Scenario { name: "`push` of 1 GB", goal: Some(1.0), measure: images::push_large, ..IMAGES },
    Scenario {
        name: "most memory of the daemon in pull, save, push, load of 1 GB",
        unit: "MiB",
        repeat: 1,
        measure: images::peak,
        ..IMAGES
    },
    Scenario {
        name: "1 GB pulled: bytes on the disk",
        unit: "MB",
        repeat: 1,
        measure: images::disk,
        ..IMAGES
    },
];

fn nothing(_: &Engine) -> Result<(), String> {
    Ok(())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn time(engine: &Engine, words: &[&str]) -> Sample {
    Ok(Some(milliseconds(engine.time(words)?)))
}

fn rate(time: Result<Duration, String>) -> Sample {
    Ok(Some(BYTES as f64 / 1e6 / time?.as_secs_f64()))
}

fn one(engine: &Engine) -> Result<(), String> {
    engine.output(&["run", "-d", "--name", "one", IMAGE, "sleep", "1000"]).map(drop)
}

fn remove_one(engine: &mut Engine) -> Sample {
    engine.output(&["run", "-d", "--name", "gone", IMAGE, "sleep", "1000"])?;
    time(engine, &["rm", "-f", "gone"])
}

fn write_log(engine: &mut Engine) -> Sample {
    let start = Instant::now();
    engine.output(&["run", "-d", "--name", "writer", IMAGE, "sh", "-c", WRITER])?;
    engine.output(&["wait", "writer"])?;
    let taken = start.elapsed();
    engine.output(&["rm", "writer"])?;
    rate(Ok(taken))
}

fn write_much(engine: &Engine) -> Result<(), String> {
    engine.output(&["run", "-d", "--name", "much", IMAGE, "sh", "-c", WRITER])?;
    engine.output(&["wait", "much"]).map(drop)
}

/// Runs a command `count` times from several clients at once and returns how long all took.
fn at_once(engine: &Engine, count: usize, words: &[&str]) -> Result<Duration, String> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let start = Instant::now();
    std::thread::scope(|scope| {
        let client = || {
            while next.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < count {
                let mut command = engine.command(words);
                let output = command.stdout(Stdio::null()).output().map_err(|error| error.to_string())?;
                if !output.status.success() {
                    return Err(format!("{}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr)));
                }
            }
            Ok(())
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        clients
            .into_iter()
            .try_for_each(|client| client.join().unwrap_or_else(|_| Err("a client panicked".into())))
    })?;
    Ok(start.elapsed())
}

fn crowd(engine: &mut Engine) -> Sample {
    let taken = at_once(engine, CROWD, &["run", "-d", IMAGE, "sleep", "1000"])?;
    engine.remove_all()?;
    Ok(Some(CROWD as f64 / taken.as_secs_f64()))
}

fn two_hundred(engine: &Engine) -> Result<(), String> {
    at_once(engine, 200, &["run", "-d", IMAGE, "true"]).map(drop)
}

/// Long enough for caches to be given back and pools to be filled.
fn settle() {
    std::thread::sleep(Duration::from_secs(3));
}

fn memory_per_container(engine: &mut Engine) -> Sample {
    settle();
    let Some(before) = memory::of(engine) else { return Ok(None) };
    at_once(engine, CROWD, &["run", "-d", IMAGE, "sleep", "1000"])?;
    settle();
    let after = memory::of(engine);
    engine.remove_all()?;
    Ok(after.map(|after| (after - before).max(0.0) / CROWD as f64))
}

fn memory_idle(engine: &mut Engine) -> Sample {
    let Some(host) = engine.host.as_mut() else { return Ok(None) };
    host.stop_daemon();
    host.start_daemon();
    settle();
    Ok(memory::of(engine))
}

/// From the moment the daemon's program runs to its first answer, with no containers.
fn first_answer(engine: &mut Engine) -> Sample {
    let Some(socket) = engine.socket() else { return Ok(None) };
    let Some(host) = engine.host.as_mut() else { return Ok(None) };
    host.stop_daemon();
    host.launch_daemon();
    let start = Instant::now();
    while !ping(&socket) {
        if start.elapsed() > Duration::from_secs(60) {
            return Err(format!("the daemon did not answer; its log:\n{}", host.log()));
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok(Some(milliseconds(start.elapsed())))
}

fn ping(socket: &std::path::Path) -> bool {
    let Ok(mut stream) = UnixStream::connect(socket) else { return false };
    let mut answer = [0; 15];
    let asked = stream.write_all(b"GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n");
    asked.is_ok() && stream.read_exact(&mut answer).is_ok() && &answer == b"HTTP/1.1 200 OK"
}
