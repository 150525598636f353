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

/// AArch64 registers by name (Arm ARM, B1.2.1); 31 is the stack pointer or zero, as the instruction has it.
#[expect(missing_docs, reason = "the names are the documentation")]
pub mod a64 {
    use super::{Reg, int};

    pub const X0: Reg = int(0);
    pub const X1: Reg = int(1);
    pub const X2: Reg = int(2);
    pub const X3: Reg = int(3);
    pub const X4: Reg = int(4);
    pub const X5: Reg = int(5);
    pub const X6: Reg = int(6);
    pub const X7: Reg = int(7);
    pub const X8: Reg = int(8);
    pub const X9: Reg = int(9);
    pub const X10: Reg = int(10);
    pub const X11: Reg = int(11);
    pub const X12: Reg = int(12);
    pub const X13: Reg = int(13);
    pub const X14: Reg = int(14);
    pub const X15: Reg = int(15);
    pub const X16: Reg = int(16);
    pub const X17: Reg = int(17);
    pub const X18: Reg = int(18);
    pub const X19: Reg = int(19);
    pub const X20: Reg = int(20);
    pub const X21: Reg = int(21);
    pub const X22: Reg = int(22);
    pub const X23: Reg = int(23);
    pub const X24: Reg = int(24);
    pub const X25: Reg = int(25);
    pub const X26: Reg = int(26);
    pub const X27: Reg = int(27);
    pub const X28: Reg = int(28);
    pub const X29: Reg = int(29);
    pub const X30: Reg = int(30);
    pub const SP: Reg = int(31);
}
