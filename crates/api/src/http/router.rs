//! The table of routes: method, path, oldest version of the API, handler.
//!
//! Names of images hold slashes (`/images/library/web/json`), and a wrong method is answered as an unknown
//! page, so the table is walked by a matcher of our own.

use super::call::Call;
use super::form::decode;
use super::hijack::Outcome;
use super::version::Version;
use hyper::Method;
use sampan_error::Result;
use std::future::Future;
use std::pin::Pin;

/// What a handler gives.
pub(crate) type Answer = Pin<Box<dyn Future<Output = Result<Outcome>> + Send>>;

/// A handler.
pub(crate) enum Handler<E> {
    /// Needs no engine: it is called at once after the start, while containers are still recovered.
    Early(fn(Call<()>) -> Answer),
    /// Is called as soon as the engine is there.
    Ready(fn(Call<E>) -> Answer),
}

/// One route.
pub(crate) struct Route<E> {
    /// The method.
    pub(crate) method: Method,
    /// The path, with `{name}` for one segment and `{name*}` for one or more.
    pub(crate) pattern: &'static str,
    /// The oldest version of the API that knows it.
    pub(crate) since: Version,
    /// What it calls.
    pub(crate) handler: Handler<E>,
}

impl<E> Route<E> {
    fn new(method: Method, pattern: &'static str, handler: Handler<E>) -> Self {
        Self { method, pattern, since: Version::OLDEST, handler }
    }

    /// Known from this version of the API on.
    pub(crate) fn since(mut self, minor: u16) -> Self {
        self.since = Version(minor);
        self
    }
}

/// A `GET` route.
pub(crate) fn get<E>(pattern: &'static str, handler: fn(Call<E>) -> Answer) -> Route<E> {
    Route::new(Method::GET, pattern, Handler::Ready(handler))
}

/// A `HEAD` route.
pub(crate) fn head<E>(pattern: &'static str, handler: fn(Call<E>) -> Answer) -> Route<E> {
    Route::new(Method::HEAD, pattern, Handler::Ready(handler))
}

/// A `POST` route.
pub(crate) fn post<E>(pattern: &'static str, handler: fn(Call<E>) -> Answer) -> Route<E> {
    Route::new(Method::POST, pattern, Handler::Ready(handler))
}

/// A `PUT` route.
pub(crate) fn put<E>(pattern: &'static str, handler: fn(Call<E>) -> Answer) -> Route<E> {
    Route::new(Method::PUT, pattern, Handler::Ready(handler))
}

/// A `DELETE` route.
pub(crate) fn delete<E>(pattern: &'static str, handler: fn(Call<E>) -> Answer) -> Route<E> {
    Route::new(Method::DELETE, pattern, Handler::Ready(handler))
}

/// A route that needs no engine.
pub(crate) fn early<E>(method: Method, pattern: &'static str, handler: fn(Call<()>) -> Answer) -> Route<E> {
    Route::new(method, pattern, Handler::Early(handler))
}

/// The values of the placeholders of a path, decoded.
#[derive(Debug, Default)]
pub(crate) struct Parameters(Vec<(&'static str, String)>);

impl Parameters {
    /// The value of a placeholder.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value.as_str())
    }
}

/// All routes.
pub(crate) struct Router<E> {
    routes: Vec<Route<E>>,
}

impl<E> Router<E> {
    /// A table of these routes. The first that fits is taken.
    pub(crate) fn new(routes: Vec<Route<E>>) -> Self {
        Self { routes }
    }

    /// The route for a method and a path without its version.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Option<(&Route<E>, Parameters)> {
        let of_method = self.routes.iter().filter(|route| route.method == *method);
        of_method.into_iter().find_map(|route| Some((route, matches(route.pattern, path)?)))
    }

    /// Methods and patterns of all routes.
    #[cfg(test)]
    pub(crate) fn list(&self) -> impl Iterator<Item = (&Method, &'static str)> {
        self.routes.iter().map(|route| (&route.method, route.pattern))
    }
}

/// The placeholders' values when the path fits the pattern.
fn matches(pattern: &'static str, path: &str) -> Option<Parameters> {
    let mut found = Parameters::default();
    fits(pattern.strip_prefix('/')?, path.strip_prefix('/')?, &mut found).then_some(found)
}

fn fits(pattern: &'static str, path: &str, found: &mut Parameters) -> bool {
    let (first, others) =
        pattern.split_once('/').map_or((pattern, None), |(first, others)| (first, Some(others)));
    let name = first.strip_prefix('{').and_then(|first| first.strip_suffix('}'));
    let Some(name) = name else {
        return match (path.strip_prefix(first), others) {
            (Some(""), None) => true,
            (Some(rest), Some(others)) => {
                rest.strip_prefix('/').is_some_and(|rest| fits(others, rest, found))
            }
            _ => false,
        };
    };
    // The longest piece first: an image may be called `web/json`.
    let mut end = if name.ends_with('*') { path.len() } else { path.find('/').unwrap_or(path.len()) };
    while end > 0 {
        let (value, rest) = path.split_at(end);
        let before = found.0.len();
        found.0.push((name.trim_end_matches('*'), decode(value, false)));
        let fit = match others {
            None => rest.is_empty(),
            Some(others) => rest.strip_prefix('/').is_some_and(|rest| fits(others, rest, found)),
        };
        if fit {
            return true;
        }
        found.0.truncate(before);
        if !name.ends_with('*') {
            return false;
        }
        end = path[..end].rfind('/').unwrap_or(0);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_whole_segments() {
        assert!(matches("/containers/json", "/containers/json").is_some());
        assert!(matches("/containers/json", "/containers/jsonx").is_none());
        assert!(matches("/containers/json", "/containers/json/").is_none());
        assert_eq!(matches("/containers/{id}/json", "/containers/web/json").expect("fits").get("id"), "web");
        assert!(matches("/containers/{id}/json", "/containers/a/b/json").is_none());
        assert!(matches("/containers/{id}/json", "/containers//json").is_none());
        assert_eq!(matches("/containers/{id}", "/containers/a%2Fb").expect("fits").get("id"), "a/b");
    }

    #[test]
    fn names_of_images_hold_slashes() {
        let name = |path| matches("/images/{name*}/json", path).map(|found| found.get("name").to_owned());
        assert_eq!(name("/images/busybox/json").as_deref(), Some("busybox"));
        assert_eq!(name("/images/localhost:5000/a/b:1/json").as_deref(), Some("localhost:5000/a/b:1"));
        assert_eq!(name("/images/json/json").as_deref(), Some("json"));
        assert_eq!(name("/images/json"), None);
        assert_eq!(name("/images/a/history"), None);
    }
}
