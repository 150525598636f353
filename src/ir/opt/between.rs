//! Makes one comparison of two that ask whether a number lies between constants: `48 <= c <= 57` is `c - 48 <= 9` without sign.
//!
//! ```text
//!     b: br (icmp sge x, 48), n, other          b: d = isub x, 48
//!     n: br (icmp sle x, 57), inside, other        br (icmp ule d, 9), inside, other
//! ```
//!
//! The ranges that the two comparisons tell are used before.

use smallvec::SmallVec;

use crate::ir::cfg::Cfg;
use crate::ir::func::{Block, BlockCall, Func, Inst, InstData, Payload, Term, Value};
use crate::ir::names;
use crate::ir::op::{IntCc, Op, Type};

/// A branch on a number: the number, the least and the greatest for which it goes the first way, the other way.
struct Test {
    number: Value,
    least: i64,
    most: i64,
    inside: BlockCall,
    other: BlockCall,
}

/// The pass; whether anything changed.
pub(super) fn run(func: &mut Func) -> bool {
    let is_branch = |block: &crate::ir::func::BlockData| matches!(block.term, Some(Term::Br(..)));
    if func.blocks.iter().filter(|block| is_branch(block)).count() < 2 {
        return false;
    }
    let cfg = Cfg::new(func);
    let mut defs = vec![None; func.values.len()];
    for &inst in func.blocks.iter().flat_map(|block| &block.insts) {
        for result in &func.insts[inst.index()].results {
            defs[result.index()] = Some(inst);
        }
    }
    let mut changed = false;
    for &block in &cfg.rpo {
        let found = tests(func, &defs, block).find_map(|first| {
            let next = &first.inside;
            let data = &func.blocks[next.block.index()];
            let only = cfg.preds(next.block).len() == 1 && next.args.is_empty();
            let quick = |inst: &Inst| matches!(func.insts[inst.index()].op, Op::Iconst | Op::Icmp);
            if !only || data.cold || data.insts.len() > 2 || !data.insts.iter().all(quick) {
                return None;
            }
            let mut tests = tests(func, &defs, next.block);
            let both = tests.find_map(|second| join(&first, &second))?;
            Some((next.block, both))
        });
        if let Some((next, test)) = found {
            // What stands behind may use what the second block computes.
            let insts = std::mem::take(&mut func.blocks[next.index()].insts);
            for inst in &insts {
                func.insts[inst.index()].span = None;
            }
            let rows = names::forget(func.blocks[next.index()].names.iter());
            let data = &mut func.blocks[block.index()];
            data.names.extend(rows);
            data.insts.extend(insts);
            func.blocks[next.index()].term = Some(Term::Unreachable);
            put(func, block, test);
            changed = true;
        }
    }
    changed
}

/// What the branch at the end of a block tests, and what it tests the other way round.
fn tests<'a>(
    func: &'a Func,
    defs: &[Option<Inst>],
    block: Block,
) -> impl Iterator<Item = Test> + use<'a> {
    let test = match &func.blocks[block.index()].term {
        Some(Term::Br(cond, then, other)) => {
            comparison(func, defs, *cond).map(|found| (found, then, other))
        }
        _ => None,
    };
    test.into_iter()
        .flat_map(|((cc, number, bound), then, other)| {
            let ways = [(cc, then, other), (cc.negated(), other, then)];
            ways.into_iter().filter_map(move |(cc, inside, other)| {
                let (least, most) = match cc {
                    IntCc::Sge => (bound, i64::MAX),
                    IntCc::Sgt => (bound.checked_add(1)?, i64::MAX),
                    IntCc::Sle => (i64::MIN, bound),
                    IntCc::Slt => (i64::MIN, bound.checked_sub(1)?),
                    _ => return None,
                };
                Some(Test {
                    number,
                    least,
                    most,
                    inside: inside.clone(),
                    other: other.clone(),
                })
            })
        })
}

/// A comparison of a number with a constant.
fn comparison(func: &Func, defs: &[Option<Inst>], cond: Value) -> Option<(IntCc, Value, i64)> {
    let def = |value: Value| Some(&func.insts[(*defs.get(value.index())?)?.index()]);
    let data = def(cond)?;
    let (Op::Icmp, Payload::IntCc(cc)) = (data.op, data.payload) else {
        return None;
    };
    match def(data.args[1])?.payload {
        Payload::Int(bound) => Some((cc, data.args[0], bound)),
        _ => None,
    }
}

/// Both tests, where the second stands behind the first and has the same other way.
fn join(first: &Test, second: &Test) -> Option<Test> {
    let (least, most) = (first.least.max(second.least), first.most.min(second.most));
    let is_one = first.number == second.number && first.other == second.other;
    let is_bounded = least > i64::MIN && most < i64::MAX && least <= most;
    (is_one && is_bounded).then(|| Test {
        number: first.number,
        least,
        most,
        inside: second.inside.clone(),
        other: first.other.clone(),
    })
}

/// Ends a block with a test.
fn put(func: &mut Func, block: Block, test: Test) {
    let mut append = |op, args: &[Value], payload| {
        let result = func.new_value(Type::I64);
        func.insts.push(InstData {
            op,
            args: args.into(),
            payload,
            results: SmallVec::from_slice(&[result]),
            span: func.blocks[block.index()].term_span,
        });
        let inst = Inst(func.insts.len() as u32 - 1);
        func.blocks[block.index()].insts.push(inst);
        result
    };
    let least = append(Op::Iconst, &[], Payload::Int(test.least));
    let distance = append(Op::Isub, &[test.number, least], Payload::None);
    let width = test.most.wrapping_sub(test.least);
    let width = append(Op::Iconst, &[], Payload::Int(width));
    let cond = append(Op::Icmp, &[distance, width], Payload::IntCc(IntCc::Ule));
    func.blocks[block.index()].term = Some(Term::Br(cond, test.inside, test.other));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::builder::Builder;
    use crate::ir::func::{AbiType, Signature};
    use crate::ir::interp;
    use crate::ir::program::{FuncId, Program};

    /// `least <= x and x <= most`, and how many branches are left of the two.
    fn check(least: i64, most: i64) -> usize {
        let sig = Signature::internal(&[AbiType::I64], &[AbiType::I64]);
        let mut b = Builder::new(Func::new("f", sig));
        let x = b.func.params()[0];
        let (next, inside, other) = (b.block(), b.block(), b.block());
        let below = b.icmp_imm(IntCc::Slt, x, least);
        b.br(below, other, &[], next, &[]);
        b.seal_and_switch_to(next);
        let up_to = b.icmp_imm(IntCc::Sle, x, most);
        b.br(up_to, inside, &[], other, &[]);
        for (block, result) in [(inside, 1), (other, 0)] {
            b.seal_and_switch_to(block);
            let result = b.iconst(result);
            b.ret(&[result]);
        }
        let mut func = b.finish();
        run(&mut func);
        super::super::blocks::remove_unreachable(&mut func);
        let branches = func
            .blocks
            .iter()
            .filter(|block| matches!(block.term, Some(Term::Br(..))));
        let branches = branches.count();
        let mut program = Program::new("p");
        program.add_func(func);
        for near in [least, most, 0, i64::MIN, i64::MAX] {
            for x in [near.saturating_sub(1), near, near.saturating_add(1)] {
                let result = interp::run(&program, FuncId(0), &[x as u64]).expect("it ends");
                let expected = u64::from(least <= x && x <= most);
                assert_eq!(result[0], expected, "{least} <= {x} <= {most}");
            }
        }
        branches
    }

    #[test]
    fn between_constants_is_one_comparison() {
        assert_eq!(check(48, 57), 1);
        assert_eq!(check(-3, -3), 1);
        assert_eq!(check(i64::MIN + 1, i64::MAX - 1), 1);
        assert_eq!(check(5, 4), 2);
        assert_eq!(check(i64::MIN, 7), 2);
    }
}
