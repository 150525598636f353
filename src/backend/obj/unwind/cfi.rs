//! Call frame information: what DWARF unwinders, debuggers and profilers read, exact at every instruction.
//!
//! In: the frame steps of functions. Out: the bytes of an `.eh_frame` section (LSB, "Exception Frames") and the places in it that
//! want a function's address. One CIE; an FDE describes a range of addresses, so functions that follow one another share one, up to a number that
//! keeps the way to its last instruction short. The door to `gimli`.

use std::collections::BTreeMap;

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
    /// Offsets of 4-byte fields that hold the distance from themselves to a function, the first one of an FDE, and which of the functions.
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
    int_regs: &'static [u16],
    /// Number of the first float register.
    first_float: u16,
    /// What is written below the stack pointer stays there a while.
    red_zone: bool,
}

/// psABI AMD64, figure 3.36 (DWARF register numbers); the call has pushed the return address.
const X86_64: Machine = Machine {
    code_align: 1,
    data_align: -8,
    return_address: 16,
    stack_pointer: 7,
    entry_depth: 8,
    saved_return_address: Some(-8),
    int_regs: &[0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15],
    first_float: 17,
    red_zone: true,
};

/// "DWARF for the Arm 64-bit Architecture", 4.1; the return address is in x30.
const AARCH64: Machine = Machine {
    code_align: 4,
    data_align: -8,
    return_address: 30,
    stack_pointer: 31,
    entry_depth: 0,
    saved_return_address: None,
    int_regs: &[
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
        25, 26, 27, 28, 29, 30, 31,
    ],
    first_float: 64,
    red_zone: false,
};

impl Machine {
    fn of(arch: Arch) -> &'static Machine {
        match arch {
            Arch::X86_64 => &X86_64,
            Arch::Aarch64 => &AARCH64,
        }
    }

    fn register(&self, reg: Reg) -> Register {
        Register(match reg.class {
            RegClass::Int => self.int_regs[usize::from(reg.number)],
            RegClass::Float => self.first_float + u16::from(reg.number),
        })
    }
}

/// DWARF's number of a register.
pub fn register(arch: Arch, reg: Reg) -> u16 {
    Machine::of(arch).register(reg).0
}

/// So many functions at most share an FDE.
const SHARE_AN_FDE: usize = 32;

/// Writes the frames of functions, which are in their order in memory, and in one section.
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
    for (index, group) in functions.chunks(SHARE_AN_FDE).enumerate() {
        let address = Address::Symbol {
            symbol: index * SHARE_AN_FDE,
            addend: 0,
        };
        let (first, last) = (&group[0], &group[group.len() - 1]);
        let size = last.offset + u64::from(last.size) - first.offset;
        let mut fde = FrameDescriptionEntry::new(address, size as u32);
        for (at, instruction) in instructions(&rows_of(group, machine), machine) {
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

/// How to find the caller from some instruction on: a row of the table that DWARF describes (6.4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    /// Offset of that instruction.
    at: u32,
    /// Bytes from the stack pointer up to the CFA.
    depth: i32,
    /// The frame pointer and the bytes from it up to the CFA, once there is one.
    frame_pointer: Option<(Reg, i32)>,
    /// Where from the CFA registers of the caller are.
    saved: BTreeMap<u16, i32>,
    /// The return address is signed.
    is_signed: bool,
}

impl Row {
    /// Whether this row says of other instructions what that one does.
    fn is_like(&self, other: &Row) -> bool {
        (self.frame_pointer, &self.saved, self.is_signed)
            == (other.frame_pointer, &other.saved, other.is_signed)
            && (self.frame_pointer.is_some() || self.depth == other.depth)
    }
}

/// The rows of functions that follow one another, by offset from the first. At each entry all is as at the first.
fn rows_of(functions: &[Unwind], machine: &Machine) -> Vec<Row> {
    let mut all: Vec<Row> = Vec::new();
    for function in functions {
        let distance = (function.offset - functions[0].offset) as u32;
        for row in rows(function, machine) {
            if all.last().is_none_or(|last| !last.is_like(&row)) {
                let at = distance + row.at;
                all.push(Row { at, ..row });
            }
        }
    }
    all
}

/// The rows of a function, each unlike the one before it; the first holds at entry.
fn rows(function: &Unwind, machine: &Machine) -> Vec<Row> {
    let mut row = Row {
        at: 0,
        depth: machine.entry_depth,
        frame_pointer: None,
        saved: BTreeMap::new(),
        is_signed: false,
    };
    let mut rows: Vec<Row> = vec![row.clone()];
    let mut epilogues: Vec<Row> = Vec::new();
    // What holds behind the last instruction holds nowhere.
    for step in function.steps.iter().filter(|s| s.at < function.size) {
        row.at = step.at;
        match step.change {
            FrameChange::Push(reg) => {
                row.depth += 8;
                row.saved.insert(machine.register(reg).0, -row.depth);
            }
            FrameChange::Alloc(size) => row.depth += size as i32,
            FrameChange::SetFramePointer(reg, above) => {
                row.frame_pointer = Some((reg, row.depth - above as i32));
            }
            FrameChange::Save(reg, above) => {
                let saved = above as i32 - row.depth;
                row.saved.insert(machine.register(reg).0, saved);
            }
            FrameChange::SignReturn => row.is_signed = true,
            FrameChange::PlainReturn => row.is_signed = false,
            FrameChange::EpilogueBegin => epilogues.push(row.clone()),
            FrameChange::Free(size) => row.depth -= size as i32,
            FrameChange::Pop(reg) => {
                row.depth -= 8;
                row.frame_pointer = row.frame_pointer.filter(|(fp, _)| *fp != reg);
                // What an instruction popped is still there: nothing is written below the stack pointer before the return, not by signals
                // either (psABI AMD64, 3.2.2, red zone). Code that just has no frame does write there.
                let is_said = epilogues.last().is_none_or(|begin| begin.at == step.at);
                if is_said || !machine.red_zone {
                    row.saved.remove(&machine.register(reg).0);
                }
            }
            FrameChange::EpilogueEnd => {
                row = epilogues
                    .pop()
                    .unwrap_or_else(|| unreachable!("an epilogue ends that did not begin"));
                row.at = step.at;
            }
        }
        // Unwinders see a function between instructions only.
        if rows
            .last()
            .is_some_and(|last| last.at == row.at && row.at > 0)
        {
            rows.pop();
        }
        if rows.last().is_none_or(|last| !last.is_like(&row)) {
            rows.push(row.clone());
        }
    }
    rows
}

/// The CFI of rows: offsets, and what changes there. States are remembered where saying all of them again takes more.
fn instructions(rows: &[Row], machine: &Machine) -> Vec<(u32, Cfi)> {
    let mut out = Vec::new();
    let mut remembered = None;
    for (at, pair) in rows.windows(2).enumerate() {
        let (from, to) = (&pair[0], &pair[1]);
        if remembered == Some(at + 1) {
            remembered = None;
            out.push((to.at, Cfi::RestoreState));
            continue;
        }
        if remembered.is_none() && to.depth < from.depth {
            let back = (at + 2..rows.len()).find(|&row| rows[row].is_like(from));
            remembered = back.filter(|&row| {
                let again = changes(&rows[row - 1], from, machine);
                again.into_iter().map(size).sum::<usize>() > 2
            });
            if remembered.is_some() {
                out.push((to.at, Cfi::RememberState));
            }
        }
        let changes = changes(from, to, machine).into_iter();
        out.extend(changes.map(|change| (to.at, change)));
    }
    out
}

/// What makes one row out of another.
fn changes(from: &Row, to: &Row, machine: &Machine) -> Vec<Cfi> {
    let mut changes = Vec::new();
    match (from.frame_pointer, to.frame_pointer) {
        (None, None) if from.depth == to.depth => {}
        (None, None) => changes.push(Cfi::CfaOffset(to.depth)),
        (Some(before), Some(after)) if before == after => {}
        (_, Some((reg, distance))) => changes.push(Cfi::Cfa(machine.register(reg), distance)),
        (Some(_), None) => {
            changes.push(Cfi::Cfa(Register(machine.stack_pointer), to.depth));
        }
    }
    for (&reg, &at) in &to.saved {
        if from.saved.get(&reg) != Some(&at) {
            changes.push(Cfi::Offset(Register(reg), at));
        }
    }
    let gone = from.saved.keys().filter(|reg| !to.saved.contains_key(reg));
    changes.extend(gone.map(|&reg| Cfi::Restore(Register(reg))));
    if from.is_signed != to.is_signed {
        changes.push(Cfi::NegateRaState);
    }
    changes
}

/// Bytes that a change takes, where its numbers are small.
fn size(change: Cfi) -> usize {
    match change {
        Cfi::Cfa(..) => 3,
        Cfi::CfaOffset(_) | Cfi::Offset(..) => 2,
        _ => 1,
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
