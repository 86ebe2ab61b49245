//! Every field of a create body of API 1.51, and what becomes of it. A test holds the table against the types
//! that read the body; another, against the published specification, is what made it.

/// What becomes of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It becomes part of the specification.
    Honoured,
    /// It is kept and shown again; there is nothing to do for it on Linux.
    Kept,
    /// A value other than the default is refused by the field's name.
    Refused,
    /// It is what the engine itself fills in; a value in a request is passed over, as Docker does.
    Output,
}

/// Type, then its fields with their fates.
pub(super) type Table = &'static [(&'static str, Fate)];

mod table;
