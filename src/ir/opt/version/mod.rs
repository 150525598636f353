//! Makes a second version of a loop, without the checks that a look at its bounds shows to be needless.
//!
//! ```text
//!     jump head(0)                     before:  violations of a[i], b[i], c[i*w + j] at the first and the last i
//!     head(i): [check, check, ...]              br any, head(0), fast(0)
//!                                      head(i): [check, check, ...]
//!                                      fast(i): [...]
//! ```
//!
//! In a loop that counts (`for i in range(n)`, `for x in v`) most checks of indexes and of the arithmetic for them depend on
//! the counter alone; [`corners`] says when they hold in all rounds. What cannot be said so stays in both versions. The first version
//! raises what is to be raised, when it is to be raised. Loops are small, innermost, and call nothing on their usual path.

mod corners;
pub(super) mod count;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::loops::{Loop, Loops};
use super::outside::{Uses, pass_through, uses};
use super::rename::{jumps_mut, values_mut};
use crate::ir::cfg::Cfg;
use crate::ir::func::{Block, BlockCall, BlockData, Func, Inst, InstData, Term, Value};
use crate::ir::names;
use crate::ir::op::Effect;
use corners::{Corners, Counter};
use count::{Count, back_jump, counts, ends, has_few, has_few_rounds};

/// Instructions of a loop that is made twice.
const MOST_INSTS: usize = 160;
/// Instructions made to look at its bounds.
const MOST_CHECKS: usize = 120;

/// The pass; whether anything changed.
pub(super) fn run(func: &mut Func) -> bool {
    let cfg = Cfg::new(func);
    let dominators = cfg.dominators();
    let loops = Loops::new(func, &cfg, &dominators);
    let mut outside = uses(func, &cfg, &dominators, &loops);
    let mut ways = Ways::new();
    let mut changed = false;
    for (number, one) in loops.loops.iter().enumerate() {
        if let Some(uses) = outside[number].take()
            && is_worth_it(func, one)
        {
            changed |= version(func, &cfg, &loops, number, uses, &mut ways);
        }
    }
    changed
}

fn is_worth_it(func: &Func, one: &Loop) -> bool {
    let warm = || {
        one.members
            .iter()
            .map(|b| &func.blocks[b.index()])
            .filter(|b| !b.cold)
    };
    let calls = |inst: &Inst| func.insts[inst.index()].op.row().effect == Effect::Call;
    warm().map(|block| block.insts.len()).sum::<usize>() <= MOST_INSTS
        && !warm().any(|block| block.insts.iter().any(calls))
        && !func.blocks[one.head.index()].cold
}

/// Blocks of fast versions that lead out of their loop, by where they lead.
type Ways = BTreeMap<Block, Vec<Block>>;

fn version(
    func: &mut Func,
    cfg: &Cfg,
    loops: &Loops,
    number: usize,
    uses: Uses,
    ways: &mut Ways,
) -> bool {
    let one = &loops.loops[number];
    let Some(count) = counts(func, loops, number) else {
        return false;
    };
    if has_few_rounds(func, cfg, loops, number, &count) {
        return false;
    }
    // The ways in lead to a new block, which decides.
    let params = func.blocks[one.head.index()].params.clone();
    let before: SmallVec<[Value; 2]> = params
        .iter()
        .map(|&param| func.new_value(func.ty(param)))
        .collect();
    let Some(proof) = prove(func, cfg, loops, number, &count, &before) else {
        return false;
    };
    pass_through(func, cfg, uses);
    let fast = copy(func, loops, number, &proof, ways);
    let call = |block| BlockCall {
        block,
        args: before.clone(),
    };
    let look = Block(func.blocks.len() as u32);
    func.blocks.push(BlockData {
        insts: proof.insts,
        term: Some(Term::Br(proof.violation, call(one.head), call(fast))),
        ..BlockData::default()
    });
    let (few, insts) = has_few(func, loops, number, &count, before[count.place]);
    let look = BlockCall {
        block: look,
        args: SmallVec::new(),
    };
    let term = Term::Br(few, call(one.head), look);
    let decide = Block(func.blocks.len() as u32);
    let old = cfg.preds(one.head).iter().copied();
    let preds = old.filter(|&pred| pred != one.latch);
    for pred in preds.chain(ways.remove(&one.head).into_iter().flatten()) {
        let jumps = func.blocks[pred.index()]
            .term
            .iter_mut()
            .flat_map(jumps_mut);
        jumps
            .filter(|to| to.block == one.head)
            .for_each(|to| to.block = decide);
    }
    func.blocks.push(BlockData {
        params: before,
        insts,
        term: Some(term),
        ..BlockData::default()
    });
    true
}

/// What was found out about a loop.
struct Proof {
    /// Blocks whose branch always goes one way in the fast version: whether the first.
    goes: BTreeMap<Block, bool>,
    /// What to do before the loop, and what is not 0 where the fast version must not run.
    insts: Vec<Inst>,
    violation: Value,
    /// Blocks that the fast version has.
    alive: Vec<Block>,
}

fn prove(
    func: &mut Func,
    cfg: &Cfg,
    loops: &Loops,
    number: usize,
    count: &Count,
    before: &[Value],
) -> Option<Proof> {
    let one = &loops.loops[number];
    let params = func.blocks[one.head.index()].params.clone();
    let back = back_jump(func, one)?.clone();
    let mut corners = Corners::new(func, loops, number);
    let stop = corners.copied(count.stop);
    let first = before[count.place];
    ends(&mut corners, count, params[count.place], first, stop);
    let others = params.iter().zip(before).zip(&back.args);
    let counter =
        |((&value, &first), &next): ((&Value, &Value), &Value)| Counter { value, first, next };
    let is_other = |counter: &Counter| counter.value != params[count.place];
    corners.counters = others.map(counter).filter(is_other).collect();
    let mut goes: BTreeMap<Block, bool> = BTreeMap::new();
    let mut alive: Vec<Block> = Vec::new();
    for &block in &one.members {
        if block != one.head && !enter(&mut corners, cfg, block, &alive, &goes) {
            continue;
        }
        alive.push(block);
        let data = &corners.func.blocks[block.index()];
        let Some(Term::Br(cond, then, other)) = &data.term else {
            continue;
        };
        let is_cold = |to: &BlockCall| corners.func.blocks[to.block.index()].cold;
        let (cond, cold) = (*cond, (is_cold(then), is_cold(other)));
        if !data.cold
            && cold.0 != cold.1
            && corners.insts.len() < MOST_CHECKS
            && corners.require(cond, cold.1)
        {
            goes.insert(block, cold.1);
        }
    }
    let violation = corners.any_violation().filter(|_| !goes.is_empty())?;
    if corners.insts.len() > MOST_CHECKS {
        return None;
    }
    Some(Proof {
        goes,
        insts: corners.insts,
        violation,
        alive,
    })
}

/// Whether the fast version comes to a block; notes parameters that are always one value there.
fn enter(
    corners: &mut Corners,
    cfg: &Cfg,
    block: Block,
    alive: &[Block],
    goes: &BTreeMap<Block, bool>,
) -> bool {
    let mut ways: SmallVec<[SmallVec<[Value; 2]>; 2]> = SmallVec::new();
    for pred in alive {
        let Some(term) = &corners.func.blocks[pred.index()].term else {
            continue;
        };
        let taken = goes.get(pred).map(|&first| usize::from(!first));
        for (at, to) in term.targets().into_iter().enumerate() {
            if to.block == block && taken.is_none_or(|taken| taken == at) {
                ways.push(to.args.clone());
            }
        }
    }
    debug_assert!(ways.len() <= cfg.preds(block).len());
    let params = corners.func.blocks[block.index()].params.clone();
    if let Some((one, others)) = ways.split_first() {
        for (place, param) in params.into_iter().enumerate() {
            if others.iter().all(|other| other[place] == one[place]) {
                corners.same.insert(param, one[place]);
            }
        }
    }
    !ways.is_empty()
}

/// The fast version's head.
fn copy(func: &mut Func, loops: &Loops, number: usize, proof: &Proof, ways: &mut Ways) -> Block {
    let one = &loops.loops[number];
    let start = func.blocks.len() as u32;
    let places = proof.alive.iter().zip(start..);
    let blocks: BTreeMap<Block, Block> = places.map(|(&old, new)| (old, Block(new))).collect();
    let mut values: BTreeMap<Value, Value> = BTreeMap::new();
    for old in &proof.alive {
        let params = func.blocks[old.index()].params.clone();
        for param in params {
            let new = func.new_value(func.ty(param));
            values.insert(param, new);
        }
        for inst in func.blocks[old.index()].insts.clone() {
            for result in func.insts[inst.index()].results.clone() {
                let new = func.new_value(func.ty(result));
                values.insert(result, new);
            }
        }
    }
    let new_of = |value: &Value| values.get(value).copied().unwrap_or(*value);
    for &old in &proof.alive {
        let mut data = func.blocks[old.index()].clone();
        let originals = data.insts.clone();
        for inst in &mut data.insts {
            let mut inst_data = func.insts[inst.index()].clone();
            let InstData { args, results, .. } = &mut inst_data;
            args.iter_mut()
                .chain(results)
                .for_each(|value| *value = new_of(value));
            func.insts.push(inst_data);
            *inst = Inst(func.insts.len() as u32 - 1);
        }
        names::copy(&mut data.names, &originals, &data.insts, |value| {
            new_of(&value)
        });
        data.params
            .iter_mut()
            .for_each(|param| *param = new_of(param));
        let term = match (data.term, proof.goes.get(&old)) {
            (Some(Term::Br(_, then, other)), Some(&first)) => {
                Some(Term::Jump(if first { then } else { other }))
            }
            (term, _) => term,
        };
        data.term = term.map(|mut term| {
            values_mut(&mut term).for_each(|value| *value = new_of(value));
            for to in jumps_mut(&mut term) {
                match blocks.get(&to.block) {
                    Some(&new) => to.block = new,
                    None => ways.entry(to.block).or_default().push(blocks[&old]),
                }
            }
            term
        });
        func.blocks.push(data);
    }
    blocks[&one.head]
}
