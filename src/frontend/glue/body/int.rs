//! Integer arithmetic and bit operations. Operands are I64, U64 or, for `& | ^`, Bool; all fit in one register.

use super::super::runtime::arith;
use super::super::runtime::raise::Repeat;
use super::int_name;
use super::lower::{Failure, Lower};
use crate::frontend::lang::typed::{BinOp, BitOp, Expr, IntTy, Rule, Ty};
use crate::ir::func::Value;
use crate::ir::op::{IntCc, Op, Type};

/// Constant exponents up to this one are written out.
const UNROLLED_EXPONENT: i128 = 16;

impl Lower<'_, '_> {
    pub fn int_binary(
        &mut self,
        (op, rule, ty): (BinOp, Rule, Ty),
        (a, left): (Value, &Expr),
        (b, right): (Value, &Expr),
    ) -> Value {
        let constant = Self::const_int(right);
        match op {
            BinOp::Add | BinOp::Sub | BinOp::Mul => self.int_sum(op, rule, ty, a, b),
            BinOp::And => self.op2(Op::Band, a, b),
            BinOp::Or => self.op2(Op::Bor, a, b),
            BinOp::Xor => self.op2(Op::Bxor, a, b),
            BinOp::FloorDiv => self.floor_div(ty, rule, (a, b), constant),
            BinOp::Mod => self.modulo(ty, (a, b), constant),
            BinOp::Div => self.true_div(ty, (a, left), (b, right)),
            BinOp::Shl => self.shift_left(ty, rule, a, (b, right.ty, constant)),
            BinOp::Shr => self.shift_right(ty, a, (b, right.ty, constant)),
            BinOp::Pow => self.int_pow(ty, rule, a, (b, right.ty, constant)),
        }
    }

    fn int_sum(&mut self, op: BinOp, rule: Rule, ty: Ty, a: Value, b: Value) -> Value {
        let (wrapping, signed, unsigned) = match op {
            BinOp::Add => (Op::Iadd, Op::SaddOvf, Op::UaddOvf),
            BinOp::Sub => (Op::Isub, Op::SsubOvf, Op::UsubOvf),
            _ => (Op::Imul, Op::SmulOvf, Op::UmulOvf),
        };
        match (rule, ty) {
            (Rule::Wrap, _) => self.op2(wrapping, a, b),
            (Rule::Raise, Ty::U64) => self.checked(unsigned, (op.text(), ty), a, b),
            (Rule::Raise, _) => self.checked(signed, (op.text(), ty), a, b),
        }
    }

    /// One of the `*Ovf` operations; its flag raises OverflowError for the operator.
    pub fn checked(&mut self, op: Op, (text, ty): (&'static str, Ty), a: Value, b: Value) -> Value {
        let (value, overflow) = self.b.op_ovf(op, a, b);
        self.fail_if(overflow, Failure::Overflow(text, int_name(ty)));
        value
    }

    pub fn negate(&mut self, value: Value, ty: Ty, rule: Rule) -> Value {
        match (ty, rule) {
            (Ty::F64, _) => self.op1(Op::Fneg, value),
            (_, Rule::Wrap) => self.op1(Op::Ineg, value),
            (_, Rule::Raise) => {
                let zero = self.b.iconst(0);
                let op = if ty == Ty::U64 {
                    Op::UsubOvf
                } else {
                    Op::SsubOvf
                };
                self.checked(op, ("-", ty), zero, value)
            }
        }
    }

    pub fn invert(&mut self, value: Value, ty: Ty, rule: Rule) -> Value {
        if (ty, rule) == (Ty::U64, Rule::Raise) {
            let always = self.b.iconst(1);
            self.fail_if(always, Failure::Overflow("~", int_name(ty)));
        }
        self.op1(Op::Bnot, value)
    }

    pub fn abs(&mut self, value: Value, ty: Ty, rule: Rule) -> Value {
        match ty {
            Ty::F64 => self.op1(Op::Fabs, value),
            Ty::I64 => {
                let sign = self.op2_imm(Op::Sshr, value, 63);
                let flipped = self.op2(Op::Bxor, value, sign);
                match rule {
                    Rule::Wrap => self.op2(Op::Isub, flipped, sign),
                    Rule::Raise => self.checked(Op::SsubOvf, ("abs", ty), flipped, sign),
                }
            }
            Ty::Bool
            | Ty::U64
            | Ty::Complex
            | Ty::None
            | Ty::Str { .. }
            | Ty::View(_)
            | Ty::Object => value,
        }
    }

    /// The absolute value as an unsigned number.
    pub fn magnitude(&mut self, expr: &Expr) -> Value {
        let value = self.value(expr);
        self.abs(value, expr.ty, Rule::Wrap)
    }

    /// `min(...)` or `max(...)`: a later item replaces the best only where it is strictly better, as in CPython.
    pub fn extreme(&mut self, items: &[Expr], least: bool) -> Value {
        use crate::frontend::lang::typed::CmpOp;
        let op = if least { CmpOp::Lt } else { CmpOp::Gt };
        let values: Vec<Value> = items.iter().map(|item| self.value(item)).collect();
        let mut best = values[0];
        for (item, &value) in items.iter().zip(&values).skip(1) {
            // Both are of the items' one type.
            let better = self.compare_numbers(op, (value, item), (best, item));
            best = self.select(better, value, best);
        }
        best
    }

    // Shifts.

    /// Leaves for the cold path where a shift count is not from 0 to 63; there, `unusual` makes the result of a count of 64 and more.
    fn shift(
        &mut self,
        (count, ty): (Value, Ty),
        what: Repeat,
        usual: impl FnOnce(&mut Self) -> Value,
        unusual: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let (join, result) = self.join(Type::I64);
        let (inside, outside) = (self.b.block_like_current(), self.b.cold_block());
        let small = self.b.icmp_imm(IntCc::Ult, count, 64);
        self.b.br(small, inside, &[], outside, &[]);
        self.b.seal_and_switch_to(inside);
        let value = usual(self);
        self.b.jump(join, &[value]);
        self.b.seal_and_switch_to(outside);
        if ty != Ty::U64 {
            let negative = self.b.icmp_imm(IntCc::Slt, count, 0);
            self.fail_if(negative, Failure::Repeat(what));
        }
        let value = unusual(self);
        self.b.jump(join, &[value]);
        self.b.seal_and_switch_to(join);
        result
    }

    fn shift_left(
        &mut self,
        ty: Ty,
        rule: Rule,
        a: Value,
        (count, count_ty, constant): (Value, Ty, Option<i128>),
    ) -> Value {
        let overflow = Failure::Overflow("<<", int_name(ty));
        let usual = |l: &mut Self| {
            let shifted = l.op2(Op::Ishl, a, count);
            if rule == Rule::Raise {
                let back = if ty == Ty::U64 { Op::Ushr } else { Op::Sshr };
                let back = l.op2(back, shifted, count);
                let lost = l.b.icmp(IntCc::Ne, back, a);
                l.fail_if(lost, overflow);
            }
            shifted
        };
        let unusual = |l: &mut Self| {
            if rule == Rule::Raise {
                let lost = l.b.icmp_imm(IntCc::Ne, a, 0);
                l.fail_if(lost, overflow);
            }
            l.b.iconst(0)
        };
        match constant {
            Some(0..=63) => usual(self),
            Some(64..) => unusual(self),
            _ => self.shift((count, count_ty), Repeat::Shl, usual, unusual),
        }
    }

    fn shift_right(
        &mut self,
        ty: Ty,
        a: Value,
        (count, count_ty, constant): (Value, Ty, Option<i128>),
    ) -> Value {
        let op = if ty == Ty::U64 { Op::Ushr } else { Op::Sshr };
        let usual = |l: &mut Self| l.op2(op, a, count);
        let unusual = |l: &mut Self| match ty {
            Ty::U64 => l.b.iconst(0),
            _ => l.op2_imm(Op::Sshr, a, 63),
        };
        match constant {
            Some(0..=63) => usual(self),
            Some(64..) => unusual(self),
            _ => self.shift((count, count_ty), Repeat::Shr, usual, unusual),
        }
    }

    // Powers.

    fn int_pow(
        &mut self,
        ty: Ty,
        rule: Rule,
        base: Value,
        (exponent, exponent_ty, constant): (Value, Ty, Option<i128>),
    ) -> Value {
        match constant {
            Some(0) => return self.b.iconst(1),
            Some(exponent @ 1..=UNROLLED_EXPONENT) => {
                return self.unrolled_pow(ty, rule, base, exponent);
            }
            Some(1..) => {}
            _ if exponent_ty == Ty::U64 => {}
            _ => {
                let (join, cold) = (self.b.block_like_current(), self.b.cold_block());
                let negative = self.b.icmp_imm(IntCc::Slt, exponent, 0);
                self.b.br(negative, cold, &[], join, &[]);
                self.b.seal_and_switch_to(cold);
                let zero = self.raiser(Failure::Repeat(Repeat::IntPow));
                let other = self.raiser(Failure::NegativeExponent);
                self.b.br(base, other, &[], zero, &[]);
                self.b.seal_and_switch_to(join);
            }
        }
        let (value, overflow) = arith::int_pow(self.ctx, self.b, (ty, rule), base, exponent);
        if rule == Rule::Raise {
            self.fail_if(overflow, Failure::Overflow("**", int_name(ty)));
        }
        value
    }

    /// Square and multiply for a known exponent. Where a partial power does not fit, the result does not either.
    fn unrolled_pow(&mut self, ty: Ty, rule: Rule, base: Value, exponent: i128) -> Value {
        let product = |l: &mut Self, a, b| match (rule, ty) {
            (Rule::Wrap, _) => l.op2(Op::Imul, a, b),
            (Rule::Raise, Ty::U64) => l.checked(Op::UmulOvf, ("**", ty), a, b),
            (Rule::Raise, _) => l.checked(Op::SmulOvf, ("**", ty), a, b),
        };
        let bits = 128 - exponent.leading_zeros();
        let mut result = base;
        for bit in (0..bits - 1).rev() {
            result = product(self, result, result);
            if exponent >> bit & 1 == 1 {
                result = product(self, result, base);
            }
        }
        result
    }

    pub fn pow_mod(&mut self, ty: Ty, values: [Value; 3]) -> Value {
        let zero = self.b.icmp_imm(IntCc::Eq, values[2], 0);
        self.fail_if(zero, Failure::Repeat(Repeat::PowMod));
        self.with_gil(|l| {
            let (value, flag) = arith::pow_mod(l.ctx, l.b, ty, values);
            l.check(flag);
            value
        })
    }

    // Bits.

    /// Operations on the low bits of a value, whose result is of the same type again.
    pub fn bits(&mut self, op: BitOp, ty: IntTy, value: Value, count: Option<Value>) -> Value {
        let width = i64::from(ty.bits());
        let zero_extend = match ty.bits() {
            8 => Some(Op::Zext8),
            16 => Some(Op::Zext16),
            32 => Some(Op::Zext32),
            _ => None,
        };
        let unsigned = match zero_extend {
            Some(op) if ty.signed() => self.op1(op, value),
            _ => value,
        };
        let result = match op {
            BitOp::Clz => {
                let zeros = self.op1(Op::Clz, unsigned);
                return if width == 64 {
                    zeros
                } else {
                    self.op2_imm(Op::Isub, zeros, 64 - width)
                };
            }
            BitOp::Ctz if width == 64 => return self.op1(Op::Ctz, unsigned),
            BitOp::Ctz => {
                let stopped = self.op2_imm(Op::Bor, unsigned, 1 << width);
                return self.op1(Op::Ctz, stopped);
            }
            BitOp::Bswap => {
                let swapped = self.op1(Op::Bswap, unsigned);
                if width == 64 {
                    return swapped;
                }
                self.op2_imm(Op::Ushr, swapped, 64 - width)
            }
            BitOp::Rotl | BitOp::Rotr => {
                let count = count.expect("rotations have a count");
                let left = if op == BitOp::Rotr {
                    self.op1(Op::Ineg, count)
                } else {
                    count
                };
                if width == 64 {
                    return self.op2(Op::Rotl, unsigned, left);
                }
                // Counts are modulo the width, which is a power of two; a right shift by the whole width gives 0.
                let left = self.op2_imm(Op::Band, left, width - 1);
                let whole = self.b.iconst(width);
                let right = self.op2(Op::Isub, whole, left);
                let high = self.op2(Op::Ishl, unsigned, left);
                let low = self.op2(Op::Ushr, unsigned, right);
                self.op2(Op::Bor, high, low)
            }
        };
        self.narrow(result, Ty::I64, ty, Rule::Wrap)
    }
}
