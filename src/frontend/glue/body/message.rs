//! `raise` and the texts of exceptions.

use super::super::runtime::{boxed, objects, raise};
use super::super::state;
use super::lower::{Failure, Lower};
use crate::frontend::capi::exceptions;
use crate::frontend::lang::typed::{Exception, Expr, Message, Piece, Ty};
use crate::ir::func::Value;
use crate::ir::op::MemType;

/// Classes from this version (3.x) on are missing in the oldest interpreter we load into.
const OLDEST: u8 = 9;

/// A class, and whether the reference is ours to release.
pub(super) struct Class {
    pub object: Value,
    pub owned: bool,
}

impl Lower<'_, '_> {
    /// Raises, and ends the block.
    pub fn raise(&mut self, exception: &Exception, message: Option<&Message>) {
        self.take_gil();
        let thread = self.world.thread.take();
        match (exception, message.and_then(plain_text)) {
            (Exception::Builtin(name), Some(text)) if is_old(name) => {
                raise::text(self.ctx, self.b, name, &text);
            }
            _ => {
                // The message is made first, as the argument of a Python call is.
                let value = message.map(|message| self.message_object(message));
                match value {
                    None => self.raise_with(exception, None),
                    Some(value) => {
                        self.owning(value, |l| l.raise_with(exception, Some(value)));
                        self.ctx.call(self.b, "Py_DecRef", &[value]);
                    }
                }
            }
        }
        self.world.thread = thread;
        let fails = self.world.fails;
        self.b.jump(fails, &[]);
    }

    /// `raise exception from cause`
    pub fn raise_object(&mut self, exception: &Expr, cause: Option<&Expr>) {
        let mark = self.mark();
        let exception = self.held_operand(exception).parts[0];
        let cause = cause.map(|cause| self.held_operand(cause).parts[0]);
        let cause = cause.unwrap_or(self.null);
        objects::raise_object(self.ctx, self.b, exception, cause);
        self.release_held(mark);
        let fails = self.world.fails;
        self.b.jump(fails, &[]);
    }

    /// `raise` alone.
    pub fn reraise(&mut self) {
        objects::reraise(self.ctx, self.b);
        let fails = self.world.fails;
        self.b.jump(fails, &[]);
    }

    /// Sets the exception; a failure to find its class leaves by `fails`.
    fn raise_with(&mut self, exception: &Exception, value: Option<Value>) {
        let class = self.class(exception);
        match value {
            None => self.ctx.call(self.b, "PyErr_SetNone", &[class.object]),
            Some(value) => self
                .ctx
                .call(self.b, "PyErr_SetObject", &[class.object, value]),
        };
        if class.owned {
            self.ctx.call(self.b, "Py_DecRef", &[class.object]);
        }
    }

    /// An exception class.
    pub fn class(&mut self, exception: &Exception) -> Class {
        match exception {
            Exception::Builtin(name) if is_old(name) => Class {
                object: self.ctx.exception(self.b, name),
                owned: false,
            },
            Exception::Builtin(name) => {
                let object = boxed::module_attribute(self.ctx, self.b, "builtins", name);
                self.check_object(object);
                Class {
                    object,
                    owned: true,
                }
            }
            Exception::Module(index) => Class {
                object: self.module_exception(*index),
                owned: false,
            },
        }
    }

    /// A class of the module, out of its state: absent before exec and after clear.
    fn module_exception(&mut self, index: usize) -> Value {
        let absent = self.raiser(Failure::NoState);
        let state = self
            .ctx
            .call1(self.b, "PyModule_GetState", &[self.world.self_]);
        let missing = self.is_null(state);
        self.b.exit_if(missing, absent, &[]);
        let class = self.b.load(MemType::I64, state, state::offset(index));
        let missing = self.is_null(class);
        self.b.exit_if(missing, absent, &[]);
        class
    }

    /// A new reference to what the exception is made with.
    fn message_object(&mut self, message: &Message) -> Value {
        match message {
            Message::Text(pieces) => self.text(pieces),
            // PyErr_SetObject takes None, tuples and exceptions for more than an argument: such a value is put into a tuple.
            Message::Value(value) if may_be_none(value.ty) => {
                let object = self.boxed_value(value);
                self.packed(object)
            }
            Message::Value(value) => self.boxed_value(value),
        }
    }

    fn boxed_value(&mut self, expr: &Expr) -> Value {
        let operand = self.operand(expr);
        self.object(operand)
    }

    /// A new str of the pieces of an f-string.
    pub fn text(&mut self, pieces: &[Piece]) -> Value {
        let mut made: Option<Value> = None;
        for piece in pieces {
            let next = match made {
                None => self.piece(piece),
                Some(made) => self.owning(made, |l| l.piece(piece)),
            };
            made = Some(match made {
                None => next,
                Some(made) => {
                    let objects = [made, next];
                    let both = boxed::apply(self.ctx, self.b, "PyUnicode_Concat", &objects, &[]);
                    self.check_object(both);
                    both
                }
            });
        }
        match made {
            Some(made) => made,
            None => self.literal(""),
        }
    }

    fn piece(&mut self, piece: &Piece) -> Value {
        match piece {
            Piece::Literal(text) => self.literal(text),
            Piece::Value {
                value,
                conversion,
                spec,
            } => {
                let mut object = self.boxed_value(value);
                if let Some(conversion) = conversion {
                    let api = match conversion {
                        's' => "PyObject_Str",
                        'r' => "PyObject_Repr",
                        _ => "PyObject_ASCII",
                    };
                    object = boxed::apply(self.ctx, self.b, api, &[object], &[]);
                    self.check_object(object);
                }
                let formatted = if spec.is_empty() {
                    let none = self.b.iconst(0);
                    boxed::apply(self.ctx, self.b, "PyObject_Format", &[object], &[none])
                } else {
                    let spec = self.owning(object, |l| l.text(spec));
                    boxed::apply(self.ctx, self.b, "PyObject_Format", &[object, spec], &[])
                };
                self.check_object(formatted);
                formatted
            }
        }
    }
}

/// Whether the value may be None, or any object.
fn may_be_none(ty: Ty) -> bool {
    match ty {
        Ty::None | Ty::Object => true,
        Ty::Str { nullable } => nullable,
        Ty::View(view) => view.nullable,
        Ty::Bool | Ty::I64 | Ty::U64 | Ty::F64 | Ty::Complex => false,
    }
}

/// The text of a message that is known now, and can be a C string.
fn plain_text(message: &Message) -> Option<String> {
    let Message::Text(pieces) = message else {
        return None;
    };
    let literals = pieces.iter().map(|piece| match piece {
        Piece::Literal(text) if !text.contains('\0') => Some(text.as_str()),
        Piece::Literal(_) | Piece::Value { .. } => None,
    });
    literals.collect()
}

/// Whether every interpreter we load into exports the class.
fn is_old(name: &str) -> bool {
    exceptions::since(name).is_some_and(|since| since <= OLDEST)
}
