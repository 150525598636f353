//! Removes instructions without effect whose results nobody uses, block parameters nobody uses, and overflow flags nobody uses.
//!
//! Everything is dead until a use is found, starting from stores, calls, conditions and returned values; so parameters that only feed
//! each other around a loop go too. A load that nobody uses goes; loops stay, even where they compute nothing.

use super::rename::remove_params;
use crate::ir::cfg::Preds;
use crate::ir::func::{Block, ENTRY, Func, Inst, Term, Value};
use crate::ir::names;
use crate::ir::op::{Effect, Op};

/// Where a value comes from.
#[derive(Clone, Copy)]
enum Source {
    Inst(Inst),
    Param(Block, usize),
}

/// The pass; whether anything changed.
pub(super) fn run(func: &mut Func) -> bool {
    let live = live_values(func);
    let mut changed = false;
    for block in &mut func.blocks {
        let before = block.insts.len();
        let all = (!block.names.is_empty()).then(|| block.insts.clone());
        block.insts.retain(|inst| {
            let inst = &func.insts[inst.index()];
            has_effect(inst.op) || inst.results.iter().any(|result| live[result.index()])
        });
        changed |= block.insts.len() != before;
        if let Some(all) = all {
            names::follow(&mut block.names, &all, &block.insts);
        }
        for &inst in &block.insts {
            let inst = &mut func.insts[inst.index()];
            if let Some(op) = without_flag(inst.op)
                && !live[inst.results[1].index()]
            {
                inst.op = op;
                inst.results.truncate(1);
                changed = true;
            }
        }
    }
    let is_dead = |param: &Value| !live[param.index()];
    let mut others = func.blocks.iter().skip(1);
    if others.any(|block| block.params.iter().any(is_dead)) {
        let mut dead: Vec<Vec<bool>> = Vec::with_capacity(func.blocks.len());
        dead.extend(
            func.blocks
                .iter()
                .map(|block| block.params.iter().map(is_dead).collect()),
        );
        dead[ENTRY.index()].fill(false);
        remove_params(func, &dead);
        changed = true;
    }
    changed
}

fn has_effect(op: Op) -> bool {
    match op.row().effect {
        Effect::Pure | Effect::Load => false,
        Effect::Store | Effect::Call => true,
    }
}

/// The operation that computes just the first result.
fn without_flag(op: Op) -> Option<Op> {
    match op {
        Op::SaddOvf | Op::UaddOvf => Some(Op::Iadd),
        Op::SsubOvf | Op::UsubOvf => Some(Op::Isub),
        Op::SmulOvf | Op::UmulOvf => Some(Op::Imul),
        _ => None,
    }
}

fn live_values(func: &Func) -> Vec<bool> {
    let mut sources: Vec<Option<Source>> = vec![None; func.values.len()];
    let preds = Preds::new(func);
    let mut todo: Vec<Value> = Vec::new();
    for (at, block) in func.blocks.iter().enumerate() {
        let here = Block(at as u32);
        for (place, param) in block.params.iter().enumerate() {
            sources[param.index()] = Some(Source::Param(here, place));
        }
        for &inst in &block.insts {
            let data = &func.insts[inst.index()];
            for result in &data.results {
                sources[result.index()] = Some(Source::Inst(inst));
            }
            if has_effect(data.op) {
                todo.extend(&data.args);
            }
        }
        let Some(term) = &block.term else { continue };
        match term {
            Term::Br(cond, ..) => todo.push(*cond),
            Term::Return(list) => todo.extend(list),
            Term::Jump(_) | Term::Unreachable => {}
        }
    }
    let mut live = vec![false; func.values.len()];
    while let Some(value) = todo.pop() {
        if std::mem::replace(&mut live[value.index()], true) {
            continue;
        }
        match sources[value.index()] {
            Some(Source::Inst(inst)) => todo.extend(&func.insts[inst.index()].args),
            Some(Source::Param(block, place)) => {
                for pred in preds.of(block) {
                    let jumps = func.blocks[pred.index()].term.iter();
                    let jumps = jumps.flat_map(|term| term.targets());
                    let here = jumps.filter(|to| to.block == block);
                    todo.extend(here.map(|to| to.args[place]));
                }
            }
            None => {}
        }
    }
    live
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::builder::Builder;
    use crate::ir::func::{AbiType, Signature};
    use crate::ir::op::{MemType, Type};

    #[test]
    fn unused_loops_of_parameters_loads_and_flags_go_and_stores_stay() {
        let sig = Signature::internal(&[AbiType::I64], &[AbiType::I64]);
        let mut b = Builder::new(Func::new("f", sig));
        let x = b.func.params()[0];
        let (head, exit) = (b.block(), b.block());
        let (unused, used) = (b.param(head, Type::I64), b.param(head, Type::I64));
        b.jump(head, &[x, x]);
        b.switch_to(head);
        let next = b.op(Op::Iadd, &[unused, x]);
        b.load(MemType::I64, x, 0);
        b.store(MemType::I64, x, x, 0);
        let (sum, _flag) = b.op_ovf(Op::SaddOvf, used, x);
        b.br(x, head, &[next, sum], exit, &[]);
        b.seal(head);
        b.seal_and_switch_to(exit);
        b.ret(&[sum]);
        let mut func = b.finish();
        assert!(run(&mut func));
        let ops: Vec<Op> = func.blocks[1]
            .insts
            .iter()
            .map(|inst| func.insts[inst.index()].op)
            .collect();
        assert_eq!(ops, [Op::Store, Op::Iadd]);
        assert_eq!(func.blocks[1].params[..], [used]);
        assert!(!run(&mut func));
    }
}
