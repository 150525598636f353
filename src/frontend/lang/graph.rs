//! The call graph: which functions may call themselves, and what `nogil` bodies and `with nogil:` may not do.
//!
//! In: typed functions and who calls whom. Out: functions marked, messages.

use super::check::Module;
use super::released;
use super::typed::{Function, FunctionId, Local};
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::source::Span;

/// Marks recursive functions and diagnoses `nogil` bodies; `calls` and `diags` are per function and per method.
pub fn mark(
    module: &Module,
    functions: &mut [Function],
    calls: &[Vec<(FunctionId, Span)>],
    diags: &mut [Diagnostics],
) {
    let components = components(calls);
    for (index, function) in functions.iter_mut().enumerate() {
        function.recursive = calls[index]
            .iter()
            .any(|(callee, _)| components[callee.0 as usize] == components[index]);
    }
    let recursive: Vec<bool> = functions.iter().map(|f| f.recursive).collect();
    let cyclic = reaches(&recursive, calls, &components);
    let object = |function: &mut Function| {
        let locals = function.locals.iter().map(|local| local.storage);
        let mut storages = locals.chain(function.results.iter().copied());
        storages.any(released::is_object) || !released::body(function).objects.is_empty()
    };
    let objects: Vec<bool> = functions.iter_mut().map(object).collect();
    let objects = reaches(&objects, calls, &components);
    let clean: Vec<bool> = diags
        .iter()
        .zip(&module.functions)
        .map(|(own, method)| !own.has_errors() && !method.broken)
        .collect();
    let unfit = Unfit {
        module,
        cyclic,
        objects,
    };
    for (index, callable) in module.functions.iter().enumerate() {
        let owner = callable.owner.unwrap_or(index);
        if !callable.sig.nogil {
            blocks(
                &mut functions[index],
                &unfit,
                clean[owner],
                &mut diags[owner],
            );
            continue;
        }
        let own = &mut diags[owner];
        let hint = "leave `nogil` out, or the object";
        let mut named = false;
        for param in callable
            .sig
            .params
            .iter()
            .filter(|p| released::is_object(p.storage))
        {
            named = true;
            let message = format!("`{}` is an object, and the GIL is released", param.name);
            own.push(Diagnostic::error(param.span, message).hint(hint));
        }
        let locals = &functions[index].locals;
        let locals = locals.iter().skip(callable.sig.params.len());
        // Those that the checker made have no name to tell.
        let is_told =
            |local: &&Local| released::is_object(local.storage) && !local.name.starts_with('<');
        for local in locals.filter(is_told) {
            named = true;
            let message = format!(
                "the local `{}` is an object, and the GIL is released",
                local.name
            );
            own.push(Diagnostic::error(callable.span, message).hint(hint));
        }
        if callable
            .sig
            .results
            .iter()
            .copied()
            .any(released::is_object)
        {
            named = true;
            let message = format!(
                "`{}` returns an object, and the GIL is released",
                callable.name()
            );
            own.push(Diagnostic::error(callable.span, message).hint(hint));
        }
        // Where what holds objects has a name, that is told.
        if clean[owner] && !named {
            for (_, span) in released::body(&mut functions[index]).objects {
                let message = "this is an object, and the GIL is released";
                own.push(Diagnostic::error(span, message).hint(hint));
            }
        }
        for (callee, span) in &calls[index] {
            unfit.call(*callee, *span, own);
        }
    }
}

/// Functions that cannot run with the GIL released.
struct Unfit<'m> {
    module: &'m Module<'m>,
    /// They are in a cycle of calls, or call one that is.
    cyclic: Vec<bool>,
    /// They work with objects, or call one that does.
    objects: Vec<bool>,
}

impl Unfit<'_> {
    /// A call with the GIL released.
    fn call(&self, callee: FunctionId, span: Span, own: &mut Diagnostics) {
        let name = self.module.functions[callee.0 as usize].name();
        if self.cyclic[callee.0 as usize] {
            let message = format!("`{name}` is in a cycle of calls, and the GIL is released");
            let hint = "write a loop, or leave `nogil` out";
            own.push(Diagnostic::error(span, message).hint(hint));
        }
        if self.objects[callee.0 as usize] {
            let message = format!("`{name}` works with objects, and the GIL is released");
            let hint = "leave `nogil` out, or the object";
            own.push(Diagnostic::error(span, message).hint(hint));
        }
    }
}

/// What is wrong in `with nogil:` blocks. Of objects something is said only where all types are known (`clean`).
fn blocks(function: &mut Function, unfit: &Unfit, clean: bool, own: &mut Diagnostics) {
    for block in released::blocks(function) {
        let hint = "use it in front of the block or behind it";
        for (name, span) in block.objects.iter().filter(|_| clean) {
            let message = match name {
                Some(name) => format!("`{name}` is an object, and the GIL is released"),
                None => "this is an object, and the GIL is released".to_owned(),
            };
            own.push(Diagnostic::error(*span, message).hint(hint));
        }
        for (callee, span) in block.calls {
            unfit.call(callee, span, own);
        }
    }
}

/// Which functions are marked or call, directly or through others, one that is. Components are numbered callees first.
fn reaches(marked: &[bool], calls: &[Vec<(FunctionId, Span)>], components: &[usize]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..marked.len()).collect();
    order.sort_by_key(|at| components[*at]);
    let mut reaches = vec![false; components.iter().max().map_or(0, |last| last + 1)];
    for at in order {
        let mut callees = calls[at].iter().map(|(callee, _)| callee.0 as usize);
        let here = marked[at] || callees.any(|callee| reaches[components[callee]]);
        reaches[components[at]] |= here;
    }
    components
        .iter()
        .map(|component| reaches[*component])
        .collect()
}

/// The number of each function's strongly connected component (Tarjan), without recursion of our own.
fn components(calls: &[Vec<(FunctionId, Span)>]) -> Vec<usize> {
    const UNSEEN: usize = usize::MAX;
    let count = calls.len();
    let (mut order, mut low) = (vec![UNSEEN; count], vec![0; count]);
    let mut component = vec![UNSEEN; count];
    let (mut stack, mut next, mut found) = (Vec::new(), 0, 0);
    for root in 0..count {
        if order[root] != UNSEEN {
            continue;
        }
        // A function, and how many of its calls were followed.
        let mut path = vec![(root, 0)];
        while let Some(&(at, followed)) = path.last() {
            if followed == 0 && order[at] == UNSEEN {
                (order[at], low[at]) = (next, next);
                next += 1;
                stack.push(at);
            }
            if let Some((callee, _)) = calls[at].get(followed) {
                let callee = callee.0 as usize;
                path.last_mut().expect("the path is not empty").1 += 1;
                if order[callee] == UNSEEN {
                    path.push((callee, 0));
                } else if component[callee] == UNSEEN {
                    low[at] = low[at].min(order[callee]);
                }
                continue;
            }
            if low[at] == order[at] {
                while let Some(member) = stack.pop() {
                    component[member] = found;
                    if member == at {
                        break;
                    }
                }
                found += 1;
            }
            path.pop();
            if let Some(&(above, _)) = path.last() {
                low[above] = low[above].min(low[at]);
            }
        }
    }
    component
}
