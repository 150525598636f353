//! Where the frame is made and undone, and what is said of it: the order of blocks and frame entries in memory, prologues, epilogues, and
//! the facts for unwinders, which hold for what follows in memory, not in time.

use super::encode::{self, encode};
use super::{Emit, FrameChange, Label, Op, RSP, Rm, Step, VBlock, simple, stack, with};
use crate::target::regs::x64;

/// What is laid out in memory.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item {
    /// The making of the frame for those who come to this block without one.
    Entry(VBlock),
    /// A block.
    Block(VBlock),
}

/// What unwinders know of the frame at the current place: facts hold for what follows in memory, not in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameState {
    /// There is none, and none was described yet.
    None,
    /// There is one.
    Made,
    /// There is none for now, inside an `EpilogueBegin`.
    Undone,
}

impl Emit<'_> {
    // Order.

    /// What there is to write, in the order of memory. Blocks that are passed over vanish.
    pub(super) fn items(&mut self) -> Vec<Item> {
        self.find_entries();
        let mut items = Vec::with_capacity(self.lowered.layout.len());
        for &block in &self.lowered.layout {
            if self.forwarded[block.index()] != block {
                continue;
            }
            if self.entered[block.index()] {
                items.push(Item::Entry(block));
            }
            items.push(Item::Block(block));
        }
        for pair in items.windows(2) {
            if let Item::Block(block) = pair[0] {
                self.nexts[block.index()] = Some(match pair[1] {
                    Item::Entry(next) => self.entry_label(next),
                    Item::Block(next) => Label(next.0),
                });
            }
        }
        items
    }

    /// Notes which blocks with a frame are come to without one.
    pub(super) fn find_entries(&mut self) {
        self.entered[0] = self.framed[0];
        for at in 0..self.framed.len() {
            if self.framed[at] || self.forwarded[at].index() != at {
                continue;
            }
            for n in 0..self.shape().blocks[at].succs.len() {
                let to = self.successor(VBlock(at as u32), n);
                self.entered[to.index()] |= self.framed[to.index()];
            }
        }
    }

    /// The nth successor of a block, blocks that vanish being passed over.
    pub(super) fn successor(&self, block: VBlock, n: usize) -> VBlock {
        self.forwarded[self.shape().blocks[block.index()].succs[n].index()]
    }

    pub(super) fn entry_label(&self, block: VBlock) -> Label {
        Label(block.0 + self.shape().blocks.len() as u32)
    }

    /// Where the nth successor of `block` is to be found from there.
    pub(super) fn target(&self, block: VBlock, n: usize) -> Label {
        let to = self.successor(block, n);
        if self.framed[to.index()] && !self.framed[block.index()] {
            self.entry_label(to)
        } else {
            Label(to.0)
        }
    }

    // Frame.

    /// Makes the frame.
    pub(super) fn frame_entry(&mut self, block: VBlock) {
        self.describe_frame(false);
        self.mark();
        self.buffer.bind(self.entry_label(block));
        for step in self.frame.prologue() {
            match step {
                Step::Probe => self.inst(&encode::Inst {
                    rm: Rm::Mem(stack(0)),
                    ..simple(Op::OrMI8)
                }),
                Step::Change(change) => self.frame_change(change),
            }
        }
        if self.state == FrameState::Undone {
            self.buffer.frame(FrameChange::EpilogueEnd);
        }
        self.state = FrameState::Made;
        if block.0 == 0 {
            self.buffer.end_prologue();
        }
    }

    /// States that from here on there is a frame or none, where that is not what held for the code before.
    pub(super) fn describe_frame(&mut self, is_made: bool) {
        match (self.state, is_made) {
            (FrameState::Made, true) | (FrameState::None | FrameState::Undone, false) => {}
            (FrameState::Undone, true) => {
                self.buffer.frame(FrameChange::EpilogueEnd);
                self.state = FrameState::Made;
            }
            (FrameState::Made, false) => {
                self.buffer.frame(FrameChange::EpilogueBegin);
                for change in self.frame.epilogue() {
                    self.buffer.frame(change);
                }
                self.state = FrameState::Undone;
            }
            (FrameState::None, true) => {
                self.mark();
                for step in self.frame.prologue() {
                    if let Step::Change(change) = step {
                        self.buffer.frame(change);
                    }
                }
                self.state = FrameState::Made;
            }
        }
    }

    /// Says, in a way that changes nothing, that the frame is described anew from here on. Who unwinds by ranges of code wants to know.
    fn mark(&mut self) {
        if self.reads_epilogues {
            self.buffer.frame(FrameChange::EpilogueBegin);
            self.buffer.frame(FrameChange::EpilogueEnd);
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

    pub(super) fn frame_change(&mut self, change: FrameChange) {
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
            | FrameChange::EpilogueBegin
            | FrameChange::EpilogueEnd => unreachable!("no frame of ours has a step {change:?}"),
        }
        self.buffer.frame(change);
    }

    pub(super) fn move_stack(&mut self, short: Op, long: Op, bytes: u32) {
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
