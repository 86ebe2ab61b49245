//! `docker stats`: what containers use, once or live.

use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::Scope;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::ashore::{self, Place};
use super::output::{FORMAT_HELP, print};
use super::{Command, Positional, Specification};
use crate::client::{Client, Query, object_path};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::objects::Fields;
use crate::format::objects::stats::{STATS, TABLE, Usage};
use crate::format::table::{Format, Style};
use crate::session::Session;

/// How often the page is drawn.
const REDRAW: Duration = Duration::from_millis(500);
/// After so long without a reading a container's numbers are dashes.
const SILENCE: Duration = Duration::from_secs(2);

#[derive(Default)]
pub(crate) struct Args {
    all: bool,
    format: String,
    no_stream: bool,
    no_trunc: bool,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] [CONTAINER...]",
        summary: "Display a live stream of container(s) resource usage statistics",
        aliases: "container stats, stats",
        positional: Positional::Any,
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.all, "all", "a", "Show all containers (default shows just running)");
        flags.bool(
            &mut self.no_stream,
            "no-stream",
            "",
            "Disable streaming stats and only pull the first result",
        );
        flags.bool(&mut self.no_trunc, "no-trunc", "", "Do not truncate output");
        flags.string(&mut self.format, "format", "", FORMAT_HELP);
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let places: Vec<Place> = parsed.arguments.iter().filter_map(|name| Place::parse(name)).collect();
        if !places.is_empty() {
            if places.len() < parsed.arguments.len() {
                return Err("containers here and at targets are shown apart: ask for one or the other".into());
            }
            ashore::stats(session.client()?, &places)?;
            return Ok(ExitStatus::SUCCESS);
        }
        let client = session.client()?;
        let configured = session.config().text("statsFormat");
        let source = match self.format.as_str() {
            "" if configured.is_empty() => "table",
            "" => configured,
            given => given,
        };
        let format = Format::new(if source == "table" { TABLE } else { source });
        let show_all = parsed.arguments.is_empty();
        if !show_all && client.is_own_engine() {
            // Names of containers here are not asked for twice: only what is not here has a place elsewhere.
            let places: Vec<Place> =
                parsed.arguments.iter().filter_map(|name| ashore::moved(client, name)).collect();
            if places.len() == parsed.arguments.len() {
                ashore::stats(client, &places)?;
                return Ok(ExitStatus::SUCCESS);
            }
        }
        if self.no_stream {
            let names = if show_all { self.listed(client)? } else { unique(parsed.arguments) };
            return self.once(client, &format, &names, show_all);
        }
        self.live(client, &format, unique(parsed.arguments), show_all)
    }
}

/// What the readers and the watcher of events report.
enum Report {
    Reading(String, Box<Json>),
    /// The container's readings ended, well or not.
    Ended(String, Option<Failure>),
    Started(String),
    Removed(String),
    /// From now on no coming and going is missed.
    Watching,
    EventsEnded,
}

impl Args {
    fn listed(&self, client: &Client) -> Result<Vec<String>> {
        let query = Query::new().with_if(self.all, "all", "1");
        let containers: Vec<Json> = client.get("/containers/json", &query)?.json()?;
        Ok(containers.iter().map(|container| short(container.text("Id"))).collect())
    }

    /// One reading of each, taken side by side because the engine takes a second for it.
    fn once(&self, client: &Client, format: &Format, names: &[String], show_all: bool) -> Result<ExitStatus> {
        let readings: Vec<Result<Json>> = std::thread::scope(|scope| {
            let threads: Vec<_> = names
                .iter()
                .map(|name| {
                    let query = Query::new().with("stream", "0");
                    scope.spawn(move || client.get(&path(name)?, &query)?.json())
                })
                .collect();
            let gone = || Err(Failure::message("a reader of statistics failed"));
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| gone())).collect()
        });
        let mut failures = Vec::new();
        let mut rows = Vec::new();
        for (name, reading) in names.iter().zip(readings) {
            let mut usage = Usage::of(name);
            match reading {
                Ok(reading) => usage.read(&reading),
                Err(failure) => {
                    usage.reset();
                    failures.push(failure);
                }
            }
            rows.push(usage);
        }
        if !show_all {
            super::output::join(failures)?;
        }
        print(&format.render(&STATS, rows, self.style())?)?;
        Ok(ExitStatus::SUCCESS)
    }

    fn style(&self) -> Style {
        Style { short: !self.no_trunc }
    }

    fn live(
        &self,
        client: &Client,
        format: &Format,
        names: Vec<String>,
        show_all: bool,
    ) -> Result<ExitStatus> {
        let (sender, reports) = channel();
        std::thread::scope(|scope| {
            let page = Page { args: self, client, format, show_all, rows: Vec::new(), waiting: 0 };
            let status = page.run(scope, names, &sender, &reports);
            // The readers only end with their connections: leave without waiting for them.
            match status {
                Ok(status) => std::process::exit(i32::from(status.0)),
                Err(failure) => {
                    let text = failure.to_string();
                    let reader_left = matches!(&failure, Failure::Local(error)
                        if error.kind() == std::io::ErrorKind::BrokenPipe);
                    if !text.is_empty() && !reader_left {
                        eprintln!("{text}");
                    }
                    std::process::exit(i32::from(failure.exit_status().0))
                }
            }
        })
    }
}

struct Container {
    usage: Usage,
    heard: Instant,
    first: bool,
    ended: bool,
    failure: Option<Failure>,
}

/// The page that is drawn again and again.
struct Page<'a> {
    args: &'a Args,
    client: &'a Client,
    format: &'a Format,
    show_all: bool,
    rows: Vec<Container>,
    /// Containers that gave nothing yet: the first page waits for them.
    waiting: usize,
}

impl<'a> Page<'a> {
    fn run<'scope>(
        mut self,
        scope: &'scope Scope<'scope, '_>,
        mut names: Vec<String>,
        sender: &Sender<Report>,
        reports: &Receiver<Report>,
    ) -> Result<ExitStatus>
    where
        'a: 'scope,
    {
        if self.show_all {
            let (client, sender) = (self.client, sender.clone());
            let all = self.args.all;
            scope.spawn(move || watch_events(client, all, &sender));
            // First the events, then the list: nobody slips through between them.
            while !matches!(reports.recv(), Ok(Report::Watching | Report::EventsEnded) | Err(_)) {}
            names = self.args.listed(client)?;
        }
        for name in names {
            self.add(scope, name, sender);
        }
        while self.waiting > 0 {
            self.receive(scope, sender, reports, Instant::now() + REDRAW)?;
        }
        let failures: Vec<Failure> = self.rows.iter_mut().filter_map(|row| row.failure.take()).collect();
        if !self.show_all {
            super::output::join(failures)?;
        }
        loop {
            let next = Instant::now() + REDRAW;
            while Instant::now() < next {
                if !self.receive(scope, sender, reports, next)? {
                    return Ok(ExitStatus::SUCCESS);
                }
            }
            self.draw()?;
            if self.rows.is_empty() && !self.show_all {
                return Ok(ExitStatus::SUCCESS);
            }
        }
    }

    fn add<'scope>(&mut self, scope: &'scope Scope<'scope, '_>, name: String, sender: &Sender<Report>)
    where
        'a: 'scope,
    {
        if self.rows.iter().any(|row| row.usage.container == name) {
            return;
        }
        let usage = Usage::of(&name);
        self.rows.push(Container { usage, heard: Instant::now(), first: true, ended: false, failure: None });
        self.waiting += 1;
        let (client, sender) = (self.client, sender.clone());
        scope.spawn(move || {
            let failure = read_stream(client, &name, &sender).err();
            let _ = sender.send(Report::Ended(name, failure));
        });
    }

    /// Takes one report, or marks the silent at `until`; false when the engine is gone.
    fn receive<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        sender: &Sender<Report>,
        reports: &Receiver<Report>,
        until: Instant,
    ) -> Result<bool>
    where
        'a: 'scope,
    {
        match reports.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Report::Reading(name, reading)) => self.hear(&name, |row| {
                row.usage.read(&reading);
                row.heard = Instant::now();
            }),
            Ok(Report::Ended(name, failure)) => self.hear(&name, |row| {
                row.ended = true;
                row.failure = failure;
                row.usage.reset();
            }),
            Ok(Report::Started(name)) => self.add(scope, name, sender),
            Ok(Report::Removed(name)) => self.remove(&name),
            Ok(Report::Watching) => {}
            Ok(Report::EventsEnded) => return Ok(false),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(false),
        }
        let mut woken = 0;
        for row in self.rows.iter_mut().filter(|row| !row.ended && row.heard.elapsed() > SILENCE) {
            row.usage.reset();
            woken += usize::from(std::mem::take(&mut row.first));
        }
        self.waiting -= woken;
        Ok(true)
    }

    fn hear(&mut self, name: &str, change: impl FnOnce(&mut Container)) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.usage.container == name) {
            change(row);
            self.waiting -= usize::from(std::mem::take(&mut row.first));
        }
    }

    fn remove(&mut self, name: &str) {
        let waiting = self.rows.iter().filter(|row| row.usage.container == name && row.first).count();
        self.rows.retain(|row| row.usage.container != name);
        self.waiting -= waiting;
    }

    /// Draws over the previous page: from the top left, each line cleared behind its end.
    fn draw(&self) -> Result<()> {
        let rows = self.rows.iter().map(|row| row.usage.clone()).collect();
        let table = format!("\x1b[H{}", self.format.render(&STATS, rows, self.args.style())?);
        let mut text = table.clone();
        for line in table.split('\n') {
            text.push_str(&format!("{line} \x1b[K\n"));
        }
        text.push_str("\x1b[J");
        print(&text)
    }
}

fn path(name: &str) -> Result<String> {
    object_path("container", name, "stats")
}

fn short(id: &str) -> String {
    id.get(..12).unwrap_or(id).to_string()
}

fn unique(names: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for name in names {
        if !kept.contains(&name) {
            kept.push(name);
        }
    }
    kept
}

/// Reads a container's readings until they end.
fn read_stream(client: &Client, name: &str, sender: &Sender<Report>) -> Result<()> {
    let answer = client.get(&path(name)?, &Query::new().with("stream", "1"))?;
    for reading in documents(answer) {
        if sender.send(Report::Reading(name.into(), Box::new(reading?))).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// The JSON documents of a stream.
fn documents(source: impl Read) -> impl Iterator<Item = Result<Json>> {
    serde_json::Deserializer::from_reader(std::io::BufReader::new(source))
        .into_iter::<Json>()
        .map(|document| document.map_err(Failure::from))
}

/// Reports containers that come and go.
fn watch_events(client: &Client, all: bool, sender: &Sender<Report>) {
    let query = Query::new().with_filters(&[("type".into(), "container".into())]);
    if let Ok(answer) = client.get("/events", &query) {
        let _ = sender.send(Report::Watching);
        for event in documents(answer).map_while(Result::ok) {
            let name = short(event.field("Actor").text("ID"));
            let report = match event.text("Action") {
                "start" => Report::Started(name),
                "create" if all => Report::Started(name),
                "die" if !all => Report::Removed(name),
                _ => continue,
            };
            if sender.send(report).is_err() {
                return;
            }
        }
    }
    let _ = sender.send(Report::EventsEnded);
}
