//! Constants of a Python file: expressions of literals and of constants above them are computed as Python does it.
//!
//! In: an expression, and what the constants above it are. Out: its value, or what is wrong and where. What floats cannot do exactly alike on
//! every machine (powers, remainders) is deliberately not there, nor is any function but `bytes`.

use super::ast::{self, Expr, ExprKind as Syntax, UnaryOp};
use super::typed::{BinOp, Const};
use super::{fold, mathfns};
use crate::base::diag::Diagnostic;
use crate::base::source::Span;

/// The most that a bytes constant may hold.
const LIMIT: usize = 1 << 26;

/// Integers that floats hold exactly.
const EXACT: i128 = 1 << 53;

/// The value of an expression; `known` has the constants above it, `None` for those that no arithmetic can use. Nothing comes of what was
/// diagnosed before.
pub fn value(expr: &Expr, known: &[(String, Option<Const>)]) -> Result<Const, Option<Diagnostic>> {
    let span = expr.span;
    match &expr.kind {
        Syntax::Wrong => Err(None),
        Syntax::Int(value) => Ok(Const::Int(i128::from(*value))),
        Syntax::Float(value) => Ok(Const::Float(*value)),
        Syntax::Bool(value) => Ok(Const::Bool(*value)),
        Syntax::Bytes(bytes) => Ok(Const::Bytes(bytes.as_slice().into())),
        Syntax::Str(pieces) => match ast::plain_text(pieces) {
            Some(text) => Ok(Const::Str(text.into())),
            None => Err(no_constant(span)),
        },
        Syntax::Name(name) => match known.iter().rev().find(|constant| constant.0 == *name) {
            Some((_, Some(value))) => Ok(value.clone()),
            Some((_, None)) => Err(None),
            None => Err(wrong(
                span,
                format!("`{name}` is no constant that stands above"),
                "constants are made of literals and of the constants above them",
            )),
        },
        Syntax::Attribute(base, name, _) => match (&base.kind, mathfns::constant(name)) {
            (Syntax::Name(module), Some(value)) if module == "math" => Ok(Const::Float(value)),
            _ => Err(no_constant(span)),
        },
        Syntax::Unary(op, operand) => unary(*op, value(operand, known)?, span),
        Syntax::Binary(op, left, right) => {
            binary(*op, value(left, known)?, value(right, known)?, span)
        }
        Syntax::Call(call) => bytes(call, known, span),
        _ => Err(no_constant(span)),
    }
}

fn wrong(span: Span, message: impl Into<String>, hint: &str) -> Option<Diagnostic> {
    Some(Diagnostic::error(span, message).hint(hint))
}

fn no_constant(span: Span) -> Option<Diagnostic> {
    wrong(
        span,
        "this is no constant",
        "constants are numbers, strs and bytes, computed from literals and from constants above; a table of u8 is a bytes",
    )
}

fn unary(op: UnaryOp, operand: Const, span: Span) -> Result<Const, Option<Diagnostic>> {
    match (op, operand) {
        (UnaryOp::Plus, Const::Int(value)) => Ok(Const::Int(value)),
        (UnaryOp::Neg, Const::Int(value)) => Ok(Const::Int(-value)),
        (UnaryOp::Invert, Const::Int(value)) => Ok(Const::Int(!value)),
        (UnaryOp::Plus, Const::Float(value)) => Ok(Const::Float(value)),
        (UnaryOp::Neg, Const::Float(value)) => Ok(Const::Float(-value)),
        (UnaryOp::Not, Const::Bool(value)) => Ok(Const::Bool(!value)),
        _ => Err(no_constant(span)),
    }
}

fn binary(op: BinOp, left: Const, right: Const, span: Span) -> Result<Const, Option<Diagnostic>> {
    let sized = |parts: &[&[u8]]| {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        match length <= LIMIT {
            true => Ok(Const::Bytes(parts.concat().into())),
            false => Err(too_long(span)),
        }
    };
    match (op, &left, &right) {
        (BinOp::Div, Const::Int(a), Const::Int(b))
            if a.abs() <= EXACT && b.abs() <= EXACT && *b != 0 =>
        {
            Ok(Const::Float(*a as f64 / *b as f64))
        }
        (BinOp::Div, Const::Int(_), Const::Int(_)) => Err(no_constant(span)),
        (_, Const::Int(a), Const::Int(b)) => match fold::exact(op, *a, *b) {
            Some(value) => Ok(Const::Int(value)),
            None => Err(wrong(
                span,
                "this does not come to an integer of 128 bits",
                "write the digits of a larger one",
            )),
        },
        (BinOp::Add, Const::Str(a), Const::Str(b)) => Ok(Const::Str(format!("{a}{b}").into())),
        (BinOp::Add, Const::Bytes(a), Const::Bytes(b)) => sized(&[a, b]),
        (BinOp::Mul, Const::Bytes(bytes), Const::Int(times))
        | (BinOp::Mul, Const::Int(times), Const::Bytes(bytes)) => {
            let times = usize::try_from((*times).max(0)).unwrap_or(usize::MAX);
            match times.saturating_mul(bytes.len()) <= LIMIT {
                true if bytes.is_empty() => Ok(Const::Bytes(bytes.clone())),
                true => Ok(Const::Bytes(bytes.repeat(times).into())),
                false => Err(too_long(span)),
            }
        }
        _ => match (op, float(&left), float(&right)) {
            (BinOp::Add, Some(a), Some(b)) => Ok(Const::Float(a + b)),
            (BinOp::Sub, Some(a), Some(b)) => Ok(Const::Float(a - b)),
            (BinOp::Mul, Some(a), Some(b)) => Ok(Const::Float(a * b)),
            (BinOp::Div, Some(a), Some(b)) if b != 0.0 => Ok(Const::Float(a / b)),
            _ => Err(no_constant(span)),
        },
    }
}

fn too_long(span: Span) -> Option<Diagnostic> {
    wrong(
        span,
        format!("a bytes constant of more than {LIMIT} bytes"),
        "read a file of that size at run time",
    )
}

/// A number as an operand of float arithmetic.
fn float(value: &Const) -> Option<f64> {
    match value {
        Const::Int(value) => Some(*value as f64),
        Const::Float(value) => Some(*value),
        _ => None,
    }
}

/// `bytes([1, 2])`, `bytes(4)`, `bytes.fromhex("00ff")`
fn bytes(
    call: &ast::Call,
    known: &[(String, Option<Const>)],
    span: Span,
) -> Result<Const, Option<Diagnostic>> {
    let ([arg], true) = (call.args.as_slice(), call.keywords.is_empty()) else {
        return Err(no_constant(span));
    };
    match &call.callee.kind {
        Syntax::Name(name) if name == "bytes" => {}
        Syntax::Attribute(base, name, _)
            if name == "fromhex" && matches!(&base.kind, Syntax::Name(base) if base == "bytes") =>
        {
            return match value(arg, known)? {
                Const::Str(text) => from_hex(&text, arg.span),
                _ => Err(no_constant(span)),
            };
        }
        _ => return Err(no_constant(span)),
    }
    let (Syntax::List(items) | Syntax::Tuple(items)) = &arg.kind else {
        return match value(arg, known)? {
            Const::Int(length) if (0..=LIMIT as i128).contains(&length) => {
                Ok(Const::Bytes(vec![0; length as usize].into()))
            }
            Const::Int(length) if length > 0 => Err(too_long(span)),
            Const::Bytes(bytes) => Ok(Const::Bytes(bytes)),
            _ => Err(no_constant(span)),
        };
    };
    let byte = |item: &Expr| match value(item, known)? {
        Const::Int(byte @ 0..=255) => Ok(byte as u8),
        _ => Err(wrong(
            item.span,
            "this is no byte",
            "bytes are integers of 0 to 255",
        )),
    };
    let bytes: Result<Vec<u8>, _> = items.iter().map(byte).collect();
    Ok(Const::Bytes(bytes?.into()))
}

fn from_hex(text: &str, span: Span) -> Result<Const, Option<Diagnostic>> {
    let mut bytes = Vec::new();
    // Spaces stand between bytes, not inside of one.
    for word in text.split_ascii_whitespace() {
        let digits: Option<Vec<u32>> = word.chars().map(|char| char.to_digit(16)).collect();
        match digits {
            Some(digits) if digits.len() % 2 == 0 => {
                bytes.extend(digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8));
            }
            _ => {
                return Err(wrong(
                    span,
                    "this is no text of hexadecimal bytes",
                    "write two of 0-9 and a-f for each byte",
                ));
            }
        }
    }
    Ok(Const::Bytes(bytes.into()))
}
