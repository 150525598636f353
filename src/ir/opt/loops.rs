//! The loops of a function: in come its blocks, out come the innermost loops, which passes can handle one by one ([`Loops`]), and all loops as
//! they are nested ([`Forest`]). A loop is entered by its head alone.

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

/// The innermost loops with one jump back and few blocks, and for each block the number of the one it belongs to.
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
        let is_head = |block: Block| cfg.preds(block).iter().any(|pred| is_back(pred, block));
        for &head in &cfg.rpo {
            let mut latches = cfg.preds(head).iter().filter(|pred| is_back(pred, head));
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
        open.extend(cfg.preds(block));
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

/// All loops, outer ones around inner ones.
pub(super) struct Forest {
    heads: Vec<Block>,
    parents: Vec<Option<usize>>,
    /// How many loops are around each, itself included.
    depths: Vec<u32>,
    innermost: Vec<Option<usize>>,
}

impl Forest {
    pub fn new(func: &Func, cfg: &Cfg, dominators: &Dominators) -> Forest {
        let mut forest = Forest {
            heads: Vec::new(),
            parents: Vec::new(),
            depths: Vec::new(),
            innermost: vec![None; func.blocks.len()],
        };
        // Inner loops first: an outer one then steps over them from head to head.
        for &head in cfg.rpo.iter().rev() {
            let back = |pred: &&Block| {
                cfg.is_reachable(**pred)
                    && cfg.is_back_edge(**pred, head)
                    && dominators.dominates(head, **pred)
            };
            let mut open: Vec<Block> = cfg.preds(head).iter().filter(back).copied().collect();
            if open.is_empty() {
                continue;
            }
            let number = forest.heads.len();
            forest.heads.push(head);
            forest.parents.push(None);
            while let Some(block) = open.pop() {
                let next = match forest.innermost[block.index()] {
                    None => {
                        forest.innermost[block.index()] = Some(number);
                        block
                    }
                    Some(inner) => {
                        let outermost = forest.outermost(inner);
                        if outermost == number {
                            continue;
                        }
                        forest.parents[outermost] = Some(number);
                        forest.heads[outermost]
                    }
                };
                if next != head {
                    let preds = cfg.preds(next).iter().copied();
                    open.extend(preds.filter(|&pred| cfg.is_reachable(pred)));
                }
            }
            // The head of a loop of one block has been met; others are now.
            forest.innermost[head.index()].get_or_insert(number);
        }
        // Outer loops have higher numbers.
        forest.depths = vec![1; forest.heads.len()];
        for number in (0..forest.heads.len()).rev() {
            if let Some(parent) = forest.parents[number] {
                forest.depths[number] = forest.depths[parent] + 1;
            }
        }
        forest
    }

    fn outermost(&self, mut number: usize) -> usize {
        while let Some(parent) = self.parents[number] {
            number = parent;
        }
        number
    }

    /// How many loops there are.
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// Where a loop is entered.
    pub fn head(&self, number: usize) -> Block {
        self.heads[number]
    }

    /// The loop around a loop.
    pub fn parent(&self, number: usize) -> Option<usize> {
        self.parents[number]
    }

    /// The innermost loop around a block.
    pub fn innermost(&self, block: Block) -> Option<usize> {
        self.innermost.get(block.index()).copied().flatten()
    }

    /// Whether a loop is another one, or in it.
    pub fn is_in(&self, mut number: usize, around: usize) -> bool {
        while self.depths[number] > self.depths[around] {
            let Some(parent) = self.parents[number] else {
                return false;
            };
            number = parent;
        }
        number == around
    }

    /// Whether a block is in a loop.
    pub fn contains(&self, number: usize, block: Block) -> bool {
        self.innermost(block)
            .is_some_and(|inner| self.is_in(inner, number))
    }
}
