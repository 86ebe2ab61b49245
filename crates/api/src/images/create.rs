//! Making images: by import, by pulling.

use super::backend::Backend;
use super::wire::Progress;
use crate::containers::backend::byte_stream;
use crate::http::{Body, Call, Outcome, reply};
use hyper::StatusCode;
use sampan_error::{Error, Result};
use sampan_image::ImportOptions;

/// `POST /images/create`: `fromSrc=-` imports the body, `fromImage` pulls.
pub(super) async fn create<E: Backend>(call: Call<E>) -> Result<Outcome> {
    if call.query.text("fromImage").is_some() {
        return super::transfer::pull(call).await;
    }
    let options = ImportOptions {
        name: call.query.text("repo").map(|repository| match call.query.text("tag") {
            Some(tag) => format!("{repository}:{tag}"),
            None => repository.to_owned(),
        }),
        changes: call.query.all("changes").map(str::to_owned).collect(),
        message: call.query.get("message").to_owned(),
        platform: call.query.text("platform").map(str::to_owned),
    };
    let (engine, source) = (call.engine.clone(), call.query.get("fromSrc").to_owned());
    let id = match source.as_str() {
        "-" => engine.import_image(byte_stream(call.into_stream()), options).await?,
        "" => return Err(Error::invalid("say what to make the image from: fromImage, or fromSrc")),
        address if address.contains("://") => engine.import_image_from(address, options).await?,
        // As Docker: an address without a scheme is one of the web.
        address => engine.import_image_from(&format!("http://{address}"), options).await?,
    };
    let line = reply::line(&Progress { status: Some(id), ..Progress::default() }, "\r\n")?;
    Ok(reply::with(StatusCode::OK, "application/json", Body::full(line)).into())
}
