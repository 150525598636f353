//! Expressions become typed expressions: names, literals, operators, comparisons, conditions. Calls are in `calls`.
//!
//! A method here returns `None` where something was wrong and has been said; whoever asked says nothing more.

use super::ast::{self, ExprKind as Syntax, UnaryOp};
use super::calls::Answer;
use super::check::Body;
use super::conditions::join;
use super::fold;
use super::names::constant_val;
use super::objects::is_objectlike;
use super::ty::{I64_RANGE, Val, is_number, ty_name};
use super::typed::{BinOp, Const, Expr, ExprKind, ObjectOp, Overflow, Shape, Ty};
use crate::base::diag::Diagnostic;
use crate::base::source::Span;

impl Body<'_> {
    /// An expression with one value.
    pub fn expr(&mut self, e: &ast::Expr) -> Option<Val> {
        match self.answer(e)? {
            Answer::One(val) => Some(val),
            Answer::Many(expr, items, shape) => {
                let (message, hint) = match shape {
                    Shape::Dict(_) => (
                        "this gives a dict, which is no value here".to_owned(),
                        "it can be returned as it is",
                    ),
                    _ => (
                        format!("this gives {} values where one is wanted", items.len()),
                        "unpack them first: `a, b = ...`",
                    ),
                };
                self.error(expr.span, message, hint);
                None
            }
            Answer::Nothing(expr) => {
                let hint = "call it in a statement of its own";
                self.error(
                    expr.span,
                    "this returns None, which is no value to work with",
                    hint,
                );
                None
            }
        }
    }

    /// An expression with any number of values.
    pub fn answer(&mut self, e: &ast::Expr) -> Option<Answer> {
        match &e.kind {
            Syntax::Call(call) => self.call(call, e.span),
            _ => self.value(e).map(Answer::One),
        }
    }

    /// Any expression but a call. Does nothing itself, so that its stack frame stays small: it calls itself for each level of nesting.
    fn value(&mut self, e: &ast::Expr) -> Option<Val> {
        let span = e.span;
        match &e.kind {
            Syntax::Wrong | Syntax::Call(_) => None,
            Syntax::Int(_)
            | Syntax::Float(_)
            | Syntax::Imaginary(_)
            | Syntax::Bool(_)
            | Syntax::None => literal(e),
            Syntax::Str(pieces) => self.text(pieces, span),
            Syntax::Bytes(bytes) => Some(constant_val(Const::Bytes(bytes.as_slice().into()), span)),
            Syntax::Name(name) => self.name(name, span),
            Syntax::Unary(op, operand) => self.unary(*op, operand, span),
            Syntax::Binary(op, left, right) => self.binary(*op, left, right, span),
            Syntax::And(values) => self.and_or(values, span, ExprKind::And, "and"),
            Syntax::Or(values) => self.and_or(values, span, ExprKind::Or, "or"),
            Syntax::Compare(first, rest) => self.compare(first, rest, span),
            Syntax::In {
                needle,
                haystack,
                negated,
            } => self.contains(needle, haystack, *negated, span),
            Syntax::IfElse(cond, then, other) => self.if_else(cond, then, other, span),
            Syntax::Attribute(value, name, place) => self.attribute(value, name, *place),
            Syntax::Subscript(value, index) => self.index(value, index, span),
            Syntax::Slice(value, start, stop) => {
                self.slice(value, start.as_deref(), stop.as_deref(), span)
            }
            Syntax::Stepped(value, bounds) => self.stepped(value, bounds, span),
            Syntax::Tuple(items) => self.display(ObjectOp::Tuple, items, span),
            Syntax::List(items) => self.display(ObjectOp::List, items, span),
            Syntax::Set(items) => self.display(ObjectOp::Set, items, span),
            Syntax::Dict(items) => self.dict_display(items, span),
        }
    }

    fn text(&mut self, pieces: &[ast::Piece], span: Span) -> Option<Val> {
        if let Some(text) = ast::plain_text(pieces) {
            return Some(constant_val(Const::Str(text.into()), span));
        }
        let pieces = self.pieces(pieces)?;
        let ty = Ty::Str { nullable: false };
        Some(Val::new(ExprKind::Text(pieces), ty, span))
    }

    fn if_else(
        &mut self,
        cond: &ast::Expr,
        then: &ast::Expr,
        other: &ast::Expr,
        span: Span,
    ) -> Option<Val> {
        let cond = self.condition(cond);
        let (then, other) = (self.expr(then), self.expr(other));
        let sides = self.one_type("if-else", vec![then?, other?])?;
        Some(join(sides, span, |mut sides| {
            let other = sides.pop().expect("two sides");
            let then = sides.pop().expect("two sides");
            ExprKind::IfElse(Box::new(cond), Box::new(then), Box::new(other))
        }))
    }

    fn unary(&mut self, op: UnaryOp, operand: &ast::Expr, span: Span) -> Option<Val> {
        if op == UnaryOp::Not {
            let inner = self.truth_as_value(operand)?;
            let kind = ExprKind::Not(Box::new(inner));
            return Some(Val::new(kind, Ty::Bool, span));
        }
        let val = self.expr(operand)?;
        self.unary_on(op, val, span)
    }

    fn unary_on(&mut self, op: UnaryOp, val: Val, span: Span) -> Option<Val> {
        if val.ty() == Ty::Object {
            return self.unary_object(op, val, span);
        }
        let rule = self.rule();
        let sign = match op {
            UnaryOp::Plus => "+",
            UnaryOp::Neg => "-",
            UnaryOp::Invert => "~",
            UnaryOp::Not => unreachable!("`not` is handled by its caller"),
        };
        let float = val.ty() == Ty::F64;
        if !is_number(val.ty()) || float && op == UnaryOp::Invert {
            let wanted = if op == UnaryOp::Invert {
                "an integer"
            } else {
                "a number"
            };
            let message = format!("`{sign}` wants {wanted}, but this is {}", ty_name(val.ty()));
            let hint = operand_hint(val.ty());
            self.error(val.span(), message, hint);
            return None;
        }
        let mut val = val.number();
        val.expr.span = span;
        if let Some(value) = val.literal.and_then(|value| fold::unary(op, value)) {
            return Some(Val::int(value, span));
        }
        let ty = val.ty();
        Some(match op {
            UnaryOp::Plus => val,
            UnaryOp::Neg => match val.expr.kind {
                ExprKind::Const(Const::Float(value)) => Val::float(-value, span),
                _ => val.wrap(|e| ExprKind::Neg(e, rule), ty),
            },
            UnaryOp::Invert | UnaryOp::Not => val.wrap(|e| ExprKind::Invert(e, rule), ty),
        })
    }

    /// `left op right`
    pub fn binary(
        &mut self,
        op: BinOp,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
    ) -> Option<Val> {
        if op == BinOp::And
            && !self.is_object(left)
            && !self.is_object(right)
            && let Some(masked) = self.masked(left, right, span)
        {
            return masked;
        }
        let (left, right) = (self.expr(left), self.expr(right));
        self.arithmetic(op, left?, right?, span)
    }

    /// An operator on two values.
    pub fn arithmetic(&mut self, op: BinOp, left: Val, right: Val, span: Span) -> Option<Val> {
        if is_objectlike(left.ty()) || is_objectlike(right.ty()) {
            return self.operation_on(ObjectOp::Binary(op), vec![left, right], span);
        }
        let bits = matches!(op, BinOp::And | BinOp::Or | BinOp::Xor);
        let shift = matches!(op, BinOp::Shl | BinOp::Shr);
        if !self.operand(op, &left, bits || shift) | !self.operand(op, &right, bits || shift) {
            return None;
        }
        if bits && left.ty() == Ty::Bool && right.ty() == Ty::Bool {
            return Some(self.operation(op, left, right, span));
        }
        let literal = match (left.literal, right.literal) {
            (Some(a), Some(b)) => fold::binary(op, a, b, self.overflow()),
            _ => None,
        };
        let float = left.ty() == Ty::F64 || right.ty() == Ty::F64;
        let negative = matches!(right.literal, Some(exponent) if exponent < 0);
        let (left, right) = match op {
            BinOp::Shl | BinOp::Shr => (left.number(), right.number()),
            // A negative exponent that stands there as such: a float, as in Python.
            BinOp::Pow if negative || float => (floating(left), floating(right)),
            BinOp::Pow => (left.number(), right.number()),
            _ => self.unify(op.text(), left, right)?,
        };
        let unsigned = left.ty() == Ty::U64 || right.ty() == Ty::U64;
        match literal {
            // Constants fold where they fit; `1 << 63` keeps its operation, as an i64, unless its context makes it a u64.
            Some(value) if value <= I64_RANGE.1 || unsigned => Some(Val::int(value, span)),
            Some(value) => {
                let val = self.operation(op, left, right, span);
                Some(Val {
                    literal: Some(value),
                    ..val
                })
            }
            None => Some(self.operation(op, left, right, span)),
        }
    }

    fn operation(&mut self, op: BinOp, left: Val, right: Val, span: Span) -> Val {
        let ty = match op {
            BinOp::Div => Ty::F64,
            _ => left.ty(),
        };
        let kind = ExprKind::Binary {
            op,
            rule: self.rule(),
            left: Box::new(left.expr),
            right: Box::new(right.expr),
        };
        Val::new(kind, ty, span)
    }

    /// Whether a value can be an operand; says so if not.
    fn operand(&mut self, op: BinOp, val: &Val, integer: bool) -> bool {
        let fits = is_number(val.ty()) && !(integer && val.ty() == Ty::F64);
        if !fits {
            let wanted = if integer { "integers" } else { "numbers" };
            let name = ty_name(val.ty());
            let message = format!("`{}` wants {wanted}, but this is {name}", op.text());
            self.error(val.span(), message, operand_hint(val.ty()));
        }
        fits
    }

    /// Two numbers in one type: I64, U64 or F64.
    pub fn unify(&mut self, what: &str, left: Val, right: Val) -> Option<(Val, Val)> {
        if left.ty() == Ty::F64 || right.ty() == Ty::F64 {
            return Some((floating(left), floating(right)));
        }
        if left.ty() != Ty::U64 && right.ty() != Ty::U64 {
            return Some((left.number(), right.number()));
        }
        match (left.into_u64(), right.into_u64()) {
            (Ok(left), Ok(right)) => Some((left, right)),
            (left, right) => {
                let left = left.unwrap_or_else(|val| *val);
                let right = right.unwrap_or_else(|val| *val);
                self.mixed(what, &left, &right);
                None
            }
        }
    }

    /// Says that a signed and an unsigned integer met.
    pub fn mixed(&mut self, what: &str, left: &Val, right: &Val) {
        let (a, b) = (self.sketch(left), self.sketch(right));
        let call = what.starts_with(|c: char| c.is_alphabetic());
        let write = |a: String, b: String| match call {
            true => format!("{what}(... {a}, {b} ...)"),
            false => format!("{a} {what} {b}"),
        };
        let (first, second) = if left.ty() == Ty::U64 {
            (
                write(a.clone(), format!("u64({b})")),
                write(format!("i64({a})"), b),
            )
        } else {
            (
                write(format!("u64({a})"), b.clone()),
                write(a, format!("i64({b})")),
            )
        };
        let consequence = match self.overflow() {
            Overflow::Raise => "both raise OverflowError when the value does not fit",
            Overflow::Wrap => "both keep the bits",
        };
        let (l, r) = (ty_name(left.ty()), ty_name(right.ty()));
        let diagnostic =
            Diagnostic::error(left.span(), format!("{l} and {r} do not mix in `{what}`"))
                .label(format!("this is {l}"))
                .also(right.span(), format!("this is {r}"))
                .hint(format!("write `{first}`, or `{second}`; {consequence}"));
        self.diags.push(diagnostic);
    }

    /// A value in few characters, for a hint.
    fn sketch(&self, val: &Val) -> String {
        fn inner(expr: &Expr) -> &Expr {
            match &expr.kind {
                ExprKind::Widen(e) | ExprKind::Reinterpret(e, _) => inner(e),
                _ => expr,
            }
        }
        match &inner(&val.expr).kind {
            ExprKind::Local { local, .. } => self.locals[local.0 as usize].name.clone(),
            ExprKind::Const(Const::Int(value)) => value.to_string(),
            _ => "(...)".to_owned(),
        }
    }
}

fn literal(e: &ast::Expr) -> Option<Val> {
    Some(match e.kind {
        Syntax::Int(value) => Val::int(i128::from(value), e.span),
        Syntax::Float(value) => Val::float(value, e.span),
        Syntax::Imaginary(value) => constant_val(Const::Complex(0.0, value), e.span),
        Syntax::Bool(value) => Val::bool(value, e.span),
        Syntax::None => Val::new(ExprKind::Const(Const::None), Ty::None, e.span),
        _ => return None,
    })
}

/// A number as a double.
pub fn floating(val: Val) -> Val {
    val.into_f64().unwrap_or_else(|val| *val)
}

/// What to write instead of an operand that does not suit.
fn operand_hint(ty: Ty) -> &'static str {
    match ty {
        Ty::F64 => "convert it with `int(...)`, which rounds towards zero",
        Ty::Object => "convert it: `int(x)`, `float(x)`",
        Ty::Complex => "calculate with its parts, `z.real` and `z.imag`",
        Ty::Str { .. } => {
            "strs are compared, encoded and passed on; `s.encode()` gives their bytes"
        }
        Ty::View(_) => "calculate with its items: `v[i]`",
        Ty::Bool | Ty::I64 | Ty::U64 | Ty::None => {
            "None has no operations but `is`; write a number"
        }
    }
}
