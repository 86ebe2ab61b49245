//! What each route does.

mod blobs;
mod lists;
mod manifests;
mod uploads;

use hyper::{Method, StatusCode};

use crate::answer::{Answer, json};
use crate::failure::{Failure, Result};
use crate::request::Request;
use crate::route::Route;

/// Answers a request.
pub(crate) async fn handle(route: Route, request: Request) -> Result<Answer> {
    let method = request.method.clone();
    match (route, method) {
        (Route::Base, Method::GET | Method::HEAD) => Ok(json(StatusCode::OK, &serde_json::json!({}))),
        (Route::Catalogue, Method::GET) => lists::repositories(request).await,
        (Route::Tags(name), Method::GET) => lists::tags(request, name).await,
        (Route::Referrers(name, digest), Method::GET) => lists::referrers(request, name, digest).await,
        (Route::Manifest(name, reference), Method::GET | Method::HEAD) => {
            manifests::get(request, name, reference).await
        }
        (Route::Manifest(name, reference), Method::PUT) => manifests::put(request, name, reference).await,
        (Route::Manifest(name, reference), Method::DELETE) => {
            manifests::delete(request, name, reference).await
        }
        (Route::Blob(name, digest), Method::GET | Method::HEAD) => blobs::get(request, name, digest).await,
        (Route::Blob(name, digest), Method::DELETE) => blobs::delete(request, name, digest).await,
        (Route::Uploads(name), Method::POST) => uploads::begin(request, name).await,
        (Route::Upload(name, id), Method::GET | Method::HEAD) => uploads::status(request, name, id).await,
        (Route::Upload(name, id), Method::PATCH) => uploads::append(request, name, id).await,
        (Route::Upload(name, id), Method::PUT) => uploads::finish(request, name, id).await,
        (Route::Upload(_, id), Method::DELETE) => uploads::cancel(request, id).await,
        (_, method) => Err(Failure::Unsupported(format!("{method} means nothing here"))),
    }
}
