//! The convention of functions that call nothing: they are called from where nothing else is, and should cost the caller neither a frame nor a
//! register. The stack need not be aligned, and all registers stay but two.

use super::callconv::{CallConv, Counter, Variadic};
use super::regs::{Reg, float, x64::*};

/// On x86-64, the same on every system.
pub static X64_LEAF: CallConv = CallConv {
    name: "leaf",
    int_args: &[RAX],
    float_args: &[],
    counter: Counter::Separate,
    int_results: &[RAX],
    float_results: &[],
    shadow: 0,
    packs_stack: false,
    stack_align: 8,
    variadic: Variadic::Same,
    callee_saved: ALL_BUT_TWO,
};

/// All but `rax` and `rcx`.
const ALL_BUT_TWO: &[Reg] = &[
    RDX,
    RBX,
    RBP,
    RSI,
    RDI,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
    float(0),
    float(1),
    float(2),
    float(3),
    float(4),
    float(5),
    float(6),
    float(7),
    float(8),
    float(9),
    float(10),
    float(11),
    float(12),
    float(13),
    float(14),
    float(15),
];
