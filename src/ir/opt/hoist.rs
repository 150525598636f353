//! Moves what is the same in every round of a loop out of it, to a block in front.
//!
//! Only operations without effect that are defined for all operands go, for the loop need not have come to them: no division, no load. Cheap ones
//! go where dear ones need them. How many go is limited by the registers there are.

use smallvec::SmallVec;

use super::loops::Forest;
use super::number::is_dear;
use super::rename::jumps_mut;
use crate::ir::cfg::{Cfg, Dominators};
use crate::ir::func::{Block, BlockCall, BlockData, Func, Inst, Term, Value};
use crate::ir::names;
use crate::ir::op::{Effect, Op, Type};

/// Results that are kept in registers around a loop, of each type.
const MOST: usize = 5;
/// Operands of operands that go along.
const STEPS: usize = 4;

/// The pass; whether anything changed.
pub(super) fn run(func: &mut Func, cfg: &Cfg, dominators: &Dominators) -> bool {
    let forest = Forest::new(func, cfg, dominators);
    let mut hoist = Hoist::new(func, &forest);
    for &block in &cfg.rpo {
        if forest.innermost(block).is_some() {
            hoist.block(block);
        }
    }
    let Hoist { fronts, moved, .. } = hoist;
    if !fronts.iter().any(|front| front.counts != [0, 0]) {
        return false;
    }
    for &block in &cfg.rpo {
        if forest.innermost(block).is_some() {
            let data = &mut func.blocks[block.index()];
            let stays = |inst: &Inst| !moved[inst.index()];
            let insts = data.insts.iter().copied().filter(stays).collect();
            let all = std::mem::replace(&mut data.insts, insts);
            names::follow(&mut data.names, &all, &data.insts);
        }
    }
    // In front of the loop, whoever stops at its line would find the variables of another moment.
    for (data, _) in func.insts.iter_mut().zip(&moved).filter(|row| *row.1) {
        data.span = None;
    }
    for (number, front) in fronts.into_iter().enumerate() {
        if !front.insts.is_empty() {
            put(func, cfg, &forest, number, front.insts);
        }
    }
    true
}

struct Hoist<'a> {
    func: &'a Func,
    forest: &'a Forest,
    /// The block that defines a value, and the instruction.
    homes: Vec<(Block, Option<Inst>)>,
    /// The outermost loop in front of which a value could be made, where there is one.
    loops: Vec<Option<usize>>,
    moved: Vec<bool>,
    fronts: Vec<Front>,
}

/// What goes in front of a loop.
#[derive(Clone, Default)]
struct Front {
    insts: Vec<Inst>,
    /// How many results of each type, constants apart.
    counts: [usize; 2],
}

impl<'a> Hoist<'a> {
    fn new(func: &'a Func, forest: &'a Forest) -> Hoist<'a> {
        let mut homes = vec![(crate::ir::func::ENTRY, None); func.values.len()];
        for (at, block) in func.blocks.iter().enumerate() {
            let here = Block(at as u32);
            for param in &block.params {
                homes[param.index()] = (here, None);
            }
            for &inst in &block.insts {
                for result in &func.insts[inst.index()].results {
                    homes[result.index()] = (here, Some(inst));
                }
            }
        }
        Hoist {
            func,
            forest,
            homes,
            loops: vec![None; func.values.len()],
            moved: vec![false; func.insts.len()],
            fronts: vec![Front::default(); forest.len()],
        }
    }

    fn block(&mut self, block: Block) {
        for &inst in &self.func.blocks[block.index()].insts {
            let data = &self.func.insts[inst.index()];
            if !may_go(data.op) {
                continue;
            }
            let mut found = None;
            let mut next = self.forest.innermost(block);
            while let Some(number) = next
                && data.args.iter().all(|&arg| self.is_outside(arg, number))
            {
                found = next;
                next = self.forest.parent(number);
            }
            for result in &data.results {
                self.loops[result.index()] = found;
            }
            if found.is_some() && is_dear(data.op) && !is_constant(data.op) {
                self.go(inst, STEPS);
            }
        }
    }

    /// Whether a value is made outside a loop, or could be.
    fn is_outside(&self, value: Value, number: usize) -> bool {
        let could = self.loops[value.index()];
        could.is_some_and(|could| self.forest.is_in(number, could))
            || !self.forest.contains(number, self.homes[value.index()].0)
    }

    /// Moves an instruction in front of its loop, after what it needs; not where registers are short.
    fn go(&mut self, inst: Inst, steps: usize) {
        let data = &self.func.insts[inst.index()];
        let Some(number) = self.loops[data.results[0].index()] else {
            return;
        };
        let class = |value: &Value| match self.func.ty(*value) {
            Type::I64 => 0,
            Type::F64 => 1,
        };
        let is_short = |result: &Value| self.fronts[number].counts[class(result)] >= MOST;
        if data.results.iter().any(is_short) {
            return;
        }
        // All or nothing: an operand that stays keeps this one.
        for arg in &data.args {
            let needed = self.homes[arg.index()]
                .1
                .filter(|_| self.loops[arg.index()].is_some());
            if let Some(needed) = needed.filter(|needed| !self.moved[needed.index()]) {
                if steps > 0 {
                    self.go(needed, steps - 1);
                }
                if !self.moved[needed.index()] {
                    return;
                }
            }
        }
        self.moved[inst.index()] = true;
        let front = &mut self.fronts[number];
        front.insts.push(inst);
        if !is_constant(data.op) {
            for result in &data.results {
                front.counts[match self.func.ty(*result) {
                    Type::I64 => 0,
                    Type::F64 => 1,
                }] += 1;
            }
        }
    }
}

/// Whether an operation is defined for all operands, and does nothing besides.
fn may_go(op: Op) -> bool {
    let has_precondition = matches!(
        op,
        Op::Sdiv | Op::Srem | Op::Udiv | Op::Urem | Op::FtoS | Op::FtoU
    );
    let is_address = matches!(
        op,
        Op::SlotAddr | Op::DataAddr | Op::FuncAddr | Op::ImportAddr
    );
    op.row().effect == Effect::Pure && !has_precondition && !is_address
}

fn is_constant(op: Op) -> bool {
    matches!(op, Op::Iconst | Op::Fconst)
}

/// Puts instructions in front of a loop: into the block that alone leads there, or a new one.
fn put(func: &mut Func, cfg: &Cfg, forest: &Forest, number: usize, insts: Vec<Inst>) {
    let head = forest.head(number);
    let mut preds = cfg.preds(head).to_vec();
    preds.retain(|pred| cfg.is_reachable(*pred) && !forest.contains(number, *pred));
    if let [pred] = preds[..]
        && let Some(Term::Jump(_)) = func.blocks[pred.index()].term
    {
        return func.blocks[pred.index()].insts.extend(insts);
    }
    let types: Vec<Type> = func.blocks[head.index()]
        .params
        .iter()
        .map(|&param| func.ty(param))
        .collect();
    let params: SmallVec<[Value; 2]> = types.into_iter().map(|ty| func.new_value(ty)).collect();
    let front = Block(func.blocks.len() as u32);
    preds.dedup();
    for pred in preds {
        let jumps = func.blocks[pred.index()]
            .term
            .iter_mut()
            .flat_map(jumps_mut);
        jumps
            .filter(|to| to.block == head)
            .for_each(|to| to.block = front);
    }
    let to = BlockCall {
        block: head,
        args: params.clone(),
    };
    func.blocks.push(BlockData {
        params,
        insts,
        term: Some(Term::Jump(to)),
        cold: func.blocks[head.index()].cold,
        ..BlockData::default()
    });
}

#[cfg(test)]
mod tests {
    use crate::ir::builder::Builder;
    use crate::ir::cfg::Cfg;
    use crate::ir::func::{AbiType, Func, Signature};
    use crate::ir::op::{IntCc, Op, Type};
    use crate::ir::print;
    use crate::ir::program::Program;

    /// What a loop of the two operations becomes: `op a, b` and one on the counter.
    fn check(op: Op, expected: &[&str]) {
        let sig = Signature::internal(&[AbiType::I64, AbiType::I64], &[AbiType::I64]);
        let mut b = Builder::new(Func::new("f", sig));
        let [x, y] = b.func.params()[..] else {
            unreachable!("it has two")
        };
        let (head, exit) = (b.block(), b.block());
        let i = b.param(head, Type::I64);
        b.br(x, head, &[y], exit, &[]);
        b.switch_to(head);
        let [first, second] = [(), ()].map(|()| b.op(op, &[x, y]));
        let next = b.op(Op::Iadd, &[i, first]);
        let less = b.icmp(IntCc::Slt, next, second);
        b.br(less, head, &[next], exit, &[]);
        b.seal(head);
        b.seal_and_switch_to(exit);
        b.ret(&[y]);
        let mut func = b.finish();
        let cfg = Cfg::new(&func);
        let dominators = cfg.dominators();
        super::super::number::run(&mut func, &cfg, &dominators);
        super::run(&mut func, &cfg, &dominators);
        let text = print::func(&func, &Program::new("p"));
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        assert_eq!(&lines[1..lines.len() - 1], expected);
    }

    #[test]
    fn what_takes_long_is_done_once_and_in_front() {
        check(
            Op::Imul,
            &[
                "b0(v0: i64, v1: i64):",
                "br v0, b3(v1), b2",
                "b1(v2: i64):",
                "v5 = iadd v2, v3",
                "v6 = icmp slt v5, v3",
                "br v6, b1(v5), b2",
                "b2:",
                "return v1",
                "b3(v7: i64):",
                "v3 = imul v0, v1",
                "jump b1(v7)",
            ],
        );
    }

    #[test]
    fn what_may_not_be_done_always_or_is_cheap_stays() {
        for (op, name) in [(Op::Sdiv, "sdiv"), (Op::Bxor, "bxor")] {
            check(
                op,
                &[
                    "b0(v0: i64, v1: i64):",
                    "br v0, b1(v1), b2",
                    "b1(v2: i64):",
                    &format!("v3 = {name} v0, v1"),
                    "v5 = iadd v2, v3",
                    "v6 = icmp slt v5, v3",
                    "br v6, b1(v5), b2",
                    "b2:",
                    "return v1",
                ],
            );
        }
    }
}
