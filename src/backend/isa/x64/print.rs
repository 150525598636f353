//! Instructions as text in Intel's order, by their rows. Numbers are decimal; nothing is abbreviated.

use std::fmt::{Display, Formatter, Result};

use super::encode::{Inst, Mem, Rm};
use super::inst::{Kind, OperandRow, Place};

impl Display for Inst {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let row = self.op.row();
        f.write_str(row.name)?;
        if row.cc {
            f.write_str(self.cc.name())?;
        }
        let mut separator = " ";
        for operand in row.operands {
            if let Place::Fixed(_, false) = operand.place {
                continue;
            }
            f.write_str(separator)?;
            separator = ", ";
            write_operand(f, self, operand)?;
        }
        Ok(())
    }
}

fn write_operand(f: &mut Formatter<'_>, inst: &Inst, operand: &OperandRow) -> Result {
    match operand.place {
        Place::Reg | Place::Opcode => f.write_str(&register(operand, inst.reg)),
        Place::Rm | Place::RmReg | Place::Mem => match inst.rm {
            Rm::Reg(rm) => f.write_str(&register(operand, rm)),
            Rm::Mem(mem) => write_mem(f, operand.kind, mem),
            Rm::None => unreachable!("{:?} has a ModRM.rm operand", inst.op),
        },
        Place::Fixed(reg, _) => f.write_str(&register(operand, reg.number)),
        Place::Imm(_) => write!(f, "{}", inst.imm),
        Place::Bits(size) => {
            let unused = 64 - 8 * size as u32;
            write!(f, "{}", (inst.imm as u64) << unused >> unused)
        }
        Place::Rel(_) => write!(f, "${:+}", inst.imm),
    }
}

fn write_mem(f: &mut Formatter<'_>, kind: Kind, mem: Mem) -> Result {
    f.write_str(match kind {
        Kind::B8 => "byte ptr ",
        Kind::B16 => "word ptr ",
        Kind::B32 | Kind::F32 => "dword ptr ",
        Kind::B64 | Kind::F64 => "qword ptr ",
        Kind::None => "",
    })?;
    match mem {
        Mem::Rip(disp) => write!(f, "[rip{disp:+}]"),
        Mem::Sum { base, index, disp } => {
            let base = base.map(|base| name(Kind::B64, base));
            let index =
                index.map(|(index, shift)| format!("{}*{}", name(Kind::B64, index), 1 << shift));
            let parts: Vec<String> = base.into_iter().chain(index).collect();
            write!(f, "[{}{disp:+}]", parts.join("+"))
        }
    }
}

/// The name of a register operand.
pub fn register(operand: &OperandRow, number: u8) -> String {
    if operand.xmm {
        format!("xmm{number}")
    } else {
        name(operand.kind, number)
    }
}

/// The name of a part of a general-purpose register.
pub fn name(kind: Kind, number: u8) -> String {
    const OLD: [&str; 8] = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"];
    let Some(old) = OLD.get(number as usize) else {
        let suffix = match kind {
            Kind::B8 => "b",
            Kind::B16 => "w",
            Kind::B32 => "d",
            Kind::B64 | Kind::F64 | Kind::F32 | Kind::None => "",
        };
        return format!("r{number}{suffix}");
    };
    match kind {
        Kind::B8 if number < 4 => format!("{}l", &old[..1]),
        Kind::B8 => format!("{old}l"),
        Kind::B16 => (*old).to_owned(),
        Kind::B32 => format!("e{old}"),
        Kind::B64 | Kind::F64 | Kind::F32 | Kind::None => format!("r{old}"),
    }
}
