//! Turns short branches between integers into selects: what a processor mispredicts costs more than computing both sides.
//!
//! ```text
//!     b: br c, t, j(x)                  b: y = isub x, k
//!     t: y = isub x, k                     z = select c, y, x
//!        jump j(y)                         jump j(z)
//! ```
//!
//! A side is nothing but a few operations that are cheap, without effect and defined for all operands. It may end with an addition that is
//! checked, where the other side leaves the number as it is (`if c: n += 1`): then zero is added there. Floats stay with branches: a
//! running minimum is mostly predicted, and a select would put it into the chain of the loop. Ranges that branches tell are used before.

use smallvec::{SmallVec, smallvec};

use crate::ir::cfg::Cfg;
use crate::ir::func::{Block, BlockCall, Func, Inst, InstData, Payload, Term, Value};
use crate::ir::names;
use crate::ir::op::{Op, Type};

/// Instructions of both sides, constants apart, that are not too many to be run always.
const MOST: usize = 4;
/// Parameters that differ.
const MOST_SELECTS: usize = 2;

/// A side of a branch, up to where the two meet.
struct Side {
    /// The block, if the branch does not lead to the meeting place at once.
    block: Option<Block>,
    /// The checked sum at its end, and where control goes when it overflows.
    sum: Option<(Inst, BlockCall)>,
    /// The block on the edge behind the sum.
    edge: Option<Block>,
    /// Where it leads.
    to: BlockCall,
}

/// The pass; whether anything changed.
pub(super) fn run(func: &mut Func) -> bool {
    let is_branch = |block: &crate::ir::func::BlockData| matches!(block.term, Some(Term::Br(..)));
    if !func
        .blocks
        .iter()
        .any(|block| is_branch(block) && !block.cold)
    {
        return false;
    }
    let cfg = Cfg::new(func);
    let blocks = (0..func.blocks.len() as u32).map(Block);
    let mut preds: Vec<SmallVec<[Block; 2]>> = blocks.map(|b| cfg.preds(b).into()).collect();
    let mut changed = false;
    // Inner branches first: what becomes of them may be a side of an outer one.
    for &block in cfg.rpo.iter().rev() {
        if let Some((cond, then, other)) = sides(func, &preds, block)
            && convert(func, &mut preds, block, cond, [then, other])
        {
            changed = true;
        }
    }
    changed
}

/// The two sides of the branch at the end of a block, if they meet.
fn sides(func: &Func, preds: &[SmallVec<[Block; 2]>], block: Block) -> Option<(Value, Side, Side)> {
    let data = &func.blocks[block.index()];
    let Some(Term::Br(cond, then, other)) = &data.term else {
        return None;
    };
    if data.cold {
        return None;
    }
    let ways = |to: &BlockCall| {
        let direct = Side {
            block: None,
            sum: None,
            edge: None,
            to: to.clone(),
        };
        side(func, preds, to).into_iter().chain([direct])
    };
    for a in ways(then) {
        for b in ways(other) {
            let apart = a.sum.is_none() || b.sum.is_none();
            if a.to.block == b.to.block && apart && !func.blocks[a.to.block.index()].cold {
                return Some((*cond, a, b));
            }
        }
    }
    None
}

/// The side that begins with this jump, if its block can be run always.
fn side(func: &Func, preds: &[SmallVec<[Block; 2]>], to: &BlockCall) -> Option<Side> {
    let data = &func.blocks[to.block.index()];
    if preds[to.block.index()].len() != 1 || data.cold || !to.args.is_empty() {
        return None;
    }
    let is_cheap = |inst: &Inst| is_cheap(func.insts[inst.index()].op);
    let block = Some(to.block);
    match &data.term {
        Some(Term::Jump(to)) if data.insts.iter().all(is_cheap) => Some(Side {
            block,
            sum: None,
            edge: None,
            to: to.clone(),
        }),
        Some(Term::Br(flag, fails, next)) => {
            let (&sum, before) = data.insts.split_last()?;
            let inst = &func.insts[sum.index()];
            let is_sum = matches!(inst.op, Op::SaddOvf | Op::SsubOvf) && inst.results[1] == *flag;
            let is_cold = func.blocks[fails.block.index()].cold;
            // Critical edges have a block.
            let after = &func.blocks[next.block.index()];
            let Some(Term::Jump(to)) = &after.term else {
                return None;
            };
            let is_edge = preds[next.block.index()].len() == 1
                && after.insts.is_empty()
                && after.params.is_empty();
            (is_sum && is_cold && is_edge && before.iter().all(is_cheap)).then(|| Side {
                block,
                sum: Some((sum, fails.clone())),
                edge: Some(next.block),
                to: to.clone(),
            })
        }
        _ => None,
    }
}

/// Whether an operation costs a cycle or so, and is defined for all operands.
fn is_cheap(op: Op) -> bool {
    match op {
        Op::Iconst | Op::Iadd | Op::Isub | Op::Ineg | Op::Bnot | Op::Band | Op::Bor | Op::Bxor => {
            true
        }
        Op::Ishl | Op::Sshr | Op::Ushr | Op::Rotl => true,
        Op::Sext8 | Op::Sext16 | Op::Sext32 | Op::Zext8 | Op::Zext16 | Op::Zext32 => true,
        Op::Icmp | Op::Select => true,
        Op::Fconst
        | Op::Imul
        | Op::Smulhi
        | Op::Umulhi
        | Op::Clz
        | Op::Ctz
        | Op::Popcnt
        | Op::Bswap => false,
        Op::Sdiv | Op::Srem | Op::Udiv | Op::Urem => false,
        Op::SaddOvf | Op::SsubOvf | Op::SmulOvf | Op::UaddOvf | Op::UsubOvf | Op::UmulOvf => false,
        Op::Fcmp
        | Op::Fselect
        | Op::Fadd
        | Op::Fsub
        | Op::Fmul
        | Op::Fdiv
        | Op::Fneg
        | Op::Fabs => false,
        Op::Fcopysign | Op::Fsqrt | Op::Ffloor | Op::Fceil | Op::Ftrunc | Op::Fround32 => false,
        Op::FfromS | Op::FfromU | Op::FtoS | Op::FtoU | Op::FtoBits | Op::FfromBits => false,
        Op::Load | Op::Store | Op::SlotAddr | Op::DataAddr | Op::FuncAddr | Op::ImportAddr => false,
        Op::Call | Op::CallImport | Op::CallIndirect => false,
    }
}

/// Runs both sides in the block, if that is worth it.
fn convert(
    func: &mut Func,
    preds: &mut [SmallVec<[Block; 2]>],
    block: Block,
    cond: Value,
    [then, other]: [Side; 2],
) -> bool {
    let sides = [&then, &other].into_iter().filter_map(|side| side.block);
    let sides: SmallVec<[Block; 2]> = sides.collect();
    let insts = sides
        .iter()
        .flat_map(|side| &func.blocks[side.index()].insts);
    let mut moved: Vec<Inst> = insts.copied().collect();
    let works = |inst: &&Inst| func.insts[inst.index()].op != Op::Iconst;
    if moved.iter().filter(works).count() > MOST {
        return false;
    }
    // The sum, and the number that the other side leaves as it is.
    let adds_then = then.sum.is_some();
    let old_edge = then.edge.or(other.edge);
    let sum = then.sum.or(other.sum);
    let added = sum.as_ref().map(|(inst, _)| {
        let data = &func.insts[inst.index()];
        let (sum, number) = (data.results[0], data.args[0]);
        if adds_then {
            (sum, number)
        } else {
            (number, sum)
        }
    });
    let (to, from) = (then.to.args.into_iter(), other.to.args);
    let pairs: SmallVec<[(Value, Value); 4]> = to.zip(from).collect();
    let differ = |pair: &&(Value, Value)| pair.0 != pair.1 && Some(**pair) != added;
    let is_int = |pair: &(Value, Value)| func.ty(pair.0) == Type::I64;
    if pairs.iter().filter(differ).count() > MOST_SELECTS
        || !pairs.iter().filter(differ).all(is_int)
        || added.is_some_and(|pair| !pairs.contains(&pair))
    {
        return false;
    }

    let append = |func: &mut Func, op, args: &[Value], payload| {
        let result = func.new_value(Type::I64);
        func.insts.push(InstData {
            op,
            args: args.into(),
            payload,
            results: smallvec![result],
            span: func.blocks[block.index()].term_span,
        });
        let inst = Inst(func.insts.len() as u32 - 1);
        func.blocks[block.index()].insts.push(inst);
        result
    };
    // Both sides' lines are done now, always and in one: nobody can stop at them, and what they name is known where they meet at most.
    for inst in &moved {
        func.insts[inst.index()].span = None;
    }
    let rows = sides
        .iter()
        .flat_map(|side| &func.blocks[side.index()].names);
    let rows = names::forget(rows);
    func.blocks[block.index()].names.extend(rows);
    moved.retain(|inst| sum.as_ref().is_none_or(|sum| sum.0 != *inst));
    func.blocks[block.index()].insts.extend(moved);
    if let Some((inst, _)) = &sum {
        let zero = append(func, Op::Iconst, &[], Payload::Int(0));
        let addend = func.insts[inst.index()].args[1];
        let (a, b) = if adds_then {
            (addend, zero)
        } else {
            (zero, addend)
        };
        let addend = append(func, Op::Select, &[cond, a, b], Payload::None);
        func.insts[inst.index()].args[1] = addend;
        func.blocks[block.index()].insts.push(*inst);
    }
    let args = pairs.into_iter().map(|(a, b)| match () {
        () if a == b => a,
        () if Some((a, b)) == added => {
            if adds_then {
                a
            } else {
                b
            }
        }
        () => append(func, Op::Select, &[cond, a, b], Payload::None),
    });
    let args = args.collect();
    let meet = then.to.block;
    let to = BlockCall { block: meet, args };
    for side in &sides {
        let data = &mut func.blocks[side.index()];
        data.insts.clear();
        data.names.clear();
        data.term = Some(Term::Unreachable);
    }
    let (last, term) = match sum {
        None => (block, Term::Jump(to)),
        Some((inst, fails)) => {
            // Where the sum is, there was a block, which serves for the edge now.
            let edge = sides[if adds_then { 0 } else { sides.len() - 1 }];
            let data = &mut func.blocks[edge.index()];
            (data.term, data.term_span) = (Some(Term::Jump(to)), None);
            let flag = func.insts[inst.index()].results[1];
            let edge_call = BlockCall {
                block: edge,
                args: SmallVec::new(),
            };
            (edge, Term::Br(flag, fails, edge_call))
        }
    };
    func.blocks[block.index()].term = Some(term);
    let gone = |pred: &Block| *pred == block || sides.contains(pred) || Some(*pred) == old_edge;
    preds[meet.index()].retain(|pred| !gone(pred));
    preds[meet.index()].push(last);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::builder::Builder;
    use crate::ir::func::{AbiType, Signature};
    use crate::ir::op::IntCc;
    use crate::ir::print;
    use crate::ir::program::Program;

    /// What becomes of `if x < y: n = then(n); return n`, as far as it is neither cold nor unreachable.
    fn check(ty: AbiType, then: impl FnOnce(&mut Builder, Value) -> Value, expected: &[&str]) {
        let sig = Signature::internal(&[AbiType::I64, AbiType::I64, ty], &[ty]);
        let mut b = Builder::new(Func::new("f", sig));
        let [x, y, n] = b.func.params()[..] else {
            unreachable!("it has three")
        };
        let (side, meet) = (b.block(), b.block());
        let result = b.param(meet, ty.value());
        let less = b.icmp(IntCc::Slt, x, y);
        b.br(less, side, &[], meet, &[n]);
        b.seal_and_switch_to(side);
        let changed = then(&mut b, n);
        b.jump(meet, &[changed]);
        b.seal_and_switch_to(meet);
        b.ret(&[result]);
        let mut func = b.finish();
        run(&mut func);
        super::super::blocks::run(&mut func);
        let text = print::func(&func, &Program::new("p"));
        let lines = text.lines().map(str::trim).skip(2);
        let lines: Vec<&str> = lines.take_while(|line| !line.contains("cold")).collect();
        assert_eq!(
            &lines[..lines.len().min(expected.len())],
            expected,
            "{text}"
        );
    }

    #[test]
    fn a_few_cheap_operations_are_always_done() {
        check(
            AbiType::I64,
            |b, n| b.op(Op::Bnot, &[n]),
            &[
                "v4 = icmp slt v0, v1",
                "v5 = bnot v2",
                "v6 = select v4, v5, v2",
                "return v6",
            ],
        );
    }

    #[test]
    fn where_a_checked_sum_is_not_wanted_zero_is_added() {
        check(
            AbiType::I64,
            |b, n| {
                let (fails, one) = (b.cold_block(), b.iconst(1));
                let (sum, overflow) = b.op_ovf(Op::SaddOvf, n, one);
                let goes_on = b.block();
                b.br(overflow, fails, &[], goes_on, &[]);
                b.seal_and_switch_to(fails);
                b.ret(&[n]);
                b.seal_and_switch_to(goes_on);
                sum
            },
            &[
                "v4 = icmp slt v0, v1",
                "v5 = iconst 1",
                "v8 = iconst 0",
                "v9 = select v4, v5, v8",
                "v6, v7 = sadd_ovf v2, v9",
                "br v7, b2, b1",
            ],
        );
    }

    #[test]
    fn floats_and_what_costs_keep_their_branch() {
        let kept = &["v4 = icmp slt v0, v1", "br v4, b1, b2(v2)"];
        check(AbiType::F64, |b, n| b.op(Op::Fneg, &[n]), kept);
        check(AbiType::I64, |b, n| b.op(Op::Imul, &[n, n]), kept);
        let many = |b: &mut Builder, n| (0..5).fold(n, |n, _| b.op(Op::Bnot, &[n]));
        check(AbiType::I64, many, kept);
    }
}
