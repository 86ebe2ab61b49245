//! Sessions: which clients can be asked for files and secrets at this moment.

use sampan_error::{Error, Result};
use sampan_session::{Caller, Upgraded};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// How long a build waits for the session that it names: the client opens both at the same time.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a client says of itself when it opens a session.
#[derive(Debug, Clone, Default)]
pub struct Introduction {
    /// The session's id, by which builds name it.
    pub id: String,
    /// What contexts of the same folder have in common from build to build; may be empty.
    pub shared_key: String,
    /// Methods that can be called, as `/package.Service/Method`.
    pub methods: Vec<String>,
}

/// A session that is open.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) shared_key: String,
    methods: HashSet<String>,
    pub(crate) caller: Caller,
}

impl Open {
    /// Whether the client has a method.
    pub(crate) fn has(&self, method: &str) -> bool {
        self.methods.contains(&method.to_lowercase())
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<String, Arc<Open>>>,
    changed: Notify,
}

impl Sessions {
    /// Keeps a session until its connection ends.
    pub(crate) async fn keep(&self, introduction: Introduction, connection: Upgraded) {
        let (caller, driver) = match sampan_session::call(connection).await {
            Ok(both) => both,
            Err(error) => {
                tracing::debug!(%error, "a session did not begin");
                return;
            }
        };
        let methods = introduction.methods.iter().map(|method| method.to_lowercase()).collect();
        let open = Arc::new(Open { shared_key: introduction.shared_key, methods, caller });
        {
            let mut all = self.lock();
            if all.contains_key(&introduction.id) {
                tracing::warn!(
                    id = introduction.id,
                    "a session of this id is open already: the second one ends"
                );
                return;
            }
            all.insert(introduction.id.clone(), open);
        }
        self.changed.notify_waiters();
        if let Err(error) = driver.await {
            tracing::debug!(%error, "a session ended");
        }
        self.lock().remove(&introduction.id);
    }

    /// The session of this id, as soon as it is there.
    ///
    /// # Errors
    /// It does not come.
    pub(crate) async fn find(&self, id: &str) -> Result<Arc<Open>> {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                let mut changed = std::pin::pin!(changed);
                changed.as_mut().enable();
                if let Some(open) = self.lock().get(id) {
                    return Arc::clone(open);
                }
                changed.await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.map_err(|_| {
            Error::unavailable(format!("no active session for {id}: the client did not open it, or has left"))
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Open>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
