//! Which bodies become functions of their own, with which signature. A pass over the typed bodies; makes no code.

use std::collections::BTreeSet;

use super::super::ctx::Ctx;
use super::{parts, result_parts};
use crate::frontend::lang::typed::{
    Exception, Expr, ExprKind, Function, FunctionId, MathOp, Message, ObjectOp, Piece, Stmt,
    StmtKind,
};
use crate::ir::func::{AbiType, Signature};
use crate::ir::program::FuncId;

/// Up to this many nodes, those of what it calls included, a body is copied to where it is called.
const INLINE_NODES: usize = 24;
/// From so many nodes on, a body is one function for all the ways its method is called, instead of a copy in each.
const SHARED_NODES: usize = 200;
/// How many results of each register class [`crate::ir::func::Conv::Internal`] promises.
const RESULT_REGISTERS: usize = 2;

/// What is known of all bodies before the first is lowered.
#[derive(Debug)]
pub struct Bodies {
    bodies: Vec<Body>,
}

#[derive(Debug, Default)]
struct Body {
    /// With the GIL held.
    standalone: Option<Standalone>,
    /// With the GIL released.
    released: Option<Standalone>,
    needs_self: bool,
    /// Functions of standard modules that it calls.
    functions: BTreeSet<(&'static str, String)>,
    /// Names of attributes, and of keywords.
    names: BTreeSet<String>,
    calls: Vec<FunctionId>,
    /// Those in `with nogil:`.
    released_calls: Vec<FunctionId>,
    nodes: usize,
    /// It keeps arrays in its frame.
    keeps: bool,
    /// Its method's wrappers call it.
    shared: bool,
}

impl Body {
    /// It uses a name, which the module's state keeps.
    fn name(&mut self, name: &str) {
        self.names.insert(name.to_owned());
        self.needs_self = true;
    }
}

/// A body as a function of its own.
#[derive(Debug)]
pub(super) struct Standalone {
    pub id: FuncId,
    pub sig: Signature,
    /// The module object is the first parameter.
    pub takes_self: bool,
    /// It runs with the GIL released; the thread state is the next parameter.
    pub takes_thread: bool,
    /// The last parameter points to where the results go.
    pub by_pointer: bool,
}

impl Bodies {
    /// Whether a method's wrappers call its body instead of having copies of it.
    pub(super) fn is_shared(&self, function: FunctionId) -> bool {
        self.bodies[function.index()].shared
    }

    /// Whether the body, or one it calls, uses the module object.
    pub fn needs_self(&self, function: FunctionId) -> bool {
        self.bodies[function.index()].needs_self
    }

    pub(super) fn standalone(&self, function: FunctionId, released: bool) -> Option<&Standalone> {
        let body = &self.bodies[function.index()];
        let which = if released {
            &body.released
        } else {
            &body.standalone
        };
        which.as_ref()
    }
}

/// Looks at all bodies, and declares the functions that [`super::define`] makes.
pub fn plan(ctx: &mut Ctx) -> Bodies {
    let module = ctx.module;
    let mut bodies: Vec<Body> = module
        .functions
        .iter()
        .map(|function| survey(&function.body))
        .collect();
    spread_self(&mut bodies);
    let functions = bodies
        .iter_mut()
        .flat_map(|body| std::mem::take(&mut body.functions));
    let functions: BTreeSet<_> = functions.collect();
    ctx.functions = functions.into_iter().collect();
    let names = bodies
        .iter_mut()
        .flat_map(|body| std::mem::take(&mut body.names));
    let names: BTreeSet<_> = names.collect();
    ctx.names = names.into_iter().zip(0..).collect();
    let (held, released): (Vec<usize>, Vec<usize>) =
        (0..module.methods.len()).partition(|&at| !module.methods[at].nogil);
    let mut held = called_from(&bodies, held, &[], |body| vec![&body.calls]);
    for (at, function) in module.functions.iter().enumerate() {
        // A released body begins and ends in its wrapper.
        let is_held = module.methods.get(at).is_some_and(|method| !method.nogil);
        let is_large = is_held && bodies[at].nodes >= SHARED_NODES;
        bodies[at].shared = function.recursive || is_large;
        held[at] |= is_large;
    }
    let entered: Vec<FunctionId> = bodies
        .iter()
        .flat_map(|body| body.released_calls.iter().copied())
        .collect();
    let released = called_from(&bodies, released, &entered, |body| {
        vec![&body.calls, &body.released_calls]
    });
    let copied = copied(&bodies, &module.functions);
    for (at, function) in module.functions.iter().enumerate() {
        let body = &mut bodies[at];
        let copied = copied[at];
        if held[at] && !copied {
            body.standalone = Some(declare(ctx, function, body.needs_self, false));
        }
        if released[at] && !copied {
            body.released = Some(declare(ctx, function, body.needs_self, true));
        }
    }
    Bodies { bodies }
}

/// Which bodies are copied to where they are called: small ones that call nothing but such.
fn copied(bodies: &[Body], functions: &[Function]) -> Vec<bool> {
    // How many nodes a copy has, as far as that is known.
    let mut sizes: Vec<Option<usize>> = vec![None; bodies.len()];
    let is_plain = |at: usize| {
        !functions[at].recursive && !bodies[at].keeps && bodies[at].released_calls.is_empty()
    };
    // What calls a body is settled in the round after it, if it is small at all; each body has a node of its own.
    for _ in 0..INLINE_NODES {
        let mut changed = false;
        for at in 0..bodies.len() {
            if sizes[at].is_some() || !is_plain(at) || bodies[at].nodes > INLINE_NODES {
                continue;
            }
            let called = bodies[at].calls.iter().map(|callee| sizes[callee.index()]);
            let called: Option<usize> = called.sum();
            let size = called.map(|called| called + bodies[at].nodes);
            sizes[at] = size.filter(|&size| size <= INLINE_NODES);
            changed |= sizes[at].is_some();
        }
        if !changed {
            break;
        }
    }
    sizes.iter().map(Option::is_some).collect()
}

/// Which bodies are called, directly or through others: `entered` and what they and those in `work` call.
fn called_from(
    bodies: &[Body],
    mut work: Vec<usize>,
    entered: &[FunctionId],
    calls: impl Fn(&Body) -> Vec<&Vec<FunctionId>>,
) -> Vec<bool> {
    let mut called = vec![false; bodies.len()];
    for callee in entered {
        called[callee.index()] = true;
        work.push(callee.index());
    }
    while let Some(at) = work.pop() {
        for callee in calls(&bodies[at]).into_iter().flatten() {
            if !std::mem::replace(&mut called[callee.index()], true) {
                work.push(callee.index());
            }
        }
    }
    called
}

fn declare(ctx: &mut Ctx, function: &Function, takes_self: bool, takes_thread: bool) -> Standalone {
    let results = result_parts(function);
    let floats = results.iter().filter(|&&r| r == AbiType::F64).count();
    let ints = results.len() - floats + 1;
    let by_pointer = ints > RESULT_REGISTERS || floats > RESULT_REGISTERS;
    let self_ = takes_self.then_some(AbiType::I64);
    let own = function.locals[..function.params]
        .iter()
        .flat_map(|local| parts(local.storage.ty()).iter().copied());
    let pointer = by_pointer.then_some(AbiType::I64);
    let thread = takes_thread.then_some(AbiType::I64);
    let params: Vec<AbiType> = self_
        .into_iter()
        .chain(thread)
        .chain(own)
        .chain(pointer)
        .collect();
    let mut out = if by_pointer { Vec::new() } else { results };
    out.push(AbiType::I64);
    Standalone {
        id: ctx.program.declare(),
        sig: Signature::internal(&params, &out),
        takes_self,
        takes_thread,
        by_pointer,
    }
}

/// A caller of a body that needs the module object needs it too.
fn spread_self(bodies: &mut [Body]) {
    let mut callers = vec![Vec::new(); bodies.len()];
    for (at, body) in bodies.iter().enumerate() {
        for callee in body.calls.iter().chain(&body.released_calls) {
            callers[callee.index()].push(at);
        }
    }
    let mut work: Vec<usize> = (0..bodies.len())
        .filter(|&at| bodies[at].needs_self)
        .collect();
    while let Some(at) = work.pop() {
        for &caller in &callers[at] {
            if !bodies[caller].needs_self {
                bodies[caller].needs_self = true;
                work.push(caller);
            }
        }
    }
}

/// What is still to be looked at. A list instead of recursion: expressions may be long chains.
enum Node<'a> {
    Stmts(&'a [Stmt]),
    Expr(&'a Expr),
    Pieces(&'a [Piece]),
}

fn survey(stmts: &[Stmt]) -> Body {
    let mut body = Body::default();
    let mut work = vec![Node::Stmts(stmts)];
    while let Some(node) = work.pop() {
        body.nodes += 1;
        match node {
            Node::Stmts(stmts) => {
                for stmt in stmts {
                    survey_stmt(&mut body, &mut work, stmt);
                }
            }
            Node::Expr(expr) => {
                survey_expr(&mut body, expr);
                work.extend(operands(expr).into_iter().map(Node::Expr));
            }
            Node::Pieces(pieces) => {
                for piece in pieces {
                    if let Piece::Value { value, spec, .. } = piece {
                        work.extend([Node::Expr(value), Node::Pieces(spec)]);
                    }
                }
            }
        }
    }
    body.calls.sort_unstable();
    body.calls.dedup();
    body
}

fn survey_expr(body: &mut Body, expr: &Expr) {
    let function = match &expr.kind {
        ExprKind::Call(callee, ..) => {
            body.calls.push(*callee);
            return;
        }
        ExprKind::NewArray { in_frame, .. } => {
            body.keeps |= *in_frame;
            return;
        }
        ExprKind::MathCall(name, _) => ("math", name.clone()),
        ExprKind::Math(MathOp::Sqrt, _) => ("math", "sqrt".to_owned()),
        ExprKind::RoundDigits(..) => ("builtins", "round".to_owned()),
        ExprKind::Object(op, _) => match op {
            ObjectOp::Builtin(name) => ("builtins", name.clone()),
            ObjectOp::Math(name) => ("math", name.clone()),
            ObjectOp::Attribute(name) => return body.name(name),
            ObjectOp::Method(name, keywords) => {
                body.name(name);
                return keywords.iter().for_each(|keyword| body.name(keyword));
            }
            ObjectOp::Call(keywords) => {
                return keywords.iter().for_each(|keyword| body.name(keyword));
            }
            ObjectOp::Exception(exception) => {
                body.needs_self |= matches!(exception, Exception::Module(_));
                return;
            }
            _ => return,
        },
        _ => return,
    };
    body.functions.insert(function);
    body.needs_self = true;
}

fn survey_stmt<'a>(body: &mut Body, work: &mut Vec<Node<'a>>, stmt: &'a Stmt) {
    let message = |work: &mut Vec<Node<'a>>, message: &'a Option<Message>| match message {
        None => {}
        Some(Message::Text(pieces)) => work.push(Node::Pieces(pieces)),
        Some(Message::Value(value)) => work.push(Node::Expr(value)),
    };
    match &stmt.kind {
        StmtKind::Assign(_, value) | StmtKind::Unpack { value, .. } | StmtKind::Expr(value) => {
            work.push(Node::Expr(value));
        }
        StmtKind::If(cond, first, second) | StmtKind::While(cond, first, second) => {
            work.extend([Node::Expr(cond), Node::Stmts(first), Node::Stmts(second)]);
        }
        StmtKind::ForRange {
            start,
            stop,
            step,
            body,
            orelse,
            ..
        } => {
            work.extend([start, stop, step].map(Node::Expr));
            work.extend([Node::Stmts(body), Node::Stmts(orelse)]);
        }
        StmtKind::ForEach {
            view, body, orelse, ..
        } => work.extend([Node::Expr(view), Node::Stmts(body), Node::Stmts(orelse)]),
        StmtKind::ForObject {
            object,
            body,
            orelse,
            ..
        } => work.extend([Node::Expr(object), Node::Stmts(body), Node::Stmts(orelse)]),
        StmtKind::UnpackObject { value, .. } => work.push(Node::Expr(value)),
        StmtKind::SetAttribute {
            object,
            name,
            value,
        } => {
            body.name(name);
            work.extend([object, value].map(Node::Expr));
        }
        StmtKind::SetItem {
            object,
            index,
            value,
        } => work.extend([object, index, value].map(Node::Expr)),
        StmtKind::DelAttribute(object, name) => {
            body.name(name);
            work.push(Node::Expr(object));
        }
        StmtKind::DelItem(object, index) => work.extend([object, index].map(Node::Expr)),
        StmtKind::Delete(..) | StmtKind::Reraise => {}
        StmtKind::RaiseObject(exception, cause) => {
            work.push(Node::Expr(exception));
            work.extend(cause.iter().map(Node::Expr));
        }
        StmtKind::Try(inner) => {
            let handled = inner
                .handlers
                .iter()
                .flat_map(|h| h.classes.iter().flatten());
            body.needs_self |= handled
                .into_iter()
                .any(|class| matches!(class, Exception::Module(_)));
            work.extend(inner.blocks().map(Node::Stmts));
        }
        StmtKind::Store {
            view, index, value, ..
        } => work.extend([view, index, value].map(Node::Expr)),
        StmtKind::Nogil(stmts) => {
            let inner = survey(stmts);
            body.nodes += inner.nodes;
            body.keeps |= inner.keeps;
            body.needs_self |= inner.needs_self;
            body.functions.extend(inner.functions);
            body.names.extend(inner.names);
            body.released_calls.extend(inner.calls);
        }
        StmtKind::Break | StmtKind::Continue => body.nodes += 1,
        StmtKind::Return(values) => work.extend(values.iter().map(Node::Expr)),
        StmtKind::Raise(exception, text) => {
            body.needs_self |= matches!(exception, Exception::Module(_));
            message(work, text);
        }
        StmtKind::Assert(cond, text) => {
            work.push(Node::Expr(cond));
            message(work, text);
        }
    }
}

/// The expressions right below one.
pub(super) fn operands(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Const(_)
        | ExprKind::Local { .. }
        | ExprKind::Table(_)
        | ExprKind::NewArray { .. } => Vec::new(),
        ExprKind::Widen(x)
        | ExprKind::Reinterpret(x, _)
        | ExprKind::Narrow(x, _, _)
        | ExprKind::Round32(x)
        | ExprKind::Truncate(x)
        | ExprKind::Truth(x)
        | ExprKind::Neg(x, _)
        | ExprKind::Invert(x, _)
        | ExprKind::Not(x)
        | ExprKind::Abs(x, _)
        | ExprKind::Round(x)
        | ExprKind::BitCount(x)
        | ExprKind::BitLength(x)
        | ExprKind::Len(x)
        | ExprKind::IsNone(x)
        | ExprKind::NotNone(x)
        | ExprKind::Encode(x)
        | ExprKind::Decode(x, _)
        | ExprKind::Zeroes(x)
        | ExprKind::Copy(x)
        | ExprKind::Cast(x)
        | ExprKind::MathPair(_, x)
        | ExprKind::Extreme { view: x, .. }
        | ExprKind::Listed(x)
        | ExprKind::Part(x, _)
        | ExprKind::Boxed(x) => vec![x],
        ExprKind::Binary { left, right, .. } => vec![left, right],
        ExprKind::And(a, b)
        | ExprKind::Or(a, b)
        | ExprKind::Divmod(a, b, _)
        | ExprKind::RoundDigits(a, b)
        | ExprKind::Index(a, b)
        | ExprKind::MakeComplex(a, b)
        | ExprKind::Contains {
            needle: a,
            haystack: b,
        } => vec![a, b],
        ExprKind::Slice(view, start, stop) => std::iter::once(view)
            .chain(start)
            .chain(stop)
            .map(|operand| &**operand)
            .collect(),
        ExprKind::IfElse(a, b, c) | ExprKind::PowMod(a, b, c) => vec![a, b, c],
        ExprKind::Compare { first, rest } => {
            let rest = rest.iter().map(|(_, operand)| operand);
            std::iter::once(&**first).chain(rest).collect()
        }
        ExprKind::Bits(_, _, x, count) => std::iter::once(x)
            .chain(count)
            .map(|operand| &**operand)
            .collect(),
        ExprKind::Text(pieces) => {
            let mut values = Vec::new();
            piece_values(pieces, &mut values);
            values
        }
        ExprKind::Call(_, args, _)
        | ExprKind::Object(_, args)
        | ExprKind::Min(args)
        | ExprKind::Max(args)
        | ExprKind::Math(_, args)
        | ExprKind::MathCall(_, args)
        | ExprKind::Tuple(args) => args.iter().collect(),
    }
}

fn piece_values<'e>(pieces: &'e [Piece], values: &mut Vec<&'e Expr>) {
    for piece in pieces {
        if let Piece::Value { value, spec, .. } = piece {
            values.push(value);
            piece_values(spec, values);
        }
    }
}
