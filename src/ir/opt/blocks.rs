//! Removes blocks that are never reached, joins a block with its only successor, and leads jumps past blocks that only jump on.
//!
//! No critical edge is made (from a block with several successors to one with several predecessors): allocation would only split it again.
//! What is cold stays apart from what is warm.

use std::cell::LazyCell;

use smallvec::SmallVec;

use super::rename::{Renames, jumps_mut};
use crate::base::source::Span;
use crate::ir::cfg::{Cfg, reachable};
use crate::ir::func::{Block, BlockCall, ENTRY, Func, Term, Value};
use crate::ir::names::NamedValue;

/// Joins blocks and leads jumps past empty ones; whether anything changed. What is left behind is unreachable.
pub(super) fn run(func: &mut Func) -> bool {
    let mut changed = lead_past_empty(func);
    changed |= join(func);
    changed |= remove_unreachable(func);
    changed
}

/// Makes branches that may lead to an empty block without an end go the other way at once: what was assumed has served. Whether there were any.
pub(super) fn drop_assumptions(func: &mut Func) -> bool {
    let never: Vec<bool> = func
        .blocks
        .iter()
        .map(|block| block.insts.is_empty() && matches!(block.term, Some(Term::Unreachable)))
        .collect();
    let mut changed = false;
    for block in &mut func.blocks {
        if let Some(Term::Br(_, then, other)) = &mut block.term {
            let to = match (never[then.block.index()], never[other.block.index()]) {
                (false, true) => then.clone(),
                (true, false) => other.clone(),
                _ => continue,
            };
            block.term = Some(Term::Jump(to));
            changed = true;
        }
    }
    changed
}

/// Drops blocks without a way in and renumbers the rest, in order; whether there were any.
pub(super) fn remove_unreachable(func: &mut Func) -> bool {
    let reached = reachable(func);
    if reached.iter().all(|&reached| reached) {
        return false;
    }
    let mut numbers = Vec::with_capacity(func.blocks.len());
    let mut next = 0;
    for at in 0..func.blocks.len() as u32 {
        numbers.push(Block(next));
        next += u32::from(reached[at as usize]);
    }
    let mut at = 0;
    func.blocks.retain(|_| {
        at += 1;
        reached[at - 1]
    });
    for block in &mut func.blocks {
        for to in block.term.iter_mut().flat_map(jumps_mut) {
            to.block = numbers[to.block.index()];
        }
    }
    true
}

/// Appends to a block the one it jumps to, where no other jump leads there.
fn join(func: &mut Func) -> bool {
    let cfg = Cfg::new(func);
    let mut renames = Renames::new(func);
    let mut changed = false;
    for &block in &cfg.rpo {
        while let Some(Term::Jump(to)) = &func.blocks[block.index()].term {
            let next = to.block;
            let alone = next != block && cfg.preds(next).len() == 1;
            if !alone || func.blocks[next.index()].cold != func.blocks[block.index()].cold {
                break;
            }
            let args = to.args.clone();
            let taken = std::mem::take(&mut func.blocks[next.index()]);
            for (param, arg) in taken.params.into_iter().zip(args) {
                renames.set(param, arg);
            }
            let data = &mut func.blocks[block.index()];
            for row in &mut data.names {
                row.before = row.before.or(taken.insts.first().copied());
            }
            data.names.extend(taken.names);
            data.insts.extend(taken.insts);
            data.term = taken.term;
            data.term_span = taken.term_span;
            func.blocks[next.index()].term = Some(Term::Unreachable);
            changed = true;
        }
    }
    renames.apply(func);
    changed
}

/// A block that does nothing but jump, with parameters that nothing else uses.
struct Empty {
    params: SmallVec<[Value; 2]>,
    to: BlockCall,
    names: Vec<NamedValue>,
    term_span: Option<Span>,
}

fn lead_past_empty(func: &mut Func) -> bool {
    let uses = LazyCell::new(|| func.count_uses());
    let empty: Vec<Option<Empty>> = (0..func.blocks.len() as u32)
        .map(|at| as_empty(func, Block(at), |value| uses[value.index()]))
        .collect();
    let mut changed = false;
    for block in &mut func.blocks {
        // Only plain jumps: a branch led past would become a critical edge.
        let Some(Term::Jump(to)) = &mut block.term else {
            continue;
        };
        // One step at a time: the next round goes on, and circles of empty blocks end.
        let Some(empty) = &empty[to.block.index()] else {
            continue;
        };
        let passed = |value: &Value| match empty.params.iter().position(|param| param == value) {
            Some(at) => to.args[at],
            None => *value,
        };
        let args = empty.to.args.iter().map(&passed).collect();
        block.names.extend(empty.names.iter().map(|row| NamedValue {
            value: row.value.as_ref().map(&passed),
            // The jump is in front of all that.
            span: row.span.or(empty.term_span),
            ..*row
        }));
        *to = BlockCall {
            block: empty.to.block,
            args,
        };
        // Behind what is named there, the jump is that block's.
        if !empty.names.is_empty() {
            block.term_span = empty.term_span;
        }
        changed = true;
    }
    changed
}

fn as_empty(func: &Func, block: Block, uses: impl Fn(Value) -> u32) -> Option<Empty> {
    let data = &func.blocks[block.index()];
    let Some(Term::Jump(to)) = &data.term else {
        return None;
    };
    if block == ENTRY || !data.insts.is_empty() || to.block == block {
        return None;
    }
    let passed_on = |param: &Value| to.args.iter().filter(|arg| *arg == param).count() as u32;
    let only_here = |param: &Value| uses(*param) == passed_on(param);
    data.params.iter().all(only_here).then(|| Empty {
        params: data.params.clone(),
        to: to.clone(),
        names: data.names.clone(),
        term_span: data.term_span,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::builder::Builder;
    use crate::ir::func::{AbiType, Signature};
    use crate::ir::op::{Op, Type};

    /// A branch whose arms pass something to an empty block, which passes it on to one that returns it.
    fn diamond(cold: bool) -> Func {
        let sig = Signature::internal(&[AbiType::I64], &[AbiType::I64]);
        let mut b = Builder::new(Func::new("f", sig));
        let x = b.func.params()[0];
        let (then, other, empty) = (b.block(), b.block(), b.block());
        let exit = if cold { b.cold_block() } else { b.block() };
        let (p, q) = (b.param(empty, Type::I64), b.param(exit, Type::I64));
        b.br(x, then, &[], other, &[]);
        b.seal_and_switch_to(then);
        let minus = b.op(Op::Ineg, &[x]);
        b.jump(empty, &[minus]);
        b.seal_and_switch_to(other);
        b.jump(empty, &[x]);
        b.seal_and_switch_to(empty);
        b.jump(exit, &[p]);
        b.seal_and_switch_to(exit);
        b.ret(&[q]);
        b.finish()
    }

    #[test]
    fn jumps_lead_past_empty_blocks() {
        let mut func = diamond(true);
        assert!(run(&mut func));
        assert_eq!(func.blocks.len(), 4, "{func:?}");
        let exit = Block(3);
        for arm in [1, 2] {
            assert!(matches!(&func.blocks[arm].term, Some(Term::Jump(to)) if to.block == exit));
        }
    }

    #[test]
    fn chains_become_one_block() {
        let sig = Signature::internal(&[AbiType::I64], &[AbiType::I64]);
        let mut b = Builder::new(Func::new("f", sig));
        let mut value = b.func.params()[0];
        for _ in 0..5 {
            let next = b.block();
            let param = b.param(next, Type::I64);
            value = b.op(Op::Ineg, &[value]);
            b.jump(next, &[value]);
            b.seal_and_switch_to(next);
            value = param;
        }
        b.ret(&[value]);
        let mut func = b.finish();
        assert!(run(&mut func));
        assert_eq!((func.blocks.len(), func.blocks[0].insts.len()), (1, 5));
        assert!(!run(&mut func));
    }
}
