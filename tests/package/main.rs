//! The package of PyPI: the wheel that maturin makes of it, installed into fresh environments that see no network and no other pyasmgen;
//! there the front ends that people use build projects, and what they have built is imported.
//!
//! What each front end is asked stands in the file named after it.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests write projects and run installers"
)]

mod environment;
mod hooks;
mod new;
mod program;
#[path = "../common/python.rs"]
mod python;
mod setuptools;
#[path = "../common/tool.rs"]
mod tool;
