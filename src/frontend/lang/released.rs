//! What stands in `with nogil:` blocks: objects, which may not, and calls, which are judged by the graph of calls.
//!
//! Works on typed trees that `flow` has been through; says nothing itself.

use super::typed::{ExprKind, Function, FunctionId, LocalId, Stmt, StmtKind, Storage, Ty};
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

/// One block of a function.
pub fn survey(block: &mut [Stmt], function: &Function) -> Released {
    let mut found = Released::default();
    let local = |id: LocalId| &function.locals[id.0 as usize];
    walk::statements(block, &mut |stmt| {
        found.nested |= matches!(stmt.kind, StmtKind::Nogil(_));
        walk::values(stmt, &mut |e| match &e.kind {
            ExprKind::Call(callee, args, _) => {
                // A `None` for a parameter: the call says all there is to say.
                let given = |span: Span| args.iter().any(|arg| arg.span == span);
                found
                    .objects
                    .retain(|(name, span)| name.is_some() || !given(*span));
                found.calls.push((*callee, e.span));
            }
            ExprKind::Local { local: id, .. } if e.ty == Ty::Object => {
                found.objects.push((Some(local(*id).name.clone()), e.span));
            }
            // `None` as an object, in an assignment or a `return`.
            ExprKind::Widen(_) if e.ty == Ty::Object => found.objects.push((None, e.span)),
            _ => {}
        });
        let targets: &[LocalId] = match &stmt.kind {
            StmtKind::Assign(target, _) => std::slice::from_ref(target),
            StmtKind::Unpack { targets, .. } => targets,
            _ => &[],
        };
        for target in targets.iter().map(|id| local(*id)) {
            if target.storage == Storage::Object {
                let name = Some(target.name.clone());
                found.objects.push((name, stmt.span));
            }
        }
    });
    found
}
