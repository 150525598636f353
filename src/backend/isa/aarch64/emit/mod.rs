//! Allocated machine instructions to bytes: moves, instructions, branches. In: [`Lowered`] and its [`Allocation`]. Out: [`Code`]. Decides
//! nothing about registers or values.

mod frame;

use super::encode::{Inst, MOST, append, encode};
use super::inst::{Field, Op, Role};
use super::lower::Lowered;
use super::vinst::{Access, Base, Cond, InstA64, Offset};
use super::{FRAME_POINTER, SCRATCH};
use crate::backend::isa::buffer::{BranchField, BranchForms, Buffer, Form, Label};
use crate::backend::isa::code::{Code, CodeRef, FrameChange, RefKind, Referent};
use crate::backend::isa::course::{Course, Emitter, Fork, Item, Told, write_block};
use crate::backend::isa::frame::{Frame, Step};
use crate::backend::isa::lower::common::{Callee, Common};
use crate::backend::isa::named::Spots;
use crate::backend::isa::plan::{forward, merge, needs_frame};
use crate::backend::isa::regalloc::{Allocation, Loc, Move};
use crate::backend::isa::vcode::{Shape, VBlock};
use crate::backend::isa::wrap::framed_blocks;
use crate::ir::func::{Conv, Func};
use crate::target::Target;
use crate::target::regs::{Reg, RegClass, a64};

const SP: i64 = a64::SP.number as i64;
const X16: i64 = SCRATCH.number as i64;
/// As a register of numbers, 31 is zero.
const ZERO: i64 = 31;

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
    let frame = frame::lay_out(func, target, lowered, allocation, &written);
    // Who reads frame pointers wants one everywhere.
    let framed = if frame.is_empty() {
        vec![false; shape.blocks.len()]
    } else if target.frame_pointer {
        vec![true; shape.blocks.len()]
    } else {
        framed_blocks(shape, &needs, lowered.keeps_frame)
    };
    let is_jump = |at| matches!(inst(at), InstA64::Common(Common::Jump));
    let mut forwarded = forward(shape, allocation, &framed, is_jump);
    merge(
        &lowered.code,
        allocation,
        &lowered.layout,
        &framed,
        &mut forwarded,
    );
    // `paciasp` is a landing pad itself.
    let pads = target.landing_pads && (func.export || func.address_taken);
    let pads = pads && !(framed[0] && frame.signs_return);
    let (course, items) = Course::new(shape, &lowered.layout, framed, forwarded);
    let mut emit = Emit {
        lowered,
        allocation,
        frame,
        told: Told::new(target.reads_epilogues),
        is_framed: false,
        buffer: course.buffer(),
        course,
        spots: Spots::new(shape, &lowered.constants),
    };
    emit.buffer.line(func.span);
    if pads {
        emit.inst(Op::BtiC, &[]);
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
    course: Course<'a>,
    told: Told,
    /// Whether the block being written runs with a frame.
    is_framed: bool,
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

    // Blocks.

    fn block(&mut self, block: VBlock) {
        self.is_framed = self.course.is_framed(block);
        self.told
            .describe(self.is_framed, &self.frame, &mut self.buffer);
        self.buffer.bind(Label(block.0));
        write_block(self, &self.lowered.code, self.allocation, block);
    }

    fn move_value(&mut self, m: Move) {
        let spill = |slot: u32| i64::from(self.frame.spills + 8 * slot);
        match (m.from, m.to) {
            (Loc::Reg(from), Loc::Reg(to)) => {
                let op = by_class(to, Op::Mov, Op::FmovReg);
                self.inst(op, &[to.number.into(), from.number.into()]);
            }
            (Loc::Spill(from), Loc::Reg(to)) => {
                let access = by_class(to, Access::Ldr, Access::LdrD);
                self.access(access, to.number.into(), SP, spill(from));
            }
            (Loc::Reg(from), Loc::Spill(to)) => {
                let access = by_class(from, Access::Str, Access::StrD);
                self.access(access, from.number.into(), SP, spill(to));
            }
            (Loc::Spill(_), Loc::Spill(_)) => unreachable!("regalloc2 moves through registers"),
        }
    }

    // Instructions.

    fn inst(&mut self, op: Op, values: &[i64]) {
        append(&Inst::new(op, values), self.buffer.bytes());
    }

    fn vinst(&mut self, block: VBlock, at: usize) {
        let range = self.shape().operand_range(at);
        if let InstA64::Common(Common::Args | Common::Keep) = self.lowered.code.insts[at] {
            // Keep takes values wherever they are.
            return;
        }
        let regs: Vec<i64> = self.allocation.locs[range].iter().map(number).collect();
        match self.lowered.code.insts[at] {
            InstA64::Row { op, imms } => self.row(op, &regs, imms),
            InstA64::Mem {
                access,
                is_zero,
                base,
                offset,
            } => {
                let (value, rest) = if is_zero {
                    (ZERO, &regs[..])
                } else {
                    (regs[0], &regs[1..])
                };
                self.mem(access, value, base, offset, rest);
            }
            InstA64::Const(constant) => self.constant(regs[0], constant),
            InstA64::Address(base, disp) => {
                let offset = self.base_offset(base) + i64::from(disp);
                self.sum(regs[0], SP, offset);
            }
            InstA64::Place(to) => {
                self.inst(Op::Adrp, &[regs[0], 0]);
                self.refer(to, RefKind::A64Page);
                self.inst(Op::AddImm, &[regs[0], regs[0], 0]);
                self.refer(to, RefKind::A64Low);
            }
            InstA64::ImportSlot(import) => self.load_slot(regs[0], Referent::Import(import)),
            InstA64::Branch(cond) => self.branch(block, cond, &regs),
            InstA64::Common(Common::Args | Common::Keep) => {}
            InstA64::Common(Common::Call(callee) | Common::LeafCall(callee)) => {
                self.transfer(callee, true, &regs);
            }
            InstA64::Common(Common::TailCall(callee)) => {
                self.epilogue();
                self.transfer(callee, false, &regs);
                self.end_epilogue();
            }
            InstA64::Common(Common::Ret) => {
                self.epilogue();
                self.inst(Op::Ret, &[]);
                self.end_epilogue();
            }
            InstA64::Common(Common::Jump) => self.jump(block),
            InstA64::Common(Common::Trap) => self.inst(Op::Brk, &[1]),
        }
    }

    fn row(&mut self, op: Op, regs: &[i64], imms: [i64; 2]) {
        let (mut regs, mut imms) = (regs.iter(), imms.iter());
        let mut next = || {
            *regs
                .next()
                .unwrap_or_else(|| unreachable!("lowering knows"))
        };
        let mut values = [0; MOST];
        for (value, row) in values.iter_mut().zip(op.row().chosen()) {
            *value = match row.field {
                Field::Reg(..) | Field::Base | Field::Index(_) | Field::Extended => {
                    let first = next();
                    if row.role == Role::Mod { next() } else { first }
                }
                _ => imms.next().copied().unwrap_or_default(),
            };
        }
        let moves = matches!(op, Op::Mov | Op::FmovReg);
        if !moves || values[0] != values[1] {
            append(&Inst { op, values }, self.buffer.bytes());
        }
    }

    /// Where from the stack pointer an address in the frame starts.
    fn base_offset(&self, base: Base) -> i64 {
        match base {
            Base::Reg | Base::Outgoing => 0,
            Base::Slot(slot) => self.frame.slots[slot.index()].into(),
            Base::Incoming if self.is_framed => self.frame.incoming.into(),
            Base::Incoming => 0,
        }
    }

    fn mem(&mut self, access: Access, value: i64, base: Base, offset: Offset, regs: &[i64]) {
        let forms = access.forms();
        let (start, index) = match base {
            Base::Reg => (regs[0], regs.get(1)),
            Base::Slot(_) | Base::Incoming | Base::Outgoing => (SP, regs.first()),
        };
        let index = || *index.unwrap_or_else(|| unreachable!("there is an index"));
        match offset {
            Offset::Bytes(disp) => {
                let offset = self.base_offset(base) + i64::from(disp);
                self.access(access, value, start, offset);
            }
            Offset::Index => self.inst(forms.index, &[value, start, index()]),
            Offset::ScaledIndex => self.inst(forms.scaled_index, &[value, start, index()]),
        }
    }

    /// A load or store so many bytes from a register.
    fn access(&mut self, access: Access, value: i64, base: i64, offset: i64) {
        let forms = access.forms();
        if Field::Off12(forms.log2_size).holds(offset) {
            self.inst(forms.scaled, &[value, base, offset]);
        } else if Field::Off9.holds(offset) {
            self.inst(forms.unscaled, &[value, base, offset]);
        } else {
            self.constant(X16, offset);
            self.inst(forms.index, &[value, base, X16]);
        }
    }

    /// `to` becomes a register, perhaps the stack pointer, plus a constant that is not negative.
    fn sum(&mut self, to: i64, from: i64, constant: i64) {
        if Field::Imm12.holds(constant) {
            self.inst(Op::AddImm, &[to, from, constant]);
        } else {
            self.constant(X16, constant);
            self.inst(Op::AddSp, &[to, from, X16]);
        }
    }

    /// `to` becomes a constant: the first of its halfwords that differ from the rest with the rest, then the others.
    fn constant(&mut self, to: i64, constant: i64) {
        let halves = [0, 16, 32, 48].map(|at| (at, constant >> at & 0xffff));
        let count = |rest: i64| halves.iter().filter(|(_, half)| *half != rest).count();
        let (zeros, ones) = (count(0), count(0xffff));
        if zeros > 1 && ones > 1 && Field::Mask.holds(constant) {
            return self.inst(Op::MovMask, &[to, constant]);
        }
        let rest = if ones < zeros { 0xffff } else { 0 };
        let mut halves = halves.into_iter().filter(|(_, half)| *half != rest);
        match (rest, halves.next()) {
            (0, first) => {
                let (at, half) = first.unwrap_or((0, 0));
                self.inst(Op::Movz, &[to, half, at]);
            }
            (_, first) => {
                let (at, half) = first.unwrap_or((0, 0xffff));
                self.inst(Op::Movn, &[to, !half & 0xffff, at]);
            }
        }
        for (at, half) in halves {
            self.inst(Op::Movk, &[to, half, at]);
        }
    }

    // Branches.

    fn jump(&mut self, block: VBlock) {
        let to_framed = self.course.is_framed(self.course.successor(block, 0));
        let undoes = self.is_framed && !to_framed;
        if undoes {
            self.epilogue();
        }
        let to = self.course.target(block, 0);
        if Some(to) != self.course.next(block) {
            self.buffer.branch(jump_forms(), to);
        }
        if undoes {
            self.end_epilogue();
        }
    }

    fn branch(&mut self, block: VBlock, cond: Cond, regs: &[i64]) {
        let Fork {
            then,
            inverted,
            other,
            falls,
        } = self.course.fork(block);
        if let Some(then) = then {
            let cond = if inverted { cond.inverted() } else { cond };
            self.buffer.branch(cond_forms(cond, regs), then);
        }
        if !falls {
            self.buffer.branch(jump_forms(), other);
        }
    }

    // Calls.

    /// A call or a jump out of the function.
    fn transfer(&mut self, callee: Callee, links: bool, regs: &[i64]) {
        let (near, far) = if links {
            (Op::Bl, Op::Blr)
        } else {
            (Op::B, Op::Br)
        };
        match callee {
            Callee::Func(func) => {
                self.inst(near, &[0]);
                self.refer(Referent::Func(func), RefKind::A64Branch);
            }
            Callee::Plt(import) => {
                self.inst(near, &[0]);
                self.refer(Referent::Import(import), RefKind::A64Plt { links });
            }
            Callee::Slot(import) => {
                self.load_slot(X16, Referent::Import(import));
                self.inst(far, &[X16]);
            }
            Callee::Pointer => self.inst(far, &[regs[0]]),
        }
    }

    /// `to` becomes the content of an import's pointer slot.
    fn load_slot(&mut self, to: i64, import: Referent) {
        self.inst(Op::Adrp, &[to, 0]);
        self.refer(import, RefKind::A64SlotPage);
        self.inst(Op::LdrOff, &[to, to, 0]);
        self.refer(import, RefKind::A64SlotLow);
    }

    /// Notes a reference in the last instruction.
    fn refer(&mut self, to: Referent, kind: RefKind) {
        let code_ref = CodeRef {
            at: 0,
            to,
            kind,
            addend: 0,
        };
        self.buffer.refer(4, code_ref);
    }
}

fn by_class<T>(reg: Reg, int: T, float: T) -> T {
    match reg.class {
        RegClass::Int => int,
        RegClass::Float => float,
    }
}

fn number(loc: &Loc) -> i64 {
    match loc {
        Loc::Reg(reg) => reg.number.into(),
        Loc::Spill(_) => unreachable!("a register was asked for"),
    }
}

fn form(words: &[Inst], field: BranchField) -> Form {
    let mut bytes = [0; 8];
    for (place, word) in bytes.chunks_mut(4).zip(words) {
        place.copy_from_slice(&encode(word).to_le_bytes());
    }
    Form {
        size: 4 * words.len() as u8,
        bytes,
        field,
    }
}

const JUMP_FIELD: BranchField = BranchField::Words { bits: 26, at: 0 };

fn jump_forms() -> BranchForms {
    let jump = form(&[Inst::new(Op::B, &[0])], JUMP_FIELD);
    BranchForms {
        short: jump,
        long: jump,
    }
}

/// What is out of a condition's reach is jumped to from behind the opposite.
fn cond_forms(cond: Cond, regs: &[i64]) -> BranchForms {
    let branch = |cond: Cond, distance: i64| match cond {
        Cond::Flags(cc) => Inst::new(Op::Bcond, &[cc as i64, distance]),
        Cond::Zero { wide: true } => Inst::new(Op::Cbz, &[regs[0], distance]),
        Cond::Zero { wide: false } => Inst::new(Op::CbzW, &[regs[0], distance]),
        Cond::NonZero { wide: true } => Inst::new(Op::Cbnz, &[regs[0], distance]),
        Cond::NonZero { wide: false } => Inst::new(Op::CbnzW, &[regs[0], distance]),
        Cond::Clear(bit) => Inst::new(Op::Tbz, &[regs[0], bit.into(), distance]),
        Cond::Set(bit) => Inst::new(Op::Tbnz, &[regs[0], bit.into(), distance]),
    };
    let bits = match cond {
        Cond::Flags(_) | Cond::Zero { .. } | Cond::NonZero { .. } => 19,
        Cond::Clear(_) | Cond::Set(_) => 14,
    };
    let over = [branch(cond.inverted(), 8), Inst::new(Op::B, &[0])];
    BranchForms {
        short: form(&[branch(cond, 0)], BranchField::Words { bits, at: 5 }),
        long: form(&over, JUMP_FIELD),
    }
}

/// Whether the instruction calls or has an address in the frame.
fn uses_frame(inst: &InstA64) -> bool {
    match inst {
        InstA64::Common(common) => matches!(common, Common::Call(_) | Common::LeafCall(_)),
        InstA64::Mem { base, .. } | InstA64::Address(base, _) => match base {
            Base::Slot(_) | Base::Outgoing => true,
            Base::Reg | Base::Incoming => false,
        },
        InstA64::Row { .. }
        | InstA64::Const(_)
        | InstA64::Place(_)
        | InstA64::ImportSlot(_)
        | InstA64::Branch(_) => false,
    }
}
