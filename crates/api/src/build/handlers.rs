//! Handlers: parse, call, convert.

use super::backend::{Backend, Source};
use super::order::InOrder;
use super::query;
use crate::containers::backend::byte_stream;
use crate::http::{Call, Outcome, reply};
use crate::images::progress::run;
use crate::images::transfer::all_credentials;
use crate::images::wire::{Aux, Progress};
use sampan_build::What;
use sampan_error::Result;
use tokio::sync::mpsc::unbounded_channel;

/// What is told of a build.
enum Told {
    What(What),
    Image(String),
    Line(String),
}

/// `POST /build`
pub(super) async fn build<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let mut request = query::request(&call.query)?;
    request.credentials = all_credentials(&call.headers)?;
    let remote = call.query.text("remote").unwrap_or_default().to_owned();
    let quiet = call.query.flag("q");
    let engine = call.engine.clone();
    let context = match remote.as_str() {
        "" => Source::Given(byte_stream(call.into_stream())),
        "client-session" => Source::Session(call.query.text("session").unwrap_or_default().to_owned()),
        _ => Source::Fetched(remote),
    };
    let (told, steps) = unbounded_channel();
    let work = async move {
        let (events, mut heard) = unbounded_channel();
        let tags = request.tags.clone();
        let passing = told.clone();
        let pass_on = async move {
            let mut order = InOrder::default();
            while let Some(event) = heard.recv().await {
                for what in order.push(event) {
                    let _ = passing.send(Told::What(what));
                }
            }
        };
        let (built, ()) = tokio::join!(engine.build(request, context, events), pass_on);
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
        Told::What(_) if quiet => return None,
        Told::What(what) => match what {
            What::Begin(begin) => format!("Step {}/{} : {}\n", begin.number, begin.total, begin.text),
            What::Cached => " ---> Using cache\n".to_owned(),
            What::Running(id) => format!(" ---> Running in {}\n", short(&id)),
            What::Output(output) => String::from_utf8_lossy(&output.bytes).into_owned(),
            What::Image(id) => format!(" ---> {}\n", short(&id)),
            What::Note(text) => format!("{text}\n"),
            What::End | What::Failed(_) | What::Warning(_) => return None,
        },
    };
    Some(Progress { stream: Some(text), ..Progress::default() })
}

/// `POST /build/prune`
pub(super) async fn prune<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let gone = call.engine.prune_builds(query::pruning(&call.query)?).await?;
    let bytes: u64 = gone.iter().map(|entry| entry.bytes).sum();
    let ids: Vec<_> = gone.into_iter().map(|entry| entry.id).collect();
    Ok(reply::ok(&serde_json::json!({"CachesDeleted": ids, "SpaceReclaimed": bytes}))?.into())
}
