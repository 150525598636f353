//! `out = bytearray(n)` ... `return bytes(out)` without the copy: where nothing can tell the bytearray from the bytes it ends as, the local holds
//! a new bytes object that is filled in place.
//!
//! That is so where the local is written once, with a new bytearray, and then only its items, its length and comparisons of it are asked for:
//! no slice of it is taken, nothing else refers to it, and no object is made of it but by `bytes(out)`. In go typed bodies that nothing is
//! wrong with.

use super::typed::{Expr, ExprKind, Function, LocalId, Stmt, StmtKind, Storage, Ty, View, Whole};
use super::walk;

/// What becomes of such a bytearray.
const FILLED: View = View {
    mutable: true,
    whole: Whole::Bytes,
    ..View::BYTES
};
/// How it is read.
const BYTES: View = View {
    mutable: false,
    ..FILLED
};

/// What is done with a local.
#[derive(Clone, Copy, Default)]
struct Uses {
    /// Assignments.
    writes: usize,
    /// Those of `bytearray(n)` and `bytearray(view)`.
    new: usize,
    /// Reads.
    reads: usize,
    /// Those that see items only.
    items: usize,
    /// Those by `return bytes(out)`.
    returns: usize,
}

/// Gives the bytearrays of a function that can be bytes from the beginning that type.
pub fn fill(function: &mut Function) {
    let mut after = false;
    walk::statements(&mut function.body, &mut |stmt| {
        after |= matches!(&stmt.kind, StmtKind::Try(inner) if !inner.finally.is_empty());
    });
    if after {
        // What is returned could still be changed.
        return;
    }
    let mut uses = vec![Uses::default(); function.locals.len()];
    walk::statements(&mut function.body, &mut |stmt| statement(stmt, &mut uses));
    let array = Storage::View(View {
        whole: Whole::ByteArray,
        ..FILLED
    });
    let mut filled = vec![false; uses.len()];
    for (at, (local, uses)) in function.locals.iter_mut().zip(&uses).enumerate() {
        let once = uses.writes == 1 && uses.new == 1 && at >= function.params;
        if once && uses.returns > 0 && uses.reads == uses.items && local.storage == array {
            local.storage = Storage::View(FILLED);
            filled[at] = true;
        }
    }
    walk::statements(&mut function.body, &mut |stmt| rewrite(stmt, &filled));
}

/// The local an expression reads, if it is nothing else.
fn read(e: &Expr) -> Option<LocalId> {
    match e.kind {
        ExprKind::Local { local, .. } => Some(local),
        _ => None,
    }
}

fn statement(stmt: &mut Stmt, uses: &mut [Uses]) {
    let mut count = |local: Option<LocalId>, what: fn(&mut Uses) -> &mut usize| {
        if let Some(local) = local {
            *what(&mut uses[local.index()]) += 1;
        }
    };
    match &stmt.kind {
        StmtKind::Assign(local, value) => {
            count(Some(*local), |uses| &mut uses.writes);
            if matches!(value.kind, ExprKind::Zeroes(_) | ExprKind::Copy(_)) {
                count(Some(*local), |uses| &mut uses.new);
            }
        }
        StmtKind::Unpack { targets, .. } => {
            (targets.iter()).for_each(|local| count(Some(*local), |uses| &mut uses.writes));
        }
        StmtKind::ForRange { var, .. } => count(Some(*var), |uses| &mut uses.writes),
        StmtKind::ForEach {
            index, var, view, ..
        } => {
            (index.iter().chain([var])).for_each(|l| count(Some(*l), |uses| &mut uses.writes));
            count(read(view), |uses| &mut uses.items);
        }
        StmtKind::ForObject { index, var, .. } => {
            (index.iter().chain([var])).for_each(|l| count(Some(*l), |uses| &mut uses.writes));
        }
        StmtKind::UnpackObject { targets, .. } => {
            (targets.iter()).for_each(|local| count(Some(*local), |uses| &mut uses.writes));
        }
        StmtKind::Delete(local, _) => count(Some(*local), |uses| &mut uses.writes),
        StmtKind::Store { view, .. } => count(read(view), |uses| &mut uses.items),
        StmtKind::Return(values) => {
            let copies = values.iter().filter_map(returned);
            copies.for_each(|local| count(Some(local), |uses| &mut uses.returns));
        }
        StmtKind::If(..)
        | StmtKind::SetAttribute { .. }
        | StmtKind::SetItem { .. }
        | StmtKind::DelAttribute(..)
        | StmtKind::DelItem(..)
        | StmtKind::Try(_)
        | StmtKind::RaiseObject(..)
        | StmtKind::Reraise
        | StmtKind::While(..)
        | StmtKind::Break
        | StmtKind::Continue
        | StmtKind::Raise(..)
        | StmtKind::Assert(..)
        | StmtKind::Nogil(_)
        | StmtKind::Expr(_) => {}
    }
    walk::values(stmt, &mut |e| {
        count(read(e), |uses| &mut uses.reads);
        let mut items = |view: &Expr| count(read(view), |uses| &mut uses.items);
        match &e.kind {
            ExprKind::Index(view, _)
            | ExprKind::Len(view)
            | ExprKind::Truth(view)
            | ExprKind::Copy(view) => items(view),
            ExprKind::Contains { needle, haystack } => {
                items(needle);
                items(haystack);
            }
            ExprKind::Compare { first, rest } => {
                items(first);
                rest.iter().for_each(|(_, right)| items(right));
            }
            _ => {}
        }
    });
}

/// The local whose bytes are returned: `bytes(out)`, as the type of the result has it.
fn returned(value: &Expr) -> Option<LocalId> {
    match &value.kind {
        ExprKind::Widen(inner) | ExprKind::Boxed(inner) => returned(inner),
        ExprKind::Copy(inner) if value.ty == Ty::View(BYTES) => read(inner),
        _ => None,
    }
}

fn rewrite(stmt: &mut Stmt, filled: &[bool]) {
    let is_filled = |local: LocalId| filled[local.index()];
    if let StmtKind::Assign(local, value) = &mut stmt.kind
        && is_filled(*local)
    {
        value.ty = Ty::View(FILLED);
    }
    walk::values(stmt, &mut |e| {
        if read(e).is_some_and(is_filled) {
            e.ty = Ty::View(FILLED);
        }
    });
    if let StmtKind::Return(values) = &mut stmt.kind {
        for value in values {
            if returned(value).is_some_and(is_filled) {
                uncopied(value);
            }
        }
    }
}

/// `bytes(out)` as the object itself.
fn uncopied(value: &mut Expr) {
    match &mut value.kind {
        ExprKind::Widen(inner) | ExprKind::Boxed(inner) => uncopied(inner),
        kind => {
            if let ExprKind::Copy(inner) = std::mem::replace(kind, ExprKind::Tuple(Vec::new())) {
                *kind = ExprKind::Widen(inner);
            }
        }
    }
}
