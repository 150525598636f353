//! Masked arithmetic: `(E) & M` with `M` a constant 2^k-1, k <= 64. The `+ - * << ~ & | ^` parts of `E` are evaluated modulo 2^64 without
//! checks, which modulo 2^k is the exact answer; operands of other operators are ordinary expressions (spec, section 3).
//!
//! All parts have one type: U64 if k is 64 or a part is a u64, else I64. Since only the low bits count, a part of the other
//! signedness is reinterpreted, not refused.

use super::ast::{self, ExprKind as Syntax, UnaryOp};
use super::check::Body;
use super::fold;
use super::names::Named;
use super::ty::{Val, ty_name};
use super::typed::{BinOp, Const, Expr, ExprKind, Rule, Ty};
use crate::base::diag::Diagnostic;
use crate::base::source::Span;

/// `E` taken apart.
enum Part {
    /// An ordinary expression, an integer.
    Leaf(Val),
    /// A constant.
    Constant(i128, Span),
    /// `-x`, `~x`
    Unary(UnaryOp, Box<Part>, Span),
    /// `+ - * & | ^`
    Binary(BinOp, Box<Part>, Box<Part>, Span),
    /// `x << count`
    Shl(Box<Part>, Val, Span),
}

impl Body<'_> {
    /// `left & right` where one of them is a mask and the other is not constant; `None` where it is no masked expression.
    pub fn masked(
        &mut self,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
    ) -> Option<Option<Val>> {
        let (mask, inner, place) = match (self.constant(left), self.constant(right)) {
            (None, Some(mask)) => (mask, left, right.span),
            (Some(mask), None) => (mask, right, left.span),
            _ => return None,
        };
        let is_mask = (0..=i128::from(u64::MAX)).contains(&mask) && mask & (mask + 1) == 0;
        if !is_mask {
            return None;
        }
        let Some(part) = self.part(inner) else {
            return Some(None);
        };
        let whole = mask == i128::from(u64::MAX);
        let ty = if whole || has_u64(&part) {
            Ty::U64
        } else {
            Ty::I64
        };
        let value = emit(part, ty);
        let kind = if whole {
            value.kind
        } else {
            ExprKind::Binary {
                op: BinOp::And,
                rule: Rule::Wrap,
                left: Box::new(value),
                right: Box::new(constant(mask, ty, place)),
            }
        };
        Some(Some(Val {
            range: (0, mask),
            ..Val::new(kind, ty, span)
        }))
    }

    /// The value of an expression made of integer constants only, however large on the way.
    fn constant(&self, e: &ast::Expr) -> Option<i128> {
        match &e.kind {
            Syntax::Int(value) => Some(i128::from(*value)),
            Syntax::Name(name) => match self.lookup(name) {
                Named::Constant(Some(Const::Int(value))) => Some(value),
                _ => None,
            },
            Syntax::Unary(UnaryOp::Plus, inner) => self.constant(inner),
            Syntax::Unary(UnaryOp::Neg, inner) => self.constant(inner)?.checked_neg(),
            Syntax::Unary(UnaryOp::Invert, inner) => self.constant(inner).map(|value| !value),
            Syntax::Binary(op, left, right) => {
                fold::exact(*op, self.constant(left)?, self.constant(right)?)
            }
            _ => None,
        }
    }

    fn part(&mut self, e: &ast::Expr) -> Option<Part> {
        let span = e.span;
        if let Some(value) = self.constant(e) {
            return Some(Part::Constant(value, span));
        }
        match &e.kind {
            Syntax::Unary(UnaryOp::Plus, inner) => self.part(inner),
            Syntax::Unary(op @ (UnaryOp::Neg | UnaryOp::Invert), inner) => {
                Some(Part::Unary(*op, Box::new(self.part(inner)?), span))
            }
            Syntax::Binary(BinOp::Shl, left, count) => {
                let (left, count) = (self.part(left), self.expr(count));
                let count = self.integer(count?, "<<")?;
                Some(Part::Shl(Box::new(left?), count, span))
            }
            Syntax::Binary(
                op @ (BinOp::Add | BinOp::Sub | BinOp::Mul | BinOp::And | BinOp::Or | BinOp::Xor),
                left,
                right,
            ) => {
                let (left, right) = (self.part(left), self.part(right));
                Some(Part::Binary(*op, Box::new(left?), Box::new(right?), span))
            }
            _ => {
                let val = self.expr(e)?;
                Some(Part::Leaf(self.integer(val, "&")?))
            }
        }
    }

    /// An integer or bool as a number; says so if it is none.
    pub fn integer(&mut self, val: Val, what: &str) -> Option<Val> {
        match val.ty() {
            Ty::Bool | Ty::I64 | Ty::U64 => Some(val.number()),
            Ty::F64 | Ty::Complex | Ty::None | Ty::Str { .. } | Ty::View(_) | Ty::Object => {
                let name = ty_name(val.ty());
                let message = format!("`{what}` wants an integer, but this is {name}");
                let diagnostic = Diagnostic::error(val.span(), message);
                self.diags.push(match val.ty() {
                    Ty::F64 => {
                        diagnostic.hint("convert it with `int(...)`, which rounds towards zero")
                    }
                    _ => diagnostic.hint("give it an integer type, like `i64`"),
                });
                None
            }
        }
    }
}

/// Whether a part is a u64 by its type; literals take the type of the others.
fn has_u64(part: &Part) -> bool {
    match part {
        Part::Leaf(val) => val.ty() == Ty::U64,
        Part::Constant(..) => false,
        Part::Unary(_, inner, _) | Part::Shl(inner, ..) => has_u64(inner),
        Part::Binary(_, left, right, _) => has_u64(left) || has_u64(right),
    }
}

fn constant(value: i128, ty: Ty, span: Span) -> Expr {
    // Modulo 2^64.
    let value = match ty {
        Ty::U64 => i128::from(value as u64),
        _ => i128::from(value as i64),
    };
    Expr {
        kind: ExprKind::Const(Const::Int(value)),
        ty,
        span,
    }
}

fn emit(part: Part, ty: Ty) -> Expr {
    let (kind, span) = match part {
        Part::Leaf(val) if val.ty() == ty => return val.expr,
        Part::Leaf(val) => {
            let span = val.span();
            (ExprKind::Reinterpret(Box::new(val.expr), Rule::Wrap), span)
        }
        Part::Constant(value, span) => return constant(value, ty, span),
        Part::Unary(op, inner, span) => {
            let inner = Box::new(emit(*inner, ty));
            let kind = match op {
                UnaryOp::Neg => ExprKind::Neg(inner, Rule::Wrap),
                UnaryOp::Plus | UnaryOp::Invert | UnaryOp::Not => {
                    ExprKind::Invert(inner, Rule::Wrap)
                }
            };
            (kind, span)
        }
        Part::Binary(op, left, right, span) => {
            let kind = ExprKind::Binary {
                op,
                rule: Rule::Wrap,
                left: Box::new(emit(*left, ty)),
                right: Box::new(emit(*right, ty)),
            };
            (kind, span)
        }
        Part::Shl(left, count, span) => {
            let kind = ExprKind::Binary {
                op: BinOp::Shl,
                rule: Rule::Wrap,
                left: Box::new(emit(*left, ty)),
                right: Box::new(count.expr),
            };
            (kind, span)
        }
    };
    Expr { kind, ty, span }
}
