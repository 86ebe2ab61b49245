//! All end-to-end tests. One module per thing that a user would miss; each test is a machine of its own.

mod first_steps;
