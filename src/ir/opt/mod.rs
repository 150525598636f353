//! Passes that make functions smaller and loops faster: in comes a function of a well-formed program, out comes one that does the same.
//!
//! A pass is a file with one function, which says whether it changed anything. Each is linear in the size of the function, and there is a fixed
//! number of rounds; those for loops are run where there are some. Loops grow by what their passes say. Passes rely on the preconditions in the
//! rows of [`super::op`], and on nothing else: no floating-point identity that some input would notice, no assumption about memory.
//! Machine-dependent choices are the backend's.

mod between;
mod blocks;
mod dead;
mod divide;
mod endings;
mod fold;
mod forward;
mod hoist;
mod known;
mod loops;
mod number;
mod outside;
mod params;
mod rename;
mod select;
mod unroll;
mod version;

use super::cfg::Cfg;
use super::func::{Block, Func};

/// Rounds after which a function is left as it is. Most are done after one.
const ROUNDS: usize = 4;

/// All passes on a function. Other functions are neither looked at nor changed.
pub fn run(func: &mut Func) {
    blocks::remove_unreachable(func);
    simplify(func);
    let mut changed = blocks::drop_assumptions(func);
    blocks::remove_unreachable(func);
    let has_loops = has_loops(func);
    if has_loops {
        changed |= unrolled(func);
        changed |= forward::run(func);
    }
    if between::run(func) {
        blocks::remove_unreachable(func);
        changed = true;
    }
    changed |= select::run(func);
    if changed {
        blocks::remove_unreachable(func);
        simplify(func);
    }
    if has_loops {
        changed = version::run(func);
        if changed {
            blocks::remove_unreachable(func);
            simplify(func);
        }
    }
    if divide::run(func) {
        // What took the place of divisions tells no branch anything new.
        if fold::run(func) {
            blocks::remove_unreachable(func);
        }
        dead::run(func);
    }
    if has_loops && invariants(func) {
        simplify(func);
    }
    if endings::run(func) {
        blocks::remove_unreachable(func);
    }
    endings::reuse_zeros(func);
    endings::unite(func);
    dead::sweep(func);
}

/// Writes loops of a few rounds out, and those that become innermost ones by that.
fn unrolled(func: &mut Func) -> bool {
    const DEPTH: usize = 2;
    let mut changed = false;
    for _ in 0..DEPTH {
        if !unroll::run(func) {
            break;
        }
        blocks::remove_unreachable(func);
        simplify(func);
        changed = true;
    }
    changed
}

fn has_loops(func: &Func) -> bool {
    let cfg = Cfg::new(func);
    let is_back = |&block: &Block| {
        cfg.preds(block)
            .iter()
            .any(|&pred| cfg.is_back_edge(pred, block))
    };
    cfg.rpo.iter().any(is_back)
}

/// Computes once what is the same, and outside loops what is the same in all rounds. All blocks are reached.
fn invariants(func: &mut Func) -> bool {
    let cfg = Cfg::new(func);
    let dominators = cfg.dominators();
    let changed = number::run(func, &cfg, &dominators);
    hoist::run(func, &cfg, &dominators) | changed
}

/// Passes in an order in which each finds what those before it make possible. Another round is worth its time where a branch has gone or is
/// known by now: other ways into a block tell more.
fn simplify(func: &mut Func) {
    for _ in 0..ROUNDS {
        blocks::run(func);
        params::run(func);
        let mut again = fold::run(func) && blocks::remove_unreachable(func);
        again |= known::run(func);
        dead::run(func);
        if !again {
            break;
        }
    }
    for _ in 0..ROUNDS {
        if !blocks::run(func) {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::builder::Builder;
    use super::super::func::{AbiType, Func, Signature, Term};
    use super::super::op::{IntCc, MemType, Op, Type};
    use super::super::program::FuncId;
    use super::super::random::{self, Rng};
    use super::super::{interp, print, verify};
    use super::*;

    type Pass = fn(&mut Func) -> bool;

    fn everything(func: &mut Func) -> bool {
        run(func);
        true
    }

    /// All NaNs are one: which one an operation makes is not said by its row.
    fn same(ty: Type, a: u64, b: u64) -> bool {
        let nan = |bits| f64::from_bits(bits).is_nan();
        a == b || ty == Type::F64 && nan(a) && nan(b)
    }

    /// Runs random functions before and after a pass. The bits of NaNs, at which `fto_bits` may look, agree because passes do not compute
    /// NaNs and do not exchange the operands of float operations.
    fn check(pass: Pass, seeds: std::ops::Range<u64>) {
        for seed in seeds {
            let mut rng = Rng::new(seed);
            let func = random::func(&mut rng, "f");
            let before = random::program([func.clone()]);
            let mut changed = func;
            pass(&mut changed);
            let after = random::program([changed]);
            let text = || {
                let (before, after) = (print::program(&before), print::program(&after));
                format!("seed {seed}\n{before}\n{after}")
            };
            assert_eq!(verify::verify(&after), Ok(()), "{}", text());
            for _ in 0..6 {
                let args = random::args(&mut rng);
                let old = interp::run(&before, FuncId(0), &args).expect("it ends");
                let new = interp::run(&after, FuncId(0), &args);
                let new = new.unwrap_or_else(|error| panic!("{error}\n{}", text()));
                assert!(
                    same(Type::I64, old[0], new[0]) && same(Type::F64, old[1], new[1]),
                    "{args:x?}: {old:x?} {new:x?}\n{}",
                    text()
                );
            }
        }
    }

    #[test]
    fn each_pass_keeps_the_meaning() {
        let passes: &[Pass] = &[
            blocks::remove_unreachable,
            blocks::drop_assumptions,
            blocks::run,
            fold::run,
            params::run,
            known::run,
            forward::run,
            invariants,
            between::run,
            select::run,
            unroll::run,
            version::run,
            dead::run,
            divide::run,
            everything,
        ];
        for (at, &pass) in passes.iter().enumerate() {
            let first = at as u64 * 10_000;
            check(pass, first..first + 300);
        }
    }

    /// A load is neither merged with another of the same address nor made twice: what others write meanwhile is seen once by each.
    #[test]
    fn every_load_that_is_used_stays_one() {
        let sig = Signature::internal(&[AbiType::I64], &[AbiType::I64, AbiType::I64]);
        let mut b = Builder::new(Func::new("f", sig));
        let address = b.func.params()[0];
        let (more, done) = (b.block(), b.block());
        let result = b.param(done, Type::I64);
        let [first, second, _unused] = [0, 0, 0].map(|at| b.load(MemType::U8, address, at));
        let same = b.icmp(IntCc::Eq, first, second);
        b.br(same, more, &[], done, &[second]);
        b.seal_and_switch_to(more);
        b.store(MemType::U8, first, address, 0);
        let third = b.load(MemType::U8, address, 0);
        let sum = b.op(Op::Iadd, &[second, third]);
        b.jump(done, &[sum]);
        b.seal_and_switch_to(done);
        b.ret(&[result, first]);
        let mut func = b.finish();
        run(&mut func);
        let insts = func.blocks.iter().flat_map(|block| &block.insts);
        let loads = insts.filter(|inst| func.insts[inst.index()].op == Op::Load);
        assert_eq!(loads.count(), 3);
    }

    /// What is left has no constant condition, no unreachable block, no unused pure instruction.
    #[test]
    fn nothing_obvious_is_left() {
        for seed in 0..300 {
            let mut func = random::func(&mut Rng::new(seed), "f");
            run(&mut func);
            let cfg = super::super::cfg::Cfg::new(&func);
            assert_eq!(cfg.rpo.len(), func.blocks.len(), "seed {seed}");
            for block in &func.blocks {
                if let Some(Term::Br(cond, ..)) = &block.term {
                    let constant = func.blocks.iter().flat_map(|b| &b.insts).any(|inst| {
                        let inst = &func.insts[inst.index()];
                        inst.op == Op::Iconst && inst.results[0] == *cond
                    });
                    assert!(!constant, "seed {seed}");
                }
            }
            assert!(!dead::run(&mut func), "seed {seed}");
        }
    }
}
