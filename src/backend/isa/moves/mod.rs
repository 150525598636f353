//! Fewer moves behind register allocation: what reads a copy reads the original where that is still there, what is computed only to be moved
//! is computed where it goes, and moves that nobody wants go away. In: a [`Shape`] and its [`Allocation`]. Out: the allocation, its labels
//! saying where values are now. What spill slots hold stays as it is. In debug builds every answer is [examined](check).
//!
//! ```text
//!     mov rax, rdi                                     mov ecx, [rdx]
//!     cmp [rax+8], rcx    ->    cmp [rdi+8], rcx       mov r10, rcx      ->    mov r10d, [rdx]
//! ```

mod check;
mod labels;

use std::ops::Range;

use super::regalloc::{Allocation, Loc, Move, Point};
use super::vcode::{Access, BlockShape, Clobbers, Constraint, Operand, Shape};
use crate::target::regs::Reg;
use labels::Path;

/// Cleans up. `is_silent` tells whether the instruction of a number writes nothing and only wants values to be somewhere.
pub fn clean(shape: &Shape, allocation: &mut Allocation, is_silent: impl Fn(u32) -> bool) {
    let is_copy = |m: &Move| matches!((m.from, m.to), (Loc::Reg(_), Loc::Reg(_)));
    if !allocation.moves.iter().any(is_copy) {
        return;
    }
    let before = cfg!(debug_assertions).then(|| allocation.clone());
    let mut cleaner = Cleaner::new(shape, allocation, &is_silent);
    for block in &shape.blocks {
        cleaner.read_originals(block);
    }
    let starts = cleaner.live_at_starts();
    for block in &shape.blocks {
        cleaner.drop_moves(block, at_end(block, &starts));
    }
    let Cleaner { is_gone, paths, .. } = cleaner;
    labels::follow(&mut allocation.labels, &paths);
    let mut gone = is_gone.iter();
    allocation
        .moves
        .retain(|_| gone.next().is_some_and(|gone| !gone));
    if let Some(before) = before {
        check::check(shape, &before, allocation, &is_silent);
    }
}

/// Registers that are wanted at the end of a block.
fn at_end(block: &BlockShape, starts: &[Clobbers]) -> Clobbers {
    let succs = block.succs.iter();
    succs.fold(Clobbers::default(), |live, succ| {
        let more = starts[succ.index()];
        Clobbers {
            ints: live.ints | more.ints,
            floats: live.floats | more.floats,
        }
    })
}

/// The number of a point among all points of a function.
fn index(at: Point) -> usize {
    2 * at.inst as usize + usize::from(at.after)
}

struct Cleaner<'a, F> {
    shape: &'a Shape,
    allocation: &'a mut Allocation,
    is_silent: &'a F,
    /// The number of the first move at each point or behind it.
    first: Vec<u32>,
    /// Whether each move is to go.
    is_gone: Vec<bool>,
    /// What has become of values that were to be moved.
    paths: Vec<Path>,
}

/// A move that may go if the instruction before it can write to where it leads: its number, from, to.
type Pending = (usize, Reg, Reg);

/// Registers that are copies, each with its original.
#[derive(Default)]
struct Copies(Vec<(Reg, Reg)>);

impl Copies {
    fn original(&self, of: Reg) -> Option<Reg> {
        let found = self.0.iter().find(|(copy, _)| *copy == of);
        found.map(|&(_, original)| original)
    }

    /// These registers change.
    fn forget(&mut self, changed: impl Fn(Reg) -> bool) {
        self.0.retain(|&(a, b)| !changed(a) && !changed(b));
    }
}

impl<'a, F: Fn(u32) -> bool> Cleaner<'a, F> {
    fn new(shape: &'a Shape, allocation: &'a mut Allocation, is_silent: &'a F) -> Cleaner<'a, F> {
        let insts = shape.blocks.iter().map(|block| block.insts.end).max();
        let points = index(Point {
            inst: insts.unwrap_or(0),
            after: false,
        });
        let mut first = Vec::with_capacity(points + 1);
        for (number, m) in allocation.moves.iter().enumerate() {
            let at = index(m.point());
            first.resize(first.len().max(at + 1), number as u32);
        }
        first.resize(points + 1, allocation.moves.len() as u32);
        Cleaner {
            shape,
            is_gone: vec![false; allocation.moves.len()],
            allocation,
            is_silent,
            first,
            paths: Vec::new(),
        }
    }

    fn operands(&self, inst: u32) -> (&[Operand], Range<usize>) {
        let range = self.shape.operand_range(inst as usize);
        (&self.shape.operands()[range.clone()], range)
    }

    /// The numbers of the moves in front of an instruction or behind it.
    fn moves(&self, at: Point) -> Range<usize> {
        let at = index(at);
        self.first[at] as usize..self.first[at + 1] as usize
    }

    /// Has uses read originals in place of copies, as far as those are there, from the start of a block to its end.
    fn read_originals(&mut self, block: &BlockShape) {
        let mut copies = Copies::default();
        for inst in block.insts.clone() {
            self.pass_moves(Point { inst, after: false }, &mut copies);
            self.pass_inst(inst, &mut copies);
            self.pass_moves(Point { inst, after: true }, &mut copies);
        }
    }

    fn pass_moves(&mut self, at: Point, copies: &mut Copies) {
        for number in self.moves(at) {
            let m = &mut self.allocation.moves[number];
            if let Loc::Reg(from) = m.from {
                m.from = Loc::Reg(copies.original(from).unwrap_or(from));
            }
            let Loc::Reg(to) = m.to else { continue };
            if m.from == m.to {
                self.is_gone[number] = true;
                continue;
            }
            copies.forget(|reg| reg == to);
            if let Loc::Reg(from) = m.from {
                copies.0.push((to, from));
            }
        }
    }

    fn pass_inst(&mut self, inst: u32, copies: &mut Copies) {
        if copies.0.is_empty() {
            return;
        }
        let range = self.shape.operand_range(inst as usize);
        let operands = &self.shape.operands()[range.clone()];
        let locs = &mut self.allocation.locs[range];
        for (at, operand) in operands.iter().enumerate() {
            let is_free = matches!(operand.constraint, Constraint::Any | Constraint::Reg);
            let is_tied = |o: &Operand| o.constraint == Constraint::Reuse(at as u8);
            let Loc::Reg(reg) = locs[at] else { continue };
            if operand.access != Access::Use || !is_free || operands.iter().any(is_tied) {
                continue;
            }
            if let Some(original) = copies.original(reg) {
                let mut others = operands.iter().zip(locs.iter());
                let is_lost = |(o, loc): (&Operand, &Loc)| {
                    o.access == Access::EarlyDef && *loc == Loc::Reg(original)
                };
                if !others.any(is_lost) {
                    locs[at] = Loc::Reg(original);
                }
            }
        }
        if let Some(set) = self.shape.clobber_set(inst as usize) {
            let set = self.shape.clobber_sets()[set];
            copies.forget(|reg| set.contains(reg));
        }
        for (operand, &loc) in operands.iter().zip(locs.iter()) {
            if operand.access != Access::Use {
                copies.forget(|reg| Loc::Reg(reg) == loc);
            }
        }
    }

    /// Registers that are wanted at the starts of blocks.
    fn live_at_starts(&self) -> Vec<Clobbers> {
        let blocks = &self.shape.blocks;
        let mut starts = vec![Clobbers::default(); blocks.len()];
        let mut ends = vec![None; blocks.len()];
        loop {
            let mut changed = false;
            for (at, block) in blocks.iter().enumerate().rev() {
                let mut live = at_end(block, &starts);
                if ends[at].replace(live) == Some(live) {
                    continue;
                }
                for inst in block.insts.clone().rev() {
                    for number in self.moves(Point { inst, after: true }).rev() {
                        self.before_move(number, &mut live);
                    }
                    self.before_inst(inst, &mut live);
                    for number in self.moves(Point { inst, after: false }).rev() {
                        self.before_move(number, &mut live);
                    }
                }
                changed |= starts[at] != live;
                starts[at] = live;
            }
            if !changed {
                return starts;
            }
        }
    }

    /// What is wanted before a move, given what is behind it; false where it moves what nobody wants.
    fn before_move(&self, number: usize, live: &mut Clobbers) -> bool {
        let m = self.allocation.moves[number];
        if self.is_gone[number] {
            return false;
        }
        if let Loc::Reg(to) = m.to {
            if !live.contains(to) {
                return false;
            }
            *live = live.without(to);
        }
        if let Loc::Reg(from) = m.from {
            *live = live.with(from);
        }
        true
    }

    /// What is wanted before an instruction, given what is behind it.
    fn before_inst(&self, inst: u32, live: &mut Clobbers) {
        let (operands, range) = self.operands(inst);
        let regs = operands
            .iter()
            .zip(&self.allocation.locs[range])
            .filter_map(|(operand, &loc)| match loc {
                Loc::Reg(reg) => Some((operand.access, reg)),
                Loc::Spill(_) => None,
            });
        for (_, reg) in regs.clone().filter(|(access, _)| *access != Access::Use) {
            *live = live.without(reg);
        }
        if (self.is_silent)(inst) {
            return;
        }
        for (_, reg) in regs.filter(|(access, _)| *access == Access::Use) {
            *live = live.with(reg);
        }
    }

    /// Drops moves of a block, from its end to its start.
    fn drop_moves(&mut self, block: &BlockShape, mut live: Clobbers) {
        let mut pending: Vec<Pending> = Vec::new();
        for inst in block.insts.clone().rev() {
            self.drop_at(Point { inst, after: true }, block, &mut live, &mut pending);
            for (number, from, to) in pending.drain(..) {
                if let Some(operand) = self.definition(inst, from, to) {
                    self.allocation.locs[operand] = Loc::Reg(to);
                    self.drop(
                        number,
                        block,
                        Point { inst, after: true },
                        (from, Loc::Reg(to)),
                    );
                    live = live.without(from);
                }
            }
            self.before_inst(inst, &mut live);
            self.drop_at(Point { inst, after: false }, block, &mut live, &mut pending);
        }
    }

    fn drop_at(
        &mut self,
        at: Point,
        block: &BlockShape,
        live: &mut Clobbers,
        pending: &mut Vec<Pending>,
    ) {
        for number in self.moves(at).rev() {
            if self.is_gone[number] {
                continue;
            }
            let m = self.allocation.moves[number];
            let behind = *live;
            if !self.before_move(number, live) {
                if let Loc::Reg(to) = m.to {
                    self.drop(number, block, at, (to, m.from));
                }
                continue;
            }
            pending.retain(|&(_, from, to)| {
                let touches = |loc: Loc| loc == Loc::Reg(from) || loc == Loc::Reg(to);
                !touches(m.from) && !touches(m.to)
            });
            if let (Loc::Reg(from), Loc::Reg(to)) = (m.from, m.to)
                && !behind.contains(from)
            {
                pending.push((number, from, to));
            }
        }
    }

    /// The operand by which an instruction defines one register, if it could as well define the other.
    fn definition(&self, inst: u32, from: Reg, to: Reg) -> Option<usize> {
        if self.shape.clobber_set(inst as usize).is_some() {
            return None;
        }
        let (operands, range) = self.operands(inst);
        let start = range.start;
        let locs = &self.allocation.locs[range];
        let defines =
            |at: usize, reg: Reg| operands[at].access != Access::Use && locs[at] == Loc::Reg(reg);
        if (0..operands.len()).any(|at| defines(at, to)) {
            return None;
        }
        let found = (0..operands.len()).find(|&at| defines(at, from))?;
        let is_free =
            operands[found].access == Access::Def && operands[found].constraint == Constraint::Reg;
        is_free.then_some(start + found)
    }

    /// Drops a move; from `at` on, what would be in a register is somewhere else.
    fn drop(&mut self, number: usize, block: &BlockShape, at: Point, (was, is): (Reg, Loc)) {
        self.is_gone[number] = true;
        if self.allocation.labels.is_empty() {
            return;
        }
        let to = self.end_of_path(number, block, at, [Loc::Reg(was), is]);
        self.paths.push(Path {
            from: at,
            to,
            was,
            is,
        });
    }

    /// Where one of two places gets another value, behind a move that goes away; at the latest at the end of the block.
    fn end_of_path(&self, number: usize, block: &BlockShape, at: Point, places: [Loc; 2]) -> Point {
        let moves = &self.allocation.moves;
        let next = (0..moves.len()).find(|&other| {
            let m = &moves[other];
            let point = m.point();
            let is_behind = other > number || (other != number && point > at);
            is_behind && point >= at && !self.is_gone[other] && places.contains(&m.to)
        });
        let is_changed = |&inst: &u32| {
            let (operands, range) = self.operands(inst);
            let mut locs = operands.iter().zip(&self.allocation.locs[range]);
            let set = self.shape.clobber_set(inst as usize);
            let set = set.map_or(Clobbers::default(), |set| self.shape.clobber_sets()[set]);
            let is_lost = |loc: &Loc| matches!(loc, Loc::Reg(reg) if set.contains(*reg));
            locs.any(|(operand, loc)| operand.access != Access::Use && places.contains(loc))
                || places.iter().any(is_lost)
        };
        let first = at.inst + u32::from(at.after);
        let by_inst = (first..block.insts.end).find(is_changed);
        let by_inst = by_inst.map(|inst| Point { inst, after: true });
        let by_move = next.map(|next| moves[next].point());
        let end = Point {
            inst: block.insts.end,
            after: false,
        };
        [by_inst, by_move]
            .into_iter()
            .flatten()
            .fold(end, Point::min)
    }
}
