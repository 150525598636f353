//! The flow of control of a function: predecessors, reverse postorder, dominators.
//!
//! In comes a function whose blocks all end; nothing is changed. What was computed holds until a terminator changes.

use super::func::{Block, ENTRY, Func};

/// Predecessors and order of a function's blocks.
#[derive(Clone, Debug)]
pub struct Cfg {
    preds: Preds,
    /// Reachable blocks, each before its successors but for back edges.
    pub rpo: Vec<Block>,
    /// For each block its place in `rpo`, from 1; 0 where it is unreachable.
    number: Vec<u32>,
}

/// For each block, where its jumps come from.
#[derive(Clone, Debug)]
pub struct Preds {
    /// Where the list of each block ends in `from`.
    ends: Vec<u32>,
    from: Vec<Block>,
}

impl Preds {
    /// Of a function whose blocks all end.
    pub fn new(func: &Func) -> Preds {
        let blocks = (0..func.blocks.len() as u32).map(Block);
        let edges = blocks.flat_map(|from| successors(func, from).map(move |to| (from, to)));
        // First how many there are, then where each list starts; filling it moves that to its end.
        let mut ends = vec![0; func.blocks.len()];
        edges.clone().for_each(|(_, to)| ends[to.index()] += 1);
        let mut total = 0;
        for end in &mut ends {
            total += std::mem::replace(end, total);
        }
        let mut from = vec![ENTRY; total as usize];
        for (pred, to) in edges {
            let end = &mut ends[to.index()];
            from[*end as usize] = pred;
            *end += 1;
        }
        Preds { ends, from }
    }

    /// Where jumps to a block come from; a branch with both arms here is listed twice. Jumps of unreachable blocks count too.
    pub fn of(&self, block: Block) -> &[Block] {
        let start = match block.index().checked_sub(1) {
            Some(before) => self.ends[before],
            None => 0,
        };
        &self.from[start as usize..self.ends[block.index()] as usize]
    }
}

impl Cfg {
    /// Of a function whose blocks all end.
    pub fn new(func: &Func) -> Cfg {
        let preds = Preds::new(func);
        let rpo = reverse_postorder(func);
        let mut number = vec![0; func.blocks.len()];
        for (block, at) in rpo.iter().zip(1..) {
            number[block.index()] = at;
        }
        Cfg { preds, rpo, number }
    }

    /// Where jumps to a block come from, as [`Preds::of`] says.
    pub fn preds(&self, block: Block) -> &[Block] {
        self.preds.of(block)
    }

    /// Whether some path from the entry leads there.
    pub fn is_reachable(&self, block: Block) -> bool {
        self.number[block.index()] != 0
    }

    /// A reachable block's place in `rpo`.
    pub fn number(&self, block: Block) -> Option<u32> {
        self.number[block.index()].checked_sub(1)
    }

    /// Whether a jump from `from` to `to` leads back, as at the end of a loop. Both are reachable.
    pub fn is_back_edge(&self, from: Block, to: Block) -> bool {
        self.number[from.index()] >= self.number[to.index()]
    }

    /// The dominator tree.
    pub fn dominators(&self) -> Dominators {
        Dominators::new(self)
    }
}

/// For each block, whether some path from the entry leads there.
pub fn reachable(func: &Func) -> Vec<bool> {
    let mut reached = vec![false; func.blocks.len()];
    let mut work = Vec::with_capacity(func.blocks.len());
    work.push(ENTRY);
    reached[ENTRY.index()] = true;
    while let Some(block) = work.pop() {
        for to in successors(func, block) {
            if !std::mem::replace(&mut reached[to.index()], true) {
                work.push(to);
            }
        }
    }
    reached
}

/// Targets of a block's terminator, in order.
fn successors(func: &Func, block: Block) -> impl Iterator<Item = Block> + Clone {
    (0..).map_while(move |n| successor(func, block, n))
}

fn successor(func: &Func, block: Block, n: usize) -> Option<Block> {
    let term = func.blocks[block.index()].term.as_ref()?;
    term.target(n).map(|to| to.block)
}

fn reverse_postorder(func: &Func) -> Vec<Block> {
    let mut seen = vec![false; func.blocks.len()];
    let mut order = Vec::with_capacity(func.blocks.len());
    let mut stack = Vec::with_capacity(func.blocks.len());
    stack.push((ENTRY, 0));
    seen[ENTRY.index()] = true;
    while let Some((block, next)) = stack.last_mut() {
        let to = successor(func, *block, *next);
        *next += 1;
        match to {
            Some(to) if !seen[to.index()] => {
                seen[to.index()] = true;
                stack.push((to, 0));
            }
            Some(_) => {}
            None => {
                order.push(*block);
                stack.pop();
            }
        }
    }
    order.reverse();
    order
}

/// A dominator tree, as intervals: a block dominates those whose interval lies in its own.
#[derive(Clone, Debug)]
pub struct Dominators {
    /// For each reachable block (its immediate dominator is itself for the entry).
    idom: Vec<Option<Block>>,
    enter: Vec<u32>,
    leave: Vec<u32>,
}

impl Dominators {
    /// Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm" (2001): intersect the predecessors' dominators until nothing moves.
    fn new(cfg: &Cfg) -> Dominators {
        let count = cfg.number.len();
        let mut idom: Vec<Option<Block>> = vec![None; count];
        idom[ENTRY.index()] = Some(ENTRY);
        let number = |block: Block| cfg.number[block.index()];
        let mut changed = true;
        while changed {
            changed = false;
            for &block in cfg.rpo.iter().skip(1) {
                let mut new: Option<Block> = None;
                for &pred in cfg.preds(block) {
                    if idom[pred.index()].is_none() {
                        continue;
                    }
                    let (mut a, Some(mut b)) = (pred, new) else {
                        new = Some(pred);
                        continue;
                    };
                    while a != b {
                        let up = if number(a) > number(b) {
                            &mut a
                        } else {
                            &mut b
                        };
                        *up = idom[up.index()].expect("blocks above have been visited");
                    }
                    new = Some(a);
                }
                if idom[block.index()] != new {
                    idom[block.index()] = new;
                    changed = true;
                }
            }
        }
        let (enter, leave) = intervals(&idom, &cfg.rpo);
        Dominators { idom, enter, leave }
    }

    /// Whether every path from the entry to `b` goes through `a`. Both are reachable.
    pub fn dominates(&self, a: Block, b: Block) -> bool {
        debug_assert!(self.idom[a.index()].is_some() && self.idom[b.index()].is_some());
        self.enter[a.index()] <= self.enter[b.index()]
            && self.leave[b.index()] <= self.leave[a.index()]
    }
}

/// Numbers of entering and leaving each block in a walk over the tree.
fn intervals(idom: &[Option<Block>], rpo: &[Block]) -> (Vec<u32>, Vec<u32>) {
    let mut children: Vec<Vec<Block>> = vec![Vec::new(); idom.len()];
    for &block in rpo.iter().skip(1) {
        let parent = idom[block.index()].expect("reachable");
        children[parent.index()].push(block);
    }
    let (mut enter, mut leave) = (vec![0; idom.len()], vec![0; idom.len()]);
    let mut clock = 0;
    let mut stack = vec![(ENTRY, 0)];
    while let Some((block, next)) = stack.last_mut() {
        if *next == 0 {
            clock += 1;
            enter[block.index()] = clock;
        }
        if let Some(&child) = children[block.index()].get(*next) {
            *next += 1;
            stack.push((child, 0));
        } else {
            clock += 1;
            leave[block.index()] = clock;
            stack.pop();
        }
    }
    (enter, leave)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::random::{self, Rng};

    /// Whether `b` can be reached without going through `a`.
    fn reaches_around(func: &Func, a: Block, b: Block) -> bool {
        let mut seen = vec![false; func.blocks.len()];
        let mut stack = vec![ENTRY];
        while let Some(block) = stack.pop() {
            if block == a || std::mem::replace(&mut seen[block.index()], true) {
                continue;
            }
            stack.extend(successors(func, block));
        }
        seen[b.index()]
    }

    #[test]
    fn dominance_is_what_removing_a_block_shows() {
        for seed in 0..60 {
            let func = random::func(&mut Rng::new(seed), "f");
            let cfg = Cfg::new(&func);
            let dominators = cfg.dominators();
            for &a in &cfg.rpo {
                for &b in &cfg.rpo {
                    assert_eq!(
                        dominators.dominates(a, b),
                        !reaches_around(&func, a, b),
                        "seed {seed}: {a} over {b}"
                    );
                }
            }
        }
    }
}
