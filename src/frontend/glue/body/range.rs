//! `for` over a range: bounds evaluated once, no overflow at its end, a counter that assignments to the variable do not reach.

use super::lower::{Failure, Lower};
use crate::frontend::lang::typed::{Expr, IntTy, LocalId, Rule, Stmt, Ty};
use crate::ir::builder::Var;
use crate::ir::func::Value;
use crate::ir::op::{IntCc, Op, Type};

/// A range whose bounds are known: how its loop counts.
pub(super) struct Range {
    start: Value,
    ty: Ty,
    step: Step,
}

enum Step {
    /// By a constant towards a bound: up if it is positive, else down.
    Towards { stop: Value, by: i64 },
    /// By any step, this many times (as an unsigned number).
    Times { count: Value, by: Value },
}

impl Lower<'_, '_> {
    /// Evaluates the arguments of `range`.
    pub fn range(&mut self, start: &Expr, stop: &Expr, step: &Expr) -> Range {
        let ty = start.ty;
        let constant = Self::const_int(step);
        let start = self.value(start);
        let stop = self.value(stop);
        let by = self.value(step);
        let step = match constant {
            Some(by) if by != 0 => Step::Towards {
                stop,
                by: by as i64,
            },
            _ => {
                let count = self.range_count(ty, start, stop, by);
                Step::Times { count, by }
            }
        };
        Range { start, ty, step }
    }

    /// How many values a range has.
    fn range_count(&mut self, ty: Ty, start: Value, stop: Value, by: Value) -> Value {
        let zero = self.b.icmp_imm(IntCc::Eq, by, 0);
        self.fail_if(zero, Failure::ZeroStep);
        let (less, _) = Self::less(ty);
        let down = self.b.icmp_imm(IntCc::Slt, by, 0);
        let low = self.select(down, stop, start);
        let high = self.select(down, start, stop);
        let negated = self.op1(Op::Ineg, by);
        let width = self.select(down, negated, by);
        let some = self.b.icmp(less, low, high);
        // The distance fits in 64 bits unsigned, whatever the signs.
        let distance = self.op2(Op::Isub, high, low);
        let rest = self.op2_imm(Op::Isub, distance, 1);
        let steps = self.op2(Op::Udiv, rest, width);
        let count = self.op2_imm(Op::Iadd, steps, 1);
        let none = self.b.iconst(0);
        self.select(some, count, none)
    }

    fn less(ty: Ty) -> (IntCc, IntCc) {
        match ty {
            Ty::U64 => (IntCc::Ult, IntCc::Ugt),
            _ => (IntCc::Slt, IntCc::Sgt),
        }
    }

    pub fn for_range(
        &mut self,
        range: Range,
        (var, narrow): (LocalId, Option<(IntTy, Rule)>),
        body: &[Stmt],
        orelse: &[Stmt],
    ) {
        let head = self.b.block_like_current();
        let next = self.b.block_like_current();
        let exit = self.b.block_like_current();
        let done = if orelse.is_empty() {
            exit
        } else {
            self.b.block_like_current()
        };
        // The loop's own counters: assignments to the variable do not disturb it.
        let at = self.b.var(Type::I64);
        let left = self.b.var(Type::I64);
        self.b.set(at, range.start);
        let any = match range.step {
            Step::Towards { stop, by } => {
                let (less, greater) = Self::less(range.ty);
                let cc = if by > 0 { less } else { greater };
                self.b.icmp(cc, range.start, stop)
            }
            Step::Times { count, .. } => {
                self.b.set(left, count);
                count
            }
        };
        self.b.br(any, head, &[], done, &[]);
        self.b.switch_to(head);
        let value = self.b.get(at);
        let value = match narrow {
            Some((to, rule)) => self.narrow(value, range.ty, to, rule),
            None => value,
        };
        self.write_number(var, value);
        let span = self.b.span();
        let around = self.around(exit, next);
        self.loop_body(body, around);
        self.b.set_span(span);
        if self.enter(next) {
            self.look_for_signals();
            let value = self.b.get(at);
            let (value, more) = self.advance(&range, value, left);
            self.b.set(at, value);
            self.b.br(more, head, &[], done, &[]);
        }
        self.b.seal(head);
        self.loop_end(done, exit, orelse);
    }

    /// The next value of a range, and whether there is one. The value may be out of range (and wrapped) where there is none.
    fn advance(&mut self, range: &Range, value: Value, left: Var) -> (Value, Value) {
        match range.step {
            Step::Towards {
                stop,
                by: by @ (1 | -1),
            } => {
                let value = self.op2_imm(Op::Iadd, value, by);
                let (less, greater) = Self::less(range.ty);
                let cc = if by > 0 { less } else { greater };
                (value, self.b.icmp(cc, value, stop))
            }
            Step::Towards { stop, by } => {
                // The value is short of the bound, so the distance is a positive 64-bit number.
                let (high, low) = if by > 0 { (stop, value) } else { (value, stop) };
                let distance = self.op2(Op::Isub, high, low);
                let width = self.b.iconst(by.unsigned_abs() as i64);
                let more = self.b.icmp(IntCc::Ugt, distance, width);
                (self.op2_imm(Op::Iadd, value, by), more)
            }
            Step::Times { by, .. } => {
                let count = self.b.get(left);
                let count = self.op2_imm(Op::Isub, count, 1);
                self.b.set(left, count);
                (self.op2(Op::Iadd, value, by), count)
            }
        }
    }
}
