//! x86-64: rows of instructions, their encoder and printer, lowering, and emission. Baseline only (SSE2).

pub mod emit;
pub mod encode;
pub mod inst;
pub mod lower;
pub mod plan;
pub mod print;
#[cfg(test)]
mod tests;
pub mod vinst;

use super::regalloc::Registers;
use crate::target::callconv::CallConv;
use crate::target::regs::{Reg, float, int, x64};

/// The registers to hand out: all but the stack pointer, those that calls destroy first.
pub fn registers(conv: &CallConv) -> Registers {
    let all = (0..16).map(int).chain((0..16).map(float));
    let all = all.filter(|&reg| reg != x64::RSP);
    let (saved, free): (Vec<Reg>, Vec<Reg>) = all.partition(|reg| conv.callee_saved.contains(reg));
    Registers::new(&free, &saved)
}
