//! What lowering is on every machine: from the IR to machine instructions on virtual registers. In: a function and the program it belongs
//! to. Out: [`Lowered`]. What one machine has of its own, it says as a [`Machine`]; how calls are made is in [`call`], which registers values
//! get in [`value`], what an address is made of in [`address`].
//!
//! Blocks are lowered so that uses come before definitions, and each block from its end, so an instruction is made only when something
//! wants its result; comparisons, loads and address arithmetic are taken into the instruction that wants them where that is sound.
//! Constants and addresses of known things are made anew at each use: that is cheaper than a register kept over calls.
//!
//! Flags are not known to register allocation. An instruction that reads flags stands right behind the one that sets them: operands are
//! brought into registers first (that may use `xor`), and the moves that allocation inserts between leave flags alone.

pub mod address;
pub mod call;
pub mod common;
pub mod fuse;
pub mod value;

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::Options;
use super::flow::{Flow, Source, analyse, terminator};
use super::named::{self, NamedConstant};
use super::vcode::{
    Access, BlockShape, Builder, Clobbers, Constraint, Operand, VBlock, VCode, VReg,
};
use crate::ir::func::{AbiType, Block, Conv, ENTRY, Func, Inst, InstData, Term, Value};
use crate::ir::op::{Effect, Type};
use crate::ir::program::{ImportId, Program};
use crate::target::Target;
use crate::target::regs::{Reg, RegClass};
use common::{Common, Known};

/// What a machine says of its own lowering. All of it pushes instructions.
pub trait Machine: Sized {
    /// Its instructions.
    type Inst: From<Common>;

    /// The registers that a call may destroy, whatever the convention.
    const ALL: Clobbers;
    /// Whether calls of leaf functions want no frame: what a call pushes is all that it needs.
    const LEAF_CALLS: bool;
    /// Where the pointer is that a jump out of the function goes by: a register that no epilogue restores, and no argument takes.
    const JUMP_POINTER: Reg;

    /// Lowers an instruction whose results are wanted or which does something besides.
    fn inst(lower: &mut Lower<'_, Self>, inst: Inst, data: &InstData);
    /// Goes to the first successor where the value is not 0, else to the second.
    fn branch(lower: &mut Lower<'_, Self>, value: Value);
    /// `to` becomes what `from` is, in the same register file.
    fn copy(lower: &mut Lower<'_, Self>, to: VReg, from: VReg, class: RegClass);
    /// `to` becomes the bits of a float.
    fn float_bits(lower: &mut Lower<'_, Self>, to: VReg, from: VReg);
    /// `to` becomes the lower half of `from`, extended by sign.
    fn extend32(lower: &mut Lower<'_, Self>, to: VReg, from: VReg);
    /// Defines a constant.
    fn int_constant(lower: &mut Lower<'_, Self>, to: VReg, constant: i64);
    /// Whether that takes more than an instruction or so.
    fn is_long(constant: i64) -> bool;
    /// Defines a float constant by its bits.
    fn float_constant(lower: &mut Lower<'_, Self>, to: VReg, bits: u64);
    /// Defines an address that is known but for where things are loaded.
    fn address(lower: &mut Lower<'_, Self>, to: VReg, of: Known);
    /// Defines the address of an import.
    fn import_address(lower: &mut Lower<'_, Self>, to: VReg, import: ImportId);
    /// Stores an argument so many bytes above the stack pointer.
    fn store_arg(lower: &mut Lower<'_, Self>, arg: Value, ty: AbiType, offset: u32);
    /// Loads a parameter that the caller stored.
    fn load_param(lower: &mut Lower<'_, Self>, to: VReg, ty: AbiType, offset: u32);
}

/// A lowered function.
#[derive(Debug)]
pub struct Lowered<I> {
    /// The code.
    pub code: VCode<I>,
    /// Largest outgoing area of its calls, where it makes any.
    pub outgoing: Option<u32>,
    /// Whether registers may point into the frame where no instruction shows it.
    pub keeps_frame: bool,
    /// The blocks in the order of memory.
    pub layout: Vec<VBlock>,
    /// Named values that are constants.
    pub constants: Vec<NamedConstant>,
}

/// Lowers a function.
pub fn lower<M: Machine>(
    func: &Func,
    program: &Program,
    target: &Target,
    options: Options,
) -> Lowered<M::Inst> {
    let flow = analyse(func);
    let mut lower: Lower<'_, M> = Lower {
        func,
        program,
        target,
        options,
        out: Builder::new(flow.blocks.len()),
        vregs: vec![None; func.values.len()],
        states: vec![State::Plain; func.insts.len()],
        flow: &flow,
        hoisted: BTreeMap::new(),
        copies: BTreeMap::new(),
        homes: homes(func, &flow),
        vblock: VBlock(0),
        block: ENTRY,
        epoch: 0,
        outgoing: None,
    };
    let mut shapes = vec![BlockShape::default(); flow.blocks.len()];
    // What is live at the start of blocks, as far as rare calls want to know.
    let has_rare_calls = (0..flow.blocks.len()).any(|at| lower.is_first_to_call(at));
    let mut live: Vec<Vec<VReg>> = vec![Vec::new(); flow.blocks.len()];
    for (at, block) in flow.blocks.iter().enumerate().rev() {
        lower.vblock = VBlock(at as u32);
        let shape = &mut shapes[at];
        shape.succs = block.succs.clone();
        shape.preds = block.preds.clone();
        shape.is_cold = block.is_cold;
        shape.depth = block.depth;
        match block.source {
            Source::Edge(from, n) => lower.edge(from, n, shape),
            Source::Block(block) => lower.block(block, shape),
        }
        if has_rare_calls {
            let succs = shape.succs.iter().flat_map(|succ| &live[succ.index()]);
            let live_out = succs.chain(&shape.args).copied().collect();
            live[at] = lower.out.live_in(live_out);
            live[at].retain(|vreg| !shape.params.contains(vreg));
            live[at].truncate(MOST_LIVE);
            if lower.is_first_to_call(at) {
                lower.keep(&live[at]);
            }
        }
        lower.out.end_block(VBlock(at as u32));
    }
    let mut code = lower.out.finish(shapes);
    let made = (0..).map(Value).zip(&lower.vregs);
    let made = made.filter_map(|(value, vreg)| Some((value, (*vreg)?)));
    let copies = lower.copies.iter();
    let copies = copies.map(|(&(_, value), &vreg)| (value, vreg));
    let constants = named::follow(func, &flow, &mut code, made.chain(copies));
    Lowered {
        outgoing: lower.outgoing,
        keeps_frame: flow.slots_spread(),
        code,
        constants,
        layout: flow.layout,
    }
}

/// So many registers live at a block's start are looked at: more of them would have to be in memory anyway.
const MOST_LIVE: usize = 32;

/// What has become of an instruction before its turn came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Plain,
    /// Another instruction does its work.
    Done,
    /// Its flag is read by the branch behind it.
    FlagFused,
    /// It also computes the results of this one.
    Pair(Inst),
    /// Of its result, a C `int`, only the lower half is looked at.
    Narrow,
}

/// An operand in some register that is read.
pub(super) fn used(vreg: VReg) -> Operand {
    Operand {
        vreg,
        constraint: Constraint::Reg,
        access: Access::Use,
    }
}

/// An operand in some register that is written.
pub(super) fn def(vreg: VReg) -> Operand {
    Operand {
        vreg,
        constraint: Constraint::Reg,
        access: Access::Def,
    }
}

/// A function being lowered. Groups of instructions are pushed from its end to its start.
pub struct Lower<'a, M: Machine> {
    /// The function.
    pub(super) func: &'a Func,
    /// The program it belongs to.
    pub(super) program: &'a Program,
    /// What it is for.
    pub(super) target: &'a Target,
    /// How.
    pub(super) options: Options,
    /// Its control flow.
    pub(super) flow: &'a Flow,
    /// What is made.
    pub(super) out: Builder<M::Inst>,
    /// Registers of values that something wants.
    pub(super) vregs: Vec<Option<VReg>>,
    /// What instructions have become.
    pub(super) states: Vec<State>,
    /// Constants to be made at the end of a block before a loop: that block, the register file, the bits.
    pub(super) hoisted: BTreeMap<(VBlock, RegClass, u64), VReg>,
    /// Copies of floats to be made at the end of a block before a loop: that block, the value.
    pub(super) copies: BTreeMap<(VBlock, Value), VReg>,
    /// For each value the number of the block that defines it.
    pub(super) homes: Vec<u32>,
    /// The block being lowered, and the epoch of the instruction being lowered.
    pub(super) vblock: VBlock,
    pub(super) block: Block,
    pub(super) epoch: u32,
    /// Largest outgoing area of its calls so far.
    pub(super) outgoing: Option<u32>,
}

/// For each value the number of the block that defines it.
fn homes(func: &Func, flow: &Flow) -> Vec<u32> {
    let mut homes = vec![0; func.values.len()];
    for (number, block) in flow.blocks.iter().enumerate() {
        let Source::Block(block) = block.source else {
            continue;
        };
        let data = &func.blocks[block.index()];
        let results = data
            .insts
            .iter()
            .flat_map(|inst| &func.insts[inst.index()].results);
        for value in data.params.iter().chain(results) {
            homes[value.index()] = number as u32;
        }
    }
    homes
}

/// The register file of a type.
pub(super) fn class_of(ty: Type) -> RegClass {
    match ty {
        Type::I64 => RegClass::Int,
        Type::F64 => RegClass::Float,
    }
}

/// An operand in this very register.
pub(super) fn fixed(vreg: VReg, reg: Reg, access: Access) -> Operand {
    Operand {
        vreg,
        constraint: Constraint::Fixed(reg),
        access,
    }
}

impl<M: Machine> Lower<'_, M> {
    // Blocks.

    fn edge(&mut self, from: Block, n: usize, shape: &mut BlockShape) {
        let call = terminator(self.func, from)
            .target(n)
            .expect("edges are branches");
        shape.args = call.args.iter().map(|&arg| self.vreg_of(arg)).collect();
        // An edge may be what leads into a loop.
        self.make_hoisted();
        self.out.push(Common::Jump.into(), &[], None);
        // The branch has its line already; what it leaves to be done on one of its ways is no second stop.
        self.out.end_group(None);
    }

    fn block(&mut self, block: Block, shape: &mut BlockShape) {
        let data = &self.func.blocks[block.index()];
        self.block = block;
        self.epoch = u32::MAX;
        if let Some(&last) = data.insts.last() {
            self.epoch = self.epoch_behind(last);
        }
        self.terminator(block, shape);
        self.out.end_group(data.term_span);
        self.mark(None);
        for &inst in data.insts.iter().rev() {
            let inst_data = &self.func.insts[inst.index()];
            if self.is_wanted(inst, inst_data) {
                self.epoch = self.flow.place(inst).epoch;
                M::inst(self, inst, inst_data);
                self.out.end_group(inst_data.span);
            }
            self.mark(Some(inst));
        }
        if block == ENTRY {
            self.params();
            self.out.end_group(self.func.span);
        } else if self.flow.is_join(block) {
            let param = |&param: &Value| self.result(param);
            shape.params = data.params.iter().map(param).collect();
        }
    }

    /// Notes where the code of an instruction, or of the terminator, begins, where names want to know.
    fn mark(&mut self, inst: Option<Inst>) {
        if self.func.names.is_some() {
            self.out.mark(self.vblock, inst);
        }
    }

    /// Whether the block is cold and calls, and no such block leads to it. Leaf functions leave registers alone.
    pub(super) fn is_first_to_call(&self, at: usize) -> bool {
        let blocks = &self.flow.blocks;
        let is_call = |inst: &Inst| {
            let data = &self.func.insts[inst.index()];
            let is_call = data.op.row().effect == Effect::Call;
            is_call && !(M::LEAF_CALLS && self.signature(data).conv == Conv::Leaf)
        };
        let calls = |at: usize| match blocks[at].source {
            Source::Block(block) if blocks[at].is_cold => {
                let insts = &self.func.blocks[block.index()].insts;
                insts.iter().any(is_call)
            }
            Source::Block(_) | Source::Edge(..) => false,
        };
        calls(at) && !blocks[at].preds.iter().any(|pred| calls(pred.index()))
    }

    /// Uses what is live over the calls of a cold block at its start, wherever it is. Register allocation moves a value to memory right behind
    /// its last use before the call: without this one, that would be on the usual path.
    fn keep(&mut self, live: &[VReg]) {
        const MOST: usize = 9;
        let operands = live.iter().take(MOST).map(|&vreg| Operand {
            constraint: Constraint::Any,
            ..used(vreg)
        });
        let operands: SmallVec<[Operand; MOST]> = operands.collect();
        self.out.push(Common::Keep.into(), &operands, None);
        self.out.end_group(None);
    }

    /// The epoch of what stands behind `inst`.
    fn epoch_behind(&self, inst: Inst) -> u32 {
        let effect = self.func.insts[inst.index()].op.row().effect;
        let is_barrier = matches!(effect, Effect::Store | Effect::Call);
        self.flow.place(inst).epoch + is_barrier as u32
    }

    /// Whether an instruction is to be made.
    pub(super) fn is_wanted(&self, inst: Inst, data: &InstData) -> bool {
        match self.states[inst.index()] {
            State::Done => return false,
            State::FlagFused | State::Pair(_) | State::Narrow => return true,
            State::Plain => {}
        }
        match data.op.row().effect {
            Effect::Store | Effect::Call => true,
            Effect::Pure | Effect::Load => {
                let has_vreg = |result: &Value| self.vregs[result.index()].is_some();
                data.results.iter().any(has_vreg)
            }
        }
    }

    fn terminator(&mut self, block: Block, shape: &mut BlockShape) {
        match terminator(self.func, block) {
            Term::Jump(call) => {
                if self.flow.is_join(call.block) {
                    shape.args = call.args.iter().map(|&arg| self.vreg_of(arg)).collect();
                }
                self.make_hoisted();
                self.out.push(Common::Jump.into(), &[], None);
            }
            Term::Br(value, ..) => {
                M::branch(self, *value);
            }
            Term::Return(values) => self.ret(block, values),
            Term::Unreachable => self.out.push(Common::Trap.into(), &[], None),
        }
    }
}
