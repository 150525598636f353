//! Loops made twice: what is left in the second version, and that both together do what the one did.

use super::*;
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, Signature, Slot, SlotData};
use crate::ir::op::{IntCc, MemType, Op, Type};
use crate::ir::program::{FuncId, Program};
use crate::ir::random::{self, Rng};
use crate::ir::{interp, verify};

/// `for i in range(first, stop, step): total += m[row * width + i + ahead]`, `m` being 16 numbers; -1 where an index is out of range, -2 where
/// one does not fit. Parameters: first, stop, row, width.
fn walk(step: i64, ahead: i64) -> Func {
    let sig = Signature::internal(&[AbiType::I64; 4], &[AbiType::I64]);
    let mut func = Func::new("f", sig);
    func.slots.push(SlotData {
        size: 128,
        align: 8,
    });
    let mut b = Builder::new(func);
    let [first, stop, row, width] = b.func.params()[..] else {
        unreachable!("it has four")
    };
    let m = b.slot_addr(Slot(0));
    for at in 0..16 {
        let item = b.iconst(1 << at);
        b.store(MemType::I64, item, m, 8 * at);
    }
    let (head, exit) = (b.block(), b.block());
    let (outside, wide) = (b.cold_block(), b.cold_block());
    let (i, total) = (b.param(head, Type::I64), b.param(head, Type::I64));
    let zero = b.iconst(0);
    let any = b.icmp(IntCc::Slt, first, stop);
    let result = b.param(exit, Type::I64);
    b.br(any, head, &[first, zero], exit, &[zero]);
    b.switch_to(head);
    let (start, overflow) = b.op_ovf(Op::SmulOvf, row, width);
    b.exit_if(overflow, wide, &[]);
    let (at, overflow) = b.op_ovf(Op::SaddOvf, start, i);
    b.exit_if(overflow, wide, &[]);
    let ahead = b.iconst(ahead);
    let (at, overflow) = b.op_ovf(Op::SaddOvf, at, ahead);
    b.exit_if(overflow, wide, &[]);
    let inside = b.icmp_imm(IntCc::Ult, at, 16);
    b.exit_unless(inside, outside, &[]);
    let three = b.iconst(3);
    let bytes = b.op(Op::Ishl, &[at, three]);
    let address = b.op(Op::Iadd, &[m, bytes]);
    let item = b.load(MemType::I64, address, 0);
    let sum = b.op(Op::Iadd, &[total, item]);
    let by = b.iconst(step);
    let left = b.op(Op::Isub, &[stop, i]);
    let more = b.icmp(IntCc::Ugt, left, by);
    let next = b.op(Op::Iadd, &[i, by]);
    b.br(more, head, &[next, sum], exit, &[sum]);
    for block in [head, exit, outside, wide] {
        b.seal(block);
    }
    b.switch_to(exit);
    b.ret(&[result]);
    for (block, value) in [(outside, -1), (wide, -2)] {
        b.switch_to(block);
        let value = b.iconst(value);
        b.ret(&[value]);
    }
    b.finish()
}

/// How many branches to cold blocks there are.
fn checks(func: &Func) -> usize {
    let terms = func.blocks.iter().filter_map(|block| block.term.as_ref());
    let cold = |to: &&BlockCall| func.blocks[to.block.index()].cold;
    terms.flat_map(|term| term.targets()).filter(cold).count()
}

fn program(func: Func) -> Program {
    let mut program = Program::new("p");
    program.add_func(func);
    program
}

#[test]
fn the_second_version_has_no_checks_and_runs_where_it_may() {
    for (step, ahead) in [(1, 0), (1, 3), (2, 1), (3, -2), (5, 0)] {
        let func = walk(step, ahead);
        let mut changed = func.clone();
        assert!(run(&mut changed));
        assert_eq!(checks(&changed), 4, "those of the first version");
        let (before, after) = (program(func), program(changed));
        assert_eq!(verify::verify(&after), Ok(()));
        let edges = [
            0,
            1,
            2,
            7,
            15,
            16,
            17,
            i64::MAX - 1,
            i64::MAX,
            i64::MIN,
            -1,
            -3,
        ];
        for first in edges {
            for rounds in [0, 1, 4, 9, 16] {
                for (row, width) in [(0, 0), (1, 4), (-1, 3), (1 << 40, 1 << 40), (1, i64::MAX)] {
                    let stop = first.saturating_add(rounds * step);
                    let args = [first, stop, row, width].map(|arg| arg as u64);
                    let old = interp::run(&before, FuncId(0), &args).expect("it ends");
                    let new = interp::run(&after, FuncId(0), &args).expect("it ends");
                    assert_eq!(old, new, "{args:?} by {step}, {ahead} ahead");
                }
            }
        }
    }
}

#[test]
fn random_loops_are_among_those_made_twice() {
    let mut twice = 0;
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let func = random::func(&mut rng, "f");
        let mut changed = func.clone();
        if !run(&mut changed) {
            continue;
        }
        twice += 1;
        let (before, after) = (random::program([func]), random::program([changed]));
        assert_eq!(verify::verify(&after), Ok(()), "seed {seed}");
        for _ in 0..6 {
            let args = random::args(&mut rng);
            let old = interp::run(&before, FuncId(0), &args).expect("it ends");
            let new = interp::run(&after, FuncId(0), &args).expect("it ends");
            let nan = |bits| f64::from_bits(bits).is_nan();
            assert!(
                old[0] == new[0] && (old[1] == new[1] || nan(old[1]) && nan(new[1])),
                "seed {seed}"
            );
        }
    }
    assert!(twice > 40, "{twice}");
}
