//! What every layer stands on: source texts with positions, and messages about them.

pub mod diag;
pub mod nearest;
pub mod render;
pub mod source;
