//! Calls: what is called decides. Arguments of other bodies are bound in `bind`; builtins, conversions, `math` and methods of values are handed
//! on.

use super::ast::{self, ExprKind as Syntax};
use super::check::Body;
use super::names::Named;
use super::ty::{Val, storage_name, ty_name};
use super::typed::{Expr, ExprKind, FunctionId, Shape, Storage, Ty, Whole};
use super::{annotations, builtins, mathfns};
use crate::base::diag::Diagnostic;
use crate::base::source::Span;

/// What an expression gives.
pub enum Answer {
    /// One value.
    One(Val),
    /// Several, of these types, and what they would be put into.
    Many(Expr, Vec<Storage>, Shape),
    /// The None of a body without results.
    Nothing(Expr),
}

impl Body<'_> {
    /// A call.
    pub fn call(&mut self, call: &ast::Call, span: Span) -> Option<Answer> {
        let callee = &call.callee;
        match &callee.kind {
            Syntax::Wrong => {
                self.arguments(call);
                None
            }
            Syntax::Name(name) => self.call_name(name, call, span),
            Syntax::Attribute(value, name, place) => {
                if let Syntax::Name(base) = &value.kind {
                    match self.lookup(base) {
                        Named::Math => return self.math_call(name, *place, call, span),
                        Named::Type(storage) => {
                            return self
                                .type_call(base, storage, name, *place, call, span)
                                .map(Answer::One);
                        }
                        _ => {}
                    }
                }
                self.method_call(value, name, *place, call, span)
                    .map(Answer::One)
            }
            _ => match annotations::array(callee) {
                Some(key) => self.new_array(key, call, span).map(Answer::One),
                None => self.call_value(call, span),
            },
        }
    }

    /// A call of the value of an expression.
    fn call_value(&mut self, call: &ast::Call, span: Span) -> Option<Answer> {
        let callee = self.expr(&call.callee)?;
        if callee.ty() == Ty::Object {
            return self.call_object(callee.expr, call, span).map(Answer::One);
        }
        self.arguments(call);
        let hint = "bodies call methods of the module, helpers, builtins, objects and `math`";
        self.error(call.callee.span, "this cannot be called", hint);
        None
    }

    fn call_name(&mut self, name: &str, call: &ast::Call, span: Span) -> Option<Answer> {
        let place = call.callee.span;
        let message = match self.lookup(name) {
            Named::Function(id) => return self.call_body(name, id, call, span),
            Named::MathMember(member) if mathfns::known(&member) => {
                return self.math_call(&member, place, call, span);
            }
            Named::MathMember(_) => {
                // The import was diagnosed.
                self.arguments(call);
                return None;
            }
            Named::Type(storage) => {
                return self.conversion(name, storage, call, span).map(Answer::One);
            }
            Named::Other => return builtins::call(self, name, call, span),
            Named::Local(id) => match self.type_of(id, place) {
                Some(Storage::Object) => return self.call_value(call, span),
                Some(storage) => format!("`{name}` is {}, not a function", storage_name(storage)),
                None => {
                    self.arguments(call);
                    return None;
                }
            },
            Named::Exception => return self.call_class(call, span),
            Named::Constant(_) => format!("`{name}` is a constant, not a function"),
            Named::Table(_) => format!("`{name}` is a table, not a function"),
            Named::Math => "`math` is a module, not a function".to_owned(),
            Named::Captured => format!("`{name}` belongs to the body around this helper"),
        };
        self.arguments(call);
        let hint = "bodies call methods of the module, helpers, builtins and `math`";
        self.error(place, message, hint);
        None
    }

    /// A new exception.
    fn call_class(&mut self, call: &ast::Call, span: Span) -> Option<Answer> {
        let class = self.operand_object(&call.callee)?;
        self.call_object(class, call, span).map(Answer::One)
    }

    /// Checks the arguments of a call that is wrong anyway.
    pub fn arguments(&mut self, call: &ast::Call) {
        call.args.iter().for_each(|arg| drop(self.expr(arg)));
        (call.keywords.iter()).for_each(|(_, value)| drop(self.expr(value)));
    }

    /// The arguments of a call that takes between `min` and `max` of them, by position.
    pub fn plain(
        &mut self,
        name: &str,
        call: &ast::Call,
        min: usize,
        max: usize,
        span: Span,
    ) -> Option<Vec<Val>> {
        let vals: Vec<_> = call.args.iter().map(|arg| self.expr(arg)).collect();
        for (keyword, value) in &call.keywords {
            drop(self.expr(value));
            let message = format!("`{name}` takes no argument by keyword here");
            self.error(
                keyword.span,
                message,
                "pass it by position, or leave it out",
            );
        }
        let count = vals.len();
        if count < min || count > max {
            let wanted = match (min, max) {
                (_, _) if min == max => min.to_string(),
                (_, usize::MAX) => format!("at least {min}"),
                (_, _) => format!("{min} to {max}"),
            };
            let noun = if wanted == "1" {
                "argument"
            } else {
                "arguments"
            };
            let message = format!("`{name}` takes {wanted} {noun}, and here are {count}");
            let hint = if count < min {
                "write the missing ones between the parentheses"
            } else {
                "leave out the last ones"
            };
            self.error(span, message, hint);
            return None;
        }
        if !call.keywords.is_empty() {
            return None;
        }
        vals.into_iter().collect()
    }

    fn call_body(
        &mut self,
        name: &str,
        id: FunctionId,
        call: &ast::Call,
        span: Span,
    ) -> Option<Answer> {
        self.calls.push((id, call.callee.span));
        let target = &self.module.functions[id.0 as usize];
        let mine = self.function.owner.is_none() && target.owner == Some(self.method);
        if mine && !self.defined.contains(name) {
            let message = format!("the helper `{name}` is defined further down");
            let hint = "move the `def` above its first use";
            self.diags.push(
                Diagnostic::error(call.callee.span, message)
                    .also(target.span, "it is defined here")
                    .hint(hint),
            );
        }
        if target.broken {
            self.arguments(call);
            return None;
        }
        let (args, order) = self.bind(name, &target.sig, call, span)?;
        let results = &target.sig.results;
        let kind = ExprKind::Call(id, args, order);
        let first = results.first().map_or(Ty::None, |result| result.ty());
        let expr = |kind| Val::new(kind, first, span).expr;
        Some(match &target.sig.shape {
            Shape::None => Answer::Nothing(expr(kind)),
            Shape::One => Answer::One(Val::stored(kind, results[0], span)),
            shape => Answer::Many(expr(kind), results.clone(), shape.clone()),
        })
    }

    /// `value.name(...)` on a number, a str or a view.
    fn method_call(
        &mut self,
        value: &ast::Expr,
        name: &str,
        place: Span,
        call: &ast::Call,
        span: Span,
    ) -> Option<Val> {
        let val = self.expr(value);
        let count = name == "bit_count" || name == "bit_length";
        let integer = matches!(&val, Some(val) if matches!(val.ty(), Ty::Bool | Ty::I64 | Ty::U64));
        if count && integer {
            let text = format!("x.{name}");
            self.plain(&text, call, 0, 0, span)?;
            let val = val?.number();
            let kind = match name {
                "bit_count" => ExprKind::BitCount(Box::new(val.expr)),
                _ => ExprKind::BitLength(Box::new(val.expr)),
            };
            return Some(Val {
                range: (0, 64),
                ..Val::new(kind, Ty::I64, span)
            });
        }
        match (val.as_ref().map(Val::ty), name) {
            (Some(Ty::Object), _) => return self.call_method(val?, name, call, span),
            (Some(Ty::Str { .. }), "encode") => {
                return self.encode(val?, call, span);
            }
            (Some(Ty::Str { .. }), _) => return self.call_method(val?, name, call, span),
            (Some(Ty::View(view)), "cast") => return self.cast(val?, view, call, span),
            (Some(Ty::View(view)), "decode") => return self.decode(val?, view, call, span),
            (Some(Ty::View(view)), _) if matches!(view.whole, Whole::Bytes | Whole::Slice) => {
                return self.call_method(val?.present(), name, call, span);
            }
            _ => {}
        }
        self.arguments(call);
        let ty = val?.ty();
        let hint = match ty {
            Ty::Object => unreachable!("methods of objects are called above"),
            Ty::Str { .. } => "strs have `encode`",
            Ty::View(_) => {
                "bytes and other views of them have `decode`, and a `memoryview(...)` has `cast`"
            }
            Ty::Bool | Ty::I64 | Ty::U64 | Ty::F64 | Ty::Complex | Ty::None => {
                "integers have `bit_count` and `bit_length`"
            }
        };
        let message = format!("{} has no method `{name}` here", ty_name(ty));
        self.error(place, message, hint);
        None
    }
}
