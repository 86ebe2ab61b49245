//! What is wanted of a container and its replicas, as the store keeps it.

use crate::settings::Settings;
use sampan_state::Record;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A container with its replicas.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Group {
    /// Name of the first replica.
    pub name: String,
    /// Id of the first replica. When that container is gone without our doing, so is the group.
    pub leader: String,
    /// How many replicas are wanted.
    pub replicas: u32,
    /// The generation that all of them are to be of.
    pub generation: u64,
    /// That one and the one before, which a rollback goes back to.
    pub generations: Vec<Generation>,
    /// What is under way: whoever finds it here finishes it.
    pub operation: Option<Operation>,
    /// How the last operation ended.
    pub last: Option<Outcome>,
    /// Times and permissions.
    pub settings: Settings,
}

/// What replicas are made of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Generation {
    /// Grows with each update.
    pub number: u64,
    /// The image as users write it.
    pub image: String,
    /// The image itself.
    pub image_id: String,
    /// All else about the container, in the place's own words.
    pub specification: Value,
    /// Two of them must not run at the same time: the old one is stopped before the new one starts. Says why.
    pub stop_first: Option<String>,
}

/// What is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Operation {
    /// Replicas come or go.
    Scale,
    /// Replicas are replaced one by one.
    Update {
        /// The generation to go back to when that fails.
        from: u64,
    },
    /// All replicas are new; until a time (nanoseconds since 1970) a failure takes the update back.
    Watch {
        /// The generation to go back to.
        from: u64,
        /// When it is over.
        until: i64,
    },
    /// Replicas are replaced by those of the generation before.
    RollBack {
        /// Why.
        reason: String,
    },
}

/// How an operation ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// When, nanoseconds since 1970.
    pub at: i64,
    /// What was done, as a sentence.
    pub what: String,
    /// Why it failed; empty when it did not.
    pub error: String,
}

impl Operation {
    /// What it is called.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Scale => "scaling",
            Self::Update { .. } => "updating",
            Self::Watch { .. } => "watching",
            Self::RollBack { .. } => "rolling back",
        }
    }
}

impl Group {
    /// The generation that is wanted.
    #[must_use]
    pub fn wanted(&self) -> Option<&Generation> {
        self.generations.iter().find(|generation| generation.number == self.generation)
    }

    /// The image that is wanted, as users write it.
    #[must_use]
    pub fn image(&self) -> String {
        self.wanted().map(|wanted| wanted.image.clone()).unwrap_or_default()
    }

    /// The generation before it.
    #[must_use]
    pub fn before(&self) -> Option<&Generation> {
        let earlier = self.generations.iter().filter(|generation| generation.number != self.generation);
        earlier.max_by_key(|generation| generation.number)
    }

    /// The name of a replica: the first has the group's.
    #[must_use]
    pub fn member_name(&self, number: u32) -> String {
        if number == 1 { self.name.clone() } else { format!("{}-{number}", self.name) }
    }

    /// The name of a replica while another one still has its own.
    #[must_use]
    pub fn coming_name(&self, number: u32) -> String {
        format!("{}.{}", self.member_name(number), self.generation)
    }
}

impl Record for Group {
    const COLLECTION: &'static str = "group";
    const VERSION: u32 = 1;

    fn key(&self) -> String {
        self.name.clone()
    }
}
