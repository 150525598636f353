//! What knows machines and file formats, and nothing of Python: a [`crate::ir::program::Program`] becomes bytes.

pub mod isa;
pub mod obj;
