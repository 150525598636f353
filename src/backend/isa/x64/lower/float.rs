//! Float operations, with SSE2 alone: rounding, sign manipulation and unsigned conversions are sequences, exact for every operand.

use super::{Cc, Inst64, InstData, IrOp, Lower, Op, VReg, def, tied};

/// `cmpsd` predicate "less than", false when unordered (SDM CMPSD).
const LT: i64 = 1;
/// From 2^52 on, every binary64 is an integer.
const TWO_52: f64 = 4_503_599_627_370_496.0;
const TWO_63: f64 = 9_223_372_036_854_775_808.0;
/// 2^84, whose fraction counts units of 2^32.
const TWO_84: f64 = 19_342_813_113_834_066_795_298_816.0;

impl Lower<'_> {
    pub(super) fn float_inst(&mut self, data: &InstData) {
        match data.op {
            IrOp::Fadd => self.float_commutative(Op::AddsdRM, data),
            IrOp::Fmul => self.float_commutative(Op::MulsdRM, data),
            IrOp::Fsub => self.float_binary(Op::SubsdRM, data),
            IrOp::Fdiv => self.float_binary(Op::DivsdRM, data),
            IrOp::Fneg => {
                let sign = self.sign_mask();
                self.bitwise(Op::XorpsRM, sign, data);
            }
            IrOp::Fabs => {
                let rest = self.magnitude_mask();
                self.bitwise(Op::AndpsRM, rest, data);
            }
            IrOp::Fcopysign => {
                let (a, b) = (self.vreg_of(data.args[0]), self.vreg_of(data.args[1]));
                let dst = self.result(data.results[0]);
                self.copy_sign(a, b, dst);
            }
            IrOp::Fsqrt => {
                let (src, dst) = (self.vreg_of(data.args[0]), self.result(data.results[0]));
                self.row(Op::SqrtsdRM, &[src, dst], &src.into());
            }
            IrOp::Ffloor => self.round(data, Rounding::Down),
            IrOp::Fceil => self.round(data, Rounding::Up),
            IrOp::Ftrunc => self.round(data, Rounding::ToZero),
            IrOp::Fround32 => {
                let (src, dst) = (self.vreg_of(data.args[0]), self.result(data.results[0]));
                let single = self.round_to_single(src);
                self.row(Op::Cvtss2sdRM, &[single, dst], &single.into());
            }
            IrOp::FfromS => {
                let src = self.rm64(data.args[0]);
                let zero = self.float_zero();
                let dst = self.result(data.results[0]);
                self.row(Op::Cvtsi2sdRM, &[zero, dst], &src);
            }
            IrOp::FfromU => self.unsigned_to_float(data),
            IrOp::FtoS => {
                let src = self.xm64(data.args[0]);
                let dst = self.result(data.results[0]);
                self.row(Op::Cvttsd2siRM, &[dst], &src);
            }
            IrOp::FtoU => self.float_to_unsigned(data),
            IrOp::FtoBits => {
                let (src, dst) = (self.vreg_of(data.args[0]), self.result(data.results[0]));
                self.row(Op::MovqMR, &[src], &dst.into());
            }
            IrOp::FfromBits => {
                let (src, dst) = (self.vreg_of(data.args[0]), self.result(data.results[0]));
                self.row(Op::MovqRM, &[dst], &src.into());
            }
            _ => unreachable!("{} is no float operation", data.op.row().name),
        }
    }

    pub(super) fn set_fconst(&mut self, dst: VReg, bits: u64) {
        if bits == 0 {
            return self.out.push(Inst64::FloatZero, &[def(dst)], None);
        }
        let int = self.iconst(bits as i64);
        self.row(Op::MovqRM, &[dst], &int.into());
    }

    fn float_zero(&mut self) -> VReg {
        let dst = self.float();
        self.out.push(Inst64::FloatZero, &[def(dst)], None);
        dst
    }

    fn float_ones(&mut self) -> VReg {
        let dst = self.float();
        self.out.push(Inst64::FloatOnes, &[def(dst)], None);
        dst
    }

    fn sign_mask(&mut self) -> VReg {
        let (ones, dst) = (self.float_ones(), self.float());
        self.row_imm(Op::PsllqMI, &[], &tied(ones, dst), 63);
        dst
    }

    fn magnitude_mask(&mut self) -> VReg {
        let (ones, dst) = (self.float_ones(), self.float());
        self.row_imm(Op::PsrlqMI, &[], &tied(ones, dst), 1);
        dst
    }

    fn float_binary(&mut self, op: Op, data: &InstData) {
        let a = self.vreg_of(data.args[0]);
        let b = self.xm64(data.args[1]);
        let dst = self.result(data.results[0]);
        self.row(op, &[a, dst], &b);
    }

    /// The operand that is loaded, or else the one that lives on, comes second.
    fn float_commutative(&mut self, op: Op, data: &InstData) {
        let (a, b) = (data.args[0], data.args[1]);
        let b_loads = self.foldable_load(b).is_some();
        let a_loads = self.foldable_load(a).is_some();
        let is_swapped = !b_loads && (a_loads || (!self.dies(a) && self.dies(b)));
        let (a, b) = if is_swapped { (b, a) } else { (a, b) };
        let a = self.vreg_of(a);
        let b = self.xm64(b);
        let dst = self.result(data.results[0]);
        self.row(op, &[a, dst], &b);
    }

    fn bitwise(&mut self, op: Op, mask: VReg, data: &InstData) {
        let src = self.vreg_of(data.args[0]);
        let dst = self.result(data.results[0]);
        self.row(op, &[mask, dst], &src.into());
    }

    fn float_op(&mut self, op: Op, a: VReg, b: VReg) -> VReg {
        let dst = self.float();
        self.row(op, &[a, dst], &b.into());
        dst
    }

    fn compare_mask(&mut self, a: VReg, b: VReg) -> VReg {
        let dst = self.float();
        self.row_full(Op::CmpsdRMI, &[a, dst], &b.into(), &[], LT, Cc::O);
        dst
    }

    fn copy_sign(&mut self, magnitude: VReg, sign: VReg, dst: VReg) {
        let mask = self.sign_mask();
        let sign = self.float_op(Op::AndpsRM, sign, mask);
        // `andnps` inverts the operand that it overwrites.
        let rest = self.float_op(Op::AndnpsRM, mask, magnitude);
        self.row(Op::OrpsRM, &[rest, dst], &sign.into());
    }

    pub(super) fn round_to_single(&mut self, src: VReg) -> VReg {
        self.float_op(Op::Cvtsd2ssRM, src, src)
    }

    /// Towards zero by way of an integer, then one step where that went the wrong way, with the operand's sign (so -0.0 and -0.5 do right).
    /// What has no fraction, and NaN, fails the test against 2^52 and stays as it is.
    fn round(&mut self, data: &InstData, rounding: Rounding) {
        let src = self.vreg_of(data.args[0]);
        let int = self.int();
        self.row(Op::Cvttsd2siRM, &[int], &src.into());
        let zero = self.float_zero();
        let truncated = self.float();
        self.row(Op::Cvtsi2sdRM, &[zero, truncated], &int.into());
        let whole = match rounding {
            Rounding::ToZero => truncated,
            Rounding::Down => {
                let one = self.float_constant(1f64.to_bits());
                let is_above = self.compare_mask(src, truncated);
                let step = self.float_op(Op::AndpsRM, is_above, one);
                self.float_op(Op::SubsdRM, truncated, step)
            }
            Rounding::Up => {
                let one = self.float_constant(1f64.to_bits());
                let is_below = self.compare_mask(truncated, src);
                let step = self.float_op(Op::AndpsRM, is_below, one);
                self.float_op(Op::AddsdRM, truncated, step)
            }
        };
        let signed = self.float();
        self.copy_sign(whole, src, signed);

        let magnitude_mask = self.magnitude_mask();
        let magnitude = self.float_op(Op::AndpsRM, magnitude_mask, src);
        let limit = self.float_constant(TWO_52.to_bits());
        let has_fraction = self.compare_mask(magnitude, limit);
        let rounded = self.float_op(Op::AndpsRM, signed, has_fraction);
        let kept = self.float_op(Op::AndnpsRM, has_fraction, src);
        let dst = self.result(data.results[0]);
        self.row(Op::OrpsRM, &[kept, dst], &rounded.into());
    }

    /// Both halves become fractions of floats with a known exponent; taking 2^84 + 2^52 from the upper one is exact, so the final addition
    /// rounds once.
    fn unsigned_to_float(&mut self, data: &InstData) {
        let src = self.vreg_of(data.args[0]);
        let low = self.int();
        self.row(Op::Mov32RM, &[low], &src.into());
        let low_exponent = self.int_constant(TWO_52.to_bits() as i64);
        let low = self.binary(Op::OrRM, low, low_exponent);
        let high = self.shift_by(Op::ShrMI, src, 32);
        let high_exponent = self.int_constant(TWO_84.to_bits() as i64);
        let high = self.binary(Op::OrRM, high, high_exponent);
        let (low_float, high_float) = (self.float(), self.float());
        self.row(Op::MovqRM, &[low_float], &low.into());
        self.row(Op::MovqRM, &[high_float], &high.into());
        let exponents = self.float_constant((TWO_84 + TWO_52).to_bits());
        let high_float = self.float_op(Op::SubsdRM, high_float, exponents);
        let dst = self.result(data.results[0]);
        self.row(Op::AddsdRM, &[high_float, dst], &low_float.into());
    }

    /// `cvttsd2si` gives 2^63 for what does not fit: its sign then lets the bits of the operand less 2^63 through.
    fn float_to_unsigned(&mut self, data: &InstData) {
        let src = self.vreg_of(data.args[0]);
        let (small, large) = (self.int(), self.int());
        self.row(Op::Cvttsd2siRM, &[small], &src.into());
        let limit = self.float_constant(TWO_63.to_bits());
        let rest = self.float_op(Op::SubsdRM, src, limit);
        self.row(Op::Cvttsd2siRM, &[large], &rest.into());
        let is_large = self.shift_by(Op::SarMI, small, 63);
        let large = self.binary(Op::AndRM, large, is_large);
        let dst = self.result(data.results[0]);
        self.row(Op::OrRM, &[small, dst], &large.into());
    }
}

#[derive(Clone, Copy, Debug)]
enum Rounding {
    Down,
    Up,
    ToZero,
}
