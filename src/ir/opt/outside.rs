//! Values of loops that are used behind them: found for all loops at once, and handed out as parameters before a loop gets copies.
//!
//! A value that a loop computes dominates its uses. Once the loop has copies, what stands behind it gets the value from one of several: the block
//! behind the loop that leads to the use becomes a place where they meet.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::loops::Loops;
use super::rename::{jumps_mut, values_mut};
use crate::ir::cfg::{Cfg, Dominators};
use crate::ir::func::{Block, Func, Term, Value};

/// Uses of a loop's values outside: the value, the block that uses it, and the block behind the loop that leads there.
pub(super) type Uses = Vec<(Value, Block, Block)>;

/// For each loop, where its values are used outside it; `None` where two ways out lead to the same use.
pub(super) fn uses(
    func: &Func,
    cfg: &Cfg,
    dominators: &Dominators,
    loops: &Loops,
) -> Vec<Option<Uses>> {
    let mut exits: Vec<SmallVec<[Block; 4]>> = vec![SmallVec::new(); loops.loops.len()];
    for &block in &cfg.rpo {
        let mut preds = cfg.preds(block).iter().map(|&pred| loops.of(pred));
        let first = preds.next().flatten();
        if let Some(number) = first.filter(|&number| loops.of(block) != Some(number))
            && preds.all(|pred| pred == first)
        {
            exits[number].push(block);
        }
    }
    let mut found: Vec<Option<Uses>> = loops.loops.iter().map(|_| Some(Vec::new())).collect();
    for &block in &cfg.rpo {
        let mut note = |value: Value| {
            let number = loops.home(value).and_then(|home| loops.of(home));
            let Some(number) = number.filter(|&number| loops.of(block) != Some(number)) else {
                return;
            };
            let leads_here = |exit: &&Block| dominators.dominates(**exit, block);
            match exits[number].iter().find(leads_here) {
                Some(&exit) => {
                    if let Some(uses) = &mut found[number] {
                        uses.push((value, block, exit));
                    }
                }
                None => found[number] = None,
            }
        };
        let data = &func.blocks[block.index()];
        let insts = data.insts.iter();
        insts
            .flat_map(|inst| &func.insts[inst.index()].args)
            .for_each(|&value| note(value));
        match &data.term {
            Some(Term::Br(cond, ..)) => note(*cond),
            Some(Term::Return(values)) => values.iter().for_each(|&value| note(value)),
            Some(Term::Jump(_) | Term::Unreachable) | None => {}
        }
        let jumps = data.term.iter().flat_map(|term| term.targets());
        jumps.flat_map(|to| &to.args).for_each(|&value| note(value));
    }
    found
}

/// Hands what is used behind the loop to the blocks there as parameters: they come from copies of it, too.
pub(super) fn pass_through(func: &mut Func, cfg: &Cfg, uses: Uses) {
    let mut params: BTreeMap<(Value, Block), Value> = BTreeMap::new();
    for (value, user, exit) in uses {
        let param = *params.entry((value, exit)).or_insert_with(|| {
            let ty = func.ty(value);
            let mut preds = cfg.preds(exit).to_vec();
            preds.dedup();
            for pred in preds {
                let jumps = func.blocks[pred.index()]
                    .term
                    .iter_mut()
                    .flat_map(jumps_mut);
                jumps
                    .filter(|to| to.block == exit)
                    .for_each(|to| to.args.push(value));
            }
            func.add_block_param(exit, ty)
        });
        let data = &mut func.blocks[user.index()];
        let replace = |at: &mut Value| {
            if *at == value {
                *at = param;
            }
        };
        for inst in &data.insts {
            func.insts[inst.index()].args.iter_mut().for_each(replace);
        }
        let term = data.term.iter_mut();
        term.for_each(|term| values_mut(term).for_each(replace));
    }
}
