//! Writes out loops of a few rounds, whose number is known: `for dx in range(-1, 2)`.
//!
//! Each round becomes a copy of the loop's blocks, where the counter is a constant; the loop itself is not reached any more. What depends on
//! the counter alone is folded then, and the loop around becomes an innermost one. Loops are tested at their end, as `for` is.

use std::collections::BTreeMap;

use smallvec::{SmallVec, smallvec};

use super::loops::{Loop, Loops};
use super::outside::{Uses, pass_through, uses};
use super::rename::{jumps_mut, values_mut};
use super::version::count::{back_jump, counts};
use crate::ir::cfg::Cfg;
use crate::ir::func::{Block, BlockCall, BlockData, Func, Inst, InstData, Payload, Term, Value};
use crate::ir::names;
use crate::ir::op::{Effect, Op, Type};

/// Rounds that are written out.
const MOST_ROUNDS: i128 = 8;
/// Instructions of all of them.
const MOST_INSTS: usize = 100;

/// The pass; whether anything changed.
pub(super) fn run(func: &mut Func) -> bool {
    let cfg = Cfg::new(func);
    let dominators = cfg.dominators();
    let loops = Loops::new(func, &cfg, &dominators);
    let rounds: Vec<Option<Rounds>> = (0..loops.loops.len())
        .map(|number| rounds(func, &cfg, &loops, number))
        .collect();
    if rounds.iter().all(Option::is_none) {
        return false;
    }
    let outside = uses(func, &cfg, &dominators, &loops);
    let mut changed = false;
    for ((one, rounds), uses) in loops.loops.iter().zip(rounds).zip(outside) {
        if let (Some(rounds), Some(uses)) = (rounds, uses) {
            write_out(func, &cfg, one, &rounds, uses);
            changed = true;
        }
    }
    changed
}

/// The values that a counter has.
struct Rounds {
    /// The counter: a parameter of the head, by place.
    place: usize,
    values: Vec<i64>,
}

/// The rounds of a loop, if they are few and their number is known.
fn rounds(func: &Func, cfg: &Cfg, loops: &Loops, number: usize) -> Option<Rounds> {
    let one = &loops.loops[number];
    let blocks = || one.members.iter().map(|block| &func.blocks[block.index()]);
    let insts: usize = blocks().map(|block| block.insts.len()).sum();
    let calls = |inst: &Inst| func.insts[inst.index()].op.row().effect == Effect::Call;
    if insts > MOST_INSTS || blocks().any(|block| block.insts.iter().any(calls)) {
        return None;
    }
    let count = counts(func, loops, number)?;
    // The test is the one at the end.
    back_jump(func, one)?;
    let Some(Term::Br(cond, ..)) = &func.blocks[one.latch.index()].term else {
        return None;
    };
    (*cond == count.cond).then_some(())?;
    let stop = loops.constant(func, count.stop)?;
    let mut first = None;
    for pred in cfg
        .preds(one.head)
        .iter()
        .filter(|&&pred| pred != one.latch)
    {
        let term = func.blocks[pred.index()].term.as_ref()?;
        for to in term.targets().into_iter().filter(|to| to.block == one.head) {
            let value = loops.constant(func, to.args[count.place])?;
            if first.is_some_and(|first| first != value) {
                return None;
            }
            first = Some(value);
        }
    }
    let (first, by) = (i128::from(first?), i128::from(count.by));
    let span = (i128::from(stop) - first) * by.signum() - 1;
    let last = span / by.abs();
    let few = span >= 0 && last < MOST_ROUNDS && insts * (last as usize + 1) <= MOST_INSTS;
    let is_natural = !count.unsigned || first >= 0 && stop >= 0;
    (few && is_natural).then(|| Rounds {
        place: count.place,
        values: (0..=last)
            .map(|round| (first + round * by) as i64)
            .collect(),
    })
}

fn write_out(func: &mut Func, cfg: &Cfg, one: &Loop, rounds: &Rounds, uses: Uses) {
    pass_through(func, cfg, uses);
    let params = func.blocks[one.head.index()].params.clone();
    // The ways in meet in a new block.
    let before: SmallVec<[Value; 2]> = params
        .iter()
        .map(|&param| func.new_value(func.ty(param)))
        .collect();
    let entry = Block(func.blocks.len() as u32);
    for &pred in cfg
        .preds(one.head)
        .iter()
        .filter(|&&pred| pred != one.latch)
    {
        let jumps = func.blocks[pred.index()]
            .term
            .iter_mut()
            .flat_map(jumps_mut);
        jumps
            .filter(|to| to.block == one.head)
            .for_each(|to| to.block = entry);
    }
    let bare = |block| {
        Term::Jump(BlockCall {
            block,
            args: SmallVec::new(),
        })
    };
    func.blocks.push(BlockData {
        params: before.clone(),
        term: Some(bare(Block(entry.0 + 1))),
        ..BlockData::default()
    });
    let mut incoming = before;
    for (round, &counter) in rounds.values.iter().enumerate() {
        let is_last = round + 1 == rounds.values.len();
        incoming = copy(func, one, &incoming, (rounds.place, counter), is_last);
    }
}

/// Appends a round; what it passes on to the next, which stands behind it.
fn copy(
    func: &mut Func,
    one: &Loop,
    incoming: &[Value],
    (place, counter): (usize, i64),
    is_last: bool,
) -> SmallVec<[Value; 2]> {
    let start = func.blocks.len() as u32;
    let blocks: BTreeMap<Block, Block> = one
        .members
        .iter()
        .copied()
        .zip((start..).map(Block))
        .collect();
    let next = Block(start + one.members.len() as u32);
    let params = func.blocks[one.head.index()].params.clone();
    let mut values: BTreeMap<Value, Value> =
        params.into_iter().zip(incoming.iter().copied()).collect();
    let constant = func.new_value(Type::I64);
    func.insts.push(InstData {
        op: Op::Iconst,
        args: SmallVec::new(),
        payload: Payload::Int(counter),
        results: smallvec![constant],
        span: None,
    });
    let constant_inst = Inst(func.insts.len() as u32 - 1);
    values.insert(func.blocks[one.head.index()].params[place], constant);
    let mut passed = SmallVec::new();
    for &old in &one.members {
        let mut data = func.blocks[old.index()].clone();
        match old == one.head {
            true => data.params.clear(),
            false => data.params.iter_mut().for_each(|param| {
                let new = func.new_value(func.ty(*param));
                values.insert(std::mem::replace(param, new), new);
            }),
        }
        let originals = data.insts.clone();
        for at in &mut data.insts {
            let mut inst = func.insts[at.index()].clone();
            for result in &mut inst.results {
                let new = func.new_value(func.ty(*result));
                values.insert(std::mem::replace(result, new), new);
            }
            for arg in &mut inst.args {
                *arg = values.get(arg).copied().unwrap_or(*arg);
            }
            func.insts.push(inst);
            *at = Inst(func.insts.len() as u32 - 1);
        }
        names::copy(&mut data.names, &originals, &data.insts, |value| {
            values.get(&value).copied().unwrap_or(value)
        });
        if old == one.head {
            data.insts.insert(0, constant_inst);
        }
        if let Some(term) = &mut data.term {
            for value in values_mut(term) {
                *value = values.get(value).copied().unwrap_or(*value);
            }
            if old == one.latch {
                (*term, passed) = end(term, one.head, next, is_last);
            }
            for to in jumps_mut(term) {
                to.block = blocks.get(&to.block).copied().unwrap_or(to.block);
            }
        }
        func.blocks.push(data);
    }
    passed
}

/// How a round ends, which is known, and what it passes on.
fn end(term: &Term, head: Block, next: Block, is_last: bool) -> (Term, SmallVec<[Value; 2]>) {
    let mut passed = SmallVec::new();
    let mut out = None;
    for to in term.targets() {
        if to.block == head {
            passed = to.args.clone();
        } else {
            out = Some(to.clone());
        }
    }
    match out.filter(|_| is_last) {
        Some(out) => (Term::Jump(out), passed),
        None => {
            let to = BlockCall {
                block: next,
                args: SmallVec::new(),
            };
            (Term::Jump(to), passed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::builder::Builder;
    use crate::ir::func::{AbiType, Signature};
    use crate::ir::op::IntCc;
    use crate::ir::program::{FuncId, Program};
    use crate::ir::{interp, verify};

    /// `for i in range(first, stop, by): total = total * 10 + i; if total == n: break`, then total; whether the loop is left.
    fn check(first: i64, stop: i64, by: i64) -> bool {
        let sig = Signature::internal(&[AbiType::I64], &[AbiType::I64]);
        let mut b = Builder::new(Func::new("f", sig));
        let n = b.func.params()[0];
        let (head, exit) = (b.block(), b.block());
        let (i, total) = (b.param(head, Type::I64), b.param(head, Type::I64));
        let (start, zero) = (b.iconst(first), b.iconst(0));
        let result = b.param(exit, Type::I64);
        b.jump(head, &[start, zero]);
        b.switch_to(head);
        let ten = b.iconst(10);
        let shifted = b.op(Op::Imul, &[total, ten]);
        let sum = b.op(Op::Iadd, &[shifted, i]);
        let is_it = b.icmp(IntCc::Eq, sum, n);
        b.exit_if(is_it, exit, &[n]);
        let (stop, by) = (b.iconst(stop), b.iconst(by));
        let left = b.op(Op::Isub, &[stop, i]);
        let more = b.icmp(IntCc::Ugt, left, by);
        let next = b.op(Op::Iadd, &[i, by]);
        b.br(more, head, &[next, sum], exit, &[sum]);
        b.seal(head);
        b.seal_and_switch_to(exit);
        b.ret(&[result]);
        let func = b.finish();
        let (mut before, mut after) = (Program::new("p"), Program::new("p"));
        before.add_func(func.clone());
        let mut func = func;
        run(&mut func);
        super::super::blocks::remove_unreachable(&mut func);
        let has_loop = super::super::has_loops(&func);
        after.add_func(func);
        assert_eq!(verify::verify(&after), Ok(()));
        for n in [0, 1, 12, 123, 1234, 13, 5] {
            let old = interp::run(&before, FuncId(0), &[n]).expect("it ends");
            let new = interp::run(&after, FuncId(0), &[n]).expect("it ends");
            assert_eq!(old, new, "{n}");
        }
        has_loop
    }

    #[test]
    fn few_rounds_are_written_out() {
        assert!(!check(1, 2, 1));
        assert!(!check(1, 4, 1));
        assert!(!check(1, 9, 1));
        assert!(!check(1, 6, 2));
        assert!(!check(1, 7, 2));
        assert!(check(1, 20, 1), "there are many");
    }
}
