//! Writes one instruction, by its row, to bytes (SDM volume 2, chapter 2). In: an [`Inst`] on machine registers. Out: the shortest bytes
//! of that form: no REX without need, the shortest displacement. Labels and relocations are not known here: a displacement that is to be
//! filled in later is written as 0.

use super::inst::{Cc, Kind, Op, Place, Row};

/// What ModRM.rm stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rm {
    /// The row has no ModRM.rm operand.
    None,
    /// A register, by number.
    Reg(u8),
    /// Memory.
    Mem(Mem),
}

/// A memory operand: registers by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mem {
    /// base + index * 2^shift + displacement; the index is not `rsp`.
    Sum {
        /// Base register.
        base: Option<u8>,
        /// Index register and shift.
        index: Option<(u8, u8)>,
        /// Displacement.
        disp: i32,
    },
    /// The instruction's end + displacement.
    Rip(i32),
}

/// An instruction on machine registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inst {
    /// Its form.
    pub op: Op,
    /// The register in ModRM.reg or in the opcode; 0 where the row has none.
    pub reg: u8,
    /// The operand in ModRM.rm.
    pub rm: Rm,
    /// Immediate, displacement of a branch; 0 where the row has none.
    pub imm: i64,
    /// Condition; any where the row has none.
    pub cc: Cc,
}

/// Number of the register that means "no index" in SIB.index, and "SIB follows" in ModRM.rm.
const RSP: u8 = 4;
/// Low bits of the registers that need a displacement as a base.
const RBP: u8 = 5;

/// Appends the instruction's bytes.
pub fn encode(inst: &Inst, out: &mut Vec<u8>) {
    let row = inst.op.row();
    if row.prefix != 0 {
        out.push(row.prefix);
    }
    if let Some(rex) = rex(inst, row) {
        out.push(rex);
    }
    let (last, head) = row.opcode.split_last().expect("rows have an opcode");
    out.extend_from_slice(head);
    let mut last = *last;
    if row.cc {
        last += inst.cc as u8;
    }
    if row.operands.iter().any(|o| o.place == Place::Opcode) {
        last |= inst.reg & 7;
    }
    out.push(last);
    match inst.rm {
        Rm::None => {}
        Rm::Reg(rm) => out.push(0xc0 | (row.ext.unwrap_or(inst.reg) & 7) << 3 | rm & 7),
        Rm::Mem(mem) => encode_mem(mem, row.ext.unwrap_or(inst.reg), out),
    }
    let imm = inst.imm.to_le_bytes();
    out.extend_from_slice(&imm[..imm_size(row) as usize]);
}

/// How many immediate bytes the row's instructions end in.
pub fn imm_size(row: &Row) -> u8 {
    let sizes = row.operands.iter().map(|operand| match operand.place {
        Place::Imm(size) | Place::Bits(size) | Place::Rel(size) => size,
        Place::Reg | Place::Rm | Place::RmReg | Place::Mem | Place::Opcode | Place::Fixed(..) => 0,
    });
    sizes.sum()
}

/// The REX prefix (SDM volume 2, 2.2.1), where one is needed.
fn rex(inst: &Inst, row: &Row) -> Option<u8> {
    let is_opcode = row.operands.iter().any(|o| o.place == Place::Opcode);
    let (r, opcode_b) = if is_opcode {
        (0, inst.reg >> 3)
    } else {
        (inst.reg >> 3, 0)
    };
    let (x, b) = match inst.rm {
        Rm::None | Rm::Mem(Mem::Rip(_)) => (0, 0),
        Rm::Reg(rm) => (0, rm >> 3),
        Rm::Mem(Mem::Sum { base, index, .. }) => (
            index.map_or(0, |(index, _)| index >> 3),
            base.map_or(0, |base| base >> 3),
        ),
    };
    let bits = (row.w as u8) << 3 | r << 2 | x << 1 | b | opcode_b;
    // Without REX, byte registers 4 to 7 are ah, ch, dh, bh.
    let high_byte = row.operands.iter().any(|operand| {
        let number = match (operand.place, inst.rm) {
            (Place::Reg, _) => inst.reg,
            (Place::Rm, Rm::Reg(rm)) => rm,
            _ => 0,
        };
        operand.kind == Kind::B8 && (4..8).contains(&number)
    });
    (bits != 0 || high_byte).then_some(0x40 | bits)
}

/// ModRM, SIB and displacement (SDM volume 2, tables 2-2 and 2-3).
fn encode_mem(mem: Mem, reg: u8, out: &mut Vec<u8>) {
    let reg = (reg & 7) << 3;
    let (base, index, disp) = match mem {
        Mem::Rip(disp) => {
            out.push(reg | 0b101);
            out.extend_from_slice(&disp.to_le_bytes());
            return;
        }
        Mem::Sum { base, index, disp } => (base, index, disp),
    };
    debug_assert!(
        index.is_none_or(|(index, _)| index != RSP),
        "rsp is no index"
    );
    let Some(base) = base else {
        // No base: a SIB with base 5 under mode 0, and always four bytes of displacement.
        out.push(reg | RSP);
        let (index, shift) = index.unwrap_or((RSP, 0));
        out.push(shift << 6 | (index & 7) << 3 | RBP);
        out.extend_from_slice(&disp.to_le_bytes());
        return;
    };
    let mode = match i8::try_from(disp) {
        Ok(0) if base & 7 != RBP => 0b00,
        Ok(_) => 0b01,
        Err(_) => 0b10,
    };
    if index.is_none() && base & 7 != RSP {
        out.push(mode << 6 | reg | base & 7);
    } else {
        let (index, shift) = index.unwrap_or((RSP, 0));
        out.push(mode << 6 | reg | RSP);
        out.push(shift << 6 | (index & 7) << 3 | base & 7);
    }
    match mode {
        0b00 => {}
        0b01 => out.push(disp as u8),
        _ => out.extend_from_slice(&disp.to_le_bytes()),
    }
}
