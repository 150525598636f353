//! Where functions return. Rare paths that end with a call return by themselves: where the function then returns 0, and nobody wants the call's
//! result, the backend can make a jump of the call, if what is called always gives 0 ([`Func::null`]). All else returns from one place, where
//! functions are better small.
//!
//! ```text
//! b1: cold                 b1: cold
//!   v1 = call f v0           v1 = call f v0
//!   jump b2            ->    v3 = iconst 0
//! b2: cold                   ret v3
//!   v2 = iconst 0
//!   ret v2
//! ```

use std::cell::LazyCell;

use crate::ir::func::{Block, BlockCall, BlockData, ENTRY, Func, Inst, InstData, Payload, Term};
use crate::ir::op::{Effect, Op, Type};

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

/// Where nothing is done but 0 returned, because a call gave that, what it gave is returned: it is in the right register. For results that
/// the branch alone wants.
pub(super) fn reuse_zeros(func: &mut Func) -> bool {
    let uses = LazyCell::new(|| func.count_uses());
    let mut preds = vec![0; func.blocks.len()];
    for block in &func.blocks {
        for to in block.term.iter().flat_map(Term::targets) {
            preds[to.block.index()] += 1;
        }
    }
    let mut found = Vec::new();
    for block in &func.blocks {
        let (Some(Term::Br(cond, _, to)), Some(last)) = (&block.term, block.insts.last()) else {
            continue;
        };
        let data = &func.insts[last.index()];
        // Of functions of the program, results are whole registers.
        let is_ours = matches!(data.payload, Payload::Func(_));
        let is_call = data.op == Op::Call && is_ours && data.results.first() == Some(cond);
        let end = to.block.index();
        let is_rare = func.cold || func.blocks[end].cold;
        if is_call && is_rare && uses[cond.index()] == 1 && preds[end] == 1 && is_end(func, end) {
            found.push((end, *cond));
        }
    }
    for &(end, zero) in &found {
        let block = &mut func.blocks[end];
        block.insts.clear();
        block.term = Some(Term::Return([zero].into_iter().collect()));
    }
    !found.is_empty()
}

/// Gives a function that is better small one place to return from: what undoes its frame is there once. Calls that can become jumps stay last. For
/// functions that call at once, so that all of their ends have a frame to undo.
pub(super) fn unite(func: &mut Func) -> bool {
    let is_call = |inst: &Inst| func.insts[inst.index()].op.row().effect == Effect::Call;
    if !func.cold || !func.blocks[ENTRY.index()].insts.iter().any(is_call) {
        return false;
    }
    let ends: Vec<usize> = (0..func.blocks.len())
        .filter(|&at| returns_on_its_own(func, at))
        .collect();
    if ends.len() < 2 {
        return false;
    }
    let exit = Block(func.blocks.len() as u32);
    func.blocks.push(BlockData {
        cold: true,
        ..BlockData::default()
    });
    let types: Vec<Type> = func.sig.results.iter().map(|ty| ty.value()).collect();
    let params = types
        .iter()
        .map(|&ty| func.add_block_param(exit, ty))
        .collect();
    func.blocks[exit.index()].term = Some(Term::Return(params));
    for at in ends {
        if let Some(Term::Return(args)) = func.blocks[at].term.take() {
            func.blocks[at].term = Some(Term::Jump(BlockCall { block: exit, args }));
        }
    }
    true
}

/// Whether a block returns something else than its last call does.
fn returns_on_its_own(func: &Func, at: usize) -> bool {
    let block = &func.blocks[at];
    let Some(Term::Return(values)) = &block.term else {
        return false;
    };
    let insts = block.insts.iter().map(|inst| &func.insts[inst.index()]);
    let last = insts.rev().find(|data| data.op != Op::Iconst);
    let is_from = |data: &InstData| {
        let null = data.op == Op::Call && values.iter().all(|value| !data.results.contains(value));
        data.op.row().effect == Effect::Call && (null || values[..] == data.results[..])
    };
    !last.is_some_and(is_from)
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
