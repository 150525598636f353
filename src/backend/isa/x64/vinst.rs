//! Machine instructions on virtual registers: what `lower` makes and `emit` writes. Registers are not in here: they are the operands that
//! stand beside each instruction ([`crate::backend::isa::vcode`]).

use super::inst::{Cc, Op, Place, Role};
use super::lower::Cond;
use crate::backend::isa::code::Referent;
use crate::backend::isa::lower::common::Common;
use crate::ir::func::Slot;
use crate::ir::program::ImportId;

/// What ModRM.rm stands for, registers aside: those are operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RmShape {
    /// A register.
    Reg,
    /// The register in ModRM.reg.
    Same,
    /// Memory: base + index * 2^shift + disp.
    Mem {
        /// What the address starts from.
        base: Base,
        /// The index's shift, where there is an index.
        index: Option<u8>,
        /// Displacement.
        disp: i32,
    },
    /// Memory at a place named by a reference.
    Ref {
        /// Whose place.
        to: Referent,
        /// Added to its address.
        addend: i64,
    },
    /// The pointer slot of an import.
    ImportSlot(ImportId),
}

/// What an address starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// Nothing.
    None,
    /// A register.
    Reg,
    /// A slot of the frame; there is no index then.
    Slot(Slot),
    /// The caller's outgoing area.
    Incoming,
    /// Our outgoing area.
    Outgoing,
}

/// A machine instruction on virtual registers. Its operands stand beside it, in the order of the row's operands: a `Mod`
/// operand is a use and a definition, memory is base and index as far as there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inst64 {
    /// A row's instruction.
    Row {
        /// The row.
        op: Op,
        /// ModRM.rm, where the row has it.
        rm: RmShape,
        /// Immediate.
        imm: i64,
        /// Condition.
        cc: Cc,
    },
    /// An integer register becomes 0; flags are destroyed.
    Zero,
    /// An integer register becomes -1, in few bytes but not before its old value is there; flags are destroyed.
    Ones,
    /// A float register becomes 0.
    FloatZero,
    /// All bits of a float register become 1.
    FloatOnes,
    /// Two-address move of floats where a condition holds.
    FloatCmov(Cond),
    /// To the first successor where the condition holds, else to the second.
    Branch(Cond),
    /// What all machines have.
    Common(Common),
}

/// How many operands of the shape a row's instruction has for each of its operands; the last one of them is what is encoded.
pub fn operand_count(role: Role, place: Place, rm: RmShape) -> usize {
    let register = if role == Role::Mod { 2 } else { 1 };
    match place {
        Place::Imm(_) | Place::Bits(_) | Place::Rel(_) => 0,
        Place::Reg | Place::Opcode | Place::Fixed(..) => register,
        Place::Rm | Place::RmReg | Place::Mem => match rm {
            RmShape::Reg => register,
            RmShape::Mem { base, index, .. } => {
                (base == Base::Reg) as usize + index.is_some() as usize
            }
            RmShape::Same | RmShape::Ref { .. } | RmShape::ImportSlot(_) => 0,
        },
    }
}

impl Inst64 {
    /// Whether nothing is written for it: it only wants values to be somewhere.
    pub fn is_silent(&self) -> bool {
        *self == Inst64::Common(Common::Keep)
    }
}

impl From<Common> for Inst64 {
    fn from(common: Common) -> Inst64 {
        Inst64::Common(common)
    }
}
