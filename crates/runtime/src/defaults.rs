//! What Docker gives a container by default, for assembling a specification.

use oci_spec::runtime::Spec;

use crate::error::Result;

/// A specification to start from: a shell in `rootfs`.
///
/// # Errors
/// None at present.
pub fn example_spec() -> Result<Spec> {
    Ok(Spec::default())
}
