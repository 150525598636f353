//! What every layer stands on: source texts with positions, messages about them, TOML tables, hashes.

pub mod base64;
pub mod diag;
pub mod digest;
pub mod nearest;
pub mod render;
pub mod source;
pub mod strings;
pub mod table;
