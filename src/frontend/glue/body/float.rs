//! Float arithmetic, conversions from floats, and the functions of `math` that are a few instructions.

use super::super::runtime::arith;
use super::super::runtime::raise::{self, Repeat};
use super::int_name;
use super::lower::{Failure, Lower};
use crate::frontend::lang::typed::{BinOp, Expr, MathOp, Ty};
use crate::ir::func::Value;
use crate::ir::op::{FloatCc, IntCc, Op, Type};

impl Lower<'_, '_> {
    pub fn float_binary(&mut self, op: BinOp, a: Value, b: Value) -> Value {
        match op {
            BinOp::Add => self.op2(Op::Fadd, a, b),
            BinOp::Sub => self.op2(Op::Fsub, a, b),
            BinOp::Mul => self.op2(Op::Fmul, a, b),
            BinOp::Div => {
                self.fail_if_zero(b, Repeat::FloatDiv);
                self.op2(Op::Fdiv, a, b)
            }
            BinOp::FloorDiv => {
                self.fail_if_zero(b, Repeat::FloatFloorDiv);
                self.floor_quotient(a, b).0
            }
            BinOp::Mod => {
                self.fail_if_zero(b, Repeat::FloatMod);
                let rest = arith::fmod(self.ctx, self.b, a, b);
                self.with_sign_of(rest, b).0
            }
            BinOp::Pow => self.with_gil(|l| {
                let (value, flag) = arith::float_pow(l.ctx, l.b, a, b);
                l.check(flag);
                value
            }),
            BinOp::Shl | BinOp::Shr | BinOp::And | BinOp::Or | BinOp::Xor => {
                unreachable!("lang has no `{}` for floats", op.text())
            }
        }
    }

    fn fail_if_zero(&mut self, divisor: Value, what: Repeat) {
        let zero = self.b.fconst(0.0);
        let is_zero = self.b.fcmp(FloatCc::Eq, divisor, zero);
        self.fail_if(is_zero, Failure::Repeat(what));
    }

    pub fn float_divmod(&mut self, (a, b): (Value, Value)) -> (Value, Value) {
        self.fail_if_zero(b, Repeat::FloatDivmod);
        self.floor_quotient(a, b)
    }

    /// A remainder towards zero given the sign of the divisor, as Python has it; and 1 where the divisor was added for that.
    fn with_sign_of(&mut self, rest: Value, divisor: Value) -> (Value, Value) {
        let zero = self.b.fconst(0.0);
        let is_zero = self.b.fcmp(FloatCc::Eq, rest, zero);
        let rest_below = self.b.fcmp(FloatCc::Lt, rest, zero);
        let divisor_below = self.b.fcmp(FloatCc::Lt, divisor, zero);
        let differ = self.op2(Op::Bxor, rest_below, divisor_below);
        let nonzero = self.op2_imm(Op::Bxor, is_zero, 1);
        let adjust = self.op2(Op::Band, differ, nonzero);
        let moved = self.op2(Op::Fadd, rest, divisor);
        let signed_zero = self.op2(Op::Fcopysign, zero, divisor);
        let kept = self.select(is_zero, signed_zero, rest);
        (self.select(adjust, moved, kept), adjust)
    }

    /// `a // b` and `a % b` as CPython computes them: the quotient follows from the exact remainder and is then rounded to an integer.
    fn floor_quotient(&mut self, a: Value, b: Value) -> (Value, Value) {
        let zero = self.b.fconst(0.0);
        let one = self.b.fconst(1.0);
        let rest = arith::fmod(self.ctx, self.b, a, b);
        let exact = self.op2(Op::Fsub, a, rest);
        let quotient = self.op2(Op::Fdiv, exact, b);
        let (rest, adjusted) = self.with_sign_of(rest, b);
        let lower = self.op2(Op::Fsub, quotient, one);
        let quotient = self.select(adjusted, lower, quotient);
        // The quotient is nearly an integer: take the nearest one. A zero has the sign of the true quotient.
        let down = self.op1(Op::Ffloor, quotient);
        let up = self.op2(Op::Fadd, down, one);
        let distance = self.op2(Op::Fsub, quotient, down);
        let half = self.b.fconst(0.5);
        let is_above = self.b.fcmp(FloatCc::Gt, distance, half);
        let nearest = self.select(is_above, up, down);
        let true_quotient = self.op2(Op::Fdiv, a, b);
        let signed_zero = self.op2(Op::Fcopysign, zero, true_quotient);
        let is_zero = self.b.fcmp(FloatCc::Eq, quotient, zero);
        (self.select(is_zero, signed_zero, nearest), rest)
    }

    /// An integral or to be truncated float as an integer; errors are about `original`.
    pub fn float_to_int(&mut self, value: Value, original: Value, to: Ty) -> Value {
        let unsigned = to == Ty::U64;
        let (least, limit) = if unsigned {
            (self.b.fconst(-1.0), self.b.fconst(2f64.powi(64)))
        } else {
            (
                self.b.fconst(-(2f64.powi(63))),
                self.b.fconst(2f64.powi(63)),
            )
        };
        let cold = self.b.cold_block();
        let above = if unsigned { FloatCc::Gt } else { FloatCc::Ge };
        let above = self.b.fcmp(above, value, least);
        self.b.exit_unless(above, cold, &[]);
        let below = self.b.fcmp(FloatCc::Lt, value, limit);
        self.b.exit_unless(below, cold, &[]);
        let inside = self.b.current();
        self.b.seal_and_switch_to(cold);
        let text = format!("value does not fit in {}", int_name(to));
        self.take_gil();
        raise::float_to_int(self.ctx, self.b, original, &text);
        let fails = self.world.fails;
        self.b.jump(fails, &[]);
        self.b.switch_to(inside);
        self.op1(if unsigned { Op::FtoU } else { Op::FtoS }, value)
    }

    /// The nearest integer, ties to even.
    pub fn round(&mut self, value: Value, to: Ty) -> Value {
        // Below 2^52 there are fractions; adding 2^52 rounds them away, in the machine's mode: to nearest, ties to even.
        let big = self.b.fconst(2f64.powi(52));
        let magic = self.op2(Op::Fcopysign, big, value);
        let raised = self.op2(Op::Fadd, value, magic);
        let rounded = self.op2(Op::Fsub, raised, magic);
        let magnitude = self.op1(Op::Fabs, value);
        let small = self.b.fcmp(FloatCc::Lt, magnitude, big);
        let integral = self.select(small, rounded, value);
        self.float_to_int(integral, value, to)
    }

    pub fn math(&mut self, op: MathOp, args: &[Expr], to: Ty) -> Value {
        let x = self.value(&args[0]);
        match op {
            MathOp::Sqrt => self.square_root(x),
            MathOp::Fabs => self.op1(Op::Fabs, x),
            MathOp::Copysign => {
                let sign = self.value(&args[1]);
                self.op2(Op::Fcopysign, x, sign)
            }
            MathOp::Floor | MathOp::Ceil | MathOp::Trunc if args[0].ty != Ty::F64 => x,
            MathOp::Floor => {
                let value = self.op1(Op::Ffloor, x);
                self.float_to_int(value, x, to)
            }
            MathOp::Ceil => {
                let value = self.op1(Op::Fceil, x);
                self.float_to_int(value, x, to)
            }
            MathOp::Trunc => self.float_to_int(x, x, to),
            MathOp::IsNan => self.b.fcmp(FloatCc::Ne, x, x),
            MathOp::IsInf => {
                let (magnitude, infinity) = (self.op1(Op::Fabs, x), self.b.fconst(f64::INFINITY));
                self.b.fcmp(FloatCc::Eq, magnitude, infinity)
            }
            MathOp::IsFinite => {
                let (magnitude, infinity) = (self.op1(Op::Fabs, x), self.b.fconst(f64::INFINITY));
                self.b.fcmp(FloatCc::Lt, magnitude, infinity)
            }
        }
    }

    /// Below zero, CPython raises; its text names the value on some versions, so it gets it.
    fn square_root(&mut self, x: Value) -> Value {
        let (usual, cold) = (self.b.block_like_current(), self.b.cold_block());
        let zero = self.b.fconst(0.0);
        let below = self.b.fcmp(FloatCc::Lt, x, zero);
        let (join, root) = self.join(Type::F64);
        self.b.br(below, cold, &[], usual, &[]);
        self.b.seal_and_switch_to(usual);
        let value = self.op1(Op::Fsqrt, x);
        self.b.jump(join, &[value]);
        self.b.seal_and_switch_to(cold);
        let value = self.module_call(("math", "sqrt"), &[(x, Ty::F64)], Ty::F64);
        self.b.jump(join, &[value]);
        self.b.seal_and_switch_to(join);
        root
    }

    /// `math.modf(x)`: the part behind the point and the one in front of it, both with the sign of `x`.
    pub fn modf(&mut self, x: Value) -> [Value; 2] {
        let whole = self.op1(Op::Ftrunc, x);
        let rest = self.op2(Op::Fsub, x, whole);
        let zero = self.b.fconst(0.0);
        // Infinities, too.
        let is_whole = self.b.fcmp(FloatCc::Eq, x, whole);
        let rest = self.select(is_whole, zero, rest);
        [self.op2(Op::Fcopysign, rest, x), whole]
    }

    /// `math.frexp(x)`: a mantissa of 0.5 up to 1, and the exponent of 2; zeros, infinities and NaNs as they are.
    pub fn frexp(&mut self, x: Value) -> [Value; 2] {
        const EXPONENT: i64 = 0x7ff << 52;
        // Denormals are made normal.
        let (scale, shift) = (64, self.b.fconst(18_446_744_073_709_551_616.0));
        let bits = self.op1(Op::FtoBits, x);
        let exponent = self.op2_imm(Op::Band, bits, EXPONENT);
        let small = self.b.icmp_imm(IntCc::Eq, exponent, 0);
        let scaled = self.op2(Op::Fmul, x, shift);
        let normal = self.select(small, scaled, x);
        let bits = self.op1(Op::FtoBits, normal);
        let exponent = self.op2_imm(Op::Ushr, bits, 52);
        let exponent = self.op2_imm(Op::Band, exponent, 0x7ff);
        let mantissa = self.op2_imm(Op::Band, bits, !EXPONENT);
        let mantissa = self.op2_imm(Op::Bor, mantissa, 1022 << 52);
        let mantissa = self.op1(Op::FfromBits, mantissa);
        let (usual, less) = (self.b.iconst(1022), self.b.iconst(1022 + scale));
        let bias = self.select(small, less, usual);
        let power = self.op2(Op::Isub, exponent, bias);
        // What is no number, what has no end, and zeros.
        let endless = self.b.icmp_imm(IntCc::Eq, exponent, 0x7ff);
        let zero = self.b.fconst(0.0);
        let nothing = self.b.fcmp(FloatCc::Eq, x, zero);
        let as_it_is = self.op2(Op::Bor, endless, nothing);
        let no_power = self.b.iconst(0);
        [
            self.select(as_it_is, x, mantissa),
            self.select(as_it_is, no_power, power),
        ]
    }
}
