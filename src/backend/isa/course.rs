//! The course of emission: blocks and the making of frames in the order of memory, where jumps go, and what unwinders are told, which holds
//! for what follows in memory, not in time. In: what [`super::plan`] found. Out: [`Item`]s to write, one after the other, and blocks
//! written. How instructions, moves and frames are written is the machine's own ([`Emitter`]).

use super::buffer::{Buffer, Label};
use super::code::FrameChange;
use super::frame::{Frame, Step};
use super::named::Spots;
use super::regalloc::{Allocation, Move};
use super::vcode::{Shape, VBlock, VCode};

/// What is laid out in memory.
#[derive(Clone, Copy, Debug)]
pub enum Item {
    /// The making of the frame for those who come to this block without one.
    Entry(VBlock),
    /// A block.
    Block(VBlock),
}

/// Blocks on their way to memory.
#[derive(Debug)]
pub struct Course<'a> {
    shape: &'a Shape,
    /// The blocks that run with a frame.
    framed: Vec<bool>,
    /// Those of them that somebody comes to without a frame.
    entered: Vec<bool>,
    /// What stands behind each block.
    nexts: Vec<Option<Label>>,
    /// For each block, where a jump to it really goes.
    forwarded: Vec<VBlock>,
}

impl<'a> Course<'a> {
    /// Of the blocks of a function in the order of `layout`; the course, and what there is to write.
    pub fn new(
        shape: &'a Shape,
        layout: &[VBlock],
        framed: Vec<bool>,
        forwarded: Vec<VBlock>,
    ) -> (Course<'a>, Vec<Item>) {
        let mut course = Course {
            shape,
            entered: vec![false; framed.len()],
            nexts: vec![None; framed.len()],
            framed,
            forwarded,
        };
        let items = course.items(layout);
        (course, items)
    }

    /// A buffer with labels for all blocks.
    pub fn buffer(&self) -> Buffer {
        Buffer::new(2 * self.framed.len())
    }

    /// Whether a block runs with a frame.
    pub fn is_framed(&self, block: VBlock) -> bool {
        self.framed[block.index()]
    }

    /// What stands behind a block.
    pub fn next(&self, block: VBlock) -> Option<Label> {
        self.nexts[block.index()]
    }

    /// What there is to write, in the order of memory. Blocks that are passed over vanish.
    fn items(&mut self, layout: &[VBlock]) -> Vec<Item> {
        self.find_entries();
        let mut items = Vec::with_capacity(layout.len());
        for &block in layout {
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
    fn find_entries(&mut self) {
        self.entered[0] = self.framed[0];
        for at in 0..self.framed.len() {
            if self.framed[at] || self.forwarded[at].index() != at {
                continue;
            }
            for n in 0..self.shape.blocks[at].succs.len() {
                let to = self.successor(VBlock(at as u32), n);
                self.entered[to.index()] |= self.framed[to.index()];
            }
        }
    }

    /// The nth successor of a block, blocks that vanish being passed over.
    pub fn successor(&self, block: VBlock, n: usize) -> VBlock {
        self.forwarded[self.shape.blocks[block.index()].succs[n].index()]
    }

    /// The label of the making of a frame before a block.
    pub fn entry_label(&self, block: VBlock) -> Label {
        Label(block.0 + self.shape.blocks.len() as u32)
    }

    /// Where the nth successor of `block` is to be found from there.
    pub fn target(&self, block: VBlock, n: usize) -> Label {
        let to = self.successor(block, n);
        if self.framed[to.index()] && !self.framed[block.index()] {
            self.entry_label(to)
        } else {
            Label(to.0)
        }
    }
}

/// How a block that ends in a branch goes on.
#[derive(Clone, Copy, Debug)]
pub struct Fork {
    /// Where the branch goes; nowhere, if both ways are one.
    pub then: Option<Label>,
    /// It goes there on the opposite of its condition.
    pub inverted: bool,
    /// The other way.
    pub other: Label,
    /// Which is what stands behind.
    pub falls: bool,
}

impl Course<'_> {
    /// The fork at the end of a block: its second way follows, if one of them does.
    pub fn fork(&self, block: VBlock) -> Fork {
        let (then, other) = (self.target(block, 0), self.target(block, 1));
        let next = self.next(block);
        // Where neither follows, what is deeper in loops is one jump away.
        let depth = |n: usize| self.shape.blocks[self.successor(block, n).index()].depth;
        let is_colder = Some(other) != next && depth(0) < depth(1);
        let inverted = then != other && (Some(then) == next || is_colder);
        let (first, second) = if inverted {
            (other, then)
        } else {
            (then, other)
        };
        Fork {
            then: (then != other).then_some(first),
            inverted,
            other: second,
            falls: Some(second) == next,
        }
    }
}

/// What a machine writes of a block.
pub trait Emitter {
    /// Where it writes.
    fn buffer(&mut self) -> &mut Buffer;
    /// Where it notes what it has written.
    fn spots(&mut self) -> &mut Spots;
    /// Writes an instruction of a block.
    fn emit(&mut self, block: VBlock, at: u32);
    /// Writes a move.
    fn emit_move(&mut self, m: Move);
}

/// Writes the instructions of a block, and the moves in front of them and behind.
pub fn write_block<I>(
    emitter: &mut impl Emitter,
    code: &VCode<I>,
    allocation: &Allocation,
    block: VBlock,
) {
    let insts = code.shape.blocks[block.index()].insts.clone();
    let moves = &allocation.moves;
    let mut moves = &moves[moves.partition_point(|m| m.inst < insts.start)..];
    for at in insts {
        emitter.buffer().line(code.spans[at as usize]);
        let start = emitter.buffer().position();
        moves = write_moves(emitter, moves, at, false);
        let inst = emitter.buffer().position();
        emitter.emit(block, at);
        let behind = emitter.buffer().position();
        moves = write_moves(emitter, moves, at, true);
        let end = emitter.buffer().position();
        emitter.spots().note(at, [start, inst, behind, end]);
    }
}

/// Writes the moves before or behind an instruction; those that are left.
fn write_moves<'a>(
    emitter: &mut impl Emitter,
    moves: &'a [Move],
    inst: u32,
    after: bool,
) -> &'a [Move] {
    let is_here = |m: &Move| (m.inst, m.after) == (inst, after);
    let count = moves.iter().take_while(|m| is_here(m)).count();
    let (here, rest) = moves.split_at(count);
    here.iter().for_each(|&m| emitter.emit_move(m));
    debug_assert!(
        rest.first()
            .is_none_or(|m| (m.inst, m.after) > (inst, after)),
        "a move was passed over"
    );
    rest
}

/// What unwinders know of the frame at the current place: facts hold for what follows in memory, not in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FrameState {
    /// There is none, and none was described yet.
    None,
    /// There is one.
    Made,
    /// There is none for now, inside an `EpilogueBegin`.
    Undone,
}

/// What is said of a frame along the course.
#[derive(Debug)]
pub struct Told {
    state: FrameState,
    /// Whether epilogues are recognised by their instructions.
    reads_epilogues: bool,
}

impl Told {
    /// Nothing yet.
    pub fn new(reads_epilogues: bool) -> Told {
        Told {
            state: FrameState::None,
            reads_epilogues,
        }
    }

    /// States that from here on there is a frame or none, where that is not what held for the code before.
    pub fn describe(&mut self, is_made: bool, frame: &Frame, buffer: &mut Buffer) {
        match (self.state, is_made) {
            (FrameState::Made, true) | (FrameState::None | FrameState::Undone, false) => {}
            (FrameState::Undone, true) => {
                buffer.frame(FrameChange::EpilogueEnd);
                self.state = FrameState::Made;
            }
            (FrameState::Made, false) => {
                buffer.frame(FrameChange::EpilogueBegin);
                for change in frame.epilogue() {
                    buffer.frame(change);
                }
                self.state = FrameState::Undone;
            }
            (FrameState::None, true) => {
                self.mark(buffer);
                for step in frame.prologue() {
                    if let Step::Change(change) = step {
                        buffer.frame(change);
                    }
                }
                self.state = FrameState::Made;
            }
        }
    }

    /// Says, in a way that changes nothing, that the frame is described anew from here on. Who unwinds by ranges of code wants to know.
    fn mark(&self, buffer: &mut Buffer) {
        if self.reads_epilogues {
            buffer.frame(FrameChange::EpilogueBegin);
            buffer.frame(FrameChange::EpilogueEnd);
        }
    }

    /// The frame is about to be made.
    pub fn before_making(&mut self, frame: &Frame, buffer: &mut Buffer) {
        self.describe(false, frame, buffer);
        self.mark(buffer);
    }

    /// The frame has been made.
    pub fn made(&mut self, buffer: &mut Buffer) {
        if self.state == FrameState::Undone {
            buffer.frame(FrameChange::EpilogueEnd);
        }
        self.state = FrameState::Made;
    }
}
