//! x86-64: rows of instructions, their encoder and printer, lowering, and emission. Baseline only (SSE2).

pub mod encode;
pub mod inst;

pub mod print;
