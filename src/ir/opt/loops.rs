//! The innermost loops of a function: in come its blocks, out come those loops that passes can handle one by one.
//!
//! A loop here has one jump back and is entered by its head alone; its blocks are few, and none belongs to another such loop. So what is
//! said of all of them is linear in the size of the function.

use crate::ir::cfg::{Cfg, Dominators};
use crate::ir::func::{Block, ENTRY, Func, Inst, InstData, Payload, Value};

/// Blocks of a loop that is looked at.
const MOST_BLOCKS: usize = 64;

/// A loop without another one inside.
pub(super) struct Loop {
    /// Where it is entered.
    pub head: Block,
    /// The block that jumps back to the head.
    pub latch: Block,
    /// All its blocks, in reverse postorder.
    pub members: Vec<Block>,
}

/// The innermost loops, and for each block the number of the one it belongs to.
pub(super) struct Loops {
    pub loops: Vec<Loop>,
    number: Vec<u32>,
    homes: Vec<Block>,
    defs: Vec<Option<Inst>>,
}

const NONE: u32 = u32::MAX;

impl Loops {
    pub fn new(func: &Func, cfg: &Cfg, dominators: &Dominators) -> Loops {
        let mut found = Loops {
            loops: Vec::new(),
            number: vec![NONE; func.blocks.len()],
            homes: Vec::new(),
            defs: Vec::new(),
        };
        let is_back =
            |from: &Block, to: Block| cfg.is_reachable(*from) && cfg.is_back_edge(*from, to);
        let is_head = |block: Block| {
            cfg.preds[block.index()]
                .iter()
                .any(|pred| is_back(pred, block))
        };
        for &head in &cfg.rpo {
            let mut latches = cfg.preds[head.index()]
                .iter()
                .filter(|pred| is_back(pred, head));
            if let (Some(&latch), None) = (latches.next(), latches.next())
                && head != ENTRY
                && dominators.dominates(head, latch)
                && let Some(members) = members(cfg, head, latch, &is_head)
            {
                for member in &members {
                    found.number[member.index()] = found.loops.len() as u32;
                }
                found.loops.push(Loop {
                    head,
                    latch,
                    members,
                });
            }
        }
        if !found.loops.is_empty() {
            (found.homes, found.defs) = homes(func);
        }
        found
    }

    /// The number of the loop that a block belongs to.
    pub fn of(&self, block: Block) -> Option<usize> {
        let number = *self.number.get(block.index())?;
        (number != NONE).then_some(number as usize)
    }

    /// The block that defines a value; values that are newer than all this have none.
    pub fn home(&self, value: Value) -> Option<Block> {
        self.homes.get(value.index()).copied()
    }

    /// Whether a loop defines a value.
    pub fn defines(&self, number: usize, value: Value) -> bool {
        self.home(value)
            .is_some_and(|home| self.of(home) == Some(number))
    }

    /// The instruction that makes a value.
    pub fn def<'a>(&self, func: &'a Func, value: Value) -> Option<&'a InstData> {
        let inst = (*self.defs.get(value.index())?)?;
        Some(&func.insts[inst.index()])
    }

    /// The integer that a value is known to be.
    pub fn constant(&self, func: &Func, value: Value) -> Option<i64> {
        match self.def(func, value)?.payload {
            Payload::Int(value) => Some(value),
            _ => None,
        }
    }
}

/// The blocks from which the latch is reached without the head; `None` where there are many, or another loop's head is among them.
fn members(
    cfg: &Cfg,
    head: Block,
    latch: Block,
    is_head: &impl Fn(Block) -> bool,
) -> Option<Vec<Block>> {
    let mut members = vec![head];
    let mut open = vec![latch];
    while let Some(block) = open.pop() {
        if members.contains(&block) || !cfg.is_reachable(block) {
            continue;
        }
        if is_head(block) || members.len() == MOST_BLOCKS {
            return None;
        }
        members.push(block);
        open.extend(&cfg.preds[block.index()]);
    }
    members.sort_by_key(|&block| cfg.number(block));
    Some(members)
}

/// For each value the block and the instruction that define it.
fn homes(func: &Func) -> (Vec<Block>, Vec<Option<Inst>>) {
    let mut homes = vec![ENTRY; func.values.len()];
    let mut defs = vec![None; func.values.len()];
    for (at, block) in func.blocks.iter().enumerate() {
        for param in &block.params {
            homes[param.index()] = Block(at as u32);
        }
        for &inst in &block.insts {
            for result in &func.insts[inst.index()].results {
                homes[result.index()] = Block(at as u32);
                defs[result.index()] = Some(inst);
            }
        }
    }
    (homes, defs)
}
