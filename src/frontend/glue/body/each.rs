//! `for` over a view: the view is evaluated once and kept, each round loads one item. The loop counts items and never looks beyond them,
//! whatever its body does to the locals or to the memory.

use smallvec::SmallVec;

use super::super::runtime::raise::Need;
use super::lower::Lower;
use super::operand::{Held, Operand};
use super::view::Items;
use crate::frontend::lang::typed::{Expr, LocalId, Stmt};
use crate::ir::func::Block;
use crate::ir::op::{IntCc, Op, Type};

impl Lower<'_, '_> {
    /// `for var in view`, or `for index, var in enumerate(view)`.
    pub fn for_each(
        &mut self,
        (index, var): (Option<LocalId>, LocalId),
        view: &Expr,
        body: &[Stmt],
        orelse: &[Stmt],
    ) {
        let mark = self.mark();
        let view = self.needed(view, Need::Iterate);
        self.let_go(mark);
        let items = Items::of(&view);
        self.keep(view, body);

        let head = self.b.block_like_current();
        let next = self.b.block_like_current();
        let exit = self.b.block_like_current();
        let done = if orelse.is_empty() {
            exit
        } else {
            self.b.block_like_current()
        };
        // The loop's own counter: assignments to the variables do not disturb it.
        let at = self.b.var(Type::I64);
        let first = self.b.iconst(0);
        self.b.set(at, first);
        self.b.br(items.count, head, &[], done, &[]);
        self.b.switch_to(head);
        let here = self.b.get(at);
        let item = self.load_item(items, here);
        if let Some(index) = index {
            self.write_number(index, here);
        }
        self.write_number(var, item);
        let span = self.b.span();
        let around = self.around(exit, next);
        self.loop_body(body, around);
        self.b.set_span(span);
        if self.enter(next) {
            self.look_for_signals();
            let here = self.b.get(at);
            let there = self.op2_imm(Op::Iadd, here, 1);
            self.b.set(at, there);
            let more = self.b.icmp(IntCc::Ult, there, items.count);
            self.b.br(more, head, &[], done, &[]);
        }
        self.b.seal(head);
        self.each_end(mark, (done, exit), orelse);
    }

    /// Holds a view whose memory the loop reads, unless it is borrowed from something that the body leaves alone.
    fn keep(&mut self, view: Operand, body: &[Stmt]) {
        if view.owned || self.writes_references(body) {
            let view = self.own(view);
            self.hold(&view);
        }
    }

    /// What follows the loop. What has been held for it since the mark is released where it ends, before an `else` that may leave an outer
    /// loop.
    pub fn each_end(&mut self, mark: usize, (done, exit): (Block, Block), orelse: &[Stmt]) {
        let held: SmallVec<[Held; 1]> = self.held[mark..].into();
        self.let_go(mark);
        let after = self.b.block_like_current();
        if done != exit && self.enter(done) {
            self.release_each(&held);
            self.stmts(orelse);
            self.jump_on(after);
        }
        if self.enter(exit) {
            self.release_each(&held);
            self.b.jump(after, &[]);
        }
        self.enter(after);
    }
}
