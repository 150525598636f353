//! Windows x86-64 (Microsoft, "x64 calling convention"): the nth argument takes the nth register of its class, callees may write into
//! 32 bytes above the return address, variadic callees look for floats in integer registers. Not here: how frames are described to the
//! system's unwinder (`backend::obj`).

use super::callconv::{CallConv, Counter, Variadic};
use super::regs::{Reg, float, x64::*};

/// The C convention of Windows on x86-64.
pub static WIN64: CallConv = ROW;

/// Between functions of one program: Win64 with more registers for arguments and results. The shadow space stays, so that a function called this way
/// can end in a jump to one of C's.
pub static WIN64_INTERNAL: CallConv = CallConv {
    name: "win64-internal",
    int_args: &[RCX, RDX, R8, R9, R10],
    int_results: &[RAX, RDX, RCX, R8],
    float_results: &[float(0), float(1), float(2), float(3)],
    ..ROW
};

const CALLEE_SAVED: &[Reg] = &[
    RBX,
    RBP,
    RDI,
    RSI,
    R12,
    R13,
    R14,
    R15,
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

const ROW: CallConv = CallConv {
    name: "win64",
    int_args: &[RCX, RDX, R8, R9],
    float_args: &[float(0), float(1), float(2), float(3)],
    counter: Counter::Shared,
    int_results: &[RAX],
    float_results: &[float(0)],
    shadow: 32,
    packs_stack: false,
    stack_align: 16,
    variadic: Variadic::FloatsAlsoInInt,
    callee_saved: CALLEE_SAVED,
};
