//! Conditions that assign what they look at first: `if (n := f(x)) > 3:` becomes `n = f(x)` and `if n > 3:`, and a `while` of that kind a
//! loop that begins with both. `:=` anywhere else is diagnosed, for there it may depend on what stands before it whether it assigns.

use super::super::ast::{Expr, ExprKind, Stmt, StmtKind, UnaryOp};
use super::{Convert, py};

impl Convert<'_> {
    /// A condition, and the assignment that it begins with.
    pub(super) fn test(&mut self, test: &py::Expr) -> (Option<Stmt>, Expr) {
        let Some(named) = first(test) else {
            return (None, self.expr(test));
        };
        let assign = self.deeper(named.range, None, |convert| {
            let target = convert.expr(&named.target);
            let value = convert.expr(&named.value);
            Some(Stmt {
                kind: StmtKind::Assign(vec![target], value),
                span: convert.span(named.range),
            })
        });
        let around = self.assigned.replace(named.range);
        let test = self.expr(test);
        self.assigned = around;
        (assign, test)
    }

    /// `while test: body`, without `else`.
    pub(super) fn while_(&mut self, s: &py::StmtWhile) -> StmtKind {
        let (assign, test) = match s.orelse.is_empty() {
            true => self.test(&s.test),
            false => (None, self.expr(&s.test)),
        };
        let body = self.block(&s.body);
        let Some(assign) = assign else {
            return StmtKind::While(test, body, self.block(&s.orelse));
        };
        let span = test.span;
        let at = |kind| Stmt { kind, span };
        let over = Expr {
            kind: ExprKind::Unary(UnaryOp::Not, Box::new(test)),
            span,
        };
        let leave = StmtKind::If(over, vec![at(StmtKind::Break)], Vec::new());
        let mut round = vec![assign, at(leave)];
        round.extend(body);
        let always = Expr {
            kind: ExprKind::Bool(true),
            span,
        };
        StmtKind::While(always, round, Vec::new())
    }
}

/// The `:=` that is evaluated before anything else of an expression.
fn first(e: &py::Expr) -> Option<&py::ExprNamed> {
    let mut e = e;
    loop {
        e = match e {
            py::Expr::Named(named) => return Some(named),
            py::Expr::Compare(c) => c.left.as_ref(),
            py::Expr::BinOp(b) => b.left.as_ref(),
            py::Expr::BoolOp(b) => b.values.first()?,
            py::Expr::UnaryOp(u) => u.operand.as_ref(),
            py::Expr::Subscript(s) => s.value.as_ref(),
            py::Expr::Attribute(a) => a.value.as_ref(),
            // What is called has a name, which nothing here assigns to.
            py::Expr::Call(c) if c.func.is_name_expr() => c.arguments.args.first()?,
            py::Expr::Call(c) => c.func.as_ref(),
            _ => return None,
        };
    }
}
