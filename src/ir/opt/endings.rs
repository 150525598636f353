//! Lets rare paths that end with a call return by themselves: where the function then returns 0, and nobody wants the call's result, the backend
//! can make a jump of the call, if what is called always gives 0 ([`Func::null`]).
//!
//! ```text
//! b1: cold                 b1: cold
//!   v1 = call f v0           v1 = call f v0
//!   jump b2            ->    v3 = iconst 0
//! b2: cold                   ret v3
//!   v2 = iconst 0
//!   ret v2
//! ```

use crate::ir::func::{Func, Inst, InstData, Payload, Term};
use crate::ir::op::{Op, Type};

/// Whether there were any.
pub(super) fn run(func: &mut Func) -> bool {
    let ends: Vec<bool> = (0..func.blocks.len()).map(|at| is_end(func, at)).collect();
    if !ends.contains(&true) {
        return false;
    }
    let uses = func.count_uses();
    let mut changed = false;
    for at in 0..func.blocks.len() {
        let block = &func.blocks[at];
        let leads_to_end = match &block.term {
            Some(Term::Jump(to)) => ends[to.block.index()],
            _ => false,
        };
        let last = block.insts.last().map(|inst| &func.insts[inst.index()]);
        let is_call = last.is_some_and(|data| {
            data.op == Op::Call
                && matches!(data.payload, Payload::Func(_))
                && matches!(*data.results, [result] if uses[result.index()] == 0)
        });
        if block.cold && leads_to_end && is_call {
            let zero = func.new_value(Type::I64);
            let inst = InstData {
                op: Op::Iconst,
                args: Default::default(),
                payload: Payload::Int(0),
                results: [zero].into_iter().collect(),
                span: None,
            };
            func.insts.push(inst);
            let block = &mut func.blocks[at];
            block.insts.push(Inst(func.insts.len() as u32 - 1));
            block.term = Some(Term::Return([zero].into_iter().collect()));
            changed = true;
        }
    }
    changed
}

/// Whether a block does nothing but return 0.
fn is_end(func: &Func, at: usize) -> bool {
    let block = &func.blocks[at];
    let (&[inst], Some(Term::Return(values))) = (&block.insts[..], &block.term) else {
        return false;
    };
    let data = &func.insts[inst.index()];
    block.params.is_empty()
        && data.op == Op::Iconst
        && data.payload == Payload::Int(0)
        && values[..] == data.results[..]
}
