//! What stands in `with nogil:` blocks, and in bodies that run without the GIL: objects, which may not, and calls, which are judged by the
//! graph of calls. Views may be used; strs are objects, and so is what makes a bytes or a bytearray.
//!
//! Works on typed trees that `flow` has been through; says nothing itself.

use super::typed::{
    Const, Expr, ExprKind, Function, FunctionId, LocalId, Stmt, StmtKind, Storage, Ty, View, Whole,
};
use super::walk;
use crate::base::source::Span;

/// What was found in a block.
#[derive(Default)]
pub struct Released {
    /// Objects, by the name of the local if it is one.
    pub objects: Vec<(Option<String>, Span)>,
    /// Calls of other bodies.
    pub calls: Vec<(FunctionId, Span)>,
    /// There is another block of the kind inside.
    pub nested: bool,
}

/// Whether a declared thing holds objects, which nothing can be done with when the GIL is released.
pub fn is_object(storage: Storage) -> bool {
    matches!(storage, Storage::Object | Storage::Str { .. })
}

/// All blocks of a function.
pub fn blocks(function: &mut Function) -> Vec<Released> {
    let mut body = std::mem::take(&mut function.body);
    let mut found = Vec::new();
    walk::statements(&mut body, &mut |stmt| {
        if let StmtKind::Nogil(block) = &mut stmt.kind {
            found.push(survey(block, function));
        }
    });
    function.body = body;
    found
}

/// All of a function, as if it were such a block.
pub fn body(function: &mut Function) -> Released {
    let mut body = std::mem::take(&mut function.body);
    let found = survey(&mut body, function);
    function.body = body;
    found
}

/// One block of a function.
pub fn survey(block: &mut [Stmt], function: &Function) -> Released {
    let mut found = Released::default();
    let local = |id: LocalId| &function.locals[id.0 as usize];
    walk::statements(block, &mut |stmt| {
        let mut objects: Vec<(Option<String>, Span)> = Vec::new();
        walk::values(stmt, &mut |e| match &e.kind {
            ExprKind::Call(callee, args, _) => {
                // An object for a parameter: the call says all there is to say.
                let given = |span: Span| {
                    let mut args = args.iter();
                    args.any(|arg| arg.span == span && is_object_ty(arg.ty))
                };
                objects.retain(|(name, span)| name.is_some() || !given(*span));
                found.calls.push((*callee, e.span));
            }
            ExprKind::Local { local: id, .. } if is_object_ty(e.ty) => {
                objects.push((Some(local(*id).name.clone()), e.span));
            }
            _ if makes_object(e) => objects.push((None, e.span)),
            _ => {}
        });
        let targets: &[LocalId] = match &stmt.kind {
            StmtKind::Assign(target, _) => std::slice::from_ref(target),
            StmtKind::Unpack { targets, .. } | StmtKind::UnpackObject { targets, .. } => targets,
            _ => &[],
        };
        for target in targets.iter().map(|id| local(*id)) {
            if is_object(target.storage) {
                // What is assigned is of course an object.
                objects.retain(|(name, _)| name.is_some());
                objects.push((Some(target.name.clone()), stmt.span));
            }
        }
        if matches!(stmt.kind, StmtKind::Try(_) | StmtKind::Reraise) {
            // What is handled is an object.
            objects.push((None, stmt.span));
        }
        objects.dedup();
        found.objects.append(&mut objects);
        found.nested |= matches!(stmt.kind, StmtKind::Nogil(_));
    });
    found
}

fn is_object_ty(ty: Ty) -> bool {
    matches!(ty, Ty::Object | Ty::Str { .. })
}

/// Whether an expression itself makes an object, or is one that is there already.
fn makes_object(e: &Expr) -> bool {
    match &e.kind {
        // None as an object, or as a str: in an assignment or a `return`.
        ExprKind::Widen(inner) => inner.ty == Ty::None && is_object_ty(e.ty),
        ExprKind::Const(Const::Str(_))
        | ExprKind::Copy(_)
        | ExprKind::Zeroes(_)
        | ExprKind::Decode(..)
        | ExprKind::Listed(_)
        | ExprKind::Boxed(_)
        | ExprKind::Object(..)
        | ExprKind::Text(_) => true,
        ExprKind::Slice(..) => {
            matches!(e.ty, Ty::View(View { whole, .. }) if whole == Whole::ByteArray)
        }
        _ => false,
    }
}
