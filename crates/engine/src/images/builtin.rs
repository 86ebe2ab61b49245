//! The image that comes with the program: `hello`.

use sampan_error::Result;
use sampan_image::{ImageConfig, Store};

/// Makes sure that `hello:latest` is there; cheap when it is.
///
/// # Errors
/// The image store cannot be written.
pub(crate) fn provide(store: &Store) -> Result<()> {
    let config = ImageConfig {
        entrypoint: Some(vec!["/hello".into()]),
        exposed_ports: ["80/tcp".to_owned()].into(),
        env: vec!["PATH=/".into()],
        working_dir: "/".into(),
        ..ImageConfig::default()
    };
    store.ensure_builtin("hello:latest", sampan_shim_embedded::hello_program(), config)?;
    Ok(())
}
