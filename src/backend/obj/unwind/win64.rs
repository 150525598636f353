//! Windows' function tables (Microsoft, "x64 exception handling"): `.pdata` says which bytes are a function, `.xdata` what its prologue
//! does. Epilogues are recognised by the system from their instructions.
//!
//! In: the frame steps of functions. Out: both sections, and the places in them that want addresses relative to the image. Equal
//! prologues share their description; functions that leave the stack alone have none. A prologue longer than 255 bytes is described in
//! parts, each chained to the one before it.
//!
//! A function that makes its frame only where it wants one is described in pieces: none for what runs without, and for the others
//! together one description that the rest is chained to, so that a jump from one to another is not taken for the end of an epilogue, but a
//! jump to where there is no frame is.
//!
//! ```text
//! .pdata  begin | end | description                                                     four bytes each
//! .xdata  version 1, flags << 3 | prologue size | slots | frame register, offset/16 << 4
//!         slots of two bytes, last step first: offset behind the instruction | operation, info << 4 [| operands]
//!         a part that is not the first: begin | end | description of the part before it
//! ```

use std::collections::BTreeMap;

use super::super::image::Unwind;
use super::tables::{FunctionTables, Rva, Table};
use crate::backend::isa::code::{FrameChange, FrameStep};
use crate::target::regs::{Reg, RegClass};

const VERSION: u8 = 1;
const CHAININFO: u8 = 4 << 3;

// Operations (`UNWIND_CODE`).
const PUSH_NONVOL: u8 = 0;
const ALLOC_LARGE: u8 = 1;
const ALLOC_SMALL: u8 = 2;
const SET_FPREG: u8 = 3;
const SAVE_NONVOL: u8 = 4;
const SAVE_NONVOL_FAR: u8 = 5;
const SAVE_XMM128: u8 = 8;
const SAVE_XMM128_FAR: u8 = 9;

/// No instruction is longer (SDM volume 2, 2.3.11).
const LONGEST_INSTRUCTION: u32 = 15;

/// Writes the tables of functions, which are in the order of their addresses.
pub fn function_tables(functions: &[Unwind]) -> FunctionTables {
    let mut writer = Writer::default();
    for (index, function) in functions.iter().enumerate() {
        let mut primary = None;
        for piece in pieces(function) {
            let prologue_end = piece.steps.last().map_or(piece.begin, |step| step.at);
            match primary {
                None if piece.steps.is_empty() => {}
                None => primary = Some(writer.own(index, &piece, piece.end)),
                Some(described) => {
                    if prologue_end > piece.begin {
                        writer.own(index, &piece, prologue_end);
                    }
                    if piece.has_frame() && piece.end > prologue_end {
                        let here = writer.chained(index, described);
                        writer.function(index, prologue_end, piece.end, here);
                    }
                }
            }
        }
    }
    writer.tables
}

/// A range of code and its description: first offset, end, offset in `.xdata`.
type Described = (u32, u32, u32);

impl Table {
    /// `RUNTIME_FUNCTION`
    fn runtime_function(&mut self, function: usize, begin: u32, end: u32, description: u32) {
        self.address(Rva::Function(function, begin));
        self.address(Rva::Function(function, end));
        self.address(Rva::Description(description));
    }
}

#[derive(Default)]
struct Writer {
    tables: FunctionTables,
    /// Descriptions that are not chained.
    known: BTreeMap<Vec<u8>, u32>,
    /// Descriptions that say nothing but what they are chained to.
    empty: BTreeMap<(usize, u32), u32>,
}

impl Writer {
    fn function(&mut self, index: usize, begin: u32, end: u32, description: u32) {
        let pdata = &mut self.tables.pdata;
        pdata.runtime_function(index, begin, end, description);
    }

    /// Describes a piece up to `end` by its own prologue; returns the last part.
    fn own(&mut self, index: usize, piece: &Piece, end: u32) -> Described {
        let parts = parts(piece);
        let mut before: Option<Described> = None;
        for (at, part) in parts.iter().enumerate() {
            let end = parts.get(at + 1).map_or(end, |next| next.begin);
            let mut bytes = part.description();
            let xdata = &mut self.tables.xdata;
            let here = match before {
                None => *self
                    .known
                    .entry(bytes)
                    .or_insert_with_key(|bytes| append(xdata, bytes)),
                Some((begin, end, described)) => {
                    bytes[0] |= CHAININFO;
                    let here = append(xdata, &bytes);
                    xdata.runtime_function(index, begin, end, described);
                    here
                }
            };
            self.function(index, part.begin, end, here);
            before = Some((part.begin, end, here));
        }
        before.unwrap_or_else(|| unreachable!("a prologue has at least one part"))
    }

    /// A description that says: as `described`, all of its prologue done.
    fn chained(&mut self, index: usize, (begin, end, described): Described) -> u32 {
        let xdata = &mut self.tables.xdata;
        *self.empty.entry((index, begin)).or_insert_with(|| {
            let frame = xdata.bytes[described as usize + 3];
            let here = append(xdata, &[VERSION | CHAININFO, 0, 0, frame]);
            xdata.runtime_function(index, begin, end, described);
            here
        })
    }
}

/// A range of a function in which one description of the frame holds.
struct Piece {
    begin: u32,
    end: u32,
    /// The steps that make the frame here.
    steps: Vec<FrameStep>,
    /// Whether the frame is there without having been made here.
    inherits: bool,
}

impl Piece {
    fn has_frame(&self) -> bool {
        self.inherits || !self.steps.is_empty()
    }
}

/// Cuts a function where, in memory, the frame is suddenly there or gone, and before each place where it is made. Epilogues that are
/// instructions cut nothing; where there are none, all changes are said at one offset.
fn pieces(function: &Unwind) -> Vec<Piece> {
    let piece = |begin, inherits| Piece {
        begin,
        end: function.size,
        steps: Vec::new(),
        inherits,
    };
    let mut pieces = vec![piece(0, false)];
    let mut depth = Vec::new();
    for (n, step) in function.steps.iter().enumerate() {
        let last = pieces.len() - 1;
        let is_made = !pieces[last].steps.is_empty();
        let mut cut = |inherits| {
            pieces[last].end = step.at;
            pieces.push(piece(step.at, inherits));
        };
        match step.change {
            FrameChange::EpilogueBegin => {
                let next = function.steps.get(n + 1);
                let is_said = next.is_some_and(|next| next.at == step.at);
                let is_mark =
                    is_said && next.is_some_and(|next| next.change == FrameChange::EpilogueEnd);
                if is_said {
                    cut(false);
                }
                depth.push(is_said && !is_mark);
            }
            FrameChange::EpilogueEnd => {
                let was_undone = depth.pop().unwrap_or(false);
                if was_undone && !is_made {
                    cut(true);
                }
            }
            FrameChange::Free(_) | FrameChange::Pop(_) => {}
            FrameChange::SignReturn | FrameChange::PlainReturn => {
                unreachable!("x86-64 signs nothing")
            }
            FrameChange::Push(_)
            | FrameChange::Alloc(_)
            | FrameChange::SetFramePointer(..)
            | FrameChange::Save(..) => pieces[last].steps.push(*step),
        }
    }
    pieces.retain(|piece| piece.begin < piece.end);
    pieces
}

fn append(xdata: &mut Table, bytes: &[u8]) -> u32 {
    let at = xdata.bytes.len();
    xdata.bytes.extend_from_slice(bytes);
    at as u32
}

/// Part of a prologue, and of the function behind it up to the next part.
struct Part {
    /// Offset in the function.
    begin: u32,
    /// Size of the prologue in this part.
    prologue: u32,
    /// Codes, each of one slot or more, in the order of their instructions.
    codes: Vec<Vec<u8>>,
    /// Frame register, and its scaled offset in the high half.
    frame: u8,
}

impl Part {
    fn new(begin: u32) -> Part {
        Part {
            begin,
            prologue: 0,
            codes: Vec::new(),
            frame: 0,
        }
    }

    fn slots(&self) -> usize {
        self.codes.iter().map(|code| code.len() / 2).sum()
    }

    /// `UNWIND_INFO`, padded to where an address may follow.
    fn description(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION, self.prologue as u8, self.slots() as u8, self.frame];
        bytes.extend(self.codes.iter().rev().flatten());
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }
}

/// Cuts a prologue where its description would be full.
fn parts(piece: &Piece) -> Vec<Part> {
    let steps = &piece.steps;
    let base = frame_base(steps);
    let mut parts = Vec::new();
    let mut part = Part::new(piece.begin);
    let mut depth = 8;
    for step in steps {
        let code = code(step.change, &mut depth, base);
        if step.at - part.begin > 255 || part.slots() + code.len().div_ceil(2) > 255 {
            let begin =
                (part.begin + part.prologue).max(step.at.saturating_sub(LONGEST_INSTRUCTION));
            parts.push(std::mem::replace(&mut part, Part::new(begin)));
        }
        if let FrameChange::SetFramePointer(reg, above) = step.change {
            part.frame = reg.number | scaled(above, 16, 15) << 4;
        } else if let Some(last) = parts.last() {
            // The frame register of a part is that of the whole.
            part.frame = last.frame;
        }
        part.prologue = step.at - part.begin;
        part.codes
            .push([&[part.prologue as u8][..], &code].concat());
    }
    parts.push(part);
    parts
}

/// Where offsets of saved registers count from: the stack pointer when the frame register was set, or once the prologue is done; as
/// distance down from the CFA.
fn frame_base(steps: &[FrameStep]) -> u32 {
    let mut depth = 8;
    for step in steps {
        match step.change {
            FrameChange::Push(_) => depth += 8,
            FrameChange::Alloc(bytes) => depth += bytes,
            FrameChange::SetFramePointer(..) => return depth,
            FrameChange::Save(..) => {}
            FrameChange::EpilogueBegin
            | FrameChange::SignReturn
            | FrameChange::PlainReturn
            | FrameChange::Free(_)
            | FrameChange::Pop(_)
            | FrameChange::EpilogueEnd => unreachable!("a prologue has no such step: {step:?}"),
        }
    }
    depth
}

/// `UNWIND_CODE` and its operands, without the offset it starts with.
fn code(change: FrameChange, depth: &mut u32, base: u32) -> Vec<u8> {
    let slot = |operation: u8, info: u8| vec![operation | info << 4];
    let with = |head: Vec<u8>, operand: &[u8]| [&head[..], operand].concat();
    match change {
        FrameChange::Push(reg) => {
            *depth += 8;
            slot(PUSH_NONVOL, reg.number)
        }
        FrameChange::Alloc(bytes) => {
            *depth += bytes;
            assert_eq!(bytes % 8, 0, "a stack pointer is a multiple of 8");
            let words = bytes / 8;
            match (u16::try_from(words), words) {
                (_, 1..=16) => slot(ALLOC_SMALL, words as u8 - 1),
                (Ok(words), _) => with(slot(ALLOC_LARGE, 0), &words.to_le_bytes()),
                (Err(_), _) => with(slot(ALLOC_LARGE, 1), &bytes.to_le_bytes()),
            }
        }
        FrameChange::SetFramePointer(..) => slot(SET_FPREG, 0),
        FrameChange::Save(reg, above) => {
            let from_base = (base + above).checked_sub(*depth).unwrap_or_else(|| {
                unreachable!("{reg:?} is saved below the frame, {above} above its stack pointer")
            });
            save(reg, from_base)
        }
        FrameChange::EpilogueBegin
        | FrameChange::SignReturn
        | FrameChange::PlainReturn
        | FrameChange::Free(_)
        | FrameChange::Pop(_)
        | FrameChange::EpilogueEnd => unreachable!("a prologue has no such step: {change:?}"),
    }
}

fn save(reg: Reg, offset: u32) -> Vec<u8> {
    let (near, far, scale) = match reg.class {
        RegClass::Int => (SAVE_NONVOL, SAVE_NONVOL_FAR, 8),
        RegClass::Float => (SAVE_XMM128, SAVE_XMM128_FAR, 16),
    };
    assert_eq!(
        offset % scale,
        0,
        "{reg:?} is saved at a multiple of its size"
    );
    match u16::try_from(offset / scale) {
        Ok(scaled) => [&[near | reg.number << 4][..], &scaled.to_le_bytes()].concat(),
        Err(_) => [&[far | reg.number << 4][..], &offset.to_le_bytes()].concat(),
    }
}

fn scaled(value: u32, scale: u32, most: u32) -> u8 {
    assert!(
        value.is_multiple_of(scale) && value / scale <= most,
        "a frame register {value} bytes above the stack pointer"
    );
    (value / scale) as u8
}
