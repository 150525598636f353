//! Joins bodies to the interpreter: typed bodies become functions of the IR, with wrappers, method tables and module entries around them.

pub mod body;
pub mod ctx;
pub mod runtime;
pub mod state;
