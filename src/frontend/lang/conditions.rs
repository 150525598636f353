//! Conditions, comparisons, and what chooses between values: truth, `and`, `or`, chains of comparisons, values in one type.

use super::ast::{self, ExprKind as Syntax, UnaryOp};
use super::check::{Body, placeholder};
use super::ty::{self, Val, ty_name};
use super::typed::{CmpOp, Expr, ExprKind, Ty};
use crate::base::diag::Diagnostic;
use crate::base::source::Span;

impl Body<'_> {
    /// An expression as a condition: its truth, a Bool.
    pub fn condition(&mut self, e: &ast::Expr) -> Expr {
        match self.truth_of(e) {
            Some(expr) => expr,
            None => placeholder(e.span),
        }
    }

    /// Truth of an expression. Only truth is asked for, so the sides of `and` and `or` need not have one type here.
    pub fn truth_of(&mut self, e: &ast::Expr) -> Option<Expr> {
        let expr = match &e.kind {
            Syntax::And(values) | Syntax::Or(values) => {
                let sides: Vec<_> = values.iter().map(|value| self.truth_of(value)).collect();
                let sides = sides.into_iter().collect::<Option<Vec<_>>>()?;
                let op = match e.kind {
                    Syntax::And(_) => ExprKind::And,
                    _ => ExprKind::Or,
                };
                return Some(balanced(sides, e.span, op));
            }
            Syntax::Unary(UnaryOp::Not, inner) => {
                let inner = self.truth_of(inner)?;
                ExprKind::Not(Box::new(inner))
            }
            _ => {
                let val = self.expr(e)?;
                return self.truth(val).map(|val| val.expr);
            }
        };
        Some(Expr {
            kind: expr,
            ty: Ty::Bool,
            span: e.span,
        })
    }

    /// Truth of a value.
    pub fn truth(&mut self, val: Val) -> Option<Val> {
        match val.ty() {
            Ty::Bool => Some(val),
            Ty::I64 | Ty::U64 | Ty::F64 => match (val.literal, ty::is_const(&val)) {
                (Some(value), true) => Some(Val::bool(value != 0, val.span())),
                _ => Some(val.wrap(ExprKind::Truth, Ty::Bool)),
            },
            Ty::Object => {
                let span = val.span();
                self.error(
                    span,
                    "truth of an object is not there yet",
                    "compare with `is None`",
                );
                None
            }
            Ty::Complex | Ty::Str { .. } | Ty::View(_) => {
                let what = format!("truth of {}", ty_name(val.ty()));
                self.not_yet(val.span(), &what);
                None
            }
            Ty::None => {
                self.error(val.span(), "None is always false", "leave it out");
                None
            }
        }
    }

    /// Several values in one type, for `and`, `or`, `min`, `max`, `if-else`.
    pub fn one_type(&mut self, what: &str, vals: Vec<Val>) -> Option<Vec<Val>> {
        let has = |ty: Ty| vals.iter().any(|val| val.ty() == ty);
        let target = if has(Ty::Object) {
            Ty::Object
        } else if has(Ty::F64) {
            Ty::F64
        } else if has(Ty::U64) {
            Ty::U64
        } else {
            vals[0].ty()
        };
        let mut out = Vec::new();
        let first = vals[0].clone();
        for val in vals {
            let converted = match target {
                _ if val.ty() == target => Ok(val),
                Ty::Object => val.into_object(),
                Ty::F64 if val.literal.is_some() => val.into_f64(),
                Ty::U64 if val.ty() != Ty::Bool => val.into_u64(),
                _ => Err(Box::new(val)),
            };
            match converted {
                Ok(val) => out.push(val),
                Err(val) => {
                    let odd = if val.ty() == first.ty() {
                        target
                    } else {
                        first.ty()
                    };
                    let (a, b) = (ty_name(odd), ty_name(val.ty()));
                    let message =
                        format!("the sides of `{what}` have one type, but here are {a} and {b}");
                    let hint = "convert one of them, like `f64(x)`, `i64(x)` or `bool(x)`";
                    self.error(val.span(), message, hint);
                    return None;
                }
            }
        }
        Some(out)
    }

    /// `a and b and c`, `a or b or c` as values: of one type.
    pub fn and_or(
        &mut self,
        values: &[ast::Expr],
        span: Span,
        op: fn(Box<Expr>, Box<Expr>) -> ExprKind,
        what: &str,
    ) -> Option<Val> {
        let vals: Vec<_> = values.iter().map(|value| self.expr(value)).collect();
        let vals = vals.into_iter().collect::<Option<Vec<_>>>()?;
        let vals = self.one_type(what, vals)?;
        if matches!(vals[0].ty(), Ty::Object | Ty::None) {
            let hint = "compare with `is None`";
            self.error(span, "truth of an object is not there yet", hint);
            return None;
        }
        Some(join(vals, span, |sides| balanced(sides, span, op).kind))
    }

    /// A chain of comparisons.
    pub fn compare(
        &mut self,
        first: &ast::Expr,
        rest: &[(CmpOp, ast::Expr)],
        span: Span,
    ) -> Option<Val> {
        let mut vals = vec![self.expr(first)];
        vals.extend(rest.iter().map(|(_, right)| self.expr(right)));
        let vals = vals.into_iter().collect::<Option<Vec<_>>>()?;
        let mut good = true;
        for (pair, (op, _)) in vals.windows(2).zip(rest) {
            good &= self.comparable(*op, &pair[0], &pair[1]);
        }
        if !good {
            return None;
        }
        let types: Vec<Ty> = vals.iter().map(Val::ty).collect();
        let mut exprs: Vec<Expr> = Vec::new();
        for (index, val) in vals.into_iter().enumerate() {
            // A literal takes the type of its neighbours, so that the comparison is one instruction.
            let before = index.checked_sub(1).map(|at| types[at]);
            let beside: Vec<Ty> = before
                .into_iter()
                .chain(types.get(index + 1).copied())
                .collect();
            let all = |ty: Ty| beside.iter().all(|other| *other == ty);
            let exact = matches!(val.literal, Some(value) if value.unsigned_abs() <= 1 << 53);
            let val = if exact && all(Ty::F64) {
                val.into_f64()
            } else if val.literal.is_some() && all(Ty::U64) {
                val.into_u64()
            } else {
                Ok(val)
            };
            exprs.push(val.unwrap_or_else(|val| *val).expr);
        }
        let mut exprs = exprs.into_iter();
        let first = Box::new(exprs.next().expect("a comparison has operands"));
        let rest = rest.iter().map(|(op, _)| *op).zip(exprs).collect();
        Some(Val::new(ExprKind::Compare { first, rest }, Ty::Bool, span))
    }

    fn comparable(&mut self, op: CmpOp, left: &Val, right: &Val) -> bool {
        let object = |val: &Val| matches!(val.ty(), Ty::Object | Ty::None);
        let identity = matches!(op, CmpOp::Is | CmpOp::IsNot);
        let whole = left.span().to(right.span());
        match (identity, object(left), object(right)) {
            (true, true, true) | (false, false, false) => true,
            (true, _, _) => {
                let number = if object(left) { right } else { left };
                let name = ty_name(number.ty());
                let message = format!("`is` compares objects, but this is {name}");
                let hint = "write `==` or `!=`; a number is never None";
                self.diags
                    .push(Diagnostic::error(number.span(), message).hint(hint));
                false
            }
            (false, _, _) if left.ty() == Ty::None || right.ty() == Ty::None => {
                let hint = "write `is None` or `is not None`";
                self.error(whole, "a comparison with None is not there yet", hint);
                false
            }
            (false, _, _) => {
                self.error(
                    whole,
                    "a comparison of objects is not there yet",
                    "`is` compares identity",
                );
                false
            }
        }
    }
}

/// An expression over sides of one type, with what is known of all of them.
pub fn join(sides: Vec<Val>, span: Span, kind: impl FnOnce(Vec<Expr>) -> ExprKind) -> Val {
    let ty = sides[0].ty();
    let small_unsigned = sides.iter().all(|side| side.small_unsigned);
    let low = sides.iter().map(|side| side.range.0).min();
    let high = sides.iter().map(|side| side.range.1).max();
    let exprs = sides.into_iter().map(|side| side.expr).collect();
    Val {
        small_unsigned,
        range: (low.expect("sides"), high.expect("sides")),
        ..Val::new(kind(exprs), ty, span)
    }
}

/// `a op b op c` for `and` and `or`, which are associative: a tree of little depth.
fn balanced(mut sides: Vec<Expr>, span: Span, op: fn(Box<Expr>, Box<Expr>) -> ExprKind) -> Expr {
    if sides.len() == 1 {
        return sides.remove(0);
    }
    let right = sides.split_off(sides.len() / 2);
    let ty = sides[0].ty;
    let (left, right) = (balanced(sides, span, op), balanced(right, span, op));
    Expr {
        kind: op(Box::new(left), Box::new(right)),
        ty,
        span,
    }
}
