//! Conditions, comparisons, and what chooses between values: truth, `and`, `or`, chains of comparisons, values in one type.

use super::ast::{self, ExprKind as Syntax, UnaryOp};
use super::check::{Body, placeholder};
use super::join::{is_bytes, join as join_types, may_be_none};
use super::objects::of_objects;
use super::ty::{self, Val, is_number, ty_name};
use super::typed::{CmpOp, Expr, ExprKind, Ty};
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

    /// Truth of an expression as a value of its own: what `and` and `or` of objects give is asked once more, as in Python, where `if` and its
    /// like jump by what they have found already.
    pub fn truth_as_value(&mut self, e: &ast::Expr) -> Option<Expr> {
        match &e.kind {
            Syntax::And(_) | Syntax::Or(_) if self.is_object(e) => {
                let val = self.expr(e)?;
                self.truth(val).map(|val| val.expr)
            }
            Syntax::Unary(UnaryOp::Not, inner) => {
                let inner = self.truth_as_value(inner)?;
                let not = Val::new(ExprKind::Not(Box::new(inner)), Ty::Bool, e.span);
                Some(not.expr)
            }
            _ => self.truth_of(e),
        }
    }

    /// Truth of a value.
    pub fn truth(&mut self, val: Val) -> Option<Val> {
        match val.ty() {
            Ty::Bool => Some(val),
            Ty::I64 | Ty::U64 | Ty::F64 => match (val.literal, ty::is_const(&val)) {
                (Some(value), true) => Some(Val::bool(value != 0, val.span())),
                _ => Some(val.wrap(ExprKind::Truth, Ty::Bool)),
            },
            Ty::Str { .. } | Ty::View(_) | Ty::Object => Some(val.wrap(ExprKind::Truth, Ty::Bool)),
            Ty::Complex => Some(val.wrap(ExprKind::Truth, Ty::Bool)),
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
            let first = vals[0].ty();
            let joined = vals
                .iter()
                .try_fold(first, |ty, val| join_types(ty, val.ty()));
            joined.unwrap_or(first)
        };
        let mut out = Vec::new();
        let first = vals[0].clone();
        for val in vals {
            let converted = match target {
                _ if val.ty() == target => Ok(val),
                Ty::Object => val.into_object(),
                Ty::F64 if val.literal.is_some() => val.into_f64(),
                Ty::U64 if val.ty() != Ty::Bool => val.into_u64(),
                Ty::Str { .. } | Ty::View(_) => val.into_type(target),
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
                    let hint = match is_number(odd) && is_number(val.ty()) {
                        true => "convert one of them, like `f64(x)`, `i64(x)` or `bool(x)`",
                        false => "write an `if` statement, and a local for each type",
                    };
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
        // What `or` goes past was None or empty: the last side alone can be None.
        let last = vals.last().is_some_and(|val| may_be_none(val.ty()));
        let vals = self.one_type(what, vals)?;
        let hint = match vals[0].ty() {
            Ty::None => "compare with `is None`",
            Ty::Bool
            | Ty::I64
            | Ty::U64
            | Ty::F64
            | Ty::Complex
            | Ty::Str { .. }
            | Ty::View(_)
            | Ty::Object => {
                let val = join(vals, span, |sides| balanced(sides, span, op).kind);
                return Some(if what == "or" && !last {
                    val.present()
                } else {
                    val
                });
            }
        };
        self.error(span, "None is always false", hint);
        None
    }

    /// `x is None` of a value that has a type of its own; `None` where it is another comparison.
    fn is_none(&mut self, op: CmpOp, left: &Val, right: &Val, span: Span) -> Option<Val> {
        let val = match (op, left.ty(), right.ty()) {
            (CmpOp::Is | CmpOp::IsNot | CmpOp::Eq | CmpOp::Ne, _, Ty::None) => left,
            (CmpOp::Is | CmpOp::IsNot | CmpOp::Eq | CmpOp::Ne, Ty::None, _) => right,
            _ => return None,
        };
        if val.ty() == Ty::None || !may_be_none(val.ty()) {
            return None;
        }
        let kind = ExprKind::IsNone(Box::new(val.expr.clone()));
        let is = Val::new(kind, Ty::Bool, span);
        Some(match op {
            CmpOp::Is | CmpOp::Eq => is,
            _ => is.wrap(ExprKind::Not, Ty::Bool),
        })
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
        let mut vals = vals.into_iter().collect::<Option<Vec<_>>>()?;
        if let ([left, right], [(op, _)]) = (vals.as_slice(), rest)
            && let Some(val) = self.is_none(*op, left, right, span)
        {
            return Some(val);
        }
        let ops: Vec<CmpOp> = rest.iter().map(|(op, _)| *op).collect();
        if of_objects(&vals, &ops) {
            return self.compare_objects(vals, &ops, span);
        }
        let mut good = true;
        for (pair, (op, _)) in vals.windows(2).zip(rest) {
            good &= self.comparable(*op, &pair[0], &pair[1]);
        }
        if !good {
            return None;
        }
        // None is equal to nothing else; in an order it has no place.
        for (at, (op, _)) in rest.iter().enumerate() {
            if matches!(op, CmpOp::Lt | CmpOp::Le | CmpOp::Gt | CmpOp::Ge) {
                for val in &mut vals[at..at + 2] {
                    *val = val.clone().present();
                }
            }
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
            (true, true, true) => true,
            (false, false, false) => self.same_kind(op, left, right),
            (true, _, _) => {
                let other = if object(left) { right } else { left };
                let name = ty_name(other.ty());
                let message = format!("`is` compares objects, but this is {name}");
                let hint = match other.ty() {
                    Ty::Str { .. } | Ty::View(_) if may_be_none(other.ty()) => {
                        "write `x is None` in a comparison of its own"
                    }
                    Ty::Str { .. } | Ty::View(_) => {
                        "what may be None is declared so: `x: bytes | None`"
                    }
                    _ => "write `==` or `!=`; a number is never None",
                };
                self.error(other.span(), message, hint);
                false
            }
            (false, _, _) if left.ty() == Ty::None || right.ty() == Ty::None => {
                let other = if left.ty() == Ty::None { right } else { left };
                let (message, hint) = match op {
                    CmpOp::Eq | CmpOp::Ne if may_be_none(other.ty()) => (
                        "a comparison with None stands for itself".to_owned(),
                        "write it alone: `x is None and ...`",
                    ),
                    CmpOp::Eq | CmpOp::Ne => (
                        format!("{} is never None", ty_name(other.ty())),
                        "leave the comparison out",
                    ),
                    _ => (
                        "None comes in no order".to_owned(),
                        "write `is None` or `is not None`",
                    ),
                };
                self.error(whole, message, hint);
                false
            }
            (false, _, _) => unreachable!("objects are compared by themselves"),
        }
    }

    /// Whether neither is an object, and both are numbers, complex numbers (which have no order), strs, or views of bytes.
    fn same_kind(&mut self, op: CmpOp, left: &Val, right: &Val) -> bool {
        let whole = left.span().to(right.span());
        let (message, hint) = match (left.ty(), right.ty()) {
            (a, b) if is_number(a) && is_number(b) => return true,
            (Ty::Str { .. }, Ty::Str { .. }) => return true,
            (Ty::View(a), Ty::View(b)) if is_bytes(a) && is_bytes(b) => return true,
            (Ty::View(a), Ty::View(b)) => {
                let other = if is_bytes(a) { b } else { a };
                (
                    format!("{} has no comparisons here", ty_name(Ty::View(other))),
                    "compare its items in a loop",
                )
            }
            (Ty::Complex, b) | (b, Ty::Complex) if b == Ty::Complex || is_number(b) => {
                if matches!(op, CmpOp::Eq | CmpOp::Ne) {
                    return true;
                }
                (
                    "complex numbers come in no order".to_owned(),
                    "compare their parts: `z.real < 1.0`",
                )
            }
            (a, b) => (
                format!("{} and {} do not compare", ty_name(a), ty_name(b)),
                match (a, b) {
                    (Ty::Str { .. }, Ty::View(_)) | (Ty::View(_), Ty::Str { .. }) => {
                        "write `s.encode()`, which gives the bytes of a str"
                    }
                    (Ty::View(_), _) | (_, Ty::View(_)) => {
                        "compare an item, `v[0]`, or the number of items, `len(v)`"
                    }
                    _ => "both sides are numbers, strs, or bytes",
                },
            ),
        };
        self.error(whole, message, hint);
        false
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
