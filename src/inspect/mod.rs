//! Any file read back: what is in it, and what it means.

pub mod disasm;
