//! Bytes of one function under construction: labels, branches between them, and what refers elsewhere. Branches that come in two sizes
//! are as short as they can be. In: bytes and marks in order. Out: [`Code`]. Nothing here knows an instruction: a branch is given as the
//! bytes of its two forms, and where in them the displacement goes.

use std::ops::Range;

use super::code::{Code, CodeRef, FrameChange, FrameStep, NamedPlace};
use crate::base::source::Span;
use crate::ir::func::index;

index! {
    /// A place in the code that branches go to.
    Label "l";
}

/// The two forms of a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BranchForms {
    /// The one to take where it reaches.
    pub short: Form,
    /// The one that always reaches.
    pub long: Form,
}

/// A branch as bytes, the displacement zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// So many of `bytes` count.
    pub size: u8,
    /// The bytes.
    pub bytes: [u8; 8],
    /// Where in them the displacement goes.
    pub field: BranchField,
}

/// A displacement in a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BranchField {
    /// The last byte, counted from behind the branch.
    Byte,
    /// The last four bytes, counted likewise.
    Quad,
    /// So many bits of the last four bytes, from this one on, counted in words from those four bytes.
    Words {
        /// How many.
        bits: u8,
        /// The first.
        at: u8,
    },
}

#[derive(Clone, Copy, Debug)]
struct Branch {
    /// Position among the bytes, branches not counted.
    at: u32,
    to: Label,
    forms: BranchForms,
    is_long: bool,
}

impl Branch {
    fn form(&self) -> &Form {
        if self.is_long {
            &self.forms.long
        } else {
            &self.forms.short
        }
    }

    fn size(&self) -> u32 {
        self.form().size.into()
    }
}

impl Form {
    /// Whether the branch reaches so far, counted from its end.
    fn reaches(&self, distance: i64) -> bool {
        match self.field {
            BranchField::Byte => i8::try_from(distance).is_ok(),
            BranchField::Quad => i32::try_from(distance).is_ok(),
            BranchField::Words { bits, .. } => {
                let words = (distance + 4) / 4;
                words >= -(1 << (bits - 1)) && words < 1 << (bits - 1)
            }
        }
    }

    /// Appends the branch with its displacement, counted from its end.
    fn write(&self, distance: i32, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes[..self.size.into()]);
        let end = out.len();
        match self.field {
            BranchField::Byte => out[end - 1] = distance as i8 as u8,
            BranchField::Quad => out[end - 4..].copy_from_slice(&distance.to_le_bytes()),
            BranchField::Words { bits, at } => {
                let mask = (1 << bits) - 1;
                let words = ((distance + 4) / 4) as u32 & mask;
                for (byte, more) in out[end - 4..].iter_mut().zip((words << at).to_le_bytes()) {
                    *byte |= more;
                }
            }
        }
    }
}

/// A position: bytes before it, and branches before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    bytes: u32,
    branches: u32,
}

impl Position {
    /// So many bytes of a branchless stretch further on, or back.
    pub fn moved(self, by: i32) -> Position {
        Position {
            bytes: self.bytes.wrapping_add_signed(by),
            ..self
        }
    }
}

/// The bytes so far.
#[derive(Debug, Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    branches: Vec<Branch>,
    labels: Vec<Option<Position>>,
    refs: Vec<(Position, CodeRef)>,
    frame: Vec<(Position, FrameChange)>,
    lines: Vec<(Position, Option<Span>)>,
    prologue_end: Option<Position>,
    values: Vec<(Range<Position>, NamedPlace)>,
}

/// In order, without empty ones, and neighbours that say the same as one.
fn joined(mut values: Vec<NamedPlace>) -> Vec<NamedPlace> {
    values.retain(|value| value.start < value.end);
    values.sort_unstable();
    values.dedup_by(|next, last| {
        let is_same = (next.name, next.part, next.place) == (last.name, last.part, last.place);
        let joins = is_same && next.start <= last.end;
        if joins {
            last.end = last.end.max(next.end);
        }
        joins
    });
    values
}

impl Buffer {
    /// An empty buffer with labels 0 to `labels`.
    pub fn new(labels: usize) -> Buffer {
        Buffer {
            labels: vec![None; labels],
            ..Buffer::default()
        }
    }

    /// Where what comes next will stand.
    pub fn position(&self) -> Position {
        Position {
            bytes: self.bytes.len() as u32,
            branches: self.branches.len() as u32,
        }
    }

    /// The bytes, to append to.
    pub fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Another label.
    pub fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() as u32 - 1)
    }

    /// Puts a label here.
    pub fn bind(&mut self, label: Label) {
        debug_assert!(
            self.labels[label.index()].is_none(),
            "{label} is bound twice"
        );
        self.labels[label.index()] = Some(self.position());
    }

    /// Appends a branch.
    pub fn branch(&mut self, forms: BranchForms, to: Label) {
        self.branches.push(Branch {
            at: self.bytes.len() as u32,
            to,
            forms,
            is_long: false,
        });
    }

    /// Notes that the field `back` bytes before the end refers elsewhere. The `at` of `code_ref` is filled in later.
    pub fn refer(&mut self, back: u32, code_ref: CodeRef) {
        let mut position = self.position();
        position.bytes -= back;
        self.refs.push((position, code_ref));
    }

    /// Notes that the instruction that ends here changed the frame.
    pub fn frame(&mut self, change: FrameChange) {
        self.frame.push((self.position(), change));
    }

    /// Notes that the prologue ends here.
    pub fn end_prologue(&mut self) {
        self.prologue_end = Some(self.position());
    }

    /// Notes which source text the following bytes stem from.
    pub fn line(&mut self, span: Option<Span>) {
        if self.lines.last().map(|&(_, last)| last) != Some(span) {
            self.lines.push((self.position(), span));
        }
    }

    /// Notes where named values are; the offsets of these places are filled in later.
    pub fn values(&mut self, values: Vec<(Range<Position>, NamedPlace)>) {
        self.values = values;
    }

    /// Chooses the branches' sizes and puts everything together.
    pub fn finish(mut self) -> Code {
        let before = self.relax();
        let offset = |position: Position| position.bytes + before[position.branches as usize];
        let mut bytes = Vec::with_capacity(self.bytes.len() + before[self.branches.len()] as usize);
        let mut done = 0;
        for branch in &self.branches {
            bytes.extend_from_slice(&self.bytes[done..branch.at as usize]);
            done = branch.at as usize;
            let target = self.labels[branch.to.index()].expect("labels are bound in the end");
            let end = bytes.len() as u32 + branch.size();
            let distance = offset(target) as i32 - end as i32;
            branch.form().write(distance, &mut bytes);
        }
        bytes.extend_from_slice(&self.bytes[done..]);
        let refs = self.refs.iter().map(|&(position, code_ref)| CodeRef {
            at: offset(position),
            ..code_ref
        });
        let frame = self.frame.iter().map(|&(position, change)| FrameStep {
            at: offset(position),
            change,
        });
        let lines = self.lines.iter();
        let values = self.values.iter().map(|(range, place)| NamedPlace {
            start: offset(range.start),
            end: offset(range.end),
            ..*place
        });
        Code {
            values: joined(values.collect()),
            refs: refs.collect(),
            frame: frame.collect(),
            prologue_end: self.prologue_end.map_or(0, offset),
            lines: lines.map(|&(at, span)| (offset(at), span)).collect(),
            bytes,
        }
    }

    /// Starts with short branches and lengthens those that do not reach, until all do. Returns, for each number of branches, their total size.
    fn relax(&mut self) -> Vec<u32> {
        // Each round lengthens at least one branch; nearly always the second changes nothing. A chain of branches that just do not
        // reach could take many: the last round stops short branches altogether.
        const ROUNDS: usize = 20;
        let mut before = vec![0; self.branches.len() + 1];
        for round in 0.. {
            let mut sum = 0;
            for (at, branch) in self.branches.iter().enumerate() {
                sum += branch.size();
                before[at + 1] = sum;
            }
            let mut changed = false;
            for (at, branch) in self.branches.iter_mut().enumerate() {
                if branch.is_long {
                    continue;
                }
                let target = self.labels[branch.to.index()].expect("labels are bound in the end");
                let end = branch.at + before[at + 1];
                let distance =
                    (target.bytes + before[target.branches as usize]) as i64 - end as i64;
                if !branch.form().reaches(distance) || round >= ROUNDS {
                    branch.is_long = true;
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JMP: BranchForms = BranchForms {
        short: Form {
            size: 2,
            bytes: [0xeb, 0, 0, 0, 0, 0, 0, 0],
            field: BranchField::Byte,
        },
        long: Form {
            size: 5,
            bytes: [0xe9, 0, 0, 0, 0, 0, 0, 0],
            field: BranchField::Quad,
        },
    };

    /// A branch over `gap` bytes forwards, and one back over the same bytes.
    fn over(gap: usize) -> Vec<u8> {
        let mut buffer = Buffer::new(2);
        let (start, end) = (Label(0), Label(1));
        buffer.branch(JMP, end);
        buffer.bind(start);
        buffer.bytes().extend(std::iter::repeat_n(0x90, gap));
        buffer.bind(end);
        buffer.branch(JMP, start);
        buffer.finish().bytes
    }

    #[test]
    fn branches_are_short_up_to_the_last_byte_that_fits() {
        assert_eq!(over(0), [0xeb, 0, 0xeb, 0xfe]);
        assert_eq!(over(126).len(), 126 + 4);
        assert_eq!(over(127).len(), 127 + 2 + 5);
        assert_eq!(over(128).len(), 128 + 5 + 5);
        assert_eq!(over(127)[..2], [0xeb, 127]);
        assert_eq!(over(126)[128..], [0xeb, 0x80]);
        assert_eq!(over(128)[..5], [0xe9, 128, 0, 0, 0]);
        let back = -(128 + 5i32);
        assert_eq!(over(128)[134..], back.to_le_bytes());
    }

    #[test]
    fn a_chain_of_branches_that_push_each_other_out_of_reach_ends() {
        let count = 300;
        let mut buffer = Buffer::new(count);
        for at in 0..count {
            buffer.branch(JMP, Label(((at + 43) % count) as u32));
            buffer.bind(Label(at as u32));
            buffer.bytes().push(0x90);
        }
        let code = buffer.finish();
        assert!(code.bytes.len() <= count * 6);
    }
}
