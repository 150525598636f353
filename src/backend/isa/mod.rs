//! Instruction sets: a function of the IR becomes machine code.

pub mod code;
