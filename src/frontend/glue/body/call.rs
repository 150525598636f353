//! Calls of other bodies, without a Python call in between.

use smallvec::SmallVec;

use super::super::ctx::Ctx;
use super::lower::{Lower, World};
use super::plan::{Bodies, Standalone};
use super::{ir_type, mem_type};
use crate::frontend::lang::typed::FunctionId;
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, Value};
use crate::ir::op::{IntCc, Type};

impl Lower<'_, '_> {
    /// The results of a body.
    pub fn call(&mut self, callee: FunctionId, args: &[Value]) -> SmallVec<[Value; 2]> {
        let world = self.world;
        if self
            .bodies
            .standalone(callee, world.thread.is_some())
            .is_some()
        {
            return standalone(self.ctx, self.bodies, self.b, callee, args, world);
        }
        let module = self.ctx.module;
        let returns = self.b.block_like_current();
        let results = module.functions[callee.index()]
            .results
            .iter()
            .map(|result| self.b.param(returns, ir_type(result.ty())))
            .collect();
        let span = self.b.span();
        Lower::new(self.ctx, self.bodies, self.b, callee, args, world, returns).body();
        self.b.set_span(span);
        self.b.seal_and_switch_to(returns);
        results
    }
}

/// Calls a body that is a function of its own; goes to `fails` where it has raised.
pub(super) fn standalone(
    ctx: &Ctx,
    bodies: &Bodies,
    b: &mut Builder,
    callee: FunctionId,
    args: &[Value],
    world: World,
) -> SmallVec<[Value; 2]> {
    let function = &ctx.module.functions[callee.index()];
    let standalone = bodies
        .standalone(callee, world.thread.is_some())
        .unwrap_or_else(|| unreachable!("{} is not a function of its own", function.name));
    let mut all: SmallVec<[Value; 4]> = SmallVec::new();
    all.extend(standalone.takes_self.then_some(world.self_));
    all.extend(world.thread);
    all.extend_from_slice(args);
    let slot = standalone.by_pointer.then(|| {
        let slot = b.slot(8 * function.results.len() as u32, 8);
        b.slot_addr(slot)
    });
    all.extend(slot);
    let mut results = b.call(standalone.id, &standalone.sig, &all);
    let flag = results.pop().expect("the flag is the last result");
    b.exit_if(flag, world.fails, &[]);
    match slot {
        None => results,
        Some(slot) => (0..)
            .zip(&function.results)
            .map(|(at, &storage)| b.load(mem_type(storage), slot, 8 * at))
            .collect(),
    }
}

/// Counts the call of a recursive body; RecursionError where it is one too many, and then no more is counted.
pub(super) fn enter_recursion(ctx: &mut Ctx, b: &mut Builder, standalone: &Standalone) {
    let (deeper, too_deep) = (b.block(), b.cold_block());
    let place = ctx.c_string(b, "");
    let status = ctx.call1(b, "Py_EnterRecursiveCall", &[place]);
    let refused = b.icmp_imm(IntCc::Ne, status, 0);
    b.br(refused, too_deep, &[], deeper, &[]);
    b.seal_and_switch_to(too_deep);
    return_failure(b, standalone);
    b.seal_and_switch_to(deeper);
}

/// Returns from a body with the flag set.
pub(super) fn return_failure(b: &mut Builder, standalone: &Standalone) {
    let (flag, results) = standalone
        .sig
        .results
        .split_last()
        .expect("the flag is the last result");
    debug_assert_eq!(*flag, AbiType::I64);
    let mut values: SmallVec<[Value; 2]> = results
        .iter()
        .map(|result| match result.value() {
            Type::I64 => b.iconst(0),
            Type::F64 => b.fconst(0.0),
        })
        .collect();
    values.push(b.iconst(1));
    b.ret(&values);
}
