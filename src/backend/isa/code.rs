//! What the machine-specific part hands to the object writer: bytes, what in them refers elsewhere, and what the frame looks like at
//! every instruction. Free of any file format.

use crate::base::source::Span;
use crate::ir::data::DataId;
use crate::ir::names::NameId;
use crate::ir::program::{FuncId, ImportId};
use crate::target::regs::Reg;

/// A compiled function.
#[derive(Clone, Debug)]
pub struct Code {
    /// Machine code.
    pub bytes: Vec<u8>,
    /// References, by offset.
    pub refs: Vec<CodeRef>,
    /// How the frame changes, by offset.
    pub frame: Vec<FrameStep>,
    /// First byte behind the prologue.
    pub prologue_end: u32,
    /// Source text of the bytes from an offset on, by offset.
    pub lines: Vec<(u32, Option<Span>)>,
    /// Where the values are that the source has names for, by name, part and offset.
    pub values: Vec<NamedPlace>,
}

impl Code {
    /// How many bytes of the stack the function takes at most, those that it calls not counted.
    pub fn frame_size(&self) -> u32 {
        let (mut depth, mut deepest) = (0, 0);
        let mut epilogues = Vec::new();
        for step in &self.frame {
            match step.change {
                FrameChange::Push(_) => depth += WORD,
                FrameChange::Pop(_) => depth -= WORD,
                FrameChange::Alloc(size) => depth += size,
                FrameChange::Free(size) => depth -= size,
                FrameChange::EpilogueBegin => epilogues.push(depth),
                FrameChange::EpilogueEnd => depth = epilogues.pop().unwrap_or_default(),
                FrameChange::SetFramePointer(..)
                | FrameChange::SignReturn
                | FrameChange::PlainReturn
                | FrameChange::Save(..) => {}
            }
            deepest = deepest.max(depth);
        }
        // What x86's calls push; elsewhere it is part of the frame.
        deepest + WORD
    }
}

/// Bytes that pushes move.
const WORD: u32 = 8;

/// Between two offsets, a part of what the source has a name for is in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedPlace {
    /// What it is.
    pub name: NameId,
    /// Which part of it.
    pub part: u8,
    /// The first offset.
    pub start: u32,
    /// The offset behind the last.
    pub end: u32,
    /// Where it is.
    pub place: ValuePlace,
}

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ValuePlace {
    /// In a register.
    Reg(Reg),
    /// In the frame, so far from where the stack pointer was before the call (DWARF's canonical frame address).
    Frame(i32),
    /// Nowhere; these are its bits.
    Const(u64),
}

/// A place in the code that refers to something whose address is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeRef {
    /// Offset of the field to fill in (x86: the 4-byte displacement; aarch64: the instruction).
    pub at: u32,
    /// What is meant.
    pub to: Referent,
    /// Which use it is; file formats give each its relocation.
    pub kind: RefKind,
    /// Added to the address of what is meant.
    pub addend: i64,
}

/// What code refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Referent {
    /// A function of the program.
    Func(FuncId),
    /// A datum of the program.
    Data(DataId),
    /// An import.
    Import(ImportId),
}

/// Uses of an address in code (`object-formats`: one relocation per use and format).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefKind {
    /// x86: rip-relative field of a load, store or `lea` of something local; so many immediate bytes follow the field.
    X64Local {
        /// Immediate bytes behind the field.
        trailing: u8,
    },
    /// x86: `call` or `jmp` to a local function, `E8`/`E9 rel32`.
    X64Branch,
    /// x86: `call`/`jmp` through the import's pointer slot, `FF /2`, `FF /4`.
    X64SlotCall,
    /// x86: `mov` with REX.W from the import's pointer slot.
    X64SlotLoad,
    /// x86: any other instruction with the import's pointer slot as memory operand.
    X64SlotOther {
        /// Immediate bytes behind the field.
        trailing: u8,
    },
    /// x86: `call` or `jmp` to an import by way of the linker's own stub, `E8`/`E9 rel32`.
    X64Plt,
    /// aarch64: `bl` or `b` to a local function.
    A64Branch,
    /// aarch64: `adrp` of something local.
    A64Page,
    /// aarch64: `add` of what `adrp` leaves.
    A64Low,
    /// aarch64: `adrp` of the import's pointer slot.
    A64SlotPage,
    /// aarch64: `ldr` of 64 bits from the import's pointer slot, on its page.
    A64SlotLow,
    /// aarch64: `bl` or `b` to an import by way of the linker's own stub.
    A64Plt {
        /// It is `bl`.
        links: bool,
    },
}

/// What a use of an address really goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// What is meant, which is in the same file.
    Itself,
    /// The pointer slot of an import.
    Slot,
    /// The linker's stub for an import.
    Stub,
}

impl RefKind {
    /// What it goes to.
    pub fn reach(self) -> Reach {
        match self {
            RefKind::X64Local { .. } | RefKind::X64Branch => Reach::Itself,
            RefKind::A64Branch | RefKind::A64Page | RefKind::A64Low => Reach::Itself,
            RefKind::X64SlotCall | RefKind::X64SlotLoad | RefKind::X64SlotOther { .. } => {
                Reach::Slot
            }
            RefKind::A64SlotPage | RefKind::A64SlotLow => Reach::Slot,
            RefKind::X64Plt | RefKind::A64Plt { .. } => Reach::Stub,
        }
    }
}

/// A change of the frame. Offsets are those behind the instruction that makes the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameStep {
    /// Code offset behind the instruction.
    pub at: u32,
    /// What it did.
    pub change: FrameChange,
}

/// What an instruction of prologue or epilogue does to the frame. From these DWARF CFI, Win64 unwind codes and compact unwind are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameChange {
    /// Pushed a callee-saved register.
    Push(Reg),
    /// Lowered the stack pointer by so many bytes.
    Alloc(u32),
    /// Made this register the frame pointer, so many bytes above the stack pointer.
    SetFramePointer(Reg, u32),
    /// Signed the return address (`paciasp`).
    SignReturn,
    /// Made it plain again (`autiasp`).
    PlainReturn,
    /// Saved a register in the frame, so many bytes above the stack pointer.
    Save(Reg, u32),
    /// The state from here on is that of an epilogue to come; `EpilogueEnd` brings today's back. Where both stand at one offset, they mark
    /// that the steps behind them make the frame anew.
    EpilogueBegin,
    /// Raised the stack pointer by so many bytes.
    Free(u32),
    /// Popped a callee-saved register.
    Pop(Reg),
    /// The function has returned (or tail-called); what follows has the frame of `EpilogueBegin` again.
    EpilogueEnd,
}
