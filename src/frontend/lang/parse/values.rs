//! Values at the top level of a Python file: constants, and tables, which are tuples of numbers.
//!
//! In: names, annotations and expressions. Out: entries of the [`File`](super::super::file::File), and messages about what is no value.

use ruff_text_size::Ranged;

use super::super::ast::Name;
use super::super::file::{Constant, Table, Value};
use super::super::typed::{Const, Item, Storage, Whole};
use super::super::{annotations, constants, join, ty};
use super::file::FileReader;
use super::py;
use crate::base::source::Span;

impl FileReader<'_> {
    pub(super) fn constant(
        &mut self,
        name: &py::ExprName,
        annotation: Option<&py::Expr>,
        written: &py::Expr,
    ) {
        let span = self.convert.span(written.range());
        let name = Name {
            text: name.id.as_str().to_owned(),
            span: self.convert.span(name.range),
        };
        match written {
            py::Expr::Tuple(tuple) => return self.table(name, annotation, &tuple.elts, span),
            py::Expr::List(list) => {
                let hint = "a table is a tuple: write `(...)`";
                self.error(list.range, "a list is no constant: it can be changed", hint);
                // What is wrong with its items is said as well, and its name is known.
                self.table(name, annotation, &list.elts, span);
                self.file
                    .tables
                    .iter_mut()
                    .last()
                    .expect("it is there")
                    .values = None;
                return;
            }
            _ => {}
        }
        let digits = digits(written, "");
        let storage = annotation.and_then(|annotation| {
            let annotation = self.convert.expr(annotation);
            annotations::declared_type(&annotation, self.convert.diags)
        });
        let value = match digits {
            Some((digits, radix)) => Some(Value::Digits(digits, radix)),
            None => {
                let expr = self.convert.expr(written);
                match constants::value(&expr, &self.known) {
                    Ok(value) => Some(Value::Value(value)),
                    Err(diagnostic) => {
                        diagnostic
                            .into_iter()
                            .for_each(|diagnostic| self.convert.diags.push(diagnostic));
                        None
                    }
                }
            }
        };
        let usable = match &value {
            Some(Value::Value(value)) => Some(value.clone()),
            Some(Value::Digits(..)) | None => None,
        };
        if let (Some(storage), Some(_)) = (storage, &value)
            && !usable.as_ref().is_some_and(|value| holds(storage, value))
        {
            let message = format!(
                "this constant is no value of the type `{}`",
                ty::storage_name(storage)
            );
            self.error(
                written.range(),
                message,
                "change the value, or the type in front of it",
            );
        }
        self.known.push((name.text.clone(), usable));
        self.file.constants.push(Constant { name, value, span });
    }

    /// `NAME = (1, 2)`
    fn table(&mut self, name: Name, annotation: Option<&py::Expr>, items: &[py::Expr], span: Span) {
        let mut item = None;
        let mut sound = true;
        if let Some(annotation) = annotation {
            item = self.table_type(annotation);
            sound = item.is_some();
        }
        let mut values = Vec::new();
        for written in items {
            let expr = self.convert.expr(written);
            match constants::value(&expr, &self.known) {
                Ok(value) => values.push((value, expr.span)),
                Err(diagnostic) => {
                    sound = false;
                    diagnostic
                        .into_iter()
                        .for_each(|diagnostic| self.convert.diags.push(diagnostic));
                }
            }
        }
        self.known.push((name.text.clone(), None));
        self.file.tables.push(Table {
            name,
            item,
            values: sound.then_some(values),
            span,
        });
    }

    /// `Array[T, n]`, `Buffer[T]`: the type of a table's items, and the number of them if that is said.
    fn table_type(&mut self, written: &py::Expr) -> Option<(Item, Option<(u64, Span)>)> {
        let annotation = self.convert.expr(written);
        if let Some(key) = annotations::array(&annotation) {
            let (view, count) = annotations::array_type(key, self.convert.diags)?;
            let number = constants::value(count, &self.known);
            let Ok(Const::Int(number @ 0..)) = number else {
                let hint = "write the number of items";
                self.error(written.range(), "the length of a table is a number", hint);
                return None;
            };
            return Some((view.item, Some((number as u64, count.span))));
        }
        match annotations::declared_type(&annotation, self.convert.diags)? {
            Storage::View(view) if view.whole == Whole::Part => Some((view.item, None)),
            storage => {
                let message = format!(
                    "this table is no value of the type `{}`",
                    ty::storage_name(storage)
                );
                let hint = "annotate it with the type of its items: `Array[u32, 256]`";
                self.error(written.range(), message, hint);
                None
            }
        }
    }
}

/// An integer literal beyond 64 bits, behind signs: its digits and their radix.
fn digits(written: &py::Expr, sign: &str) -> Option<(String, u32)> {
    match written {
        py::Expr::UnaryOp(u) if u.op == py::UnaryOp::USub => {
            digits(&u.operand, if sign.is_empty() { "-" } else { "" })
        }
        py::Expr::NumberLiteral(n) => match &n.value {
            py::Number::Int(value) if value.as_u64().is_none() => {
                let text = value.to_string();
                let lower = text.to_ascii_lowercase();
                let (digits, radix) = match lower.get(..2) {
                    Some("0x") => (&lower[2..], 16),
                    Some("0o") => (&lower[2..], 8),
                    Some("0b") => (&lower[2..], 2),
                    _ => (&lower[..], 10),
                };
                Some((format!("{sign}{}", digits.replace('_', "")), radix))
            }
            _ => None,
        },
        _ => None,
    }
}

/// Whether a value is one of a type, as it is: `1` is one of `f64`, too.
fn holds(storage: Storage, value: &Const) -> bool {
    match (storage, value) {
        (Storage::Int(int), Const::Int(value)) => ty::contains(int.range(), (*value, *value)),
        (Storage::F32 | Storage::F64, Const::Int(_) | Const::Float(_))
        | (Storage::Bool, Const::Bool(_))
        | (Storage::Str { .. }, Const::Str(_))
        | (Storage::Object, _) => true,
        (Storage::View(view), Const::Bytes(_)) => join::is_bytes(view) && !view.mutable,
        _ => false,
    }
}
