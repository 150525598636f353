//! Comparisons, conditions, and what depends on them: flags stay flags on their way to a branch, a `cmov` or a `setcc`.

use super::{Cc, Inst64, Lower, Op, Rm, State, VReg, def, tied};
use crate::backend::isa::lower::fuse::Comparison;
use crate::backend::isa::vcode::{Access, Constraint, Operand};
use crate::ir::func::{InstData, Payload, Value};
use crate::ir::op::{FloatCc, IntCc, MemType, Op as IrOp};

/// A condition on flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cond {
    /// One condition code.
    One(Cc),
    /// Both: floats are equal (`E` also holds when they are unordered).
    Both(Cc, Cc),
    /// At least one: floats are not equal.
    Either(Cc, Cc),
}

impl Cond {
    /// The opposite.
    pub fn inverted(self) -> Cond {
        match self {
            Cond::One(cc) => Cond::One(cc.inverted()),
            Cond::Both(a, b) => Cond::Either(a.inverted(), b.inverted()),
            Cond::Either(a, b) => Cond::Both(a.inverted(), b.inverted()),
        }
    }
}

/// The condition code of an integer comparison.
fn int_cc(cc: IntCc) -> Cc {
    match cc {
        IntCc::Eq => Cc::E,
        IntCc::Ne => Cc::Ne,
        IntCc::Slt => Cc::L,
        IntCc::Sle => Cc::Le,
        IntCc::Sgt => Cc::G,
        IntCc::Sge => Cc::Ge,
        IntCc::Ult => Cc::B,
        IntCc::Ule => Cc::Be,
        IntCc::Ugt => Cc::A,
        IntCc::Uge => Cc::Ae,
    }
}

/// The flag that an overflow-checking operation sets when it overflows.
fn overflow_cc(op: IrOp) -> Cc {
    match op {
        IrOp::UaddOvf | IrOp::UsubOvf => Cc::B,
        _ => Cc::O,
    }
}

impl Lower<'_> {
    /// Sets flags for a branch on `value`, or has the overflow check before it do so.
    pub(super) fn branch_condition(&mut self, value: Value) -> Cond {
        if let Some(op) = self.fuse_overflow(value) {
            return Cond::One(overflow_cc(op));
        }
        self.condition(value)
    }

    /// Sets flags, and says which condition on them holds where `value` is not 0.
    pub(super) fn condition(&mut self, value: Value) -> Cond {
        match self.comparison(value) {
            Some(Comparison::Int(cc, a, b)) => return self.icmp_flags(cc, a, b),
            Some(Comparison::Float(cc, a, b)) => return self.fcmp_flags(cc, a, b),
            None => {}
        }
        let value = self.flow.resolve(value);
        if let Some((_, data)) = self.definition(value)
            && data.op == IrOp::Band
            && self.uses(value) == 1
        {
            let (a, b) = (data.args[0], data.args[1]);
            self.test(a, b);
            return Cond::One(Cc::Ne);
        }
        self.compare_with_zero(IntCc::Ne, value)
    }

    fn icmp_flags(&mut self, cc: IntCc, a: Value, b: Value) -> Cond {
        let (cc, a, b) = self.constant_right(cc, a, b);
        if self.constant(b) == Some(0) {
            match cc {
                IntCc::Ne if self.is_bool(a) => return self.condition(a),
                IntCc::Eq if self.is_bool(a) => return self.condition(a).inverted(),
                _ => {}
            }
            return self.compare_with_zero(cc, a);
        }
        if let Some(imm) = self.imm32(b) {
            if let Some((op, address, offset)) = self.narrow_compare(cc, a, imm) {
                let place = self.address(address, offset);
                self.row_imm(op, &[], &place, imm.into());
                return Cond::One(int_cc(cc));
            }
            let op = short(imm, Op::CmpMI8, Op::CmpMI);
            let a = self.rm64(a);
            self.row_imm(op, &[], &a, imm.into());
            return Cond::One(int_cc(cc));
        }
        let a_load = self.foldable_load(a).map(|(ty, ..)| ty);
        if a_load == Some(MemType::I64) {
            let b = self.vreg_of(b);
            let a = self.rm64(a);
            self.row(Op::CmpMR, &[b], &a);
        } else {
            let a = self.vreg_of(a);
            let b = self.rm64(b);
            self.row(Op::CmpRM, &[a], &b);
        }
        Cond::One(int_cc(cc))
    }

    /// A comparison with 0: `test` sets the flags that `cmp` with 0 would.
    fn compare_with_zero(&mut self, cc: IntCc, a: Value) -> Cond {
        if let Some((_, data)) = self.definition(a)
            && data.op == IrOp::Band
            && self.uses(a) == 1
        {
            let (x, y) = (data.args[0], data.args[1]);
            self.test(x, y);
        } else if let Some(call) = self.sole_int_result(a) {
            self.states[call.index()] = State::Narrow;
            let a = self.vreg_of(a);
            self.row(Op::Test32MR, &[a], &a.into());
        } else if let Some((op, address, offset)) = self.narrow_compare(cc, a, 0) {
            let place = self.address(address, offset);
            self.row_imm(op, &[], &place, 0);
        } else if let Some((MemType::I64, ..)) = self.foldable_load(a) {
            let a = self.rm64(a);
            self.row_imm(Op::CmpMI8, &[], &a, 0);
        } else {
            let a = self.vreg_of(a);
            self.row(Op::TestMR, &[a], &a.into());
        }
        Cond::One(int_cc(cc))
    }

    /// The comparison of a narrower load with a constant, where it gives the same answer in the load's own width.
    fn narrow_compare(&self, cc: IntCc, a: Value, imm: i32) -> Option<(Op, Value, i32)> {
        let (ty, address, offset) = self.foldable_load(a)?;
        let is_signed = matches!(cc, IntCc::Slt | IntCc::Sle | IntCc::Sgt | IntCc::Sge);
        let is_equality = matches!(cc, IntCc::Eq | IntCc::Ne);
        let op = match ty {
            MemType::I32 if is_signed || is_equality => short(imm, Op::Cmp32MI8, Op::Cmp32MI),
            // The immediate is extended by sign, so the upper half of the unsigned range is out of reach.
            MemType::U32 if !is_signed && imm >= 0 => short(imm, Op::Cmp32MI8, Op::Cmp32MI),
            MemType::U8 if !is_signed && u8::try_from(imm).is_ok() => Op::Cmp8MI,
            MemType::I8 if (is_signed || is_equality) && i8::try_from(imm).is_ok() => Op::Cmp8MI,
            _ => return None,
        };
        Some((op, address, offset))
    }

    /// Flags of `a & b`, for comparisons with 0: a shorter form only where the sign cannot be set.
    fn test(&mut self, a: Value, b: Value) {
        let (a, b) = if self.constant(a).is_some() {
            (b, a)
        } else {
            (a, b)
        };
        match self.constant(b) {
            Some(mask @ 0..=0x7f) => {
                let rm = match self.foldable_load(a) {
                    Some((ty, address, offset)) if ty != MemType::F32 && ty != MemType::F64 => {
                        self.address(address, offset)
                    }
                    _ => self.vreg_of(a).into(),
                };
                self.row_imm(Op::Test8MI, &[], &rm, mask);
            }
            Some(mask) if (0..=i32::MAX.into()).contains(&mask) => {
                let rm = match self.foldable_load(a) {
                    Some((MemType::I32 | MemType::U32 | MemType::I64, address, offset)) => {
                        self.address(address, offset)
                    }
                    _ => self.vreg_of(a).into(),
                };
                self.row_imm(Op::Test32MI, &[], &rm, mask);
            }
            Some(mask) if i32::try_from(mask).is_ok() => {
                let rm = self.rm64(a);
                self.row_imm(Op::TestMI, &[], &rm, mask);
            }
            _ => {
                let b = self.vreg_of(b);
                let a = self.rm64(a);
                self.row(Op::TestMR, &[b], &a);
            }
        }
    }

    /// `ucomisd` sets CF, ZF and PF when unordered, so `a` and `ae` are false then: the other orders exchange operands (SDM UCOMISD).
    fn fcmp_flags(&mut self, cc: FloatCc, a: Value, b: Value) -> Cond {
        let (a, b, cond) = match cc {
            FloatCc::Eq => (a, b, Cond::Both(Cc::Np, Cc::E)),
            FloatCc::Ne => (a, b, Cond::Either(Cc::P, Cc::Ne)),
            FloatCc::Gt => (a, b, Cond::One(Cc::A)),
            FloatCc::Ge => (a, b, Cond::One(Cc::Ae)),
            FloatCc::Lt => (b, a, Cond::One(Cc::A)),
            FloatCc::Le => (b, a, Cond::One(Cc::Ae)),
        };
        let a = self.vreg_of(a);
        let b = self.xm64(b);
        self.row(Op::UcomisdRM, &[a], &b);
        cond
    }

    /// A comparison as a number.
    pub(super) fn compare(&mut self, data: &InstData) {
        let dst = self.result(data.results[0]);
        let (a, b) = (data.args[0], data.args[1]);
        self.bool_of(dst, |lower| match data.payload {
            Payload::IntCc(cc) => lower.icmp_flags(cc, a, b),
            Payload::FloatCc(cc) => lower.fcmp_flags(cc, a, b),
            _ => unreachable!("comparisons have a condition"),
        });
    }

    /// Defines `dst` as 1 where the condition holds that `flags` sets, else 0. The register is cleared before the flags are set: `setcc`
    /// alone would depend on its old value.
    fn bool_of(&mut self, dst: VReg, flags: impl FnOnce(&mut Self) -> Cond) {
        let zero = self.zeroed();
        let other = self.int();
        // The second register of a condition in two parts is set by `mov`, which leaves flags alone, so it can wait.
        match flags(self) {
            Cond::One(cc) => self.row_cc(Op::SetccM, &[], &tied(zero, dst), cc),
            Cond::Both(a, b) => {
                let first = self.int();
                self.row_cc(Op::SetccM, &[], &tied(zero, first), a);
                self.set_const_keeping_flags(other, 0);
                self.row_cc(Op::CmovccRM, &[first, dst], &other.into(), b.inverted());
            }
            Cond::Either(a, b) => {
                let first = self.int();
                self.row_cc(Op::SetccM, &[], &tied(zero, first), a);
                self.set_const_keeping_flags(other, 1);
                self.row_cc(Op::CmovccRM, &[first, dst], &other.into(), b);
            }
        }
    }

    /// A new integer register that holds 0; flags are destroyed.
    pub(super) fn zeroed(&mut self) -> VReg {
        let zero = self.int();
        self.out.push(Inst64::Zero, &[def(zero)], None);
        zero
    }

    pub(super) fn select(&mut self, data: &InstData) {
        let (cond, then, other) = (data.args[0], data.args[1], data.args[2]);
        let dst = self.result(data.results[0]);
        if (self.constant(then), self.constant(other)) == (Some(1), Some(0)) {
            return self.bool_of(dst, |lower| lower.condition(cond));
        }
        if (self.constant(then), self.constant(other)) == (Some(0), Some(1)) {
            return self.bool_of(dst, |lower| lower.condition(cond).inverted());
        }
        if let Some(value) = self.magnitude(cond, then, other) {
            let value = self.vreg_of(value);
            let negated = self.int();
            self.row(Op::NegM, &[], &tied(value, negated));
            return self.cmov(Cc::S, negated, dst, value);
        }
        let then = self.vreg_of(then);
        let other = self.vreg_of(other);
        match self.condition(cond) {
            Cond::One(cc) => self.cmov(cc, other, dst, then),
            Cond::Both(a, b) => {
                let first = self.int();
                self.cmov(a.inverted(), then, first, other);
                self.cmov(b.inverted(), first, dst, other);
            }
            Cond::Either(a, b) => {
                let first = self.int();
                self.cmov(a, other, first, then);
                self.cmov(b, first, dst, then);
            }
        }
    }

    /// The value whose magnitude a select gives: `neg` has set the flags by which to tell.
    fn magnitude(&self, cond: Value, then: Value, other: Value) -> Option<Value> {
        let Some(Comparison::Int(cc, value, zero)) = self.comparison(cond) else {
            return None;
        };
        let [then, other, value] = [then, other, value].map(|value| self.flow.resolve(value));
        let negated = match cc {
            IntCc::Slt | IntCc::Sle if other == value => then,
            IntCc::Sgt | IntCc::Sge if then == value => other,
            _ => return None,
        };
        let (_, data) = self.definition(negated)?;
        let is_negated = match data.op {
            IrOp::Ineg => self.flow.resolve(data.args[0]) == value,
            IrOp::Isub => {
                self.constant(data.args[0]) == Some(0) && self.flow.resolve(data.args[1]) == value
            }
            _ => false,
        };
        let is_magnitude = is_negated && self.constant(zero) == Some(0);
        (is_magnitude && self.uses(negated) == 1).then_some(value)
    }

    /// `dst` is `otherwise`, or `then` where the flags say so.
    pub(super) fn cmov(&mut self, cc: Cc, otherwise: VReg, dst: VReg, then: VReg) {
        self.row_cc(Op::CmovccRM, &[otherwise, dst], &then.into(), cc);
    }

    pub(super) fn fselect(&mut self, data: &InstData) {
        let (cond, then, other) = (data.args[0], data.args[1], data.args[2]);
        let dst = self.result(data.results[0]);
        if let Some(op) = self.extreme(cond, then, other) {
            let then = self.vreg_of(then);
            let other = self.xm64(other);
            return self.row(op, &[then, dst], &other);
        }
        let then = self.vreg_of(then);
        let other = self.vreg_of(other);
        let cond = self.condition(cond);
        let operand = |vreg, constraint, access| Operand {
            vreg,
            constraint,
            access,
        };
        let operands = [
            operand(other, Constraint::Reg, Access::Use),
            operand(dst, Constraint::Reuse(0), Access::Def),
            operand(then, Constraint::Reg, Access::Use),
        ];
        self.out.push(Inst64::FloatCmov(cond), &operands, None);
    }

    /// The instruction for the lesser or the greater of two floats: it gives the second where neither is, as the select does (SDM MINSD).
    fn extreme(&self, cond: Value, then: Value, other: Value) -> Option<Op> {
        let (_, data) = self.definition(cond)?;
        let (low, high) = match data.payload {
            Payload::FloatCc(FloatCc::Lt) => (data.args[0], data.args[1]),
            Payload::FloatCc(FloatCc::Gt) => (data.args[1], data.args[0]),
            _ => return None,
        };
        // What a loop carries is mostly predicted: it would wait for this instruction in each round.
        let depth = |block: u32| self.flow.blocks[block as usize].depth;
        let is_carried = |&value: &Value| {
            let home = self.homes[value.index()];
            self.definition(value).is_none()
                && depth(home) > 0
                && depth(home) == depth(self.vblock.0)
        };
        let [low, high, then, other] =
            [low, high, then, other].map(|value| self.flow.resolve(value));
        if [low, high].iter().any(is_carried) {
            return None;
        }
        match (then, other) {
            pair if pair == (low, high) => Some(Op::MinsdRM),
            pair if pair == (high, low) => Some(Op::MaxsdRM),
            _ => None,
        }
    }

    /// Pushes an overflow-checking operation with `push`, and its flag as a number where something wants that.
    pub(super) fn with_overflow_flag(
        &mut self,
        data: &InstData,
        state: State,
        prepare: impl FnOnce(&mut Self) -> PreparedOp,
    ) {
        let cc = overflow_cc(data.op);
        let wants_flag = state != State::FlagFused && self.vregs[data.results[1].index()].is_some();
        let zero = wants_flag.then(|| self.zeroed());
        let op = prepare(self);
        self.row_full(op.op, &op.reg, &op.rm, &op.fixed, op.imm, Cc::O);
        if let Some(zero) = zero {
            let flag = self.result(data.results[1]);
            self.row_cc(Op::SetccM, &[], &tied(zero, flag), cc);
        }
    }
}

/// An instruction whose operands are in registers.
pub(super) struct PreparedOp {
    pub(super) op: Op,
    pub(super) reg: smallvec::SmallVec<[VReg; 2]>,
    pub(super) rm: Rm,
    pub(super) fixed: smallvec::SmallVec<[VReg; 4]>,
    pub(super) imm: i64,
}

impl PreparedOp {
    pub(super) fn new(op: Op, reg: &[VReg], rm: Rm) -> PreparedOp {
        PreparedOp {
            op,
            reg: reg.into(),
            rm,
            fixed: Default::default(),
            imm: 0,
        }
    }

    /// Nothing in ModRM.reg or in fixed registers, an immediate.
    pub(super) fn imm(op: Op, rm: Rm, imm: i64) -> PreparedOp {
        PreparedOp {
            imm,
            ..PreparedOp::new(op, &[], rm)
        }
    }
}

/// The form with an 8-bit immediate where it fits.
pub(super) fn short(imm: i32, short: Op, long: Op) -> Op {
    if i8::try_from(imm).is_ok() {
        short
    } else {
        long
    }
}
