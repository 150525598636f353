//! `for` loops: `range` in all its forms. Views, `enumerate` and objects are diagnosed.

use super::ast::{self, ExprKind as Syntax};
use super::check::{Body, placeholder};
use super::names::Named;
use super::ty::{self, Val};
use super::typed::{Expr, ExprKind, IntTy, LocalId, Rule, Stmt, StmtKind, Storage, Ty};
use crate::base::source::Span;

impl Body<'_> {
    /// `for target in iter`
    pub fn for_loop(
        &mut self,
        target: &ast::Expr,
        iter: &ast::Expr,
        body: &[ast::Stmt],
        orelse: &[ast::Stmt],
        span: Span,
    ) -> StmtKind {
        let bounds = self.range(iter);
        let name = match &target.kind {
            Syntax::Name(name) => Some(name.as_str()),
            Syntax::Wrong => None,
            _ if bounds.is_some() => {
                let hint = "write one name: `for i in range(...)`";
                self.error(target.span, "`range` gives one value at a time", hint);
                None
            }
            _ => None,
        };
        let (Some([start, stop, step]), Some(name)) = (bounds, name) else {
            return self.wrong_loop(target, body, orelse, span);
        };
        let ty = start.ty;
        let id = self.names[name];
        let variable = &mut self.locals[id.0 as usize];
        let storage = *variable.storage.get_or_insert(ty::natural(ty));
        let (var, narrow, assign) = match storage {
            Storage::Int(int) if storage.ty() == ty => {
                let rule = ty::rule(self.overflow());
                (id, (int.bits() < 64).then_some((int, rule)), None)
            }
            // Through a temporary, with the conversion of an assignment in front of the body.
            _ => {
                let temporary = self.temporary(ty::natural(ty));
                let read = ExprKind::Local {
                    local: temporary,
                    checked: false,
                };
                let val = Val::stored(read, ty::natural(ty), target.span);
                let (declared, wrong) = {
                    let variable = &self.locals[id.0 as usize];
                    (variable.declared, variable.wrong)
                };
                let expr = match wrong {
                    true => None,
                    false => self.coerce(val, storage, declared, &format!("`{name}`")),
                };
                let expr = expr.unwrap_or_else(|| placeholder(target.span));
                (temporary, None, Some(assignment(id, expr, target.span)))
            }
        };
        self.loops += 1;
        let mut statements: Vec<Stmt> = assign.into_iter().collect();
        statements.extend(self.block(body, false));
        self.loops -= 1;
        StmtKind::ForRange {
            var,
            narrow,
            start,
            stop,
            step,
            body: statements,
            orelse: self.block(orelse, false),
        }
    }

    /// Checks what is inside a loop over something that is not there.
    fn wrong_loop(
        &mut self,
        target: &ast::Expr,
        body: &[ast::Stmt],
        orelse: &[ast::Stmt],
        span: Span,
    ) -> StmtKind {
        let mut statements = Vec::new();
        self.poison(std::slice::from_ref(target), span, &mut statements);
        self.loops += 1;
        statements.extend(self.block(body, false));
        self.loops -= 1;
        let zero = || Val::int(0, span).expr;
        StmtKind::ForRange {
            var: self.temporary(Storage::Int(IntTy::I64)),
            narrow: None,
            start: zero(),
            stop: zero(),
            step: zero(),
            body: statements,
            orelse: self.block(orelse, false),
        }
    }

    /// `range(...)` as start, stop and step.
    fn range(&mut self, iter: &ast::Expr) -> Option<[Expr; 3]> {
        let call = match &iter.kind {
            Syntax::Call(call) => match &call.callee.kind {
                Syntax::Name(name) if name == "range" => match self.lookup(name) {
                    Named::Other => Some(call),
                    _ => None,
                },
                Syntax::Name(name) if name == "enumerate" => {
                    self.arguments(call);
                    self.not_yet(iter.span, "`for` over `enumerate`");
                    return None;
                }
                _ => None,
            },
            _ => None,
        };
        let Some(call) = call else {
            self.expr(iter)?;
            self.not_yet(iter.span, "`for` over anything but `range(...)`");
            return None;
        };
        let vals = self.plain("range", call, 1, 3, iter.span)?;
        let mut ints = Vec::new();
        for val in vals {
            ints.push(self.integer(val, "range"));
        }
        let mut ints = ints.into_iter().collect::<Option<Vec<_>>>()?.into_iter();
        let first = ints.next()?;
        let (start, stop) = match ints.next() {
            Some(stop) => (first, stop),
            None => (Val::int(0, iter.span), first),
        };
        let step = ints.next().unwrap_or_else(|| Val::int(1, iter.span));
        let (start, stop) = self.unify("range", start, stop)?;
        let step = self.step(step, start.ty(), &start)?;
        Some([start.expr, stop.expr, step.expr])
    }

    /// The step: an I64 whatever the bounds are.
    fn step(&mut self, step: Val, bounds: Ty, start: &Val) -> Option<Val> {
        if step.ty() == Ty::U64 && bounds == Ty::I64 && step.literal.is_none() {
            self.mixed("range", start, &step);
            return None;
        }
        ty::to_int(step, IntTy::I64, Rule::Raise)
    }
}

fn assignment(id: LocalId, expr: Expr, span: Span) -> Stmt {
    Stmt {
        kind: StmtKind::Assign(id, expr),
        span,
    }
}
