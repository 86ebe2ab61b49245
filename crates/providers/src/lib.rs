//! All providers. A new one is a folder beside this one and a line in [`ALL`].

use sampan_provider::Connect;

/// The kinds of places where containers can live, by the name that `target create --provider` takes.
pub const ALL: &[(&str, Connect)] = &[
    ("aws", sampan_provider_aws::connect),
    ("docker", sampan_provider_docker::connect),
    ("kubernetes", sampan_provider_kubernetes::connect),
];
