//! The fields of an event. Names, order and omission are those of Docker's API types.

use super::{Struct, Type, field, optional};

static EVENTS_ACTOR: Struct = Struct {
    name: "events.Actor",
    fields: &[
        field("ID", "ID", Type::Text),
        field("Attributes", "Attributes", Type::Map(&Type::Text, "map[string]string")),
    ],
};

/// The whole object.
pub(crate) static EVENTS_MESSAGE: Struct = Struct {
    name: "*events.Message",
    fields: &[
        optional("Status", "status", Type::Text),
        optional("ID", "id", Type::Text),
        optional("From", "from", Type::Text),
        field("Type", "Type", Type::Text),
        field("Action", "Action", Type::Text),
        field("Actor", "Actor", Type::Struct(&EVENTS_ACTOR)),
        optional("Scope", "scope", Type::Text),
        optional("Time", "time", Type::Int),
        optional("TimeNano", "timeNano", Type::Int),
    ],
};
