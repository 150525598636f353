//! Looks into the frames of functions compiled for arm64. In: [`Code`] and its target. All ways through the code are walked, and the stack
//! pointer, the frame pointer, saved registers and the signing of the return address followed by what the instructions are; the frame
//! steps must say the same at each instruction. Nothing runs.

use std::collections::BTreeMap;

use pyasmgen::backend::isa::code::{Code, FrameChange};
use pyasmgen::target::Target;
use pyasmgen::target::regs::{Reg, a64, float, int};

/// A frame between two instructions. Places are bytes below the stack pointer at entry.
#[derive(Clone, Debug, Default, PartialEq)]
struct FrameAt {
    depth: u32,
    /// Whether the frame pointer points at it, and where it does.
    pointer: Option<u32>,
    /// Registers in the order they were pushed.
    pushed: Vec<(Reg, u32)>,
    signed: bool,
}

impl FrameAt {
    fn push(&mut self, reg: Reg) {
        self.depth += 8;
        self.pushed.push((reg, self.depth));
    }

    fn pop(&mut self, reg: Reg) {
        assert_eq!(self.pushed.pop(), Some((reg, self.depth)));
        self.depth -= 8;
        if reg == a64::X29 {
            self.pointer = None;
        }
    }
}

/// Compares what the code does with what is said of it.
pub fn check(code: &Code, target: &Target) {
    let described = described(code);
    let mut seen: BTreeMap<u32, FrameAt> = BTreeMap::new();
    let mut open = vec![(0u32, FrameAt::default())];
    while let Some((at, mut frame)) = open.pop() {
        if let Some(known) = seen.get(&at) {
            assert_eq!(*known, frame, "two ways to {at:x} disagree");
            continue;
        }
        seen.insert(at, frame.clone());
        let said = described.range(..=at).next_back().map(|(_, frame)| frame);
        let said = said.cloned().unwrap_or_default();
        assert_eq!(said, frame, "at {at:x}: what is said, what is");
        let word = code.bytes[at as usize..][..4].try_into().unwrap();
        let word = u32::from_le_bytes(word);
        step(&mut frame, word, at);
        assert_eq!(frame.depth % 16, 0, "at {at:x}");
        // A field that refers elsewhere is 0 now: a call, or a jump out of the function.
        let is_out = code.refs.iter().any(|r| r.at == at);
        let signed = |word: u32, bits: u32| (word as i32) << (32 - bits) >> (32 - bits) << 2;
        let mut go = |distance: i32, frame: &FrameAt| {
            open.push((at.wrapping_add_signed(distance), frame.clone()));
        };
        let is_call = word >> 26 == 0x25 || word & 0xffff_fc1f == 0xd63f_0000;
        if is_call {
            assert!(frame.pointer.is_some(), "a call at {at:x}");
            assert_eq!(frame.signed, target.signs_returns, "a call at {at:x}");
            go(4, &frame);
        } else if word >> 26 == 0x05 && !is_out {
            go(signed(word & 0x3ff_ffff, 26), &frame);
        } else if word == 0xd65f_03c0 || word >> 26 == 0x05 || word & 0xffff_fc1f == 0xd61f_0000 {
            assert_eq!(frame, FrameAt::default(), "at {at:x}");
        } else if word & 0xff00_0010 == 0x5400_0000 || word & 0x7e00_0000 == 0x3400_0000 {
            go(4, &frame);
            go(signed(word >> 5 & 0x7_ffff, 19), &frame);
        } else if word & 0x7e00_0000 == 0x3600_0000 {
            go(4, &frame);
            go(signed(word >> 5 & 0x3fff, 14), &frame);
        } else if word & 0xffe0_001f != 0xd420_0000 {
            go(4, &frame);
        }
    }
}

/// What an instruction does to the frame (Arm ARM, C4).
fn step(frame: &mut FrameAt, word: u32, at: u32) {
    let reg = |shift: u32| (word >> shift & 31) as u8;
    let pair = |make: fn(u8) -> Reg| (make(reg(0)), make(reg(10)));
    let imm = (word >> 10 & 0xfff) << (12 * (word >> 22 & 1));
    match (word & 0xffff_83e0, word & 0xff80_03ff) {
        // stp, ldp of a pair at sp, #-16 and #16.
        (0xa9bf_03e0 | 0x6dbf_03e0, _) if word >> 15 & 0x7f == 0x7e => {
            let (low, high) = pair(if word >> 26 & 1 == 0 { int } else { float });
            frame.push(high);
            frame.push(low);
        }
        (0xa8c1_03e0 | 0x6cc1_03e0, _) if word >> 15 & 0x7f == 2 => {
            let (low, high) = pair(if word >> 26 & 1 == 0 { int } else { float });
            frame.pop(low);
            frame.pop(high);
        }
        (_, 0xd100_03ff) => frame.depth += imm,
        (_, 0x9100_03ff) => frame.depth -= imm,
        _ if word == 0x9100_03fd => frame.pointer = Some(frame.depth),
        _ if word == 0xd503_233f => frame.signed = true,
        _ if word == 0xd503_23bf => frame.signed = false,
        _ => {
            // add, sub (immediate) may write sp; so does a base that changes.
            let is_add = word & 0xbf80_0000 == 0x9100_0000 || word & 0xffe0_fc00 == 0x8b20_6000;
            assert!(!is_add || reg(0) != 31, "{at:x} changes the frame");
            let is_pair = word & 0x3b80_0000 == 0x2980_0000 || word & 0x3b80_0000 == 0x2880_0000;
            assert!(!is_pair || reg(5) != 31, "{at:x} changes the frame");
        }
    }
}

/// What the frame steps say from each offset on.
fn described(code: &Code) -> BTreeMap<u32, FrameAt> {
    let mut frame = FrameAt::default();
    let mut remembered = Vec::new();
    let mut described = BTreeMap::new();
    for step in &code.frame {
        match step.change {
            FrameChange::Push(reg) => frame.push(reg),
            FrameChange::Pop(reg) => frame.pop(reg),
            FrameChange::Alloc(bytes) => frame.depth += bytes,
            FrameChange::Free(bytes) => frame.depth -= bytes,
            FrameChange::SetFramePointer(reg, above) => {
                assert_eq!(reg, a64::X29);
                frame.pointer = Some(frame.depth - above);
            }
            FrameChange::SignReturn => frame.signed = true,
            FrameChange::PlainReturn => frame.signed = false,
            FrameChange::Save(..) => panic!("everything is pushed"),
            FrameChange::EpilogueBegin => remembered.push(frame.clone()),
            FrameChange::EpilogueEnd => frame = remembered.pop().unwrap(),
        }
        described.insert(step.at, frame.clone());
    }
    described
}
