//! The fields of what `version` asks the engine for. Names, order and omission are those of Docker's API types.

use super::{Struct, Type, field, optional};

static TYPES_PLATFORM: Struct =
    Struct { name: "struct { Name string }", fields: &[field("Name", "Name", Type::Text)] };

static TYPES_COMPONENT_VERSION: Struct = Struct {
    name: "types.ComponentVersion",
    fields: &[
        field("Name", "Name", Type::Text),
        field("Version", "Version", Type::Text),
        optional("Details", "Details", Type::Map(&Type::Text, "map[string]string")),
    ],
};

/// The whole object.
pub(crate) static TYPES_VERSION: Struct = Struct {
    name: "types.Version",
    fields: &[
        field("Platform", "Platform", Type::Struct(&TYPES_PLATFORM)),
        optional(
            "Components",
            "Components",
            Type::List(&Type::Struct(&TYPES_COMPONENT_VERSION), "[]types.ComponentVersion"),
        ),
        field("Version", "Version", Type::Text),
        field("APIVersion", "ApiVersion", Type::Text),
        optional("MinAPIVersion", "MinAPIVersion", Type::Text),
        field("GitCommit", "GitCommit", Type::Text),
        field("GoVersion", "GoVersion", Type::Text),
        field("Os", "Os", Type::Text),
        field("Arch", "Arch", Type::Text),
        optional("KernelVersion", "KernelVersion", Type::Text),
        optional("Experimental", "Experimental", Type::Bool),
        optional("BuildTime", "BuildTime", Type::Text),
    ],
};
