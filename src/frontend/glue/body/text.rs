//! Bytes and strs: constants, conversions between them, new objects. In come operands, out go operands whose memory a new object keeps, or
//! that of an operand. References are released on every path.

use smallvec::smallvec;

use super::super::runtime::raise::Need;
use super::super::runtime::{bytes, memory, text};
use super::lower::{Failure, Lower};
use super::object::rich;
use super::operand::Operand;
use super::view::Items;
use crate::frontend::lang::typed::{CmpOp, Codec, Expr, TableId, Ty, View, Whole};
use crate::ir::data::{Data, DataKind};
use crate::ir::func::Value;
use crate::ir::op::{IntCc, MemType, Op};

/// Sizes above are refused before CPython is asked: where a bytearray of the source is a `bytes` here, it would raise OverflowError.
const MOST: i64 = i64::MAX - (1 << 12);

impl Lower<'_, '_> {
    // Constants.

    /// The address of constant bytes.
    pub fn bytes_address(&mut self, content: &[u8]) -> Value {
        let text = std::str::from_utf8(content)
            .ok()
            .filter(|text| !text.contains('\0'));
        match text {
            Some(text) => self.ctx.c_string(self.b, text),
            None => {
                let name = format!("bytes.{}", self.ctx.program.data.len());
                let mut data = Data::new(name, DataKind::ReadOnly, 1);
                data.bytes = content.to_vec();
                let data = self.ctx.program.add_data(data);
                self.b.data_addr(data, 0)
            }
        }
    }

    /// `b"..."`: a view that nothing has to keep.
    pub fn bytes_constant(&mut self, ty: Ty, content: &[u8]) -> Operand {
        let address = self.bytes_address(content);
        let count = self.b.iconst(content.len() as i64);
        Operand {
            ty,
            parts: smallvec![address, count, self.null],
            owned: false,
        }
    }

    /// A new str.
    pub fn literal(&mut self, text: &str) -> Value {
        let address = self.bytes_address(text.as_bytes());
        let size = self.b.iconst(text.len() as i64);
        self.new_object("PyUnicode_FromStringAndSize", &[address, size])
    }

    /// What a function of the C API makes; leaves where it fails.
    pub fn new_object(&mut self, api: &str, args: &[Value]) -> Value {
        self.with_gil(|l| {
            let object = l.ctx.call1(l.b, api, args);
            l.check_object(object);
            object
        })
    }

    // Tables and arrays.

    /// A table of the module: a view that nothing has to keep.
    pub fn table(&mut self, ty: Ty, id: TableId) -> Operand {
        let module = self.ctx.module;
        let table = &module.tables[id.index()];
        let name = format!("table.{}", table.name);
        let data = self.ctx.shared_data(&name, |_, name| {
            let mut data = Data::new(name, DataKind::ReadOnly, table.item.size());
            data.bytes = table.bytes.clone();
            data
        });
        let address = self.b.data_addr(data, 0);
        let count = table.bytes.len() as i64 / i64::from(table.item.size());
        Operand {
            ty,
            parts: smallvec![address, self.b.iconst(count), self.null],
            owned: false,
        }
    }

    /// `Array[T, n]()`
    pub fn new_array(&mut self, ty: Ty, count: u64, in_frame: bool) -> Operand {
        let size = count * u64::from(view_of(ty).item.size());
        let bytes = self.b.iconst(size as i64);
        let (address, object) = if in_frame {
            let slot = self.b.slot((size as u32).next_multiple_of(8).max(8), 8);
            (self.b.slot_addr(slot), self.null)
        } else {
            self.with_gil(|l| {
                let (object, address) = bytes::new_bytes(l.ctx, l.b, l.null, bytes);
                l.check_object(object);
                (address, object)
            })
        };
        memory::clear(self.ctx, self.b, address, bytes);
        Operand {
            ty,
            parts: smallvec![address, self.b.iconst(count as i64), object],
            owned: !in_frame,
        }
    }

    // Strs.

    /// `len(x)` of a view or a str.
    pub fn len(&mut self, x: &Expr) -> Value {
        let mark = self.mark();
        let operand = self.needed(x, Need::Len);
        let len = match operand.ty {
            Ty::View(_) => operand.parts[1],
            // A class derived from str may have a length of its own.
            _ => self.with_gil(|l| l.status("PyObject_Size", &operand.parts)),
        };
        self.release_held(mark);
        len
    }

    /// 1 where the comparison of two strs, or None, holds, else 0.
    pub fn compare_strs(&mut self, op: CmpOp, a: Value, b: Value) -> Value {
        let code = rich(op).unwrap_or_else(|| unreachable!("`{op:?}` asks for identity"));
        self.with_gil(|l| {
            let (truth, failed) = text::compare(l.ctx, l.b, code, a, b);
            l.check(failed);
            truth
        })
    }

    /// `s.encode()`: the UTF-8 that the str keeps once it was asked for.
    pub fn encode(&mut self, ty: Ty, s: &Expr) -> Operand {
        let mark = self.mark();
        let s = self.needed(s, Need::Encode);
        let (address, size) = self.with_gil(|l| {
            let slot = l.b.slot(8, 8);
            let slot = l.b.slot_addr(slot);
            let args = [s.parts[0], slot];
            let address = l.ctx.call1(l.b, "PyUnicode_AsUTF8AndSize", &args);
            l.check_object(address);
            (address, l.b.load(MemType::I64, slot, 0))
        });
        self.let_go(mark);
        Operand {
            ty,
            parts: smallvec![address, size, s.parts[0]],
            owned: s.owned,
        }
    }

    /// `view.decode(codec)`
    pub fn decode(&mut self, ty: Ty, view: &Expr, codec: Codec) -> Operand {
        let api = match codec {
            Codec::Utf8 => "PyUnicode_DecodeUTF8",
            Codec::Ascii => "PyUnicode_DecodeASCII",
            Codec::Latin1 => "PyUnicode_DecodeLatin1",
        };
        let mark = self.mark();
        let view = self.needed(view, Need::Decode);
        let strict = self.b.iconst(0);
        let text = self.new_object(api, &[view.parts[0], view.parts[1], strict]);
        self.release_held(mark);
        Operand::new(ty, text)
    }

    // Bytes.

    /// `bytearray(n)`, `bytes(n)`
    pub fn zeroes(&mut self, ty: Ty, count: &Expr) -> Operand {
        let count = self.value(count);
        let view = view_of(ty);
        let negative = self.b.icmp_imm(IntCc::Slt, count, 0);
        self.fail_if(negative, Failure::NegativeCount);
        if view.whole == Whole::Bytes && view.mutable {
            let refused = self.b.icmp_imm(IntCc::Sgt, count, MOST);
            self.fail_if(refused, Failure::NoMemory);
        }
        let made = self.new_bytes(ty, self.null, count);
        memory::clear(self.ctx, self.b, made.parts[0], count);
        made
    }

    /// `bytes(view)`, `bytearray(view)`
    pub fn copy(&mut self, ty: Ty, view: &Expr) -> Operand {
        let target = view_of(ty);
        let mark = self.mark();
        let source = if target.nullable {
            self.held_operand(view)
        } else {
            self.needed(
                view,
                if target.whole == Whole::ByteArray {
                    Need::ByteArray
                } else {
                    Need::Bytes
                },
            )
        };
        let items = Items::of(&source);
        let (join, result) = self.join_operand(ty, true);
        let absent = items.view.nullable.then(|| {
            let (some, none) = (self.b.block_like_current(), self.b.block_like_current());
            let is_none = self.is_none(&source);
            self.b.br(is_none, none, &[], some, &[]);
            self.b.seal_and_switch_to(some);
            none
        });
        let shift = i64::from(items.view.item.size().trailing_zeros());
        let size = self.op2_imm(Op::Ishl, items.count, shift);
        let made = self.copy_of(ty, items.address, size);
        self.b.jump(join, &made.parts);
        if let Some(none) = absent {
            self.b.seal_and_switch_to(none);
            let missing = self.no_view();
            self.b.jump(join, &missing);
        }
        self.b.seal_and_switch_to(join);
        self.release_held(mark);
        result
    }

    /// A new object of a copy of bytes.
    pub fn copy_of(&mut self, ty: Ty, address: Value, size: Value) -> Operand {
        let view = view_of(ty);
        if view.whole == Whole::ByteArray || !view.mutable {
            return self.new_bytes(ty, address, size);
        }
        // From bytes of its own, CPython makes one that others may have as well.
        let made = self.new_bytes(ty, self.null, size);
        memory::copy(self.ctx, self.b, made.parts[0], address, size);
        made
    }

    /// A new `bytes` or `bytearray` of the bytes at an address, or of any content where that is NULL.
    fn new_bytes(&mut self, ty: Ty, from: Value, size: Value) -> Operand {
        let make = match view_of(ty).whole {
            Whole::ByteArray => bytes::new_bytearray,
            Whole::Bytes => bytes::new_bytes,
            Whole::Slice | Whole::Part | Whole::Memory(_) | Whole::Table | Whole::Array => {
                unreachable!("no object is made for a part")
            }
        };
        self.with_gil(|l| {
            let (object, address) = make(l.ctx, l.b, from, size);
            l.check_object(object);
            Operand {
                ty,
                parts: smallvec![address, size, object],
                owned: true,
            }
        })
    }

    /// The parts of a view that is None.
    pub fn no_view(&mut self) -> [Value; 3] {
        let none = self.b.iconst(-1);
        [self.null, none, self.null]
    }
}

fn view_of(ty: Ty) -> View {
    match ty {
        Ty::View(view) => view,
        other => unreachable!("{other:?} is no view"),
    }
}
