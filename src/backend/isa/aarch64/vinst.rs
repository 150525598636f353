//! Machine instructions on virtual registers: what `lower` makes and `emit` writes. Registers are not in here: they are the operands that
//! stand beside each instruction ([`crate::backend::isa::vcode`]).

use super::inst::{Cc, Op};
use crate::backend::isa::code::Referent;
use crate::backend::isa::lower::common::Common;
use crate::ir::func::Slot;
use crate::ir::program::ImportId;

/// What an address starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// A register.
    Reg,
    /// A slot of the frame.
    Slot(Slot),
    /// The caller's outgoing area.
    Incoming,
    /// Our outgoing area.
    Outgoing,
}

/// What is added to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offset {
    /// So many bytes.
    Bytes(i32),
    /// A register.
    Index,
    /// A register times the size of the access.
    ScaledIndex,
}

/// Loads and stores; the forms of each are in [`Access::forms`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the manual's")]
pub enum Access {
    Ldr,
    LdrW,
    Ldrsw,
    Ldrh,
    Ldrsh,
    Ldrb,
    Ldrsb,
    LdrD,
    LdrS,
    Str,
    StrW,
    Strh,
    Strb,
    StrD,
    StrS,
}

/// The forms of an access, by how they say the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forms {
    /// An offset without sign, in units of the size.
    pub scaled: Op,
    /// An offset with sign, in bytes.
    pub unscaled: Op,
    /// A register.
    pub index: Op,
    /// A register times the size.
    pub scaled_index: Op,
    /// The size as a power of two.
    pub log2_size: u8,
}

impl Access {
    /// Its forms.
    pub fn forms(self) -> Forms {
        let forms = |scaled, unscaled, index, scaled_index, log2_size| Forms {
            scaled,
            unscaled,
            index,
            scaled_index,
            log2_size,
        };
        match self {
            Access::Ldr => forms(Op::LdrOff, Op::Ldur, Op::LdrReg, Op::LdrLsl, 3),
            Access::LdrW => forms(Op::LdrWOff, Op::LdurW, Op::LdrWReg, Op::LdrWLsl, 2),
            Access::Ldrsw => forms(Op::LdrswOff, Op::Ldursw, Op::LdrswReg, Op::LdrswLsl, 2),
            Access::Ldrh => forms(Op::LdrhOff, Op::Ldurh, Op::LdrhReg, Op::LdrhLsl, 1),
            Access::Ldrsh => forms(Op::LdrshOff, Op::Ldursh, Op::LdrshReg, Op::LdrshLsl, 1),
            Access::Ldrb => forms(Op::LdrbOff, Op::Ldurb, Op::LdrbReg, Op::LdrbReg, 0),
            Access::Ldrsb => forms(Op::LdrsbOff, Op::Ldursb, Op::LdrsbReg, Op::LdrsbReg, 0),
            Access::LdrD => forms(Op::LdrDOff, Op::LdurD, Op::LdrDReg, Op::LdrDLsl, 3),
            Access::LdrS => forms(Op::LdrSOff, Op::LdurS, Op::LdrSReg, Op::LdrSLsl, 2),
            Access::Str => forms(Op::StrOff, Op::Stur, Op::StrReg, Op::StrLsl, 3),
            Access::StrW => forms(Op::StrWOff, Op::SturW, Op::StrWReg, Op::StrWLsl, 2),
            Access::Strh => forms(Op::StrhOff, Op::Sturh, Op::StrhReg, Op::StrhLsl, 1),
            Access::Strb => forms(Op::StrbOff, Op::Sturb, Op::StrbReg, Op::StrbReg, 0),
            Access::StrD => forms(Op::StrDOff, Op::SturD, Op::StrDReg, Op::StrDLsl, 3),
            Access::StrS => forms(Op::StrSOff, Op::SturS, Op::StrSReg, Op::StrSLsl, 2),
        }
    }
}

/// A condition for a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cond {
    /// On flags.
    Flags(Cc),
    /// The instruction's operand is zero; all of it, or its lower half.
    Zero {
        /// All of it.
        wide: bool,
    },
    /// It is not.
    NonZero {
        /// All of it.
        wide: bool,
    },
    /// The bit of this number is clear in the instruction's operand.
    Clear(u8),
    /// It is set.
    Set(u8),
}

impl Cond {
    /// The opposite.
    pub fn inverted(self) -> Cond {
        match self {
            Cond::Flags(cc) => Cond::Flags(cc.inverted()),
            Cond::Zero { wide } => Cond::NonZero { wide },
            Cond::NonZero { wide } => Cond::Zero { wide },
            Cond::Clear(bit) => Cond::Set(bit),
            Cond::Set(bit) => Cond::Clear(bit),
        }
    }
}

/// A machine instruction on virtual registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstA64 {
    /// A row's instruction. Its operands are the row's registers, in their order; one that is changed is a use and a definition.
    Row {
        /// The row.
        op: Op,
        /// The operands that are no registers, in their order.
        imms: [i64; 2],
    },
    /// A load or store. Its operands are the register loaded or stored, then base and index as far as they are registers.
    Mem {
        /// Which.
        access: Access,
        /// Stores zero: there is no register for it.
        is_zero: bool,
        /// The address.
        base: Base,
        /// What is added to it.
        offset: Offset,
    },
    /// Defines a constant.
    Const(i64),
    /// Defines an address in the frame: so many bytes behind its start.
    Address(Base, i32),
    /// Defines the address of a function or a datum.
    Place(Referent),
    /// Defines the address of an import, by its pointer slot.
    ImportSlot(ImportId),
    /// To the first successor where the condition holds, else to the second.
    Branch(Cond),
    /// What all machines have.
    Common(Common),
}

impl InstA64 {
    /// Whether nothing is written for it: it only wants values to be somewhere.
    pub fn is_silent(&self) -> bool {
        *self == InstA64::Common(Common::Keep)
    }
}

impl From<Common> for InstA64 {
    fn from(common: Common) -> InstA64 {
        InstA64::Common(common)
    }
}
