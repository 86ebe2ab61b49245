//! The fields of an image as `inspect` shows them to templates. Names, order and omission are those of Docker's API types.

use super::container::{
    CONTAINER_CONFIG, DOCKERSPEC_HEALTHCHECK_CONFIG, OCISPEC_DESCRIPTOR, STORAGE_DRIVER_DATA,
};
use super::{Struct, Type, field, optional};

static DOCKERSPEC_DOCKER_OCIIMAGE_CONFIG: Struct = Struct {
    name: "v1.DockerOCIImageConfig",
    fields: &[
        optional("User", "User", Type::Text),
        optional("ExposedPorts", "ExposedPorts", Type::Map(&Type::Empty, "map[string]struct {}")),
        optional("Env", "Env", Type::List(&Type::Text, "[]string")),
        optional("Entrypoint", "Entrypoint", Type::List(&Type::Text, "[]string")),
        optional("Cmd", "Cmd", Type::List(&Type::Text, "[]string")),
        optional("Volumes", "Volumes", Type::Map(&Type::Empty, "map[string]struct {}")),
        optional("WorkingDir", "WorkingDir", Type::Text),
        optional("Labels", "Labels", Type::Map(&Type::Text, "map[string]string")),
        optional("StopSignal", "StopSignal", Type::Text),
        optional("ArgsEscaped", "ArgsEscaped", Type::Bool),
        optional("Healthcheck", "Healthcheck", Type::Pointer(&Type::Struct(&DOCKERSPEC_HEALTHCHECK_CONFIG))),
        optional("OnBuild", "OnBuild", Type::List(&Type::Text, "[]string")),
        optional("Shell", "Shell", Type::List(&Type::Text, "[]string")),
    ],
};

static IMAGE_ROOT_FS: Struct = Struct {
    name: "image.RootFS",
    fields: &[
        optional("Type", "Type", Type::Text),
        optional("Layers", "Layers", Type::List(&Type::Text, "[]string")),
    ],
};

static IMAGE_METADATA: Struct =
    Struct { name: "image.Metadata", fields: &[optional("LastTagTime", "LastTagTime", Type::Time)] };

/// The whole object.
pub(crate) static IMAGE_INSPECT_RESPONSE: Struct = Struct {
    name: "image.InspectResponse",
    fields: &[
        field("ID", "Id", Type::Text),
        field("RepoTags", "RepoTags", Type::List(&Type::Text, "[]string")),
        field("RepoDigests", "RepoDigests", Type::List(&Type::Text, "[]string")),
        field("Parent", "Parent", Type::Text),
        field("Comment", "Comment", Type::Text),
        optional("Created", "Created", Type::Text),
        optional("Container", "Container", Type::Text),
        optional("ContainerConfig", "ContainerConfig", Type::Pointer(&Type::Struct(&CONTAINER_CONFIG))),
        field("DockerVersion", "DockerVersion", Type::Text),
        field("Author", "Author", Type::Text),
        field("Config", "Config", Type::Pointer(&Type::Struct(&DOCKERSPEC_DOCKER_OCIIMAGE_CONFIG))),
        field("Architecture", "Architecture", Type::Text),
        optional("Variant", "Variant", Type::Text),
        field("Os", "Os", Type::Text),
        optional("OsVersion", "OsVersion", Type::Text),
        field("Size", "Size", Type::Int),
        optional("VirtualSize", "VirtualSize", Type::Int),
        field("GraphDriver", "GraphDriver", Type::Struct(&STORAGE_DRIVER_DATA)),
        field("RootFS", "RootFS", Type::Struct(&IMAGE_ROOT_FS)),
        field("Metadata", "Metadata", Type::Struct(&IMAGE_METADATA)),
        optional("Descriptor", "Descriptor", Type::Pointer(&Type::Struct(&OCISPEC_DESCRIPTOR))),
        optional("Manifests", "Manifests", Type::List(&Type::Any, "[]image.ManifestSummary")),
    ],
};
