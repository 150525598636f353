//! Allocated machine instructions to bytes: prologue, moves, instructions, branches, epilogues. In: [`Lowered`] and its [`Allocation`].
//! Out: [`Code`]. Decides nothing about registers or values.

mod frame;
mod short;

use super::FRAME_POINTER;
use super::encode::{self, Mem, Rm, encode, imm_size};
use super::inst::{Cc, Op, Place};
use super::lower::{Cond, Lowered};
use super::vinst::{Base, Inst64, RmShape, operand_count};
use crate::backend::isa::buffer::{BranchField, BranchForms, Buffer, Form, Label, Position};
use crate::backend::isa::code::{Code, CodeRef, FrameChange, RefKind, Referent};
use crate::backend::isa::course::{Course, Emitter, Fork, Item, Told, write_block};
use crate::backend::isa::frame::{Frame, Needs, Step, lay_out};
use crate::backend::isa::lower::common::{Callee, Common};
use crate::backend::isa::named::Spots;
use crate::backend::isa::plan::{forward, merge, needs_frame};
use crate::backend::isa::regalloc::{Allocation, Loc, Move};
use crate::backend::isa::vcode::{Shape, VBlock};
use crate::backend::isa::wrap::framed_blocks;
use crate::ir::func::{Conv, Func};
use crate::target::Target;
use crate::target::regs::{Reg, RegClass, int, x64};
use short::{result_in_flags, simplified};

const RSP: u8 = x64::RSP.number;
/// A call pushes the address to return to.
const RETURN_SIZE: u32 = 8;

/// Writes a function.
pub fn emit(func: &Func, target: &Target, lowered: &Lowered, allocation: &Allocation) -> Code {
    let shape = &lowered.code.shape;
    let conv = match func.sig.conv {
        Conv::C => target.c,
        Conv::Internal => target.internal,
        Conv::Leaf => target.leaf,
    };
    let written = allocation.written_of(conv.callee_saved);
    let inst = |at: u32| &lowered.code.insts[at as usize];
    let needs = needs_frame(shape, allocation, &written, |at| uses_frame(inst(at)));
    // Floats are saved once the stack pointer is where it stays.
    let is_int = |reg: &Reg| reg.class == RegClass::Int;
    let (pushed, stored) = written.into_iter().partition(is_int);
    let frame = lay_out(Needs {
        pushed,
        stored,
        frame_pointer: target.frame_pointer.then_some(FRAME_POINTER),
        link: None,
        signs_return: false,
        spill_slots: allocation.spill_slots,
        slots: &func.slots,
        outgoing: lowered.outgoing,
        return_size: RETURN_SIZE,
        stack_align: conv.stack_align,
    });
    assert!(
        func.sig.conv != Conv::Leaf || frame.stored.is_empty() && lowered.outgoing.is_none(),
        "{}: a leaf function with a frame that is to be aligned",
        func.name
    );
    // Who reads frame pointers wants one everywhere.
    let framed = if frame.is_empty() {
        vec![false; shape.blocks.len()]
    } else if target.frame_pointer {
        vec![true; shape.blocks.len()]
    } else {
        framed_blocks(shape, &needs, lowered.keeps_frame)
    };
    let is_jump = |at| matches!(inst(at), Inst64::Common(Common::Jump));
    let mut forwarded = forward(shape, allocation, &framed, is_jump);
    merge(
        &lowered.code,
        allocation,
        &lowered.layout,
        &framed,
        &mut forwarded,
    );
    let (course, items) = Course::new(shape, &lowered.layout, framed, forwarded);
    let mut emit = Emit {
        lowered,
        allocation,
        frame,
        reads_epilogues: target.reads_epilogues,
        told: Told::new(target.reads_epilogues),
        is_framed: false,
        flags: None,
        buffer: course.buffer(),
        course,
        spots: Spots::new(shape, &lowered.constants),
    };
    emit.buffer.line(func.span);
    if target.landing_pads && (func.export || func.address_taken) {
        emit.plain(Op::Endbr64);
    }
    emit.buffer.end_prologue();
    for item in items {
        match item {
            Item::Entry(block) => emit.frame_entry(block),
            Item::Block(block) => emit.block(block),
        }
    }
    let frame = |slot| (emit.frame.spills + 8 * slot) as i32 - emit.frame.incoming as i32;
    let values = emit
        .spots
        .places(shape, allocation, &lowered.constants, frame);
    emit.buffer.values(values);
    emit.buffer.finish()
}

struct Emit<'a> {
    lowered: &'a Lowered,
    allocation: &'a Allocation,
    frame: Frame,
    /// Whether epilogues are recognised by their instructions.
    reads_epilogues: bool,
    course: Course<'a>,
    told: Told,
    /// Whether the block being written runs with a frame.
    is_framed: bool,
    /// Behind this place flags say whether this register is 0.
    flags: Option<(Position, u8)>,
    buffer: Buffer,
    spots: Spots,
}

impl Emitter for Emit<'_> {
    fn buffer(&mut self) -> &mut Buffer {
        &mut self.buffer
    }

    fn spots(&mut self) -> &mut Spots {
        &mut self.spots
    }

    fn emit(&mut self, block: VBlock, at: u32) {
        self.vinst(block, at as usize);
    }

    fn emit_move(&mut self, m: Move) {
        self.move_value(m);
    }
}

impl Emit<'_> {
    fn shape(&self) -> &Shape {
        &self.lowered.code.shape
    }

    fn spill(&self, slot: u32) -> Mem {
        stack(self.frame.spills + 8 * slot)
    }

    // Blocks.

    fn block(&mut self, block: VBlock) {
        self.is_framed = self.course.is_framed(block);
        self.told
            .describe(self.is_framed, &self.frame, &mut self.buffer);
        self.buffer.bind(Label(block.0));
        // Others jump here, too.
        self.flags = None;
        write_block(self, &self.lowered.code, self.allocation, block);
    }

    fn move_value(&mut self, m: Move) {
        let inst = match (m.from, m.to) {
            (Loc::Reg(from), Loc::Reg(to)) => {
                let op = by_class(to.class, Op::MovRM, Op::MovapsRM);
                with(op, to, Rm::Reg(from.number))
            }
            (Loc::Spill(from), Loc::Reg(to)) => {
                let op = by_class(to.class, Op::MovRM, Op::MovsdRM);
                with(op, to, Rm::Mem(self.spill(from)))
            }
            (Loc::Reg(from), Loc::Spill(to)) => {
                let op = by_class(from.class, Op::MovMR, Op::MovsdMR);
                with(op, from, Rm::Mem(self.spill(to)))
            }
            (Loc::Spill(_), Loc::Spill(_)) => unreachable!("regalloc2 moves through registers"),
        };
        let flags = self.told_by_flags();
        self.inst(&inst);
        let is_kept = |&reg: &u8| m.to != Loc::Reg(int(reg));
        self.flags = flags
            .filter(is_kept)
            .map(|reg| (self.buffer.position(), reg));
    }

    /// The register of which flags say whether it is 0, if they do.
    fn told_by_flags(&self) -> Option<u8> {
        let (at, reg) = self.flags?;
        (at == self.buffer.position()).then_some(reg)
    }

    /// Whether an instruction only asks whether a register is 0, which flags say already.
    fn is_told(&self, at: usize, locs: &[Loc]) -> bool {
        let test = Inst64::Row {
            op: Op::TestMR,
            rm: RmShape::Same,
            imm: 0,
            cc: Cc::O,
        };
        let insts = &self.lowered.code.insts;
        let asks = match insts.get(at + 1) {
            Some(Inst64::Row {
                op: Op::SetccM | Op::CmovccRM,
                cc,
                ..
            }) => Some(*cc),
            Some(Inst64::Branch(Cond::One(cc))) => Some(*cc),
            _ => None,
        };
        insts[at] == test
            && matches!(asks, Some(Cc::E | Cc::Ne))
            && self.told_by_flags() == Some(number(locs[0]))
    }

    // Instructions.

    fn inst(&mut self, inst: &encode::Inst) {
        encode(inst, self.buffer.bytes());
    }

    fn plain(&mut self, op: Op) {
        self.inst(&simple(op));
    }

    fn vinst(&mut self, block: VBlock, at: usize) {
        let locs = &self.allocation.locs[self.shape().operand_range(at)];
        let reg = |n: usize| match locs[n] {
            Loc::Reg(reg) => reg,
            Loc::Spill(_) => unreachable!("a register was asked for"),
        };
        if self.is_told(at, locs) {
            return;
        }
        match self.lowered.code.insts[at] {
            Inst64::Row { op, rm, imm, cc } => self.row(op, rm, imm, cc, locs),
            Inst64::Common(Common::Args | Common::Keep) => {}
            Inst64::Zero => self.inst(&with(Op::Xor32RM, reg(0), Rm::Reg(reg(0).number))),
            Inst64::Ones => self.inst(&encode::Inst {
                rm: Rm::Reg(reg(0).number),
                imm: -1,
                ..simple(Op::OrMI8)
            }),
            Inst64::FloatZero => self.inst(&with(Op::XorpsRM, reg(0), Rm::Reg(reg(0).number))),
            Inst64::FloatOnes => self.inst(&with(Op::PcmpeqdRM, reg(0), Rm::Reg(reg(0).number))),
            Inst64::FloatCmov(cond) => self.float_cmov(cond, reg(1), reg(2)),
            Inst64::Common(Common::Call(callee) | Common::LeafCall(callee)) => {
                self.transfer(callee, Op::CallD, Op::CallM, locs)
            }
            Inst64::Common(Common::TailCall(callee)) => {
                self.epilogue(Some(locs));
                // Behind an epilogue, REX.W says that the jump leaves the function: its target tells nothing.
                let reads = self.reads_epilogues && self.is_framed;
                let indirect = if reads { Op::JmpWM } else { Op::JmpM };
                self.transfer(callee, Op::JmpD, indirect, locs);
                self.end_epilogue();
            }
            Inst64::Common(Common::Ret) => {
                self.epilogue(Some(locs));
                self.plain(Op::Ret);
                self.end_epilogue();
            }
            Inst64::Common(Common::Jump) => self.jump(block),
            Inst64::Branch(cond) => self.branch(block, cond),
            Inst64::Common(Common::Trap) => self.plain(Op::Ud2),
        }
    }

    fn jump(&mut self, block: VBlock) {
        let undoes = self.is_framed && !self.course.is_framed(self.course.successor(block, 0));
        if undoes {
            self.epilogue(None);
        }
        let to = self.course.target(block, 0);
        // An epilogue that ends in no jump is not recognised.
        if Some(to) != self.course.next(block) || (undoes && self.reads_epilogues) {
            self.buffer.branch(jump_forms(), to);
        }
        if undoes {
            self.end_epilogue();
        }
    }

    fn branch(&mut self, block: VBlock, cond: Cond) {
        let Fork {
            then,
            inverted,
            other,
            falls,
        } = self.course.fork(block);
        if let Some(then) = then {
            let cond = if inverted { cond.inverted() } else { cond };
            match cond {
                Cond::One(cc) => self.buffer.branch(jcc_forms(cc), then),
                Cond::Either(a, b) => {
                    self.buffer.branch(jcc_forms(a), then);
                    self.buffer.branch(jcc_forms(b), then);
                }
                Cond::Both(a, b) => {
                    self.buffer.branch(jcc_forms(a.inverted()), other);
                    self.buffer.branch(jcc_forms(b), then);
                }
            }
        }
        if !falls {
            self.buffer.branch(jump_forms(), other);
        }
    }

    /// Jumps around a move: there is no conditional move between XMM registers.
    fn float_cmov(&mut self, cond: Cond, to: Reg, from: Reg) {
        let end = self.buffer.label();
        match cond.inverted() {
            Cond::One(cc) => self.buffer.branch(jcc_forms(cc), end),
            Cond::Either(a, b) => {
                self.buffer.branch(jcc_forms(a), end);
                self.buffer.branch(jcc_forms(b), end);
            }
            Cond::Both(a, b) => {
                let start = self.buffer.label();
                self.buffer.branch(jcc_forms(a.inverted()), start);
                self.buffer.branch(jcc_forms(b), end);
                self.buffer.bind(start);
            }
        }
        self.inst(&with(Op::MovapsRM, to, Rm::Reg(from.number)));
        self.buffer.bind(end);
    }

    fn row(&mut self, op: Op, rm: RmShape, imm: i64, cc: Cc, locs: &[Loc]) {
        let mut inst = encode::Inst {
            imm,
            cc,
            ..simple(op)
        };
        let mut rest = locs;
        for operand in op.row().operands {
            let count = operand_count(operand.role, operand.place, rm);
            let (mine, others) = rest.split_at(count);
            rest = others;
            match operand.place {
                Place::Imm(_) | Place::Bits(_) | Place::Rel(_) | Place::Fixed(..) => {}
                Place::Reg | Place::Opcode => inst.reg = number(mine[count - 1]),
                Place::Rm | Place::RmReg | Place::Mem => {
                    inst.rm = match rm {
                        RmShape::Reg => Rm::Reg(number(mine[count - 1])),
                        RmShape::Same => Rm::None,
                        RmShape::Mem { base, index, disp } => {
                            Rm::Mem(self.memory(base, index, disp, mine))
                        }
                        RmShape::Ref { .. } | RmShape::ImportSlot(_) => Rm::Mem(Mem::Rip(0)),
                    }
                }
            }
        }
        if rm == RmShape::Same {
            inst.rm = Rm::Reg(inst.reg);
        }
        if matches!(op, Op::MovRM | Op::MovapsRM) && inst.rm == Rm::Reg(inst.reg) {
            return;
        }
        let inst = simplified(inst);
        self.inst(&inst);
        self.flags = result_in_flags(&inst).map(|reg| (self.buffer.position(), reg));
        let trailing = imm_size(op.row());
        let (to, kind, addend) = match rm {
            RmShape::Reg | RmShape::Same | RmShape::Mem { .. } => return,
            RmShape::Ref { to, addend } => (to, RefKind::X64Local { trailing }, addend),
            RmShape::ImportSlot(import) => {
                let kind = if op == Op::MovRM {
                    RefKind::X64SlotLoad
                } else {
                    RefKind::X64SlotOther { trailing }
                };
                (Referent::Import(import), kind, 0)
            }
        };
        self.refer(trailing, to, kind, addend);
    }

    fn memory(&self, base: Base, index: Option<u8>, disp: i32, locs: &[Loc]) -> Mem {
        let index = |at: usize| index.map(|shift| (number(locs[at]), shift));
        let (base, index, offset) = match base {
            Base::None => (None, index(0), 0),
            Base::Reg => (Some(number(locs[0])), index(1), 0),
            Base::Slot(slot) => (Some(RSP), index(0), self.frame.slots[slot.index()]),
            Base::Incoming if self.is_framed => (Some(RSP), index(0), self.frame.incoming),
            Base::Incoming => (Some(RSP), index(0), RETURN_SIZE),
            Base::Outgoing => (Some(RSP), index(0), 0),
        };
        Mem::Sum {
            base,
            index,
            disp: disp + offset as i32,
        }
    }

    /// A call or a jump out of the function.
    fn transfer(&mut self, callee: Callee, direct: Op, indirect: Op, locs: &[Loc]) {
        let (to, kind) = match callee {
            Callee::Func(func) => (Referent::Func(func), RefKind::X64Branch),
            Callee::Plt(import) => (Referent::Import(import), RefKind::X64Plt),
            Callee::Slot(import) => (Referent::Import(import), RefKind::X64SlotCall),
            Callee::Pointer => {
                return self.inst(&encode::Inst {
                    rm: Rm::Reg(number(locs[0])),
                    ..simple(indirect)
                });
            }
        };
        if kind == RefKind::X64SlotCall {
            self.inst(&encode::Inst {
                rm: Rm::Mem(Mem::Rip(0)),
                ..simple(indirect)
            });
        } else {
            self.plain(direct);
        }
        self.refer(0, to, kind, 0);
    }

    /// Notes a reference in the four bytes before the last `trailing` ones.
    fn refer(&mut self, trailing: u8, to: Referent, kind: RefKind, addend: i64) {
        let code_ref = CodeRef {
            at: 0,
            to,
            kind,
            addend,
        };
        self.buffer.refer(4 + trailing as u32, code_ref);
    }
}

fn number(loc: Loc) -> u8 {
    match loc {
        Loc::Reg(reg) => reg.number,
        Loc::Spill(_) => unreachable!("a register was asked for"),
    }
}

/// The memory so many bytes above the stack pointer.
fn stack(offset: u32) -> Mem {
    Mem::Sum {
        base: Some(RSP),
        index: None,
        disp: offset as i32,
    }
}

fn simple(op: Op) -> encode::Inst {
    encode::Inst {
        op,
        reg: 0,
        rm: Rm::None,
        imm: 0,
        cc: Cc::O,
    }
}

fn with(op: Op, reg: Reg, rm: Rm) -> encode::Inst {
    encode::Inst {
        reg: reg.number,
        rm,
        ..simple(op)
    }
}

fn by_class(class: RegClass, int: Op, float: Op) -> Op {
    match class {
        RegClass::Int => int,
        RegClass::Float => float,
    }
}

fn jump_forms() -> BranchForms {
    forms(Op::JmpD8, Op::JmpD, 0)
}

fn jcc_forms(cc: Cc) -> BranchForms {
    forms(Op::JccD8, Op::JccD, cc as u8)
}

/// Both forms of a branch; so much is added to the last byte of their opcodes.
fn forms(short: Op, long: Op, cc: u8) -> BranchForms {
    let form = |op: Op, size: usize, field| {
        let opcode = op.row().opcode;
        let mut bytes = [0; 8];
        bytes[..opcode.len()].copy_from_slice(opcode);
        bytes[opcode.len() - 1] += cc;
        Form {
            size: (opcode.len() + size) as u8,
            bytes,
            field,
        }
    };
    BranchForms {
        short: form(short, 1, BranchField::Byte),
        long: form(long, 4, BranchField::Quad),
    }
}

/// Whether the instruction calls or has an address in the frame.
fn uses_frame(inst: &Inst64) -> bool {
    match inst {
        Inst64::Common(common) => matches!(common, Common::Call(_)),
        Inst64::Row { rm, .. } => match rm {
            RmShape::Mem { base, .. } => match base {
                Base::Slot(_) | Base::Outgoing => true,
                Base::None | Base::Reg | Base::Incoming => false,
            },
            RmShape::Reg | RmShape::Same | RmShape::Ref { .. } | RmShape::ImportSlot(_) => false,
        },
        Inst64::Zero
        | Inst64::Ones
        | Inst64::FloatZero
        | Inst64::FloatOnes
        | Inst64::FloatCmov(_)
        | Inst64::Branch(_) => false,
    }
}
