//! All end-to-end tests. One module per thing that a user would miss; each test is a machine of its own.

mod bad_input;
mod create_fields;
mod evil_archives;
mod files;
mod first_steps;
mod hello;
mod image_budget;
mod image_files;
mod image_forms;
mod lifecycle;
mod limits;
mod logs;
mod neighbours;
mod nothing_is_left;
mod registries;
mod registry_faults;
mod registry_mirrors;
mod registry_of_ones_own;
mod registry_trust;
mod security;
mod storage_limits;
mod survival;
mod terminals;
mod uplink;
mod virtual_machine;
mod wire;
