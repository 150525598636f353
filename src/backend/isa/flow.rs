//! The control flow of a function as register allocation and lowering want it. In: a [`Func`]. Out: its reachable blocks and the blocks put
//! on critical edges, numbered so that each has a predecessor before it, and their order in memory; parameters with a single source
//! replaced by that source; where each value is defined and how often it is used. Knows no machine, and changes nothing in the function.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use smallvec::{SmallVec, smallvec};

use super::vcode::VBlock;
use crate::ir::func::{Block, BlockCall, ENTRY, Func, Inst, Term, Value};
use crate::ir::op::Effect;

/// What a block of the code stems from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A block of the function.
    Block(Block),
    /// The edge from this block to its terminator's nth target: the target has other predecessors, the source other successors.
    Edge(Block, usize),
}

/// A block of the code.
#[derive(Clone, Debug)]
pub struct FlowBlock {
    /// What it stems from.
    pub source: Source,
    /// Where it may go on, in the order of the terminator's targets.
    pub succs: SmallVec<[VBlock; 2]>,
    /// Where it may come from.
    pub preds: Vec<VBlock>,
}

/// Where an instruction stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    /// The number of its block; meaningless for unreachable instructions.
    pub block: u32,
    /// Its number in the block.
    pub index: u32,
    /// How many instructions of the block before it write memory or call: two loads of one epoch see the same memory.
    pub epoch: u32,
}

/// The result.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Blocks by number. The first is the entry; of each other's predecessors, one has a smaller number. Otherwise numbers follow memory.
    pub blocks: Vec<FlowBlock>,
    /// The blocks in the order of memory: as [`Func::layout`] has them, edges behind their sources, or among the cold blocks.
    pub layout: Vec<VBlock>,
    /// The blocks so that every definition comes behind all its uses (loop-carried ones aside).
    pub uses_first: Vec<VBlock>,
    aliases: Vec<Value>,
    definitions: Vec<Option<Inst>>,
    uses: Vec<u32>,
    places: Vec<Place>,
    edge_counts: Vec<u32>,
}

impl Flow {
    /// The value that `value` is a copy of, or itself.
    pub fn resolve(&self, value: Value) -> Value {
        self.aliases[value.index()]
    }

    /// The instruction that defines a resolved value; none for parameters.
    pub fn definition(&self, value: Value) -> Option<Inst> {
        self.definitions[value.index()]
    }

    /// How often a resolved value is mentioned.
    pub fn uses(&self, value: Value) -> u32 {
        self.uses[value.index()]
    }

    /// Where an instruction stands.
    pub fn place(&self, inst: Inst) -> Place {
        self.places[inst.index()]
    }

    /// Whether several edges arrive at a block, so that its parameters are values of their own.
    pub fn is_join(&self, block: Block) -> bool {
        self.edge_counts[block.index()] > 1
    }
}

/// Analyses a function.
pub fn analyse(func: &Func) -> Flow {
    let (postorder, edge_counts) = walk(func);
    assert_eq!(
        edge_counts[ENTRY.index()],
        0,
        "{}: the entry block is jumped to",
        func.name
    );
    let aliases = resolve_copies(func, &postorder, &edge_counts);
    let mut flow = Flow {
        blocks: Vec::with_capacity(postorder.len()),
        layout: Vec::with_capacity(postorder.len()),
        uses_first: Vec::with_capacity(postorder.len()),
        aliases,
        definitions: vec![None; func.values.len()],
        uses: vec![0; func.values.len()],
        places: vec![Place::default(); func.insts.len()],
        edge_counts,
    };
    for &block in &postorder {
        flow.survey(func, block);
    }
    flow.order_blocks(func, &postorder);
    flow
}

/// Depth-first postorder of the reachable blocks, and how many edges arrive at each block.
fn walk(func: &Func) -> (Vec<Block>, Vec<u32>) {
    let mut counts = vec![0; func.blocks.len()];
    let mut seen = vec![false; func.blocks.len()];
    let mut order = Vec::with_capacity(func.blocks.len());
    let mut stack = vec![(ENTRY, 0)];
    seen[ENTRY.index()] = true;
    while let Some((block, next)) = stack.pop() {
        let target = nth_target(terminator(func, block), next).map(|call| call.block);
        let Some(target) = target else {
            order.push(block);
            continue;
        };
        stack.push((block, next + 1));
        counts[target.index()] += 1;
        if !seen[target.index()] {
            seen[target.index()] = true;
            stack.push((target, 0));
        }
    }
    (order, counts)
}

/// The terminator of a finished block.
pub fn terminator(func: &Func, block: Block) -> &Term {
    let term = func.blocks[block.index()].term.as_ref();
    term.unwrap_or_else(|| panic!("{}: {block} has no terminator", func.name))
}

/// The nth jump of a terminator.
pub fn nth_target(term: &Term, n: usize) -> Option<&BlockCall> {
    match (term, n) {
        (Term::Jump(to), 0) | (Term::Br(_, to, _), 0) | (Term::Br(_, _, to), 1) => Some(to),
        (Term::Jump(_) | Term::Br(..) | Term::Return(_) | Term::Unreachable, _) => None,
    }
}

fn resolve_copies(func: &Func, postorder: &[Block], edge_counts: &[u32]) -> Vec<Value> {
    let mut aliases: Vec<Value> = (0..func.values.len() as u32).map(Value).collect();
    // A block with one edge is dominated by the edge's source, which reverse postorder has visited before.
    for &block in postorder.iter().rev() {
        for call in terminator(func, block).targets() {
            if edge_counts[call.block.index()] == 1 {
                let params = &func.blocks[call.block.index()].params;
                for (&param, &arg) in params.iter().zip(&call.args) {
                    aliases[param.index()] = aliases[arg.index()];
                }
            }
        }
    }
    aliases
}

impl Flow {
    /// Notes definitions, uses and places of a block.
    fn survey(&mut self, func: &Func, block: Block) {
        let data = &func.blocks[block.index()];
        let mut epoch = 0;
        for (index, &inst) in data.insts.iter().enumerate() {
            self.places[inst.index()] = Place {
                block: block.0,
                index: index as u32,
                epoch,
            };
            let inst_data = &func.insts[inst.index()];
            for &arg in &inst_data.args {
                self.uses[self.aliases[arg.index()].index()] += 1;
            }
            for &result in &inst_data.results {
                self.definitions[result.index()] = Some(inst);
            }
            match inst_data.op.row().effect {
                Effect::Store | Effect::Call => epoch += 1,
                Effect::Pure | Effect::Load => {}
            }
        }
        let term = terminator(func, block);
        let direct: &[Value] = match term {
            Term::Br(cond, ..) => std::slice::from_ref(cond),
            Term::Return(values) => values,
            Term::Jump(_) | Term::Unreachable => &[],
        };
        let passed = term
            .targets()
            .into_iter()
            .filter(|call| self.edge_counts[call.block.index()] > 1)
            .flat_map(|call| &call.args);
        for &value in direct.iter().chain(passed) {
            self.uses[self.aliases[value.index()].index()] += 1;
        }
    }

    /// Puts blocks and edge blocks in order, numbers them, and connects them.
    fn order_blocks(&mut self, func: &Func, postorder: &[Block]) {
        let sources = self.sources_in_memory(func, postorder);
        let mut places = Places {
            blocks: vec![u32::MAX; func.blocks.len()],
            edges: vec![[u32::MAX; 2]; func.blocks.len()],
        };
        for (at, &source) in sources.iter().enumerate() {
            match source {
                Source::Block(block) => places.blocks[block.index()] = at as u32,
                Source::Edge(from, n) => places.edges[from.index()][n] = at as u32,
            }
        }
        let succs: Vec<SmallVec<[u32; 2]>> = sources
            .iter()
            .map(|&source| places.succs(func, source))
            .collect();

        // A block is ready once a predecessor has its number; the first in memory of those that are ready comes next.
        let mut numbers = vec![u32::MAX; sources.len()];
        let mut ready = BinaryHeap::from([Reverse(0)]);
        let mut is_ready = vec![false; sources.len()];
        is_ready[0] = true;
        while let Some(Reverse(at)) = ready.pop() {
            numbers[at as usize] = self.blocks.len() as u32;
            self.blocks.push(FlowBlock {
                source: sources[at as usize],
                succs: succs[at as usize].iter().map(|&at| VBlock(at)).collect(),
                preds: Vec::new(),
            });
            for &succ in &succs[at as usize] {
                if !std::mem::replace(&mut is_ready[succ as usize], true) {
                    ready.push(Reverse(succ));
                }
            }
        }
        let number = |at: u32| VBlock(numbers[at as usize]);
        self.layout = (0..sources.len() as u32).map(number).collect();
        for at in 0..self.blocks.len() {
            for n in 0..self.blocks[at].succs.len() {
                let succ = number(self.blocks[at].succs[n].0);
                self.blocks[at].succs[n] = succ;
                self.blocks[succ.index()].preds.push(VBlock(at as u32));
            }
        }
        for &block in postorder {
            let edges = places.edges[block.index()].into_iter();
            let edges = edges.filter(|&edge| edge != u32::MAX);
            let all = edges.chain([places.blocks[block.index()]]);
            self.uses_first.extend(all.map(number));
        }
    }

    /// Reachable blocks and critical edges in the order of memory.
    fn sources_in_memory(&self, func: &Func, postorder: &[Block]) -> Vec<Source> {
        let mut reachable = vec![false; func.blocks.len()];
        for &block in postorder {
            reachable[block.index()] = true;
        }
        let is_cold = |block: Block| func.blocks[block.index()].cold;
        let mut warm = Vec::with_capacity(postorder.len());
        let mut cold = Vec::new();
        for block in func.layout() {
            if !reachable[block.index()] {
                continue;
            }
            let list = if is_cold(block) { &mut cold } else { &mut warm };
            list.push(Source::Block(block));
            let Term::Br(_, then, other) = terminator(func, block) else {
                continue;
            };
            for (at, target) in [then, other].into_iter().enumerate() {
                if self.is_join(target.block) {
                    let is_cold = is_cold(block) || is_cold(target.block);
                    let list = if is_cold { &mut cold } else { &mut warm };
                    list.push(Source::Edge(block, at));
                }
            }
        }
        warm.append(&mut cold);
        warm
    }
}

/// Where blocks and edges stand in memory; `u32::MAX` for those that are not there.
struct Places {
    blocks: Vec<u32>,
    edges: Vec<[u32; 2]>,
}

impl Places {
    fn succs(&self, func: &Func, source: Source) -> SmallVec<[u32; 2]> {
        match source {
            Source::Edge(from, n) => {
                let call = nth_target(terminator(func, from), n).expect("edges are branches");
                smallvec![self.blocks[call.block.index()]]
            }
            Source::Block(block) => {
                let targets = terminator(func, block).targets().into_iter().enumerate();
                let succ = |(n, call): (usize, &BlockCall)| match self.edges[block.index()].get(n) {
                    Some(&edge) if edge != u32::MAX => edge,
                    _ => self.blocks[call.block.index()],
                };
                targets.map(succ).collect()
            }
        }
    }
}
