//! Ours: images under a disk budget.

use super::backend::Backend;
use crate::http::time::rfc3339;
use crate::http::{Call, Outcome, reply};
use sampan_error::{Error, Result};
use serde::Serialize;
use std::time::Duration;

/// What a collection did.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Collected {
    images: Vec<Gone>,
    /// Bytes of all layers before and after.
    before: u64,
    after: u64,
    dry_run: bool,
}

/// An image that went, or would go.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Gone {
    id: String,
    repo_tags: Vec<String>,
    size: u64,
    last_used: String,
}

/// `POST /sampan/images/collect?budget=BYTES&minimum-age=SECONDS&dry-run=1`
pub(super) async fn collect<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let number = |name: &str| {
        let text = call.query.text(name);
        let parsed = text.map(|text| {
            text.parse::<u64>().map_err(|_| Error::invalid(format!("{name} {text:?} is no number")))
        });
        parsed.transpose()
    };
    let (budget, age) = (number("budget")?, number("minimum-age")?.map(Duration::from_secs));
    let dry_run = call.query.flag("dry-run");
    let collected = call.engine.collect_images(budget, age, dry_run).await?;
    let images = collected.images.into_iter().map(|image| Gone {
        id: image.image,
        repo_tags: image.names,
        size: image.size,
        last_used: rfc3339(image.last_used),
    });
    let answer =
        Collected { images: images.collect(), before: collected.before, after: collected.after, dry_run };
    Ok(reply::ok(&answer)?.into())
}

/// `POST /sampan/images/{name}/pin` and `…/unpin`
pub(super) async fn pin<E: Backend>(call: Call<E>, pinned: bool) -> Result<Outcome> {
    call.engine.pin_image(&call.parameter("name"), pinned).await?;
    Ok(reply::no_content().into())
}
