//! What emission wants to know before the first byte: which blocks need a frame, and which
//! blocks are empty, so that jumps go past them. In: a [`Shape`] and its [`Allocation`]. Nothing is written here.

use super::regalloc::{Allocation, Loc};
use super::vcode::{BlockShape, Shape, VBlock};
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
