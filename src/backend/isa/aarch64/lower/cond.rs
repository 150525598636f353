//! Comparisons, conditions, and what depends on them: flags stay flags on their way to a branch or a selection; comparisons with zero and
//! tests of one bit need none before a branch.

use super::super::inst::Cc;
use super::int::overflow_cc;
use super::{Cond, Field, InstData, IrOp, Lower, Op, Payload, State, VReg, Value, plus_or_minus};
use crate::backend::isa::lower::fuse::Comparison;
use crate::ir::op::{FloatCc, IntCc};

/// The condition code of an integer comparison.
fn int_cc(cc: IntCc) -> Cc {
    match cc {
        IntCc::Eq => Cc::Eq,
        IntCc::Ne => Cc::Ne,
        IntCc::Slt => Cc::Lt,
        IntCc::Sle => Cc::Le,
        IntCc::Sgt => Cc::Gt,
        IntCc::Sge => Cc::Ge,
        IntCc::Ult => Cc::Lo,
        IntCc::Ule => Cc::Ls,
        IntCc::Ugt => Cc::Hi,
        IntCc::Uge => Cc::Hs,
    }
}

/// The condition code of a float comparison: `fcmp` of what is unordered sets carry and overflow alone (Arm ARM, `FPCompare`).
fn float_cc(cc: FloatCc) -> Cc {
    match cc {
        FloatCc::Eq => Cc::Eq,
        FloatCc::Ne => Cc::Ne,
        FloatCc::Lt => Cc::Mi,
        FloatCc::Le => Cc::Ls,
        FloatCc::Gt => Cc::Gt,
        FloatCc::Ge => Cc::Ge,
    }
}

/// What a branch tests: a condition, and the register it is about if that is not the flags.
type Test = (Cond, Option<VReg>);

impl Lower<'_> {
    /// Has a branch test whether `value` is not 0, or has the overflow check before it set flags.
    pub(super) fn branch_condition(&mut self, value: Value) -> Test {
        if let Some(op) = self.fuse_overflow(value) {
            return (Cond::Flags(overflow_cc(op)), None);
        }
        self.test(value)
    }

    fn test(&mut self, value: Value) -> Test {
        match self.comparison(value) {
            Some(Comparison::Int(cc, a, b)) => return self.test_icmp(cc, a, b),
            Some(Comparison::Float(cc, a, b)) => {
                return (Cond::Flags(self.fcmp_flags(cc, a, b)), None);
            }
            None => {}
        }
        let value = self.flow.resolve(value);
        self.test_zero(IntCc::Ne, value)
            .unwrap_or_else(|| unreachable!("inequality has a test of its own"))
    }

    fn test_icmp(&mut self, cc: IntCc, a: Value, b: Value) -> Test {
        let (cc, a, b) = self.constant_right(cc, a, b);
        if self.constant(b) == Some(0) {
            match cc {
                IntCc::Ne if self.is_bool(a) => return self.test(a),
                IntCc::Eq if self.is_bool(a) => {
                    let (cond, tested) = self.test(a);
                    return (cond.inverted(), tested);
                }
                _ => {}
            }
            if let Some(test) = self.test_zero(cc, a) {
                return test;
            }
        }
        (Cond::Flags(self.icmp_flags(cc, a, b)), None)
    }

    /// Tests a comparison with 0 without flags, where that is possible.
    fn test_zero(&mut self, cc: IntCc, a: Value) -> Option<Test> {
        let cc = match cc {
            IntCc::Ugt => IntCc::Ne,
            IntCc::Ule => IntCc::Eq,
            cc => cc,
        };
        let is_equality = matches!(cc, IntCc::Eq | IntCc::Ne);
        if is_equality
            && let Some((_, data)) = self.definition(a)
            && data.op == IrOp::Band
            && self.uses(a) == 1
        {
            let (x, y) = (data.args[0], data.args[1]);
            let (x, y) = if self.constant(x).is_some() {
                (y, x)
            } else {
                (x, y)
            };
            let mask = self.constant(y).map(|mask| mask as u64);
            if let Some(mask) = mask.filter(|mask| mask.is_power_of_two()) {
                let bit = Cond::Set(mask.trailing_zeros() as u8);
                let cond = if cc == IntCc::Ne { bit } else { bit.inverted() };
                return Some((cond, Some(self.vreg_of(x))));
            }
            self.set_flags_of_and(x, y);
            return Some((Cond::Flags(int_cc(cc)), None));
        }
        let narrow = match cc {
            IntCc::Eq | IntCc::Ne | IntCc::Slt | IntCc::Sge => self.sole_int_result(a),
            _ => return None,
        };
        if let Some(call) = narrow {
            self.states[call.index()] = State::Narrow;
        }
        let wide = narrow.is_none();
        let sign = if wide { 63 } else { 31 };
        let cond = match cc {
            IntCc::Eq => Cond::Zero { wide },
            IntCc::Ne => Cond::NonZero { wide },
            IntCc::Slt => Cond::Set(sign),
            _ => Cond::Clear(sign),
        };
        Some((cond, Some(self.vreg_of(a))))
    }

    /// Sets flags, and says which condition on them holds where `value` is not 0.
    fn condition(&mut self, value: Value) -> Cc {
        match self.comparison(value) {
            Some(Comparison::Int(cc, a, b)) => self.icmp_flags(cc, a, b),
            Some(Comparison::Float(cc, a, b)) => self.fcmp_flags(cc, a, b),
            None => {
                let value = self.flow.resolve(value);
                self.flags_against_zero(IntCc::Ne, value)
            }
        }
    }

    fn icmp_flags(&mut self, cc: IntCc, a: Value, b: Value) -> Cc {
        let (cc, a, b) = self.constant_right(cc, a, b);
        if self.constant(b) == Some(0) {
            return match cc {
                IntCc::Ne if self.is_bool(a) => self.condition(a),
                IntCc::Eq if self.is_bool(a) => self.condition(a).inverted(),
                cc => self.flags_against_zero(cc, a),
            };
        }
        let imm = self.constant(b).and_then(plus_or_minus);
        let a = self.vreg_of(a);
        match imm {
            Some((true, imm)) => self.row(Op::CmpImm, &[a], &[imm]),
            Some((false, imm)) => self.row(Op::CmnImm, &[a], &[imm]),
            None => {
                let b = self.vreg_of(b);
                self.row(Op::Cmp, &[a, b], &[0]);
            }
        }
        int_cc(cc)
    }

    fn flags_against_zero(&mut self, cc: IntCc, a: Value) -> Cc {
        let is_equality = matches!(cc, IntCc::Eq | IntCc::Ne);
        if is_equality
            && let Some((_, data)) = self.definition(a)
            && data.op == IrOp::Band
            && self.uses(a) == 1
        {
            let (x, y) = (data.args[0], data.args[1]);
            self.set_flags_of_and(x, y);
        } else if let Some(call) = self.sole_int_result(a) {
            self.states[call.index()] = State::Narrow;
            let a = self.vreg_of(a);
            self.row(Op::CmpWImm, &[a], &[0]);
        } else {
            let a = self.vreg_of(a);
            self.row(Op::CmpImm, &[a], &[0]);
        }
        int_cc(cc)
    }

    /// Flags of `a & b`, for whether it is 0: the carry says nothing.
    fn set_flags_of_and(&mut self, a: Value, b: Value) {
        let (a, b) = if self.constant(a).is_some() {
            (b, a)
        } else {
            (a, b)
        };
        let a = self.vreg_of(a);
        match self.constant(b) {
            Some(mask) if Field::Mask.holds(mask) => self.row(Op::TstImm, &[a], &[mask]),
            _ => {
                let b = self.vreg_of(b);
                self.row(Op::Tst, &[a, b], &[0]);
            }
        }
    }

    fn fcmp_flags(&mut self, cc: FloatCc, a: Value, b: Value) -> Cc {
        let a = self.vreg_of(a);
        // Zeros of both signs are equal.
        if self
            .float_constant_bits(b)
            .is_some_and(|bits| bits << 1 == 0)
        {
            self.row(Op::FcmpZero, &[a], &[]);
        } else {
            let b = self.vreg_of(b);
            self.row(Op::Fcmp, &[a, b], &[]);
        }
        float_cc(cc)
    }

    /// A comparison as a number.
    pub(super) fn compare(&mut self, data: &InstData) {
        let dst = self.result(data.results[0]);
        let (a, b) = (data.args[0], data.args[1]);
        let cc = match data.payload {
            Payload::IntCc(cc) => self.icmp_flags(cc, a, b),
            Payload::FloatCc(cc) => self.fcmp_flags(cc, a, b),
            _ => unreachable!("comparisons have a condition"),
        };
        self.row(Op::Cset, &[dst], &[cc.inverted() as i64]);
    }

    /// Registers come before flags, which constants leave alone; but a call's result may be what is compared.
    pub(super) fn select(&mut self, op: Op, data: &InstData) {
        let (cond, then, other) = (data.args[0], data.args[1], data.args[2]);
        let dst = self.result(data.results[0]);
        match (self.constant(then), self.constant(other)) {
            (Some(1), Some(0)) => {
                let cc = self.condition(cond);
                return self.row(Op::Cset, &[dst], &[cc.inverted() as i64]);
            }
            (Some(0), Some(1)) => {
                let cc = self.condition(cond);
                return self.row(Op::Cset, &[dst], &[cc as i64]);
            }
            (_, Some(0)) => {
                let then = self.vreg_of(then);
                let cc = self.condition(cond);
                return self.row(Op::CselZero, &[dst, then], &[cc as i64]);
            }
            (Some(0), _) => {
                let other = self.vreg_of(other);
                let cc = self.condition(cond);
                return self.row(Op::CselZero, &[dst, other], &[cc.inverted() as i64]);
            }
            _ => {}
        }
        let (then, other) = (self.vreg_of(then), self.vreg_of(other));
        let cc = self.condition(cond);
        self.row(op, &[dst, then, other], &[cc as i64]);
    }
}
