//! All end-to-end tests. One module per thing that a user would miss; each test is a machine of its own.

mod bad_input;
mod files;
mod first_steps;
mod image_files;
mod lifecycle;
mod limits;
mod logs;
mod terminals;
mod uplink;
