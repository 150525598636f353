//! The functions and constants of `math`: rows with argument counts and result types, and their calls.
//!
//! Functions that are a few instructions become [`MathOp`]s; all others are CPython's own, called on boxed arguments (spec, section 3). Names
//! are those of the library reference, "math". What is given objects, or arguments by keyword, is called as any object
//! is.

use super::ast;
use super::calls::Answer;
use super::check::Body;
use super::exprs::floating;
use super::objects::made;
use super::ty::{Val, ty_name};
use super::typed::{ExprKind, MathOp, ObjectOp, PairOp, Shape, Ty};
use crate::base::source::Span;

/// What becomes of a call.
#[derive(Clone, Copy)]
enum Row {
    /// A [`MathOp`] on floats, with its result.
    Inline(MathOp, Ty),
    /// `floor`, `ceil`, `trunc`: integers stay as they are.
    ToInt(MathOp),
    /// CPython's function of numbers, with a float or bool result.
    Numbers(Ty),
    /// CPython's function of integers, with an integer result.
    Integers,
    /// `frexp`, `modf`: a number in, a pair out.
    Pair(PairOp),
    /// CPython's function of what can be iterated over: its result, an Object where that may be any number.
    Iterables(Ty),
}

/// Name, least and greatest number of arguments, what it is.
static FUNCTIONS: &[(&str, usize, usize, Row)] = &[
    ("acos", 1, 1, Row::Numbers(Ty::F64)),
    ("acosh", 1, 1, Row::Numbers(Ty::F64)),
    ("asin", 1, 1, Row::Numbers(Ty::F64)),
    ("asinh", 1, 1, Row::Numbers(Ty::F64)),
    ("atan", 1, 1, Row::Numbers(Ty::F64)),
    ("atan2", 2, 2, Row::Numbers(Ty::F64)),
    ("atanh", 1, 1, Row::Numbers(Ty::F64)),
    ("cbrt", 1, 1, Row::Numbers(Ty::F64)),
    ("ceil", 1, 1, Row::ToInt(MathOp::Ceil)),
    ("comb", 2, 2, Row::Integers),
    ("copysign", 2, 2, Row::Inline(MathOp::Copysign, Ty::F64)),
    ("cos", 1, 1, Row::Numbers(Ty::F64)),
    ("cosh", 1, 1, Row::Numbers(Ty::F64)),
    ("degrees", 1, 1, Row::Numbers(Ty::F64)),
    ("dist", 2, 2, Row::Iterables(Ty::F64)),
    ("erf", 1, 1, Row::Numbers(Ty::F64)),
    ("erfc", 1, 1, Row::Numbers(Ty::F64)),
    ("exp", 1, 1, Row::Numbers(Ty::F64)),
    ("exp2", 1, 1, Row::Numbers(Ty::F64)),
    ("expm1", 1, 1, Row::Numbers(Ty::F64)),
    ("fabs", 1, 1, Row::Inline(MathOp::Fabs, Ty::F64)),
    ("factorial", 1, 1, Row::Integers),
    ("floor", 1, 1, Row::ToInt(MathOp::Floor)),
    ("fma", 3, 3, Row::Numbers(Ty::F64)),
    ("fmax", 2, 2, Row::Numbers(Ty::F64)),
    ("fmin", 2, 2, Row::Numbers(Ty::F64)),
    ("fmod", 2, 2, Row::Numbers(Ty::F64)),
    ("frexp", 1, 1, Row::Pair(PairOp::Frexp)),
    ("fsum", 1, 1, Row::Iterables(Ty::F64)),
    ("gamma", 1, 1, Row::Numbers(Ty::F64)),
    ("gcd", 0, usize::MAX, Row::Integers),
    ("hypot", 0, usize::MAX, Row::Numbers(Ty::F64)),
    ("isclose", 2, 2, Row::Numbers(Ty::Bool)),
    ("isfinite", 1, 1, Row::Inline(MathOp::IsFinite, Ty::Bool)),
    ("isinf", 1, 1, Row::Inline(MathOp::IsInf, Ty::Bool)),
    ("isnan", 1, 1, Row::Inline(MathOp::IsNan, Ty::Bool)),
    ("isnormal", 1, 1, Row::Numbers(Ty::Bool)),
    ("isqrt", 1, 1, Row::Integers),
    ("issubnormal", 1, 1, Row::Numbers(Ty::Bool)),
    ("lcm", 0, usize::MAX, Row::Integers),
    ("ldexp", 2, 2, Row::Numbers(Ty::F64)),
    ("lgamma", 1, 1, Row::Numbers(Ty::F64)),
    ("log", 1, 2, Row::Numbers(Ty::F64)),
    ("log10", 1, 1, Row::Numbers(Ty::F64)),
    ("log1p", 1, 1, Row::Numbers(Ty::F64)),
    ("log2", 1, 1, Row::Numbers(Ty::F64)),
    ("modf", 1, 1, Row::Pair(PairOp::Modf)),
    ("nextafter", 2, 2, Row::Numbers(Ty::F64)),
    ("perm", 1, 2, Row::Integers),
    ("pow", 2, 2, Row::Numbers(Ty::F64)),
    ("prod", 1, 1, Row::Iterables(Ty::Object)),
    ("radians", 1, 1, Row::Numbers(Ty::F64)),
    ("remainder", 2, 2, Row::Numbers(Ty::F64)),
    ("signbit", 1, 1, Row::Numbers(Ty::Bool)),
    ("sin", 1, 1, Row::Numbers(Ty::F64)),
    ("sinh", 1, 1, Row::Numbers(Ty::F64)),
    ("sqrt", 1, 1, Row::Inline(MathOp::Sqrt, Ty::F64)),
    ("sumprod", 2, 2, Row::Iterables(Ty::Object)),
    ("tan", 1, 1, Row::Numbers(Ty::F64)),
    ("tanh", 1, 1, Row::Numbers(Ty::F64)),
    ("trunc", 1, 1, Row::ToInt(MathOp::Trunc)),
    ("ulp", 1, 1, Row::Numbers(Ty::F64)),
];

/// The value of `math.pi` and its like.
pub fn constant(name: &str) -> Option<f64> {
    Some(match name {
        "pi" => std::f64::consts::PI,
        "e" => std::f64::consts::E,
        "tau" => std::f64::consts::TAU,
        "inf" => f64::INFINITY,
        "nan" => f64::NAN,
        _ => return None,
    })
}

fn row(name: &str) -> Option<&'static (&'static str, usize, usize, Row)> {
    let at = FUNCTIONS.binary_search_by(|row| row.0.cmp(name));
    at.ok().map(|at| &FUNCTIONS[at])
}

/// Whether `math` has something of this name.
pub fn known(name: &str) -> bool {
    row(name).is_some() || constant(name).is_some()
}

impl Body<'_> {
    /// A call of `math.name`.
    pub fn math_call(
        &mut self,
        name: &str,
        place: Span,
        call: &ast::Call,
        span: Span,
    ) -> Option<Answer> {
        let full = format!("math.{name}");
        let Some((_, min, max, row)) = row(name) else {
            self.arguments(call);
            let message = match constant(name) {
                Some(_) => format!("`{full}` is a number, not a function"),
                None => format!("`math` has no `{name}`"),
            };
            self.error(place, message, "see the documentation of Python's `math`");
            return None;
        };
        let generic = matches!(row, Row::Iterables(_)) || !call.keywords.is_empty();
        let function = ObjectOp::Math(name.to_owned());
        let callee = made(function, Vec::new(), Ty::Object, place).expr;
        if generic {
            let answer = self.call_with_items(callee, call, *max, span)?;
            return Some(Answer::One(of_objects(*row, answer, span)));
        }
        let vals = self.plain(&full, call, *min, *max, span)?;
        if vals.iter().any(|val| val.ty() == Ty::Object) {
            let answer = self.call_values(callee, vals, span)?;
            return Some(Answer::One(of_objects(*row, answer, span)));
        }
        let mut good = true;
        for val in &vals {
            good &= self.suits(&full, val, matches!(row, Row::Integers));
        }
        if !good {
            return None;
        }
        if let Row::Pair(op) = row {
            let val = floating(vals.into_iter().next()?);
            let kind = ExprKind::MathPair(*op, Box::new(val.expr));
            let expr = Val::new(kind, Ty::F64, span).expr;
            return Some(Answer::Many(
                expr,
                op.results().into(),
                Shape::flat(2, true),
            ));
        }
        Some(Answer::One(math(name, *row, vals, span)))
    }

    fn suits(&mut self, name: &str, val: &Val, integers: bool) -> bool {
        let suits = match val.ty() {
            Ty::Bool | Ty::I64 | Ty::U64 => true,
            Ty::F64 => !integers,
            Ty::Complex | Ty::None | Ty::Str { .. } | Ty::View(_) | Ty::Object => false,
        };
        if !suits {
            let wanted = if integers { "integers" } else { "numbers" };
            let message = format!("`{name}` wants {wanted}, but this is {}", ty_name(val.ty()));
            self.error(
                val.span(),
                message,
                "convert it first, with `int(x)` or `float(x)`",
            );
        }
        suits
    }
}

/// What a function of `math` has answered to objects: what is always a float or a bool is one.
fn of_objects(row: Row, answer: Val, span: Span) -> Val {
    match row {
        Row::Inline(_, Ty::F64) | Row::Numbers(Ty::F64) | Row::Iterables(Ty::F64) => {
            made(ObjectOp::Float, vec![answer.expr], Ty::F64, span)
        }
        Row::Inline(_, Ty::Bool) | Row::Numbers(Ty::Bool) => answer.wrap(ExprKind::Truth, Ty::Bool),
        Row::Inline(..)
        | Row::Numbers(_)
        | Row::Iterables(_)
        | Row::ToInt(_)
        | Row::Integers
        | Row::Pair(_) => answer,
    }
}

fn math(name: &str, row: Row, mut vals: Vec<Val>, span: Span) -> Val {
    let boxed = |vals: Vec<Val>, ty: Ty| {
        let args = vals.into_iter().map(|val| val.expr).collect();
        Val::new(ExprKind::MathCall(name.to_owned(), args), ty, span)
    };
    match row {
        Row::Inline(op, ty) => {
            let args = vals.into_iter().map(|val| floating(val).expr).collect();
            Val::new(ExprKind::Math(op, args), ty, span)
        }
        Row::ToInt(op) if vals[0].ty() == Ty::F64 => {
            let args = vals.into_iter().map(|val| val.expr).collect();
            Val::new(ExprKind::Math(op, args), Ty::I64, span)
        }
        Row::ToInt(_) => {
            let mut val = vals.remove(0).number();
            val.expr.span = span;
            val
        }
        Row::Numbers(ty) => boxed(vals, ty),
        Row::Integers => {
            let unsigned = vals
                .iter()
                .any(|val| val.ty() == Ty::U64 && name != "isqrt");
            let ty = if unsigned { Ty::U64 } else { Ty::I64 };
            boxed(vals, ty)
        }
        Row::Iterables(_) | Row::Pair(_) => unreachable!("taken by the caller"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_is_sorted() {
        assert!(super::FUNCTIONS.is_sorted_by_key(|row| row.0));
    }
}
