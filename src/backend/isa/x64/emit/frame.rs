//! How the frame is made and undone. One of eight bytes is pushed and popped like a register, which takes a byte each: it is there for
//! alignment, or for a value that is stored later.

use super::encode::{self, encode};
use super::{Emit, FrameChange, Loc, Op, RSP, Reg, Rm, Step, VBlock, simple, stack, with};
use crate::target::regs::x64;

/// What a push moves the stack pointer by.
const WORD: u32 = 8;

impl Emit<'_> {
    /// Makes the frame.
    pub(super) fn frame_entry(&mut self, block: VBlock) {
        self.told.before_making(&self.frame, &mut self.buffer);
        self.buffer.bind(self.course.entry_label(block));
        for step in self.frame.prologue() {
            match step {
                Step::Probe => self.inst(&encode::Inst {
                    rm: Rm::Mem(stack(0)),
                    ..simple(Op::OrMI8)
                }),
                Step::Change(change) => self.frame_change(change),
            }
        }
        self.told.made(&mut self.buffer);
        if block.0 == 0 {
            self.buffer.end_prologue();
        }
    }

    /// Undoes the frame, before what reads these registers; a jump between blocks may leave any for others to read.
    pub(super) fn epilogue(&mut self, read: Option<&[Loc]>) {
        if !self.is_framed {
            return;
        }
        for &(reg, at) in &self.frame.stored {
            encode(
                &with(Op::MovapsRM, reg, Rm::Mem(stack(at))),
                self.buffer.bytes(),
            );
        }
        self.buffer.frame(FrameChange::EpilogueBegin);
        let is_free = |reg: &Reg| read.is_some_and(|read| !read.contains(&Loc::Reg(*reg)));
        let spare = [x64::RCX, x64::RAX].into_iter().find(is_free);
        for change in self.frame.epilogue() {
            match (change, spare) {
                (FrameChange::Free(WORD), Some(reg)) => {
                    self.push_or_pop(Op::PopO, reg);
                    self.buffer.frame(change);
                }
                _ => self.frame_change(change),
            }
        }
    }

    pub(super) fn end_epilogue(&mut self) {
        if self.is_framed {
            self.buffer.frame(FrameChange::EpilogueEnd);
        }
    }

    fn frame_change(&mut self, change: FrameChange) {
        match change {
            FrameChange::Push(reg) => self.push_or_pop(Op::PushO, reg),
            FrameChange::Pop(reg) => self.push_or_pop(Op::PopO, reg),
            // Whatever is in the register: the byte is what it is about.
            FrameChange::Alloc(WORD) => self.push_or_pop(Op::PushO, x64::RAX),
            FrameChange::Alloc(bytes) => self.move_stack(Op::SubMI8, Op::SubMI, bytes),
            FrameChange::Free(bytes) => self.move_stack(Op::AddMI8, Op::AddMI, bytes),
            FrameChange::Save(reg, at) => {
                self.inst(&with(Op::MovapsMR, reg, Rm::Mem(stack(at))));
            }
            FrameChange::SetFramePointer(reg, 0) => {
                self.inst(&with(Op::MovMR, x64::RSP, Rm::Reg(reg.number)));
            }
            FrameChange::SetFramePointer(..)
            | FrameChange::SignReturn
            | FrameChange::PlainReturn
            | FrameChange::EpilogueBegin
            | FrameChange::EpilogueEnd => unreachable!("no frame of ours has a step {change:?}"),
        }
        self.buffer.frame(change);
    }

    fn push_or_pop(&mut self, op: Op, reg: Reg) {
        self.inst(&encode::Inst {
            reg: reg.number,
            ..simple(op)
        });
    }

    fn move_stack(&mut self, short: Op, long: Op, bytes: u32) {
        let op = if i8::try_from(bytes).is_ok() {
            short
        } else {
            long
        };
        self.inst(&encode::Inst {
            rm: Rm::Reg(RSP),
            imm: bytes.into(),
            ..simple(op)
        });
    }
}
