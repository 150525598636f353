//! Builtin functions, conversions (`i32(x)`), operations by type (`u32.rotl(x, n)`), and what is said of builtins that are not there.

use super::ast;
use super::calls::Answer;
use super::check::Body;
use super::conditions::join;
use super::exprs::floating;
use super::objects::{self, made};
use super::ty::{self, Val, is_number, rule, ty_name};
use super::typed::{BinOp, BitOp, Const, ExprKind, IntTy, ObjectOp, Rule, Shape, Storage, Ty};
use crate::base::diag::Diagnostic;
use crate::base::source::Span;
use crate::frontend::capi::classes;

/// Builtin functions of the language.
pub static NAMES: &[&str] = &[
    "abs",
    "bool",
    "bytearray",
    "bytes",
    "complex",
    "divmod",
    "enumerate",
    "float",
    "int",
    "len",
    "math",
    "max",
    "min",
    "pow",
    "range",
    "round",
];

/// Other builtins of Python, for a better message.
static FOREIGN: &[&str] = &["eval", "exec", "globals", "input", "locals", "open", "vars"];

/// A call of a name that nothing in the module has.
pub fn call(body: &mut Body, name: &str, call: &ast::Call, span: Span) -> Option<Answer> {
    let val = match name {
        "abs" => abs(body, call, span),
        "min" => extreme(body, name, call, span, ExprKind::Min),
        "max" => extreme(body, name, call, span, ExprKind::Max),
        "pow" => pow(body, call, span),
        "round" => round(body, call, span),
        "divmod" => return divmod(body, call, span),
        "len" => body.len(call, span),
        _ => other(body, name, call, span),
    };
    val.map(Answer::One)
}

/// A call of a builtin that is one of objects, or of nothing there is.
fn other(body: &mut Body, name: &str, call: &ast::Call, span: Span) -> Option<Val> {
    match name {
        "isinstance" => return body.isinstance(call, span),
        "repr" => return body.text_of(name, ObjectOp::Repr, call, span),
        "ascii" => return body.text_of(name, ObjectOp::Ascii, call, span),
        "memoryview" => return body.memoryview(call, span),
        _ if objects::function(name).is_some() || classes::symbol(name).is_some() => {
            return body.call_builtin(name, call, span);
        }
        _ => {}
    }
    let place = call.callee.span;
    body.arguments(call);
    if FOREIGN.contains(&name) {
        let message = format!("`{name}` is not part of the body language");
        let hint = "a body has no names but its own, and does no input or output by itself";
        body.error(place, message, hint);
    } else {
        body.unknown(name, place);
    }
    None
}

/// A number for an operation that takes any; says so if it is none.
fn number(body: &mut Body, what: &str, val: Val) -> Option<Val> {
    if is_number(val.ty()) {
        return Some(val.number());
    }
    let message = format!("`{what}` wants a number, but this is {}", ty_name(val.ty()));
    body.error(val.span(), message, "give it a type, like `i64` or `f64`");
    None
}

fn abs(body: &mut Body, call: &ast::Call, span: Span) -> Option<Val> {
    let val = body.plain("abs", call, 1, 1, span)?.remove(0);
    if val.ty() == Ty::Object {
        return body.operation_on(ObjectOp::Absolute, vec![val], span);
    }
    let val = number(body, "abs", val)?;
    let rule = body.rule();
    let ty = val.ty();
    Some(match val.literal {
        Some(value) if ty::is_const(&val) => Val::int(value.abs(), span),
        _ if ty == Ty::U64 => val,
        _ => val.wrap(|e| ExprKind::Abs(e, rule), ty),
    })
    .map(|val| at(val, span))
}

fn has_object(vals: &[Val]) -> bool {
    vals.iter().any(|val| val.ty() == Ty::Object)
}

/// A value that stands for a whole call.
fn at(mut val: Val, span: Span) -> Val {
    val.expr.span = span;
    val
}

fn extreme(
    body: &mut Body,
    name: &str,
    call: &ast::Call,
    span: Span,
    kind: fn(Vec<super::typed::Expr>) -> ExprKind,
) -> Option<Val> {
    if call.args.iter().any(|arg| body.is_object(arg)) {
        return body.call_builtin(name, call, span);
    }
    if call.args.len() == 1 && call.keywords.is_empty() {
        let val = body.expr(&call.args[0])?;
        return match val.ty() {
            Ty::View(_) => Some(body.extreme_item(name, val, span)),
            Ty::Str { .. } | Ty::Object => body.call_of(name, call, vec![val], span),
            ty => {
                let message = format!("`{name}` goes through items, and {} has none", ty_name(ty));
                let hint = format!("write the values: `{name}(a, b)`");
                body.error(span, message, &hint);
                None
            }
        };
    }
    if !call.keywords.is_empty() {
        return body.call_builtin(name, call, span);
    }
    let vals = body.plain(name, call, 2, usize::MAX, span)?;
    if has_object(&vals) {
        return body.call_of(name, call, vals, span);
    }
    let vals = body.one_type(name, vals)?;
    if !is_number(vals[0].ty()) {
        return body.call_of(name, call, vals, span);
    }
    Some(join(vals, span, kind))
}

fn divmod(body: &mut Body, call: &ast::Call, span: Span) -> Option<Answer> {
    let vals = body.plain("divmod", call, 2, 2, span)?;
    if has_object(&vals) {
        let pair = body.operation_on(ObjectOp::Divmod, vals, span);
        return pair.map(Answer::One);
    }
    let mut vals = vals.into_iter();
    let (left, right) = (vals.next()?, vals.next()?);
    let (left, right) = (number(body, "divmod", left), number(body, "divmod", right));
    let (left, right) = body.unify("divmod", left?, right?)?;
    let ty = left.ty();
    let kind = ExprKind::Divmod(Box::new(left.expr), Box::new(right.expr), body.rule());
    let expr = Val::new(kind, ty, span).expr;
    let results = vec![ty::natural(ty); 2];
    Some(Answer::Many(expr, results, Shape::flat(2, true)))
}

fn pow(body: &mut Body, call: &ast::Call, span: Span) -> Option<Val> {
    let vals = body.plain("pow", call, 2, 3, span)?;
    if has_object(&vals) {
        let op = match vals.len() {
            2 => ObjectOp::Binary(BinOp::Pow),
            _ => ObjectOp::PowMod,
        };
        return body.operation_on(op, vals, span);
    }
    let mut vals = vals.into_iter();
    let (base, exponent) = (vals.next()?, vals.next()?);
    let Some(modulus) = vals.next() else {
        return body.arithmetic(BinOp::Pow, base, exponent, span);
    };
    let base = body.integer(base, "pow");
    let exponent = body.integer(exponent, "pow");
    let modulus = body.integer(modulus, "pow");
    let (base, modulus) = body.unify("pow", base?, modulus?)?;
    let (base, exponent) = body.unify("pow", base, exponent?)?;
    // The exponent may have made the base a u64.
    let (base, modulus) = body.unify("pow", base, modulus)?;
    let ty = base.ty();
    let kind = ExprKind::PowMod(
        Box::new(base.expr),
        Box::new(exponent.expr),
        Box::new(modulus.expr),
    );
    Some(Val::new(kind, ty, span))
}

fn round(body: &mut Body, call: &ast::Call, span: Span) -> Option<Val> {
    let vals = body.plain("round", call, 1, 2, span)?;
    if has_object(&vals) {
        return body.call_of("round", call, vals, span);
    }
    let mut vals = vals.into_iter();
    let val = number(body, "round", vals.next()?);
    let digits = vals.next().filter(|digits| digits.ty() != Ty::None);
    let digits = match digits {
        Some(digits) => Some(body.integer(digits, "round")?),
        None => None,
    };
    let val = val?;
    let ty = val.ty();
    let Some(digits) = digits else {
        return Some(match ty {
            Ty::F64 => at(val.wrap(ExprKind::Round, Ty::I64), span),
            _ => at(val, span),
        });
    };
    let digits = ty::to_int(digits, IntTy::I64, Rule::Raise)?;
    let kind = ExprKind::RoundDigits(Box::new(val.expr), Box::new(digits.expr));
    Some(Val::new(kind, ty, span))
}

impl Body<'_> {
    /// `min(view)`, `max(view)`
    fn extreme_item(&mut self, name: &str, val: Val, span: Span) -> Val {
        let val = val.present();
        let Ty::View(view) = val.ty() else {
            unreachable!("the caller has looked")
        };
        let kind = ExprKind::Extreme {
            view: Box::new(val.expr),
            least: name == "min",
        };
        Val::stored(kind, view.item.storage(), span)
    }

    /// `i32(x)`, `float(x)`, `bool(x)`, `bytes(x)`
    pub fn conversion(
        &mut self,
        name: &str,
        storage: Storage,
        call: &ast::Call,
        span: Span,
    ) -> Option<Val> {
        if storage == Storage::Bool && call.args.len() == 1 && call.keywords.is_empty() {
            let truth = self.truth_as_value(&call.args[0])?;
            return Some(Val::new(truth.kind, Ty::Bool, span));
        }
        match storage {
            Storage::View(_) | Storage::Complex | Storage::Str { .. } | Storage::Int(_)
                if call.args.len() != 1 && call.args.iter().any(|arg| self.is_object(arg)) =>
            {
                let answer = self.call_builtin(name, call, span)?;
                return self.unboxed_as(answer, storage, span);
            }
            Storage::View(_) if call.args.iter().any(|arg| self.is_object(arg)) => {
                return self.call_builtin(name, call, span);
            }
            Storage::Str { .. } => return self.text_of(name, ObjectOp::Str, call, span),
            Storage::Object => return self.call_builtin(name, call, span),
            Storage::View(view) => return self.make_bytes(name, view, call, span),
            Storage::Complex => return self.make_complex(call, span),
            _ => {}
        }
        let val = self.plain(name, call, 1, 1, span)?.remove(0);
        if val.ty() == Ty::Object {
            return self.unboxed_as(val, storage, span);
        }
        match val.ty() {
            Ty::Bool | Ty::I64 | Ty::U64 | Ty::F64 => {}
            Ty::Str { .. } | Ty::View(_) => {
                let val = self.object(val)?;
                let text = Val {
                    expr: val,
                    ..Val::new(ExprKind::Const(Const::None), Ty::Object, span)
                };
                return self.unboxed_as(text, storage, span);
            }
            ty @ (Ty::Complex | Ty::None | Ty::Object) => {
                let message = format!("{} is no number for `{name}`", ty_name(ty));
                let hint = "of a complex number, convert a part: `z.real`";
                self.error(val.span(), message, hint);
                return None;
            }
        }
        let val = match storage {
            Storage::Int(int) => self.integer_from(val, int),
            Storage::F64 => at(floating(val), span),
            Storage::F32 => floating(val).wrap(ExprKind::Round32, Ty::F64),
            Storage::Bool => self.truth(val)?,
            Storage::Complex | Storage::Str { .. } | Storage::View(_) | Storage::Object => {
                unreachable!("taken above")
            }
        };
        Some(Val {
            literal: None,
            ..at(val, span)
        })
    }

    /// `str(x)`, `repr(x)`: text of any value.
    fn text_of(&mut self, name: &str, op: ObjectOp, call: &ast::Call, span: Span) -> Option<Val> {
        let [value] = call.args.as_slice() else {
            let message = format!("`{name}` of one value is there only");
            self.arguments(call);
            self.error(span, message, "`data.decode(...)` makes text of bytes");
            return None;
        };
        if !call.keywords.is_empty() {
            return self.plain(name, call, 1, 1, span).and(None);
        }
        let value = self.operand_object(value)?;
        Some(made(op, vec![value], Ty::Str { nullable: false }, span))
    }

    /// An object as a number or text of a type, as CPython's class of that name converts it.
    pub fn unboxed_as(&mut self, val: Val, storage: Storage, span: Span) -> Option<Val> {
        let made = |op, ty| made(op, vec![val.expr.clone()], ty, span);
        Some(match storage {
            Storage::Int(int) => {
                let ty = if int == IntTy::U64 { Ty::U64 } else { Ty::I64 };
                let whole = made(ObjectOp::Int, ty);
                ty::to_int(whole, int, rule(self.overflow()))?
            }
            Storage::F64 => made(ObjectOp::Float, Ty::F64),
            Storage::F32 => made(ObjectOp::Float, Ty::F64).wrap(ExprKind::Round32, Ty::F64),
            Storage::Str { .. } => made(ObjectOp::Str, Ty::Str { nullable: false }),
            Storage::Bool => self.truth(val)?,
            Storage::Complex | Storage::View(_) | Storage::Object => val,
        })
    }

    /// A number as an integer of a type. A float is never wrapped.
    fn integer_from(&mut self, val: Val, int: IntTy) -> Val {
        let rule = rule(self.overflow());
        if val.ty() != Ty::F64 {
            return ty::to_int(val, int, rule).expect("it is an integer");
        }
        let ty = if int == IntTy::U64 { Ty::U64 } else { Ty::I64 };
        let whole = val.wrap(ExprKind::Truncate, ty);
        ty::to_int(whole, int, Rule::Raise).expect("it is an integer")
    }

    /// `u32.rotl(x, n)` and the like.
    pub fn type_call(
        &mut self,
        base: &str,
        storage: Storage,
        name: &str,
        place: Span,
        call: &ast::Call,
        span: Span,
    ) -> Option<Val> {
        let op = match name {
            "rotl" => Some(BitOp::Rotl),
            "rotr" => Some(BitOp::Rotr),
            "clz" => Some(BitOp::Clz),
            "ctz" => Some(BitOp::Ctz),
            "bswap" => Some(BitOp::Bswap),
            _ => None,
        };
        let unsigned = match storage {
            Storage::Int(int) if !int.signed() => Some(int),
            _ => None,
        };
        let (Some(op), Some(int)) = (op, unsigned) else {
            self.arguments(call);
            let message = format!("there is no `{base}.{name}`");
            let hint = "u8, u16, u32, u64 and usize have rotl, rotr, clz, ctz and bswap";
            self.diags
                .push(Diagnostic::error(place, message).hint(hint));
            return None;
        };
        let rotation = matches!(op, BitOp::Rotl | BitOp::Rotr);
        let count = if rotation { 2 } else { 1 };
        let text = format!("{base}.{name}");
        let mut vals = self.plain(&text, call, count, count, span)?.into_iter();
        let (operand, amount) = (vals.next()?, vals.next());
        let rule = self.rule();
        let operand = self
            .integer(operand, &text)
            .and_then(|val| ty::to_int(val, int, rule));
        let amount = match amount {
            // Any count is taken modulo the width, so the bits of a u64 do.
            Some(amount) => {
                let amount = self.integer(amount, &text)?;
                Some(Box::new(ty::to_int(amount, IntTy::I64, Rule::Wrap)?.expr))
            }
            None => None,
        };
        let kind = ExprKind::Bits(op, int, Box::new(operand?.expr), amount);
        Some(match op {
            BitOp::Clz | BitOp::Ctz => Val {
                range: (0, i128::from(int.bits())),
                ..Val::new(kind, Ty::I64, span)
            },
            BitOp::Rotl | BitOp::Rotr | BitOp::Bswap => Val::stored(kind, Storage::Int(int), span),
        })
    }
}
