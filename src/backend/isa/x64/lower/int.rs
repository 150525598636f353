//! Integer operations. The match over all operations of the IR is here.

use super::cond::{PreparedOp, short};
use super::{
    Base, Cc, Inst, InstData, IrOp, Lower, Op, Rm, RmShape, State, VReg, Value, no_rm, tied,
};
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
            IrOp::Smulhi => self.wide_mul(Op::ImulM, data),
            IrOp::Umulhi => self.wide_mul(Op::MulM, data),
            IrOp::Ineg => self.unary(Op::NegM, data),
            IrOp::Bnot => self.unary(Op::NotM, data),
            IrOp::Band => self.and(data),
            IrOp::Bor => self.commutative(data, Op::OrRM, Op::OrMI8, Op::OrMI),
            IrOp::Bxor => self.commutative(data, Op::XorRM, Op::XorMI8, Op::XorMI),
            IrOp::Ishl => self.shift(data, Op::ShlMI, Op::ShlMC),
            IrOp::Sshr => self.shift(data, Op::SarMI, Op::SarMC),
            IrOp::Ushr => self.shift(data, Op::ShrMI, Op::ShrMC),
            IrOp::Rotl => self.shift(data, Op::RolMI, Op::RolMC),
            IrOp::Sdiv | IrOp::Srem | IrOp::Udiv | IrOp::Urem => self.div(inst, data, state),
            IrOp::SaddOvf | IrOp::UaddOvf => self.with_overflow_flag(data, state, |lower| {
                lower.prepare_commutative(data, Op::AddRM, Op::AddMI8, Op::AddMI)
            }),
            IrOp::SsubOvf | IrOp::UsubOvf => {
                self.with_overflow_flag(data, state, |lower| lower.prepare_sub(data));
            }
            IrOp::SmulOvf => {
                self.with_overflow_flag(data, state, |lower| lower.prepare_mul(data));
            }
            IrOp::UmulOvf => {
                self.with_overflow_flag(data, state, |lower| {
                    lower.prepare_wide_mul(Op::MulM, data, false)
                });
            }
            IrOp::Clz => self.clz(data),
            IrOp::Ctz => self.ctz(data),
            IrOp::Popcnt => self.popcnt(data),
            IrOp::Bswap => {
                let (src, dst) = (self.vreg_of(data.args[0]), self.result(data.results[0]));
                self.row(Op::BswapO, &[src, dst], &no_rm());
            }
            IrOp::Sext8 => self.extend(Op::MovsxRM8, data),
            IrOp::Sext16 => self.extend(Op::MovsxRM16, data),
            IrOp::Sext32 => self.extend(Op::MovsxdRM, data),
            IrOp::Zext8 => self.extend(Op::MovzxRM8, data),
            IrOp::Zext16 => self.extend(Op::MovzxRM16, data),
            IrOp::Zext32 => self.extend(Op::Mov32RM, data),
            IrOp::Icmp | IrOp::Fcmp => self.compare(data),
            IrOp::Select => self.select(data),
            IrOp::Fselect => self.fselect(data),
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

    /// `lea` where the sum has three parts or both operands live on, else `add`.
    fn add(&mut self, data: &InstData) {
        let (a, b) = (data.args[0], data.args[1]);
        let dst = self.result(data.results[0]);
        if let Some(imm) = self.imm32(b).or_else(|| self.imm32(a)) {
            let a = if self.imm32(b).is_some() { a } else { b };
            if self.foldable_load(a).is_none() {
                let place = self.address(a, imm);
                return self.lea_or_mov(dst, &place);
            }
        }
        let is_load = |lower: &Self, v| lower.foldable_load(v).is_some();
        let is_big = |lower: &Self, v| lower.constant(v).is_some();
        if is_load(self, a) || is_load(self, b) || is_big(self, a) || is_big(self, b) {
            let op = self.prepare_commutative(data, Op::AddRM, Op::AddMI8, Op::AddMI);
            return self.push_prepared(op);
        }
        let place = self.sum(a, b, 0);
        let is_plain_sum = matches!(
            place.shape,
            RmShape::Mem {
                base: Base::Reg,
                index: Some(0),
                disp: 0
            }
        );
        let dies = |v| self.uses(v) == 1;
        if is_plain_sum && (dies(a) || dies(b)) {
            let (from, with) = if dies(a) {
                (place.regs[0], place.regs[1])
            } else {
                (place.regs[1], place.regs[0])
            };
            return self.row(Op::AddRM, &[from, dst], &with.into());
        }
        self.lea_or_mov(dst, &place);
    }

    fn lea_or_mov(&mut self, dst: VReg, place: &Rm) {
        let is_register = matches!(
            place.shape,
            RmShape::Mem {
                base: Base::Reg,
                index: None,
                disp: 0
            }
        );
        if is_register {
            self.row(Op::MovRM, &[dst], &place.regs[0].into());
        } else {
            self.row(Op::LeaRM, &[dst], place);
        }
    }

    fn sub(&mut self, data: &InstData) {
        if let Some(imm) = self.imm32(data.args[1])
            && let Some(disp) = imm.checked_neg()
            && self.foldable_load(data.args[0]).is_none()
        {
            let dst = self.result(data.results[0]);
            let place = self.place_of(self.flow.resolve(data.args[0]), disp);
            return self.lea_or_mov(dst, &place);
        }
        if self.constant(data.args[0]) == Some(0) {
            let (src, dst) = (self.vreg_of(data.args[1]), self.result(data.results[0]));
            return self.row(Op::NegM, &[], &tied(src, dst));
        }
        let op = self.prepare_sub(data);
        self.push_prepared(op);
    }

    fn prepare_sub(&mut self, data: &InstData) -> PreparedOp {
        let dst = self.result(data.results[0]);
        let a = self.vreg_of(data.args[0]);
        if let Some(imm) = self.imm32(data.args[1]) {
            let op = short(imm, Op::SubMI8, Op::SubMI);
            return PreparedOp::imm(op, tied(a, dst), imm.into());
        }
        let b = self.rm64(data.args[1]);
        PreparedOp::new(Op::SubRM, &[a, dst], b)
    }

    fn mul(&mut self, data: &InstData) {
        let (a, b) = (data.args[0], data.args[1]);
        let constant = self.constant(b).map(|c| (a, c));
        let constant = constant.or_else(|| self.constant(a).map(|c| (b, c)));
        if let Some((value, constant)) = constant {
            let dst = self.result(data.results[0]);
            if constant > 0 && constant.count_ones() == 1 {
                let src = self.vreg_of(value);
                let count = constant.trailing_zeros().into();
                return self.row_imm(Op::ShlMI, &[], &tied(src, dst), count);
            }
            if self.foldable_load(value).is_none() && self.mul_by_shift(value, constant, dst) {
                return;
            }
        }
        let op = self.prepare_mul(data);
        self.push_prepared(op);
    }

    /// A product that is a shift and a sum, where `imul` takes three cycles: by 3, 5, 9, and by neighbours of powers of two. A scaled `lea` takes
    /// one cycle or two, so that two of them are no gain.
    fn mul_by_shift(&mut self, value: Value, by: i64, dst: VReg) -> bool {
        let x = self.vreg_of(value);
        let sum = |base: VReg, index: VReg, shift| Rm {
            shape: RmShape::Mem {
                base: Base::Reg,
                index: Some(shift),
                disp: 0,
            },
            regs: [base, index].as_slice().into(),
        };
        if let Some(shift) = [3, 5, 9].iter().position(|&scale| scale == by) {
            self.row(Op::LeaRM, &[dst], &sum(x, x, shift as u8 + 1));
            return true;
        }
        let power = |by: i64| by > 2 && by.count_ones() == 1;
        let (above, below) = (by.wrapping_sub(1), by.wrapping_add(1));
        if !power(above) && !power(below) {
            return false;
        }
        let shifted = self.int();
        let count = if power(above) { above } else { below }.trailing_zeros();
        self.row_imm(Op::ShlMI, &[], &tied(x, shifted), count.into());
        if power(above) {
            self.row(Op::LeaRM, &[dst], &sum(x, shifted, 0));
        } else {
            self.row(Op::SubRM, &[shifted, dst], &x.into());
        }
        true
    }

    fn prepare_mul(&mut self, data: &InstData) -> PreparedOp {
        let dst = self.result(data.results[0]);
        let (a, b) = self.constant_last(data);
        if let Some(imm) = self.imm32(b) {
            let op = short(imm, Op::ImulRMI8, Op::ImulRMI);
            let a = self.rm64(a);
            return PreparedOp {
                imm: imm.into(),
                ..PreparedOp::new(op, &[dst], a)
            };
        }
        let a = self.vreg_of(a);
        let b = self.rm64(b);
        PreparedOp::new(Op::ImulRM, &[a, dst], b)
    }

    /// The operands, a constant or a load behind the other one.
    fn constant_last(&self, data: &InstData) -> (Value, Value) {
        let (a, b) = (data.args[0], data.args[1]);
        let a_first = self.constant(b).is_some()
            || (self.constant(a).is_none()
                && (self.foldable_load(b).is_some() || self.foldable_load(a).is_none()));
        if a_first { (a, b) } else { (b, a) }
    }

    /// Half of a 128-bit product. `wants_high` is for callers that have no flag to look at.
    fn prepare_wide_mul(&mut self, op: Op, data: &InstData, wants_high: bool) -> PreparedOp {
        let result = self.result(data.results[0]);
        let other = self.int();
        let (low, high) = if wants_high {
            (other, result)
        } else {
            (result, other)
        };
        let (a, b) = self.constant_last(data);
        let a = self.vreg_of(a);
        let b = self.rm64(b);
        PreparedOp {
            fixed: [a, low, high].as_slice().into(),
            ..PreparedOp::new(op, &[], b)
        }
    }

    fn wide_mul(&mut self, op: Op, data: &InstData) {
        let op = self.prepare_wide_mul(op, data, true);
        self.push_prepared(op);
    }

    fn push_prepared(&mut self, op: PreparedOp) {
        self.row_full(op.op, &op.reg, &op.rm, &op.fixed, op.imm, Cc::O);
    }

    fn unary(&mut self, op: Op, data: &InstData) {
        let (src, dst) = (self.vreg_of(data.args[0]), self.result(data.results[0]));
        self.row(op, &[], &tied(src, dst));
    }

    fn and(&mut self, data: &InstData) {
        let (a, b) = self.constant_last(data);
        let extension = match self.constant(b) {
            Some(0xff) => Some(Op::MovzxRM8),
            Some(0xffff) => Some(Op::MovzxRM16),
            Some(0xffff_ffff) => Some(Op::Mov32RM),
            _ => None,
        };
        if let Some(op) = extension {
            let (src, dst) = (self.vreg_of(a), self.result(data.results[0]));
            return self.row(op, &[dst], &src.into());
        }
        // A mask without bit 31 clears the upper half just as the 32-bit form does.
        if let Some(mask @ 0..) = self.imm32(b) {
            let (src, dst) = (self.vreg_of(a), self.result(data.results[0]));
            let op = short(mask, Op::And32MI8, Op::And32MI);
            return self.row_imm(op, &[], &tied(src, dst), mask.into());
        }
        self.commutative(data, Op::AndRM, Op::AndMI8, Op::AndMI);
    }

    fn commutative(&mut self, data: &InstData, rm: Op, imm8: Op, imm32: Op) {
        let op = self.prepare_commutative(data, rm, imm8, imm32);
        self.push_prepared(op);
    }

    fn prepare_commutative(&mut self, data: &InstData, rm: Op, imm8: Op, imm32: Op) -> PreparedOp {
        let dst = self.result(data.results[0]);
        let (a, b) = self.constant_last(data);
        if let Some(imm) = self.imm32(b) {
            let a = self.vreg_of(a);
            return PreparedOp::imm(short(imm, imm8, imm32), tied(a, dst), imm.into());
        }
        // The operand that dies here is the one to be overwritten.
        let (a, b) = if self.foldable_load(b).is_none() && !self.dies(a) && self.dies(b) {
            (b, a)
        } else {
            (a, b)
        };
        let a = self.vreg_of(a);
        let b = self.rm64(b);
        PreparedOp::new(rm, &[a, dst], b)
    }

    /// The machine takes counts modulo 64, too (SDM SAL/SAR/SHL/SHR).
    fn shift(&mut self, data: &InstData, imm: Op, variable: Op) {
        let dst = self.result(data.results[0]);
        let src = self.vreg_of(data.args[0]);
        if let Some(count) = self.constant(data.args[1]) {
            let rm = tied(src, dst);
            return self.row_imm(imm, &[], &rm, count & 63);
        }
        let count = self.vreg_of(data.args[1]);
        self.row_fixed(variable, &tied(src, dst), &[count]);
    }

    // Division.

    /// Quotient and remainder of the same operands come from one instruction: the earlier of the two is made, for both.
    fn div(&mut self, inst: Inst, data: &InstData, state: State) {
        if state == State::Plain
            && let Some(earlier) = self.division_partner(inst, data)
        {
            self.states[earlier.index()] = State::Pair(inst);
            return;
        }
        let mut quotient = None;
        let mut remainder = None;
        let mut note = |op: IrOp, result: VReg| match op {
            IrOp::Sdiv | IrOp::Udiv => quotient = Some(result),
            _ => remainder = Some(result),
        };
        if self.vregs[data.results[0].index()].is_some() {
            note(data.op, self.result(data.results[0]));
        }
        if let State::Pair(later) = state {
            let later = &self.func.insts[later.index()];
            note(later.op, self.result(later.results[0]));
        }
        let quotient = quotient.unwrap_or_else(|| self.int());
        let remainder = remainder.unwrap_or_else(|| self.int());
        let low = self.vreg_of(data.args[0]);
        let divisor = self.vreg_of(data.args[1]);
        if matches!(data.op, IrOp::Sdiv | IrOp::Srem) {
            let high = self.int();
            self.row_fixed(Op::Cqo, &no_rm(), &[low, high]);
            let fixed = [low, quotient, high, remainder];
            self.row_fixed(Op::IdivM, &divisor.into(), &fixed);
        } else {
            let high = self.zeroed();
            let fixed = [low, quotient, high, remainder];
            self.row_fixed(Op::DivM, &divisor.into(), &fixed);
        }
    }

    // Bits.

    /// `bsr` gives the number of the highest bit and leaves its result undefined for 0 (SDM BSR): 127 takes its place, which `xor` 63 turns
    /// into 64.
    fn clz(&mut self, data: &InstData) {
        let dst = self.result(data.results[0]);
        let src = self.vreg_of(data.args[0]);
        let (found, none, number) = (self.int(), self.int(), self.int());
        self.row(Op::BsrRM, &[found], &src.into());
        self.set_const_keeping_flags(none, 127);
        self.cmov(Cc::E, found, number, none);
        self.row_imm(Op::XorMI8, &[], &tied(number, dst), 63);
    }

    fn ctz(&mut self, data: &InstData) {
        let dst = self.result(data.results[0]);
        let src = self.vreg_of(data.args[0]);
        let (found, none) = (self.int(), self.int());
        self.row(Op::BsfRM, &[found], &src.into());
        self.set_const_keeping_flags(none, 64);
        self.cmov(Cc::E, found, dst, none);
    }

    /// Sums of 2, 4 and 8 bits side by side, then all bytes added up in the highest one by a multiplication.
    fn popcnt(&mut self, data: &InstData) {
        let src = self.vreg_of(data.args[0]);
        let pairs_mask = self.iconst(0x5555_5555_5555_5555);
        let odd = self.shift_by(Op::ShrMI, src, 1);
        let odd = self.binary(Op::AndRM, odd, pairs_mask);
        let pairs = self.binary(Op::SubRM, src, odd);

        let nibbles_mask = self.iconst(0x3333_3333_3333_3333);
        let low = self.binary(Op::AndRM, pairs, nibbles_mask);
        let high = self.shift_by(Op::ShrMI, pairs, 2);
        let high = self.binary(Op::AndRM, high, nibbles_mask);
        let nibbles = self.binary(Op::AddRM, high, low);

        let bytes_mask = self.iconst(0x0f0f_0f0f_0f0f_0f0f);
        let high = self.shift_by(Op::ShrMI, nibbles, 4);
        let bytes = self.binary(Op::AddRM, high, nibbles);
        let bytes = self.binary(Op::AndRM, bytes, bytes_mask);
        let ones = self.iconst(0x0101_0101_0101_0101);
        let sum = self.binary(Op::ImulRM, bytes, ones);
        let dst = self.result(data.results[0]);
        self.row_imm(Op::ShrMI, &[], &tied(sum, dst), 56);
    }

    pub(super) fn shift_by(&mut self, op: Op, src: VReg, count: i64) -> VReg {
        let dst = self.int();
        self.row_imm(op, &[], &tied(src, dst), count);
        dst
    }

    pub(super) fn binary(&mut self, op: Op, a: VReg, b: VReg) -> VReg {
        let dst = self.int();
        self.row(op, &[a, dst], &b.into());
        dst
    }

    fn extend(&mut self, op: Op, data: &InstData) {
        let (src, dst) = (self.vreg_of(data.args[0]), self.result(data.results[0]));
        self.row(op, &[dst], &src.into());
    }
}
