//! Expressions: numbers become SSA values, others operands, of which each result of an expression is one. Evaluation is from left to right,
//! as in Python.

use smallvec::{SmallVec, smallvec};

use super::super::runtime::raise::Need;
use super::lower::{Failure, Lower};
use super::operand::Operand;
use crate::frontend::lang::typed::{
    ComplexPart, Const, Expr, ExprKind, IntTy, PairOp, Rule, Storage, Ty,
};
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

    /// All results of an expression, each held.
    pub fn results(&mut self, expr: &Expr) -> SmallVec<[Operand; 1]> {
        let results = match &expr.kind {
            ExprKind::Tuple(items) => {
                return items.iter().map(|item| self.held_operand(item)).collect();
            }
            ExprKind::Call(callee, args, order) => {
                let outer = self.b.span();
                self.b.set_span(Some(expr.span));
                let results = self.call(*callee, args, order);
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
                let result = |value| Operand::single(a.ty, value);
                smallvec![result(quotient), result(rest)]
            }
            ExprKind::MathPair(op, x) => {
                let outer = self.b.span();
                let value = self.value(x);
                self.b.set_span(Some(expr.span));
                let results = match op {
                    PairOp::Frexp => self.frexp(value),
                    PairOp::Modf => self.modf(value),
                };
                self.b.set_span(outer);
                let types = op.results().map(Storage::ty);
                let results = types.into_iter().zip(results);
                results
                    .map(|(ty, value)| Operand::single(ty, value))
                    .collect()
            }
            _ => smallvec![self.operand(expr)],
        };
        for result in &results {
            self.hold(result);
        }
        results
    }

    /// The value of an expression that is a number.
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
            ExprKind::Local { local, checked } => self.read(*local, *checked).parts[0],
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
                let mark = self.mark();
                let operand = self.held_operand(x);
                let holds = self.truth(&operand);
                self.release_held(mark);
                holds
            }
            ExprKind::Not(x) => {
                let value = self.value(x);
                self.b.icmp_imm(IntCc::Eq, value, 0)
            }
            ExprKind::Object(op, operands) => self.object_value(expr.ty, op, operands),
            ExprKind::Compare { first, rest } => {
                let [(op, second)] = &rest[..] else {
                    return self.cond_value(expr);
                };
                let mark = self.mark();
                let a = self.held_operand(first);
                let b = self.held_operand(second);
                let holds = self.compare(*op, (&a, first), (&b, second));
                self.release_held(mark);
                holds
            }
            ExprKind::And(a, b) => self.and_or(expr, true, a, b).parts[0],
            ExprKind::Or(a, b) => self.and_or(expr, false, a, b).parts[0],
            ExprKind::IfElse(cond, yes, no) => self.if_else(expr, cond, yes, no).parts[0],
            ExprKind::Tuple(_)
            | ExprKind::Divmod(..)
            | ExprKind::MathPair(..)
            | ExprKind::Call(..) => self.first(expr).parts[0],
            _ => self.function(expr),
        }
    }

    /// The value of an expression that is a reference, or has several parts.
    pub fn composite(&mut self, expr: &Expr) -> Operand {
        match &expr.kind {
            ExprKind::Const(Const::None) => self.none(),
            ExprKind::Local { local, checked } => self.read(*local, *checked),
            ExprKind::Const(Const::Complex(re, im)) => Operand {
                ty: expr.ty,
                parts: smallvec![self.b.fconst(*re), self.b.fconst(*im)],
                owned: false,
            },
            ExprKind::Const(Const::Str(text)) => Operand::new(expr.ty, self.literal(text)),
            ExprKind::Const(Const::Bytes(bytes)) => self.bytes_constant(expr.ty, bytes),
            ExprKind::Widen(x) => {
                let operand = self.operand(x);
                let parts = match (x.ty, expr.ty) {
                    (Ty::None, Ty::View(_)) => SmallVec::from(self.no_view()),
                    _ => operand.parts,
                };
                Operand {
                    ty: expr.ty,
                    parts,
                    owned: operand.owned,
                }
            }
            ExprKind::NotNone(x) => {
                let mark = self.mark();
                let operand = self.needed(x, Need::Value);
                self.let_go(mark);
                operand
            }
            ExprKind::Slice(view, start, stop) => {
                self.slice(expr.ty, view, (start.as_deref(), stop.as_deref()))
            }
            ExprKind::Encode(s) => self.encode(expr.ty, s),
            ExprKind::Decode(view, codec) => self.decode(expr.ty, view, *codec),
            ExprKind::Zeroes(count) => self.zeroes(expr.ty, count),
            ExprKind::Table(table) => self.table(expr.ty, *table),
            ExprKind::NewArray { count, in_frame } => self.new_array(expr.ty, *count, *in_frame),
            ExprKind::Cast(view) => self.cast(expr.ty, view),
            ExprKind::Listed(view) => self.listed(view),
            ExprKind::Copy(view) => self.copy(expr.ty, view),
            ExprKind::MakeComplex(re, im) => Operand {
                ty: expr.ty,
                parts: smallvec![self.value(re), self.value(im)],
                owned: false,
            },
            ExprKind::Boxed(x) => {
                let operand = self.operand(x);
                Operand::new(expr.ty, self.object(operand))
            }
            ExprKind::And(a, b) => self.and_or(expr, true, a, b),
            ExprKind::Or(a, b) => self.and_or(expr, false, a, b),
            ExprKind::IfElse(cond, yes, no) => self.if_else(expr, cond, yes, no),
            ExprKind::Object(op, operands) => self.object_operation(expr.ty, op, operands),
            ExprKind::Compare { first, rest } => self.compare_objects(first, rest),
            ExprKind::Text(pieces) => Operand::new(expr.ty, self.text(pieces)),
            ExprKind::Call(..) => self.first(expr),
            other => unreachable!("it is a number: {other:?}"),
        }
    }

    /// The one result of an expression; without any, it is None.
    fn first(&mut self, expr: &Expr) -> Operand {
        let mark = self.mark();
        let results = self.results(expr);
        self.let_go(mark);
        match results.into_iter().next() {
            Some(result) => result,
            None => self.none(),
        }
    }

    /// None, borrowed.
    pub fn none(&mut self) -> Operand {
        let none = self.ctx.object(self.b, "_Py_NoneStruct");
        Operand::single(Ty::None, none)
    }

    /// Unary operators and functions.
    fn function(&mut self, expr: &Expr) -> Value {
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
            ExprKind::Extreme { view, least } => self.extreme_item(view, *least),
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
            ExprKind::Len(x) => self.len(x),
            ExprKind::Index(view, index) => self.index(view, index),
            ExprKind::Contains { needle, haystack } => self.contains(needle, haystack),
            ExprKind::IsNone(x) => {
                let mark = self.mark();
                let operand = self.held_operand(x);
                let is_none = self.is_none(&operand);
                self.release_held(mark);
                is_none
            }
            ExprKind::Part(x, part) => {
                let parts = self.operand(x).parts;
                match part {
                    ComplexPart::Real => parts[0],
                    ComplexPart::Imag => parts[1],
                }
            }
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
            (Const::None | Const::Complex(..) | Const::Str(_) | Const::Bytes(_), _) => {
                unreachable!("it is no number")
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
        self.narrow_or(value, from, (to, rule), Failure::Misfit(to.name()))
    }

    /// Likewise, with a failure of its own.
    pub fn narrow_or(
        &mut self,
        value: Value,
        from: Ty,
        (to, rule): (IntTy, Rule),
        misfit: Failure,
    ) -> Value {
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
                    self.fail_if(negative, misfit);
                }
                return value;
            }
        };
        if rule == Rule::Wrap {
            return self.op1(op, value);
        }
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
