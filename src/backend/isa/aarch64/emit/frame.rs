//! How the frame is made and undone: registers are pushed and popped in pairs, so that the stack pointer stays aligned.
//!
//! ```text
//!   paciasp                        where return addresses are signed
//!   stp x29, x30, [sp, #-16]!      the frame record
//!   mov x29, sp
//!   stp x19, x20, [sp, #-16]!      saved registers; downwards: x20, x19
//!   sub sp, sp, #size
//! ```

use super::{
    Allocation, Emit, FRAME_POINTER, Frame, FrameChange, Func, Lowered, Op, Reg, RegClass, SP,
    Step, Target, VBlock, ZERO, a64,
};
use crate::backend::isa::frame::{self, Needs};

/// Lays out the frame of a function that writes `written` of the registers it must save: none, if it needs nothing.
pub(super) fn lay_out(
    func: &Func,
    target: &Target,
    lowered: &Lowered,
    allocation: &Allocation,
    written: &[Reg],
) -> Frame {
    let is_needed = lowered.outgoing.is_some()
        || allocation.spill_slots > 0
        || !func.slots.is_empty()
        || !written.is_empty();
    frame::lay_out(Needs {
        pushed: pairs(written, target),
        stored: Vec::new(),
        frame_pointer: is_needed.then_some(FRAME_POINTER),
        link: is_needed.then_some(a64::X30),
        signs_return: is_needed && target.signs_returns,
        spill_slots: allocation.spill_slots,
        slots: &func.slots,
        outgoing: lowered.outgoing,
        return_size: 0,
        stack_align: 16,
    })
}

/// Registers in the order they are pushed: those that unwinders know as pairs, whole.
fn pairs(written: &[Reg], target: &Target) -> Vec<Reg> {
    let mut pushed = Vec::new();
    for pair in target.c.callee_saved.chunks(2) {
        if pair.iter().any(|reg| written.contains(reg)) {
            // What is pushed first lies higher.
            if target.saves_downwards {
                pushed.extend(pair);
            } else {
                pushed.extend(pair.iter().rev());
            }
        }
    }
    pushed
}

impl Emit<'_> {
    /// Makes the frame.
    pub(super) fn frame_entry(&mut self, block: VBlock) {
        self.told.before_making(&self.frame, &mut self.buffer);
        self.buffer.bind(self.course.entry_label(block));
        let steps = self.frame.prologue();
        let mut steps = steps.iter();
        while let Some(step) = steps.next() {
            match *step {
                Step::Probe => self.inst(Op::StrOff, &[ZERO, SP, 0]),
                Step::Change(FrameChange::Push(high)) => {
                    let Some(Step::Change(FrameChange::Push(low))) = steps.next() else {
                        unreachable!("registers are pushed in pairs")
                    };
                    let op = match low.class {
                        RegClass::Int => Op::StpPre,
                        RegClass::Float => Op::StpDPre,
                    };
                    self.inst(op, &[low.number.into(), high.number.into(), SP, -16]);
                    self.buffer.frame(FrameChange::Push(high));
                    self.buffer.frame(FrameChange::Push(*low));
                }
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
        self.buffer.frame(FrameChange::EpilogueBegin);
        let changes = self.frame.epilogue();
        let mut changes = changes.iter();
        while let Some(&change) = changes.next() {
            if let FrameChange::Pop(low) = change {
                let Some(FrameChange::Pop(high)) = changes.next() else {
                    unreachable!("registers are popped in pairs")
                };
                let op = match low.class {
                    RegClass::Int => Op::LdpPost,
                    RegClass::Float => Op::LdpDPost,
                };
                self.inst(op, &[low.number.into(), high.number.into(), SP, 16]);
                self.buffer.frame(change);
                self.buffer.frame(FrameChange::Pop(*high));
            } else {
                self.frame_change(change);
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
            FrameChange::SignReturn => self.inst(Op::Paciasp, &[]),
            FrameChange::PlainReturn => self.inst(Op::Autiasp, &[]),
            FrameChange::SetFramePointer(reg, 0) => {
                self.inst(Op::AddImm, &[reg.number.into(), SP, 0]);
            }
            FrameChange::Alloc(bytes) => self.inst(Op::SubImm, &[SP, SP, bytes.into()]),
            FrameChange::Free(bytes) => return self.free(bytes),
            FrameChange::Push(_)
            | FrameChange::Pop(_)
            | FrameChange::Save(..)
            | FrameChange::SetFramePointer(..)
            | FrameChange::EpilogueBegin
            | FrameChange::EpilogueEnd => unreachable!("no frame of ours has a step {change:?}"),
        }
        self.buffer.frame(change);
    }

    /// Raises the stack pointer: 12 bits at a time.
    fn free(&mut self, bytes: u32) {
        let parts = [bytes & !0xfff, bytes & 0xfff];
        for part in parts.into_iter().filter(|part| *part > 0) {
            self.inst(Op::AddImm, &[SP, SP, part.into()]);
            self.buffer.frame(FrameChange::Free(part));
        }
    }
}
