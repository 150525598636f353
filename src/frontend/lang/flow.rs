//! The flow of control through a typed body: which reads may find a local unbound, which surely do, whether the end can be reached.
//!
//! Works on the typed tree and marks it: reads that have to check, locals that need a flag. Statements that cannot be reached are taken out;
//! they were checked for types before. `del`, and the end of an `except ... as`, unbind a local.

use super::ast;
use super::check::Callable;
use super::typed::{Const, Expr, ExprKind, Local, LocalId, Shape, Stmt, StmtKind, Try};
use super::walk;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::source::Span;

/// What is known at a point of the body.
#[derive(Clone, Debug)]
struct State {
    reachable: bool,
    /// Bound on every path here.
    surely: Vec<bool>,
    /// Bound on some path here.
    maybe: Vec<bool>,
}

impl State {
    fn bind(&mut self, local: LocalId) {
        self.surely[local.0 as usize] = true;
        self.maybe[local.0 as usize] = true;
    }

    fn unbind(&mut self, local: LocalId) {
        self.surely[local.0 as usize] = false;
        self.maybe[local.0 as usize] = false;
    }

    /// Statements may run from here, all of them, none, or some.
    fn blur(&mut self, statements: &[Stmt]) {
        assigned(statements, &mut |local| self.maybe[local.0 as usize] = true);
        deleted(statements, &mut |local| {
            self.surely[local.0 as usize] = false
        });
    }

    /// Two paths meet.
    fn meet(&mut self, other: &State) {
        if !other.reachable {
            return;
        }
        if !self.reachable {
            *self = other.clone();
            return;
        }
        for (mine, other) in self.surely.iter_mut().zip(&other.surely) {
            *mine &= other;
        }
        for (mine, other) in self.maybe.iter_mut().zip(&other.maybe) {
            *mine |= other;
        }
    }
}

struct Flow<'a> {
    locals: &'a mut [Local],
    diags: &'a mut Diagnostics,
    /// For each loop around: what is known where its `break`s go.
    breaks: Vec<Option<State>>,
}

/// Analyses the body of a function.
pub fn check(
    function: &Callable,
    source: &[ast::Stmt],
    body: &mut Vec<Stmt>,
    locals: &mut [Local],
    diags: &mut Diagnostics,
) {
    let params = function.sig.params.len();
    let bound: Vec<bool> = (0..locals.len()).map(|index| index < params).collect();
    let mut state = State {
        reachable: true,
        surely: bound.clone(),
        maybe: bound,
    };
    let mut flow = Flow {
        locals,
        diags,
        breaks: Vec::new(),
    };
    flow.block(body, &mut state);
    if !state.reachable {
        return;
    }
    let last = source.last().map_or(function.span, |last| last.span);
    if function.sig.shape == Shape::None {
        body.push(Stmt {
            kind: StmtKind::Return(Vec::new()),
            span: last,
        });
    } else if !function.broken {
        let message = format!(
            "the end of `{}` can be reached without a `return`",
            function.name()
        );
        let hint = "end the body with `return` and a value, or with `raise`; a method that returns None says so in `returns`";
        diags.push(
            Diagnostic::error(last, message)
                .label("control can leave here")
                .hint(hint),
        );
    }
}

impl Flow<'_> {
    fn block(&mut self, statements: &mut Vec<Stmt>, state: &mut State) {
        let mut reached = 0;
        for statement in statements.iter_mut() {
            if !state.reachable {
                break;
            }
            self.statement(statement, state);
            reached += 1;
        }
        statements.truncate(reached);
    }

    fn statement(&mut self, statement: &mut Stmt, state: &mut State) {
        match &mut statement.kind {
            StmtKind::Assign(local, value) => {
                self.reads(value, state);
                state.bind(*local);
            }
            StmtKind::Unpack { targets, value, .. } => {
                self.reads(value, state);
                targets.iter().for_each(|local| state.bind(*local));
            }
            StmtKind::If(cond, body, orelse) => {
                self.reads(cond, state);
                let mut other = state.clone();
                self.block(body, state);
                self.block(orelse, &mut other);
                state.meet(&other);
            }
            StmtKind::While(cond, body, orelse) => {
                state.blur(body);
                self.reads(cond, state);
                let endless = matches!(cond.kind, ExprKind::Const(Const::Bool(true)));
                let mut inside = state.clone();
                let mut after = state.clone();
                after.reachable = !endless;
                self.looped(body, &mut inside, orelse, &mut after);
                *state = after;
            }
            StmtKind::ForRange {
                var,
                start,
                stop,
                step,
                body,
                orelse,
                ..
            } => {
                for bound in [start, stop, step] {
                    self.reads(bound, state);
                }
                state.maybe[var.0 as usize] = true;
                state.blur(body);
                let mut inside = state.clone();
                inside.bind(*var);
                let mut after = state.clone();
                self.looped(body, &mut inside, orelse, &mut after);
                *state = after;
            }
            StmtKind::ForEach {
                index,
                var,
                view,
                body,
                orelse,
            } => {
                self.reads(view, state);
                let own = || index.iter().chain(std::iter::once(&*var)).copied();
                own().for_each(|local| state.maybe[local.0 as usize] = true);
                state.blur(body);
                let mut inside = state.clone();
                own().for_each(|local| inside.bind(local));
                let mut after = state.clone();
                self.looped(body, &mut inside, orelse, &mut after);
                *state = after;
            }
            StmtKind::ForObject {
                index,
                var,
                object,
                body,
                orelse,
            } => {
                self.reads(object, state);
                let own = || index.iter().chain(std::iter::once(&*var)).copied();
                own().for_each(|local| state.maybe[local.0 as usize] = true);
                state.blur(body);
                let mut inside = state.clone();
                own().for_each(|local| inside.bind(local));
                let mut after = state.clone();
                self.looped(body, &mut inside, orelse, &mut after);
                *state = after;
            }
            StmtKind::UnpackObject { targets, value } => {
                self.reads(value, state);
                targets.iter().for_each(|local| state.bind(*local));
            }
            StmtKind::Delete(local, checked) => {
                let at = local.0 as usize;
                if !state.surely[at] && state.maybe[at] {
                    *checked = true;
                    self.locals[at].needs_flag = true;
                } else if !state.surely[at] {
                    self.unbound(at, statement.span);
                }
                state.unbind(*local);
            }
            StmtKind::Try(inner) => self.try_(inner, state),
            StmtKind::SetAttribute { .. }
            | StmtKind::SetItem { .. }
            | StmtKind::DelAttribute(..)
            | StmtKind::DelItem(..)
            | StmtKind::Store { .. } => walk::values(statement, &mut |e| self.read(e, state)),
            StmtKind::RaiseObject(..) => {
                walk::values(statement, &mut |e| self.read(e, state));
                state.reachable = false;
            }
            StmtKind::Reraise => state.reachable = false,
            StmtKind::Break => {
                let target = self.breaks.last_mut().expect("`break` stands in a loop");
                match target {
                    Some(target) => target.meet(state),
                    None => *target = Some(state.clone()),
                }
                state.reachable = false;
            }
            StmtKind::Continue => state.reachable = false,
            StmtKind::Return(values) => {
                values.iter_mut().for_each(|value| self.reads(value, state));
                state.reachable = false;
            }
            StmtKind::Raise(_, message) => {
                if let Some(message) = message {
                    walk::message(message, &mut |e| self.read(e, state));
                }
                state.reachable = false;
            }
            StmtKind::Assert(cond, message) => {
                self.reads(cond, state);
                if let Some(message) = message {
                    walk::message(message, &mut |e| self.read(e, state));
                }
            }
            StmtKind::Nogil(body) => self.block(body, state),
            StmtKind::Expr(value) => self.reads(value, state),
        }
    }

    /// A loop's body and its `else`; `after` comes in as what is known where the loop ends by itself.
    fn looped(
        &mut self,
        body: &mut Vec<Stmt>,
        inside: &mut State,
        orelse: &mut Vec<Stmt>,
        after: &mut State,
    ) {
        self.breaks.push(None);
        self.block(body, inside);
        let left = self.breaks.pop().expect("the loop was entered");
        self.block(orelse, after);
        if let Some(left) = left {
            after.meet(&left);
        }
    }

    /// An error may come from anywhere in the body: a handler knows what was known before it, less what the body may have changed. So it is with
    /// `finally`, which is looked at once for all ways that lead there.
    fn try_(&mut self, inner: &mut Try, state: &mut State) {
        let mut thrown = state.clone();
        thrown.blur(&inner.body);
        let mut anywhere = thrown.clone();
        for handler in &inner.handlers {
            anywhere.blur(&handler.body);
            if let Some(name) = handler.name {
                anywhere.maybe[name.index()] = true;
                anywhere.surely[name.index()] = false;
            }
        }
        anywhere.blur(&inner.orelse);
        self.block(&mut inner.body, state);
        self.block(&mut inner.orelse, state);
        for handler in &mut inner.handlers {
            let mut caught = thrown.clone();
            if let Some(name) = handler.name {
                caught.bind(name);
            }
            self.block(&mut handler.body, &mut caught);
            if let Some(name) = handler.name {
                caught.unbind(name);
            }
            state.meet(&caught);
        }
        if inner.finally.is_empty() {
            return;
        }
        self.block(&mut inner.finally, &mut anywhere);
        for left in self.breaks.iter_mut().flatten() {
            left.blur(&inner.finally);
        }
        deleted(&inner.finally, &mut |local| {
            state.surely[local.index()] = false
        });
        for (at, bound) in anywhere.surely.iter().enumerate() {
            state.surely[at] |= *bound;
        }
        state.maybe = anywhere.maybe;
        state.reachable &= anywhere.reachable;
    }

    fn reads(&mut self, value: &mut Expr, state: &mut State) {
        walk::expr(value, &mut |e| self.read(e, state));
    }

    fn read(&mut self, e: &mut Expr, state: &mut State) {
        let ExprKind::Local { local, checked } = &mut e.kind else {
            return;
        };
        let at = local.0 as usize;
        if state.surely[at] {
            return;
        }
        if state.maybe[at] {
            *checked = true;
            self.locals[at].needs_flag = true;
        } else {
            self.unbound(at, e.span);
            state.bind(LocalId(at as u32));
        }
    }

    fn unbound(&mut self, at: usize, span: Span) {
        let message = format!(
            "`{}` is read before anything is assigned to it",
            self.locals[at].name
        );
        let hint = "assign to it first; a name that is assigned anywhere in a body is a local in all of it";
        self.diags.push(Diagnostic::error(span, message).hint(hint));
    }
}

/// Calls `visit` for each local that statements assign to.
pub fn assigned(statements: &[Stmt], visit: &mut dyn FnMut(LocalId)) {
    for statement in statements {
        match &statement.kind {
            StmtKind::Assign(local, _) | StmtKind::ForRange { var: local, .. } => visit(*local),
            StmtKind::Unpack { targets, .. } => targets.iter().for_each(|local| visit(*local)),
            StmtKind::UnpackObject { targets, .. } => {
                targets.iter().for_each(|local| visit(*local));
            }
            StmtKind::ForEach { index, var, .. } | StmtKind::ForObject { index, var, .. } => {
                index.iter().chain([var]).for_each(|local| visit(*local));
            }
            StmtKind::Try(inner) => inner.names().for_each(&mut *visit),
            _ => {}
        }
        let blocks = statement.kind.blocks();
        blocks.into_iter().for_each(|block| assigned(block, visit));
    }
}

/// Calls `visit` for each local that statements unbind.
pub fn deleted(statements: &[Stmt], visit: &mut dyn FnMut(LocalId)) {
    for statement in statements {
        match &statement.kind {
            StmtKind::Delete(local, _) => visit(*local),
            StmtKind::Try(inner) => inner.names().for_each(&mut *visit),
            _ => {}
        }
        let blocks = statement.kind.blocks();
        blocks.into_iter().for_each(|block| deleted(block, visit));
    }
}
