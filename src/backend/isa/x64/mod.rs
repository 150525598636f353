//! x86-64: rows of instructions, their encoder and printer, lowering, and emission. Baseline only (SSE2).

pub mod emit;
pub mod encode;
pub mod inst;
pub mod lower;
pub mod print;
#[cfg(test)]
mod tests;
pub mod vinst;

use super::regalloc::Registers;
use crate::target::Target;
use crate::target::callconv::CallConv;
use crate::target::regs::{Reg, float, int, x64};

/// The register that points at frames, where functions keep one (psABI 3.2.2).
pub const FRAME_POINTER: Reg = x64::RBP;

/// The registers to hand out in functions of a convention: all but those that point at the stack and the frame, those that need not be saved
/// first.
pub fn registers(target: &Target, conv: &CallConv) -> Registers {
    let all = (0..16).map(int).chain((0..16).map(float));
    let is_pointer = |reg: Reg| reg == x64::RSP || (target.frame_pointer && reg == FRAME_POINTER);
    let all = all.filter(|&reg| !is_pointer(reg));
    let saved = conv.callee_saved;
    let (saved, free): (Vec<Reg>, Vec<Reg>) = all.partition(|reg| saved.contains(reg));
    Registers::new(&free, &saved)
}

/// Registers that take no REX prefix where 64 bits do not ask for one, and those that do (SDM volume 2, 2.2.1). Those are as good as others to
/// hand out: what is short is found out when it is known which ones a function leaves alone.
pub fn names(target: &Target) -> (Vec<Reg>, Vec<Reg>) {
    let is_pointer = |reg: Reg| reg == x64::RSP || (target.frame_pointer && reg == FRAME_POINTER);
    let short = [3, 1, 2, 0, 6, 7, 5].map(int).into_iter();
    (
        short.filter(|&reg| !is_pointer(reg)).collect(),
        (8..16).map(int).collect(),
    )
}
