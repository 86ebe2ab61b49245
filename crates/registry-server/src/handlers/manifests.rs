//! Manifests: fetched, put, deleted.

use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, LOCATION};
use hyper::{Method, StatusCode};

use crate::answer::{Answer, DIGEST, empty, set, with};
use crate::failure::{Failure, Result};
use crate::request::Request;
use crate::store::LARGEST_MANIFEST;

const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

/// `GET` and `HEAD /v2/<name>/manifests/<reference>`
pub(super) async fn get(request: Request, name: String, reference: String) -> Result<Answer> {
    let manifest = request.blocking(move |store| store.manifest(&name, &reference)).await?;
    let length = manifest.bytes.len();
    let mut answer = if request.method == Method::HEAD {
        empty(StatusCode::OK)
    } else {
        with(StatusCode::OK, manifest.bytes)
    };
    set(&mut answer, CONTENT_LENGTH, length.to_string());
    set(&mut answer, CONTENT_TYPE, &manifest.media_type);
    set(&mut answer, ETAG, format!("\"{}\"", manifest.digest));
    set(&mut answer, DIGEST, &manifest.digest);
    Ok(answer)
}

/// `PUT /v2/<name>/manifests/<reference>`
pub(super) async fn put(mut request: Request, name: String, reference: String) -> Result<Answer> {
    let media_type = request.header(&CONTENT_TYPE).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_owned();
    if media_type.is_empty() {
        return Err(Failure::ManifestInvalid("it has no Content-Type".to_owned()));
    }
    let bytes = request.whole(LARGEST_MANIFEST).await?;
    let repository = name.clone();
    let (digest, subject) = request
        .blocking(move |store| store.put_manifest(&repository, &reference, &media_type, &bytes))
        .await?;
    let mut answer = empty(StatusCode::CREATED);
    set(&mut answer, LOCATION, format!("/v2/{name}/manifests/{digest}"));
    set(&mut answer, DIGEST, digest);
    if let Some(subject) = subject {
        set(&mut answer, SUBJECT, subject);
    }
    Ok(answer)
}

/// `DELETE /v2/<name>/manifests/<reference>`
pub(super) async fn delete(request: Request, name: String, reference: String) -> Result<Answer> {
    request.blocking(move |store| store.delete_manifest(&name, &reference)).await?;
    Ok(empty(StatusCode::ACCEPTED))
}
