//! The flow of control of a function: predecessors, reverse postorder, dominators.
//!
//! In comes a function whose blocks all end; nothing is changed. What was computed holds until a terminator changes.

use std::ops::Range;

use super::func::{Block, ENTRY, Func};

/// Predecessors and order of a function's blocks.
#[derive(Clone, Debug)]
pub struct Cfg {
    preds: Preds,
    /// Reachable blocks, each before its successors but for back edges.
    pub rpo: Vec<Block>,
    /// For each block its place in `rpo`, from 1; 0 where it is unreachable.
    number: Vec<u32>,
    /// The reachable blocks in the order in which a walk comes to them.
    tree: Vec<Visit>,
}

/// A block as a walk comes to it.
#[derive(Clone, Copy, Debug)]
struct Visit {
    block: Block,
    /// From where: its place in the order of visits.
    parent: u32,
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
        let (rpo, tree) = walk(func);
        let mut number = vec![0; func.blocks.len()];
        for (block, at) in rpo.iter().zip(1..) {
            number[block.index()] = at;
        }
        Cfg {
            preds,
            rpo,
            number,
            tree,
        }
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

/// A walk from the entry, deep first: the blocks in reverse postorder, and in the order in which it comes to them.
fn walk(func: &Func) -> (Vec<Block>, Vec<Visit>) {
    let count = func.blocks.len();
    let mut seen = vec![false; count];
    let mut order = Vec::with_capacity(count);
    let mut tree = Vec::with_capacity(count);
    // The place in the tree, and the next successor.
    let mut stack: Vec<(u32, usize)> = Vec::with_capacity(count);
    seen[ENTRY.index()] = true;
    tree.push(Visit {
        block: ENTRY,
        parent: 0,
    });
    stack.push((0, 0));
    while let Some((at, next)) = stack.last_mut() {
        let at = *at;
        let block = tree[at as usize].block;
        match successor(func, block, *next) {
            Some(to) => {
                *next += 1;
                if !std::mem::replace(&mut seen[to.index()], true) {
                    tree.push(Visit {
                        block: to,
                        parent: at,
                    });
                    stack.push((tree.len() as u32 - 1, 0));
                }
            }
            None => {
                order.push(block);
                stack.pop();
            }
        }
    }
    order.reverse();
    (order, tree)
}

/// A dominator tree, as intervals: a block dominates those that are numbered in its own.
#[derive(Clone, Debug)]
pub struct Dominators {
    /// For each block the numbers of its part of the tree, itself first; none for unreachable ones.
    numbers: Vec<Range<u32>>,
}

impl Dominators {
    fn new(cfg: &Cfg) -> Dominators {
        let idom = immediate_dominators(cfg);
        let mut sizes = vec![1; idom.len()];
        for at in (1..idom.len()).rev() {
            sizes[idom[at] as usize] += sizes[at];
        }
        // Each takes the first numbers that its dominator has not given away.
        let mut free = vec![0; idom.len()];
        let mut numbers = vec![0..0; cfg.number.len()];
        for (at, visit) in cfg.tree.iter().enumerate() {
            let from = &mut free[idom[at] as usize];
            let start = *from;
            *from += sizes[at];
            free[at] = start + 1;
            numbers[visit.block.index()] = start..start + sizes[at];
        }
        Dominators { numbers }
    }

    /// Whether every path from the entry to `b` goes through `a`. Both are reachable.
    pub fn dominates(&self, a: Block, b: Block) -> bool {
        let (a, b) = (&self.numbers[a.index()], &self.numbers[b.index()]);
        debug_assert!(!a.is_empty() && !b.is_empty());
        a.contains(&b.start)
    }
}

/// For each visited block, by its place in the order of visits, that of its immediate dominator; the entry's is its own. Georgiadis,
/// "Linear-Time Algorithms for Dominators and Related Problems" (2005), the algorithm called Semi-NCA: where a block is the way out of all
/// others, its predecessors are not walked up one by one.
fn immediate_dominators(cfg: &Cfg) -> Vec<u32> {
    let mut places = vec![u32::MAX; cfg.number.len()];
    for (at, visit) in cfg.tree.iter().enumerate() {
        places[visit.block.index()] = at as u32;
    }
    let mut paths = Paths {
        up: cfg.tree.iter().map(|visit| visit.parent).collect(),
        semi: (0..cfg.tree.len() as u32).collect(),
        best: (0..cfg.tree.len() as u32).collect(),
        open: Vec::new(),
    };
    for at in (1..cfg.tree.len()).rev() {
        let mut semi = cfg.tree[at].parent;
        for pred in cfg.preds(cfg.tree[at].block) {
            let place = places[pred.index()];
            if place != u32::MAX {
                let best = paths.best_above(place, at as u32 + 1);
                semi = semi.min(paths.semi[best as usize]);
            }
        }
        paths.semi[at] = semi;
    }
    let mut idom: Vec<u32> = cfg.tree.iter().map(|visit| visit.parent).collect();
    for at in 1..idom.len() {
        while idom[at] > paths.semi[at] {
            idom[at] = idom[idom[at] as usize];
        }
    }
    idom
}

/// Paths up the tree of visits, shortened as they are walked.
struct Paths {
    /// Where the rest of the path goes on.
    up: Vec<u32>,
    /// Semidominators, so far.
    semi: Vec<u32>,
    /// On the part of the path that was cut out, and here: who has the least semidominator.
    best: Vec<u32>,
    open: Vec<u32>,
}

impl Paths {
    /// Who has the least semidominator of those on the path up from `from` that were visited at `last` or later.
    fn best_above(&mut self, from: u32, last: u32) -> u32 {
        let mut at = from;
        while self.up[at as usize] >= last {
            self.open.push(at);
            at = self.up[at as usize];
        }
        let mut best = self.best[at as usize];
        let up = self.up[at as usize];
        while let Some(below) = self.open.pop() {
            let below = below as usize;
            if self.semi[best as usize] < self.semi[self.best[below] as usize] {
                self.best[below] = best;
            } else {
                best = self.best[below];
            }
            self.up[below] = up;
        }
        best
    }
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

    /// A loop with two ways in, which no body makes.
    #[test]
    fn dominance_is_right_where_a_loop_has_two_ways_in() {
        use crate::ir::func::{BlockCall, Signature, Term};
        let to = |block| BlockCall {
            block: Block(block),
            args: Default::default(),
        };
        let mut func = Func::new(
            "f",
            Signature::internal(&[crate::ir::func::AbiType::I64], &[]),
        );
        let x = func.params()[0];
        let branch = |a, b| Some(Term::Br(x, to(a), to(b)));
        let terms = [
            branch(1, 2),
            branch(3, 2),
            branch(1, 4),
            branch(4, 3),
            branch(5, 2),
            Some(Term::Unreachable),
        ];
        func.blocks = terms
            .map(|term| crate::ir::func::BlockData {
                term,
                ..Default::default()
            })
            .to_vec();
        check(&func);
    }

    fn check(func: &Func) {
        let cfg = Cfg::new(func);
        let dominators = cfg.dominators();
        for &a in &cfg.rpo {
            for &b in &cfg.rpo {
                let expected = !reaches_around(func, a, b);
                assert_eq!(
                    dominators.dominates(a, b),
                    expected,
                    "{a} over {b}\n{func:?}"
                );
            }
        }
    }

    #[test]
    fn dominance_is_what_removing_a_block_shows() {
        for seed in 0..60 {
            let func = random::func(&mut Rng::new(seed), "f");
            check(&func);
        }
    }
}
