//! Machine instructions on virtual registers: what lowering makes and register allocation reads.
//!
//! In: instructions pushed by a machine's `lower.rs`, back to front. Out: [`VCode`], blocks by number, with every
//! two-address, fixed-register and clobber need stated on operands. The instruction type is the machine's own; nothing here looks into it,
//! and no encoding, frame or allocation is known yet.

use std::ops::Range;

use smallvec::SmallVec;

use crate::base::source::Span;
use crate::ir::func::{Inst, index};
use crate::target::regs::{Reg, RegClass};

index! {
    /// A virtual register: an SSA value of the machine code.
    VReg "%";
    /// A block of the machine code, by number.
    VBlock "L";
}

/// What an operand asks of its location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// A register or a spill slot.
    Any,
    /// Some register of the virtual register's class.
    Reg,
    /// This very register.
    Fixed(Reg),
    /// The register of the instruction's operand with this number, a use: the second half of a two-address operand.
    Reuse(u8),
}

/// Reads or writes, and when. Early uses and late definitions may share a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read before anything is written.
    Use,
    /// Written once all uses are read.
    Def,
    /// Written while uses are still to be read.
    EarlyDef,
}

/// A mention of a virtual register by an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operand {
    /// The virtual register.
    pub vreg: VReg,
    /// Where it must be.
    pub constraint: Constraint,
    /// What happens to it.
    pub access: Access,
}

/// Sets of registers that calls destroy; a function uses very few different ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clobbers {
    /// Integer registers by number.
    pub ints: u64,
    /// Float registers by number.
    pub floats: u64,
}

impl Clobbers {
    /// The set without `reg`.
    pub fn without(mut self, reg: Reg) -> Clobbers {
        match reg.class {
            RegClass::Int => self.ints &= !(1 << reg.number),
            RegClass::Float => self.floats &= !(1 << reg.number),
        }
        self
    }

    /// The set with `reg`.
    pub fn with(mut self, reg: Reg) -> Clobbers {
        match reg.class {
            RegClass::Int => self.ints |= 1 << reg.number,
            RegClass::Float => self.floats |= 1 << reg.number,
        }
        self
    }

    /// Whether `reg` is in the set.
    pub fn contains(self, reg: Reg) -> bool {
        match reg.class {
            RegClass::Int => self.ints & (1 << reg.number) != 0,
            RegClass::Float => self.floats & (1 << reg.number) != 0,
        }
    }
}

/// A block. Its last instruction is the branch, return or trap that ends it.
#[derive(Clone, Debug, Default)]
pub struct BlockShape {
    /// Its instructions.
    pub insts: Range<u32>,
    /// Where it may go on.
    pub succs: SmallVec<[VBlock; 2]>,
    /// Where it may come from, once per edge.
    pub preds: SmallVec<[VBlock; 2]>,
    /// Parameters; only blocks whose predecessors all end in a plain jump have some.
    pub params: Vec<VReg>,
    /// Arguments for the parameters of the one successor.
    pub args: Vec<VReg>,
    /// Rarely run.
    pub is_cold: bool,
    /// How many loops are around it.
    pub depth: u32,
}

/// A function as machine code on virtual registers.
#[derive(Clone, Debug)]
pub struct VCode<I> {
    /// Instructions, block by block.
    pub insts: Vec<I>,
    /// Source texts, one per instruction.
    pub spans: Vec<Option<Span>>,
    /// Sorted places of IR instructions.
    marks: Vec<((VBlock, Option<Inst>), u32)>,
    /// What register allocation wants to know.
    pub shape: Shape,
}

impl<I> VCode<I> {
    /// Where the code of an IR instruction (of a block's terminator, without one) begins, as far as [`Builder::mark`] was told.
    pub fn mark(&self, block: VBlock, inst: Option<Inst>) -> Option<u32> {
        let marks = &self.marks;
        let found = marks.binary_search_by_key(&(block, inst), |mark| mark.0);
        found.ok().map(|at| marks[at].1)
    }
}

/// The part of [`VCode`] that is the same for every machine: blocks, operands, clobbers.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// Blocks by number; the first is the entry.
    pub blocks: Vec<BlockShape>,
    /// Classes of the virtual registers.
    pub classes: Vec<RegClass>,
    operands: Vec<Operand>,
    operand_ends: Vec<u32>,
    clobbers: Vec<u8>,
    clobber_sets: Vec<Clobbers>,
    /// Where to follow virtual registers: from one instruction to another, by what they are to be known; sorted.
    pub labels: Vec<(VReg, Range<u32>, u32)>,
}

impl Shape {
    /// How many instructions there are.
    pub fn inst_count(&self) -> usize {
        self.operand_ends.len()
    }

    /// Whether a cold block calls.
    pub fn has_rare_calls(&self) -> bool {
        let cold = self.blocks.iter().filter(|block| block.is_cold);
        let mut insts = cold.flat_map(|block| block.insts.clone());
        insts.any(|inst| self.clobbers[inst as usize] != 0)
    }

    /// All operands, instruction by instruction.
    pub fn operands(&self) -> &[Operand] {
        &self.operands
    }

    /// Which of [`Shape::operands`] are those of instruction `inst`.
    pub fn operand_range(&self, inst: usize) -> Range<usize> {
        let start = if inst == 0 {
            0
        } else {
            self.operand_ends[inst - 1]
        };
        start as usize..self.operand_ends[inst] as usize
    }

    /// Which of [`Shape::clobber_sets`] instruction `inst` destroys besides the registers it defines; `None` for most.
    pub fn clobber_set(&self, inst: usize) -> Option<usize> {
        (self.clobbers[inst] as usize).checked_sub(1)
    }

    /// The different sets of registers that instructions destroy.
    pub fn clobber_sets(&self) -> &[Clobbers] {
        &self.clobber_sets
    }
}

#[derive(Debug)]
struct Piece<I> {
    inst: I,
    operands: Range<u32>,
    clobbers: u8,
    span: Option<Span>,
}

/// Collects instructions from the last of a block to its first. The instructions of one group (what one IR instruction becomes) are
/// pushed in their own order; groups come back to front, so that lowering has seen all uses of a value before it reaches its definition.
#[derive(Debug)]
pub struct Builder<I> {
    group: Vec<Piece<I>>,
    pieces: Vec<Piece<I>>,
    operands: Vec<Operand>,
    clobber_sets: Vec<Clobbers>,
    classes: Vec<RegClass>,
    block_start: usize,
    block_pieces: Vec<Range<usize>>,
    /// IR instructions (none: a block's terminator), and how many pieces there were when their own had been pushed.
    marks: Vec<((VBlock, Option<Inst>), usize)>,
}

impl<I> Builder<I> {
    /// For a function of so many blocks.
    pub fn new(blocks: usize) -> Builder<I> {
        Builder {
            group: Vec::new(),
            pieces: Vec::new(),
            operands: Vec::new(),
            clobber_sets: Vec::new(),
            classes: Vec::new(),
            block_start: 0,
            block_pieces: vec![0..0; blocks],
            marks: Vec::new(),
        }
    }

    /// A new virtual register.
    pub fn vreg(&mut self, class: RegClass) -> VReg {
        self.classes.push(class);
        VReg(self.classes.len() as u32 - 1)
    }

    /// Appends to the group.
    pub fn push(&mut self, inst: I, operands: &[Operand], clobbers: Option<Clobbers>) {
        let start = self.operands.len() as u32;
        self.operands.extend_from_slice(operands);
        let clobbers = clobbers.map_or(0, |set| self.clobber_set(set));
        self.group.push(Piece {
            inst,
            operands: start..self.operands.len() as u32,
            clobbers,
            span: None,
        });
    }

    fn clobber_set(&mut self, set: Clobbers) -> u8 {
        let known = self.clobber_sets.iter().position(|known| *known == set);
        let at = known.unwrap_or_else(|| {
            self.clobber_sets.push(set);
            self.clobber_sets.len() - 1
        });
        u8::try_from(at + 1).expect("a convention has few result registers, so few sets")
    }

    /// Ends the group: what is pushed next stands before it. Its instructions stem from `span`.
    pub fn end_group(&mut self, span: Option<Span>) {
        for mut piece in self.group.drain(..).rev() {
            piece.span = span;
            self.pieces.push(piece);
        }
    }

    /// Notes that the code of an instruction of `block`, or of its terminator, has been pushed, be it any or none.
    pub fn mark(&mut self, block: VBlock, inst: Option<Inst>) {
        self.marks.push(((block, inst), self.pieces.len()));
    }

    /// The registers that are live at the start of the block, given those that are at its end; sorted.
    pub fn live_in(&self, live_out: Vec<VReg>) -> Vec<VReg> {
        let mut live = live_out;
        live.sort_unstable();
        live.dedup();
        for piece in &self.pieces[self.block_start..] {
            let operands = piece.operands.start as usize..piece.operands.end as usize;
            let operands = &self.operands[operands];
            let is_def = |o: &&Operand| matches!(o.access, Access::Def | Access::EarlyDef);
            for operand in operands.iter().filter(is_def) {
                if let Ok(at) = live.binary_search(&operand.vreg) {
                    live.remove(at);
                }
            }
            let uses = operands.iter().filter(|o| o.access == Access::Use);
            for operand in uses {
                if let Err(at) = live.binary_search(&operand.vreg) {
                    live.insert(at, operand.vreg);
                }
            }
        }
        live
    }

    /// Ends the block, whose first instruction has been pushed.
    pub fn end_block(&mut self, block: VBlock) {
        debug_assert!(self.group.is_empty(), "{block} ends inside a group");
        self.block_pieces[block.index()] = self.block_start..self.pieces.len();
        self.block_start = self.pieces.len();
    }

    /// All blocks put in order. `blocks` has everything but the instructions.
    pub fn finish(self, blocks: Vec<BlockShape>) -> VCode<I> {
        let count = self.pieces.len();
        let mut code = VCode {
            insts: Vec::with_capacity(count),
            spans: Vec::with_capacity(count),
            marks: Vec::new(),
            shape: Shape {
                blocks,
                classes: self.classes,
                operands: Vec::with_capacity(self.operands.len()),
                operand_ends: Vec::with_capacity(count),
                clobbers: Vec::with_capacity(count),
                clobber_sets: self.clobber_sets,
                labels: Vec::new(),
            },
        };
        let ends: Vec<usize> = self.block_pieces.iter().map(|range| range.end).collect();
        let mut pieces: Vec<Option<Piece<I>>> = self.pieces.into_iter().map(Some).collect();
        for (at, range) in self.block_pieces.into_iter().enumerate() {
            let start = code.insts.len() as u32;
            for slot in pieces[range].iter_mut().rev() {
                let piece = slot.take().expect("blocks do not share instructions");
                code.insts.push(piece.inst);
                code.spans.push(piece.span);
                let operands = piece.operands.start as usize..piece.operands.end as usize;
                code.shape
                    .operands
                    .extend_from_slice(&self.operands[operands]);
                code.shape
                    .operand_ends
                    .push(code.shape.operands.len() as u32);
                code.shape.clobbers.push(piece.clobbers);
            }
            code.shape.blocks[at].insts = start..code.insts.len() as u32;
        }
        for ((block, inst), pieces) in self.marks {
            // Pieces run backwards.
            let behind = (ends[block.index()] - pieces) as u32;
            let place = code.shape.blocks[block.index()].insts.start + behind;
            code.marks.push(((block, inst), place));
        }
        code.marks.sort_unstable();
        code
    }
}
