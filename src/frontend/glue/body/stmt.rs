//! Statements. Loops are tested at their bottom; an arm that ends in `raise` is laid out off the usual path.

use smallvec::SmallVec;

use super::lower::{Failure, Loop, Lower};
use crate::frontend::lang::typed::{
    Exception, Expr, ExprKind, IntTy, LocalId, Message, Rule, Stmt, StmtKind, Ty,
};
use crate::ir::func::{Block, Value};
use crate::ir::op::{IntCc, Op, Type};

/// A condition of up to this many nodes is written twice: before the loop and at its bottom.
const ROTATED_NODES: usize = 16;

impl Lower<'_, '_> {
    /// Lowers statements up to the first that does not end.
    pub fn stmts(&mut self, stmts: &[Stmt]) {
        for stmt in stmts {
            if self.b.is_terminated() {
                return;
            }
            self.b.set_span(Some(stmt.span));
            self.stmt(&stmt.kind);
        }
    }

    fn stmt(&mut self, stmt: &StmtKind) {
        match stmt {
            StmtKind::Assign(local, value) => {
                let value = self.value(value);
                self.write(*local, value);
            }
            StmtKind::Unpack {
                targets,
                value,
                narrow,
            } => self.unpack(targets, value, narrow),
            StmtKind::If(cond, then, other) => self.if_(cond, then, other),
            StmtKind::While(cond, body, orelse) => self.while_(cond, body, orelse),
            StmtKind::ForRange {
                var,
                narrow,
                start,
                stop,
                step,
                body,
                orelse,
            } => {
                let counted = self.range(start, stop, step);
                self.for_range(counted, (*var, *narrow), body, orelse);
            }
            StmtKind::Break => {
                let exit = self.innermost().exit;
                self.b.jump(exit, &[]);
            }
            StmtKind::Continue => {
                let next = self.innermost().next;
                self.b.jump(next, &[]);
            }
            StmtKind::Return(values) => self.return_(values),
            StmtKind::Raise(exception, message) => self.raise(exception, message.as_ref()),
            StmtKind::Assert(cond, message) => self.assert(cond, message.as_ref()),
            StmtKind::Expr(value) => {
                self.values(value);
            }
        }
    }

    fn innermost(&self) -> Loop {
        *self.loops.last().expect("lang has found the loop")
    }

    fn unpack(&mut self, targets: &[LocalId], value: &Expr, narrow: &[Option<(IntTy, Rule)>]) {
        let values = self.values(value);
        let tys: SmallVec<[Ty; 2]> = match &value.kind {
            ExprKind::Tuple(items) => items.iter().map(|item| item.ty).collect(),
            ExprKind::Call(callee, _) => {
                let module = self.ctx.module;
                let results = &module.functions[callee.index()].results;
                results.iter().map(|result| result.ty()).collect()
            }
            _ => smallvec::smallvec![value.ty; values.len()],
        };
        for (at, &target) in targets.iter().enumerate() {
            let value = match narrow[at] {
                Some((to, rule)) => self.narrow(values[at], tys[at], to, rule),
                None => values[at],
            };
            self.write(target, value);
        }
    }

    fn return_(&mut self, values: &[Expr]) {
        let values: SmallVec<[Value; 2]> =
            values.iter().flat_map(|value| self.values(value)).collect();
        // `return f()` where neither has a result: the call's None is not one.
        let count = self.function.results.len();
        let returns = self.returns;
        self.b.jump(returns, &values[..count]);
    }

    fn if_(&mut self, cond: &Expr, then: &[Stmt], other: &[Stmt]) {
        let join = self.b.block_like_current();
        let first = self.arm(then);
        let second = if other.is_empty() {
            join
        } else {
            self.arm(other)
        };
        self.cond(cond, first, second);
        self.arm_into(first, then, join);
        if !other.is_empty() {
            self.arm_into(second, other, join);
        }
        self.enter(join);
    }

    /// A block for an arm, cold where it ends in `raise`.
    fn arm(&mut self, stmts: &[Stmt]) -> Block {
        match stmts.last().map(|stmt| &stmt.kind) {
            Some(StmtKind::Raise(..)) => self.b.cold_block(),
            _ => self.b.block_like_current(),
        }
    }

    fn arm_into(&mut self, block: Block, stmts: &[Stmt], join: Block) {
        if self.enter(block) {
            self.stmts(stmts);
            self.jump_on(join);
        }
    }

    /// Jumps where control gets to this point.
    fn jump_on(&mut self, to: Block) {
        if !self.b.is_terminated() {
            self.b.jump(to, &[]);
        }
    }

    fn while_(&mut self, cond: &Expr, body: &[Stmt], orelse: &[Stmt]) {
        let head = self.b.block_like_current();
        let next = self.b.block_like_current();
        let exit = self.b.block_like_current();
        let done = if orelse.is_empty() {
            exit
        } else {
            self.b.block_like_current()
        };
        if self.is_small(cond, &mut { ROTATED_NODES }) {
            let span = self.b.span();
            self.cond(cond, head, done);
            if self.b.is_reached(head) {
                self.b.switch_to(head);
                self.loop_body(body, Loop { exit, next });
                self.b.set_span(span);
                if self.enter(next) {
                    self.cond(cond, head, done);
                }
                self.b.seal(head);
            } else {
                self.enter(head);
                self.enter(next);
            }
        } else {
            self.b.jump(next, &[]);
            self.b.switch_to(next);
            self.cond(cond, head, done);
            if self.enter(head) {
                self.loop_body(body, Loop { exit, next });
            }
            self.b.seal(next);
        }
        self.loop_end(done, exit, orelse);
    }

    /// Lowers a loop's body, which ends at `next`.
    fn loop_body(&mut self, body: &[Stmt], around: Loop) {
        self.loops.push(around);
        self.stmts(body);
        self.loops.pop();
        self.jump_on(around.next);
    }

    /// What follows a loop: `else` where it came to its end, then, where `break` also goes, on.
    fn loop_end(&mut self, done: Block, exit: Block, orelse: &[Stmt]) {
        if done != exit && self.enter(done) {
            self.stmts(orelse);
            self.jump_on(exit);
        }
        self.enter(exit);
    }

    /// Whether an expression has at most `*room` nodes.
    fn is_small(&self, expr: &Expr, room: &mut usize) -> bool {
        if *room == 0 {
            return false;
        }
        *room -= 1;
        super::plan::operands(expr)
            .into_iter()
            .all(|operand| self.is_small(operand, room))
    }

    fn assert(&mut self, cond: &Expr, message: Option<&Message>) {
        let (holds, broken) = (self.b.block_like_current(), self.b.cold_block());
        self.cond(cond, holds, broken);
        if self.enter(broken) {
            self.raise(&Exception::Builtin("AssertionError"), message);
        }
        self.enter(holds);
    }
}

/// A range whose bounds are known: how its loop counts.
struct Range {
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
    fn range(&mut self, start: &Expr, stop: &Expr, step: &Expr) -> Range {
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

    fn for_range(
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
        self.write(var, value);
        let span = self.b.span();
        self.loop_body(body, Loop { exit, next });
        self.b.set_span(span);
        if self.enter(next) {
            let value = self.b.get(at);
            let (value, more) = self.advance(&range, value, left);
            self.b.set(at, value);
            self.b.br(more, head, &[], done, &[]);
        }
        self.b.seal(head);
        self.loop_end(done, exit, orelse);
    }

    /// The next value of a range, and whether there is one. The value may be out of range (and wrapped) where there is none.
    fn advance(
        &mut self,
        range: &Range,
        value: Value,
        left: crate::ir::builder::Var,
    ) -> (Value, Value) {
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
