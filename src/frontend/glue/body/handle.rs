//! `try`: its handlers, its `finally`, and the ways out of them.
//!
//! Within a `try`, errors go to a block that takes the exception. A handler makes it the one that is being handled (`sys.exc_info()`), and
//! every way out of the handler puts the one before back. The statements of a `finally` are there once: whoever leads there leaves a number of
//! where to go on, and a `return` parks its results.
//!
//! ```text
//! 0  control went through     1  an exception is set     2...  ways out that cross the `finally`
//! ```
//!
//! There is no `try` where the GIL is released.

use smallvec::SmallVec;

use super::super::runtime::objects;
use super::lower::Lower;
use super::operand::{Held, Operand, reference_part};
use super::parts;
use crate::frontend::lang::typed::{Handler, LocalId, Try, Ty};
use crate::ir::builder::Var;
use crate::ir::func::Block;
use crate::ir::op::{IntCc, Type};

/// Control went through the statements before the `finally`.
const THROUGH: i64 = 0;
/// An exception was raised there.
const RAISED: i64 = 1;
/// The first way out that crosses it.
const CROSSING: i64 = 2;

/// The exception that is handled, and the one that was handled before: references of their own.
#[derive(Clone, Copy)]
pub(super) struct Handled {
    before: Var,
    exception: Var,
}

/// Something that ways out have to leave in order.
#[derive(Clone)]
pub(super) enum Region {
    /// A handler; the exception has a name.
    Handler(Handled, Option<LocalId>),
    /// Statements before a `finally`.
    Before(Before),
    /// The statements of a `finally`; where the results of a `return` are that led to it, if one does.
    Within {
        pending: Var,
        handled: Handled,
        parked: Option<Parked>,
    },
}

/// What ways out have to know of a `finally` that they lead to.
#[derive(Clone)]
pub(super) struct Before {
    /// Where it begins.
    entry: Block,
    /// Where to leave the number.
    pending: Var,
    /// Where results wait.
    parked: Parked,
    /// The ways out so far.
    exits: Vec<Exit>,
    /// What is held around it.
    mark: usize,
}

/// A way out other than by an error. Loops are numbered from the outermost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Return,
    Break(usize),
    Continue(usize),
}

/// The variables of parked results: of each its type and parts.
pub(super) type Parked = Vec<(Ty, SmallVec<[Var; 3]>)>;

impl Lower<'_, '_> {
    /// `break` or `continue`.
    pub fn leave_loop(&mut self, exit: Exit) {
        let around = *self.loops.last().expect("lang has found the loop");
        let thread = self.world.thread;
        if !around.released {
            self.take_gil();
            self.world.thread = None;
        }
        self.exit(exit, Vec::new());
        self.world.thread = thread;
    }

    /// Returns, through whatever is around.
    pub fn return_through(&mut self, results: Vec<Operand>) {
        let thread = self.world.thread;
        self.take_gil();
        self.world.thread = None;
        // In hands of their own, before what they are borrowed from is released.
        let results: Vec<Operand> = results.into_iter().map(|r| self.own(r)).collect();
        self.exit(Exit::Return, results);
        self.world.thread = thread;
    }

    /// Goes a way out, through the regions in between. A `return` has results, which are owned.
    fn exit(&mut self, exit: Exit, results: Vec<Operand>) {
        let to = match exit {
            Exit::Return => 0,
            Exit::Break(at) | Exit::Continue(at) => self.loops[at].depth,
        };
        for at in (to..self.regions.len()).rev() {
            if let Region::Before(before) = &mut self.regions[at] {
                let exits = &mut before.exits;
                let known = exits.iter().position(|known| *known == exit);
                let number = known.unwrap_or_else(|| {
                    exits.push(exit);
                    exits.len() - 1
                });
                let before = before.clone();
                // Loops that are left for good.
                let loops: Vec<Held> = self.held[before.mark..].iter().rev().copied().collect();
                self.release_each(&loops);
                let number = self.b.iconst(CROSSING + number as i64);
                self.b.set(before.pending, number);
                self.park(&before.parked, results);
                return self.b.jump(before.entry, &[]);
            }
            self.end_region(at);
        }
        match exit {
            Exit::Return => self.leave(results),
            Exit::Break(at) => self.b.jump(self.loops[at].exit, &[]),
            Exit::Continue(at) => self.b.jump(self.loops[at].next, &[]),
        }
    }

    /// Leaves a handler or the statements of a `finally`.
    fn end_region(&mut self, at: usize) {
        match self.regions[at].clone() {
            Region::Handler(handled, name) => self.end_handler(handled, name),
            Region::Within {
                pending,
                handled,
                parked,
            } => {
                self.end_within(pending, handled);
                self.drop_parked(parked);
            }
            Region::Before(_) => unreachable!("its `finally` runs first"),
        }
    }

    fn end_handler(&mut self, handled: Handled, name: Option<LocalId>) {
        self.end_handling(handled);
        if let Some(name) = name {
            self.unbind(name);
        }
    }

    fn end_handling(&mut self, handled: Handled) {
        let before = self.b.get(handled.before);
        objects::handle(self.ctx, self.b, before);
        self.release_var(handled.before);
        self.release_var(handled.exception);
    }

    fn end_within(&mut self, pending: Var, handled: Handled) {
        let (raised, on) = (self.b.cold_block(), self.b.block_like_current());
        let number = self.b.get(pending);
        let is_raised = self.b.icmp_imm(IntCc::Eq, number, RAISED);
        self.b.br(is_raised, raised, &[], on, &[]);
        self.b.seal_and_switch_to(raised);
        self.end_handling(handled);
        self.b.jump(on, &[]);
        self.b.seal_and_switch_to(on);
    }

    // Results of a `return` that crosses a `finally`.

    /// Where results of a `return` wait; what has no reference gets some value.
    fn make_room(&mut self) -> Parked {
        let mut parked = Vec::new();
        for result in &self.function.results {
            let ty = result.ty();
            let vars = parts(ty).iter().map(|part| match part.value() {
                Type::I64 => self.empty_var(),
                Type::F64 => {
                    let (var, nothing) = (self.b.var(Type::F64), self.b.fconst(0.0));
                    self.b.set(var, nothing);
                    var
                }
            });
            parked.push((ty, vars.collect()));
        }
        parked
    }

    fn park(&mut self, parked: &Parked, results: Vec<Operand>) {
        for ((_, vars), result) in parked.iter().zip(results) {
            for (&var, part) in vars.iter().zip(result.parts) {
                self.b.set(var, part);
            }
        }
    }

    fn unpark(&mut self, parked: &Parked) -> Vec<Operand> {
        let results = parked.iter().map(|(ty, vars)| Operand {
            ty: *ty,
            parts: vars.iter().map(|&var| self.b.get(var)).collect(),
            owned: reference_part(*ty).is_some(),
        });
        results.collect()
    }

    /// Forgets a `return` that something else takes the place of.
    fn drop_parked(&mut self, parked: Option<Parked>) {
        for (ty, vars) in parked.into_iter().flatten() {
            if let Some(at) = reference_part(ty) {
                self.release_var(vars[at]);
            }
        }
    }

    // The statement.

    pub fn try_(&mut self, inner: &Try) {
        if inner.finally.is_empty() {
            return self.try_except(inner);
        }
        let parked = self.make_room();
        let (entry, raised) = (self.b.block_like_current(), self.b.cold_block());
        let pending = self.b.var(Type::I64);
        let through = self.b.iconst(THROUGH);
        self.b.set(pending, through);
        let handled = self.new_handled();
        let outer = std::mem::replace(&mut self.world.fails, raised);
        self.regions.push(Region::Before(Before {
            entry,
            pending,
            parked,
            exits: Vec::new(),
            mark: self.mark(),
        }));
        self.try_except(inner);
        let goes_on = !self.b.is_terminated();
        if goes_on {
            let through = self.b.iconst(THROUGH);
            self.b.set(pending, through);
            self.b.jump(entry, &[]);
        }
        let Some(Region::Before(Before { parked, exits, .. })) = self.regions.pop() else {
            unreachable!("regions end in order")
        };
        let parked = exits.contains(&Exit::Return).then_some(parked);
        self.flush_raisers(raised);
        self.world.fails = outer;
        if self.enter(raised) {
            self.caught(handled);
            self.begin_handling(handled);
            let number = self.b.iconst(RAISED);
            self.b.set(pending, number);
            self.b.jump(entry, &[]);
        }
        if self.enter(entry) {
            let region = Region::Within {
                pending,
                handled,
                parked: parked.clone(),
            };
            self.within(region, |l| l.stmts(&inner.finally));
            if !self.b.is_terminated() {
                self.go_on((pending, handled), parked, &exits, goes_on);
            }
        }
    }

    fn new_handled(&mut self) -> Handled {
        Handled {
            before: self.empty_var(),
            exception: self.empty_var(),
        }
    }

    /// A variable that holds NULL.
    fn empty_var(&mut self) -> Var {
        let var = self.b.var(Type::I64);
        self.b.set(var, self.null);
        var
    }

    /// Runs `make`, whose every way out leaves a region.
    fn within(&mut self, region: Region, make: impl FnOnce(&mut Self)) {
        let fails = self.b.cold_block();
        let outer = std::mem::replace(&mut self.world.fails, fails);
        self.regions.push(region);
        make(self);
        let resume = (!self.b.is_terminated()).then(|| self.b.current());
        self.flush_raisers(fails);
        self.world.fails = outer;
        if self.enter(fails) {
            self.end_region(self.regions.len() - 1);
            self.b.jump(outer, &[]);
        }
        self.regions.pop();
        if let Some(resume) = resume {
            self.b.switch_to(resume);
        }
    }

    /// What follows a `finally`: where control was on its way to.
    fn go_on(
        &mut self,
        (pending, handled): (Var, Handled),
        parked: Option<Parked>,
        exits: &[Exit],
        through: bool,
    ) {
        let number = self.b.get(pending);
        let raised = self.b.cold_block();
        let is_raised = self.b.icmp_imm(IntCc::Eq, number, RAISED);
        self.b.exit_if(is_raised, raised, &[]);
        let mut ways = Vec::new();
        for (at, &exit) in exits.iter().enumerate() {
            let way = self.b.block_like_current();
            let is_way = self.b.icmp_imm(IntCc::Eq, number, CROSSING + at as i64);
            self.b.exit_if(is_way, way, &[]);
            ways.push((way, exit));
        }
        let after = self.b.block_like_current();
        match through {
            true => self.b.jump(after, &[]),
            false => self.b.unreachable(),
        }
        self.b.seal_and_switch_to(raised);
        let exception = self.b.get(handled.exception);
        self.b.set(handled.exception, self.null);
        self.end_handling(handled);
        objects::throw(self.ctx, self.b, exception);
        let fails = self.world.fails;
        self.b.jump(fails, &[]);
        for (way, exit) in ways {
            self.b.seal_and_switch_to(way);
            let results = match &parked {
                Some(parked) if exit == Exit::Return => self.unpark(parked),
                _ => Vec::new(),
            };
            self.exit(exit, results);
        }
        self.enter(after);
    }

    fn try_except(&mut self, inner: &Try) {
        if inner.handlers.is_empty() {
            self.stmts(&inner.body);
            return self.stmts(&inner.orelse);
        }
        let after = self.b.block_like_current();
        let caught = self.b.cold_block();
        let handled = self.new_handled();
        let outer = std::mem::replace(&mut self.world.fails, caught);
        self.stmts(&inner.body);
        let resume = (!self.b.is_terminated()).then(|| self.b.current());
        self.flush_raisers(caught);
        self.world.fails = outer;
        if let Some(resume) = resume {
            self.b.switch_to(resume);
            self.stmts(&inner.orelse);
            self.jump_on(after);
        }
        if self.enter(caught) {
            self.caught(handled);
            self.handlers(&inner.handlers, handled, after);
        }
        self.enter(after);
    }

    /// Takes the exception.
    fn caught(&mut self, handled: Handled) {
        let exception = objects::catch(self.ctx, self.b);
        self.b.set(handled.exception, exception);
    }

    /// Makes the exception the one that is handled.
    fn begin_handling(&mut self, handled: Handled) {
        let before = objects::handled(self.ctx, self.b);
        self.b.set(handled.before, before);
        let exception = self.b.get(handled.exception);
        objects::handle(self.ctx, self.b, exception);
    }

    /// The first handler that fits; without any, the exception goes on.
    fn handlers(&mut self, handlers: &[Handler], handled: Handled, after: Block) {
        for handler in handlers {
            let next = self.b.cold_block();
            if let Some(classes) = &handler.classes {
                let fits = self.b.cold_block();
                for class in classes {
                    let exception = self.b.get(handled.exception);
                    let class = self.owning(exception, |l| l.class(class));
                    let args = [exception, class.object];
                    let matches = self.ctx.call1(self.b, "PyErr_GivenExceptionMatches", &args);
                    if class.owned {
                        self.release_reference(class.object);
                    }
                    self.b.exit_if(matches, fits, &[]);
                }
                self.b.jump(next, &[]);
                if !self.enter(fits) {
                    self.b.seal_and_switch_to(next);
                    continue;
                }
            }
            self.begin_handling(handled);
            if let Some(name) = handler.name {
                let exception = self.b.get(handled.exception);
                self.write(name, Operand::single(Ty::Object, exception));
            }
            let region = Region::Handler(handled, handler.name);
            self.within(region, |l| l.stmts(&handler.body));
            if !self.b.is_terminated() {
                self.end_handler(handled, handler.name);
                self.b.jump(after, &[]);
            }
            if !self.enter(next) {
                return;
            }
        }
        let exception = self.b.get(handled.exception);
        self.b.set(handled.exception, self.null);
        objects::throw(self.ctx, self.b, exception);
        let fails = self.world.fails;
        self.b.jump(fails, &[]);
    }
}
