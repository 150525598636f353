//! IR to machine instructions on virtual registers. In: a function and the program it belongs to. Out: [`Lowered`].
//!
//! Blocks are lowered so that uses come before definitions, and each block from its end, so an instruction is made only when something
//! wants its result; comparisons, loads and address arithmetic are taken into the instruction that wants them where that is sound.
//! Constants and addresses of known things are made anew at each use: that is cheaper than a register kept over calls.
//!
//! Flags are not known to register allocation. An instruction that reads flags stands right behind the one that sets them: operands are
//! brought into registers first (that may use `xor`), and the moves that allocation inserts between leave flags alone.

mod call;
mod cond;
mod float;
mod int;
mod mem;

use smallvec::SmallVec;

use super::inst::{Cc, Op, Place, Role};
use crate::backend::isa::Options;
use crate::backend::isa::code::Referent;
use crate::backend::isa::flow::{Flow, Source, analyse, nth_target, terminator};
use crate::backend::isa::vcode::{
    Access, BlockShape, Builder, Constraint, Operand, VBlock, VCode, VReg,
};
use crate::ir::func::{Block, ENTRY, Func, Inst, InstData, Payload, Slot, Term, Value};
use crate::ir::op::{Effect, Op as IrOp, Type};
use crate::ir::program::{FuncId, ImportId, Program};
use crate::target::Target;
use crate::target::regs::{Reg, RegClass};
pub use cond::Cond;

/// What ModRM.rm stands for, registers aside: those are operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RmShape {
    /// A register.
    Reg,
    /// Memory: base + index * 2^shift + disp.
    Mem {
        /// What the address starts from.
        base: Base,
        /// The index's shift, where there is an index.
        index: Option<u8>,
        /// Displacement.
        disp: i32,
    },
    /// Memory at a place named by a reference.
    Ref {
        /// Whose place.
        to: Referent,
        /// Added to its address.
        addend: i64,
    },
    /// The pointer slot of an import.
    ImportSlot(ImportId),
}

/// What an address starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// Nothing.
    None,
    /// A register.
    Reg,
    /// A slot of the frame; there is no index then.
    Slot(Slot),
    /// The caller's outgoing area.
    Incoming,
    /// Our outgoing area.
    Outgoing,
}

/// Who is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callee {
    /// A function of the program.
    Func(FuncId),
    /// An import, through its pointer slot.
    Slot(ImportId),
    /// An import, through the linker's stub.
    Plt(ImportId),
    /// The function that the first operand points at.
    Pointer,
}

/// A machine instruction on virtual registers. Its operands stand beside it ([`VCode`]), in the order of the row's operands: a `Mod`
/// operand is a use and a definition, memory is base and index as far as there.
#[derive(Clone, Copy, Debug)]
pub enum Inst64 {
    /// A row's instruction.
    Row {
        /// The row.
        op: Op,
        /// ModRM.rm, where the row has it.
        rm: RmShape,
        /// Immediate.
        imm: i64,
        /// Condition.
        cc: Cc,
    },
    /// Defines the parameters: writes nothing.
    Args,
    /// Has values in registers at the start of a cold block: writes nothing.
    Keep,
    /// An integer register becomes 0; flags are destroyed.
    Zero,
    /// A float register becomes 0.
    FloatZero,
    /// All bits of a float register become 1.
    FloatOnes,
    /// Two-address move of floats where a condition holds.
    FloatCmov(Cond),
    /// A call.
    Call(Callee),
    /// A jump to another function, the frame being undone.
    TailCall(Callee),
    /// Undoes the frame and returns.
    Ret,
    /// To the only successor.
    Jump,
    /// To the first successor where the condition holds, else to the second.
    Branch(Cond),
    /// Never reached.
    Trap,
}

/// A lowered function.
#[derive(Debug)]
pub struct Lowered {
    /// The code.
    pub code: VCode<Inst64>,
    /// Largest outgoing area of its calls, where it makes any.
    pub outgoing: Option<u32>,
    /// Whether a block that is not cold calls (a jump out at the end is no call).
    pub has_warm_calls: bool,
    /// The blocks in the order of memory.
    pub layout: Vec<VBlock>,
}

/// Lowers a function.
pub fn lower(func: &Func, program: &Program, target: &Target, options: Options) -> Lowered {
    let flow = analyse(func);
    let mut lower = Lower {
        func,
        program,
        target,
        options,
        out: Builder::new(flow.blocks.len()),
        vregs: vec![None; func.values.len()],
        states: vec![State::Plain; func.insts.len()],
        flow: &flow,
        block: ENTRY,
        epoch: 0,
        outgoing: None,
        has_warm_calls: false,
    };
    let mut shapes = vec![BlockShape::default(); flow.blocks.len()];
    // What is live at the start of blocks, as far as rare calls want to know.
    let has_rare_calls = (0..flow.blocks.len()).any(|at| lower.is_first_to_call(at));
    let mut live: Vec<Vec<VReg>> = vec![Vec::new(); flow.blocks.len()];
    for (at, block) in flow.blocks.iter().enumerate().rev() {
        let shape = &mut shapes[at];
        shape.succs = block.succs.clone();
        shape.preds = block.preds.clone();
        shape.is_cold = block.is_cold;
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
    Lowered {
        outgoing: lower.outgoing,
        has_warm_calls: lower.has_warm_calls,
        code: lower.out.finish(shapes),
        layout: flow.layout,
    }
}

/// So many registers live at a block's start are looked at: more of them would have to be in memory anyway.
const MOST_LIVE: usize = 32;

/// What has become of an instruction before its turn came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing.
    Plain,
    /// Another instruction does its work.
    Done,
    /// Its flag is read by the branch behind it.
    FlagFused,
    /// It also computes the results of this one.
    Pair(Inst),
}

struct Lower<'a> {
    func: &'a Func,
    program: &'a Program,
    target: &'a Target,
    options: Options,
    flow: &'a Flow,
    out: Builder<Inst64>,
    /// Registers of values that something wants.
    vregs: Vec<Option<VReg>>,
    states: Vec<State>,
    /// The block being lowered, and the epoch of the instruction being lowered.
    block: Block,
    epoch: u32,
    outgoing: Option<u32>,
    has_warm_calls: bool,
}

/// A ModRM.rm operand: its shape and its registers.
#[derive(Clone, Debug)]
struct Rm {
    shape: RmShape,
    regs: SmallVec<[VReg; 2]>,
}

impl From<VReg> for Rm {
    fn from(vreg: VReg) -> Rm {
        Rm {
            shape: RmShape::Reg,
            regs: SmallVec::from_slice(&[vreg]),
        }
    }
}

/// No ModRM.rm operand.
fn no_rm() -> Rm {
    Rm {
        shape: RmShape::Reg,
        regs: SmallVec::new(),
    }
}

/// A register that is read as the first and written as the second.
fn tied(from: VReg, to: VReg) -> Rm {
    Rm {
        shape: RmShape::Reg,
        regs: SmallVec::from_slice(&[from, to]),
    }
}

pub(super) fn class_of(ty: Type) -> RegClass {
    match ty {
        Type::I64 => RegClass::Int,
        Type::F64 => RegClass::Float,
    }
}

fn fixed(vreg: VReg, reg: Reg, access: Access) -> Operand {
    Operand {
        vreg,
        constraint: Constraint::Fixed(reg),
        access,
    }
}

impl Lower<'_> {
    // Blocks.

    fn edge(&mut self, from: Block, n: usize, shape: &mut BlockShape) {
        let call = nth_target(terminator(self.func, from), n).expect("edges are branches");
        shape.args = call.args.iter().map(|&arg| self.vreg_of(arg)).collect();
        self.out.push(Inst64::Jump, &[], None);
        self.out.end_group(self.func.blocks[from.index()].term_span);
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
        for &inst in data.insts.iter().rev() {
            let inst_data = &self.func.insts[inst.index()];
            if !self.is_wanted(inst, inst_data) {
                continue;
            }
            self.epoch = self.flow.place(inst).epoch;
            self.inst(inst, inst_data);
            self.out.end_group(inst_data.span);
        }
        if block == ENTRY {
            self.params();
            self.out.end_group(self.func.span);
        } else if self.flow.is_join(block) {
            let param = |&param: &Value| self.result(param);
            shape.params = data.params.iter().map(param).collect();
        }
    }

    /// Whether the block is cold and calls, and those that lead to it do not.
    fn is_first_to_call(&self, at: usize) -> bool {
        let calls = |at: usize| {
            let Source::Block(block) = self.flow.blocks[at].source else {
                return false;
            };
            let insts = &self.func.blocks[block.index()].insts;
            let is_call = |inst: &Inst| {
                let effect = self.func.insts[inst.index()].op.row().effect;
                effect == Effect::Call
            };
            insts.iter().any(is_call)
        };
        let preds = &self.flow.blocks[at].preds;
        self.flow.blocks[at].is_cold && calls(at) && !preds.iter().any(|pred| calls(pred.index()))
    }

    /// Has what is live over the calls of a cold block in registers at its start. Register allocation moves a value to memory right behind
    /// its last use before the call: without this one, that would be on the usual path.
    fn keep(&mut self, live: &[VReg]) {
        const MOST: usize = 6;
        let operand = |&vreg: &VReg| Operand {
            vreg,
            constraint: Constraint::Reg,
            access: Access::Use,
        };
        let operands: SmallVec<[Operand; MOST]> = live.iter().take(MOST).map(operand).collect();
        self.out.push(Inst64::Keep, &operands, None);
        self.out.end_group(None);
    }

    /// The epoch of what stands behind `inst`.
    fn epoch_behind(&self, inst: Inst) -> u32 {
        let effect = self.func.insts[inst.index()].op.row().effect;
        let is_barrier = matches!(effect, Effect::Store | Effect::Call);
        self.flow.place(inst).epoch + is_barrier as u32
    }

    fn is_wanted(&self, inst: Inst, data: &InstData) -> bool {
        match self.states[inst.index()] {
            State::Done => return false,
            State::FlagFused | State::Pair(_) => return true,
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
                self.out.push(Inst64::Jump, &[], None);
            }
            Term::Br(value, ..) => {
                let cond = self.branch_condition(*value);
                self.out.push(Inst64::Branch(cond), &[], None);
            }
            Term::Return(values) => self.ret(block, values),
            Term::Unreachable => self.out.push(Inst64::Trap, &[], None),
        }
    }

    // Values.

    /// The register of a value that `self.func` defines by an instruction or parameter of its own.
    fn result(&mut self, value: Value) -> VReg {
        let class = class_of(self.func.ty(value));
        let out = &mut self.out;
        *self.vregs[value.index()].get_or_insert_with(|| out.vreg(class))
    }

    fn int(&mut self) -> VReg {
        self.out.vreg(RegClass::Int)
    }

    fn float(&mut self) -> VReg {
        self.out.vreg(RegClass::Float)
    }

    /// The instruction that defines `value`.
    fn definition(&self, value: Value) -> Option<(Inst, &'_ InstData)> {
        let inst = self.flow.definition(self.flow.resolve(value))?;
        Some((inst, &self.func.insts[inst.index()]))
    }

    /// The value of an integer constant.
    fn constant(&self, value: Value) -> Option<i64> {
        match self.definition(value)?.1.payload {
            Payload::Int(constant) => Some(constant),
            _ => None,
        }
    }

    /// The value of an integer constant that fits a sign-extended immediate.
    fn imm32(&self, value: Value) -> Option<i32> {
        i32::try_from(self.constant(value)?).ok()
    }

    fn uses(&self, value: Value) -> u32 {
        self.flow.uses(self.flow.resolve(value))
    }

    /// A register that holds `value`. Constants and addresses are made here and now, which may destroy flags.
    fn vreg_of(&mut self, value: Value) -> VReg {
        let value = self.flow.resolve(value);
        let Some((_, data)) = self.definition(value) else {
            return self.result(value);
        };
        let (op, payload) = (data.op, data.payload);
        match (op, payload) {
            (IrOp::Iconst, Payload::Int(constant)) => self.iconst(constant),
            (IrOp::Fconst, Payload::Float(bits)) => self.fconst(bits),
            (IrOp::SlotAddr, Payload::Slot(slot)) => self.lea(Rm {
                shape: RmShape::Mem {
                    base: Base::Slot(slot),
                    index: None,
                    disp: 0,
                },
                regs: SmallVec::new(),
            }),
            (IrOp::DataAddr, Payload::Data { data, offset }) => self.lea(Rm {
                shape: RmShape::Ref {
                    to: Referent::Data(data),
                    addend: offset,
                },
                regs: SmallVec::new(),
            }),
            (IrOp::FuncAddr, Payload::Func(func)) => self.lea(Rm {
                shape: RmShape::Ref {
                    to: Referent::Func(func),
                    addend: 0,
                },
                regs: SmallVec::new(),
            }),
            (IrOp::ImportAddr, Payload::Import(import)) => {
                let dst = self.int();
                let slot = Rm {
                    shape: RmShape::ImportSlot(import),
                    regs: SmallVec::new(),
                };
                self.row(Op::MovRM, &[dst], &slot);
                dst
            }
            _ => self.result(value),
        }
    }

    /// A register that holds a constant.
    fn iconst(&mut self, constant: i64) -> VReg {
        let dst = self.int();
        let none = no_rm();
        if constant == 0 {
            self.out.push(Inst64::Zero, &[def(dst)], None);
        } else if u32::try_from(constant).is_ok() {
            self.row_imm(Op::Mov32OI, &[dst], &none, constant);
        } else if i32::try_from(constant).is_ok() {
            self.row_imm(Op::MovMI, &[], &dst.into(), constant);
        } else {
            self.row_imm(Op::MovOI, &[dst], &none, constant);
        }
        dst
    }

    /// Defines `dst` as a constant, leaving flags alone.
    fn set_const_keeping_flags(&mut self, dst: VReg, constant: i32) {
        if constant >= 0 {
            self.row_imm(Op::Mov32OI, &[dst], &no_rm(), constant.into());
        } else {
            self.row_imm(Op::MovMI, &[], &dst.into(), constant.into());
        }
    }

    fn lea(&mut self, address: Rm) -> VReg {
        let dst = self.int();
        self.row(Op::LeaRM, &[dst], &address);
        dst
    }

    // Rows.

    /// Pushes a row's instruction: `reg` is the operand in ModRM.reg or opcode (what it reads, then what it writes, where it does both).
    fn row(&mut self, op: Op, reg: &[VReg], rm: &Rm) {
        self.row_full(op, reg, rm, &[], 0, Cc::O);
    }

    fn row_imm(&mut self, op: Op, reg: &[VReg], rm: &Rm, imm: i64) {
        self.row_full(op, reg, rm, &[], imm, Cc::O);
    }

    fn row_fixed(&mut self, op: Op, rm: &Rm, fixed: &[VReg]) {
        self.row_full(op, &[], rm, fixed, 0, Cc::O);
    }

    fn row_cc(&mut self, op: Op, reg: &[VReg], rm: &Rm, cc: Cc) {
        self.row_full(op, reg, rm, &[], 0, cc);
    }

    fn row_full(&mut self, op: Op, reg: &[VReg], rm: &Rm, fixed: &[VReg], imm: i64, cc: Cc) {
        let mut operands: SmallVec<[Operand; 6]> = SmallVec::new();
        let (mut reg, mut fixed) = (reg.iter(), fixed.iter());
        for row in op.row().operands {
            let missing = || panic!("{op:?} wants more operands");
            let (list, constraint) = match row.place {
                Place::Imm(_) | Place::Bits(_) | Place::Rel(_) => continue,
                Place::Reg | Place::Opcode => (&mut reg, Constraint::Reg),
                Place::Fixed(reg, _) => (&mut fixed, Constraint::Fixed(reg)),
                Place::Rm | Place::RmReg | Place::Mem => {
                    push_rm(&mut operands, row.role, rm);
                    continue;
                }
            };
            let first = *list.next().unwrap_or_else(missing);
            let second = match row.role {
                Role::Use | Role::Def => None,
                Role::Mod => Some(*list.next().unwrap_or_else(missing)),
            };
            push_role(&mut operands, row.role, constraint, first, second);
        }
        debug_assert!(
            reg.next().is_none() && fixed.next().is_none(),
            "{op:?} wants fewer operands"
        );
        let inst = Inst64::Row {
            op,
            rm: rm.shape,
            imm,
            cc,
        };
        self.out.push(inst, &operands, None);
    }
}

fn def(vreg: VReg) -> Operand {
    Operand {
        vreg,
        constraint: Constraint::Reg,
        access: Access::Def,
    }
}

fn push_rm(operands: &mut SmallVec<[Operand; 6]>, role: Role, rm: &Rm) {
    match rm.shape {
        RmShape::Reg => push_role(
            operands,
            role,
            Constraint::Reg,
            rm.regs[0],
            rm.regs.get(1).copied(),
        ),
        RmShape::Mem { .. } | RmShape::Ref { .. } | RmShape::ImportSlot(_) => {
            operands.extend(rm.regs.iter().map(|&vreg| Operand {
                vreg,
                constraint: Constraint::Reg,
                access: Access::Use,
            }));
        }
    }
}

fn push_role(
    operands: &mut SmallVec<[Operand; 6]>,
    role: Role,
    constraint: Constraint,
    first: VReg,
    second: Option<VReg>,
) {
    let access = match role {
        Role::Use | Role::Mod => Access::Use,
        Role::Def => Access::Def,
    };
    operands.push(Operand {
        vreg: first,
        constraint,
        access,
    });
    if role == Role::Mod {
        let constraint = match constraint {
            Constraint::Fixed(_) => constraint,
            Constraint::Any | Constraint::Reg | Constraint::Reuse(_) => {
                Constraint::Reuse(operands.len() as u8 - 1)
            }
        };
        operands.push(Operand {
            vreg: second.expect("what is changed is read and written"),
            constraint,
            access: Access::Def,
        });
    }
}

/// How many operands of the shape a row's instruction has for each of its operands; the last one of them is what is encoded.
pub(super) fn operand_count(role: Role, place: Place, rm: RmShape) -> usize {
    let register = if role == Role::Mod { 2 } else { 1 };
    match place {
        Place::Imm(_) | Place::Bits(_) | Place::Rel(_) => 0,
        Place::Reg | Place::Opcode | Place::Fixed(..) => register,
        Place::Rm | Place::RmReg | Place::Mem => match rm {
            RmShape::Reg => register,
            RmShape::Mem { base, index, .. } => {
                (base == Base::Reg) as usize + index.is_some() as usize
            }
            RmShape::Ref { .. } | RmShape::ImportSlot(_) => 0,
        },
    }
}
