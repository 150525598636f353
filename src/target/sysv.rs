//! System V x86-64 (psABI 3.2): integers and floats are counted apart, variadic callees read `al`, no shadow space. The red zone is not
//! used: a frame is made before anything is written.

use super::callconv::{CallConv, Counter, Variadic};
use super::regs::{Reg, float, x64::*};

/// The C convention of Linux and macOS on x86-64.
pub static SYSV: CallConv = ROW;

/// Between functions of one program: System V with more registers for results.
pub static SYSV_INTERNAL: CallConv = CallConv {
    name: "sysv-internal",
    int_results: &[RAX, RDX, RCX, RSI],
    float_results: &[float(0), float(1), float(2), float(3)],
    ..ROW
};

const FLOAT_ARGS: &[Reg] = &[
    float(0),
    float(1),
    float(2),
    float(3),
    float(4),
    float(5),
    float(6),
    float(7),
];

const ROW: CallConv = CallConv {
    name: "sysv",
    int_args: &[RDI, RSI, RDX, RCX, R8, R9],
    float_args: FLOAT_ARGS,
    counter: Counter::Separate,
    int_results: &[RAX, RDX],
    float_results: &[float(0), float(1)],
    shadow: 0,
    packs_stack: false,
    stack_align: 16,
    variadic: Variadic::VectorCount(RAX),
    callee_saved: &[RBX, RBP, R12, R13, R14, R15],
};
