//! IR to AArch64 instructions on virtual registers: what the machine adds to [`crate::backend::isa::lower`]. Shifts are taken into the
//! arithmetic that wants them, products into sums, address arithmetic into loads and stores; comparisons with zero and tests of one bit
//! into branches.

mod cond;
mod float;
mod int;
mod mem;

use smallvec::SmallVec;

use super::inst::{Field, Op, Role};
use super::vinst::{Access, Base, Cond, InstA64, Offset};
use crate::backend::isa::lower::common::Known;
use crate::backend::isa::lower::{self, Machine, State, def, used};
use crate::backend::isa::vcode::{self, Clobbers, Constraint, Operand, VReg};
use crate::ir::func::{AbiType, Inst, InstData, Payload, Value};
use crate::ir::op::Op as IrOp;
use crate::ir::program::ImportId;
use crate::target::regs::{Reg, RegClass, a64};

/// AArch64, for lowering.
#[derive(Debug)]
pub struct A64;

/// A lowered function.
pub type Lowered = lower::Lowered<InstA64>;

type Lower<'a> = lower::Lower<'a, A64>;

impl Machine for A64 {
    type Inst = InstA64;

    /// Registers by number: all but those that are never handed out.
    const ALL: Clobbers = Clobbers {
        ints: 0x1ffa_ffff,
        floats: 0xffff_ffff,
    };
    /// A call has the return address of its caller in a register.
    const LEAF_CALLS: bool = false;
    /// `br x17` may arrive at `bti c` (Arm ARM, "Branch Target Identification").
    const JUMP_POINTER: Reg = a64::X17;

    fn inst(lower: &mut Lower<'_>, inst: Inst, data: &InstData) {
        lower.inst(inst, data);
    }

    fn branch(lower: &mut Lower<'_>, value: Value) {
        let (cond, tested) = lower.branch_condition(value);
        let operands: SmallVec<[Operand; 1]> = tested.into_iter().map(used).collect();
        lower.out.push(InstA64::Branch(cond), &operands, None);
    }

    fn copy(lower: &mut Lower<'_>, to: VReg, from: VReg, class: RegClass) {
        let op = match class {
            RegClass::Int => Op::Mov,
            RegClass::Float => Op::FmovReg,
        };
        lower.row(op, &[to, from], &[]);
    }

    fn float_bits(lower: &mut Lower<'_>, to: VReg, from: VReg) {
        lower.row(Op::FmovToX, &[to, from], &[]);
    }

    fn extend32(lower: &mut Lower<'_>, to: VReg, from: VReg) {
        lower.row(Op::Sbfm, &[to, from], &[0, 31]);
    }

    fn int_constant(lower: &mut Lower<'_>, to: VReg, constant: i64) {
        lower.out.push(InstA64::Const(constant), &[def(to)], None);
    }

    fn is_long(constant: i64) -> bool {
        let halves = |word: u64| (0..4).filter(|at| word >> (16 * at) & 0xffff != 0).count();
        halves(constant as u64) > 1 && halves(!constant as u64) > 1 && !Field::Mask.holds(constant)
    }

    fn float_constant(lower: &mut Lower<'_>, to: VReg, bits: u64) {
        if bits == 0 {
            lower.row(Op::FmovZero, &[to], &[]);
        } else if Field::Float.holds(bits as i64) {
            lower.row(Op::FmovImm, &[to], &[bits as i64]);
        } else {
            let int = lower.iconst(bits as i64);
            lower.row(Op::FmovFromX, &[to, int], &[]);
        }
    }

    fn address(lower: &mut Lower<'_>, to: VReg, of: Known) {
        match of {
            Known::Slot(slot) => {
                let address = InstA64::Address(Base::Slot(slot), 0);
                lower.out.push(address, &[def(to)], None);
            }
            // Not every format has room for what is added to an address.
            Known::Place(place, 0) => lower.out.push(InstA64::Place(place), &[def(to)], None),
            Known::Place(place, addend) => {
                let start = lower.int();
                lower.out.push(InstA64::Place(place), &[def(start)], None);
                lower.add_constant(to, start, addend);
            }
        }
    }

    fn import_address(lower: &mut Lower<'_>, to: VReg, import: ImportId) {
        lower
            .out
            .push(InstA64::ImportSlot(import), &[def(to)], None);
    }

    fn store_arg(lower: &mut Lower<'_>, arg: Value, ty: AbiType, offset: u32) {
        let access = match ty {
            AbiType::I32 => Access::StrW,
            AbiType::I64 => Access::Str,
            AbiType::F64 => Access::StrD,
        };
        let value = lower.vreg_of(arg);
        let offset = Offset::Bytes(offset as i32);
        lower.mem(access, Some(value), (Base::Outgoing, offset), &[]);
    }

    fn load_param(lower: &mut Lower<'_>, to: VReg, ty: AbiType, offset: u32) {
        let access = match ty {
            AbiType::I32 => Access::Ldrsw,
            AbiType::I64 => Access::Ldr,
            AbiType::F64 => Access::LdrD,
        };
        let offset = Offset::Bytes(offset as i32);
        lower.mem(access, Some(to), (Base::Incoming, offset), &[]);
    }
}

impl Lower<'_> {
    /// Pushes a row's instruction: registers and immediates in the order of its operands; of a register that is changed, what is read, then
    /// what is written.
    fn row(&mut self, op: Op, regs: &[VReg], imms: &[i64]) {
        let mut operands: SmallVec<[Operand; 5]> = SmallVec::new();
        let mut regs = regs.iter().copied();
        let mut next = || regs.next().unwrap_or_else(|| panic!("{op:?} wants more"));
        let mut given = [0; 2];
        given[..imms.len()].copy_from_slice(imms);
        for row in op.row().chosen() {
            match row.field {
                Field::Reg(..) | Field::Base | Field::Index(_) | Field::Extended => {}
                _ => continue,
            }
            match row.role {
                Role::Use => operands.push(used(next())),
                Role::Def => operands.push(def(next())),
                Role::Mod => {
                    operands.push(used(next()));
                    operands.push(Operand {
                        vreg: next(),
                        constraint: Constraint::Reuse(operands.len() as u8 - 1),
                        access: vcode::Access::Def,
                    });
                }
            }
        }
        debug_assert!(regs.next().is_none(), "{op:?} wants fewer operands");
        let inst = InstA64::Row { op, imms: given };
        self.out.push(inst, &operands, None);
    }

    /// Pushes a load or store of a register, or a store of zero.
    fn mem(
        &mut self,
        access: Access,
        value: Option<VReg>,
        (base, offset): (Base, Offset),
        address: &[VReg],
    ) {
        let stores = access.forms().scaled.row().operands[0].role == Role::Use;
        let value_operand = value.map(|value| if stores { used(value) } else { def(value) });
        let mut operands: SmallVec<[Operand; 3]> = value_operand.into_iter().collect();
        operands.extend(address.iter().copied().map(used));
        let inst = InstA64::Mem {
            access,
            is_zero: value.is_none(),
            base,
            offset,
        };
        self.out.push(inst, &operands, None);
    }

    /// `to` becomes `from` plus a constant.
    fn add_constant(&mut self, to: VReg, from: VReg, constant: i64) {
        if constant == 0 {
            return self.row(Op::Mov, &[to, from], &[]);
        }
        match plus_or_minus(constant) {
            Some((true, imm)) => self.row(Op::AddImm, &[to, from], &[imm]),
            Some((false, imm)) => self.row(Op::SubImm, &[to, from], &[imm]),
            None => {
                let constant = self.int_constant(constant);
                self.row(Op::Add, &[to, from, constant], &[0]);
            }
        }
    }
}

/// A constant to add as an immediate to add (true) or to subtract; not 0, whose two ways differ in the carry flag.
fn plus_or_minus(constant: i64) -> Option<(bool, i64)> {
    let negated = constant.checked_neg()?;
    if constant != 0 && Field::Imm12.holds(constant) {
        Some((true, constant))
    } else if constant != 0 && Field::Imm12.holds(negated) {
        Some((false, negated))
    } else {
        None
    }
}
