//! Machine registers as the rest of the compiler sees them: a class and the number the machine's manual gives.

/// Register files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegClass {
    /// General purpose, 64 bits.
    Int,
    /// Floating point and vector, at least 64 bits.
    Float,
}

/// A machine register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reg {
    /// Its file.
    pub class: RegClass,
    /// Its number in encodings.
    pub number: u8,
}

/// General-purpose register `number`.
pub const fn int(number: u8) -> Reg {
    Reg {
        class: RegClass::Int,
        number,
    }
}

/// Floating-point register `number`.
pub const fn float(number: u8) -> Reg {
    Reg {
        class: RegClass::Float,
        number,
    }
}

/// x86-64 registers by name (SDM volume 2, table 2-2).
#[expect(missing_docs, reason = "the names are the documentation")]
pub mod x64 {
    use super::{Reg, int};

    pub const RAX: Reg = int(0);
    pub const RCX: Reg = int(1);
    pub const RDX: Reg = int(2);
    pub const RBX: Reg = int(3);
    pub const RSP: Reg = int(4);
    pub const RBP: Reg = int(5);
    pub const RSI: Reg = int(6);
    pub const RDI: Reg = int(7);
    pub const R8: Reg = int(8);
    pub const R9: Reg = int(9);
    pub const R10: Reg = int(10);
    pub const R11: Reg = int(11);
    pub const R12: Reg = int(12);
    pub const R13: Reg = int(13);
    pub const R14: Reg = int(14);
    pub const R15: Reg = int(15);
}
