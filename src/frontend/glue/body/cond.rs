//! Conditions: truth that decides a branch, without becoming a value first.

use super::lower::Lower;
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
        let mut left = (self.value(first), first);
        for (at, (op, operand)) in rest.iter().enumerate() {
            let right = (self.value(operand), operand);
            let holds = self.compare(*op, left, right);
            if at + 1 == rest.len() {
                self.b.br(holds, then, &[], other, &[]);
            } else {
                self.b.exit_unless(holds, other, &[]);
            }
            left = right;
        }
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
    pub fn truth(&mut self, value: Value, ty: Ty) -> Value {
        match ty {
            Ty::Bool => value,
            Ty::I64 | Ty::U64 => self.b.icmp_imm(IntCc::Ne, value, 0),
            Ty::F64 => {
                let zero = self.b.fconst(0.0);
                self.b.fcmp(FloatCc::Ne, value, zero)
            }
            Ty::None => self.b.iconst(0),
            Ty::Complex | Ty::Str { .. } | Ty::View(_) => unreachable!("lang refuses it so far"),
            Ty::Object => {
                let truth = self.ctx.call1(self.b, "PyObject_IsTrue", &[value]);
                let failed = self.b.icmp_imm(IntCc::Slt, truth, 0);
                self.check(failed);
                truth
            }
        }
    }

    /// `first and second` (or `or`) as a value.
    pub fn and_or(&mut self, expr: &Expr, is_and: bool, first: &Expr, second: &Expr) -> Value {
        if expr.ty == Ty::Bool {
            if !self.is_free(second) {
                return self.cond_value(expr);
            }
            let (a, b) = (self.value(first), self.value(second));
            return self.op2(if is_and { Op::Band } else { Op::Bor }, a, b);
        }
        let (join, result) = self.join(super::ir_type(expr.ty));
        let more = self.b.block_like_current();
        let value = self.value(first);
        let holds = self.truth(value, expr.ty);
        if is_and {
            self.b.br(holds, more, &[], join, &[value]);
        } else {
            self.b.br(holds, join, &[value], more, &[]);
        }
        self.b.seal_and_switch_to(more);
        let value = self.value(second);
        self.b.jump(join, &[value]);
        self.b.seal_and_switch_to(join);
        result
    }

    /// `yes if cond else no` as a value.
    pub fn if_else(&mut self, cond: &Expr, yes: &Expr, no: &Expr) -> Value {
        if self.is_free(yes) && self.is_free(no) && !matches!(cond.kind, ExprKind::Const(_)) {
            let holds = self.value(cond);
            let (yes, no) = (self.value(yes), self.value(no));
            return self.select(holds, yes, no);
        }
        let (join, result) = self.join(super::ir_type(yes.ty));
        let (first, second) = (self.b.block_like_current(), self.b.block_like_current());
        self.cond(cond, first, second);
        for (block, value) in [(first, yes), (second, no)] {
            if self.enter(block) {
                let value = self.value(value);
                self.b.jump(join, &[value]);
            }
        }
        self.b.seal_and_switch_to(join);
        result
    }

    /// Whether evaluating costs next to nothing and cannot fail, so that it may be done where Python would not.
    fn is_free(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Const(_) | ExprKind::Local { checked: false, .. } => true,
            ExprKind::Widen(x) | ExprKind::Not(x) => self.is_free(x),
            ExprKind::Truth(x) => x.ty != Ty::Object && self.is_free(x),
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
