//! IR to x86-64 instructions on virtual registers: what the machine adds to [`crate::backend::isa::lower`]. Comparisons, loads and
//! address arithmetic are taken into the instruction that wants them.

mod call;
mod cond;
mod float;
mod int;
mod mem;
mod row;
mod value;

use super::inst::{Cc, Op};
use super::vinst::{Base, Inst64, RmShape};
use crate::backend::isa::lower::common::Known;
use crate::backend::isa::lower::{self, Machine, State, def};
use crate::backend::isa::vcode::{Clobbers, VReg};
use crate::ir::func::{AbiType, Inst, InstData, Value};
use crate::ir::op::Op as IrOp;
use crate::ir::program::ImportId;
use crate::target::regs::{Reg, RegClass, x64};
pub use cond::Cond;
use row::{Rm, no_rm, tied};

/// x86-64, for lowering.
#[derive(Debug)]
pub struct X64;

/// A lowered function.
pub type Lowered = lower::Lowered<Inst64>;

type Lower<'a> = lower::Lower<'a, X64>;

impl Machine for X64 {
    type Inst = Inst64;

    /// Registers by number: all but the stack pointer.
    const ALL: Clobbers = Clobbers {
        ints: 0xffef,
        floats: 0xffff,
    };
    const LEAF_CALLS: bool = true;
    const JUMP_POINTER: Reg = x64::R11;

    fn inst(lower: &mut Lower<'_>, inst: Inst, data: &InstData) {
        lower.inst(inst, data);
    }

    fn branch(lower: &mut Lower<'_>, value: Value) {
        let cond = lower.branch_condition(value);
        lower.out.push(Inst64::Branch(cond), &[], None);
    }

    fn copy(lower: &mut Lower<'_>, to: VReg, from: VReg, class: RegClass) {
        match class {
            RegClass::Int => lower.row(Op::MovRM, &[to], &from.into()),
            RegClass::Float => lower.row(Op::MovapsRM, &[to], &from.into()),
        }
    }

    fn float_bits(lower: &mut Lower<'_>, to: VReg, from: VReg) {
        lower.row(Op::MovqMR, &[from], &to.into());
    }

    fn extend32(lower: &mut Lower<'_>, to: VReg, from: VReg) {
        lower.row(Op::MovsxdRM, &[to], &from.into());
    }

    fn int_constant(lower: &mut Lower<'_>, to: VReg, constant: i64) {
        lower.set_iconst(to, constant);
    }

    fn is_long(constant: i64) -> bool {
        i32::try_from(constant).is_err()
    }

    fn float_constant(lower: &mut Lower<'_>, to: VReg, bits: u64) {
        lower.set_fconst(to, bits);
    }

    fn address(lower: &mut Lower<'_>, to: VReg, of: Known) {
        lower.lea(to, of);
    }

    fn import_address(lower: &mut Lower<'_>, to: VReg, import: ImportId) {
        lower.set_import_address(to, import);
    }

    fn store_arg(lower: &mut Lower<'_>, arg: Value, ty: AbiType, offset: u32) {
        lower.stack_arg(arg, ty, offset);
    }

    fn load_param(lower: &mut Lower<'_>, to: VReg, ty: AbiType, offset: u32) {
        lower.stack_param(to, ty, offset);
    }
}
