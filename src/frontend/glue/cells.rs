//! The C variables of a call: what the parser and the converters fill in, one cell for each parameter, side by side in the wrapper's frame.
//!
//! In: how the parameters are converted. Out: where their cells are, how defaults get in, how values are read, and what is given back when
//! the call ends. Who fills the cells in is `args` (the parser) and `convert` (the hot path). What a cell holds:
//!
//! ```text
//! number           value
//! D                real part | imaginary part
//! s z y, and #     address | length
//! es et, and #     address | length | memory of the parser's, or NULL
//! S, bytes | None  address | length | object
//! s* z* y* w*      Py_buffer: address | object | length | ...
//! Buffer[T]        likewise
//! O!               object | class
//! other objects    object
//! ```
//!
//! Before cells that converters of ours fill in for the parser (`told`) stand an object that is held, and what is wrong with the argument. Behind
//! all cells stand defaults that are objects made for the call.

use smallvec::SmallVec;

use super::ctx::Ctx;
use super::{defaults, nested, unit};
use crate::frontend::capi::layout::PY_BUFFER;
use crate::frontend::lang::Nest;
use crate::frontend::lang::typed::IntTy;
use crate::frontend::spec::module::{Convert, Method};
use crate::ir::builder::Builder;
use crate::ir::func::{Slot, Value};
use crate::ir::op::{MemType, Op, Type};

/// The values that a parameter is made of.
pub type Parts = SmallVec<[Value; 3]>;

/// Offset of the object that is held for a cell, where there is room for one.
pub const HELD: i32 = -16;
/// Offset of what is wrong with an argument: a str.
pub const WRONG: i32 = -8;
/// Room for both.
const HEAD: i32 = 16;
/// Offset of a text's length behind its address.
pub const LENGTH: i32 = 8;
/// Offset of the parser's memory in the cell of `es` and `et`.
pub const MEMORY: i32 = 16;
/// Offset of the object in the cell of `S`.
pub const OBJECT: i32 = 16;
/// Offset of the class in the cell of `O!`.
pub const CLASS: i32 = 8;

/// Offset of the object that a buffer is of; NULL where none is taken.
pub fn buffer_object() -> i32 {
    PY_BUFFER.field("obj").offset as i32
}

/// Offset of a buffer's length in bytes.
pub fn buffer_length() -> i32 {
    PY_BUFFER.field("len").offset as i32
}

/// Size of a parameter's cell in bytes, a multiple of 8.
pub fn size(convert: Convert) -> i32 {
    match convert {
        Convert::Int(_)
        | Convert::IntModulo(_)
        | Convert::IntOwn(..)
        | Convert::F32
        | Convert::F64
        | Convert::Truth
        | Convert::Byte
        | Convert::Char
        | Convert::Str { .. }
        | Convert::ByteArray
        | Convert::Object => 8,
        Convert::Complex | Convert::Text { .. } | Convert::Instance(_) => 16,
        Convert::Encoded { .. } | Convert::Bytes { .. } => 24,
        Convert::Bytelike { .. } | Convert::Buffer { .. } => PY_BUFFER.size as i32,
    }
}

/// Types of the values that a parameter is made of.
pub fn types(convert: Convert) -> &'static [Type] {
    match convert {
        Convert::F32 | Convert::F64 => &[Type::F64],
        Convert::Complex => &[Type::F64, Type::F64],
        Convert::Int(_)
        | Convert::IntModulo(_)
        | Convert::IntOwn(..)
        | Convert::Truth
        | Convert::Byte
        | Convert::Char
        | Convert::Str { .. }
        | Convert::ByteArray
        | Convert::Instance(_)
        | Convert::Object => &[Type::I64],
        Convert::Text { .. }
        | Convert::Bytelike { .. }
        | Convert::Encoded { .. }
        | Convert::Bytes { .. }
        | Convert::Buffer { .. } => &[Type::I64; 3],
    }
}

/// The C variable of a parameter that is one number or one object.
fn scalar(convert: Convert) -> MemType {
    match convert {
        Convert::Int(ty) | Convert::IntModulo(ty) => match ty {
            IntTy::I8 => MemType::I8,
            IntTy::U8 => MemType::U8,
            IntTy::I16 => MemType::I16,
            IntTy::U16 => MemType::U16,
            IntTy::I32 => MemType::I32,
            IntTy::U32 => MemType::U32,
            IntTy::I64 | IntTy::U64 => MemType::I64,
        },
        Convert::F32 => MemType::F32,
        Convert::F64 => MemType::F64,
        Convert::Truth | Convert::Char => MemType::I32,
        Convert::Byte => MemType::U8,
        Convert::IntOwn(..)
        | Convert::Str { .. }
        | Convert::ByteArray
        | Convert::Instance(_)
        | Convert::Object => MemType::I64,
        Convert::Complex
        | Convert::Text { .. }
        | Convert::Bytelike { .. }
        | Convert::Encoded { .. }
        | Convert::Bytes { .. }
        | Convert::Buffer { .. } => unreachable!("it has several values"),
    }
}

/// Something that is given back when the call ends: an offset among the cells. It is NULL (of a buffer, the object is) while there is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// A `Py_buffer`.
    Buffer(i32),
    /// Memory of `PyMem_Malloc`.
    Memory(i32),
    /// A reference.
    Object(i32),
}

/// The cells of a method's parameters.
#[derive(Debug)]
pub struct Cells {
    /// Made when first used: most hot paths do without.
    slot: Option<Slot>,
    /// Two words that a conversion uses for itself.
    scratch: Option<Slot>,
    size: i32,
    /// For each parameter, where its cell is.
    offsets: Vec<i32>,
    /// For each argument that is a tuple, likewise.
    tuples: Vec<Option<i32>>,
    /// For each parameter, where its default is held and how it is converted, if that is an object made for the call.
    defaults: Vec<Option<(i32, Convert)>>,
    held: Vec<Held>,
}

impl Cells {
    /// Lays them out.
    pub fn new(method: &Method) -> Cells {
        let mut cells = Cells {
            slot: None,
            scratch: None,
            size: 0,
            offsets: vec![0; method.params.len()],
            tuples: Vec::new(),
            defaults: Vec::new(),
            held: Vec::new(),
        };
        // Those of arguments come first, so that their places depend on nothing but the arguments (`parser`).
        for tuples in [false, true] {
            let mut first = 0;
            for nest in &method.arguments {
                let params = first..first + nest.leaves();
                first = params.end;
                let is_tuple = matches!(nest, Nest::Tuple(_));
                if !tuples {
                    let cell = is_tuple.then(|| cells.place(HEAD + nested::SIZE) + HEAD);
                    cells.tuples.push(cell);
                }
                if is_tuple == tuples {
                    for at in params {
                        cells.param(at, method.params[at].convert, is_tuple);
                    }
                }
            }
        }
        for param in &method.params {
            let default = param.default.as_ref();
            let made = default.is_some_and(|value| defaults::is_made(param.convert, value));
            let place = made.then(|| (cells.object(), param.convert));
            cells.defaults.push(place);
        }
        cells
    }

    fn param(&mut self, at: usize, convert: Convert, inside: bool) {
        let headed = inside || unit::reads_bytes(convert);
        let head = if headed { HEAD } else { 0 };
        let cell = self.place(head + size(convert)) + head;
        self.offsets[at] = cell;
        if headed {
            self.held.push(Held::Object(cell + HELD));
        }
        match convert {
            Convert::Bytelike { .. } | Convert::Buffer { .. } => self.held.push(Held::Buffer(cell)),
            Convert::Encoded { .. } => self.held.push(Held::Memory(cell + MEMORY)),
            _ => {}
        }
    }

    /// Whether what is parsed holds more to the end of the call than what is not: objects before the cells, and memory.
    pub fn hold_more_when_parsed(&self) -> bool {
        self.held.iter().any(|&held| self.is_of_parser(held))
    }

    /// Forgets what only the parser, or a converter for it, would hold.
    pub fn never_parse(&mut self) {
        let held = std::mem::take(&mut self.held);
        let rest = held.into_iter().filter(|&held| !self.is_of_parser(held));
        self.held = rest.collect();
    }

    fn is_of_parser(&self, held: Held) -> bool {
        match held {
            Held::Buffer(_) => false,
            Held::Memory(_) => true,
            Held::Object(at) => {
                let mut defaults = self.defaults.iter().flatten();
                !defaults.any(|&(place, _)| place == at)
            }
        }
    }

    fn place(&mut self, size: i32) -> i32 {
        let at = self.size;
        self.size += size;
        at
    }

    fn object(&mut self) -> i32 {
        let at = self.place(8);
        self.held.push(Held::Object(at));
        at
    }

    /// Where a parameter's cell is among the cells.
    pub fn offset(&self, at: usize) -> i32 {
        self.offsets[at]
    }

    /// Where the cell of an argument that is a tuple is among the cells.
    pub fn tuple(&self, argument: usize) -> Option<i32> {
        self.tuples[argument]
    }

    /// The address of the first cell.
    pub fn base(&mut self, b: &mut Builder) -> Value {
        let size = self.size.max(8) as u32;
        let slot = *self.slot.get_or_insert_with(|| b.slot(size, 8));
        b.slot_addr(slot)
    }

    /// The address of two words that hold nothing from one conversion to the next.
    pub fn scratch(&mut self, b: &mut Builder) -> Value {
        let slot = *self.scratch.get_or_insert_with(|| b.slot(16, 8));
        b.slot_addr(slot)
    }

    /// The address of a parameter's cell, plus `offset`.
    pub fn address(&mut self, b: &mut Builder, at: usize, offset: i32) -> Value {
        let base = self.base(b);
        moved(b, base, self.offsets[at] + offset)
    }

    /// Reads eight bytes of a parameter's cell.
    pub fn load(&mut self, b: &mut Builder, at: usize, offset: i32) -> Value {
        let base = self.base(b);
        b.load(MemType::I64, base, self.offsets[at] + offset)
    }

    /// What a parameter is, once its cell is filled in.
    pub fn parts(&mut self, b: &mut Builder, at: usize, convert: Convert) -> Parts {
        let base = self.base(b);
        let cell = self.offsets[at];
        let load = |b: &mut Builder, offset| b.load(MemType::I64, base, cell + offset);
        match convert {
            Convert::Complex => [0, 8]
                .map(|offset| b.load(MemType::F64, base, cell + offset))
                .into_iter()
                .collect(),
            Convert::Text { .. } | Convert::Encoded { .. } => {
                [load(b, 0), load(b, LENGTH), b.iconst(0)].into()
            }
            Convert::Bytes { .. } => [load(b, 0), load(b, LENGTH), load(b, OBJECT)].into(),
            Convert::Bytelike { .. } => [load(b, 0), load(b, buffer_length()), b.iconst(0)].into(),
            Convert::Buffer { item, .. } => {
                let bytes = load(b, buffer_length());
                let size = item.map_or(1, |item| item.size());
                let length = match size.trailing_zeros() {
                    0 => bytes,
                    // Of None, -1 stays -1.
                    shift => {
                        let shift = b.iconst(i64::from(shift));
                        b.op(Op::Sshr, &[bytes, shift])
                    }
                };
                [load(b, 0), length, b.iconst(0)].into()
            }
            _ => [b.load(scalar(convert), base, cell)].into_iter().collect(),
        }
    }

    /// Fills a parameter's cell in with its default, for the parser to leave or to write over.
    pub fn preset(&mut self, b: &mut Builder, at: usize, convert: Convert, parts: &[Value]) {
        let base = self.base(b);
        let cell = self.offsets[at];
        let mut store = |ty, value, offset| b.store(ty, value, base, cell + offset);
        match convert {
            Convert::Complex => {
                store(MemType::F64, parts[0], 0);
                store(MemType::F64, parts[1], 8);
            }
            Convert::Text { .. } | Convert::Encoded { .. } => {
                store(MemType::I64, parts[0], 0);
                store(MemType::I64, parts[1], LENGTH);
            }
            Convert::Bytes { .. } => {
                store(MemType::I64, parts[0], 0);
                store(MemType::I64, parts[1], LENGTH);
                store(MemType::I64, parts[2], OBJECT);
            }
            Convert::Bytelike { .. } | Convert::Buffer { .. } => {
                store(MemType::I64, parts[0], 0);
                store(MemType::I64, parts[1], buffer_length());
            }
            _ => store(scalar(convert), parts[0], 0),
        }
    }

    /// Makes sure that what is given back in the end is known to be nothing yet.
    pub fn clear(&mut self, b: &mut Builder) {
        if self.held.is_empty() {
            return;
        }
        let base = self.base(b);
        let null = b.iconst(0);
        for held in &self.held {
            let at = match *held {
                Held::Buffer(at) => at + buffer_object(),
                Held::Memory(at) | Held::Object(at) => at,
            };
            b.store(MemType::I64, null, base, at);
        }
    }

    /// Gives back what is held. Where that is usually nothing (`rarely`), it is looked first.
    pub fn release(&mut self, ctx: &mut Ctx, b: &mut Builder, rarely: bool) {
        for held in self.held.clone() {
            let base = self.base(b);
            // All three take NULL.
            let (function, at, tested) = match held {
                Held::Buffer(at) => ("PyBuffer_Release", at, at + buffer_object()),
                Held::Memory(at) => ("PyMem_Free", at, at),
                Held::Object(at) => ("Py_DecRef", at, at),
            };
            let held_object = !matches!(held, Held::Buffer(_));
            let (there, next) = (b.block_like_current(), b.block_like_current());
            if rarely {
                let something = b.load(MemType::I64, base, tested);
                b.br(something, there, &[], next, &[]);
            } else {
                b.jump(there, &[]);
            }
            b.seal_and_switch_to(there);
            let what = if held_object {
                b.load(MemType::I64, base, at)
            } else {
                moved(b, base, at)
            };
            ctx.call(b, function, &[what]);
            b.jump(next, &[]);
            b.seal_and_switch_to(next);
        }
    }

    /// Where a parameter's default is held, if it is an object made for the call.
    pub fn made_default(&self, at: usize) -> Option<i32> {
        self.made(at).map(|made| made.0)
    }

    /// Likewise, with how it is converted.
    pub fn made(&self, at: usize) -> Option<(i32, Convert)> {
        self.defaults[at]
    }

    /// Holds an object to the end of the call.
    pub fn hold(&mut self, b: &mut Builder, place: i32, object: Value) {
        let base = self.base(b);
        b.store(MemType::I64, object, base, place);
    }
}

/// `address` + `offset`.
pub fn moved(b: &mut Builder, address: Value, offset: i32) -> Value {
    if offset == 0 {
        return address;
    }
    let offset = b.iconst(i64::from(offset));
    b.op(Op::Iadd, &[address, offset])
}
