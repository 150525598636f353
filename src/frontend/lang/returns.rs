//! `return`: values meet the results of the function, and literals of tuples, lists and dicts the shape they are put into.
//!
//! Results are listed from left to right, those inside of containers too; the containers themselves are made by whoever called.

use super::ast::{self, ExprKind as Syntax};
use super::calls::Answer;
use super::check::Body;
use super::join::is_bytes;
use super::ty::{Val, storage_name, ty_name};
use super::typed::{Expr, ExprKind, Shape, Stmt, StmtKind, Storage, Ty, View, Whole};
use crate::base::source::Span;

impl Body<'_> {
    /// `return value`
    pub fn return_(&mut self, value: Option<&ast::Expr>, span: Span, out: &mut Vec<Stmt>) {
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
        let function = self.function;
        let shape = &function.sig.shape;
        if function.broken {
            if let Some(value) = value {
                self.check_value(value);
            }
            return None;
        }
        let Some(value) = value else {
            if *shape != Shape::None {
                let name = function.name();
                let message = format!("`{name}` returns a value, but this `return` has none");
                let wanted = self.results_name();
                let hint = format!("write `return` and a value of the type {wanted}");
                self.error(span, message, &hint);
            }
            return None;
        };
        let is_object = *shape == Shape::One && function.sig.results == [Storage::Object];
        if let Syntax::Tuple(_) | Syntax::List(_) | Syntax::Dict(_) = &value.kind
            && !is_object
        {
            let mut vals = Vec::new();
            let hold = from_calls(shape, value);
            let good = self.gather(shape, value, hold, span, out, &mut vals);
            return good.then(|| self.results(vals))?;
        }
        match self.answer(value)? {
            Answer::Nothing(expr) if *shape == Shape::None => {
                let span = expr.span;
                let kind = StmtKind::Expr(expr);
                out.push(Stmt { kind, span });
                None
            }
            Answer::One(val) if *shape == Shape::None && val.ty() == Ty::None => None,
            Answer::One(val) if *shape == Shape::One => self.results(vec![Some(val)]),
            Answer::Many(expr, items, other) if other == *shape => {
                if items == function.sig.results {
                    return Some(vec![expr]);
                }
                let vals = self.spread(expr, &items, span, out);
                self.results(vals.into_iter().map(Some).collect())
            }
            answer => {
                self.wrong_result(value.span, &self.results_name(), &kind_of(&answer));
                None
            }
        }
    }

    /// The values in a literal of the shape; `hold` puts them into temporaries as they are computed. Says so where the shape is another one.
    fn gather(
        &mut self,
        shape: &Shape,
        value: &ast::Expr,
        hold: bool,
        span: Span,
        out: &mut Vec<Stmt>,
        vals: &mut Vec<Option<Val>>,
    ) -> bool {
        let pairs: Option<Vec<(&Shape, &ast::Expr)>> = match (shape, &value.kind) {
            (Shape::Tuple(shapes), Syntax::Tuple(items))
            | (Shape::List(shapes), Syntax::List(items)) => {
                (shapes.len() == items.len()).then(|| shapes.iter().zip(items).collect())
            }
            (Shape::Dict(shapes), Syntax::Dict(items)) => {
                (shapes.len() == items.len()).then(|| {
                    let pairs = shapes.iter().zip(items);
                    let flat = pairs.flat_map(|((a, b), (key, value))| [(a, key), (b, value)]);
                    flat.collect()
                })
            }
            _ => None,
        };
        if let Some(pairs) = pairs {
            let mut good = true;
            for (shape, value) in pairs {
                good &= self.gather(shape, value, hold, span, out, vals);
            }
            return good;
        }
        let what = match &value.kind {
            _ if *shape == Shape::One && self.is_object_result(vals.len()) => {
                let val = self.expr(value);
                vals.push(match hold {
                    true => val.map(|val| self.once(val, span, out)),
                    false => val,
                });
                return true;
            }
            Syntax::Tuple(items) => format!("a tuple of {}", items.len()),
            Syntax::List(items) => format!("a list of {}", items.len()),
            Syntax::Dict(items) => format!("a dict of {}", items.len()),
            _ if *shape == Shape::One => {
                let val = self.expr(value);
                vals.push(match hold {
                    true => val.map(|val| self.once(val, span, out)),
                    false => val,
                });
                return true;
            }
            _ => match self.answer(value) {
                None => return false,
                Some(Answer::Many(expr, items, other)) if other == *shape => {
                    let spread = self.spread(expr, &items, span, out);
                    vals.extend(spread.into_iter().map(Some));
                    return true;
                }
                Some(answer) => {
                    self.wrong_result(value.span, &kind(shape), &kind_of(&answer));
                    return false;
                }
            },
        };
        self.check_value(value);
        let top = *shape == self.function.sig.shape;
        let wanted = if top {
            self.results_name()
        } else {
            kind(shape)
        };
        self.wrong_result(value.span, &wanted, &what);
        false
    }

    /// Whether a result can be any object.
    fn is_object_result(&self, at: usize) -> bool {
        self.function.sig.results.get(at) == Some(&Storage::Object)
    }

    fn results(&mut self, vals: Vec<Option<Val>>) -> Option<Vec<Expr>> {
        let function = self.function;
        let count = function.sig.results.len();
        let mut exprs = Vec::new();
        for (index, (val, storage)) in vals.into_iter().zip(&function.sig.results).enumerate() {
            let subject = if count == 1 {
                format!("the result of `{}`", function.name())
            } else {
                format!("result {} of `{}`", index + 1, function.name())
            };
            let val = val.map(|val| encoded(val, *storage));
            // What is made here and returned is in no other hands yet, a bytearray too.
            let params = function.sig.params.iter();
            let given = params.filter(|param| is_bytearray(param.storage)).count();
            let val = match storage {
                Storage::Object if given == 0 => {
                    val.map(|val| val.into_object().unwrap_or_else(|val| *val))
                }
                _ => val,
            };
            exprs.push(val.and_then(|val| self.coerce(val, *storage, true, &subject)));
        }
        exprs.into_iter().collect()
    }

    fn wrong_result(&mut self, span: Span, wanted: &str, what: &str) {
        let name = self.function.name();
        let message = format!("`{name}` returns {wanted}, but this is {what}");
        self.error(span, message, "change this or `returns` of the method");
    }

    /// What the function returns.
    fn results_name(&self) -> String {
        let sig = &self.function.sig;
        let mut results = sig.results.iter();
        shown(&sig.shape, &mut || {
            let result = results.next().expect("a result for each item");
            storage_name(*result).to_owned()
        })
    }
}

/// Whether parts of a literal are calls that give several results.
fn from_calls(shape: &Shape, value: &ast::Expr) -> bool {
    match (shape, &value.kind) {
        (Shape::Tuple(shapes), Syntax::Tuple(items))
        | (Shape::List(shapes), Syntax::List(items)) => {
            let mut pairs = shapes.iter().zip(items);
            pairs.any(|(shape, item)| from_calls(shape, item))
        }
        (Shape::Dict(shapes), Syntax::Dict(items)) => {
            let mut pairs = shapes.iter().zip(items);
            pairs.any(|((a, b), (key, value))| from_calls(a, key) || from_calls(b, value))
        }
        (Shape::One | Shape::None, _) => false,
        (Shape::Tuple(_) | Shape::List(_) | Shape::Dict(_), _) => true,
    }
}

fn is_bytearray(storage: Storage) -> bool {
    matches!(storage, Storage::View(view) if view.whole == Whole::ByteArray)
}

/// A str as its UTF-8, where the result is a view of bytes that becomes a str again (`s#`).
fn encoded(val: Val, storage: Storage) -> Val {
    let view = match storage {
        Storage::View(view) => is_bytes(view) && !view.mutable && view.whole == Whole::Part,
        _ => false,
    };
    match val.ty() {
        Ty::Str { .. } if view => val.present().wrap(ExprKind::Encode, Ty::View(View::SLICE)),
        _ => val,
    }
}

/// A shape in few words.
pub fn kind(shape: &Shape) -> String {
    match shape {
        Shape::None => "None".to_owned(),
        Shape::One => "one value".to_owned(),
        Shape::Tuple(items) => format!("a tuple of {}", items.len()),
        Shape::List(items) => format!("a list of {}", items.len()),
        Shape::Dict(items) => format!("a dict of {}", items.len()),
    }
}

fn kind_of(answer: &Answer) -> String {
    match answer {
        Answer::One(val) => ty_name(val.ty()).to_owned(),
        Answer::Many(_, _, shape) => kind(shape),
        Answer::Nothing(_) => "None".to_owned(),
    }
}

/// A shape with the types of its results.
fn shown(shape: &Shape, result: &mut dyn FnMut() -> String) -> String {
    let text = inner(shape, result);
    match shape {
        Shape::None | Shape::One => text,
        Shape::Tuple(_) => format!("a tuple {text}"),
        Shape::List(_) => format!("a list {text}"),
        Shape::Dict(_) => format!("a dict {text}"),
    }
}

fn inner(shape: &Shape, result: &mut dyn FnMut() -> String) -> String {
    let mut list = |items: &[Shape]| {
        let items: Vec<_> = items.iter().map(|item| inner(item, result)).collect();
        items.join(", ")
    };
    match shape {
        Shape::None => "None".to_owned(),
        Shape::One => result(),
        Shape::Tuple(items) => format!("({})", list(items)),
        Shape::List(items) => format!("[{}]", list(items)),
        Shape::Dict(items) => {
            let mut texts = Vec::new();
            for (key, value) in items {
                texts.push(format!("{}: {}", inner(key, result), inner(value, result)));
            }
            format!("{{{}}}", texts.join(", "))
        }
    }
}
