//! How the frame is made and undone.

use super::encode::{self, encode};
use super::{Emit, FrameChange, Op, RSP, Rm, Step, VBlock, simple, stack, with};
use crate::target::regs::x64;

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

    pub(super) fn epilogue(&mut self) {
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
        for change in self.frame.epilogue() {
            self.frame_change(change);
        }
    }

    pub(super) fn end_epilogue(&mut self) {
        if self.is_framed {
            self.buffer.frame(FrameChange::EpilogueEnd);
        }
    }

    fn frame_change(&mut self, change: FrameChange) {
        match change {
            FrameChange::Push(reg) => self.inst(&encode::Inst {
                reg: reg.number,
                ..simple(Op::PushO)
            }),
            FrameChange::Pop(reg) => self.inst(&encode::Inst {
                reg: reg.number,
                ..simple(Op::PopO)
            }),
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
