//! Statements of the parser's tree become ours; those the language does not have are diagnosed, and what they hold is converted all the same.

use super::super::ParamKind;
use super::super::ast::{Def, Handler, Name, Param, Stmt, StmtKind, Try};
use super::{Convert, py};
use ruff_text_size::{Ranged, TextRange};

impl Convert<'_> {
    pub(super) fn block(&mut self, statements: &[py::Stmt]) -> Vec<Stmt> {
        let mut out = Vec::with_capacity(statements.len());
        for statement in statements {
            self.deeper(statement.range(), (), |convert| {
                convert.statement(statement, &mut out);
            });
            if !self.unassigned.is_empty() {
                let kind = StmtKind::Wrong(std::mem::take(&mut self.unassigned));
                let span = self.span(statement.range());
                out.push(Stmt { kind, span });
            }
        }
        out
    }

    fn statement(&mut self, statement: &py::Stmt, out: &mut Vec<Stmt>) {
        let range = statement.range();
        let span = self.span(range);
        let kind = match statement {
            py::Stmt::Assign(s) => {
                let value = self.expr(&s.value);
                let targets = s.targets.iter().map(|target| self.expr(target)).collect();
                StmtKind::Assign(targets, value)
            }
            py::Stmt::AnnAssign(s) => {
                let annotation = self.expr(&s.annotation);
                let value = s.value.as_ref().map(|value| self.expr(value));
                match &*s.target {
                    py::Expr::Name(name) => {
                        let name = Name {
                            text: name.id.as_str().to_owned(),
                            span: self.span(name.range),
                        };
                        StmtKind::Annotated(name, annotation, value)
                    }
                    other => return self.not_yet(other.range(), "an annotated attribute or item"),
                }
            }
            py::Stmt::AugAssign(s) => {
                let value = self.expr(&s.value);
                let Some(op) = self.operator(s.op, range) else {
                    return;
                };
                StmtKind::Augmented(self.expr(&s.target), op, value)
            }
            py::Stmt::If(s) => {
                let (assign, cond) = self.test(&s.test);
                out.extend(assign);
                let body = self.block(&s.body);
                let orelse = self.elifs(&s.elif_else_clauses);
                StmtKind::If(cond, body, orelse)
            }
            py::Stmt::While(s) => self.while_(s),
            py::Stmt::For(s) => {
                if s.is_async {
                    return self.outside(range, "`async`", "write a plain `for`");
                }
                let iter = self.expr(&s.iter);
                let target = self.expr(&s.target);
                let body = self.block(&s.body);
                StmtKind::For(target, iter, body, self.block(&s.orelse))
            }
            py::Stmt::Break(_) => StmtKind::Break,
            py::Stmt::Continue(_) => StmtKind::Continue,
            py::Stmt::Pass(_) => return,
            py::Stmt::Return(s) => StmtKind::Return(s.value.as_ref().map(|v| self.expr(v))),
            py::Stmt::Raise(s) => {
                let exception = s.exc.as_ref().map(|exception| self.expr(exception));
                let cause = s.cause.as_ref().map(|cause| self.expr(cause));
                match exception {
                    Some(exception) => StmtKind::Raise(exception, cause),
                    None => StmtKind::Reraise,
                }
            }
            py::Stmt::Assert(s) => {
                let cond = self.expr(&s.test);
                StmtKind::Assert(cond, s.msg.as_ref().map(|m| self.expr(m)))
            }
            // A docstring, or a string that stands for a comment.
            py::Stmt::Expr(s) if s.value.is_string_literal_expr() => return,
            // `...` is a way to write `pass`.
            py::Stmt::Expr(s) if s.value.is_ellipsis_literal_expr() => return,
            py::Stmt::Expr(s) => StmtKind::Expr(self.expr(&s.value)),
            py::Stmt::FunctionDef(s) => match self.def(s) {
                Some(def) => StmtKind::Def(def),
                None => StmtKind::Wrong(vec![s.name.id.as_str().to_owned()]),
            },
            py::Stmt::Import(s) => return self.import(s, out),
            py::Stmt::ImportFrom(s) => return self.import_from(s, out),
            py::Stmt::With(s) if is_nogil(s) => StmtKind::Nogil(self.block(&s.body)),
            py::Stmt::Try(s) if !s.is_star => self.try_(s),
            py::Stmt::With(_) | py::Stmt::Try(_) | py::Stmt::Match(_) | py::Stmt::ClassDef(_) => {
                return self.compound(statement, range, out);
            }
            py::Stmt::Delete(s) => {
                StmtKind::Delete(s.targets.iter().map(|target| self.expr(target)).collect())
            }
            py::Stmt::Global(_) => {
                return self.outside(
                    range,
                    "`global`",
                    "a body cannot change the module; return the value",
                );
            }
            py::Stmt::Nonlocal(_) => {
                return self.outside(
                    range,
                    "`nonlocal`",
                    "helper functions have locals of their own; return the value",
                );
            }
            py::Stmt::TypeAlias(_) => {
                return self.outside(range, "`type`", "write the type itself");
            }
            py::Stmt::IpyEscapeCommand(_) => {
                return self.outside(range, "an IPython command", "write Python");
            }
        };
        out.push(Stmt { kind, span });
    }

    /// Statements with blocks that are not in the language. What they hold is converted all the same, as if it stood there alone: it may have
    /// mistakes of its own, and binds names.
    fn compound(&mut self, statement: &py::Stmt, range: TextRange, out: &mut Vec<Stmt>) {
        let mut blocks: Vec<&[py::Stmt]> = Vec::new();
        let mut names = Vec::new();
        match statement {
            py::Stmt::With(s) => {
                self.outside(range, "`with`", "only `with nogil:` is");
                for item in &s.items {
                    if let Some(py::Expr::Name(name)) = item.optional_vars.as_deref() {
                        names.push(name.id.as_str().to_owned());
                    }
                }
                blocks.push(&s.body);
            }
            py::Stmt::Try(s) => {
                self.outside(range, "`except*`", "write `except`");
                blocks.push(&s.body);
                for py::ExceptHandler::ExceptHandler(handler) in &s.handlers {
                    names.extend(handler.name.iter().map(|name| name.id.as_str().to_owned()));
                    blocks.push(&handler.body);
                }
                blocks.extend([&s.orelse[..], &s.finalbody[..]]);
            }
            py::Stmt::Match(s) => {
                self.outside(range, "`match`", "write `if` and `elif`");
                blocks.extend(s.cases.iter().map(|case| &case.body[..]));
            }
            py::Stmt::ClassDef(s) => {
                let hint = "exceptions are declared in the spec, under `[[exceptions]]`";
                self.outside(range, "`class`", hint);
                names.push(s.name.id.as_str().to_owned());
            }
            _ => {}
        }
        out.push(Stmt {
            kind: StmtKind::Wrong(names),
            span: self.span(range),
        });
        for block in blocks {
            out.extend(self.block(block));
        }
    }

    fn try_(&mut self, s: &py::StmtTry) -> StmtKind {
        let body = self.block(&s.body);
        let mut handlers = Vec::new();
        for py::ExceptHandler::ExceptHandler(handler) in &s.handlers {
            handlers.push(Handler {
                class: handler.type_.as_ref().map(|class| self.expr(class)),
                name: handler.name.as_ref().map(|name| self.name(name)),
                body: self.block(&handler.body),
            });
        }
        StmtKind::Try(Box::new(Try {
            body,
            handlers,
            orelse: self.block(&s.orelse),
            finally: self.block(&s.finalbody),
        }))
    }

    fn elifs(&mut self, clauses: &[py::ElifElseClause]) -> Vec<Stmt> {
        let Some((clause, rest)) = clauses.split_first() else {
            return Vec::new();
        };
        match &clause.test {
            None => self.block(&clause.body),
            Some(test) => self.deeper(clause.range, Vec::new(), |convert| {
                let (assign, cond) = convert.test(test);
                let body = convert.block(&clause.body);
                let orelse = convert.elifs(rest);
                let kind = StmtKind::If(cond, body, orelse);
                let span = convert.span(clause.range);
                assign.into_iter().chain([Stmt { kind, span }]).collect()
            }),
        }
    }

    fn def(&mut self, s: &py::StmtFunctionDef) -> Option<Def> {
        let head = s.name.range;
        if s.is_async {
            self.outside(s.range, "`async`", "write a plain `def`");
            return None;
        }
        for decorator in &s.decorator_list {
            let hint = "a helper function has the settings of its method";
            self.outside(decorator.range, "a decorator", hint);
        }
        if let Some(params) = &s.type_params {
            self.outside(
                params.range,
                "a type parameter",
                "write the types themselves",
            );
        }
        for star in [&s.parameters.vararg, &s.parameters.kwarg]
            .into_iter()
            .flatten()
        {
            let hint = "name each parameter, with its type";
            self.outside(star.range, "a parameter for any number of arguments", hint);
        }
        if self.functions > 0 {
            self.outside(
                head,
                "a `def` in a helper function",
                "define it beside the other one",
            );
            return None;
        }
        let mut params = Vec::new();
        let p = &s.parameters;
        let kinds = [
            (&p.posonlyargs, ParamKind::PositionalOnly),
            (&p.args, ParamKind::PositionalOrKeyword),
            (&p.kwonlyargs, ParamKind::KeywordOnly),
        ];
        for (list, kind) in kinds {
            for param in list {
                params.push(Param {
                    name: self.name(&param.parameter.name),
                    kind,
                    annotation: param.annotation().map(|a| self.expr(a)),
                    default: param.default().map(|d| self.expr(d)),
                });
            }
        }
        let returns = s.returns.as_ref().map(|r| self.expr(r));
        self.functions += 1;
        let body = self.block(&s.body);
        self.functions -= 1;
        Some(Def {
            name: self.name(&s.name),
            params,
            stars: p.vararg.is_some() || p.kwarg.is_some(),
            returns,
            body,
        })
    }

    fn import(&mut self, s: &py::StmtImport, out: &mut Vec<Stmt>) {
        for alias in &s.names {
            if alias.name.id.as_str() == "math" {
                let name = alias.asname.as_ref().unwrap_or(&alias.name);
                out.push(Stmt {
                    kind: StmtKind::ImportMath(name.id.as_str().to_owned()),
                    span: self.span(alias.range),
                });
            } else {
                let what = format!("the module `{}`", alias.name.id);
                self.outside(alias.range, &what, "`math` is the only one");
                self.wrong_import(alias, out);
            }
        }
    }

    fn import_from(&mut self, s: &py::StmtImportFrom, out: &mut Vec<Stmt>) {
        let module = s.module.as_ref().map_or("", |module| module.id.as_str());
        if s.level > 0 || module != "math" {
            let what = format!("the module `{}{module}`", ".".repeat(s.level as usize));
            self.outside(s.range, &what, "`math` is the only one");
            s.names
                .iter()
                .for_each(|alias| self.wrong_import(alias, out));
            return;
        }
        for alias in &s.names {
            if alias.name.id.as_str() == "*" {
                self.outside(alias.range, "`import *`", "name what you import");
                continue;
            }
            let name = alias.asname.as_ref().unwrap_or(&alias.name);
            out.push(Stmt {
                kind: StmtKind::FromMath(name.id.as_str().to_owned(), self.name(&alias.name)),
                span: self.span(alias.range),
            });
        }
    }

    /// A name that would have been imported.
    fn wrong_import(&mut self, alias: &py::Alias, out: &mut Vec<Stmt>) {
        let name = alias.asname.as_ref().unwrap_or(&alias.name);
        let name = name.id.as_str().split('.').next().unwrap_or("");
        out.push(Stmt {
            kind: StmtKind::Wrong(vec![name.to_owned()]),
            span: self.span(alias.range),
        });
    }
}

/// Whether this is `with nogil:` and nothing else.
fn is_nogil(s: &py::StmtWith) -> bool {
    match s.items.as_slice() {
        [item] => {
            !s.is_async
                && item.optional_vars.is_none()
                && matches!(&item.context_expr, py::Expr::Name(n) if n.id.as_str() == "nogil")
        }
        _ => false,
    }
}
