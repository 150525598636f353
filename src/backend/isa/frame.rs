//! Lays out a function's frame and says, change by change, how it is made and undone. In: what the function needs once registers are
//! allocated. Out: offsets, and the steps of prologue and epilogue, which a machine's `emit.rs` turns into instructions and
//! [`super::code::FrameStep`] facts. Nothing else moves the stack pointer.
//!
//! ```text
//!                     |  stack arguments of ours    |
//!   incoming -------> +-----------------------------+  sp at entry + return_size
//!                     |  return address             |  (machines whose calls push one)
//!                     +-----------------------------+  sp at entry
//!                     |  return address             |  (machines that have it in a register)
//!                     |  frame pointer, where there |
//!                     |  is one: it points here     |
//!                     |  saved registers, pushed    |  pushed[0] on top
//!                     +-----------------------------+
//!                     |  padding                    |
//!                     |  saved vector registers,    |
//!                     |  whole, 16 bytes each       |  stored
//!                     +-----------------------------+
//!                     |  spill slots, 8 bytes each  |
//!   spills ---------> +-----------------------------+
//!                     |  slots of the IR            |
//!                     +-----------------------------+
//!                     |  stack arguments of calls,  |
//!                     |  shadow space included      |
//!   stack pointer --> +-----------------------------+  aligned at every call
//! ```
//!
//! Assumptions: the stack pointer does not move between prologue and epilogue, so everything is addressed from it; there is no red zone.
//! A frame pointer is for others to read. Float registers are saved once the stack pointer is where it stays, and restored before it moves
//! again: so every step has a code in Windows' unwind information, and an epilogue is what Windows takes for one (Microsoft, "x64 prolog
//! and epilog").

use super::code::FrameChange;
use crate::ir::func::SlotData;
use crate::target::regs::Reg;

/// Guard pages are touched in order: a frame of this size or more is made page by page. What is left is less than a page, so the return
/// address of the next call, just below it, is on the next page at most.
const PAGE: u32 = 4096;
/// A saved float register is a whole vector register.
const STORED_SIZE: u32 = 16;

/// What a function needs.
#[derive(Clone, Debug)]
pub struct Needs<'a> {
    /// Callee-saved registers that are to be pushed, eight bytes each, the frame pointer aside.
    pub pushed: Vec<Reg>,
    /// Callee-saved registers that are to be stored whole.
    pub stored: Vec<Reg>,
    /// The register that is to point at the frame.
    pub frame_pointer: Option<Reg>,
    /// The register that has the return address, where calls leave it in one.
    pub link: Option<Reg>,
    /// The return address is signed while it is in memory.
    pub signs_return: bool,
    /// Spill slots.
    pub spill_slots: u32,
    /// Pieces of the IR.
    pub slots: &'a [SlotData],
    /// The largest outgoing area of its calls; `None` where it makes none (a jump out at the end is none).
    pub outgoing: Option<u32>,
    /// Bytes that a call pushes.
    pub return_size: u32,
    /// Alignment of the stack pointer at a call.
    pub stack_align: u32,
}

/// A frame, all offsets from the stack pointer.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The frame pointer, which is pushed before other registers.
    pub frame_pointer: Option<Reg>,
    /// The register with the return address, which is pushed before the frame pointer.
    pub link: Option<Reg>,
    /// The return address is signed before that.
    pub signs_return: bool,
    /// Saved registers in the order they are pushed.
    pub pushed: Vec<Reg>,
    /// Registers saved whole, and where they are.
    pub stored: Vec<(Reg, u32)>,
    /// Bytes below what is pushed.
    pub size: u32,
    /// The first spill slot.
    pub spills: u32,
    /// The pieces of the IR.
    pub slots: Vec<u32>,
    /// The first stack argument of ours.
    pub incoming: u32,
}

/// A step of the prologue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Changes the frame.
    Change(FrameChange),
    /// Touches the word at the stack pointer.
    Probe,
}

/// Lays out the frame.
pub fn lay_out(needs: Needs<'_>) -> Frame {
    let mut at = needs.outgoing.unwrap_or(0).next_multiple_of(8);
    // Where a register has the return address, the stack pointer is aligned at all times.
    let mut aligned = needs.outgoing.is_some() || needs.link.is_some();
    let mut slots = Vec::with_capacity(needs.slots.len());
    for slot in needs.slots {
        at = at.next_multiple_of(slot.align.max(1));
        slots.push(at);
        at += slot.size;
        aligned |= slot.align > 8;
    }
    let spills = at.next_multiple_of(8);
    let mut size = spills + 8 * needs.spill_slots;
    let mut stored = Vec::with_capacity(needs.stored.len());
    for reg in needs.stored {
        size = size.next_multiple_of(STORED_SIZE);
        stored.push((reg, size));
        size += STORED_SIZE;
        aligned = true;
    }
    let record = needs.frame_pointer.iter().chain(&needs.link);
    let words = needs.pushed.len() + record.count();
    let above = needs.return_size + 8 * words as u32;
    if aligned {
        size = (size + above).next_multiple_of(needs.stack_align) - above;
    }
    Frame {
        frame_pointer: needs.frame_pointer,
        link: needs.link,
        signs_return: needs.signs_return,
        incoming: size + above,
        pushed: needs.pushed,
        stored,
        size,
        spills,
        slots,
    }
}

impl Frame {
    /// Whether there is nothing to make or undo.
    pub fn is_empty(&self) -> bool {
        self.size == 0 && self.pushed.is_empty() && self.frame_pointer.is_none()
    }

    /// How it is made.
    pub fn prologue(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut change = |change| steps.push(Step::Change(change));
        if self.signs_return {
            change(FrameChange::SignReturn);
        }
        if let Some(reg) = self.link {
            change(FrameChange::Push(reg));
        }
        if let Some(reg) = self.frame_pointer {
            change(FrameChange::Push(reg));
            change(FrameChange::SetFramePointer(reg, 0));
        }
        self.pushed
            .iter()
            .for_each(|&reg| change(FrameChange::Push(reg)));
        let mut rest = self.size;
        while rest >= PAGE {
            steps.push(Step::Change(FrameChange::Alloc(PAGE)));
            steps.push(Step::Probe);
            rest -= PAGE;
        }
        if rest > 0 {
            steps.push(Step::Change(FrameChange::Alloc(rest)));
        }
        let stores = self.stored.iter();
        steps.extend(stores.map(|&(reg, at)| Step::Change(FrameChange::Save(reg, at))));
        steps
    }

    /// How it is undone, once the stored registers are restored.
    pub fn epilogue(&self) -> Vec<FrameChange> {
        let free = (self.size > 0).then_some(FrameChange::Free(self.size));
        let record = self.link.iter().chain(&self.frame_pointer);
        let pushed = record.chain(&self.pushed).rev();
        let pops = pushed.map(|&reg| FrameChange::Pop(reg));
        let plain = self.signs_return.then_some(FrameChange::PlainReturn);
        free.into_iter().chain(pops).chain(plain).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::regs::x64::{RBP, RBX};
    use crate::target::regs::{RegClass, float};

    fn needs<'a>(
        saved: &[Reg],
        spill_slots: u32,
        slots: &'a [SlotData],
        outgoing: Option<u32>,
    ) -> Needs<'a> {
        let is_int = |reg: &&Reg| reg.class == RegClass::Int;
        let (pushed, stored): (Vec<Reg>, Vec<Reg>) = saved.iter().partition(is_int);
        Needs {
            pushed,
            stored,
            frame_pointer: None,
            link: None,
            signs_return: false,
            spill_slots,
            slots,
            outgoing,
            return_size: 8,
            stack_align: 16,
        }
    }

    #[test]
    fn every_call_finds_an_aligned_stack_and_nothing_overlaps() {
        let slots = [
            SlotData { size: 1, align: 1 },
            SlotData {
                size: 24,
                align: 16,
            },
            SlotData { size: 4, align: 4 },
        ];
        for saved in [&[][..], &[RBX], &[RBX, RBP], &[RBX, float(6), float(7)]] {
            for spill_slots in 0..4 {
                for count in 0..=slots.len() {
                    for outgoing in [None, Some(0), Some(8), Some(24)] {
                        let frame = lay_out(needs(saved, spill_slots, &slots[..count], outgoing));
                        if outgoing.is_some() {
                            assert_eq!(frame.incoming % 16, 0, "{frame:?}");
                        }
                        let mut end = outgoing.unwrap_or(0);
                        for (slot, &at) in slots[..count].iter().zip(&frame.slots) {
                            assert!(at >= end && at % slot.align == 0, "{frame:?}");
                            end = at + slot.size;
                        }
                        assert!(
                            frame.spills >= end && frame.spills.is_multiple_of(8),
                            "{frame:?}"
                        );
                        end = frame.spills + 8 * spill_slots;
                        for &(_, at) in &frame.stored {
                            assert!(at >= end && at.is_multiple_of(16), "{frame:?}");
                            assert_eq!(frame.incoming % 16, 0, "{frame:?}");
                            end = at + STORED_SIZE;
                        }
                        assert!(end <= frame.size, "{frame:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_leaf_without_needs_has_no_frame() {
        assert!(lay_out(needs(&[], 0, &[], None)).is_empty());
    }

    #[test]
    fn a_large_frame_touches_each_page_it_passes() {
        let frame = lay_out(needs(&[RBX], 2000, &[], None));
        let steps = frame.prologue();
        let probes = steps.iter().filter(|&&step| step == Step::Probe).count();
        assert_eq!(probes as u32, frame.size / PAGE);
        let moved: u32 = steps
            .iter()
            .map(|step| match step {
                Step::Change(FrameChange::Alloc(bytes)) => *bytes,
                _ => 0,
            })
            .sum();
        assert_eq!(moved, frame.size);
    }
}
