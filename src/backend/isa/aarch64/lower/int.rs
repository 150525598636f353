//! Integer operations. The match over all operations of the IR is here.

use super::super::inst::Cc;
use super::{Field, Inst, InstData, IrOp, Lower, Op, State, VReg, Value, plus_or_minus};

impl Lower<'_> {
    /// Lowers an instruction whose results are wanted or which does something besides.
    pub(super) fn inst(&mut self, inst: Inst, data: &InstData) {
        let state = self.states[inst.index()];
        match data.op {
            IrOp::Iconst | IrOp::Fconst | IrOp::SlotAddr | IrOp::DataAddr | IrOp::FuncAddr => {
                unreachable!("{} is made where it is used", data.op.row().name)
            }
            IrOp::ImportAddr => self.import_address(data),
            IrOp::Iadd => self.add(data),
            IrOp::Isub => self.sub(data),
            IrOp::Imul => self.mul(data),
            IrOp::Smulhi => self.binary(Op::Smulh, data),
            IrOp::Umulhi => self.binary(Op::Umulh, data),
            IrOp::Ineg => self.shifted_unary(Op::Neg, data),
            IrOp::Bnot => self.shifted_unary(Op::Mvn, data),
            IrOp::Band => self.bitwise(data, Op::And, Op::Bic, Op::AndImm),
            IrOp::Bor => self.bitwise(data, Op::Orr, Op::Orn, Op::OrrImm),
            IrOp::Bxor => self.bitwise(data, Op::Eor, Op::Eon, Op::EorImm),
            IrOp::Ishl | IrOp::Sshr | IrOp::Ushr | IrOp::Rotl => self.shift(data),
            IrOp::Sdiv | IrOp::Srem | IrOp::Udiv | IrOp::Urem => self.div(inst, data, state),
            IrOp::SaddOvf
            | IrOp::UaddOvf
            | IrOp::SsubOvf
            | IrOp::UsubOvf
            | IrOp::SmulOvf
            | IrOp::UmulOvf => self.with_overflow_flag(data, state),
            IrOp::Clz => self.unary(Op::Clz, data),
            IrOp::Ctz => {
                let (src, dst) = (self.vreg_of(data.args[0]), self.result(data.results[0]));
                let reversed = self.int();
                self.row(Op::Rbit, &[reversed, src], &[]);
                self.row(Op::Clz, &[dst, reversed], &[]);
            }
            IrOp::Popcnt => self.popcnt(data),
            IrOp::Bswap => self.unary(Op::Rev, data),
            IrOp::Sext8 => self.field(Op::Sbfm, data, 7),
            IrOp::Sext16 => self.field(Op::Sbfm, data, 15),
            IrOp::Sext32 => self.field(Op::Sbfm, data, 31),
            IrOp::Zext8 => self.field(Op::Ubfm, data, 7),
            IrOp::Zext16 => self.field(Op::Ubfm, data, 15),
            IrOp::Zext32 => self.field(Op::Ubfm, data, 31),
            IrOp::Icmp | IrOp::Fcmp => self.compare(data),
            IrOp::Select => self.select(Op::Csel, data),
            IrOp::Fselect => self.select(Op::Fcsel, data),
            IrOp::Fadd
            | IrOp::Fsub
            | IrOp::Fmul
            | IrOp::Fdiv
            | IrOp::Fneg
            | IrOp::Fabs
            | IrOp::Fcopysign
            | IrOp::Fsqrt
            | IrOp::Ffloor
            | IrOp::Fceil
            | IrOp::Ftrunc
            | IrOp::Fround32
            | IrOp::FfromS
            | IrOp::FfromU
            | IrOp::FtoS
            | IrOp::FtoU
            | IrOp::FtoBits
            | IrOp::FfromBits => self.float_inst(data),
            IrOp::Load => self.load(data),
            IrOp::Store => self.store(data),
            IrOp::Call | IrOp::CallImport | IrOp::CallIndirect => {
                self.call(data, state == State::Narrow);
            }
        }
    }

    pub(super) fn unary(&mut self, op: Op, data: &InstData) {
        let (src, dst) = (self.vreg_of(data.args[0]), self.result(data.results[0]));
        self.row(op, &[dst, src], &[]);
    }

    pub(super) fn binary(&mut self, op: Op, data: &InstData) {
        let (a, b) = (self.vreg_of(data.args[0]), self.vreg_of(data.args[1]));
        let dst = self.result(data.results[0]);
        self.row(op, &[dst, a, b], &[]);
    }

    fn shifted_unary(&mut self, op: Op, data: &InstData) {
        let (src, shift) = self.shifted_operand(data.args[0]);
        let dst = self.result(data.results[0]);
        self.row(op, &[dst, src], &[shift]);
    }

    /// The low bits up to and with `last`, extended.
    fn field(&mut self, op: Op, data: &InstData, last: i64) {
        let (src, dst) = (self.vreg_of(data.args[0]), self.result(data.results[0]));
        self.row(op, &[dst, src], &[0, last]);
    }

    /// The one instruction that wants `value` may do the work of the one that computes it: they are in the same block.
    fn sole_use(&self, value: Value, op: IrOp) -> Option<&InstData> {
        let (inst, data) = self.definition(value)?;
        let is_near = self.flow.place(inst).block == self.block.0;
        (data.op == op && is_near && self.uses(value) == 1).then_some(data)
    }

    /// A register and how far the instruction is to shift it to the left.
    fn shifted_operand(&mut self, value: Value) -> (VReg, i64) {
        let shift = self.sole_use(value, IrOp::Ishl).and_then(|data| {
            let count = self.constant(data.args[1])?;
            Some((data.args[0], count & 63))
        });
        match shift {
            Some((value, count)) => (self.vreg_of(value), count),
            None => (self.vreg_of(value), 0),
        }
    }

    /// The operands, a constant or else what can be taken into the instruction behind the other one.
    fn foldable_last(&self, data: &InstData, folds: impl Fn(Value) -> bool) -> (Value, Value) {
        let (a, b) = (data.args[0], data.args[1]);
        let is_constant = |v| self.constant(v).is_some();
        let swaps = !is_constant(b) && (is_constant(a) || (folds(a) && !folds(b)));
        if swaps { (b, a) } else { (a, b) }
    }

    fn is_shift(&self, value: Value) -> bool {
        let shift = self.sole_use(value, IrOp::Ishl);
        shift.is_some_and(|data| self.constant(data.args[1]).is_some())
    }

    fn add(&mut self, data: &InstData) {
        let dst = self.result(data.results[0]);
        let product = |v| self.sole_use(v, IrOp::Imul).is_some();
        let (a, b) = self.foldable_last(data, product);
        if let Some(mul) = self.sole_use(b, IrOp::Imul) {
            return self.multiply_and(Op::Madd, mul.args[0], mul.args[1], a, dst);
        }
        let (a, b) = self.foldable_last(data, |v| self.is_shift(v));
        if let Some(constant) = self.constant(b) {
            let a = self.vreg_of(a);
            return self.add_constant(dst, a, constant);
        }
        let a = self.vreg_of(a);
        let (b, shift) = self.shifted_operand(b);
        self.row(Op::Add, &[dst, a, b], &[shift]);
    }

    fn multiply_and(&mut self, op: Op, x: Value, y: Value, other: Value, dst: VReg) {
        let other = self.vreg_of(other);
        let (x, y) = (self.vreg_of(x), self.vreg_of(y));
        self.row(op, &[dst, x, y, other], &[]);
    }

    fn sub(&mut self, data: &InstData) {
        let dst = self.result(data.results[0]);
        let (a, b) = (data.args[0], data.args[1]);
        if let Some(mul) = self.sole_use(b, IrOp::Imul) {
            return self.multiply_and(Op::Msub, mul.args[0], mul.args[1], a, dst);
        }
        if let Some(constant) = self.constant(b) {
            let a = self.vreg_of(a);
            return self.add_constant(dst, a, constant.wrapping_neg());
        }
        let (b, shift) = self.shifted_operand(b);
        if self.constant(a) == Some(0) {
            return self.row(Op::Neg, &[dst, b], &[shift]);
        }
        let a = self.vreg_of(a);
        self.row(Op::Sub, &[dst, a, b], &[shift]);
    }

    fn mul(&mut self, data: &InstData) {
        let dst = self.result(data.results[0]);
        let (a, b) = self.foldable_last(data, |_| false);
        let a = self.vreg_of(a);
        match self.constant(b) {
            Some(constant) if constant > 0 && constant.count_ones() == 1 => {
                self.shift_left(dst, a, constant.trailing_zeros().into());
            }
            // One more than a power of two.
            Some(constant) if constant > 2 && (constant - 1).count_ones() == 1 => {
                let shift = (constant - 1).trailing_zeros().into();
                self.row(Op::Add, &[dst, a, a], &[shift]);
            }
            _ => {
                let b = self.vreg_of(b);
                self.row(Op::Mul, &[dst, a, b], &[]);
            }
        }
    }

    fn bitwise(&mut self, data: &InstData, op: Op, with_not: Op, imm: Op) {
        let dst = self.result(data.results[0]);
        let folds = |v| self.is_shift(v) || self.sole_use(v, IrOp::Bnot).is_some();
        let (a, b) = self.foldable_last(data, folds);
        let a = self.vreg_of(a);
        if let Some(mask) = self.constant(b)
            && Field::Mask.holds(mask)
        {
            return self.row(imm, &[dst, a], &[mask]);
        }
        if let Some(not) = self.sole_use(b, IrOp::Bnot) {
            let (b, shift) = self.shifted_operand(not.args[0]);
            return self.row(with_not, &[dst, a, b], &[shift]);
        }
        let (b, shift) = self.shifted_operand(b);
        self.row(op, &[dst, a, b], &[shift]);
    }

    fn shift_left(&mut self, dst: VReg, src: VReg, count: i64) {
        self.row(Op::Ubfm, &[dst, src], &[-count & 63, 63 - count]);
    }

    /// The machine takes counts modulo 64, too (Arm ARM, LSLV).
    fn shift(&mut self, data: &InstData) {
        let dst = self.result(data.results[0]);
        let src = self.vreg_of(data.args[0]);
        if let Some(count) = self.constant(data.args[1]) {
            let count = count & 63;
            return match data.op {
                IrOp::Ishl => self.shift_left(dst, src, count),
                IrOp::Sshr => self.row(Op::Sbfm, &[dst, src], &[count, 63]),
                IrOp::Ushr => self.row(Op::Ubfm, &[dst, src], &[count, 63]),
                _ => self.row(Op::Extr, &[dst, src, src], &[-count & 63]),
            };
        }
        let mut count = self.vreg_of(data.args[1]);
        let op = match data.op {
            IrOp::Ishl => Op::Lslv,
            IrOp::Sshr => Op::Asrv,
            IrOp::Ushr => Op::Lsrv,
            _ => {
                let left = std::mem::replace(&mut count, self.int());
                self.row(Op::Neg, &[count, left], &[0]);
                Op::Rorv
            }
        };
        self.row(op, &[dst, src, count], &[]);
    }

    fn popcnt(&mut self, data: &InstData) {
        let (src, dst) = (self.vreg_of(data.args[0]), self.result(data.results[0]));
        let (bytes, counts, sum) = (self.float(), self.float(), self.float());
        self.row(Op::FmovFromX, &[bytes, src], &[]);
        self.row(Op::Cnt, &[counts, bytes], &[]);
        self.row(Op::Addv, &[sum, counts], &[]);
        self.row(Op::FmovToW, &[dst, sum], &[]);
    }

    // Division.

    /// A remainder is what the quotient leaves. Both of the same operands are made by the earlier one.
    fn div(&mut self, inst: Inst, data: &InstData, state: State) {
        if state == State::Plain
            && let Some(earlier) = self.division_partner(inst, data)
        {
            self.states[earlier.index()] = State::Pair(inst);
            return;
        }
        let is_quotient = |op| matches!(op, IrOp::Sdiv | IrOp::Udiv);
        let mut quotient = None;
        let mut remainder = None;
        if self.vregs[data.results[0].index()].is_some() {
            let result = self.result(data.results[0]);
            if is_quotient(data.op) {
                quotient = Some(result);
            } else {
                remainder = Some(result);
            }
        }
        if let State::Pair(later) = state {
            let later = &self.func.insts[later.index()];
            let result = self.result(later.results[0]);
            if is_quotient(later.op) {
                quotient = Some(result);
            } else {
                remainder = Some(result);
            }
        }
        let quotient = quotient.unwrap_or_else(|| self.int());
        let (a, b) = (self.vreg_of(data.args[0]), self.vreg_of(data.args[1]));
        let op = match data.op {
            IrOp::Sdiv | IrOp::Srem => Op::Sdiv,
            _ => Op::Udiv,
        };
        self.row(op, &[quotient, a, b], &[]);
        if let Some(remainder) = remainder {
            self.row(Op::Msub, &[remainder, quotient, b, a], &[]);
        }
    }

    // Overflow.

    /// An overflow-checking operation, and its flag as a number where something but the branch behind it wants that.
    fn with_overflow_flag(&mut self, data: &InstData, state: State) {
        let wants_flag = state != State::FlagFused && self.vregs[data.results[1].index()].is_some();
        let dst = self.result(data.results[0]);
        match data.op {
            IrOp::SmulOvf | IrOp::UmulOvf => self.checked_mul(data, dst),
            IrOp::SaddOvf | IrOp::UaddOvf => {
                let (a, b) = self.foldable_last(data, |v| self.is_shift(v));
                self.checked_add(a, b, dst, true);
            }
            _ => self.checked_add(data.args[0], data.args[1], dst, false),
        }
        if wants_flag {
            let flag = self.result(data.results[1]);
            let cc = overflow_cc(data.op);
            self.row(Op::Cset, &[flag], &[cc.inverted() as i64]);
        }
    }

    fn checked_add(&mut self, a: Value, b: Value, dst: VReg, adds: bool) {
        let imm = self.constant(b).and_then(plus_or_minus);
        let a = self.vreg_of(a);
        if let Some((is_plus, imm)) = imm {
            let op = if adds == is_plus {
                Op::AddsImm
            } else {
                Op::SubsImm
            };
            return self.row(op, &[dst, a], &[imm]);
        }
        let (b, shift) = self.shifted_operand(b);
        let op = if adds { Op::Adds } else { Op::Subs };
        self.row(op, &[dst, a, b], &[shift]);
    }

    /// A product fits if its upper half is what the lower one's sign makes of it, or zero.
    fn checked_mul(&mut self, data: &InstData, dst: VReg) {
        let (a, b) = (self.vreg_of(data.args[0]), self.vreg_of(data.args[1]));
        let high = self.int();
        if data.op == IrOp::SmulOvf {
            self.row(Op::Smulh, &[high, a, b], &[]);
            self.row(Op::Mul, &[dst, a, b], &[]);
            self.row(Op::CmpAsr, &[high, dst], &[63]);
        } else {
            self.row(Op::Umulh, &[high, a, b], &[]);
            self.row(Op::Mul, &[dst, a, b], &[]);
            self.row(Op::CmpImm, &[high], &[0]);
        }
    }
}

/// The condition that holds behind an overflow-checking operation that overflows. A subtraction that borrows clears the carry.
pub(super) fn overflow_cc(op: IrOp) -> Cc {
    match op {
        IrOp::SaddOvf | IrOp::SsubOvf => Cc::Vs,
        IrOp::UaddOvf => Cc::Hs,
        IrOp::UsubOvf => Cc::Lo,
        _ => Cc::Ne,
    }
}
