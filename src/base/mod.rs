//! What every layer stands on: source texts with positions, messages about them, hashes.

pub mod diag;
pub mod digest;
pub mod nearest;
pub mod render;
pub mod source;
