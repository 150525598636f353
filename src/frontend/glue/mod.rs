//! Joins bodies to the interpreter: typed bodies become functions of the IR, with wrappers, method tables and module entries around them.

pub mod ctx;
