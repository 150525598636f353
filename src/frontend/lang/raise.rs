//! `raise`, and the messages of exceptions: literals, f-strings, values.

use super::ast::{self, ExprKind as Syntax};
use super::check::Body;
use super::names::Named;
use super::ty::{Val, is_number};
use super::typed::{Exception, Expr, Message, Piece, StmtKind, Storage, Ty};
use crate::base::diag::Diagnostic;
use crate::frontend::capi::exceptions::{self, EXCEPTIONS};

/// The stable ABI we import from (3.x).
const STABLE_ABI: u8 = 10;

impl Body<'_> {
    /// `raise exception from cause`
    pub fn raise(&mut self, exception: &ast::Expr, cause: Option<&ast::Expr>) -> StmtKind {
        if cause.is_some() || !self.is_plain_exception(exception) {
            return self.raise_object(exception, cause);
        }
        let (class, message) = match &exception.kind {
            Syntax::Call(call) => {
                let class = self.exception(&call.callee);
                (class, self.exception_argument(call))
            }
            _ => (self.exception(exception), None),
        };
        // After a mistake any class will do: what counts is that the flow of control ends here.
        StmtKind::Raise(class.unwrap_or(Exception::Builtin("Exception")), message)
    }

    /// Whether this is a class by its name, with one argument at most, or nothing that could be an object.
    fn is_plain_exception(&self, exception: &ast::Expr) -> bool {
        let (class, plain) = match &exception.kind {
            Syntax::Call(call) => (
                &call.callee,
                call.args.len() <= 1 && call.keywords.is_empty(),
            ),
            _ => (exception, true),
        };
        match &class.kind {
            Syntax::Name(name) if matches!(self.lookup(name), Named::Exception) => plain,
            _ => !self.is_object(exception),
        }
    }

    fn exception_argument(&mut self, call: &ast::Call) -> Option<Message> {
        for (name, value) in &call.keywords {
            drop(self.expr(value));
            self.error(
                name.span,
                "exceptions take no keywords here",
                "pass the text by position",
            );
        }
        // More than one is an object's business; here, after a mistake, each is looked at.
        let (first, more) = call.args.split_first()?;
        more.iter().for_each(|arg| drop(self.expr(arg)));
        self.message(first)
    }

    /// The exception class an expression names.
    pub fn exception(&mut self, class: &ast::Expr) -> Option<Exception> {
        let span = class.span;
        let name = match &class.kind {
            Syntax::Wrong => return None,
            Syntax::Name(name) => name,
            _ => {
                let hint = "name a builtin exception, or one from `[[exceptions]]`";
                self.error(span, "this is no exception", hint);
                return None;
            }
        };
        let (module, builtin) = (
            self.module.exceptions.get(name.as_str()),
            exceptions::since(name),
        );
        match (self.lookup(name), module, builtin) {
            (Named::Exception, Some(index), _) => Some(Exception::Module(*index)),
            (Named::Exception, None, Some(since)) if since <= STABLE_ABI => EXCEPTIONS
                .iter()
                .find(|row| row.0 == name)
                .map(|row| Exception::Builtin(row.0)),
            (Named::Exception, None, Some(since)) => {
                let message =
                    format!("`{name}` came with Python 3.{since}; modules run from 3.9 on");
                self.error(
                    span,
                    message,
                    "raise an older exception, or one from `[[exceptions]]`",
                );
                None
            }
            _ => {
                let message = format!("`{name}` is no exception here");
                let hint =
                    "name a builtin exception, or declare it under `[[exceptions]]` in the spec";
                self.diags.push(Diagnostic::error(span, message).hint(hint));
                None
            }
        }
    }

    /// The argument of an exception.
    pub fn message(&mut self, e: &ast::Expr) -> Option<Message> {
        if let Syntax::Str(pieces) = &e.kind {
            return Some(Message::Text(self.pieces(pieces)?));
        }
        let val = self.expr(e)?;
        Some(Message::Value(self.shown(val)?))
    }

    /// A value as it goes into an exception: numbers as they are, all else as the object it is.
    fn shown(&mut self, val: Val) -> Option<Expr> {
        if is_number(val.ty()) || val.ty() == Ty::None {
            return Some(val.expr);
        }
        let val = match self.module.handles {
            true => val,
            // Whoever sees it then is none of the bodies that look into it.
            false => val.into_object().unwrap_or_else(|val| *val),
        };
        self.coerce(val, Storage::Object, true, "what an exception holds")
    }

    /// The pieces of a string.
    pub fn pieces(&mut self, pieces: &[ast::Piece]) -> Option<Vec<Piece>> {
        let mut out: Vec<Option<Piece>> = Vec::new();
        for piece in pieces {
            match piece {
                ast::Piece::Literal(text) => match out.last_mut() {
                    Some(Some(Piece::Literal(before))) => before.push_str(text),
                    _ => out.push(Some(Piece::Literal(text.clone()))),
                },
                ast::Piece::Value {
                    value,
                    conversion,
                    spec,
                } => {
                    let val = self.expr(value).and_then(|val| self.shown(val));
                    let spec = self.pieces(spec);
                    out.push(match (val, spec) {
                        (Some(value), Some(spec)) => Some(Piece::Value {
                            value,
                            conversion: *conversion,
                            spec,
                        }),
                        _ => None,
                    });
                }
            }
        }
        out.into_iter().collect()
    }
}
