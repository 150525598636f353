//! The control flow of a function as register allocation and lowering want it. In: a [`Func`]. Out: its reachable blocks and the blocks put
//! on critical edges, numbered, and in the order of memory ([`super::order`]); parameters with a single source
//! replaced by that source; where each value is defined and how often it is used. Knows no machine, and changes nothing in the function.

use smallvec::SmallVec;

use super::order;
use super::vcode::VBlock;
use crate::ir::func::{Block, ENTRY, Func, Inst, InstData, Term, Value};
use crate::ir::op::{Effect, Op};

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
    pub preds: SmallVec<[VBlock; 2]>,
    /// Rarely run.
    pub is_cold: bool,
    /// The block before the outermost loop around this one that makes no call: what is the same in every round can be made at its end.
    pub preheader: Option<VBlock>,
    /// How many loops are around it.
    pub depth: u32,
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
    /// Blocks by number, in reverse postorder: from the last to the first, every use comes before its definition, loop-carried ones aside.
    pub blocks: Vec<FlowBlock>,
    /// The blocks in the order of memory.
    pub layout: Vec<VBlock>,
    aliases: Vec<Value>,
    definitions: Vec<Option<Inst>>,
    uses: Vec<u32>,
    places: Vec<Place>,
    edge_counts: Vec<u32>,
    slots_spread: bool,
}

impl Flow {
    /// Whether the address of a slot goes anywhere but into loads, stores and calls: then any value may be one.
    pub fn slots_spread(&self) -> bool {
        self.slots_spread
    }

    /// Whether `value` may be the address of a slot, or constants away from it; all there is, unless [`Flow::slots_spread`].
    pub fn is_slot_address(&self, func: &Func, value: Value) -> bool {
        /// Sums longer than this count as such addresses.
        const REACH: usize = 8;
        let mut value = self.resolve(value);
        for _ in 0..REACH {
            let Some(inst) = self.definition(value) else {
                return false;
            };
            let data = &func.insts[inst.index()];
            match data.op {
                Op::SlotAddr => return true,
                Op::Iadd => value = self.resolve(data.args[0]),
                _ => return false,
            }
        }
        true
    }

    /// Looks for uses of slot addresses other than as an address, as an argument, or in a sum with a constant.
    fn find_spreading(&mut self, func: &Func, postorder: &[Block]) {
        if func.slots.is_empty() {
            return;
        }
        let is_slot = |&value: &Value| self.is_slot_address(func, value);
        let is_constant = |value: Value| {
            let inst = self.definition(self.resolve(value));
            inst.is_some_and(|inst| func.insts[inst.index()].op == Op::Iconst)
        };
        let inst_spreads = |&inst: &Inst| {
            let InstData { op, args, .. } = &func.insts[inst.index()];
            match op {
                Op::Load | Op::Call | Op::CallImport | Op::CallIndirect => false,
                Op::Store => is_slot(&args[0]),
                Op::Iadd => is_slot(&args[1]) || (is_slot(&args[0]) && !is_constant(args[1])),
                _ => args.iter().any(is_slot),
            }
        };
        let spreads = |block: &Block| {
            let term = terminator(func, *block);
            let targets = term.targets();
            let passed = || targets.iter().flat_map(|call| &call.args);
            let returned: &[Value] = match term {
                Term::Return(values) => values,
                Term::Br(cond, ..) => std::slice::from_ref(cond),
                Term::Jump(_) | Term::Unreachable => &[],
            };
            passed().chain(returned).any(is_slot)
                || func.blocks[block.index()].insts.iter().any(inst_spreads)
        };
        self.slots_spread = postorder.iter().any(spreads);
    }
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
        blocks: Vec::new(),
        layout: Vec::new(),
        aliases,
        definitions: vec![None; func.values.len()],
        uses: vec![0; func.values.len()],
        places: vec![Place::default(); func.insts.len()],
        edge_counts,
        slots_spread: false,
    };
    for &block in &postorder {
        flow.survey(func, block);
    }
    flow.find_spreading(func, &postorder);
    let is_join = |block: Block| flow.edge_counts[block.index()] > 1;
    (flow.blocks, flow.layout) = order::order(func, &postorder, is_join);
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
        let target = terminator(func, block).target(next).map(|call| call.block);
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
}
