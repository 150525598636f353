//! Division of integers with Python's signs: the quotient is rounded down, the remainder has the divisor's sign.
//!
//! No zero divisor, and no least integer over -1, ever reaches a divide instruction. Constant divisors stand
//! there as divisions of numbers without sign, which `ir::opt` makes multiplications of.

use super::super::runtime::arith;
use super::super::runtime::raise::Repeat;
use super::lower::{Failure, Lower};
use crate::frontend::lang::typed::{Expr, Rule, Ty};
use crate::ir::func::Value;
use crate::ir::op::{IntCc, Op, Type};

/// Which results are wanted, and whose error is raised for a zero divisor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Quotient,
    Rest,
    Both,
}

impl Wanted {
    fn zero(self) -> Failure {
        Failure::Repeat(match self {
            Wanted::Quotient => Repeat::IntFloorDiv,
            Wanted::Rest => Repeat::IntMod,
            Wanted::Both => Repeat::IntDivmod,
        })
    }

    fn text(self) -> &'static str {
        match self {
            Wanted::Quotient | Wanted::Rest => "//",
            Wanted::Both => "divmod",
        }
    }
}

impl Lower<'_, '_> {
    pub fn floor_div(
        &mut self,
        ty: Ty,
        rule: Rule,
        values: (Value, Value),
        constant: Option<i128>,
    ) -> Value {
        self.divide(ty, rule, values, constant, Wanted::Quotient).0
    }

    pub fn modulo(&mut self, ty: Ty, values: (Value, Value), constant: Option<i128>) -> Value {
        self.divide(ty, Rule::Wrap, values, constant, Wanted::Rest)
            .1
    }

    pub fn int_divmod(
        &mut self,
        ty: Ty,
        rule: Rule,
        values: (Value, Value),
        constant: Option<i128>,
    ) -> (Value, Value) {
        self.divide(ty, rule, values, constant, Wanted::Both)
    }

    /// Quotient and remainder; one that is not wanted may be anything.
    fn divide(
        &mut self,
        ty: Ty,
        rule: Rule,
        (a, b): (Value, Value),
        constant: Option<i128>,
        wanted: Wanted,
    ) -> (Value, Value) {
        match (ty, constant) {
            (Ty::U64, Some(1..)) => self.divide_by_unsigned(a, constant.unwrap_or(1) as u64),
            (Ty::U64, _) => {
                let zero = self.b.icmp_imm(IntCc::Eq, b, 0);
                self.fail_if(zero, wanted.zero());
                self.unsigned_pair(a, b, wanted)
            }
            (_, Some(1..)) => self.divide_by_positive(a, constant.unwrap_or(1) as i64),
            (_, Some(-1)) => (self.minus(a, rule, wanted), self.b.iconst(0)),
            (_, Some(i128::MIN..-1)) => self.signed_pair(a, b, wanted),
            (_, Some(0)) => {
                let always = self.b.iconst(1);
                self.fail_if(always, wanted.zero());
                (a, a)
            }
            (_, None) => self.divide_by_any(rule, (a, b), wanted),
        }
    }

    fn unsigned_pair(&mut self, a: Value, b: Value, wanted: Wanted) -> (Value, Value) {
        match wanted {
            Wanted::Quotient => (self.op2(Op::Udiv, a, b), a),
            Wanted::Rest => (a, self.op2(Op::Urem, a, b)),
            Wanted::Both => {
                let quotient = self.op2(Op::Udiv, a, b);
                let whole = self.op2(Op::Imul, quotient, b);
                (quotient, self.op2(Op::Isub, a, whole))
            }
        }
    }

    /// `a // -1`
    fn minus(&mut self, a: Value, rule: Rule, wanted: Wanted) -> Value {
        match (wanted, rule) {
            (Wanted::Rest, _) => a,
            (_, Rule::Wrap) => self.op1(Op::Ineg, a),
            (_, Rule::Raise) => {
                let zero = self.b.iconst(0);
                self.checked(Op::SsubOvf, (wanted.text(), Ty::I64), zero, a)
            }
        }
    }

    /// Signed division; one test sends the divisors 0 and -1 off the usual path.
    fn divide_by_any(
        &mut self,
        rule: Rule,
        (a, b): (Value, Value),
        wanted: Wanted,
    ) -> (Value, Value) {
        let join = self.b.block_like_current();
        let quotient = self.b.param(join, Type::I64);
        let rest = self.b.param(join, Type::I64);
        let (usual, special) = (self.b.block_like_current(), self.b.cold_block());
        let next = self.op2_imm(Op::Iadd, b, 1);
        let is_special = self.b.icmp_imm(IntCc::Ule, next, 1);
        self.b.br(is_special, special, &[], usual, &[]);
        self.b.seal_and_switch_to(usual);
        let (q, r) = self.signed_pair(a, b, wanted);
        self.b.jump(join, &[q, r]);

        self.b.seal_and_switch_to(special);
        self.fail_unless(b, wanted.zero());
        let q = self.minus(a, rule, wanted);
        let r = self.b.iconst(0);
        self.b.jump(join, &[q, r]);
        self.b.seal_and_switch_to(join);
        (quotient, rest)
    }

    /// Signed division by neither 0 nor -1: rounded towards zero by the machine, then corrected where the signs differ and a rest is left.
    fn signed_pair(&mut self, a: Value, b: Value, wanted: Wanted) -> (Value, Value) {
        let (quotient, rest) = if wanted == Wanted::Rest {
            (a, self.op2(Op::Srem, a, b))
        } else {
            let quotient = self.op2(Op::Sdiv, a, b);
            let whole = self.op2(Op::Imul, quotient, b);
            (quotient, self.op2(Op::Isub, a, whole))
        };
        let signs = self.op2(Op::Bxor, rest, b);
        let differ = self.b.icmp_imm(IntCc::Slt, signs, 0);
        let inexact = self.b.icmp_imm(IntCc::Ne, rest, 0);
        let correct = self.op2(Op::Band, inexact, differ);
        let quotient = self.op2(Op::Isub, quotient, correct);
        let zero = self.b.iconst(0);
        let add = self.select(differ, b, zero);
        let add = self.select(rest, add, zero);
        (quotient, self.op2(Op::Iadd, rest, add))
    }

    /// Signed division by a positive constant.
    fn divide_by_positive(&mut self, a: Value, by: i64) -> (Value, Value) {
        if by & (by - 1) == 0 {
            // Shifts and masks round down by themselves.
            let shift = i64::from(by.trailing_zeros());
            return (
                self.op2_imm(Op::Sshr, a, shift),
                self.op2_imm(Op::Band, a, by - 1),
            );
        }
        // Below zero, a // d is ~(~a // d).
        let sign = self.op2_imm(Op::Sshr, a, 63);
        let folded = self.op2(Op::Bxor, a, sign);
        let quotient = self.op2_imm(Op::Udiv, folded, by);
        let quotient = self.op2(Op::Bxor, quotient, sign);
        let whole = self.op2_imm(Op::Imul, quotient, by);
        (quotient, self.op2(Op::Isub, a, whole))
    }

    /// Unsigned division by a constant other than 0.
    fn divide_by_unsigned(&mut self, a: Value, by: u64) -> (Value, Value) {
        if by.is_power_of_two() {
            return (
                self.op2_imm(Op::Ushr, a, i64::from(by.trailing_zeros())),
                self.op2_imm(Op::Band, a, (by - 1) as i64),
            );
        }
        let quotient = self.op2_imm(Op::Udiv, a, by as i64);
        let whole = self.op2_imm(Op::Imul, quotient, by as i64);
        (quotient, self.op2(Op::Isub, a, whole))
    }

    /// `/` of integers: exact operands give a correctly rounded quotient; the rest is CPython's.
    pub fn true_div(
        &mut self,
        ty: Ty,
        (a, left): (Value, &Expr),
        (b, right): (Value, &Expr),
    ) -> Value {
        match Self::const_int(right) {
            Some(0) | None => {
                let zero = self.b.icmp_imm(IntCc::Eq, b, 0);
                self.fail_if(zero, Failure::Repeat(Repeat::IntDiv));
            }
            Some(_) => {}
        }
        let (join, result) = self.join(Type::F64);
        let (fast, slow) = (self.b.block_like_current(), self.b.cold_block());
        // Values from -2^53 (0) to 2^53 - 1 are doubles exactly: biased, they are below a power of two, and so is their union.
        let (bias, bits) = if ty == Ty::U64 {
            (0, 53)
        } else {
            (1 << 53, 54)
        };
        let within =
            |expr: &Expr| Self::const_int(expr).is_some_and(|value| value.unsigned_abs() < 1 << 53);
        let unsure: Vec<Value> = [(a, left), (b, right)]
            .into_iter()
            .filter(|(_, expr)| !within(expr))
            .map(|(value, _)| value)
            .collect();
        let biased = unsure.into_iter().map(|value| match bias {
            0 => value,
            _ => self.op2_imm(Op::Iadd, value, bias),
        });
        let biased: Vec<Value> = biased.collect();
        let union = biased
            .into_iter()
            .reduce(|one, other| self.op2(Op::Bor, one, other));
        match union {
            Some(union) => {
                let small = self.b.icmp_imm(IntCc::Ult, union, 1 << bits);
                self.b.br(small, fast, &[], slow, &[]);
            }
            None => self.b.jump(fast, &[]),
        }
        self.b.seal_and_switch_to(fast);
        let (x, y) = (self.op1(Op::FfromS, a), self.op1(Op::FfromS, b));
        let quotient = self.op2(Op::Fdiv, x, y);
        self.b.jump(join, &[quotient]);
        if self.enter(slow) {
            let quotient = self.with_gil(|l| {
                let (quotient, flag) = arith::true_div(l.ctx, l.b, ty, a, b);
                l.check(flag);
                quotient
            });
            self.b.jump(join, &[quotient]);
        }
        self.b.seal_and_switch_to(join);
        result
    }
}
