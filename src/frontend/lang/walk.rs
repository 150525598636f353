//! Visits all expressions of a typed tree, in the order of evaluation. For analyses; knows no rules of its own.

use super::typed::{Expr, ExprKind, Message, Piece, Stmt, StmtKind};

/// Calls `visit` for an expression and all below it, operands first.
pub fn expr(e: &mut Expr, visit: &mut dyn FnMut(&mut Expr)) {
    match &mut e.kind {
        ExprKind::Const(_)
        | ExprKind::Local { .. }
        | ExprKind::Table(_)
        | ExprKind::NewArray { .. } => {}
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
        | ExprKind::BitLength(inner)
        | ExprKind::Len(inner)
        | ExprKind::IsNone(inner)
        | ExprKind::NotNone(inner)
        | ExprKind::Encode(inner)
        | ExprKind::Decode(inner, _)
        | ExprKind::Zeroes(inner)
        | ExprKind::Copy(inner)
        | ExprKind::Cast(inner)
        | ExprKind::MathPair(_, inner)
        | ExprKind::Extreme { view: inner, .. }
        | ExprKind::Listed(inner)
        | ExprKind::Part(inner, _)
        | ExprKind::Boxed(inner) => expr(inner, visit),
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
        | ExprKind::RoundDigits(left, right)
        | ExprKind::Index(left, right)
        | ExprKind::Contains {
            needle: left,
            haystack: right,
        }
        | ExprKind::MakeComplex(left, right) => {
            expr(left, visit);
            expr(right, visit);
        }
        ExprKind::IfElse(a, b, c) | ExprKind::PowMod(a, b, c) => {
            expr(a, visit);
            expr(b, visit);
            expr(c, visit);
        }
        ExprKind::Slice(view, start, stop) => {
            expr(view, visit);
            for bound in [start, stop].into_iter().flatten() {
                expr(bound, visit);
            }
        }
        ExprKind::Bits(_, _, operand, count) => {
            expr(operand, visit);
            if let Some(count) = count {
                expr(count, visit);
            }
        }
        ExprKind::Text(list) => pieces(list, visit),
        ExprKind::Call(_, list, _)
        | ExprKind::Object(_, list)
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

/// Calls `visit` for all statements, those in others included, each before what it holds.
pub fn statements(list: &mut [Stmt], visit: &mut dyn FnMut(&mut Stmt)) {
    for stmt in list {
        visit(stmt);
        match &mut stmt.kind {
            StmtKind::If(_, body, orelse)
            | StmtKind::While(_, body, orelse)
            | StmtKind::ForRange { body, orelse, .. }
            | StmtKind::ForEach { body, orelse, .. }
            | StmtKind::ForObject { body, orelse, .. } => {
                statements(body, visit);
                statements(orelse, visit);
            }
            StmtKind::Try(inner) => {
                statements(&mut inner.body, visit);
                for handler in &mut inner.handlers {
                    statements(&mut handler.body, visit);
                }
                statements(&mut inner.orelse, visit);
                statements(&mut inner.finally, visit);
            }
            StmtKind::Nogil(body) => statements(body, visit),
            StmtKind::Assign(..)
            | StmtKind::Unpack { .. }
            | StmtKind::UnpackObject { .. }
            | StmtKind::SetAttribute { .. }
            | StmtKind::SetItem { .. }
            | StmtKind::DelAttribute(..)
            | StmtKind::DelItem(..)
            | StmtKind::Delete(..)
            | StmtKind::RaiseObject(..)
            | StmtKind::Reraise
            | StmtKind::Store { .. }
            | StmtKind::Break
            | StmtKind::Continue
            | StmtKind::Return(_)
            | StmtKind::Raise(..)
            | StmtKind::Assert(..)
            | StmtKind::Expr(_) => {}
        }
    }
}

/// Calls `visit` for the expressions of a statement, but not for those of statements in it.
pub fn values(stmt: &mut Stmt, visit: &mut dyn FnMut(&mut Expr)) {
    match &mut stmt.kind {
        StmtKind::Assign(_, value)
        | StmtKind::Unpack { value, .. }
        | StmtKind::If(value, ..)
        | StmtKind::While(value, ..)
        | StmtKind::ForEach { view: value, .. }
        | StmtKind::ForObject { object: value, .. }
        | StmtKind::UnpackObject { value, .. }
        | StmtKind::DelAttribute(value, _)
        | StmtKind::Expr(value) => expr(value, visit),
        StmtKind::SetAttribute { object, value, .. } => {
            expr(value, visit);
            expr(object, visit);
        }
        StmtKind::SetItem {
            object,
            index,
            value,
        } => {
            for part in [value, object, index] {
                expr(part, visit);
            }
        }
        StmtKind::DelItem(object, index) => {
            expr(object, visit);
            expr(index, visit);
        }
        StmtKind::RaiseObject(exception, cause) => {
            expr(exception, visit);
            if let Some(cause) = cause {
                expr(cause, visit);
            }
        }
        StmtKind::Store {
            view, index, value, ..
        } => {
            for part in [value, view, index] {
                expr(part, visit);
            }
        }
        StmtKind::ForRange {
            start, stop, step, ..
        } => {
            for bound in [start, stop, step] {
                expr(bound, visit);
            }
        }
        StmtKind::Return(list) => list.iter_mut().for_each(|value| expr(value, visit)),
        StmtKind::Raise(_, text) => {
            if let Some(text) = text {
                message(text, visit);
            }
        }
        StmtKind::Assert(cond, text) => {
            expr(cond, visit);
            if let Some(text) = text {
                message(text, visit);
            }
        }
        StmtKind::Nogil(_)
        | StmtKind::Break
        | StmtKind::Continue
        | StmtKind::Delete(..)
        | StmtKind::Try(_)
        | StmtKind::Reraise => {}
    }
}
