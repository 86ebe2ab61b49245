//! `GET /sampan/containers/{name}/documents`: a container in another place's own form of files.

use super::backend::Backend;
use crate::http::{Call, Outcome, environment, reply};
use sampan_error::{Error, Result};
use serde_json::json;

pub(super) async fn documents<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let form = call.query.get("as").to_owned();
    if form.is_empty() {
        return Err(Error::invalid("say in which form: `as=kubernetes`, or a target"));
    }
    let environment = environment(&call)?;
    let text = call.engine.documents(&call.parameter("name"), &form, &environment).await?;
    Ok(reply::ok(&json!({ "Documents": text }))?.into())
}
