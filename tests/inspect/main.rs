//! Files read back: ours against the program they were made of, CPython's own extension modules against CPython, and damaged ones.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read files and run tools"
)]

mod damaged;
mod demo;
mod foreign;
mod formats;
#[path = "../fuzz/bodies.rs"]
mod fuzz;
mod llvm;
mod own;
#[path = "../common/python.rs"]
mod python;
#[path = "../common/tool.rs"]
mod tool;
