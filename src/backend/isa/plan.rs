//! What emission wants to know before the first byte: which blocks need a frame, which are empty, so that jumps go past them, and which
//! are what another is. In: a [`Shape`] and its [`Allocation`]. Nothing is written here.

use std::collections::BTreeMap;

use super::regalloc::{Allocation, Loc, Move};
use super::vcode::{BlockShape, Shape, VBlock, VCode};
use crate::target::regs::Reg;

/// Which blocks call, use the frame's memory, or write a register that must be saved first. `uses_frame` tells whether the instruction of a
/// number calls or has an address in the frame.
pub fn needs_frame(
    shape: &Shape,
    allocation: &Allocation,
    saved: &[Reg],
    uses_frame: impl Fn(u32) -> bool,
) -> Vec<bool> {
    let is_of_frame = |&loc: &Loc| match loc {
        Loc::Reg(reg) => saved.contains(&reg),
        Loc::Spill(_) => true,
    };
    let mut moves = allocation.moves.iter().peekable();
    let needs = |block: &BlockShape| {
        let mut needs = false;
        while let Some(m) = moves.next_if(|m| m.inst < block.insts.end) {
            needs |= is_of_frame(&m.from) || is_of_frame(&m.to);
        }
        let mut insts = block.insts.clone();
        needs
            || insts.any(|at| {
                let locs = &allocation.locs[shape.operand_range(at as usize)];
                uses_frame(at) || locs.iter().any(is_of_frame)
            })
    };
    shape.blocks.iter().map(needs).collect()
}

/// For each block, where a jump to it really goes: blocks that only jump on are passed over, unless the frame is undone in them.
/// `is_jump` tells whether the instruction of a number goes to the only successor and does nothing else.
pub fn forward(
    shape: &Shape,
    allocation: &Allocation,
    framed: &[bool],
    is_jump: impl Fn(u32) -> bool,
) -> Vec<VBlock> {
    let blocks = &shape.blocks;
    let mut moves = allocation.moves.iter().peekable();
    let mut targets: Vec<VBlock> = (0..blocks.len() as u32).map(VBlock).collect();
    for (at, block) in blocks.iter().enumerate() {
        let mut has_moves = false;
        while moves.next_if(|m| m.inst < block.insts.end).is_some() {
            has_moves = true;
        }
        if !has_moves && block.insts.len() == 1 && is_jump(block.insts.start) {
            let to = block.succs[0];
            if !framed[at] || framed[to.index()] {
                targets[at] = to;
            }
        }
    }
    for at in (0..targets.len()).rev() {
        // An empty loop jumps to itself in the end; its blocks stay.
        let mut to = targets[at];
        for _ in 0..targets.len() {
            if targets[to.index()] == to {
                break;
            }
            to = targets[to.index()];
            if to.index() == at {
                break;
            }
        }
        targets[at] = to;
    }
    targets
}

/// Has jumps to a cold block go to another one that does the same, from the same line of the source, and lies further down. `forwarded` is
/// what [`forward`] found, `layout` the order of memory. On usual paths a jump would be one instruction more.
pub fn merge<I: PartialEq>(
    code: &VCode<I>,
    allocation: &Allocation,
    layout: &[VBlock],
    framed: &[bool],
    forwarded: &mut [VBlock],
) {
    // Of the blocks that go on alike, so many different ones are looked at.
    const MOST: usize = 8;
    let shape = &code.shape;
    let ways = |block: VBlock| -> Vec<VBlock> {
        let succs = shape.blocks[block.index()].succs.iter();
        succs.map(|succ| forwarded[succ.index()]).collect()
    };
    let mut known: BTreeMap<Vec<VBlock>, Vec<VBlock>> = BTreeMap::new();
    let mut same = Vec::new();
    for &block in layout.iter().rev() {
        let at = block.index();
        if at == 0 || !shape.blocks[at].is_cold || forwarded[at] != block {
            continue;
        }
        let others = known.entry(ways(block)).or_default();
        let other = others.iter().rev().take(MOST).copied().find(|&other| {
            framed[other.index()] == framed[at] && does_same(code, allocation, block, other)
        });
        match other {
            Some(other) => same.push((block, other)),
            None => others.push(block),
        }
    }
    for (block, other) in same {
        forwarded[block.index()] = other;
    }
    for at in 0..forwarded.len() {
        forwarded[at] = forwarded[forwarded[at].index()];
    }
}

/// Whether two blocks have the same instructions with the same operands, and the same moves.
fn does_same<I: PartialEq>(
    code: &VCode<I>,
    allocation: &Allocation,
    one: VBlock,
    other: VBlock,
) -> bool {
    let shape = &code.shape;
    let [one, other] = [one, other].map(|block| shape.blocks[block.index()].insts.clone());
    let locs = |at: u32| &allocation.locs[shape.operand_range(at as usize)];
    let same_insts = one.len() == other.len()
        && one.clone().zip(other.clone()).all(|(a, b)| {
            let (at, bt) = (a as usize, b as usize);
            code.insts[at] == code.insts[bt]
                && code.spans[at] == code.spans[bt]
                && locs(a) == locs(b)
        });
    let moves = |of: &std::ops::Range<u32>| {
        let (start, end) = (of.start, of.end);
        let all = &allocation.moves;
        let first = all.partition_point(|m| m.inst < start);
        let here = all[first..].iter().take_while(move |m| m.inst < end);
        here.map(move |m| Move {
            inst: m.inst - start,
            ..*m
        })
    };
    same_insts && moves(&one).eq(moves(&other))
}
