//! Value numbering: an operation on the same operands as one that dominates it has the same results.
//!
//! One walk in reverse postorder. In one block every pure operation counts; from block to block only what takes longer than keeping the
//! result: comparisons and addresses are best made where they are used. What stays all the same is known to be the same number, as an operand
//! of what takes long. Loads never count, each is made as often as the source says.
//! A checked operation counts behind the branch on its own flag: the flag is known to be 0 there.

use std::collections::BTreeMap;

use smallvec::{SmallVec, smallvec};

use super::rename::Renames;
use crate::ir::cfg::{Cfg, Dominators};
use crate::ir::func::{Block, Func, Inst, InstData, Payload, Term, Value};
use crate::ir::names;
use crate::ir::op::{Effect, Op};

/// What makes two operations one.
type Key = (u8, u64, SmallVec<[Value; 3]>);

/// The pass; whether anything changed.
pub(super) fn run(func: &mut Func, cfg: &Cfg, dominators: &Dominators) -> bool {
    let mut renames = Renames::new(func);
    let mut known: BTreeMap<Key, (Block, Inst)> = BTreeMap::new();
    // For each value the first one that is the same number; that one need not dominate it.
    let mut numbers: Vec<Value> = (0..func.values.len() as u32).map(Value).collect();
    let mut changed = false;
    for &block in &cfg.rpo {
        let all = std::mem::take(&mut func.blocks[block.index()].insts);
        let mut insts = all.clone();
        insts.retain_mut(|at| {
            let data = &mut func.insts[at.index()];
            for arg in &mut data.args {
                *arg = renames.find(*arg);
            }
            let Some(key) = key(data, &numbers) else {
                return true;
            };
            let earlier = known.get(&key).copied();
            if let Some((_, earlier)) = earlier {
                let same = func.insts[earlier.index()].results[0];
                let new = func.insts[at.index()].results[0];
                numbers[new.index()] = numbers[same.index()];
            }
            let earlier = earlier.filter(|&(home, inst)| {
                let data = &func.insts[inst.index()];
                home == block && data.results.len() == 1
                    || home != block
                        && is_dear(data.op)
                        && dominators.dominates(home, block)
                        && (data.results.len() == 1
                            || is_passed(func, cfg, dominators, (home, inst), block))
            });
            let Some((_, earlier)) = earlier else {
                known.insert(key, (block, *at));
                return true;
            };
            changed = true;
            let (old, new) = (
                func.insts[earlier.index()].results[0],
                func.insts[at.index()].results.clone(),
            );
            renames.set(new[0], old);
            let Some(&flag) = new.get(1) else {
                return false;
            };
            let span = func.insts[at.index()].span;
            func.insts.push(InstData {
                op: Op::Iconst,
                args: SmallVec::new(),
                payload: Payload::Int(0),
                results: smallvec![flag],
                span,
            });
            *at = Inst(func.insts.len() as u32 - 1);
            true
        });
        let data = &mut func.blocks[block.index()];
        names::follow(&mut data.names, &all, &insts);
        data.insts = insts;
    }
    renames.apply(func);
    changed
}

/// What an operation does, if it is one that counts.
fn key(data: &InstData, numbers: &[Value]) -> Option<Key> {
    if data.op.row().effect != Effect::Pure {
        return None;
    }
    let immediate = match data.payload {
        Payload::None => 0,
        Payload::Int(value) => value as u64,
        Payload::Float(bits) => bits,
        Payload::IntCc(cc) => cc as u64,
        Payload::FloatCc(cc) => cc as u64,
        _ => return None,
    };
    let operands = data.args.iter().map(|arg| numbers[arg.index()]);
    Some((data.op as u8, immediate, operands.collect()))
}

/// Whether an operation takes longer than it costs to keep its result in a register. Constants cost nothing: they are made where they are used.
pub(super) fn is_dear(op: Op) -> bool {
    match op {
        Op::Iconst | Op::Fconst => true,
        Op::Imul | Op::Smulhi | Op::Umulhi | Op::Sdiv | Op::Srem | Op::Udiv | Op::Urem => true,
        Op::SaddOvf | Op::SsubOvf | Op::SmulOvf | Op::UaddOvf | Op::UsubOvf | Op::UmulOvf => true,
        Op::Clz | Op::Ctz | Op::Popcnt | Op::Bswap => true,
        Op::Fadd | Op::Fsub | Op::Fmul | Op::Fdiv | Op::Fsqrt | Op::Fcopysign => true,
        Op::Ffloor | Op::Fceil | Op::Ftrunc | Op::Fround32 => true,
        Op::FfromS | Op::FfromU | Op::FtoS | Op::FtoU | Op::FtoBits | Op::FfromBits => true,
        Op::Iadd | Op::Isub | Op::Ineg | Op::Bnot | Op::Band | Op::Bor | Op::Bxor => false,
        Op::Ishl | Op::Sshr | Op::Ushr | Op::Rotl | Op::Fneg | Op::Fabs => false,
        Op::Sext8 | Op::Sext16 | Op::Sext32 | Op::Zext8 | Op::Zext16 | Op::Zext32 => false,
        Op::Icmp | Op::Fcmp | Op::Select | Op::Fselect => false,
        Op::Load | Op::Store | Op::SlotAddr | Op::DataAddr | Op::FuncAddr | Op::ImportAddr => false,
        Op::Call | Op::CallImport | Op::CallIndirect => false,
    }
}

/// Whether control comes to a block only where a checked operation did not overflow.
fn is_passed(
    func: &Func,
    cfg: &Cfg,
    dominators: &Dominators,
    (home, inst): (Block, Inst),
    block: Block,
) -> bool {
    let flag = func.insts[inst.index()].results[1];
    match &func.blocks[home.index()].term {
        Some(Term::Br(cond, _, other)) if *cond == flag => {
            let next = other.block;
            cfg.preds(next).len() == 1 && dominators.dominates(next, block)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::builder::Builder;
    use crate::ir::func::{AbiType, Func, Signature};

    /// The sum is cheap and made in each block, and yet the products of it are one.
    #[test]
    fn what_takes_long_is_one_where_its_operands_are_made_twice() {
        let sig = Signature::internal(&[AbiType::I64; 2], &[AbiType::I64]);
        let mut b = Builder::new(Func::new("f", sig));
        let (x, y) = (b.func.params()[0], b.func.params()[1]);
        let product = |b: &mut Builder| {
            let seven = b.iconst(7);
            let sum = b.op(Op::Iadd, &[x, seven]);
            b.op(Op::Imul, &[sum, y])
        };
        let first = product(&mut b);
        let (more, done) = (b.block(), b.block());
        let result = b.param(done, crate::ir::op::Type::I64);
        b.br(first, more, &[], done, &[x]);
        b.seal_and_switch_to(more);
        let second = product(&mut b);
        b.jump(done, &[second]);
        b.seal_and_switch_to(done);
        b.ret(&[result]);
        let mut func = b.finish();
        let cfg = Cfg::new(&func);
        let dominators = cfg.dominators();
        assert!(run(&mut func, &cfg, &dominators));
        let count = |op: Op| {
            let insts = func.blocks.iter().flat_map(|block| &block.insts);
            insts
                .filter(|inst| func.insts[inst.index()].op == op)
                .count()
        };
        assert_eq!((count(Op::Imul), count(Op::Iadd)), (1, 2));
    }
}
