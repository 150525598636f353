//! AArch64: rows of instructions, their encoder and printer, lowering, and emission. ARMv8.0, and hints of later versions.

pub mod emit;
pub mod encode;
pub mod inst;
pub mod lower;
pub mod print;
#[cfg(test)]
mod tests;
pub mod vinst;

use super::regalloc::Registers;
use crate::target::callconv::CallConv;
use crate::target::regs::{Reg, a64::*, float, int};

/// The register that points at frames (AAPCS64, 6.4.6).
pub const FRAME_POINTER: Reg = X29;

/// For emission alone: offsets that no instruction can say, calls through pointer slots. Linkers' stubs destroy it anyway.
pub const SCRATCH: Reg = X16;

/// The registers to hand out in functions of a convention: all but the scratch register, the platform's register, frame pointer, return address and stack pointer;
/// those that need not be saved first.
pub fn registers(conv: &CallConv) -> Registers {
    let all = (0..31).map(int).chain((0..32).map(float));
    let all = all.filter(|reg| ![SCRATCH, X18, FRAME_POINTER, X30].contains(reg));
    let saved = conv.callee_saved;
    let (saved, free): (Vec<Reg>, Vec<Reg>) = all.partition(|reg| saved.contains(reg));
    Registers::new(&free, &saved)
}
