//! Instruction sets: a function of the IR becomes machine code.

pub mod buffer;
pub mod code;
pub mod frame;
pub mod regalloc;
pub mod vcode;
pub mod x64;
