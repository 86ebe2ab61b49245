//! Images that builds under way stand on: nobody removes them under a build.

use sampan_engine::Engine;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How many builds hold which image.
#[derive(Default)]
pub(crate) struct Held(Mutex<HashMap<String, usize>>);

impl Held {
    /// Whether a build stands on an image.
    pub(crate) fn has(&self, image: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(image)
    }
}

/// What one build holds, until it is over.
pub(crate) struct Holds {
    all: Arc<Held>,
    own: Mutex<Vec<String>>,
}

impl Holds {
    pub(crate) fn new(engine: &Engine) -> Self {
        Self { all: engine.resident(Held::default), own: Mutex::default() }
    }

    /// Holds an image from now on.
    pub(crate) fn add(&self, image: &str) {
        *self.all.0.lock().unwrap_or_else(PoisonError::into_inner).entry(image.to_owned()).or_default() += 1;
        self.own.lock().unwrap_or_else(PoisonError::into_inner).push(image.to_owned());
    }
}

impl Drop for Holds {
    fn drop(&mut self) {
        let mut all = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        for image in self.own.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            if let Some(count) = all.get_mut(&image) {
                *count -= 1;
                if *count == 0 {
                    all.remove(&image);
                }
            }
        }
    }
}
