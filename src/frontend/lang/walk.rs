//! Visits all expressions of a typed tree, in the order of evaluation. For analyses; knows no rules of its own.

use super::typed::{Expr, ExprKind, Message, Piece};

/// Calls `visit` for an expression and all below it, operands first.
pub fn expr(e: &mut Expr, visit: &mut dyn FnMut(&mut Expr)) {
    match &mut e.kind {
        ExprKind::Const(_) | ExprKind::Local { .. } => {}
        ExprKind::Widen(inner)
        | ExprKind::Reinterpret(inner, _)
        | ExprKind::Narrow(inner, _, _)
        | ExprKind::Round32(inner)
        | ExprKind::Truncate(inner)
        | ExprKind::Truth(inner)
        | ExprKind::Neg(inner, _)
        | ExprKind::Invert(inner, _)
        | ExprKind::Not(inner)
        | ExprKind::Abs(inner, _)
        | ExprKind::Round(inner)
        | ExprKind::BitCount(inner)
        | ExprKind::BitLength(inner) => expr(inner, visit),
        ExprKind::Binary { left, right, .. } => {
            expr(left, visit);
            expr(right, visit);
        }
        ExprKind::Compare { first, rest } => {
            expr(first, visit);
            rest.iter_mut().for_each(|(_, right)| expr(right, visit));
        }
        ExprKind::And(left, right)
        | ExprKind::Or(left, right)
        | ExprKind::Divmod(left, right, _)
        | ExprKind::RoundDigits(left, right) => {
            expr(left, visit);
            expr(right, visit);
        }
        ExprKind::IfElse(a, b, c) | ExprKind::PowMod(a, b, c) => {
            expr(a, visit);
            expr(b, visit);
            expr(c, visit);
        }
        ExprKind::Bits(_, _, operand, count) => {
            expr(operand, visit);
            if let Some(count) = count {
                expr(count, visit);
            }
        }
        ExprKind::Call(_, list, _)
        | ExprKind::Min(list)
        | ExprKind::Max(list)
        | ExprKind::Math(_, list)
        | ExprKind::MathCall(_, list)
        | ExprKind::Tuple(list) => list.iter_mut().for_each(|item| expr(item, visit)),
    }
    visit(e);
}

/// Calls `visit` for the expressions in a message.
pub fn message(message: &mut Message, visit: &mut dyn FnMut(&mut Expr)) {
    match message {
        Message::Value(value) => expr(value, visit),
        Message::Text(pieces) => self::pieces(pieces, visit),
    }
}

fn pieces(list: &mut [Piece], visit: &mut dyn FnMut(&mut Expr)) {
    for piece in list {
        if let Piece::Value { value, spec, .. } = piece {
            expr(value, visit);
            pieces(spec, visit);
        }
    }
}
