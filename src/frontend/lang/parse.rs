//! The door to the Python parser: body text comes in, our own small tree goes out, with all that is wrong with the syntax.
//!
//! What Python has and the body language has not is diagnosed here, each at its place; what the contract promises for later is said to
//! be "not there yet". Depth is limited before the tree is built, so that no text can exhaust the stack. No types and no names here.

mod exprs;

use std::ops::Range;

use ruff_python_ast as py;
use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, ParseError, lexer, parse_unchecked_source};
use ruff_text_size::{Ranged, TextRange};

use super::ParamKind;
use super::ast::{Def, Expr, ExprKind, Name, Param, Stmt, StmtKind};
use super::typed::BinOp;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::source::{Span, Text};

/// How deep statements and expressions may be nested; the stages behind walk the tree recursively.
const MAX_DEPTH: usize = 200;
/// As in CPython's tokenizer.
const MAX_INDENTS: usize = 100;
/// Tokens of one logical line: bounds the depth of the parser's own tree, which is freed recursively.
const MAX_LINE_TOKENS: usize = 4000;
/// In front of a body that is indented as a whole, to make it a block of something.
const BLOCK: &str = "if 1:\n";

/// The statements of a body, or `None` where its syntax is wrong; features outside the language only add to `diags`.
pub fn parse(text: &Text, diags: &mut Diagnostics) -> Option<Vec<Stmt>> {
    let indented = starts_indented(&text.text);
    let source = if indented {
        format!("{BLOCK}{}", text.text)
    } else {
        text.text.clone()
    };
    let mut convert = Convert {
        text,
        shift: source.len() - text.text.len(),
        diags,
        depth: 0,
        functions: 0,
    };
    if let Err(message) = measure(&source) {
        let place = text.whole();
        convert.diags.push(
            Diagnostic::error(place, message).hint("split it, with locals or a helper function"),
        );
        return None;
    }
    let parsed = parse_unchecked_source(&source, py::PySourceType::Python);
    if parsed.has_invalid_syntax() {
        convert.syntax_errors(parsed.errors());
        return None;
    }
    let suite = parsed.suite();
    match (indented, suite.as_slice()) {
        (true, [py::Stmt::If(block)]) if block.elif_else_clauses.is_empty() => {
            Some(convert.block(&block.body))
        }
        (true, statements) => {
            // A line further left than the first one: Python's own complaint.
            let place = statements
                .last()
                .map_or(text.whole(), |statement| convert.span(statement.range()));
            convert.diags.push(
                Diagnostic::error(
                    place,
                    "syntax error: unindent does not match the first line",
                )
                .hint("indent all lines of the body alike"),
            );
            None
        }
        (false, statements) => Some(convert.block(statements)),
    }
}

/// Whether the first line of code is indented.
fn starts_indented(text: &str) -> bool {
    text.lines()
        .find(|line| {
            let code = line.trim_start();
            !code.is_empty() && !code.starts_with('#')
        })
        .is_some_and(|line| line.starts_with([' ', '\t', '\x0c']))
}

/// Looks at the tokens for what would make the parser's tree too deep.
fn measure(source: &str) -> Result<(), String> {
    let mut lexer = lexer::lex(source, Mode::Module);
    let (mut indents, mut tokens) = (0, 0);
    loop {
        tokens += 1;
        match lexer.next_token() {
            TokenKind::EndOfFile => return Ok(()),
            TokenKind::Newline => tokens = 0,
            TokenKind::NonLogicalNewline | TokenKind::Comment => tokens -= 1,
            TokenKind::Indent => indents += 1,
            TokenKind::Dedent => indents -= 1,
            _ => {}
        }
        if indents > MAX_INDENTS {
            return Err(format!("more than {MAX_INDENTS} levels of indentation"));
        }
        if tokens > MAX_LINE_TOKENS {
            return Err(format!(
                "a statement is longer than {MAX_LINE_TOKENS} words and signs"
            ));
        }
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if !text.starts_with("IPython") => first.to_lowercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

/// From the parser's tree to ours.
struct Convert<'a> {
    text: &'a Text,
    /// Bytes in front of the body in what was parsed.
    shift: usize,
    diags: &'a mut Diagnostics,
    depth: usize,
    /// How many `def`s we are in.
    functions: usize,
}

impl Convert<'_> {
    fn span(&self, range: TextRange) -> Span {
        let len = self.text.text.len();
        let clip = |at: usize| at.saturating_sub(self.shift).min(len);
        let Range { start, end } = clip(range.start().to_usize())..clip(range.end().to_usize());
        self.text.span(start..end)
    }

    /// Reports what the parser found. Behind a mistake it loses its way for a while, so a line gets one message, and the end of the
    /// text none if there are others.
    fn syntax_errors(&mut self, errors: &[ParseError]) {
        let mut lines: Vec<usize> = Vec::new();
        for error in errors {
            let span = self.span(error.location);
            let start = error.location.start().to_usize();
            let start = start.saturating_sub(self.shift).min(self.text.text.len());
            let line = self.text.text.as_bytes()[..start]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count();
            let at_end = self.text.text[start..].trim().is_empty();
            if lines.contains(&line) || at_end && !lines.is_empty() {
                continue;
            }
            lines.push(line);
            let message = lower_first(&error.error.to_string());
            let message = format!("syntax error: {message}");
            self.diags.push(Diagnostic::error(span, message));
        }
    }

    fn name(&self, identifier: &py::Identifier) -> Name {
        Name {
            text: identifier.id.as_str().to_owned(),
            span: self.span(identifier.range),
        }
    }

    fn outside(&mut self, range: TextRange, what: &str, hint: &str) {
        let message = format!("{what} is not part of the body language");
        self.diags
            .push(Diagnostic::error(self.span(range), message).hint(hint));
    }

    fn not_yet(&mut self, range: TextRange, what: &str) {
        let message = format!("{what} is not there yet");
        self.diags.push(
            Diagnostic::error(self.span(range), message)
                .hint("bodies know integers, floats, bools and `object` parameters so far"),
        );
    }

    /// Runs `inner` one level deeper, or diagnoses that this is too deep.
    fn deeper<T>(&mut self, range: TextRange, wrong: T, inner: impl FnOnce(&mut Self) -> T) -> T {
        if self.depth == MAX_DEPTH {
            let span = self.span(range);
            // One message per place; an enclosing expression is not deeper than the one it holds.
            self.diags.push(
                Diagnostic::error(span, format!("nested more than {MAX_DEPTH} levels deep"))
                    .hint("split it, with locals or a helper function"),
            );
            return wrong;
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn block(&mut self, statements: &[py::Stmt]) -> Vec<Stmt> {
        let mut out = Vec::with_capacity(statements.len());
        for statement in statements {
            self.deeper(statement.range(), (), |convert| {
                convert.statement(statement, &mut out);
            });
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
                match &*s.target {
                    py::Expr::Name(name) => {
                        let name = Name {
                            text: name.id.as_str().to_owned(),
                            span: self.span(name.range),
                        };
                        StmtKind::Augmented(name, op, value)
                    }
                    other => {
                        return self.not_yet(other.range(), "assignment to an item or attribute");
                    }
                }
            }
            py::Stmt::If(s) => {
                let cond = self.expr(&s.test);
                let body = self.block(&s.body);
                let orelse = self.elifs(&s.elif_else_clauses);
                StmtKind::If(cond, body, orelse)
            }
            py::Stmt::While(s) => {
                let cond = self.expr(&s.test);
                let body = self.block(&s.body);
                StmtKind::While(cond, body, self.block(&s.orelse))
            }
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
                if let Some(cause) = &s.cause {
                    self.outside(cause.range(), "`raise ... from`", "leave out `from ...`");
                }
                match &s.exc {
                    Some(exception) => StmtKind::Raise(self.expr(exception)),
                    None => {
                        let hint = "there is no `except`; name the exception to raise";
                        return self.outside(range, "`raise` without an exception", hint);
                    }
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
                None => return,
            },
            py::Stmt::Import(s) => return self.import(s, out),
            py::Stmt::ImportFrom(s) => return self.import_from(s, out),
            py::Stmt::With(s) => {
                let nogil = match s.items.as_slice() {
                    [item] => {
                        item.optional_vars.is_none()
                            && matches!(&item.context_expr, py::Expr::Name(n) if n.id.as_str() == "nogil")
                    }
                    _ => false,
                };
                return if nogil && !s.is_async {
                    self.not_yet(range, "`with nogil:`")
                } else {
                    self.outside(range, "`with`", "only `with nogil:` will be")
                };
            }
            py::Stmt::ClassDef(_) => {
                return self.outside(
                    range,
                    "`class`",
                    "exceptions are declared in the spec, under `[[exceptions]]`",
                );
            }
            py::Stmt::Try(_) => {
                return self.outside(
                    range,
                    "`try`",
                    "an exception leaves the body; test the condition beforehand",
                );
            }
            py::Stmt::Match(_) => {
                return self.outside(range, "`match`", "write `if` and `elif`");
            }
            py::Stmt::Delete(_) => {
                return self.outside(range, "`del`", "a local lives to the end of the body");
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

    fn elifs(&mut self, clauses: &[py::ElifElseClause]) -> Vec<Stmt> {
        let Some((clause, rest)) = clauses.split_first() else {
            return Vec::new();
        };
        match &clause.test {
            None => self.block(&clause.body),
            Some(test) => self.deeper(clause.range, Vec::new(), |convert| {
                let cond = convert.expr(test);
                let body = convert.block(&clause.body);
                let orelse = convert.elifs(rest);
                vec![Stmt {
                    kind: StmtKind::If(cond, body, orelse),
                    span: convert.span(clause.range),
                }]
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
            }
        }
    }

    fn import_from(&mut self, s: &py::StmtImportFrom, out: &mut Vec<Stmt>) {
        let module = s.module.as_ref().map_or("", |module| module.id.as_str());
        if s.level > 0 || module != "math" {
            let what = format!("the module `{}{module}`", ".".repeat(s.level as usize));
            return self.outside(s.range, &what, "`math` is the only one");
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

    fn operator(&mut self, op: py::Operator, range: TextRange) -> Option<BinOp> {
        Some(match op {
            py::Operator::Add => BinOp::Add,
            py::Operator::Sub => BinOp::Sub,
            py::Operator::Mult => BinOp::Mul,
            py::Operator::Div => BinOp::Div,
            py::Operator::FloorDiv => BinOp::FloorDiv,
            py::Operator::Mod => BinOp::Mod,
            py::Operator::Pow => BinOp::Pow,
            py::Operator::LShift => BinOp::Shl,
            py::Operator::RShift => BinOp::Shr,
            py::Operator::BitAnd => BinOp::And,
            py::Operator::BitOr => BinOp::Or,
            py::Operator::BitXor => BinOp::Xor,
            py::Operator::MatMult => {
                self.outside(range, "`@`", "write the loops of the product");
                return None;
            }
        })
    }

    fn wrong(&self, range: TextRange) -> Expr {
        Expr {
            kind: ExprKind::Wrong,
            span: self.span(range),
        }
    }
}
