//! All items of a view at once: the least and the greatest one, a list of them. Each item is loaded once.

use super::super::runtime::boxed;
use super::super::runtime::raise::Need;
use super::lower::{Failure, Lower};
use super::operand::Operand;
use super::view::Items;
use crate::frontend::lang::typed::{Expr, Ty};
use crate::ir::func::Value;
use crate::ir::op::{FloatCc, IntCc, Op, Type};

impl Lower<'_, '_> {
    /// `min(view)`, `max(view)`: the first of equals, and of NaNs what comparisons make of them.
    pub fn extreme_item(&mut self, view: &Expr, least: bool) -> Value {
        let mark = self.mark();
        let view = self.needed(view, Need::Iterate);
        let items = Items::of(&view);
        self.fail_unless(items.count, Failure::Empty { least });
        let zero = self.b.iconst(0);
        let first = self.load_item(items, zero);
        let ty = items.view.item.storage().ty();
        let best = self.b.var(self.b.func.ty(first));
        self.b.set(best, first);
        let one = self.b.iconst(1);
        self.each_item(items, one, |l, item, _| {
            let so_far = l.b.get(best);
            let better = match (ty, least) {
                (Ty::F64, true) => l.b.fcmp(FloatCc::Lt, item, so_far),
                (Ty::F64, false) => l.b.fcmp(FloatCc::Gt, item, so_far),
                (Ty::U64, true) => l.b.icmp(IntCc::Ult, item, so_far),
                (Ty::U64, false) => l.b.icmp(IntCc::Ugt, item, so_far),
                (_, true) => l.b.icmp(IntCc::Slt, item, so_far),
                (_, false) => l.b.icmp(IntCc::Sgt, item, so_far),
            };
            let better = l.select(better, item, so_far);
            l.b.set(best, better);
        });
        let best = self.b.get(best);
        self.release_held(mark);
        best
    }

    /// A new list of a view's items.
    pub fn listed(&mut self, view: &Expr) -> Operand {
        let mark = self.mark();
        let view = self.needed(view, Need::Iterate);
        let items = Items::of(&view);
        let ty = items.view.item.storage().ty();
        let list = self.new_object("PyList_New", &[items.count]);
        self.owning(list, |l| {
            let zero = l.b.iconst(0);
            l.each_item(items, zero, |l, item, at| {
                let object = boxed::boxed(l.ctx, l.b, ty, item);
                l.check_object(object);
                // It cannot fail on what is new.
                l.ctx.call1(l.b, "PyList_SetItem", &[list, at, object]);
            });
        });
        self.release_held(mark);
        Operand::new(Ty::Object, list)
    }

    /// Runs `step` on the items from one on, each with its index.
    fn each_item(&mut self, items: Items, from: Value, step: impl FnOnce(&mut Self, Value, Value)) {
        let (head, done) = (self.b.block_like_current(), self.b.block_like_current());
        let at = self.b.var(Type::I64);
        self.b.set(at, from);
        let any = self.b.icmp(IntCc::Ult, from, items.count);
        self.b.br(any, head, &[], done, &[]);
        self.b.switch_to(head);
        let here = self.b.get(at);
        let item = self.load_item(items, here);
        step(self, item, here);
        let there = self.op2_imm(Op::Iadd, here, 1);
        self.b.set(at, there);
        let more = self.b.icmp(IntCc::Ult, there, items.count);
        self.b.br(more, head, &[], done, &[]);
        self.b.seal(head);
        self.b.seal_and_switch_to(done);
    }
}
