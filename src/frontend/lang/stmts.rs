//! Statements become typed statements. Wrong ones leave a stand-in of the same shape, so that the flow of control stays true.
//!
//! Which locals are bound where, and whether the end can be reached, is the business of `flow`.

use super::annotations;
use super::ast;
use super::calls::Answer;
use super::check::Body;
use super::iterate::For;
use super::typed::{Stmt, StmtKind};

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
            ast::StmtKind::Annotated(name, annotation, value) => match value {
                Some(value) => {
                    let val = self.expr(value);
                    self.store(&name.text, val, span)
                }
                None => match annotations::array(annotation) {
                    Some(key) => {
                        let val = self.array_of(key, annotation.span);
                        self.store(&name.text, val, span)
                    }
                    None => return,
                },
            },
            ast::StmtKind::Augmented(target, op, value) => {
                return self.augmented(target, *op, value, span, out);
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
                let parts = For {
                    target,
                    iter,
                    body,
                    orelse,
                    span,
                };
                self.for_loop(parts, out)
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
            ast::StmtKind::Raise(exception, cause) => self.raise(exception, cause.as_ref()),
            ast::StmtKind::Reraise => StmtKind::Reraise,
            ast::StmtKind::Delete(targets) => return self.delete(targets, span, out),
            ast::StmtKind::Try(inner) => self.try_(inner),
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
                Some(Answer::Many(expr, ..) | Answer::Nothing(expr)) => StmtKind::Expr(expr),
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
}
