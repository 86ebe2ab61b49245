//! The image that comes with the program: `hello`. It is made when it is first asked for, so that the list
//! of a fresh engine is empty, as scripts expect.

use sampan_error::{Classify, Kind, Result};
use sampan_image::{Image, ImageConfig, Store};
use std::sync::Arc;

/// An image by name; one that does not exist and comes with the program is made now.
///
/// # Errors
/// `NotFound` with Docker's sentence, or the image store cannot be written.
pub(crate) fn find(store: &Store, name: &str) -> Result<Arc<Image>> {
    match store.find(name) {
        Err(error) if error.kind() == Kind::NotFound && matches!(name, "hello" | "hello:latest") => {
            provide(store)?;
            Ok(store.find(name)?)
        }
        other => Ok(other?),
    }
}

/// The image with the program, whoever has its name.
pub(crate) fn provide(store: &Store) -> Result<Arc<Image>> {
    let config = ImageConfig {
        entrypoint: Some(vec!["/hello".into()]),
        exposed_ports: ["80/tcp".to_owned()].into(),
        env: vec!["PATH=/".into()],
        working_dir: "/".into(),
        ..ImageConfig::default()
    };
    Ok(store.ensure_builtin("hello:latest", sampan_shim_embedded::hello_program(), config)?)
}
