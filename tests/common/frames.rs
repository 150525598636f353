//! Looks into the frames of compiled functions. In: [`Code`] and its target. All ways through the code are walked, and the stack pointer, the
//! frame pointer and saved registers followed; the frame steps must say the same at each instruction. Where the system reads epilogues, its
//! unwinder (`seh.rs`) must find the caller's registers from each instruction, too. Nothing runs.

use std::collections::{BTreeMap, BTreeSet};

use iced_x86::{Code as Opcode, Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic};
use iced_x86::{OpKind, Register};
use pyasmgen::backend::isa::code::{Code, CodeRef, FrameChange, Referent};
use pyasmgen::ir::func::Conv;
use pyasmgen::ir::program::Program;
use pyasmgen::target::Target;
use pyasmgen::target::regs::{Reg, RegClass, float, int, x64};

use crate::seh;

/// A frame between two instructions. Places are bytes below the return address: a register saved at 8 is right below it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FrameAt {
    /// Of the stack pointer.
    pub depth: u32,
    /// Of the frame pointer, once it is one.
    pub pointer: Option<(Reg, u32)>,
    /// Integer registers in the order they were pushed.
    pub pushed: Vec<(Reg, u32)>,
    /// Float registers.
    pub stored: BTreeMap<Reg, u32>,
}

/// Compares what the code does with what is said of it.
pub fn check(code: &Code, program: &Program, target: &Target) {
    // Who calls nothing wants no aligned stack.
    let is_leaf = |r: &CodeRef| match r.to {
        Referent::Func(id) => program.func(id).sig.conv == Conv::Leaf,
        Referent::Data(_) | Referent::Import(_) => false,
    };
    let decoder = Decoder::with_ip(64, &code.bytes, 0, DecoderOptions::NONE);
    let instructions: BTreeMap<u64, Instruction> =
        decoder.into_iter().map(|i| (i.ip(), i)).collect();
    let described = described_frames(code);
    let unwinder = target.reads_epilogues.then(|| seh::Unwinder::new(code));
    let mut seen: BTreeMap<u64, (FrameAt, BTreeSet<Reg>)> = BTreeMap::new();
    let mut open = vec![(0, FrameAt::default(), BTreeSet::new())];
    while let Some((ip, mut frame, mut restored)) = open.pop() {
        if let Some(known) = seen.get(&ip) {
            assert_eq!(known.0, frame, "two ways to {ip:x} disagree");
            assert_eq!(known.1, restored, "two ways to {ip:x} disagree");
            continue;
        }
        seen.insert(ip, (frame.clone(), restored.clone()));
        let instruction = instructions[&ip];
        let last = described.range(..=ip).next_back().map(|(_, frame)| frame);
        let last = last.cloned().unwrap_or_default();
        assert_eq!(last, frame, "at {ip:x}: what is said, what is");
        if let Some(unwinder) = &unwinder {
            unwinder.check(ip as u32, &frame, &restored);
        }
        if instruction.flow_control() == FlowControl::Call
            || instruction.flow_control() == FlowControl::IndirectCall
        {
            let next = instruction.next_ip();
            let to_leaf = code
                .refs
                .iter()
                .any(|r| r.at as u64 + 4 == next && is_leaf(r));
            let aligned = (frame.depth + 8).is_multiple_of(16);
            assert!(aligned || to_leaf, "a call at {ip:x}");
            assert_eq!(frame.pointer.is_some(), target.frame_pointer, "at {ip:x}");
        }
        step(&mut frame, &mut restored, &instruction, target);
        let next = instruction.next_ip();
        // A field that refers elsewhere is 0 now: a jump out of the function.
        let is_out = code.refs.iter().any(|r| r.at as u64 + 4 == next);
        match instruction.flow_control() {
            FlowControl::Next | FlowControl::Call | FlowControl::IndirectCall => {
                open.push((next, frame, restored));
            }
            FlowControl::ConditionalBranch => {
                open.push((next, frame.clone(), restored.clone()));
                open.push((instruction.near_branch_target(), frame, restored));
            }
            FlowControl::UnconditionalBranch if !is_out => {
                open.push((instruction.near_branch_target(), frame, restored));
            }
            FlowControl::UnconditionalBranch
            | FlowControl::Return
            | FlowControl::IndirectBranch => {
                assert_eq!(frame, FrameAt::default(), "at {ip:x}");
            }
            FlowControl::Exception => {}
            other => panic!("{other:?} at {ip:x}"),
        }
    }
}

/// What an instruction does to the frame.
fn step(
    frame: &mut FrameAt,
    restored: &mut BTreeSet<Reg>,
    instruction: &Instruction,
    target: &Target,
) {
    let ip = instruction.ip();
    let immediate = || instruction.immediate(1) as u32;
    let first = instruction.op0_register();
    let number = || int(first.number() as u8);
    let place = |frame: &FrameAt| frame.depth - instruction.memory_displacement64() as u32;
    // Registers that no convention saves are pushed and popped to move the stack pointer.
    let is_saved = || ![x64::RAX, x64::RCX].contains(&number());
    let free = |frame: &mut FrameAt, restored: &mut BTreeSet<Reg>, bytes| {
        frame.depth -= bytes;
        let stored = std::mem::take(&mut frame.stored);
        assert!(stored.into_keys().eq(std::mem::take(restored)), "at {ip:x}");
    };
    match instruction.mnemonic() {
        Mnemonic::Push if !is_saved() => frame.depth += 8,
        Mnemonic::Pop if !is_saved() => free(frame, restored, 8),
        Mnemonic::Push => {
            frame.depth += 8;
            frame.pushed.push((number(), frame.depth));
        }
        Mnemonic::Pop => {
            assert_eq!(frame.pushed.pop(), Some((number(), frame.depth)));
            frame.depth -= 8;
            frame.pointer = frame.pointer.filter(|&(reg, _)| reg != number());
        }
        Mnemonic::Sub if first == Register::RSP => frame.depth += immediate(),
        Mnemonic::Add if first == Register::RSP => free(frame, restored, immediate()),
        Mnemonic::Mov if instruction.op1_register() == Register::RSP && target.frame_pointer => {
            frame.pointer = Some((number(), frame.depth));
        }
        Mnemonic::Movaps if instruction.op0_kind() == OpKind::Memory => {
            assert_eq!(instruction.memory_base(), Register::RSP, "at {ip:x}");
            let reg = float(instruction.op1_register().number() as u8);
            frame.stored.insert(reg, place(frame));
        }
        Mnemonic::Movaps if instruction.op1_kind() == OpKind::Memory => {
            assert_eq!(instruction.memory_base(), Register::RSP, "at {ip:x}");
            let reg = float(first.number() as u8);
            assert_eq!(frame.stored.get(&reg), Some(&place(frame)), "at {ip:x}");
            restored.insert(reg);
        }
        _ => {
            let written = first.full_register();
            let is_pointer = frame.pointer.is_some_and(|(reg, _)| {
                written.is_gpr64() && written.number() == usize::from(reg.number)
            });
            let is_test = matches!(instruction.code(), Opcode::Cmp_rm64_r64);
            let writes = written == Register::RSP || is_pointer;
            assert!(!writes || is_test, "{ip:x} changes the frame");
        }
    }
}

/// What the frame steps say from each offset on.
fn described_frames(code: &Code) -> BTreeMap<u64, FrameAt> {
    let mut frame = FrameAt::default();
    let mut remembered = Vec::new();
    let mut described = BTreeMap::new();
    for step in &code.frame {
        match step.change {
            FrameChange::Push(reg) => {
                frame.depth += 8;
                frame.pushed.push((reg, frame.depth));
            }
            FrameChange::Pop(reg) => {
                assert_eq!(frame.pushed.pop(), Some((reg, frame.depth)));
                frame.depth -= 8;
                frame.pointer = frame.pointer.filter(|&(pointer, _)| pointer != reg);
            }
            FrameChange::Alloc(bytes) => frame.depth += bytes,
            FrameChange::Free(bytes) => {
                frame.depth -= bytes;
                frame.stored.clear();
            }
            FrameChange::SetFramePointer(reg, above) => {
                assert_eq!(reg, x64::RBP);
                frame.pointer = Some((reg, frame.depth - above));
            }
            FrameChange::Save(reg, above) => {
                assert_eq!(reg.class, RegClass::Float);
                frame.stored.insert(reg, frame.depth - above);
            }
            FrameChange::SignReturn | FrameChange::PlainReturn => panic!("x86-64 signs nothing"),
            FrameChange::EpilogueBegin => remembered.push(frame.clone()),
            FrameChange::EpilogueEnd => frame = remembered.pop().unwrap(),
        }
        described.insert(step.at.into(), frame.clone());
    }
    described
}
