//! Statements on objects: stores and deletions, loops over iterables, unpacking. References are released on every path.

use super::super::runtime::objects;
use super::lower::Lower;
use super::operand::Operand;
use crate::frontend::lang::typed::{Expr, LocalId, Stmt, Ty};
use crate::ir::op::{IntCc, MemType, Op, Type};

impl Lower<'_, '_> {
    /// `object.name = value`, or `del object.name`.
    pub fn set_attribute(&mut self, object: &Expr, name: &str, value: Option<&Expr>) {
        let mark = self.mark();
        let value = value.map(|value| self.held_operand(value).parts[0]);
        let object = self.held_operand(object).parts[0];
        let name = self.name_object(name);
        let value = value.unwrap_or(self.null);
        self.status("PyObject_SetAttr", &[object, name, value]);
        self.release_held(mark);
    }

    /// `object[index] = value`, or `del object[index]`.
    pub fn set_item(&mut self, object: &Expr, index: &Expr, value: Option<&Expr>) {
        let mark = self.mark();
        let value = value.map(|value| self.held_operand(value).parts[0]);
        let object = self.held_operand(object).parts[0];
        let index = self.held_operand(index).parts[0];
        match value {
            Some(value) => self.status("PyObject_SetItem", &[object, index, value]),
            None => self.status("PyObject_DelItem", &[object, index]),
        };
        self.release_held(mark);
    }

    /// `a, b = object`
    pub fn unpack_object(&mut self, targets: &[LocalId], value: &Expr) {
        let mark = self.mark();
        let value = self.held_operand(value).parts[0];
        let slot = self.b.slot(8 * targets.len().max(1) as u32, 8);
        let slot = self.b.slot_addr(slot);
        let flag = objects::unpack(self.ctx, self.b, value, targets.len(), slot);
        self.check(flag);
        self.release_held(mark);
        let items: Vec<_> = (0..targets.len())
            .map(|at| self.b.load(MemType::I64, slot, 8 * at as i32))
            .collect();
        for (&target, item) in targets.iter().zip(items) {
            self.write(target, Operand::new(Ty::Object, item));
        }
    }

    /// `for var in object`, or `for index, var in enumerate(object)`.
    pub fn for_object(
        &mut self,
        (index, var): (Option<LocalId>, LocalId),
        object: &Expr,
        body: &[Stmt],
        orelse: &[Stmt],
    ) {
        let mark = self.mark();
        let object = self.held_operand(object).parts[0];
        let iterator = self.new_object("PyObject_GetIter", &[object]);
        self.release_held(mark);
        self.hold_reference(iterator, false);
        let (head, next) = (self.b.block_like_current(), self.b.block_like_current());
        let (exit, ended) = (self.b.block_like_current(), self.b.block_like_current());
        let done = match orelse.is_empty() {
            true => exit,
            false => self.b.block_like_current(),
        };
        // The loop's own counter: assignments to the variable do not disturb it.
        let at = self.b.var(Type::I64);
        let first = self.b.iconst(0);
        self.b.set(at, first);
        let span = self.b.span();
        self.b.jump(head, &[]);
        self.b.switch_to(head);
        let item = self.ctx.call1(self.b, "PyIter_Next", &[iterator]);
        self.b.exit_unless(item, ended, &[]);
        if let Some(index) = index {
            let here = self.b.get(at);
            self.write_number(index, here);
        }
        self.write(var, Operand::new(Ty::Object, item));
        let around = self.around(exit, next);
        self.loop_body(body, around);
        self.b.set_span(span);
        if self.enter(next) {
            self.look_for_signals();
            let here = self.b.get(at);
            let there = self.op2_imm(Op::Iadd, here, 1);
            self.b.set(at, there);
            self.b.jump(head, &[]);
        }
        self.b.seal(head);
        self.b.seal_and_switch_to(ended);
        let raised = self.ctx.call1(self.b, "PyErr_Occurred", &[]);
        let raised = self.b.icmp_imm(IntCc::Ne, raised, 0);
        self.check(raised);
        self.b.jump(done, &[]);
        self.each_end(mark, (done, exit), orelse);
    }
}
