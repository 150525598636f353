//! AArch64: rows of instructions, their encoder and printer, lowering, and emission. ARMv8.0, and hints of later versions.

pub mod encode;
pub mod inst;
pub mod print;
