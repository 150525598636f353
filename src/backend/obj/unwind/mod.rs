//! Unwind information: what lets debuggers, profilers and exception handlers walk from one of our functions to its caller.
//!
//! In: the frame steps of functions, the same for every system. Out: bytes of sections, and the places in them that want addresses;
//! in `cfi.rs` DWARF call frame information, in `compact.rs` Apple's 32-bit summaries, in `tables.rs` Windows' function tables, with rules of each machine in
//! `win64.rs` and `win_arm64.rs`.

pub mod cfi;
pub mod compact;
pub mod tables;
pub mod win64;
pub mod win_arm64;

use crate::backend::isa::code::{FrameChange, FrameStep};

/// The steps that make the frame: those before the first epilogue.
fn prologue(steps: &[FrameStep]) -> &[FrameStep] {
    let end = steps
        .iter()
        .position(|step| step.change == FrameChange::EpilogueBegin);
    &steps[..end.unwrap_or(steps.len())]
}
