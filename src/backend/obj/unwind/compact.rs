//! Compact unwind (Apple's `compact_unwind_encoding.h`): a function's frame in 32 bits. It says what holds between prologue and
//! epilogue, which is where calls are.
//!
//! In: the frame steps of a function. Out: the encoding.
//!
//! ```text
//! x86-64
//! mode RBP_FRAME    01 | words from rbp down to the lowest saved register << 16 | five registers of 3 bits, lowest address first
//! mode STACK_IMMD   02 | words of the frame, return address included << 16 | number of registers << 10 | their permutation
//! arm64
//! mode FRAME        04 | a bit for each saved pair, in the order in which they lie below the frame record
//! mode FRAMELESS    02
//! ```

use super::super::image::Unwind;
use super::prologue;
use crate::backend::isa::code::FrameChange;
use crate::target::Arch;
use crate::target::regs::{Reg, a64, float, x64::*};

const RBP_FRAME: u32 = 0x0100_0000;
const STACK_IMMD: u32 = 0x0200_0000;

/// The registers that can be said to be saved; their number in encodings is their place here, counted from 1.
const SAVED: [Reg; 6] = [RBX, R12, R13, R14, R15, RBP];

/// Words that a field of eight bits can say.
const MOST_WORDS: u32 = 255;

/// What holds once the prologue is done; all distances down from the CFA, in bytes.
struct Frame {
    /// Of the stack pointer.
    depth: u32,
    /// Of the frame pointer, where there is one.
    frame_pointer: Option<u32>,
    /// Of saved registers.
    saved: Vec<(Reg, u32)>,
}

/// The encoding of a function's frame. Panics where there is none: frames larger than two KiB need a frame pointer, which functions
/// for Apple's systems have.
pub fn encoding(function: &Unwind, arch: Arch) -> u32 {
    let encoding = match arch {
        Arch::X86_64 => x64(function),
        Arch::Aarch64 => arm64(function),
    };
    encoding.unwrap_or_else(|| {
        panic!(
            "compact unwind has no encoding for the frame at {:#x}: {:?}",
            function.offset, function.steps
        )
    })
}

const ARM64_FRAMELESS: u32 = 0x0200_0000;
const ARM64_FRAME: u32 = 0x0400_0000;

/// Pairs of registers and their bits; the first of a pair lies higher.
const ARM64_PAIRS: [(Reg, Reg, u32); 9] = [
    (a64::X19, a64::X20, 0x001),
    (a64::X21, a64::X22, 0x002),
    (a64::X23, a64::X24, 0x004),
    (a64::X25, a64::X26, 0x008),
    (a64::X27, a64::X28, 0x010),
    (float(8), float(9), 0x100),
    (float(10), float(11), 0x200),
    (float(12), float(13), 0x400),
    (float(14), float(15), 0x800),
];

/// The frame record first, then pairs in the order of their bits, then anything.
fn arm64(function: &Unwind) -> Option<u32> {
    let changes: Vec<FrameChange> = prologue(&function.steps)
        .iter()
        .map(|step| step.change)
        .collect();
    if changes.is_empty() {
        return Some(ARM64_FRAMELESS);
    }
    let record = [
        FrameChange::Push(a64::X30),
        FrameChange::Push(a64::X29),
        FrameChange::SetFramePointer(a64::X29, 0),
    ];
    let mut rest = changes.strip_prefix(&record[..])?;
    let mut encoding = ARM64_FRAME;
    for (high, low, bit) in ARM64_PAIRS {
        let pair = [FrameChange::Push(high), FrameChange::Push(low)];
        if let Some(behind) = rest.strip_prefix(&pair[..]) {
            rest = behind;
            encoding |= bit;
        }
    }
    let is_room = |change: &FrameChange| matches!(change, FrameChange::Alloc(_));
    rest.iter().all(is_room).then_some(encoding)
}

fn x64(function: &Unwind) -> Option<u32> {
    let frame = frame(function);
    match frame.frame_pointer {
        Some(distance) => rbp_frame(&frame, distance),
        None => frameless(&frame),
    }
}

fn frame(function: &Unwind) -> Frame {
    let mut frame = Frame {
        depth: 8,
        frame_pointer: None,
        saved: Vec::new(),
    };
    for step in prologue(&function.steps) {
        match step.change {
            FrameChange::Push(reg) => {
                frame.depth += 8;
                frame.saved.push((reg, frame.depth));
            }
            FrameChange::Alloc(bytes) => frame.depth += bytes,
            FrameChange::SetFramePointer(reg, above) => {
                assert_eq!(reg, RBP, "the frame pointer of x86-64 is rbp");
                frame.frame_pointer = Some(frame.depth - above);
            }
            FrameChange::Save(reg, above) => frame.saved.push((reg, frame.depth - above)),
            FrameChange::EpilogueBegin
            | FrameChange::SignReturn
            | FrameChange::PlainReturn
            | FrameChange::Free(_)
            | FrameChange::Pop(_)
            | FrameChange::EpilogueEnd => {
                unreachable!("a prologue has no such step: {step:?}")
            }
        }
    }
    frame
}

fn number(reg: Reg) -> Option<u32> {
    let at = SAVED.iter().position(|&saved| saved == reg)?;
    Some(at as u32 + 1)
}

/// rbp points at the caller's rbp, which is below the return address; other registers are below that, within five words.
fn rbp_frame(frame: &Frame, distance: u32) -> Option<u32> {
    if distance != 16 || !frame.saved.contains(&(RBP, 16)) {
        return None;
    }
    let below: Vec<(u32, u32)> = frame
        .saved
        .iter()
        .filter(|(reg, _)| *reg != RBP)
        .map(|&(reg, at)| Some((number(reg)?, (at - distance) / 8)))
        .collect::<Option<_>>()?;
    let lowest = below.iter().map(|&(_, words)| words).max().unwrap_or(0);
    if lowest > MOST_WORDS {
        return None;
    }
    let mut encoding = RBP_FRAME | lowest << 16;
    for (number, words) in below {
        let place = lowest - words;
        if place >= 5 {
            return None;
        }
        encoding |= number << (3 * place);
    }
    Some(encoding)
}

/// Registers are saved right below the return address.
fn frameless(frame: &Frame) -> Option<u32> {
    let words = frame.depth / 8;
    if words > MOST_WORDS {
        return None;
    }
    let mut saved = frame.saved.clone();
    saved.sort_by_key(|&(_, at)| at);
    let below = (16..).step_by(8);
    if !saved.iter().zip(below).all(|(&(_, at), place)| at == place) {
        return None;
    }
    // A register's digit is its place among those not named before it; the last of six has none left to choose from.
    let mut unused: Vec<u32> = (1..=6).collect();
    let mut permutation = 0;
    for (at, &(reg, _)) in saved.iter().rev().enumerate() {
        let number = number(reg)?;
        let digit = unused.iter().position(|&other| other == number)?;
        unused.remove(digit);
        let weight: u32 = (at + 1..saved.len())
            .map(|place| 6 - place as u32)
            .product();
        permutation += digit as u32 * weight;
    }
    Some(STACK_IMMD | words << 16 | (saved.len() as u32) << 10 | permutation)
}
