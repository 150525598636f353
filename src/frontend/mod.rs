//! What knows Python, and nothing of machines: a spec becomes a [`crate::ir::program::Program`].

pub mod argfmt;
pub mod capi;
pub mod glue;
pub mod lang;
pub mod spec;
pub mod stub;
