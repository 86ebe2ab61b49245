//! What rooms above keep for as long as the engine lives: one value of each type.

use crate::Engine;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Values by their types.
#[derive(Default)]
pub(crate) struct Residents(Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl Engine {
    /// The engine's one value of this type, made when it is first asked for.
    pub fn resident<T: Send + Sync + 'static>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let mut residents = self.inner.residents.0.lock().unwrap_or_else(PoisonError::into_inner);
        let value = residents.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(make()));
        match Arc::clone(value).downcast() {
            Ok(value) => value,
            Err(_) => unreachable!("values stand under their own types"),
        }
    }
}
