//! Values under evaluation: in come expressions, out come their parts and the knowledge who releases the reference among them.
//!
//! A reference is *owned* where the expression has made it, or *borrowed* from a local, the caller or the interpreter; what is borrowed
//! stays alive to the end of the statement, for only statements write locals. An owned one is passed on (to a local, a result, a view that
//! it keeps) or released. While something else is evaluated that may fail, it is held ([`Lower::hold`]): then the way out releases it.
//!
//! NULL is a reference to nothing. Where it is known to be NULL, no code is made.

use smallvec::{SmallVec, smallvec};

use super::super::access;
use super::super::ctx::Ctx;
use super::lower::Lower;
use super::parts;
use crate::frontend::lang::typed::{Const, Exception, Expr, ExprKind, ObjectOp, Ty, Whole};
use crate::ir::builder::{Builder, Var};
use crate::ir::func::{Block, Slot, Value};
use crate::ir::op::MemType;

/// Of more variables than that, ways out by errors read copies in memory: what a loop writes, each place that may fail would hand on.
const MOST_IN_REGISTERS: usize = 16;

/// One reference more, or one less.
type Change = fn(&mut Ctx, &mut Builder, Value);

/// The value of an expression.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub ty: Ty,
    /// As many as [`parts`] says.
    pub parts: SmallVec<[Value; 3]>,
    /// The reference among the parts is owned.
    pub owned: bool,
}

/// What is released on the way out while it is held.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub reference: Reference,
    /// Where errors went before.
    outer: Block,
    /// Where they go now: releases the reference on the way to `outer`.
    cleanup: Block,
}

/// What owns a reference that is held.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reference {
    /// A value.
    Value { value: Value, may_be_null: bool },
    /// A variable, which may hold NULL.
    Var {
        var: Var,
        /// Where the frame has it, too.
        copy: Option<Slot>,
    },
}

/// Which part of a type's values is a reference.
pub(super) fn reference_part(ty: Ty) -> Option<usize> {
    match ty {
        Ty::Bool | Ty::I64 | Ty::U64 | Ty::F64 | Ty::Complex => None,
        Ty::None | Ty::Str { .. } | Ty::Object => Some(0),
        Ty::View(_) => Some(2),
    }
}

/// Whether the expression's value is borrowed, wherever control goes in it: [`Operand::owned`] before it is evaluated.
pub(super) fn is_borrowed(expr: &Expr) -> bool {
    if reference_part(expr.ty).is_none() {
        return true;
    }
    match &expr.kind {
        // Made where it stands.
        ExprKind::Const(Const::Str(_)) => false,
        ExprKind::Const(_) | ExprKind::Local { .. } | ExprKind::Table(_) => true,
        ExprKind::NewArray { in_frame, .. } => *in_frame,
        ExprKind::Object(ObjectOp::Class(_) | ObjectOp::Builtin(_) | ObjectOp::Math(_), _) => true,
        ExprKind::Object(ObjectOp::Exception(Exception::Module(_)), _) => true,
        ExprKind::Widen(x) | ExprKind::NotNone(x) | ExprKind::Encode(x) | ExprKind::Cast(x) => {
            is_borrowed(x)
        }
        ExprKind::Slice(view, ..) => {
            let copied = matches!(view.ty, Ty::View(view) if view.whole == Whole::ByteArray);
            !copied && is_borrowed(view)
        }
        ExprKind::And(a, b) | ExprKind::Or(a, b) | ExprKind::IfElse(_, a, b) => {
            is_borrowed(a) && is_borrowed(b)
        }
        _ => false,
    }
}

impl Operand {
    /// Of a type with one part, borrowed if it is a reference.
    pub fn single(ty: Ty, value: Value) -> Operand {
        Operand {
            ty,
            parts: smallvec![value],
            owned: false,
        }
    }

    /// A new reference.
    pub fn new(ty: Ty, object: Value) -> Operand {
        Operand {
            ty,
            parts: smallvec![object],
            owned: true,
        }
    }

    /// The reference among the parts.
    pub fn reference(&self) -> Option<Value> {
        reference_part(self.ty).map(|at| self.parts[at])
    }

    /// Whether the reference may be NULL.
    fn may_be_null(&self) -> bool {
        matches!(self.ty, Ty::View(_))
    }
}

impl Lower<'_, '_> {
    // References.

    fn is_null_const(&self, reference: Value) -> bool {
        self.b.int_const(reference) == Some(0)
    }

    /// The reference to release, if there is one.
    fn to_release(&self, operand: &Operand) -> Option<Value> {
        let reference = operand.reference().filter(|_| operand.owned)?;
        (!self.is_null_const(reference)).then_some(reference)
    }

    /// Makes the reference owned.
    pub fn own(&mut self, operand: Operand) -> Operand {
        if !operand.owned
            && let Some(reference) = operand.reference()
        {
            self.count(reference, operand.may_be_null(), access::count);
        }
        Operand {
            owned: true,
            ..operand
        }
    }

    /// Releases the reference, if it is owned.
    pub fn release(&mut self, operand: &Operand) {
        if let Some(reference) = self.to_release(operand) {
            self.count(reference, operand.may_be_null(), access::release);
        }
    }

    /// Releases a reference that may be NULL.
    pub fn release_reference(&mut self, reference: Value) {
        self.count(reference, true, access::release);
    }

    /// Changes a reference's count. For one that is NULL, the GIL is not taken.
    fn count(&mut self, reference: Value, may_be_null: bool, change: Change) {
        if self.is_null_const(reference) {
            return;
        }
        let on = may_be_null.then(|| {
            let (some, on) = (self.b.block_like_current(), self.b.block_like_current());
            self.b.br(reference, some, &[], on, &[]);
            self.b.seal_and_switch_to(some);
            on
        });
        self.with_gil(|l| change(l.ctx, l.b, reference));
        if let Some(on) = on {
            self.b.jump(on, &[]);
            self.b.seal_and_switch_to(on);
        }
    }

    // Holding.

    /// From now on, ways out by errors release the operand's reference if it is owned.
    pub fn hold(&mut self, operand: &Operand) {
        if let Some(reference) = self.to_release(operand) {
            self.hold_reference(reference, operand.may_be_null());
        }
    }

    /// Likewise a reference.
    pub fn hold_reference(&mut self, value: Value, may_be_null: bool) {
        self.hold_on(Reference::Value { value, may_be_null });
    }

    /// From now on, ways out by errors release what a variable owns then.
    pub fn hold_var(&mut self, var: Var) {
        let copy = (self.held.len() >= MOST_IN_REGISTERS).then(|| self.b.slot(8, 8));
        if let Some(slot) = copy {
            let value = self.b.get(var);
            self.keep_copy(slot, value);
        }
        self.hold_on(Reference::Var { var, copy });
    }

    fn keep_copy(&mut self, slot: Slot, value: Value) {
        let address = self.b.slot_addr(slot);
        self.b.store(MemType::I64, value, address, 0);
    }

    /// Writes a variable that owns a reference.
    pub fn set_owner(&mut self, owner: Var, reference: Value) {
        let copy = self.held.iter().find_map(|held| match held.reference {
            Reference::Var { var, copy } if var == owner => copy,
            Reference::Var { .. } | Reference::Value { .. } => None,
        });
        if let Some(slot) = copy {
            self.keep_copy(slot, reference);
        }
        self.b.set(owner, reference);
    }

    fn hold_on(&mut self, reference: Reference) {
        let outer = self.world.fails;
        let cleanup = self.b.cold_block();
        self.world.fails = cleanup;
        self.held.push(Held {
            reference,
            outer,
            cleanup,
        });
    }

    /// How much is held now.
    pub fn mark(&self) -> usize {
        self.held.len()
    }

    /// From now on, what has been held since the mark is in other hands.
    pub fn let_go(&mut self, mark: usize) {
        while self.held.len() > mark {
            let held = self.held.pop().expect("it is longer than the mark");
            self.world.fails = held.outer;
            let resume = (!self.b.is_terminated()).then(|| self.b.current());
            self.flush_raisers(held.cleanup);
            if self.enter(held.cleanup) {
                // Errors arrive with the GIL held.
                let reference = match held.reference {
                    Reference::Var {
                        copy: Some(slot), ..
                    } => {
                        let address = self.b.slot_addr(slot);
                        self.b.load(MemType::I64, address, 0)
                    }
                    _ => self.reference(held),
                };
                if !self.is_null_const(reference) {
                    self.ctx.call(self.b, "Py_DecRef", &[reference]);
                }
                self.b.jump(held.outer, &[]);
            }
            // Where control does not go on, the current block has an end, as before.
            if let Some(resume) = resume {
                self.b.switch_to(resume);
            }
        }
    }

    /// Releases what has been held since the mark.
    pub fn release_held(&mut self, mark: usize) {
        let held: SmallVec<[Held; 4]> = self.held[mark..].into();
        self.let_go(mark);
        self.release_each(&held);
    }

    /// Releases what is or was held.
    pub fn release_each(&mut self, all: &[Held]) {
        for &held in all {
            let may_be_null = match held.reference {
                Reference::Value { may_be_null, .. } => may_be_null,
                Reference::Var { .. } => true,
            };
            let reference = self.reference(held);
            self.count(reference, may_be_null, access::release);
        }
    }

    /// The reference itself.
    pub fn reference(&mut self, held: Held) -> Value {
        match held.reference {
            Reference::Value { value, .. } => value,
            Reference::Var { var, .. } => self.b.get(var),
        }
    }

    /// Runs `make` such that a failure in it releases `object` first.
    pub fn owning<R>(&mut self, object: Value, make: impl FnOnce(&mut Self) -> R) -> R {
        let mark = self.mark();
        self.hold_reference(object, false);
        let result = make(self);
        self.let_go(mark);
        result
    }

    // Evaluation.

    /// The value of an expression with one result.
    pub fn operand(&mut self, expr: &Expr) -> Operand {
        match reference_part(expr.ty) {
            None if expr.ty != Ty::Complex => Operand::single(expr.ty, self.value(expr)),
            _ => {
                let outer = self.b.span();
                self.b.set_span(Some(expr.span));
                let operand = self.composite(expr);
                debug_assert_eq!(operand.parts.len(), parts(expr.ty).len(), "{expr:?}");
                self.b.set_span(outer);
                operand
            }
        }
    }

    /// Likewise, held.
    pub fn held_operand(&mut self, expr: &Expr) -> Operand {
        let operand = self.operand(expr);
        self.hold(&operand);
        operand
    }
}
