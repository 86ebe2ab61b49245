//! The shim and hello programs, carried inside `sampan`.
