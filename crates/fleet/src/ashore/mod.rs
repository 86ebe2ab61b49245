//! Containers at other places: targets, what is sent there, and what is asked of them.
//!
//! A provider does what one call can do. What is more than that is here, once for all of them: turning a container into a
//! specification, bringing its image over, waiting until it answers, and saying what is lost before anything is touched.

mod archive;
mod documents;
mod keep;
mod leases;
mod live;
mod moving;
mod push;
mod specification;
mod targets;

pub use keep::DeployRequest;
pub use moving::{Arrival, HERE, MoveOptions, Moved, Phase, StandbyRequest, Voyage};
pub use push::sentence as loss_sentence;
pub use push::{PushOptions, Pushed};
pub use targets::Simulated;

use sampan_engine::Engine;
use sampan_error::Result;
use sampan_provider::{Connect, Provider, Target};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the asker's environment says of a provider's credentials. Kept for one call.
pub type Environment = BTreeMap<String, String>;

/// The places that an engine can send containers to.
#[derive(Clone)]
pub struct Ashore {
    pub(crate) engine: Engine,
    pub(crate) shared: Arc<targets::Shared>,
}

impl Ashore {
    /// Those of this engine.
    #[must_use]
    pub fn of(engine: &Engine) -> Self {
        let shared = engine.resident(|| targets::Shared::load(engine));
        Self { engine: engine.clone(), shared }
    }

    /// Says which kinds of providers there are. Done once, when the daemon starts.
    pub fn install(engine: &Engine, providers: &[(&'static str, Connect)]) {
        Self::of(engine).shared.install(providers);
    }

    /// The provider of a target, for this asker.
    ///
    /// # Errors
    /// No such target; a kind of provider that is not there; credentials that are missing.
    pub fn provider(&self, target: &str, environment: &Environment) -> Result<(Target, Arc<dyn Provider>)> {
        let (target, environment) = self.credentials(self.target(target)?, environment);
        let connect = self.shared.connect(&target.provider)?;
        let provider = connect(&target, &environment)?;
        Ok((target, provider))
    }
}
