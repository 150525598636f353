//! What emission wants to know before the first byte: which blocks need a frame, and which
//! blocks are empty, so that jumps go past them. In: [`Lowered`] and its [`Allocation`]. Nothing is written here.

use super::lower::Lowered;
use super::vinst::{Base, Inst64, RmShape};
use crate::backend::isa::regalloc::{Allocation, Loc};
use crate::backend::isa::vcode::{BlockShape, VBlock};
use crate::target::regs::Reg;

/// Which blocks call, use the frame's memory, or write a register that must be saved first.
pub fn needs_frame(lowered: &Lowered, allocation: &Allocation, saved: &[Reg]) -> Vec<bool> {
    let shape = &lowered.code.shape;
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
                uses_frame(&lowered.code.insts[at as usize]) || locs.iter().any(is_of_frame)
            })
    };
    shape.blocks.iter().map(needs).collect()
}

/// Whether the instruction calls or has an address in the frame.
fn uses_frame(inst: &Inst64) -> bool {
    match inst {
        Inst64::Call(_) => true,
        Inst64::Row { rm, .. } => match rm {
            RmShape::Mem { base, .. } => match base {
                Base::Slot(_) | Base::Outgoing => true,
                Base::None | Base::Reg | Base::Incoming => false,
            },
            RmShape::Reg | RmShape::Same | RmShape::Ref { .. } | RmShape::ImportSlot(_) => false,
        },
        Inst64::Args
        | Inst64::Keep
        | Inst64::Zero
        | Inst64::FloatZero
        | Inst64::FloatOnes
        | Inst64::FloatCmov(_)
        | Inst64::LeafCall(_)
        | Inst64::TailCall(_)
        | Inst64::Ret
        | Inst64::Jump
        | Inst64::Branch(_)
        | Inst64::Trap => false,
    }
}

/// For each block, where a jump to it really goes: blocks that only jump on are passed over, unless the frame is undone in them.
pub fn forward(lowered: &Lowered, allocation: &Allocation, framed: &[bool]) -> Vec<VBlock> {
    let blocks = &lowered.code.shape.blocks;
    let mut moves = allocation.moves.iter().peekable();
    let mut targets: Vec<VBlock> = (0..blocks.len() as u32).map(VBlock).collect();
    for (at, block) in blocks.iter().enumerate() {
        let mut has_moves = false;
        while moves.next_if(|m| m.inst < block.insts.end).is_some() {
            has_moves = true;
        }
        let first = &lowered.code.insts[block.insts.start as usize];
        if !has_moves && block.insts.len() == 1 && matches!(first, Inst64::Jump) {
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
