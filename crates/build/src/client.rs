//! What a build asks of whoever asked for it.

use crate::Context;
use sampan_engine::Credentials;
use sampan_error::{Error, Result};
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use tokio::net::UnixStream;

/// An answer that may take its time.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Whoever asked for a build. Each question comes only when a step needs the answer.
pub trait Client: Debug + Send + Sync {
    /// The context's files.
    fn context(&self) -> Answer<'_, Context>;

    /// The files of a context with a name, which the request declares.
    fn named_context<'a>(&'a self, name: &'a str) -> Answer<'a, Context> {
        Box::pin(async move { Err(Error::not_found(format!("there is no context {name:?}"))) })
    }

    /// A secret of `RUN --mount=type=secret`; `None` when there is no such secret.
    fn secret<'a>(&'a self, _id: &'a str) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(async { Ok(None) })
    }

    /// Whether there is an agent for `RUN --mount=type=ssh`.
    fn has_agent<'a>(&'a self, _id: &'a str) -> Answer<'a, bool> {
        Box::pin(async { Ok(false) })
    }

    /// Connects a program of a step with the agent, until either is done.
    fn forward<'a>(&'a self, id: &'a str, _program: UnixStream) -> Answer<'a, ()> {
        Box::pin(async move { Err(Error::not_found(format!("there is no agent {id:?}"))) })
    }

    /// Who is asking a registry, when the request does not say it.
    fn credentials<'a>(&'a self, _registry: &'a str) -> Answer<'a, Option<Credentials>> {
        Box::pin(async { Ok(None) })
    }
}

/// A client that gave its context at once, and nothing else.
#[derive(Debug)]
pub struct Given(std::sync::Mutex<Option<Context>>);

impl Given {
    /// Of this context.
    #[must_use]
    pub fn new(context: Context) -> Self {
        Self(Some(context).into())
    }
}

impl Client for Given {
    fn context(&self) -> Answer<'_, Context> {
        let taken = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        Box::pin(async move { taken.ok_or_else(|| Error::internal("the context was asked for twice")) })
    }
}
