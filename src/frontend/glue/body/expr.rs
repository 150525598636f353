//! Expressions: each becomes one SSA value, or several where it has several results. Evaluation is from left to right, as in Python.

use smallvec::{SmallVec, smallvec};

use super::lower::{Failure, Lower};
use crate::frontend::lang::typed::{Const, Expr, ExprKind, IntTy, Rule, Ty};
use crate::ir::func::Value;
use crate::ir::op::{IntCc, Op};

impl Lower<'_, '_> {
    /// The integer (or bool) an expression is known to be.
    pub fn const_int(expr: &Expr) -> Option<i128> {
        match &expr.kind {
            ExprKind::Const(Const::Int(value)) => Some(*value),
            ExprKind::Const(Const::Bool(value)) => Some(i128::from(*value)),
            ExprKind::Widen(x) if matches!(expr.ty, Ty::I64 | Ty::U64) => Self::const_int(x),
            _ => None,
        }
    }

    /// All results of an expression.
    pub fn values(&mut self, expr: &Expr) -> SmallVec<[Value; 2]> {
        match &expr.kind {
            ExprKind::Tuple(items) => items.iter().map(|item| self.value(item)).collect(),
            ExprKind::Call(callee, args, order) => {
                let outer = self.b.span();
                let args = self.arguments(args, order);
                self.b.set_span(Some(expr.span));
                let results = self.call(*callee, &args);
                self.b.set_span(outer);
                results
            }
            ExprKind::Divmod(a, b, rule) => {
                let outer = self.b.span();
                let values = (self.value(a), self.value(b));
                self.b.set_span(Some(expr.span));
                let (quotient, rest) = match a.ty {
                    Ty::F64 => self.float_divmod(values),
                    ty => self.int_divmod(ty, *rule, values, Self::const_int(b)),
                };
                self.b.set_span(outer);
                smallvec![quotient, rest]
            }
            _ => smallvec![self.value(expr)],
        }
    }

    fn arguments(&mut self, args: &[Expr], order: &[usize]) -> SmallVec<[Value; 4]> {
        if order.is_empty() {
            return args.iter().map(|arg| self.value(arg)).collect();
        }
        let mut values: SmallVec<[(usize, Value); 4]> = order
            .iter()
            .map(|&at| (at, self.value(&args[at])))
            .collect();
        values.sort_unstable_by_key(|(at, _)| *at);
        values.into_iter().map(|(_, value)| value).collect()
    }

    /// The value of an expression with one result.
    pub fn value(&mut self, expr: &Expr) -> Value {
        // Long sums lean to the left: their spine is walked, not recursed into.
        let mut spine = Vec::new();
        let mut at = expr;
        while let ExprKind::Binary { left, .. } = &at.kind {
            spine.push(at);
            at = left;
        }
        let outer = self.b.span();
        self.b.set_span(Some(at.span));
        let mut value = self.leaf(at);
        for expr in spine.into_iter().rev() {
            let ExprKind::Binary {
                op,
                rule,
                left,
                right,
            } = &expr.kind
            else {
                unreachable!("the spine is binary operators")
            };
            let second = self.value(right);
            self.b.set_span(Some(expr.span));
            value = match left.ty {
                Ty::F64 => self.float_binary(*op, value, second),
                ty => self.int_binary((*op, *rule, ty), (value, left), (second, right)),
            };
        }
        self.b.set_span(outer);
        value
    }

    fn leaf(&mut self, expr: &Expr) -> Value {
        match &expr.kind {
            ExprKind::Const(constant) => self.constant(constant, expr.ty),
            ExprKind::Local { local, checked } => self.read(*local, *checked),
            ExprKind::Binary { .. } => unreachable!("taken by value()"),
            ExprKind::Widen(x) => self.widen(x, expr.ty),
            ExprKind::Reinterpret(x, rule) => {
                let value = self.value(x);
                if *rule == Rule::Raise && x.ty != expr.ty {
                    let negative = self.b.icmp_imm(IntCc::Slt, value, 0);
                    self.fail_if(negative, Failure::Misfit(super::int_name(expr.ty)));
                }
                value
            }
            ExprKind::Narrow(x, to, rule) => {
                let value = self.value(x);
                self.narrow(value, x.ty, *to, *rule)
            }
            ExprKind::Round32(x) => {
                let value = self.value(x);
                self.op1(Op::Fround32, value)
            }
            ExprKind::Truth(x) => {
                let value = self.value(x);
                self.truth(value, x.ty)
            }
            ExprKind::Not(x) => {
                let value = self.value(x);
                self.b.icmp_imm(IntCc::Eq, value, 0)
            }
            ExprKind::Compare { first, rest } => {
                let [(op, second)] = &rest[..] else {
                    return self.cond_value(expr);
                };
                let a = self.value(first);
                let b = self.value(second);
                self.compare(*op, (a, first), (b, second))
            }
            ExprKind::And(a, b) => self.and_or(expr, true, a, b),
            ExprKind::Or(a, b) => self.and_or(expr, false, a, b),
            ExprKind::IfElse(cond, yes, no) => self.if_else(cond, yes, no),
            ExprKind::Tuple(_) | ExprKind::Divmod(..) | ExprKind::Call(..) => {
                match self.values(expr).first() {
                    Some(&value) => value,
                    None => self.ctx.object(self.b, "_Py_NoneStruct"),
                }
            }
            _ => self.function_of_numbers(expr),
        }
    }

    /// Unary operators and builtin functions.
    fn function_of_numbers(&mut self, expr: &Expr) -> Value {
        match &expr.kind {
            ExprKind::Neg(x, rule) => {
                let value = self.value(x);
                self.negate(value, x.ty, *rule)
            }
            ExprKind::Invert(x, rule) => {
                let value = self.value(x);
                self.invert(value, x.ty, *rule)
            }
            ExprKind::Abs(x, rule) => {
                let value = self.value(x);
                self.abs(value, x.ty, *rule)
            }
            ExprKind::Min(items) => self.extreme(items, true),
            ExprKind::Max(items) => self.extreme(items, false),
            ExprKind::PowMod(a, b, m) => {
                let values = [self.value(a), self.value(b), self.value(m)];
                self.pow_mod(expr.ty, values)
            }
            ExprKind::BitCount(x) => {
                let magnitude = self.magnitude(x);
                self.op1(Op::Popcnt, magnitude)
            }
            ExprKind::BitLength(x) => {
                let magnitude = self.magnitude(x);
                let zeros = self.op1(Op::Clz, magnitude);
                let width = self.b.iconst(64);
                self.op2(Op::Isub, width, zeros)
            }
            ExprKind::Bits(op, ty, x, count) => {
                let value = self.value(x);
                let count = count.as_ref().map(|count| self.value(count));
                self.bits(*op, *ty, value, count)
            }
            ExprKind::Truncate(x) => {
                let value = self.value(x);
                self.float_to_int(value, value, expr.ty)
            }
            ExprKind::Round(x) => {
                let value = self.value(x);
                self.round(value, expr.ty)
            }
            ExprKind::RoundDigits(x, digits) => self.round_digits(x, digits),
            ExprKind::Math(op, args) => self.math(*op, args, expr.ty),
            ExprKind::MathCall(name, args) => self.math_call(name, args, expr.ty),
            other => unreachable!("taken before: {other:?}"),
        }
    }

    fn constant(&mut self, constant: &Const, ty: Ty) -> Value {
        match (constant.clone(), ty) {
            (Const::Bool(value), Ty::F64) => self.b.fconst(f64::from(u8::from(value))),
            (Const::Bool(value), _) => self.b.iconst(i64::from(value)),
            (Const::Int(value), Ty::F64) => self.b.fconst(value as f64),
            // From 2^63 up the constant is a u64: its bits.
            (Const::Int(value), _) => self.b.iconst(value as i64),
            (Const::Float(value), _) => self.b.fconst(value),
            (Const::None, _) => self.ctx.object(self.b, "_Py_NoneStruct"),
            (Const::Complex(..) | Const::Str(_) | Const::Bytes(_), _) => {
                unreachable!("lang refuses it so far")
            }
        }
    }

    fn widen(&mut self, x: &Expr, to: Ty) -> Value {
        if let (Some(value), Ty::F64) = (Self::const_int(x), to) {
            return self.b.fconst(value as f64);
        }
        let value = self.value(x);
        match (x.ty, to) {
            (Ty::U64, Ty::F64) => self.op1(Op::FfromU, value),
            (Ty::Bool | Ty::I64, Ty::F64) => self.op1(Op::FfromS, value),
            _ => value,
        }
    }

    /// Brings an integer of type `from` into the range of a narrower type.
    pub fn narrow(&mut self, value: Value, from: Ty, to: IntTy, rule: Rule) -> Value {
        let op = match to {
            IntTy::I8 => Op::Sext8,
            IntTy::I16 => Op::Sext16,
            IntTy::I32 => Op::Sext32,
            IntTy::U8 => Op::Zext8,
            IntTy::U16 => Op::Zext16,
            IntTy::U32 => Op::Zext32,
            IntTy::I64 | IntTy::U64 => {
                if rule == Rule::Raise && to.signed() == (from == Ty::U64) {
                    let negative = self.b.icmp_imm(IntCc::Slt, value, 0);
                    self.fail_if(negative, Failure::Misfit(to.name()));
                }
                return value;
            }
        };
        if rule == Rule::Wrap {
            return self.op1(op, value);
        }
        let misfit = Failure::Misfit(to.name());
        if from == Ty::U64 || !to.signed() {
            // Negative ones are large as unsigned numbers.
            let large = self.b.icmp_imm(IntCc::Ugt, value, to.range().1 as i64);
            self.fail_if(large, misfit);
        } else {
            let narrowed = self.op1(op, value);
            let differs = self.b.icmp(IntCc::Ne, narrowed, value);
            self.fail_if(differs, misfit);
        }
        value
    }
}
