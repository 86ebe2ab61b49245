//! The fields of a volume as `inspect` shows them to templates. Names, order and omission are those of Docker's API types.

use super::{Struct, Type, field, optional};

static VOLUME_USAGE_DATA: Struct = Struct {
    name: "volume.UsageData",
    fields: &[field("RefCount", "RefCount", Type::Int), field("Size", "Size", Type::Int)],
};

/// The whole object.
pub(crate) static VOLUME_VOLUME: Struct = Struct {
    name: "volume.Volume",
    fields: &[
        optional("ClusterVolume", "ClusterVolume", Type::Pointer(&Type::Any)),
        optional("CreatedAt", "CreatedAt", Type::Text),
        field("Driver", "Driver", Type::Text),
        field("Labels", "Labels", Type::Map(&Type::Text, "map[string]string")),
        field("Mountpoint", "Mountpoint", Type::Text),
        field("Name", "Name", Type::Text),
        field("Options", "Options", Type::Map(&Type::Text, "map[string]string")),
        field("Scope", "Scope", Type::Text),
        optional("Status", "Status", Type::Map(&Type::Any, "map[string]interface {}")),
        optional("UsageData", "UsageData", Type::Pointer(&Type::Struct(&VOLUME_USAGE_DATA))),
    ],
};
