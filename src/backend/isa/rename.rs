//! Registers with short names: where instructions take a byte less for some registers, a function that leaves one of them alone uses it
//! in place of another. In: a [`Shape`], its [`Allocation`], which registers are short and which are not. Out: the allocation, every
//! mention of a register changed for the same one.

use super::regalloc::{Allocation, Loc};
use super::vcode::{Clobbers, Constraint, Shape};
use crate::target::regs::Reg;

/// Renames registers. `saved` are those that the function must preserve: they are no more and no fewer afterwards.
pub fn rename(
    shape: &Shape,
    allocation: &mut Allocation,
    (short, long): (&[Reg], &[Reg]),
    saved: &[Reg],
) {
    let mut used = Clobbers::default();
    let mut uses = vec![0; long.len()];
    let mut note = |loc: Loc| {
        let Loc::Reg(reg) = loc else { return };
        used = used.with(reg);
        if let Some(at) = long.iter().position(|&one| one == reg) {
            uses[at] += 1;
        }
    };
    for &loc in &allocation.locs {
        note(loc);
    }
    for m in &allocation.moves {
        note(m.from);
        note(m.to);
    }
    let mut fixed = Clobbers::default();
    for operand in shape.operands() {
        if let Constraint::Fixed(reg) = operand.constraint {
            fixed = fixed.with(reg);
        }
    }
    let mut order: Vec<usize> = (0..long.len()).filter(|&at| uses[at] > 0).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(uses[at]));
    // Whoever is called must treat both alike, and so must who calls us.
    let sets = shape.clobber_sets();
    let are_alike = |one: Reg, other: Reg| {
        saved.contains(&one) == saved.contains(&other)
            && sets
                .iter()
                .all(|set| set.contains(one) == set.contains(other))
    };
    let mut names: Vec<(Reg, Reg)> = Vec::new();
    for at in order {
        let old = long[at];
        let is_free = |&&new: &&Reg| !used.contains(new) && are_alike(old, new);
        if fixed.contains(old) {
            continue;
        }
        if let Some(&new) = short.iter().find(is_free) {
            used = used.with(new);
            names.push((old, new));
        }
    }
    if names.is_empty() {
        return;
    }
    let renamed = |loc: &mut Loc| {
        if let Loc::Reg(reg) = loc
            && let Some(&(_, new)) = names.iter().find(|(old, _)| old == reg)
        {
            *reg = new;
        }
    };
    allocation.locs.iter_mut().for_each(renamed);
    for m in &mut allocation.moves {
        renamed(&mut m.from);
        renamed(&mut m.to);
    }
    for label in &mut allocation.labels {
        renamed(&mut label.loc);
    }
}
