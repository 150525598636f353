//! Statements. Loops are tested at their bottom; an arm that ends in `raise` is laid out off the usual path.

use smallvec::SmallVec;

use super::handle::Exit;
use super::lower::{Loop, Lower};
use super::operand::Operand;
use crate::frontend::lang::typed::{
    Exception, Expr, IntTy, LocalId, Message, Rule, Stmt, StmtKind,
};
use crate::ir::func::Block;

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
                let value = self.operand(value);
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
            StmtKind::ForEach {
                index,
                var,
                view,
                body,
                orelse,
            } => self.for_each((*index, *var), view, body, orelse),
            StmtKind::Store {
                view,
                index,
                value,
                rule,
            } => self.store(view, index, value, *rule),
            StmtKind::ForObject {
                index,
                var,
                object,
                body,
                orelse,
            } => self.for_object((*index, *var), object, body, orelse),
            StmtKind::UnpackObject { targets, value } => self.unpack_object(targets, value),
            StmtKind::SetAttribute {
                object,
                name,
                value,
            } => self.set_attribute(object, name, Some(value)),
            StmtKind::SetItem {
                object,
                index,
                value,
            } => self.set_item(object, index, Some(value)),
            StmtKind::DelAttribute(object, name) => self.set_attribute(object, name, None),
            StmtKind::DelItem(object, index) => self.set_item(object, index, None),
            StmtKind::Delete(local, checked) => {
                self.read(*local, *checked);
                self.unbind(*local);
            }
            StmtKind::Try(inner) => self.try_(inner),
            StmtKind::RaiseObject(exception, cause) => {
                self.raise_object(exception, cause.as_ref());
            }
            StmtKind::Reraise => self.reraise(),
            StmtKind::Break => self.leave_loop(Exit::Break(self.loops.len() - 1)),
            StmtKind::Continue => self.leave_loop(Exit::Continue(self.loops.len() - 1)),
            StmtKind::Return(values) => self.return_(values),
            StmtKind::Raise(exception, message) => self.raise(exception, message.as_ref()),
            StmtKind::Assert(cond, message) => self.assert(cond, message.as_ref()),
            StmtKind::Nogil(stmts) => self.nogil(stmts),
            StmtKind::Expr(value) => {
                let mark = self.mark();
                self.results(value);
                self.release_held(mark);
            }
        }
    }

    /// A loop at this place.
    pub fn around(&self, exit: Block, next: Block) -> Loop {
        Loop {
            exit,
            next,
            released: self.world.thread.is_some(),
            depth: self.regions.len(),
        }
    }

    fn unpack(&mut self, targets: &[LocalId], value: &Expr, narrow: &[Option<(IntTy, Rule)>]) {
        let mark = self.mark();
        let mut values = self.results(value);
        for (value, narrow) in values.iter_mut().zip(narrow) {
            if let &Some((to, rule)) = narrow {
                value.parts[0] = self.narrow(value.parts[0], value.ty, to, rule);
            }
        }
        self.let_go(mark);
        // Owned, all of them, before a write lets go of what another is borrowed from.
        let values: SmallVec<[Operand; 2]> =
            values.into_iter().map(|value| self.own(value)).collect();
        for (&target, value) in targets.iter().zip(values) {
            self.write(target, value);
        }
    }

    fn return_(&mut self, values: &[Expr]) {
        let mark = self.mark();
        let mut results: Vec<Operand> = Vec::new();
        for value in values {
            results.extend(self.results(value));
        }
        self.let_go(mark);
        // `return f()` where neither has a result: the call's None is not one.
        results.truncate(self.function.results.len());
        match self.regions.is_empty() {
            true => self.leave(results),
            false => self.return_through(results),
        }
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
    pub fn jump_on(&mut self, to: Block) {
        if !self.b.is_terminated() {
            self.b.jump(to, &[]);
        }
    }

    fn while_(&mut self, cond: &Expr, body: &[Stmt], orelse: &[Stmt]) {
        let head = self.b.block_like_current();
        let next = self.b.block_like_current();
        let exit = self.b.block_like_current();
        let around = self.around(exit, next);
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
                self.loop_body(body, around);
                self.b.set_span(span);
                if self.enter(next) {
                    self.look_for_signals();
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
            self.look_for_signals();
            self.cond(cond, head, done);
            if self.enter(head) {
                self.loop_body(body, around);
            }
            self.b.seal(next);
        }
        self.loop_end(done, exit, orelse);
    }

    /// Lowers a loop's body, which ends at `next`.
    pub fn loop_body(&mut self, body: &[Stmt], around: Loop) {
        self.loops.push(around);
        self.stmts(body);
        self.loops.pop();
        self.jump_on(around.next);
    }

    /// What follows a loop: `else` where it came to its end, then, where `break` also goes, on.
    pub fn loop_end(&mut self, done: Block, exit: Block, orelse: &[Stmt]) {
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
