//! Joins bodies to the interpreter: typed bodies become functions of the IR, with wrappers, method tables and module entries around them.

pub mod args;
pub mod body;
pub mod ctx;
pub mod entry;
pub mod state;
pub mod version;
pub mod wrap;
