//! Wheels and sdists, judged by those who take them: pip in every CPython that is here, the auditors that maintainers run, type checkers, and
//! the `packaging` library.
//!
//! The project they are made of is in `project.rs`; each kind of judge has a file.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests write projects and run installers"
)]

mod auditors;
mod errors;
mod install;
mod metadata;
mod plain;
mod project;
#[path = "../common/python.rs"]
mod python;
mod read_back;
mod reproducible;
#[path = "../common/tool.rs"]
mod tool;
mod types;
