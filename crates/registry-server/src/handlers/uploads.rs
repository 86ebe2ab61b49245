//! Uploads: begun or mounted, continued, asked about, finished, given up.

use hyper::StatusCode;
use hyper::header::{CONTENT_RANGE, HeaderName, LOCATION, RANGE};

use crate::answer::{Answer, DIGEST, empty, received, set};
use crate::failure::{Failure, Result};
use crate::request::Request;
use crate::store::Upload;

const ID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// `POST /v2/<name>/blobs/uploads/`: opens an upload, mounts a blob, or takes one in a single request.
pub(super) async fn begin(mut request: Request, name: String) -> Result<Answer> {
    if let (Some(digest), Some(from)) = (request.query("mount"), request.query("from")) {
        let (digest, from, to) = (digest.to_owned(), from.to_owned(), name.clone());
        let wanted = digest.clone();
        if request.blocking(move |store| store.mount(&to, &wanted, &from)).await? {
            return Ok(created(&name, &digest));
        }
    }
    let id = request.blocking(|store| store.begin_upload()).await?;
    if request.query("digest").is_some() {
        return finish(request, name, id).await;
    }
    // A body without a digest is nothing that the specification knows; it is read so that the connection stays usable.
    while request.chunk().await?.is_some() {}
    Ok(opened(StatusCode::ACCEPTED, &name, &id, 0))
}

/// `GET /v2/<name>/blobs/uploads/<id>`
pub(super) async fn status(request: Request, name: String, id: String) -> Result<Answer> {
    let wanted = id.clone();
    let upload = request.blocking(move |store| store.upload(&wanted)).await?;
    let size = upload.lock().await.size();
    Ok(opened(StatusCode::NO_CONTENT, &name, &id, size))
}

/// `PATCH /v2/<name>/blobs/uploads/<id>`
pub(super) async fn append(mut request: Request, name: String, id: String) -> Result<Answer> {
    let wanted = id.clone();
    let upload = request.blocking(move |store| store.upload(&wanted)).await?;
    let mut upload = upload.lock_owned().await;
    if let Some(range) = request.header(&CONTENT_RANGE) {
        let first =
            range.trim_start_matches("bytes ").split('-').next().and_then(|text| text.trim().parse().ok());
        if first != Some(upload.size()) {
            return Err(Failure::UploadOutOfOrder(upload.size()));
        }
    }
    upload = take_in(&mut request, upload).await?;
    Ok(opened(StatusCode::ACCEPTED, &name, &id, upload.size()))
}

/// `PUT /v2/<name>/blobs/uploads/<id>?digest=…`
pub(super) async fn finish(mut request: Request, name: String, id: String) -> Result<Answer> {
    let digest = request.query("digest").ok_or(Failure::DigestInvalid)?.to_owned();
    let wanted = id.clone();
    let upload = request.blocking(move |store| store.upload(&wanted)).await?;
    let mut upload = take_in(&mut request, upload.lock_owned().await).await?;
    let (repository, expected) = (name.clone(), digest.clone());
    request.blocking(move |store| store.finish_upload(&id, &mut upload, &repository, &expected)).await?;
    Ok(created(&name, &digest))
}

/// `DELETE /v2/<name>/blobs/uploads/<id>`
pub(super) async fn cancel(request: Request, id: String) -> Result<Answer> {
    let wanted = id.clone();
    let upload = request.blocking(move |store| store.upload(&wanted)).await?;
    let upload = upload.lock_owned().await;
    request.blocking(move |store| store.cancel_upload(&id, &upload)).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Bytes that are gathered before a thread writes them.
const BATCH: usize = 1 << 20;

/// An upload, held by one request at a time.
type Held = tokio::sync::OwnedMutexGuard<Upload>;

/// Writes a body at an upload's end. What came before a break stays.
async fn take_in(request: &mut Request, mut upload: Held) -> Result<Held> {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let chunk = request.chunk().await;
        if let Ok(Some(bytes)) = &chunk {
            batch.extend_from_slice(bytes);
        }
        let over = !matches!(chunk, Ok(Some(_)));
        if over || batch.len() >= BATCH {
            let written = request.blocking(move |_| {
                upload.append(&batch)?;
                batch.clear();
                Ok((upload, batch))
            });
            (upload, batch) = written.await?;
        }
        if over {
            return chunk.map(|_| upload);
        }
    }
}

fn opened(status: StatusCode, name: &str, id: &str, size: u64) -> Answer {
    let mut answer = empty(status);
    set(&mut answer, LOCATION, format!("/v2/{name}/blobs/uploads/{id}"));
    set(&mut answer, RANGE, received(size));
    set(&mut answer, ID, id);
    answer
}

fn created(name: &str, digest: &str) -> Answer {
    let mut answer = empty(StatusCode::CREATED);
    set(&mut answer, LOCATION, format!("/v2/{name}/blobs/{digest}"));
    set(&mut answer, DIGEST, digest);
    answer
}
