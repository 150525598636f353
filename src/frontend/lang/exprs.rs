//! Expressions become typed expressions: names, literals, operators, comparisons, conditions. Calls are in `calls`.
//!
//! A method here returns `None` where something was wrong and has been said; whoever asked says nothing more.

use super::ast::{self, ExprKind as Syntax, UnaryOp};
use super::calls::Answer;
use super::check::{Body, Import, placeholder};
use super::fold;
use super::ty::{self, I64_RANGE, Val, ty_name};
use super::typed::{
    BinOp, CmpOp, Const, Expr, ExprKind, FunctionId, LocalId, Overflow, Storage, Ty,
};
use crate::base::diag::Diagnostic;
use crate::base::source::Span;
use crate::frontend::capi::exceptions;

/// What a name means where it is used.
pub enum Named {
    /// A local.
    Local(LocalId),
    /// A helper or a method.
    Function(FunctionId),
    /// A constant of the module.
    Constant(Option<Const>),
    /// An exception class.
    Exception,
    /// The module `math`.
    Math,
    /// A member of `math`, imported by itself.
    MathMember(String),
    /// A type of declared things.
    Type(Storage),
    /// A local of the method around a helper.
    Captured,
    /// None of these.
    Other,
}

impl Body<'_> {
    /// What a name means, in Python's order: locals, the enclosing body, the module, builtins.
    pub fn lookup(&self, name: &str) -> Named {
        if let Some(id) = self.names.get(name) {
            return Named::Local(*id);
        }
        match self.imports.get(name) {
            Some(Import::Module) => return Named::Math,
            Some(Import::Member(member)) => return Named::MathMember(member.clone()),
            None => {}
        }
        let module = self.module;
        if let Some(id) = module.helpers[self.method].get(name) {
            return Named::Function(*id);
        }
        if self.outer.iter().any(|other| other == name) {
            return Named::Captured;
        }
        if let Some(id) = module.methods.get(name) {
            return Named::Function(*id);
        }
        if let Some(constant) = module.constants.get(name) {
            return Named::Constant(*constant);
        }
        if module.exceptions.contains_key(name) || exceptions::since(name).is_some() {
            return Named::Exception;
        }
        match (name, ty::storage_named(name)) {
            ("math", _) => Named::Math,
            (_, Some(storage)) => Named::Type(storage),
            (_, None) => Named::Other,
        }
    }

    /// An expression with one value.
    pub fn expr(&mut self, e: &ast::Expr) -> Option<Val> {
        match self.answer(e)? {
            Answer::One(val) => Some(val),
            Answer::Many(expr, items) => {
                let message = format!("this gives {} values where one is wanted", items.len());
                self.error(expr.span, message, "unpack them first: `a, b = ...`");
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
        let span = e.span;
        let val = match &e.kind {
            Syntax::Wrong => return None,
            Syntax::Call(call) => return self.call(call, span),
            Syntax::Int(value) => Val::int(i128::from(*value), span),
            Syntax::Float(value) => Val::float(*value, span),
            Syntax::Bool(value) => Val::bool(*value, span),
            Syntax::None => Val::new(ExprKind::Const(Const::None), Ty::None, span),
            Syntax::Str(pieces) => {
                self.string_values(pieces);
                let message = "text is not there yet outside `raise` and `assert`";
                self.error(
                    span,
                    message,
                    "bodies know integers, floats, bools and `object` parameters so far",
                );
                return None;
            }
            Syntax::Name(name) => self.name(name, span)?,
            Syntax::Unary(op, operand) => self.unary(*op, operand, span)?,
            Syntax::Binary(op, left, right) => self.binary(*op, left, right, span)?,
            Syntax::And(values) => self.and_or(values, span, ExprKind::And, "and")?,
            Syntax::Or(values) => self.and_or(values, span, ExprKind::Or, "or")?,
            Syntax::Compare(first, rest) => self.compare(first, rest, span)?,
            Syntax::IfElse(cond, then, other) => {
                let cond = self.condition(cond);
                let (then, other) = (self.expr(then), self.expr(other));
                let sides = self.one_type("if-else", vec![then?, other?])?;
                join(sides, span, |mut sides| {
                    let other = sides.pop().expect("two sides");
                    let then = sides.pop().expect("two sides");
                    ExprKind::IfElse(Box::new(cond), Box::new(then), Box::new(other))
                })
            }
            Syntax::Attribute(value, name, place) => self.attribute(value, name, *place)?,
            Syntax::Subscript(value, index) => {
                let (value, _) = (self.expr(value), self.expr(index));
                value?;
                self.not_yet(span, "indexing");
                return None;
            }
            Syntax::Tuple(items) => {
                items.iter().for_each(|item| drop(self.expr(item)));
                let hint = "tuples stand behind `return` and in `a, b = ...`";
                self.error(span, "a tuple cannot be a value here", hint);
                return None;
            }
        };
        Some(Answer::One(val))
    }

    fn name(&mut self, name: &str, span: Span) -> Option<Val> {
        let (message, hint) = match self.lookup(name) {
            Named::Local(id) => {
                let storage = self.type_of(id, span)?;
                let kind = ExprKind::Local {
                    local: id,
                    checked: false,
                };
                return Some(Val::stored(kind, storage, span));
            }
            Named::Constant(Some(constant)) => return Some(constant_val(constant, span)),
            Named::MathMember(member) => {
                if let Some(value) = super::mathfns::constant(&member) {
                    return Some(Val::float(value, span));
                }
                if !super::mathfns::known(&member) {
                    return None;
                }
                (
                    format!("`{name}` is a function"),
                    format!("call it: `{name}(...)`"),
                )
            }
            Named::Constant(None) => {
                let what =
                    format!("the constant `{name}` (text, bytes, or over 64 bits) in a body");
                self.not_yet(span, &what);
                return None;
            }
            Named::Function(_) => (
                format!("`{name}` is a function"),
                format!("call it: `{name}(...)`"),
            ),
            Named::Exception => (
                format!("`{name}` is an exception"),
                format!("exceptions stand behind `raise`: `raise {name}(\"...\")`"),
            ),
            Named::Math => (
                "`math` is a module".to_owned(),
                "name something in it: `math.sqrt(x)`".to_owned(),
            ),
            Named::Type(_) => (
                format!("`{name}` is a type"),
                format!("convert with `{name}(x)`, annotate with `x: {name}`"),
            ),
            Named::Captured => (
                format!("`{name}` belongs to the body around this helper"),
                format!(
                    "pass it as an argument: helpers see no locals but their own, so add a parameter `{name}`"
                ),
            ),
            Named::Other => return self.unknown(name, span),
        };
        self.error(span, message, &hint);
        None
    }

    /// Says that nothing has this name.
    pub fn unknown(&mut self, name: &str, span: Span) -> Option<Val> {
        let near = self.nearest(name);
        let diagnostic = Diagnostic::error(span, format!("nothing is called `{name}` here"));
        self.diags.push(match near {
            Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
            None => {
                diagnostic.hint("names are parameters, locals, constants and methods of the module")
            }
        });
        None
    }

    fn nearest(&self, name: &str) -> Option<String> {
        let module = self.module;
        let users = (self.names.keys().map(String::as_str))
            .chain(module.helpers[self.method].keys().map(String::as_str))
            .chain(module.methods.keys().copied())
            .chain(module.constants.keys().copied())
            .chain(super::builtins::NAMES.iter().copied());
        users
            .filter(|other| !other.starts_with('<'))
            .map(|other| (distance(name, other), other))
            .filter(|(distance, other)| *distance <= 1 + other.len() / 5)
            .min()
            .map(|(_, other)| other.to_owned())
    }

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
            Ty::None => {
                self.error(val.span(), "None is always false", "leave it out");
                None
            }
        }
    }

    fn unary(&mut self, op: UnaryOp, operand: &ast::Expr, span: Span) -> Option<Val> {
        if op == UnaryOp::Not {
            let inner = self.truth_of(operand)?;
            let kind = ExprKind::Not(Box::new(inner));
            return Some(Val::new(kind, Ty::Bool, span));
        }
        let val = self.expr(operand)?;
        self.unary_on(op, val, span)
    }

    fn unary_on(&mut self, op: UnaryOp, val: Val, span: Span) -> Option<Val> {
        let rule = self.rule();
        let sign = match op {
            UnaryOp::Plus => "+",
            UnaryOp::Neg => "-",
            UnaryOp::Invert => "~",
            UnaryOp::Not => unreachable!("`not` is handled by its caller"),
        };
        let float = val.ty() == Ty::F64;
        if matches!(val.ty(), Ty::None | Ty::Object) || float && op == UnaryOp::Invert {
            let wanted = if op == UnaryOp::Invert {
                "an integer"
            } else {
                "a number"
            };
            let message = format!("`{sign}` wants {wanted}, but this is {}", ty_name(val.ty()));
            self.diags.push(Diagnostic::error(val.span(), message));
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
        if op == BinOp::And {
            if let Some(masked) = self.masked(left, right, span) {
                return masked;
            }
        }
        let (left, right) = (self.expr(left), self.expr(right));
        self.arithmetic(op, left?, right?, span)
    }

    /// An operator on two values.
    pub fn arithmetic(&mut self, op: BinOp, left: Val, right: Val, span: Span) -> Option<Val> {
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
        let fits = match val.ty() {
            Ty::Bool | Ty::I64 | Ty::U64 => true,
            Ty::F64 => !integer,
            Ty::None | Ty::Object => false,
        };
        if !fits {
            let wanted = if integer { "integers" } else { "numbers" };
            let name = ty_name(val.ty());
            let message = format!("`{}` wants {wanted}, but this is {name}", op.text());
            let diagnostic = Diagnostic::error(val.span(), message);
            self.diags.push(match val.ty() {
                Ty::F64 => diagnostic.hint("convert it with `int(...)`, which rounds towards zero"),
                Ty::Object => diagnostic.hint(
                    "operations on objects are not there yet; give the parameter a type, like `i64`",
                ),
                _ => diagnostic,
            });
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
        match (left.to_u64(), right.to_u64()) {
            (Ok(left), Ok(right)) => Some((left, right)),
            (left, right) => {
                let value = |side| match side {
                    Ok(val) | Err(val) => val,
                };
                let (left, right): (Val, Val) = (value(left), value(right));
                self.mixed(what, &left, &right);
                None
            }
        }
    }

    /// Says that a signed and an unsigned integer met.
    pub fn mixed(&mut self, what: &str, left: &Val, right: &Val) {
        let (a, b) = (self.sketch(left), self.sketch(right));
        let (first, second) = if left.ty() == Ty::U64 {
            (
                format!("{a} {what} u64({b})"),
                format!("i64({a}) {what} {b}"),
            )
        } else {
            (
                format!("u64({a}) {what} {b}"),
                format!("{a} {what} i64({b})"),
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
        fn inner<'e>(expr: &'e Expr) -> &'e Expr {
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
                Ty::Object => val.to_object(),
                Ty::F64 if val.literal.is_some() => val.to_f64(),
                Ty::U64 if val.ty() != Ty::Bool => val.to_u64(),
                _ => Err(val),
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

    fn and_or(
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

    fn compare(
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
                val.to_f64()
            } else if val.literal.is_some() && all(Ty::U64) {
                val.to_u64()
            } else {
                Ok(val)
            };
            exprs.push(val.unwrap_or_else(|val| val).expr);
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

    fn attribute(&mut self, value: &ast::Expr, name: &str, place: Span) -> Option<Val> {
        if let Syntax::Name(base) = &value.kind {
            match self.lookup(base) {
                Named::Math => {
                    if let Some(constant) = super::mathfns::constant(name) {
                        return Some(Val::float(constant, value.span.to(place)));
                    }
                    let (message, hint) = if super::mathfns::known(name) {
                        (
                            format!("`{base}.{name}` is a function"),
                            format!("call it: `{base}.{name}(...)`"),
                        )
                    } else {
                        (
                            format!("`math` has no `{name}`"),
                            "see the documentation of Python's `math`".to_owned(),
                        )
                    };
                    self.error(place, message, &hint);
                    return None;
                }
                Named::Type(_) => {
                    let message = format!("`{base}.{name}` is no value");
                    let hint = "call it: `u32.rotl(x, n)`, `u64.clz(x)`";
                    self.error(place, message, hint);
                    return None;
                }
                _ => {}
            }
        }
        let val = self.expr(value)?;
        match val.ty() {
            Ty::Object => self.not_yet(place, "an attribute of an object"),
            ty => {
                let message = format!("{} has no attribute `{name}` to read", ty_name(ty));
                let hint = "integers have the methods `x.bit_count()` and `x.bit_length()`";
                self.error(place, message, hint);
            }
        }
        None
    }
}

fn constant_val(constant: Const, span: Span) -> Val {
    match constant {
        Const::Bool(value) => Val::bool(value, span),
        Const::Int(value) => Val::int(value, span),
        Const::Float(value) => Val::float(value, span),
        Const::None => Val::new(ExprKind::Const(Const::None), Ty::None, span),
    }
}

/// A number as a double.
pub fn floating(val: Val) -> Val {
    val.to_f64().unwrap_or_else(|val| val)
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

/// Edits between two names.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let edit = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = edit.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
