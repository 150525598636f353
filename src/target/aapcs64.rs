//! AArch64 (Arm, "Procedure Call Standard for the Arm 64-bit Architecture", 6) and its variants: Apple ("Writing ARM64 code for Apple
//! platforms") passes variadic arguments on the stack and packs others there, Windows ("Overview of ARM64 ABI conventions") passes
//! variadic floats as integers. `x18` belongs to the system of the latter two, so nobody here uses it; `x29` points at the frame. The
//! upper halves of 32-bit arguments and results are whatever was there. No red zone is used, though Apple has one.

use super::callconv::{CallConv, Counter, Variadic};
use super::regs::{Reg, a64::*, float};

/// The C convention of Linux.
pub static AAPCS64: CallConv = ROW;

/// Between functions of one program on Linux: more registers for results.
pub static AAPCS64_INTERNAL: CallConv = INTERNAL;

/// The C convention of macOS.
pub static APPLE64: CallConv = CallConv {
    name: "apple64",
    variadic: Variadic::AllOnStack,
    packs_stack: true,
    ..ROW
};

/// Between functions of one program on macOS.
pub static APPLE64_INTERNAL: CallConv = CallConv {
    name: "apple64-internal",
    ..INTERNAL
};

/// The C convention of Windows.
pub static WINDOWS_ARM64: CallConv = CallConv {
    name: "winarm64",
    variadic: Variadic::FloatsAsInt,
    ..ROW
};

/// Between functions of one program on Windows.
pub static WINDOWS_ARM64_INTERNAL: CallConv = CallConv {
    name: "winarm64-internal",
    ..INTERNAL
};

const FLOATS: &[Reg] = &[
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
    name: "aapcs64",
    int_args: &[X0, X1, X2, X3, X4, X5, X6, X7],
    float_args: FLOATS,
    counter: Counter::Separate,
    int_results: &[X0, X1],
    float_results: &[float(0), float(1), float(2), float(3)],
    shadow: 0,
    packs_stack: false,
    stack_align: 16,
    variadic: Variadic::Same,
    // The frame pointer aside. Of floats, only the lower halves of vector registers are preserved; they are all we use.
    callee_saved: &[
        X19,
        X20,
        X21,
        X22,
        X23,
        X24,
        X25,
        X26,
        X27,
        X28,
        float(8),
        float(9),
        float(10),
        float(11),
        float(12),
        float(13),
        float(14),
        float(15),
    ],
};

const INTERNAL: CallConv = CallConv {
    name: "aapcs64-internal",
    int_results: &[X0, X1, X2, X3],
    ..ROW
};
