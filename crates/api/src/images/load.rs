//! Archives of images: load and save.

use super::backend::{Backend, LoadStep};
use super::progress::{bar, run};
use super::wire::{Progress, ProgressDetail};
use crate::containers::backend::byte_stream;
use crate::http::{Call, Outcome, Version, reply};
use sampan_error::{Error, Result};
use tokio::sync::mpsc::unbounded_channel;

/// `POST /images/load`
pub(super) async fn load<E: Backend>(call: Call<E>) -> Result<Outcome> {
    if call.query.text("platform").is_some() && call.version >= Version(48) {
        tracing::debug!("load takes all platforms of an archive");
    }
    let quiet = call.query.flag("quiet");
    let (sender, steps) = unbounded_channel();
    let engine = call.engine.clone();
    let archive = byte_stream(call.into_stream());
    let work = async move { engine.load_images(archive, sender).await };
    run(work, steps, move |step| match step {
        LoadStep::Layer { .. } if quiet => None,
        step => Some(shown(step)),
    })
    .await
}

fn shown(step: LoadStep) -> Progress {
    match step {
        LoadStep::Layer { id, current, total } => Progress {
            status: Some("Loading layer".into()),
            progress_detail: Some(ProgressDetail { current, total }),
            progress: Some(bar(current, total)),
            id: Some(id),
            ..Progress::default()
        },
        LoadStep::Moved { name, id } => Progress {
            stream: Some(format!(
                "The image {name} already exists, renaming the old one with ID {id} to empty string\n"
            )),
            ..Progress::default()
        },
        LoadStep::Loaded { name, is_id } => {
            let words = if is_id { "Loaded image ID" } else { "Loaded image" };
            Progress { stream: Some(format!("{words}: {name}\n")), ..Progress::default() }
        }
    }
}

/// `GET /images/{name}/get`
pub(super) async fn save<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let archive = call.engine.save_images(vec![call.parameter("name")]).await?;
    Ok(reply::stream("application/x-tar", archive).into())
}

/// `GET /sampan/images/{name}/files`: what lies in the image, all layers together.
pub(super) async fn files<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let archive = call.engine.image_files(&call.parameter("name")).await?;
    Ok(reply::stream("application/x-tar", archive).into())
}

/// `GET /images/get`
pub(super) async fn save_several<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let names: Vec<String> = call.query.all("names").map(str::to_owned).collect();
    if names.is_empty() {
        return Err(Error::invalid("bad parameter: 'names' cannot be empty"));
    }
    let archive = call.engine.save_images(names).await?;
    Ok(reply::stream("application/x-tar", archive).into())
}
