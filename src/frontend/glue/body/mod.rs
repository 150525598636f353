//! Typed bodies become IR: in place, inside the wrapper of a method, and as functions of their own where other bodies call them.
//!
//! ```text
//! body.name([self,] [thread state,] parameters... [, pointer to results]) -> ([results...,] flag)
//! ```
//!
//! `self` is the module object, for bodies that raise the module's exceptions. The flag is 1 where an exception is set. Values travel as
//! their parts ([`parts`]). Results travel in registers where the internal convention has room for all of them beside the flag, else through
//! a pointer, eight bytes a part. References in arguments are borrowed, those in results owned.
//!
//! A `nogil` method, and what it calls, runs without the GIL. Whatever concerns the interpreter takes it back first; on the way out by an
//! error it is held.
//!
//! A body whose method asks for `signals` counts the rounds of its loops down, and calls `PyErr_CheckSignals` in one of many.
//!
//! Argument conversion and result boxing are not here (`glue::wrap`); neither is any check of the body, which `lang` has made.

mod boxed;
mod call;
mod compare;
mod cond;
mod divide;
mod each;
mod expr;
mod float;
mod handle;
mod int;
mod items;
mod locals;
mod lower;
mod message;
mod object;
mod object_stmt;
mod operand;
mod plan;
mod range;
mod stmt;
#[cfg(test)]
mod tests;
mod text;
mod view;

pub use plan::{Bodies, plan};

use super::ctx::Ctx;
use super::named;
use crate::frontend::lang::typed::{Function, FunctionId, IntTy, Ty};
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, Block, Func, Value};
use crate::ir::op::{MemType, Type};
use lower::{Lower, World};
use plan::Standalone;

/// How a value of an expression's type travels through calls: its parts, in order.
pub fn parts(ty: Ty) -> &'static [AbiType] {
    match ty {
        Ty::F64 => &[AbiType::F64],
        Ty::Bool | Ty::I64 | Ty::U64 | Ty::None | Ty::Str { .. } | Ty::Object => &[AbiType::I64],
        // Real part, imaginary part.
        Ty::Complex => &[AbiType::F64, AbiType::F64],
        // Address of the first item, number of items, the object that keeps them.
        Ty::View(_) => &[AbiType::I64, AbiType::I64, AbiType::I64],
    }
}

/// How the results of a function travel: the parts of all, in order.
fn result_parts(function: &Function) -> Vec<AbiType> {
    let results = function.results.iter();
    results
        .flat_map(|result| parts(result.ty()))
        .copied()
        .collect()
}

/// How a part is written to memory: always eight bytes.
fn mem_type(part: AbiType) -> MemType {
    match part.value() {
        Type::I64 => MemType::I64,
        Type::F64 => MemType::F64,
    }
}

/// Parameters of `block` for the results of a function.
fn result_params(b: &mut Builder, block: Block, function: &Function) -> Vec<Value> {
    let parts = result_parts(function);
    parts
        .iter()
        .map(|part| b.param(block, part.value()))
        .collect()
}

/// An integer type as messages name it.
fn int_name(ty: Ty) -> &'static str {
    match ty {
        Ty::U64 => IntTy::U64.name(),
        _ => IntTy::I64.name(),
    }
}

/// In front of the names of bodies that run with the GIL held.
const HELD: &str = "body";

fn name(prefix: &str, function: &Function) -> String {
    format!("{prefix}.{}", function.name)
}

/// What the program calls a body that counts its recursion; those never run without the GIL.
pub fn name_of_recursive(function: &Function) -> Option<String> {
    function.recursive.then(|| name(HELD, function))
}

/// Makes the functions that [`plan`] has declared.
pub fn define(ctx: &mut Ctx, bodies: &Bodies) {
    let module = ctx.module;
    for (at, function) in module.functions.iter().enumerate() {
        let id = FunctionId(at as u32);
        for (released, prefix) in [(false, HELD), (true, "nogil")] {
            let Some(standalone) = bodies.standalone(id, released) else {
                continue;
            };
            let name = name(prefix, function);
            let mut func = Func::new(name, standalone.sig.clone());
            func.span = Some(function.span);
            func.names = ctx.with_names.then(|| named::body(&function.name));
            let func = standalone_body(ctx, bodies, (id, standalone), func);
            ctx.program.define(standalone.id, func);
        }
    }
}

fn standalone_body(
    ctx: &mut Ctx,
    bodies: &Bodies,
    (id, standalone): (FunctionId, &Standalone),
    func: Func,
) -> Func {
    let module = ctx.module;
    let function = &module.functions[id.index()];
    let mut b = Builder::new(func);
    b.set_span(Some(function.span));
    let mut params = b.func.params().to_vec();
    let self_ = if standalone.takes_self {
        params.remove(0)
    } else {
        b.iconst(0)
    };
    let thread = standalone.takes_thread.then(|| params.remove(0));
    let pointer = if standalone.by_pointer {
        params.pop()
    } else {
        None
    };
    let (returns, fails) = (b.block(), b.cold_block());
    let results = result_params(&mut b, returns, function);
    if function.recursive {
        call::enter_recursion(ctx, &mut b, standalone, function.levels);
    }
    let world = World {
        self_,
        thread,
        fails,
    };
    Lower::new(ctx, bodies, &mut b, id, &params, world, returns).body();

    b.seal_and_switch_to(returns);
    if function.recursive {
        call::leave_recursion(ctx, &mut b, function.levels);
    }
    if let Some(pointer) = pointer {
        for (at, (&value, part)) in results.iter().zip(result_parts(function)).enumerate() {
            b.store(mem_type(part), value, pointer, 8 * at as i32);
        }
    }
    let ok = b.iconst(0);
    let in_registers: &[Value] = if pointer.is_some() { &[] } else { &results };
    b.ret(&[in_registers, &[ok]].concat());

    b.seal_and_switch_to(fails);
    if function.recursive {
        call::leave_recursion(ctx, &mut b, function.levels);
    }
    call::return_failure(&mut b, standalone);
    b.finish()
}

/// Lowers the body of `function` where `b` stands, for the parts of its arguments, which are borrowed. Every `return` jumps to `returns`, whose
/// parameters are the parts of the results; references among them are owned. Every error jumps to `fails`, with the exception set. The
/// caller seals both blocks.
#[expect(
    clippy::too_many_arguments,
    reason = "the body, its surroundings, and its two ways out"
)]
pub fn inline(
    ctx: &mut Ctx,
    bodies: &Bodies,
    b: &mut Builder,
    function: FunctionId,
    args: &[Value],
    self_: Value,
    returns: Block,
    fails: Block,
) {
    let module = ctx.module;
    let body = &module.functions[function.index()];
    let mut world = World {
        self_,
        thread: None,
        fails,
    };
    if bodies.is_shared(function) {
        let results = call::standalone(ctx, bodies, b, function, args, world);
        b.jump(returns, &results);
        return;
    }
    let method = module.methods.get(function.index());
    if !method.is_some_and(|method| method.nogil) {
        Lower::new(ctx, bodies, b, function, args, world, returns).body();
        return;
    }
    let thread = ctx.call1(b, "PyEval_SaveThread", &[]);
    world.thread = Some(thread);
    let done = b.block();
    let results = result_params(b, done, body);
    Lower::new(ctx, bodies, b, function, args, world, done).body();
    let reached = b.is_reached(done);
    b.seal_and_switch_to(done);
    if reached {
        ctx.call(b, "PyEval_RestoreThread", &[thread]);
        b.jump(returns, &results);
    } else {
        b.unreachable();
    }
}
