//! Which arrays stand in their function's frame: those of little size that are new once in a call of the function, or of which nothing but
//! items is ever asked, so that nobody can tell one from the next. All others are objects of their own, kept and released like any.
//!
//! In go typed bodies that nothing is wrong with. Functions in a cycle of calls keep nothing in their frames, and neither do those that return views,
//! which outlive the frame.

use super::typed::{
    Expr, ExprKind, Function, FunctionId, LocalId, ObjectOp, Stmt, StmtKind, Storage, Ty, Whole,
};
use super::walk;

/// So many bytes of arrays a frame holds.
const LARGEST: u64 = 8 << 10;

/// Likewise, where objects are called: those may call the method again, and CPython 3.13 lets C do that 10,000 times in 8 MiB of stack.
const LARGEST_OF_CALLERS: u64 = 256;

/// What is known of a local that may hold an array.
#[derive(Clone, Copy, Default)]
struct Uses {
    /// All that is assigned to it, in whatever way.
    writes: usize,
    /// An array, if that is what is assigned: its size in bytes.
    array: Option<u64>,
    /// In a loop.
    repeated: bool,
    reads: usize,
    /// Those that see items only.
    items: usize,
}

/// Marks the arrays.
pub fn place(functions: &mut [Function]) {
    let returns_view: Vec<bool> = functions
        .iter()
        .map(|f| f.results.iter().any(|result| is_borrowing(*result)))
        .collect();
    let callers = callers(functions);
    for (at, function) in functions.iter_mut().enumerate() {
        if !function.recursive && !returns_view[at] {
            let room = match callers[at] {
                true => LARGEST_OF_CALLERS,
                false => LARGEST,
            };
            place_in(function, room, &returns_view);
        }
    }
}

/// Which functions call objects, or functions that do.
fn callers(functions: &mut [Function]) -> Vec<bool> {
    let mut callers = vec![false; functions.len()];
    let mut callees: Vec<Vec<FunctionId>> = vec![Vec::new(); functions.len()];
    for (at, function) in functions.iter_mut().enumerate() {
        walk::statements(&mut function.body, &mut |stmt| {
            walk::values(stmt, &mut |e| match &e.kind {
                ExprKind::Object(ObjectOp::Call(_) | ObjectOp::Method(..), _) => callers[at] = true,
                ExprKind::Call(callee, ..) => callees[at].push(*callee),
                _ => {}
            });
        });
    }
    while let Some(at) = (0..callers.len())
        .find(|&at| !callers[at] && callees[at].iter().any(|callee| callers[callee.index()]))
    {
        callers[at] = true;
    }
    callers
}

/// A view whose memory is kept by whatever has it.
fn is_borrowing(storage: Storage) -> bool {
    match storage {
        Storage::View(view) => !matches!(view.whole, Whole::Bytes | Whole::ByteArray),
        _ => false,
    }
}

fn place_in(function: &mut Function, mut room: u64, returns_view: &[bool]) {
    let mut uses = vec![Uses::default(); function.locals.len()];
    let mut body = std::mem::take(&mut function.body);
    survey(&mut body, false, returns_view, &mut uses);
    let mut placed = vec![false; uses.len()];
    for (at, uses) in uses.iter().enumerate().skip(function.params) {
        let Some(size) = uses.array else {
            continue;
        };
        let single = uses.writes == 1 && (!uses.repeated || uses.reads == uses.items);
        if single && size <= room {
            room -= size;
            placed[at] = true;
        }
    }
    walk::statements(&mut body, &mut |stmt| {
        if let StmtKind::Assign(local, value) = &mut stmt.kind
            && let ExprKind::NewArray { in_frame, .. } = &mut value.kind
        {
            *in_frame = placed[local.index()];
        }
    });
    function.body = body;
}

fn survey(statements: &mut [Stmt], repeated: bool, returns_view: &[bool], uses: &mut [Uses]) {
    for stmt in statements {
        writes(stmt, repeated, uses);
        let mut items: Vec<LocalId> = Vec::new();
        walk::values(stmt, &mut |e| reads(e, returns_view, &mut items, uses));
        match &stmt.kind {
            StmtKind::Store { view, .. } => items.extend(read(view)),
            StmtKind::ForEach { view, body, .. } => {
                let again = |local: &LocalId| assigns(body, *local);
                items.extend(read(view).filter(|local| !again(local)));
            }
            _ => {}
        }
        for local in items {
            uses[local.index()].items += 1;
        }
        let loops = matches!(
            stmt.kind,
            StmtKind::While(..)
                | StmtKind::ForRange { .. }
                | StmtKind::ForEach { .. }
                | StmtKind::ForObject { .. }
        );
        for block in stmt.kind.blocks_mut() {
            survey(block, repeated || loops, returns_view, uses);
        }
    }
}

/// Whether statements assign to a local.
fn assigns(statements: &[Stmt], local: LocalId) -> bool {
    let mut found = false;
    super::assigned(statements, &mut |other| found |= other == local);
    found
}

fn writes(stmt: &Stmt, repeated: bool, uses: &mut [Uses]) {
    let mut write = |local: LocalId, array: Option<u64>| {
        let uses = &mut uses[local.index()];
        uses.writes += 1;
        uses.array = array;
        uses.repeated = repeated;
    };
    match &stmt.kind {
        StmtKind::Assign(local, value) => write(*local, array_size(value)),
        StmtKind::Unpack { targets, .. } | StmtKind::UnpackObject { targets, .. } => {
            targets.iter().for_each(|local| write(*local, None));
        }
        StmtKind::ForRange { var, .. } => write(*var, None),
        StmtKind::ForEach { index, var, .. } | StmtKind::ForObject { index, var, .. } => {
            index
                .iter()
                .chain([var])
                .for_each(|local| write(*local, None));
        }
        StmtKind::Try(inner) => inner.names().for_each(|local| write(local, None)),
        StmtKind::If(..)
        | StmtKind::While(..)
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
        | StmtKind::Nogil(_)
        | StmtKind::Expr(_) => {}
    }
}

/// The size of a new array in bytes.
fn array_size(value: &Expr) -> Option<u64> {
    match (&value.kind, value.ty) {
        (ExprKind::NewArray { count, .. }, Ty::View(view)) => {
            Some(count * u64::from(view.item.size()))
        }
        _ => None,
    }
}

/// The local an expression reads, if it is nothing else; also under a type that says less.
fn read(e: &Expr) -> Option<LocalId> {
    match &e.kind {
        ExprKind::Local { local, .. } => Some(*local),
        ExprKind::Widen(inner) => read(inner),
        _ => None,
    }
}

fn reads(e: &Expr, returns_view: &[bool], items: &mut Vec<LocalId>, uses: &mut [Uses]) {
    match &e.kind {
        ExprKind::Local { local, .. } => uses[local.index()].reads += 1,
        ExprKind::Index(view, _) | ExprKind::Len(view) | ExprKind::Truth(view) => {
            items.extend(read(view));
        }
        ExprKind::Call(callee, args, _) if !returns_view[callee.index()] => {
            items.extend(args.iter().filter_map(read));
        }
        ExprKind::Copy(view) => items.extend(read(view)),
        _ => {}
    }
}
