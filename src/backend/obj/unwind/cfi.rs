//! Call frame information: what DWARF unwinders, debuggers and profilers read, exact at every instruction.
//!
//! In: the frame steps of functions. Out: the bytes of an `.eh_frame` section (LSB, "Exception Frames") and the places in it that
//! want a function's address. One CIE, one FDE per function. The door to `gimli`.

use gimli::write::{
    Address, CallFrameInstruction as Cfi, CommonInformationEntry, EhFrame, EndianVec,
    FrameDescriptionEntry, FrameTable, RelocateWriter, Relocation, RelocationTarget,
};
use gimli::{Encoding, Format, LittleEndian, Register, constants};

use super::super::image::Unwind;
use crate::backend::isa::code::FrameChange;
use crate::target::Arch;
use crate::target::regs::{Reg, RegClass};

/// Call frame information, as bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameInfo {
    /// The section's content, without a terminator.
    pub bytes: Vec<u8>,
    /// Offsets of 4-byte fields that hold the distance from themselves to a function, and which of the functions.
    pub functions: Vec<(u64, usize)>,
}

/// Facts of a machine that CFI needs.
struct Machine {
    code_align: u8,
    data_align: i8,
    return_address: u16,
    stack_pointer: u16,
    /// Distance from the stack pointer up to the CFA at a function's first instruction.
    entry_depth: i32,
    /// The return address is in memory, this far from the CFA, at entry.
    saved_return_address: Option<i32>,
    /// Numbers of the general-purpose registers, by their number in encodings.
    int_regs: [u16; 16],
    /// Number of the first float register.
    first_float: u16,
}

/// psABI AMD64, figure 3.36 (DWARF register numbers); the call has pushed the return address.
const X86_64: Machine = Machine {
    code_align: 1,
    data_align: -8,
    return_address: 16,
    stack_pointer: 7,
    entry_depth: 8,
    saved_return_address: Some(-8),
    int_regs: [0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15],
    first_float: 17,
};

impl Machine {
    fn of(arch: Arch) -> &'static Machine {
        match arch {
            Arch::X86_64 => &X86_64,
        }
    }

    fn register(&self, reg: Reg) -> Register {
        Register(match reg.class {
            RegClass::Int => self.int_regs[usize::from(reg.number)],
            RegClass::Float => self.first_float + u16::from(reg.number),
        })
    }
}

/// Writes the frames of functions.
pub fn frame_info(functions: &[Unwind], arch: Arch) -> FrameInfo {
    let machine = Machine::of(arch);
    let encoding = Encoding {
        format: Format::Dwarf32,
        version: 1,
        address_size: 8,
    };
    let mut cie = CommonInformationEntry::new(
        encoding,
        machine.code_align,
        machine.data_align,
        Register(machine.return_address),
    );
    cie.fde_address_encoding = constants::DW_EH_PE_pcrel | constants::DW_EH_PE_sdata4;
    cie.add_instruction(Cfi::Cfa(
        Register(machine.stack_pointer),
        machine.entry_depth,
    ));
    if let Some(offset) = machine.saved_return_address {
        cie.add_instruction(Cfi::Offset(Register(machine.return_address), offset));
    }
    let mut table = FrameTable::default();
    let cie = table.add_cie(cie);
    for (index, function) in functions.iter().enumerate() {
        let address = Address::Symbol {
            symbol: index,
            addend: 0,
        };
        let mut fde = FrameDescriptionEntry::new(address, function.size);
        for (at, instruction) in without_detours(instructions(function, machine)) {
            fde.add_instruction(at, instruction);
        }
        table.add_fde(cie, fde);
    }
    let mut section = EhFrame::from(Recorder {
        bytes: EndianVec::new(LittleEndian),
        functions: Vec::new(),
    });
    table
        .write_eh_frame(&mut section)
        .unwrap_or_else(|e| panic!("frame steps that DWARF cannot express: {e}"));
    FrameInfo {
        bytes: section.0.bytes.into_vec(),
        functions: section.0.functions,
    }
}

/// Where the frame stands between two instructions.
#[derive(Clone, Copy)]
struct State {
    /// Bytes from the stack pointer up to the CFA.
    depth: i32,
    /// The frame pointer and the bytes from it up to the CFA, once there is one.
    frame_pointer: Option<(Reg, i32)>,
}

/// The CFI of a function: offset behind an instruction, and what it changed.
fn instructions(function: &Unwind, machine: &Machine) -> Vec<(u32, Cfi)> {
    let mut state = State {
        depth: machine.entry_depth,
        frame_pointer: None,
    };
    let mut remembered = Vec::new();
    let mut out = Vec::new();
    // What holds behind the last instruction holds nowhere; a state is remembered only if somebody comes back to it.
    let ends = |at: u32| at >= function.size;
    let comes_back = |step: usize| {
        function.steps[step..]
            .iter()
            .find(|s| s.change == FrameChange::EpilogueEnd)
            .is_some_and(|end| !ends(end.at))
    };
    for (index, step) in function.steps.iter().enumerate() {
        let mut emit = |instruction| {
            if !ends(step.at) {
                out.push((step.at, instruction));
            }
        };
        match step.change {
            FrameChange::Push(reg) => {
                state.depth += 8;
                follow_stack_pointer(&state, &mut emit);
                emit(Cfi::Offset(machine.register(reg), -state.depth));
            }
            FrameChange::Alloc(size) => {
                state.depth += size as i32;
                follow_stack_pointer(&state, &mut emit);
            }
            FrameChange::SetFramePointer(reg, above) => {
                let distance = state.depth - above as i32;
                state.frame_pointer = Some((reg, distance));
                emit(Cfi::Cfa(machine.register(reg), distance));
            }
            FrameChange::Save(reg, above) => {
                emit(Cfi::Offset(
                    machine.register(reg),
                    above as i32 - state.depth,
                ));
            }
            FrameChange::EpilogueBegin => {
                remembered.push(state);
                if comes_back(index) {
                    emit(Cfi::RememberState);
                }
            }
            FrameChange::Free(size) => {
                state.depth -= size as i32;
                follow_stack_pointer(&state, &mut emit);
            }
            FrameChange::Pop(reg) => {
                state.depth -= 8;
                if state.frame_pointer.is_some_and(|(fp, _)| fp == reg) {
                    state.frame_pointer = None;
                    emit(Cfi::Cfa(Register(machine.stack_pointer), state.depth));
                } else {
                    follow_stack_pointer(&state, &mut emit);
                }
                emit(Cfi::Restore(machine.register(reg)));
            }
            FrameChange::EpilogueEnd => {
                state = remembered
                    .pop()
                    .unwrap_or_else(|| unreachable!("an epilogue ends that did not begin"));
                emit(Cfi::RestoreState);
            }
        }
    }
    out
}

/// What of one offset's instructions nothing behind them takes back: unwinders see a function between two offsets only.
fn without_detours(mut all: Vec<(u32, Cfi)>) -> Vec<(u32, Cfi)> {
    let mut kept = Vec::with_capacity(all.len());
    let mut here = None;
    // What is set anew at this offset: the whole state, the CFA, its offset, registers.
    let (mut state, mut cfa, mut offset, mut registers) = (false, false, false, Vec::new());
    while let Some((at, instruction)) = all.pop() {
        let remembers = instruction == Cfi::RememberState;
        if here != Some(at) || remembers {
            here = Some(at);
            (state, cfa, offset) = (false, false, false);
            registers.clear();
        }
        let is_set = match instruction {
            Cfi::Cfa(..) => std::mem::replace(&mut cfa, true),
            Cfi::CfaOffset(_) => std::mem::replace(&mut offset, true) || cfa,
            Cfi::Offset(register, _) | Cfi::Restore(register) => {
                let is_set = registers.contains(&register);
                registers.push(register);
                is_set
            }
            _ => false,
        };
        // What is restored was remembered; the two stay together.
        let restores = instruction == Cfi::RestoreState;
        if restores || !(is_set || state) {
            kept.push((at, instruction));
        }
        state |= restores;
    }
    kept.reverse();
    kept
}

/// Says how far the CFA is from the stack pointer, if that is what it is counted from.
fn follow_stack_pointer(state: &State, emit: &mut impl FnMut(Cfi)) {
    if state.frame_pointer.is_none() {
        emit(Cfi::CfaOffset(state.depth));
    }
}

/// Collects bytes and the places of function addresses.
#[derive(Clone, Debug)]
struct Recorder {
    bytes: EndianVec<LittleEndian>,
    functions: Vec<(u64, usize)>,
}

impl RelocateWriter for Recorder {
    type Writer = EndianVec<LittleEndian>;

    fn writer(&self) -> &Self::Writer {
        &self.bytes
    }

    fn writer_mut(&mut self) -> &mut Self::Writer {
        &mut self.bytes
    }

    fn relocate(&mut self, relocation: Relocation) {
        let RelocationTarget::Symbol(function) = relocation.target else {
            unreachable!("an FDE points at its function only")
        };
        debug_assert_eq!((relocation.size, relocation.addend), (4, 0));
        self.functions.push((relocation.offset as u64, function));
    }
}
