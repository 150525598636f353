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
    /// Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm" (2001): intersect the predecessors' dominators until nothing moves. Where
    /// every loop is entered by its head alone, as it is in what bodies become, that is the second walk.
    fn new(cfg: &Cfg) -> Dominators {
        let count = cfg.number.len();
        let mut tree = Tree::new(count);
        tree.walk(cfg, Tree::meet);
        if tree.walk(cfg, Tree::meet) {
            tree = Tree::new(count);
            while tree.walk(cfg, |tree, a, b| tree.meet_by_number(cfg, a, b)) {}
        }
        let (enter, leave) = intervals(&tree.idom, &cfg.rpo);
        Dominators {
            idom: tree.idom,
            enter,
            leave,
        }
    }

    /// Whether every path from the entry to `b` goes through `a`. Both are reachable.
    pub fn dominates(&self, a: Block, b: Block) -> bool {
        debug_assert!(self.idom[a.index()].is_some() && self.idom[b.index()].is_some());
        self.enter[a.index()] <= self.enter[b.index()]
            && self.leave[b.index()] <= self.leave[a.index()]
    }
}

/// A dominator tree being made. Besides its dominator, each block knows another one further up, so that two blocks meet after few steps even
/// where the tree is one long path (Myers, "An applicative random-access stack", 1983).
struct Tree {
    idom: Vec<Option<Block>>,
    depth: Vec<u32>,
    jump: Vec<Block>,
}

impl Tree {
    fn new(count: usize) -> Tree {
        let mut idom = vec![None; count];
        idom[ENTRY.index()] = Some(ENTRY);
        Tree {
            idom,
            depth: vec![0; count],
            jump: vec![ENTRY; count],
        }
    }

    /// Gives each block the dominator that its predecessors have in common; whether any has another one than before.
    fn walk(&mut self, cfg: &Cfg, meet: impl Fn(&Tree, Block, Block) -> Block) -> bool {
        let mut changed = false;
        for &block in cfg.rpo.iter().skip(1) {
            let known = cfg.preds(block).iter().copied();
            let known = known.filter(|pred| self.idom[pred.index()].is_some());
            let Some(new) = known.reduce(|a, b| meet(self, a, b)) else {
                unreachable!("{block} is reached from a block before it")
            };
            changed |= self.idom[block.index()] != Some(new);
            self.idom[block.index()] = Some(new);
            self.depth[block.index()] = self.depth[new.index()] + 1;
            let jump = self.jump[new.index()];
            let depth = |block: Block| self.depth[block.index()];
            let is_even = depth(new) - depth(jump) == depth(jump) - depth(self.jump[jump.index()]);
            self.jump[block.index()] = if is_even {
                self.jump[jump.index()]
            } else {
                new
            };
        }
        changed
    }

    fn up(&self, block: Block) -> Block {
        self.idom[block.index()].expect("blocks above have been visited")
    }

    /// The first block above both, step by step: right while blocks above still move.
    fn meet_by_number(&self, cfg: &Cfg, mut a: Block, mut b: Block) -> Block {
        while a != b {
            match cfg.number(a) > cfg.number(b) {
                true => a = self.up(a),
                false => b = self.up(b),
            }
        }
        a
    }

    /// The first block above both.
    fn meet(&self, mut a: Block, mut b: Block) -> Block {
        let depth = |block: Block| self.depth[block.index()];
        let jump = |block: Block| self.jump[block.index()];
        if depth(a) < depth(b) {
            std::mem::swap(&mut a, &mut b);
        }
        while depth(a) > depth(b) {
            a = if depth(jump(a)) >= depth(b) {
                jump(a)
            } else {
                self.up(a)
            };
        }
        while a != b {
            (a, b) = match jump(a) == jump(b) {
                true => (self.up(a), self.up(b)),
                false => (jump(a), jump(b)),
            };
        }
        a
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
            check(&random::func(&mut Rng::new(seed), "f"));
        }
    }
}
