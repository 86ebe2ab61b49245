//! Ours: manifests at registries, for the `manifest` commands.

use super::backend::Backend;
use super::transfer::credentials;
use crate::http::{Call, Outcome, reply};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sampan_error::Result;
use sampan_image::Reference;
use sampan_registry::{Descriptor, Member};
use serde::{Deserialize, Serialize};

/// What a registry has under a name.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown {
    #[serde(rename = "Ref")]
    reference: String,
    descriptor: Descriptor,
    /// The bytes as they came, in base64.
    raw: String,
}

/// The list to push.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct List {
    members: Vec<ListMember>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListMember {
    #[serde(rename = "Ref")]
    reference: String,
    descriptor: Descriptor,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Pushed {
    digest: String,
}

/// `GET /sampan/manifests/{name}/json`
pub(super) async fn inspect<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let reference = Reference::parse(&call.parameter("name"))?.or_latest();
    let found = call.engine.manifest(&reference, credentials(&call.headers)?).await?;
    let answer = Shown {
        reference: reference.to_string(),
        descriptor: found.descriptor,
        raw: STANDARD.encode(&found.bytes),
    };
    Ok(reply::ok(&answer)?.into())
}

/// `POST /sampan/manifests/{name}/push`
pub(super) async fn push<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let list: List = call.json().await?;
    let target = Reference::parse(&call.parameter("name"))?.or_latest();
    let members = list
        .members
        .into_iter()
        .map(|member| {
            Ok(Member { source: Reference::parse(&member.reference)?, descriptor: member.descriptor })
        })
        .collect::<Result<Vec<_>>>()?;
    let digest = call.engine.push_list(&target, members, credentials(&call.headers)?).await?;
    Ok(reply::ok(&Pushed { digest })?.into())
}
