//! Conditions: truth that decides a branch, without becoming a value first.

use super::lower::Lower;
use super::operand::{Operand, is_borrowed, reference_part};
use crate::frontend::lang::typed::{CmpOp, Const, Expr, ExprKind, Ty};
use crate::ir::func::{Block, Value};
use crate::ir::op::{FloatCc, IntCc, Op, Type};

impl Lower<'_, '_> {
    /// Ends the block: to `then` where the condition (a Bool) holds, else to `other`.
    pub fn cond(&mut self, expr: &Expr, then: Block, other: Block) {
        let outer = self.b.span();
        self.b.set_span(Some(expr.span));
        match &expr.kind {
            ExprKind::Const(Const::Bool(holds)) => {
                self.b.jump(if *holds { then } else { other }, &[]);
            }
            ExprKind::Truth(x) if Self::const_int(x).is_some() => {
                let holds = Self::const_int(x) != Some(0);
                self.b.jump(if holds { then } else { other }, &[]);
            }
            ExprKind::Truth(x) if x.ty == Ty::Object && is_chain(x) => {
                let ExprKind::Compare { first, rest } = &x.kind else {
                    unreachable!("it is a chain")
                };
                self.compare_chain(first, rest, then, other);
            }
            ExprKind::Not(x) => self.cond(x, other, then),
            ExprKind::And(first, second) => {
                let mid = self.b.block_like_current();
                self.cond(first, mid, other);
                if self.enter(mid) {
                    self.cond(second, then, other);
                }
            }
            ExprKind::Or(first, second) => {
                let mid = self.b.block_like_current();
                self.cond(first, then, mid);
                if self.enter(mid) {
                    self.cond(second, then, other);
                }
            }
            ExprKind::IfElse(cond, yes, no) => {
                let (first, second) = (self.b.block_like_current(), self.b.block_like_current());
                self.cond(cond, first, second);
                for (block, value) in [(first, yes), (second, no)] {
                    if self.enter(block) {
                        self.cond(value, then, other);
                    }
                }
            }
            ExprKind::Compare { first, rest } => self.compare_chain(first, rest, then, other),
            _ => {
                let value = self.value(expr);
                self.b.br(value, then, &[], other, &[]);
            }
        }
        self.b.set_span(outer);
    }

    fn compare_chain(&mut self, first: &Expr, rest: &[(CmpOp, Expr)], then: Block, other: Block) {
        let mark = self.mark();
        let mut left = (self.held_operand(first), first);
        for (at, (op, operand)) in rest.iter().enumerate() {
            let right = (self.held_operand(operand), operand);
            let holds = match (left.0.ty, right.0.ty) {
                (Ty::Object, Ty::Object) => self.holds(*op, &left.0, &right.0),
                _ => self.compare(*op, (&left.0, left.1), (&right.0, right.1)),
            };
            self.let_go(mark);
            self.release(&left.0);
            if at + 1 == rest.len() {
                self.release(&right.0);
                self.b.br(holds, then, &[], other, &[]);
                return;
            }
            self.exit_unless_releasing(holds, &right.0, other);
            self.hold(&right.0);
            left = right;
        }
    }

    /// Goes to `other` where a flag is 0, and releases the operand on the way.
    fn exit_unless_releasing(&mut self, flag: Value, operand: &Operand, other: Block) {
        if !operand.owned {
            return self.b.exit_unless(flag, other, &[]);
        }
        let (on, ends) = (self.b.block_like_current(), self.b.block_like_current());
        self.b.br(flag, on, &[], ends, &[]);
        self.b.seal_and_switch_to(ends);
        self.release(operand);
        self.b.jump(other, &[]);
        self.b.seal_and_switch_to(on);
    }

    /// A Bool made by branches, as a value.
    pub fn cond_value(&mut self, expr: &Expr) -> Value {
        let (join, value) = self.join(Type::I64);
        let (yes, no) = (self.b.block_like_current(), self.b.block_like_current());
        self.cond(expr, yes, no);
        for (block, holds) in [(yes, 1), (no, 0)] {
            if self.enter(block) {
                let holds = self.b.iconst(holds);
                self.b.jump(join, &[holds]);
            }
        }
        self.b.seal_and_switch_to(join);
        value
    }

    /// 1 where a value is true, else 0.
    pub fn truth(&mut self, operand: &Operand) -> Value {
        let value = operand.parts[0];
        match operand.ty {
            Ty::Bool => value,
            Ty::I64 | Ty::U64 => self.b.icmp_imm(IntCc::Ne, value, 0),
            Ty::F64 => {
                let zero = self.b.fconst(0.0);
                self.b.fcmp(FloatCc::Ne, value, zero)
            }
            Ty::None => self.b.iconst(0),
            Ty::Complex => {
                let zero = self.b.fconst(0.0);
                let [re, im] = [0, 1].map(|at| self.b.fcmp(FloatCc::Ne, operand.parts[at], zero));
                self.op2(Op::Bor, re, im)
            }
            Ty::View(_) => self.b.icmp_imm(IntCc::Sgt, operand.parts[1], 0),
            Ty::Str { .. } | Ty::Object => self.truth_of_object(value),
        }
    }

    fn truth_of_object(&mut self, object: Value) -> Value {
        self.with_gil(|l| {
            let truth = l.ctx.call1(l.b, "PyObject_IsTrue", &[object]);
            let failed = l.b.icmp_imm(IntCc::Slt, truth, 0);
            l.check(failed);
            truth
        })
    }

    /// `first and second` (or `or`) as a value.
    pub fn and_or(&mut self, expr: &Expr, is_and: bool, first: &Expr, second: &Expr) -> Operand {
        if expr.ty == Ty::Bool {
            let value = if self.is_free(second) {
                let (a, b) = (self.value(first), self.value(second));
                self.op2(if is_and { Op::Band } else { Op::Bor }, a, b)
            } else {
                self.cond_value(expr)
            };
            return Operand::single(Ty::Bool, value);
        }
        let owned = !is_borrowed(expr);
        let (join, result) = self.join_operand(expr.ty, owned);
        let (more, ends) = (self.b.block_like_current(), self.b.block_like_current());
        let mark = self.mark();
        let value = self.held_operand(first);
        let holds = self.truth(&value);
        self.let_go(mark);
        let (then, other) = if is_and { (more, ends) } else { (ends, more) };
        self.b.br(holds, then, &[], other, &[]);
        self.b.seal_and_switch_to(more);
        self.release(&value);
        let last = self.operand(second);
        self.jump_with(join, last, owned);
        self.b.seal_and_switch_to(ends);
        self.jump_with(join, value, owned);
        self.b.seal_and_switch_to(join);
        result
    }

    /// Ends a block of several whose values meet in `join`, where all are owned or all are borrowed.
    fn jump_with(&mut self, join: Block, operand: Operand, owned: bool) {
        debug_assert!(owned || !operand.owned, "{operand:?}");
        let operand = if owned { self.own(operand) } else { operand };
        self.b.jump(join, &operand.parts);
    }

    /// `yes if cond else no` as a value.
    pub fn if_else(&mut self, expr: &Expr, cond: &Expr, yes: &Expr, no: &Expr) -> Operand {
        let is_number = reference_part(expr.ty).is_none() && expr.ty != Ty::Complex;
        let is_known = matches!(cond.kind, ExprKind::Const(_));
        if is_number && self.is_free(yes) && self.is_free(no) && !is_known {
            let holds = self.value(cond);
            let (yes, no) = (self.value(yes), self.value(no));
            return Operand::single(expr.ty, self.select(holds, yes, no));
        }
        let owned = !is_borrowed(expr);
        let (join, result) = self.join_operand(expr.ty, owned);
        let (first, second) = (self.b.block_like_current(), self.b.block_like_current());
        self.cond(cond, first, second);
        for (block, value) in [(first, yes), (second, no)] {
            if self.enter(block) {
                let value = self.operand(value);
                self.jump_with(join, value, owned);
            }
        }
        self.b.seal_and_switch_to(join);
        result
    }

    /// Whether evaluating costs next to nothing and cannot fail, so that it may be done where Python would not.
    fn is_free(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Const(Const::Str(_)) => false,
            ExprKind::Const(_) | ExprKind::Local { checked: false, .. } => true,
            ExprKind::Widen(x) | ExprKind::Not(x) => self.is_free(x),
            ExprKind::Truth(x) => !matches!(x.ty, Ty::Object | Ty::Str { .. }) && self.is_free(x),
            ExprKind::Compare { first, rest } => match &rest[..] {
                [(_, second)] => {
                    let ints = |ty| matches!(ty, Ty::Bool | Ty::I64 | Ty::U64 | Ty::Object);
                    ints(first.ty) && ints(second.ty) && self.is_free(first) && self.is_free(second)
                }
                _ => false,
            },
            _ => false,
        }
    }
}

/// Whether this is a chain of comparisons, each of which is asked for its truth.
fn is_chain(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Compare { .. })
}
