//! Handlers: parse, call, convert.

use super::backend::Backend;
use super::query;
use crate::containers::backend::byte_stream;
use crate::http::{Call, Outcome, reply};
use crate::images::progress::run;
use crate::images::transfer::all_credentials;
use crate::images::wire::{Aux, Progress};
use sampan_build::Event;
use sampan_error::{Error, Result};
use tokio::sync::mpsc::unbounded_channel;

/// What is told of a build.
enum Told {
    Event(Event),
    Image(String),
    Line(String),
}

/// `POST /build`
pub(super) async fn build<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let mut request = query::request(&call.query)?;
    request.credentials = all_credentials(&call.headers)?;
    let remote = call.query.text("remote").unwrap_or_default().to_owned();
    if !remote.is_empty() {
        return Err(Error::not_implemented(format!(
            "a build of {remote} is not possible yet: fetch it, and build the folder"
        )));
    }
    let quiet = call.query.flag("q");
    let engine = call.engine.clone();
    let context = byte_stream(call.into_stream());
    let (told, steps) = unbounded_channel();
    let work = async move {
        let (events, mut heard) = unbounded_channel();
        let tags = request.tags.clone();
        let passing = told.clone();
        let pass_on = async move {
            while let Some(event) = heard.recv().await {
                let _ = passing.send(Told::Event(event));
            }
        };
        let (built, ()) = tokio::join!(engine.build(request, Some(context), events), pass_on);
        let id = built?;
        // Whoever asked may have gone.
        let say = |what| drop(told.send(what));
        if quiet {
            say(Told::Line(format!("{id}\n")));
            return Ok(());
        }
        say(Told::Image(id.clone()));
        say(Told::Line(format!("Successfully built {}\n", short(&id))));
        for tag in tags {
            let has_tag = tag.rsplit('/').next().unwrap_or(&tag).contains(':');
            let name = if has_tag { tag } else { format!("{tag}:latest") };
            say(Told::Line(format!("Successfully tagged {name}\n")));
        }
        Ok(())
    };
    run(work, steps, move |told| show(told, quiet)).await
}

fn short(id: &str) -> &str {
    let id = id.strip_prefix("sha256:").unwrap_or(id);
    id.get(..12).unwrap_or(id)
}

/// The words of Docker's own builder, which scripts read.
fn show(told: Told, quiet: bool) -> Option<Progress> {
    let text = match told {
        Told::Image(id) => return Some(Progress { aux: Some(Aux::Built { id }), ..Progress::default() }),
        Told::Line(text) => text,
        Told::Event(_) if quiet => return None,
        Told::Event(event) => match event {
            Event::Step { number, total, text } => format!("Step {number}/{total} : {text}\n"),
            Event::Cached => " ---> Using cache\n".to_owned(),
            Event::Running(id) => format!(" ---> Running in {}\n", short(&id)),
            Event::Output(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Event::Image(id) => format!(" ---> {}\n", short(&id)),
            Event::Note(text) => format!("{text}\n"),
        },
    };
    Some(Progress { stream: Some(text), ..Progress::default() })
}

/// `POST /build/prune`
pub(super) async fn prune<E: Backend>(call: Call<E>) -> Result<Outcome> {
    call.engine.prune_builds().await?;
    Ok(reply::ok(&serde_json::json!({"CachesDeleted": [], "SpaceReclaimed": 0}))?.into())
}
