//! Whether moves were dropped rightly: both allocations of a block are run side by side, on symbols. In: both. Out: nothing, or a panic that
//! says where an instruction finds something else than before.

use super::super::regalloc::{Allocation, Loc, Point};
use super::super::vcode::{Access, Clobbers, Constraint, Shape};
use super::{Cleaner, at_end};
use crate::target::regs::{RegClass, float, int};

/// Registers of a class.
const REGS: usize = 32;

fn place(loc: Loc) -> usize {
    match loc {
        Loc::Reg(reg) => match reg.class {
            RegClass::Int => reg.number as usize,
            RegClass::Float => REGS + reg.number as usize,
        },
        Loc::Spill(slot) => 2 * REGS + slot as usize,
    }
}

/// Examines all blocks.
pub fn check(
    shape: &Shape,
    before: &Allocation,
    after: &mut Allocation,
    is_silent: &impl Fn(u32) -> bool,
) {
    let starts = Cleaner::new(shape, after, is_silent).live_at_starts();
    let places = 2 * REGS + before.spill_slots as usize;
    for block in &shape.blocks {
        // What each place holds, before and after.
        let mut sides = [before, &*after].map(|allocation| (allocation, (0..places).collect()));
        let mut symbols = places..;
        let mut symbol = || symbols.next().unwrap_or_default();
        for inst in block.insts.clone() {
            make_moves(&mut sides, Point { inst, after: false });
            let range = shape.operand_range(inst as usize);
            let operands = &shape.operands()[range.clone()];
            let [(_, held), (_, now)] = &sides;
            for (operand, at) in operands.iter().zip(range.clone()) {
                let (old, new) = (before.locs[at], after.locs[at]);
                let is_kept = match operand.constraint {
                    Constraint::Any | Constraint::Reg => true,
                    Constraint::Fixed(reg) => new == Loc::Reg(reg),
                    Constraint::Reuse(of) => new == after.locs[range.start + of as usize],
                };
                let is_read = operand.access == Access::Use && !is_silent(inst);
                assert!(
                    is_kept && (!is_read || held[place(old)] == now[place(new)]),
                    "instruction {inst} finds something else in {new:?} than in {old:?}"
                );
            }
            if let Some(set) = shape.clobber_set(inst as usize) {
                let set = shape.clobber_sets()[set];
                for (_, held) in &mut sides {
                    each(set, |at| held[at] = symbol());
                }
            }
            let is_def = |at: &usize| operands[at - range.start].access != Access::Use;
            for at in range.clone().filter(is_def) {
                let defined = symbol();
                for (allocation, held) in &mut sides {
                    held[place(allocation.locs[at])] = defined;
                }
            }
            make_moves(&mut sides, Point { inst, after: true });
        }
        let [(_, held), (_, now)] = &sides;
        each(at_end(block, &starts), |at| {
            assert_eq!(held[at], now[at], "at the end of {:?}", block.insts);
        });
        assert_eq!(held[2 * REGS..], now[2 * REGS..], "{:?}", block.insts);
    }
}

fn each(set: Clobbers, mut found: impl FnMut(usize)) {
    for number in 0..REGS as u8 {
        for reg in [int(number), float(number)] {
            if set.contains(reg) {
                found(place(Loc::Reg(reg)));
            }
        }
    }
}

fn make_moves(sides: &mut [(&Allocation, Vec<usize>); 2], at: Point) {
    for (allocation, held) in sides {
        let moves = &allocation.moves;
        let here = moves.partition_point(|m| m.inst < at.inst);
        let here = moves[here..].iter().take_while(|m| m.inst == at.inst);
        for m in here.filter(|m| m.after == at.after) {
            held[place(m.to)] = held[place(m.from)];
        }
    }
}
