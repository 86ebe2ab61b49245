//! Images to and from registries: the distribution protocol, pull and push.

mod credentials;
mod step;

pub use credentials::Credentials;
pub use step::TransferStep;
