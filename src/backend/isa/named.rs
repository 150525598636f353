//! Follows named values of the source through the machine code, for debuggers. In: the names of a function's IR, later what register
//! allocation says of the registers that have them. Out: between which offsets each is where.
//!
//! A name may mean another value at any place, so names are carried along all ways through the function first; where ways with different
//! values meet, the name means nothing. Then the virtual registers of those values are labelled, between the places where a name means them,
//! and the allocator says where each label is while its register lives. Constants have no register: they are listed apart. Nothing of this
//! has any say in the code.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::buffer::Position;
use super::code::{NamedPlace, ValuePlace};
use super::flow::{Flow, Source};
use super::regalloc::{Allocation, Loc, Move, Point};
use super::vcode::{Shape, VBlock, VCode, VReg};
use crate::ir::func::{Block, Func, Payload, Value};
use crate::ir::names::{NameId, NamedValue};

/// A part of a named thing.
type Part = (NameId, u8);

/// A label of the allocator for a part.
fn label((name, part): Part) -> u32 {
    name.0 << 2 | u32::from(part)
}

fn part_of(label: u32) -> Part {
    (NameId(label >> 2), (label & 3) as u8)
}

/// Between two instructions, a part of a named thing is a constant.
#[derive(Clone, Debug)]
pub struct NamedConstant {
    part: Part,
    insts: Range<u32>,
    bits: u64,
}

/// Labels the registers of named values in `code`; the names of constants. `registers` has resolved values and registers that hold them, each
/// while it lives.
pub fn follow<I>(
    func: &Func,
    flow: &Flow,
    code: &mut VCode<I>,
    registers: impl Iterator<Item = (Value, VReg)>,
) -> Vec<NamedConstant> {
    if func.blocks.iter().all(|block| block.names.is_empty()) {
        return Vec::new();
    }
    let constants = constants(func);
    let mut registers: Vec<(Value, VReg)> = registers.collect();
    registers.sort_unstable();
    let mut named = Vec::new();
    let mut labels = Vec::new();
    each_meaning(func, flow, code, |part, value, insts| {
        if let Some(bits) = constants.get(&value) {
            named.push(NamedConstant {
                part,
                insts,
                bits: *bits,
            });
            return;
        }
        let first = registers.partition_point(|row| row.0 < value);
        let mine = registers[first..].iter().take_while(|row| row.0 == value);
        labels.extend(mine.map(|&(_, vreg)| (vreg, label(part), insts.clone())));
    });
    labels.sort_unstable_by_key(|(vreg, label, insts)| (*vreg, *label, insts.start));
    labels.dedup_by(|next, last| {
        let joins = (next.0, next.1) == (last.0, last.1) && next.2.start == last.2.end;
        if joins {
            last.2.end = next.2.end;
        }
        joins
    });
    code.shape.labels = labels
        .into_iter()
        .map(|(vreg, label, insts)| (vreg, insts, label))
        .collect();
    named
}

fn constants(func: &Func) -> BTreeMap<Value, u64> {
    let insts = func.blocks.iter().flat_map(|block| &block.insts);
    let made = insts.filter_map(|inst| {
        let data = &func.insts[inst.index()];
        match data.payload {
            Payload::Int(bits) if data.args.is_empty() => Some((data.results[0], bits as u64)),
            Payload::Float(bits) => Some((data.results[0], bits)),
            _ => None,
        }
    });
    made.collect()
}

/// What all parts mean at a place, by their order among the parts of the function.
type Meanings = Vec<Option<Value>>;

/// Calls `found` with each part, what it means, and between which instructions.
fn each_meaning<I>(
    func: &Func,
    flow: &Flow,
    code: &VCode<I>,
    mut found: impl FnMut(Part, Value, Range<u32>),
) {
    let rows = func.blocks.iter().flat_map(|block| &block.names);
    let parts: BTreeSet<Part> = rows.map(|row| (row.name, row.part)).collect();
    let parts: Vec<Part> = parts.into_iter().collect();
    let place_of = |row: &NamedValue| {
        let place = parts.binary_search(&(row.name, row.part));
        place.unwrap_or_else(|_| unreachable!("{row:?} was collected"))
    };
    let meaning = |row: &NamedValue| row.value.map(|value| flow.resolve(value));
    let rows_of = |at: usize| match flow.blocks[at].source {
        Source::Block(block) => &func.blocks[block.index()].names[..],
        Source::Edge(Block(_), _) => &[],
    };
    let outs = at_ends(flow, parts.len(), |at, meanings| {
        for row in rows_of(at) {
            meanings[place_of(row)] = meaning(row);
        }
    });
    for at in 0..flow.blocks.len() {
        let block = &code.shape.blocks[at].insts;
        let mut now = at_start(flow, &outs, at, parts.len());
        let mut since = vec![block.start; parts.len()];
        let mut found = |part: usize, value: Option<Value>, insts: Range<u32>| {
            if let Some(value) = value.filter(|_| !insts.is_empty()) {
                found(parts[part], value, insts);
            }
        };
        let mut place = block.start;
        for row in rows_of(at) {
            // The place of an instruction that has gone is not known: up to the block's end nothing is said.
            let known = code.mark(VBlock(at as u32), row.before);
            let known = known.filter(|&known| known >= place);
            place = known.unwrap_or(place);
            let part = place_of(row);
            found(
                part,
                now[part],
                since[part]..known.map_or(place, |at| done(code, row, at, block)),
            );
            now[part] = meaning(row);
            since[part] = known.map_or(block.end, |at| done(code, row, at, block));
        }
        for (part, value) in now.into_iter().enumerate() {
            found(part, value, since[part]..block.end);
        }
    }
}

/// The first place of a block, from `at` on, where the text of a row is done: a debugger that stops in front of it wants the old value.
fn done<I>(code: &VCode<I>, row: &NamedValue, at: u32, block: &Range<u32>) -> u32 {
    let is_of_row = |inst: &u32| row.span.is_some() && code.spans[*inst as usize] == row.span;
    (at..block.end)
        .find(|inst| !is_of_row(inst))
        .unwrap_or(block.end)
}

/// What parts mean at the ends of blocks: what holds on all ways there.
fn at_ends(
    flow: &Flow,
    parts: usize,
    apply: impl Fn(usize, &mut Meanings),
) -> Vec<Option<Meanings>> {
    let mut outs: Vec<Option<Meanings>> = vec![None; flow.blocks.len()];
    loop {
        let mut changed = false;
        for at in 0..flow.blocks.len() {
            let mut meanings = at_start(flow, &outs, at, parts);
            apply(at, &mut meanings);
            if outs[at].as_ref() != Some(&meanings) {
                outs[at] = Some(meanings);
                changed = true;
            }
        }
        if !changed {
            return outs;
        }
    }
}

/// What parts mean at the start of a block, as far as the ends of blocks are known.
fn at_start(flow: &Flow, outs: &[Option<Meanings>], at: usize, parts: usize) -> Meanings {
    let preds = flow.blocks[at].preds.iter();
    let mut known = preds.filter_map(|pred| outs[pred.index()].as_ref());
    let Some(first) = known.next() else {
        return vec![None; parts];
    };
    let mut meanings = first.clone();
    for other in known {
        for (meaning, other) in meanings.iter_mut().zip(other) {
            if *meaning != *other {
                *meaning = None;
            }
        }
    }
    meanings
}

/// Where an instruction was written: where its moves begin, it, the moves behind it, and where those end.
pub type Spot = [Position; 4];

/// Where instructions were written.
#[derive(Debug)]
pub struct Spots {
    /// For each instruction; nothing where nobody asks, and for what was not written.
    of: Vec<Option<Spot>>,
}

impl Spots {
    /// For a function with these labels and constants.
    pub fn new(shape: &Shape, constants: &[NamedConstant]) -> Spots {
        let is_wanted = !(shape.labels.is_empty() && constants.is_empty());
        let count = if is_wanted { shape.inst_count() } else { 0 };
        Spots {
            of: vec![None; count],
        }
    }

    /// Notes where an instruction was written.
    pub fn note(&mut self, inst: u32, spot: Spot) {
        if let Some(noted) = self.of.get_mut(inst as usize) {
            *noted = Some(spot);
        }
    }

    /// Where named things are. `frame` says how far a spill slot is from the canonical frame address.
    pub fn places(
        &self,
        shape: &Shape,
        allocation: &Allocation,
        constants: &[NamedConstant],
        frame: impl Fn(u32) -> i32,
    ) -> Vec<(Range<Position>, NamedPlace)> {
        let ends = shape.labels.iter();
        let ends = ends.map(|(_, insts, label)| (*label, insts.end));
        let search = Search {
            spots: self,
            shape,
            allocation,
            ends: ends.collect(),
        };
        let mut places = Vec::new();
        let mut add = |range, (name, part), place| {
            places.push((
                range,
                NamedPlace {
                    name,
                    part,
                    start: 0,
                    end: 0,
                    place,
                },
            ));
        };
        let place = |loc| match loc {
            Loc::Reg(reg) => ValuePlace::Reg(reg),
            Loc::Spill(slot) => ValuePlace::Frame(frame(slot)),
        };
        for found in &allocation.labels {
            let part = part_of(found.label);
            for (from, range) in search.ranges(found.from, found.to, Some((found.loc, found.label)))
            {
                if let Some((loc, start)) = search.before_moves(from, found.loc) {
                    add(start..start.moved(1), part, place(loc));
                }
                add(range, part, place(found.loc));
            }
        }
        for constant in constants {
            let before = |inst| Point { inst, after: false };
            let (from, to) = (before(constant.insts.start), before(constant.insts.end));
            for (_, range) in search.ranges(from, to, None) {
                add(range, constant.part, ValuePlace::Const(constant.bits));
            }
        }
        places
    }
}

struct Search<'a> {
    spots: &'a Spots,
    shape: &'a Shape,
    allocation: &'a Allocation,
    /// Labels and where they are no longer wanted.
    ends: BTreeSet<(u32, u32)>,
}

impl Search<'_> {
    /// The stretches of code between two places, one for each block, and where they begin; what stays where it is has no `what`.
    fn ranges(
        &self,
        from: Point,
        to: Point,
        what: Option<(Loc, u32)>,
    ) -> Vec<(Point, Range<Position>)> {
        let blocks = &self.shape.blocks;
        let first = blocks.partition_point(|block| block.insts.end <= from.inst);
        let blocks = blocks[first..].iter();
        let starts = |inst| Point { inst, after: false };
        let blocks = blocks.take_while(|block| starts(block.insts.start) < to);
        let mut ranges = Vec::new();
        for block in blocks {
            let insts = &block.insts;
            let spot = |inst: u32| self.spots.of[inst as usize];
            if spot(insts.start).is_none() {
                continue;
            }
            let end = if to.inst >= insts.end {
                self.block_end(insts.end - 1, what)
            } else {
                self.end(to, what)
            };
            let from = from.max(starts(insts.start));
            ranges.push((from, self.start(from, what)..end));
        }
        ranges
    }

    /// The places of an instruction whose block was written.
    fn spot(&self, inst: u32) -> Spot {
        let spot = self.spots.of[inst as usize];
        spot.unwrap_or_else(|| unreachable!("instruction {inst} was written"))
    }

    fn moves(&self, at: Point) -> impl Iterator<Item = &Move> {
        let moves = &self.allocation.moves;
        let first = moves.partition_point(|m| m.point() < at);
        moves[first..].iter().take_while(move |m| m.point() == at)
    }

    /// Where in front of the moves of an instruction that is what they bring to a place: a debugger that stops at its line stops there.
    fn before_moves(&self, at: Point, loc: Loc) -> Option<(Loc, Position)> {
        let moves: Vec<&Move> = self.moves(at).collect();
        let is_brought = !at.after && moves.iter().any(|m| m.to == loc);
        let back = |loc, m: &&Move| if m.to == loc { m.from } else { loc };
        is_brought.then(|| (moves.iter().rev().fold(loc, back), self.spot(at.inst)[0]))
    }

    /// What a move brings is there behind the moves; what has been there is so in front of them.
    fn start(&self, at: Point, what: Option<(Loc, u32)>) -> Position {
        let is_moved = what.is_some_and(|(loc, _)| self.moves(at).any(|m| m.to == loc));
        self.spot(at.inst)[2 * usize::from(at.after) + usize::from(is_moved)]
    }

    /// What goes on behind a block is there up to its end, unless moves for the way to another block take its place.
    fn block_end(&self, last: u32, what: Option<(Loc, u32)>) -> Position {
        let at = Point {
            inst: last,
            after: false,
        };
        let is_taken = what.is_some_and(|(loc, _)| self.moves(at).any(|m| m.to == loc));
        self.spot(last)[if is_taken { 0 } else { 3 }]
    }

    fn end(&self, at: Point, what: Option<(Loc, u32)>) -> Position {
        let spot = self.spot(at.inst);
        let Some((loc, label)) = what else {
            return spot[0];
        };
        if at.after {
            // Who looks at a caller looks one byte before the return address, and a call leaves no such register alone.
            let calls = self.shape.clobber_set(at.inst as usize).is_some();
            let is_lost = calls && matches!(loc, Loc::Reg(_));
            return spot[2].moved(-i32::from(is_lost));
        }
        // A debugger stops in front of the moves of a line's first instruction, where nothing is moved yet.
        let stays = !self.ends.contains(&(label, at.inst)) && self.moves(at).next().is_some();
        spot[0].moved(i32::from(stays))
    }
}
