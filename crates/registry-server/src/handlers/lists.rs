//! Lists: tags, repositories, referrers.

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderName, LINK};
use serde_json::json;

use crate::answer::{Answer, json as answer_json, set};
use crate::failure::Result;
use crate::request::Request;

const FILTERS: HeaderName = HeaderName::from_static("oci-filters-applied");
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// `GET /v2/<name>/tags/list`
pub(super) async fn tags(request: Request, name: String) -> Result<Answer> {
    let repository = name.clone();
    let all = request.blocking(move |store| store.tags(&repository)).await?;
    let (page, next) = page(all, &request);
    let mut answer = answer_json(StatusCode::OK, &json!({"name": name, "tags": page}));
    link(&mut answer, &format!("/v2/{name}/tags/list"), next);
    Ok(answer)
}

/// `GET /v2/_catalog`
pub(super) async fn repositories(request: Request) -> Result<Answer> {
    let all = request.blocking(|store| store.repositories()).await?;
    let (page, next) = page(all, &request);
    let mut answer = answer_json(StatusCode::OK, &json!({"repositories": page}));
    link(&mut answer, "/v2/_catalog", next);
    Ok(answer)
}

/// `GET /v2/<name>/referrers/<digest>`: an index, which is empty where there are none.
pub(super) async fn referrers(request: Request, name: String, digest: String) -> Result<Answer> {
    let mut found = request.blocking(move |store| store.referrers(&name, &digest)).await?;
    let wanted = request.query("artifactType").map(str::to_owned);
    if let Some(wanted) = &wanted {
        found.retain(|referrer| referrer.artifact_type == *wanted);
    }
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": found});
    let mut answer = answer_json(StatusCode::OK, &index);
    set(&mut answer, CONTENT_TYPE, INDEX);
    if wanted.is_some() {
        set(&mut answer, FILTERS, "artifactType");
    }
    Ok(answer)
}

/// The entries after `last`, `n` of them; with where the next page begins, if there is one.
fn page(all: Vec<String>, request: &Request) -> (Vec<String>, Option<(usize, String)>) {
    let last = request.query("last").unwrap_or_default().to_owned();
    let mut rest: Vec<String> = all.into_iter().filter(|name| last.is_empty() || *name > last).collect();
    let Some(count) = request.query("n").and_then(|text| text.parse::<usize>().ok()) else {
        return (rest, None);
    };
    let more = rest.len() > count;
    rest.truncate(count);
    let next = rest.last().filter(|_| more).map(|last| (count, last.clone()));
    (rest, next)
}

fn link(answer: &mut Answer, path: &str, next: Option<(usize, String)>) {
    let Some((count, last)) = next else { return };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("n", &count.to_string()).append_pair("last", &last);
    set(answer, LINK, format!("<{path}?{}>; rel=\"next\"", query.finish()));
}
