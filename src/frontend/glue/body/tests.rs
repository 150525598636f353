//! Bodies run by the IR interpreter: results against CPython evaluating the same text, and references counted, also where memory runs
//! out at any point.

mod bodies;
mod errors;
mod host;
mod model;
mod numbers;
mod oracle;
mod py;
mod references;
mod statements;
mod texts;
mod views;

use super::super::ctx::Ctx;
use super::{Bodies, define, inline, parts, plan};
use crate::base::source::{SourceId, Span};
use crate::frontend::lang::typed::*;
use crate::frontend::spec::module::{BaseClass, ExceptionClass, Method, Module, Returns};
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, Func, Signature, Value};
use crate::ir::interp::{Machine, Memory};
use crate::ir::op::MemType;
use crate::ir::program::{FuncId, Program};
use crate::ir::{opt, print, verify};
use crate::target;
use host::Host;

pub fn span() -> Span {
    Span::new(SourceId(0), 0..0)
}

pub fn expr(ty: Ty, kind: ExprKind) -> Expr {
    Expr {
        kind,
        ty,
        span: span(),
    }
}

pub fn stmt(kind: StmtKind) -> Stmt {
    Stmt { kind, span: span() }
}

pub fn local(at: u32, ty: Ty) -> Expr {
    let kind = ExprKind::Local {
        local: LocalId(at),
        checked: false,
    };
    expr(ty, kind)
}

pub fn int(value: i128, ty: Ty) -> Expr {
    expr(ty, ExprKind::Const(Const::Int(value)))
}

pub fn storage(ty: Ty) -> Storage {
    match ty {
        Ty::Bool => Storage::Bool,
        Ty::I64 => Storage::Int(IntTy::I64),
        Ty::U64 => Storage::Int(IntTy::U64),
        Ty::F64 => Storage::F64,
        Ty::Complex => Storage::Complex,
        Ty::Str { nullable } => Storage::Str { nullable },
        Ty::View(view) => Storage::View(view),
        Ty::None | Ty::Object => Storage::Object,
    }
}

/// A function with these parameters (named `a`, `b`...) and results.
pub fn function(params: &[Ty], results: &[Ty], body: Vec<Stmt>) -> Function {
    let locals = params.iter().zip('a'..).map(|(&ty, name)| Local {
        name: name.to_string(),
        storage: storage(ty),
        needs_flag: false,
    });
    Function {
        name: "f".to_owned(),
        params: params.len(),
        locals: locals.collect(),
        results: results.iter().map(|&ty| storage(ty)).collect(),
        shape: Shape::flat(results.len(), results.len() > 1),
        body,
        recursive: false,
        levels: 1,
        overflow: Overflow::Raise,
        signals: false,
        span: span(),
    }
}

/// A module whose functions are all methods.
pub fn module(functions: Vec<Function>) -> Module {
    Module {
        source: SourceId(0),
        name: "m".to_owned(),
        span: span(),
        doc: None,
        gil_used: false,
        fast: None,
        constants: Vec::new(),
        tables: Vec::new(),
        exceptions: vec![ExceptionClass {
            name: "Own".to_owned(),
            base: BaseClass::Builtin("Exception"),
            doc: None,
        }],
        methods: functions.iter().map(method).collect(),
        functions,
        tests: Vec::new(),
    }
}

fn method(function: &Function) -> Method {
    Method {
        name: function.name.clone(),
        doc: None,
        text_signature: String::new(),
        params: Vec::new(),
        arguments: Vec::new(),
        format: String::new(),
        returns: Returns {
            units: Vec::new(),
            shape: Shape::None,
        },
        nogil: false,
        span: span(),
    }
}

/// A program with one function for each of the module's, inlined: `self` and the parameters in, results and a flag out through memory.
pub struct Built {
    pub program: Program,
    pub entries: Vec<FuncId>,
}

/// Builds a module's bodies; checks the program before and after the optimizer.
pub fn build(module: &Module) -> Built {
    let mut ctx = Ctx::new(module, target::host());
    let bodies = plan(&mut ctx);
    let entries = (0..module.functions.len())
        .map(|at| entry(&mut ctx, &bodies, FunctionId(at as u32)))
        .collect();
    define(&mut ctx, &bodies);
    let mut program = ctx.program;
    verified(&program);
    program.funcs.iter_mut().flatten().for_each(opt::run);
    verified(&program);
    Built { program, entries }
}

fn verified(program: &Program) {
    if let Err(text) = verify::verify(program) {
        panic!("{text}\n{}", print::program(program));
    }
}

fn entry(ctx: &mut Ctx, bodies: &Bodies, id: FunctionId) -> FuncId {
    let function = &ctx.module.functions[id.index()];
    let own = function.locals[..function.params]
        .iter()
        .flat_map(|local| parts(local.storage.ty()).iter().copied());
    let params: Vec<AbiType> = [AbiType::I64, AbiType::I64]
        .into_iter()
        .chain(own)
        .collect();
    let sig = Signature::internal(&params, &[AbiType::I64]);
    let mut b = Builder::new(Func::new(format!("entry{}", id.0), sig));
    let params: Vec<Value> = b.func.params().to_vec();
    let (returns, fails) = (b.block(), b.cold_block());
    let results = super::result_params(&mut b, returns, function);
    inline(
        ctx,
        bodies,
        &mut b,
        id,
        &params[2..],
        params[0],
        returns,
        fails,
    );
    b.seal_and_switch_to(returns);
    for (at, (&result, part)) in results
        .iter()
        .zip(super::result_parts(function))
        .enumerate()
    {
        b.store(super::mem_type(part), result, params[1], 8 * at as i32);
    }
    let flag = b.iconst(0);
    b.ret(&[flag]);
    b.seal_and_switch_to(fails);
    let flag = b.iconst(1);
    b.ret(&[flag]);
    ctx.program.add_func(b.finish())
}

/// What a call does: bits of the results, or class and text of the exception.
pub type Outcome = Result<Vec<u64>, (String, String)>;

impl Built {
    /// Calls function `at`.
    pub fn call(&self, at: usize, args: &[u64]) -> Outcome {
        self.call_on(at, args, &mut Host::default())
    }

    /// Calls function `at` in a world of one's own.
    pub fn call_on(&self, at: usize, args: &[u64], host: &mut Host) -> Outcome {
        let outcome = self.call_with(
            at,
            host,
            |_, _| args.to_vec(),
            |_, _, results| results.to_vec(),
        );
        host.check_balance();
        outcome
    }

    /// Likewise, with arguments that are made there, and results that are taken out of it.
    pub fn call_with<R>(
        &self,
        at: usize,
        host: &mut Host,
        give: impl FnOnce(&mut Host, &mut Memory) -> Vec<u64>,
        take: impl FnOnce(&mut Host, &mut Memory, &[u64]) -> R,
    ) -> Result<R, (String, String)> {
        let mut machine = Machine::new(&self.program);
        host.provide(&mut machine);
        machine.steps = 1 << 24;
        let out = machine.memory.alloc(vec![0; 64]);
        let args = give(host, &mut machine.memory);
        let args: Vec<u64> = [host.module(), out].into_iter().chain(args).collect();
        let flag = machine
            .call(self.entries[at], &args, &mut |memory, name, args| {
                host.call(memory, name, args)
            })
            .unwrap_or_else(|text| panic!("{text}\n{}", print::program(&self.program)));
        host.clear(&machine.memory);
        match (flag[0], host.raised.take()) {
            (0, None) => {
                let load = |at: u64| machine.memory.load(MemType::I64, out + 8 * at);
                let results: Vec<u64> = (0..8).map(|at| load(at).expect("room")).collect();
                Ok(take(host, &mut machine.memory, &results))
            }
            (1, Some(raised)) => Err(raised),
            (flag, raised) => panic!("flag {flag}, but {raised:?}"),
        }
    }
}

// What the tests write often.

pub fn text(text: &str) -> Option<Message> {
    Some(Message::Text(vec![Piece::Literal(text.to_owned())]))
}

pub fn raised(class: &str, text: &str) -> Outcome {
    Err((class.to_owned(), text.to_owned()))
}

pub fn assign(at: u32, value: Expr) -> Stmt {
    stmt(StmtKind::Assign(LocalId(at), value))
}

pub fn add(left: Expr, right: Expr) -> Expr {
    let kind = ExprKind::Binary {
        op: BinOp::Add,
        rule: Rule::Wrap,
        left: Box::new(left),
        right: Box::new(right),
    };
    expr(Ty::I64, kind)
}

pub fn compare(op: CmpOp, left: Expr, right: Expr) -> Expr {
    let kind = ExprKind::Compare {
        first: Box::new(left),
        rest: vec![(op, right)],
    };
    expr(Ty::Bool, kind)
}

pub fn new_local(function: &mut Function, name: &str, ty: Ty, needs_flag: bool) {
    function.locals.push(Local {
        name: name.to_owned(),
        storage: storage(ty),
        needs_flag,
    });
}

/// Runs a function with every number of objects that memory has room for, until it has enough: each time it must fail with MemoryError
/// and leave nothing behind. Gives what comes out in the end.
pub fn starved(built: &Built, at: usize, args: &[u64]) -> Outcome {
    for room in 0.. {
        let mut host = Host {
            memory: Some(room),
            ..Host::default()
        };
        let outcome = built.call_on(at, args, &mut host);
        if host.made <= room {
            return outcome;
        }
        assert_eq!(outcome, raised("MemoryError", ""), "with room for {room}");
    }
    unreachable!("memory is large enough at last")
}
