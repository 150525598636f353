//! Calls of other bodies, without a Python call in between.

use smallvec::SmallVec;

use super::super::ctx::Ctx;
use super::lower::{Lower, World};
use super::operand::{Operand, reference_part};
use super::plan::{Bodies, Standalone};
use super::{mem_type, parts, result_params, result_parts};
use crate::frontend::lang::typed::{Expr, FunctionId};
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, Value};
use crate::ir::op::{IntCc, Type};

impl Lower<'_, '_> {
    /// The results of a body; references among them are owned.
    pub fn call(
        &mut self,
        callee: FunctionId,
        args: &[Expr],
        order: &[usize],
    ) -> SmallVec<[Operand; 1]> {
        let span = self.b.span();
        let mark = self.mark();
        let args = self.arguments(args, order);
        self.b.set_span(span);
        let mut results = self.call_with(callee, &args).into_iter();
        self.release_held(mark);
        let module = self.ctx.module;
        let types = module.functions[callee.index()].results.iter();
        types
            .map(|result| Operand {
                ty: result.ty(),
                parts: results.by_ref().take(parts(result.ty()).len()).collect(),
                owned: reference_part(result.ty()).is_some(),
            })
            .collect()
    }

    /// The parts of the arguments, which are held.
    fn arguments(&mut self, args: &[Expr], order: &[usize]) -> SmallVec<[Value; 4]> {
        let mut values: SmallVec<[(usize, Operand); 4]> = SmallVec::new();
        for turn in 0..args.len() {
            let at = order.get(turn).copied().unwrap_or(turn);
            let value = self.operand(&args[at]);
            self.hold(&value);
            values.push((at, value));
        }
        values.sort_unstable_by_key(|(at, _)| *at);
        values
            .into_iter()
            .flat_map(|(_, value)| value.parts)
            .collect()
    }

    fn call_with(&mut self, callee: FunctionId, args: &[Value]) -> SmallVec<[Value; 2]> {
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
        let results = result_params(self.b, returns, &module.functions[callee.index()]);
        let span = self.b.span();
        Lower::new(self.ctx, self.bodies, self.b, callee, args, world, returns).body();
        self.b.set_span(span);
        self.b.seal_and_switch_to(returns);
        results.into()
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
        let slot = b.slot(8 * result_parts(function).len() as u32, 8);
        b.slot_addr(slot)
    });
    all.extend(slot);
    let mut results = b.call(standalone.id, &standalone.sig, &all);
    let flag = results.pop().expect("the flag is the last result");
    b.exit_if(flag, world.fails, &[]);
    match slot {
        None => results,
        Some(slot) => (0..)
            .zip(result_parts(function))
            .map(|(at, part)| b.load(mem_type(part), slot, 8 * at))
            .collect(),
    }
}

/// Counts the call of a recursive body, as so many levels; RecursionError where that is too deep, and then none of them is counted.
pub(super) fn enter_recursion(
    ctx: &mut Ctx,
    b: &mut Builder,
    standalone: &Standalone,
    levels: u32,
) {
    for entered in 0..levels {
        let (deeper, too_deep) = (b.block(), b.cold_block());
        let place = ctx.c_string(b, "");
        let status = ctx.call1(b, "Py_EnterRecursiveCall", &[place]);
        let refused = b.icmp_imm(IntCc::Ne, status, 0);
        b.br(refused, too_deep, &[], deeper, &[]);
        b.seal_and_switch_to(too_deep);
        leave_recursion(ctx, b, entered);
        return_failure(b, standalone);
        b.seal_and_switch_to(deeper);
    }
}

/// So many levels are left again.
pub(super) fn leave_recursion(ctx: &mut Ctx, b: &mut Builder, levels: u32) {
    for _ in 0..levels {
        ctx.call(b, "Py_LeaveRecursiveCall", &[]);
    }
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
