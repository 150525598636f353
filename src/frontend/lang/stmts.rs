//! Statements become typed statements. Wrong ones leave a stand-in of the same shape, so that the flow of control stays true.
//!
//! Which locals are bound where, and whether the end can be reached, is the business of `flow`.

use super::ast::{self, ExprKind as Syntax};
use super::calls::Answer;
use super::check::Body;
use super::ty::{Val, storage_name, ty_name};
use super::typed::{Expr, Stmt, StmtKind, Ty};
use crate::base::diag::Diagnostic;
use crate::base::source::Span;

impl Body<'_> {
    /// The statements of a block; `top` where helpers may be defined.
    pub fn block(&mut self, statements: &[ast::Stmt], top: bool) -> Vec<Stmt> {
        let mut out = Vec::with_capacity(statements.len());
        for statement in statements {
            self.statement(statement, top, &mut out);
        }
        out
    }

    fn inner(&mut self, statements: &[ast::Stmt]) -> Vec<Stmt> {
        self.block(statements, false)
    }

    fn statement(&mut self, statement: &ast::Stmt, top: bool, out: &mut Vec<Stmt>) {
        let span = statement.span;
        let kind = match &statement.kind {
            ast::StmtKind::Assign(targets, value) => return self.assign(targets, value, span, out),
            ast::StmtKind::Annotated(name, _, value) => match value {
                Some(value) => {
                    let val = self.expr(value);
                    self.store(&name.text, val, span)
                }
                None => return,
            },
            ast::StmtKind::Augmented(name, op, value) => {
                let old = ast::Expr {
                    kind: Syntax::Name(name.text.clone()),
                    span: name.span,
                };
                let val = self.binary(*op, &old, value, span);
                self.store(&name.text, val, span)
            }
            ast::StmtKind::If(cond, body, orelse) => {
                let cond = self.condition(cond);
                let body = self.inner(body);
                StmtKind::If(cond, body, self.inner(orelse))
            }
            ast::StmtKind::While(cond, body, orelse) => {
                let cond = self.condition(cond);
                let body = self.looped(body);
                StmtKind::While(cond, body, self.inner(orelse))
            }
            ast::StmtKind::For(target, iter, body, orelse) => {
                self.for_loop(target, iter, body, orelse, span)
            }
            ast::StmtKind::Break | ast::StmtKind::Continue if self.loops == 0 => {
                let word = match statement.kind {
                    ast::StmtKind::Break => "break",
                    _ => "continue",
                };
                let message = format!("`{word}` outside a loop");
                return self.error(span, message, "leave the body with `return`");
            }
            ast::StmtKind::Break => StmtKind::Break,
            ast::StmtKind::Continue => StmtKind::Continue,
            ast::StmtKind::Return(value) => return self.return_(value.as_ref(), span, out),
            ast::StmtKind::Raise(exception) => self.raise(exception),
            ast::StmtKind::Assert(cond, message) => {
                let cond = self.condition(cond);
                StmtKind::Assert(cond, message.as_ref().and_then(|m| self.message(m)))
            }
            ast::StmtKind::Nogil(body) => {
                if self.released || self.function.sig.nogil {
                    let hint = "leave `with nogil:` out; its statements can stand here as they are";
                    self.error(span, "the GIL is released here already", hint);
                }
                let around = std::mem::replace(&mut self.released, true);
                let body = self.inner(body);
                self.released = around;
                StmtKind::Nogil(body)
            }
            ast::StmtKind::Expr(value) => match self.answer(value) {
                Some(Answer::One(val)) => StmtKind::Expr(val.expr),
                Some(Answer::Many(expr, _) | Answer::Nothing(expr)) => StmtKind::Expr(expr),
                None => return,
            },
            ast::StmtKind::Def(def) => {
                if !top {
                    let message = format!(
                        "the helper `{}` is defined inside a statement",
                        def.name.text
                    );
                    let hint = "define it at the top level of the body";
                    self.error(def.name.span, message, hint);
                } else if self.names.contains_key(&def.name.text) {
                    let message = format!("`{}` is a local and a helper", def.name.text);
                    self.error(def.name.span, message, "choose two names");
                }
                self.defined.insert(def.name.text.clone());
                return;
            }
            ast::StmtKind::ImportMath(_) | ast::StmtKind::Wrong(_) => return,
            ast::StmtKind::FromMath(_, member) => {
                if !super::mathfns::known(&member.text) {
                    let message = format!("`math` has no `{}`", member.text);
                    self.error(
                        member.span,
                        message,
                        "see the documentation of Python's `math`",
                    );
                }
                return;
            }
        };
        out.push(Stmt { kind, span });
    }

    fn looped(&mut self, body: &[ast::Stmt]) -> Vec<Stmt> {
        self.loops += 1;
        let body = self.inner(body);
        self.loops -= 1;
        body
    }

    fn return_(&mut self, value: Option<&ast::Expr>, span: Span, out: &mut Vec<Stmt>) {
        let exprs = self.return_values(value, span, out);
        let kind = StmtKind::Return(exprs.unwrap_or_default());
        out.push(Stmt { kind, span });
    }

    fn return_values(
        &mut self,
        value: Option<&ast::Expr>,
        span: Span,
        out: &mut Vec<Stmt>,
    ) -> Option<Vec<Expr>> {
        let sig = &self.function.sig;
        let (results, tuple, broken) = (&sig.results, sig.shape.is_tuple(), self.function.broken);
        let name = format!("`{}`", self.function.name());
        if broken {
            if let Some(value) = value {
                self.answer_or_tuple(value);
            }
            return None;
        }
        let Some(value) = value else {
            if !results.is_empty() {
                let message = format!("{name} returns a value, but this `return` has none");
                let hint = format!(
                    "write `return` and a value of the type {}",
                    self.result_name()
                );
                self.error(span, message, &hint);
            }
            return None;
        };
        if let Syntax::Tuple(items) = &value.kind {
            let vals: Vec<_> = items.iter().map(|item| self.expr(item)).collect();
            if !tuple || vals.len() != results.len() {
                let message = format!(
                    "{name} returns {}, not {} values",
                    self.result_name(),
                    vals.len()
                );
                self.error(
                    value.span,
                    message,
                    "change this or `returns` of the method",
                );
                return None;
            }
            return self.results(vals);
        }
        match self.answer(value)? {
            Answer::Nothing(expr) if results.is_empty() => {
                let span = expr.span;
                let kind = StmtKind::Expr(expr);
                out.push(Stmt { kind, span });
                None
            }
            Answer::One(val) if results.is_empty() && val.ty() == Ty::None => None,
            Answer::One(val) if !tuple && results.len() == 1 => self.results(vec![Some(val)]),
            Answer::Many(expr, items) if tuple && items.len() == results.len() => {
                if items == *results {
                    return Some(vec![expr]);
                }
                let vals = self.spread(expr, &items, span, out);
                self.results(vals.into_iter().map(Some).collect())
            }
            answer => {
                let what = match answer {
                    Answer::One(val) => ty_name(val.ty()).to_owned(),
                    Answer::Many(_, items) => format!("a tuple of {}", items.len()),
                    Answer::Nothing(_) => "None".to_owned(),
                };
                let message = format!("{name} returns {}, but this is {what}", self.result_name());
                let hint = "change this or `returns` of the method";
                self.diags
                    .push(Diagnostic::error(value.span, message).hint(hint));
                None
            }
        }
    }

    fn results(&mut self, vals: Vec<Option<Val>>) -> Option<Vec<Expr>> {
        let sig = &self.function.sig;
        let count = sig.results.len();
        let mut exprs = Vec::new();
        for (index, (val, storage)) in vals.into_iter().zip(&sig.results).enumerate() {
            let subject = if count == 1 {
                format!("the result of `{}`", self.function.name())
            } else {
                format!("result {} of `{}`", index + 1, self.function.name())
            };
            exprs.push(val.and_then(|val| self.coerce(val, *storage, true, &subject)));
        }
        exprs.into_iter().collect()
    }

    fn result_name(&self) -> String {
        let sig = &self.function.sig;
        let names: Vec<_> = sig.results.iter().map(|r| storage_name(*r)).collect();
        match (sig.shape.is_tuple(), names.is_empty()) {
            (true, _) => format!("a tuple ({})", names.join(", ")),
            (false, true) => "None".to_owned(),
            (false, false) => names.join(", "),
        }
    }
}
