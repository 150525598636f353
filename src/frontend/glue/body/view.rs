//! Views: length, items, slices, stores, comparisons and `in`. Every access is checked, every item is one load, every store comes after
//! its checks. What is loaded may be written by others meanwhile, so that nothing is loaded twice.
//!
//! Texts of errors follow what the view is to Python: a `bytes`, a `bytearray` or a `memoryview`. They are the same from 3.9 to 3.15, and
//! so they stand here instead of coming from a repeated operation.

use super::super::runtime::raise::Need;
use super::super::runtime::{memory, search};
use super::lower::{Failure, Lower};
use super::operand::Operand;
use crate::frontend::lang::typed::{CmpOp, Expr, ExprKind, IntTy, Item, Rule, Ty, View, Whole};
use crate::ir::func::Value;
use crate::ir::op::{IntCc, MemType, Op, Type};

/// What a view is to Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Bytes,
    ByteArray,
    MemoryView,
    Tuple,
    Array,
}

impl Kind {
    /// A `bytes` that can be written is the bytearray that it was in the source.
    pub fn of(view: View) -> Kind {
        match view.whole {
            Whole::Part | Whole::Memory(_) => Kind::MemoryView,
            Whole::Table => Kind::Tuple,
            Whole::Array => Kind::Array,
            Whole::ByteArray => Kind::ByteArray,
            Whole::Bytes | Whole::Slice if view.mutable => Kind::ByteArray,
            Whole::Bytes | Whole::Slice => Kind::Bytes,
        }
    }

    /// Text of the IndexError.
    pub fn out_of_range(self) -> &'static str {
        match self {
            Kind::Bytes => "index out of range",
            Kind::ByteArray => "bytearray index out of range",
            Kind::MemoryView => "index out of bounds on dimension 1",
            Kind::Tuple => "tuple index out of range",
            Kind::Array => "array index out of range",
        }
    }
}

/// A view that is not None, while it is used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Items {
    pub view: View,
    pub address: Value,
    /// How many, at least 0.
    pub count: Value,
}

impl Items {
    pub fn of(operand: &Operand) -> Items {
        let Ty::View(view) = operand.ty else {
            unreachable!("{:?} is no view", operand.ty)
        };
        Items {
            view,
            address: operand.parts[0],
            count: operand.parts[1],
        }
    }
}

/// What is known of the item that `view[index] op= value` reads before it writes it, so that the index is checked once.
#[derive(Clone, Copy, Debug)]
pub(super) enum ReadItem {
    /// Nothing, and nobody wants to know.
    None,
    /// It comes next.
    Next,
    /// It was read, by this index from the start.
    Read(Value),
}

/// Whether the first thing that a value does is to read that item, whatever it does then. No expression writes a local.
fn reads_first(value: &Expr, view: &Expr, index: &Expr) -> bool {
    match &value.kind {
        ExprKind::Index(v, i) => is_same_local(v, view) && is_same_local(i, index),
        ExprKind::Binary { left: x, .. }
        | ExprKind::Widen(x)
        | ExprKind::Reinterpret(x, _)
        | ExprKind::Narrow(x, ..) => reads_first(x, view, index),
        _ => false,
    }
}

fn is_same_local(a: &Expr, b: &Expr) -> bool {
    match (&a.kind, &b.kind) {
        (ExprKind::NotNone(x) | ExprKind::Widen(x), _) => is_same_local(x, b),
        (_, ExprKind::NotNone(y) | ExprKind::Widen(y)) => is_same_local(a, y),
        (ExprKind::Local { local: x, .. }, ExprKind::Local { local: y, .. }) => x == y,
        _ => false,
    }
}

/// How an item stands in memory.
fn mem_type(item: Item) -> MemType {
    match item {
        // The byte of a bool may be any; 1 is written.
        Item::Bool => MemType::U8,
        Item::F32 => MemType::F32,
        Item::F64 => MemType::F64,
        Item::Int(ty) => match ty {
            IntTy::I8 => MemType::I8,
            IntTy::U8 => MemType::U8,
            IntTy::I16 => MemType::I16,
            IntTy::U16 => MemType::U16,
            IntTy::I32 => MemType::I32,
            IntTy::U32 => MemType::U32,
            IntTy::I64 | IntTy::U64 => MemType::I64,
        },
    }
}

impl Lower<'_, '_> {
    /// The operand of an operation that needs it not to be None, held. It is looked at when the other operands are there, as CPython does:
    /// by [`Lower::require`].
    pub fn required(&mut self, expr: &Expr) -> Operand {
        match &expr.kind {
            ExprKind::NotNone(x) => self.held_operand(x),
            _ => self.held_operand(expr),
        }
    }

    /// The same under the type of values that are not None; TypeError where it is.
    pub fn require(&mut self, operand: Operand, need: Need) -> Operand {
        let ty = match operand.ty {
            Ty::View(view) if view.nullable => Ty::View(View {
                nullable: false,
                ..view
            }),
            Ty::Str { nullable: true } => Ty::Str { nullable: false },
            _ => return operand,
        };
        let is_none = self.is_none(&operand);
        self.fail_if(is_none, Failure::None(need));
        Operand { ty, ..operand }
    }

    /// Both at once.
    pub fn needed(&mut self, expr: &Expr, need: Need) -> Operand {
        let operand = self.required(expr);
        self.require(operand, need)
    }

    /// 1 where a nullable view or str is None, else 0.
    pub fn is_none(&mut self, operand: &Operand) -> Value {
        match operand.ty {
            Ty::View(_) => self.b.icmp_imm(IntCc::Slt, operand.parts[1], 0),
            _ => {
                let none = self.ctx.object(self.b, "_Py_NoneStruct");
                self.b.icmp(IntCc::Eq, operand.parts[0], none)
            }
        }
    }

    // Items.

    /// `view[index]`
    pub fn index(&mut self, view: &Expr, index: &Expr) -> Value {
        let mark = self.mark();
        let view = self.required(view);
        let at = self.value(index);
        let items = Items::of(&self.require(view, Need::Item));
        let at = self.index_in(items, (at, index));
        if matches!(self.item, ReadItem::Next) {
            self.item = ReadItem::Read(at);
        }
        let item = self.load_item(items, at);
        self.release_held(mark);
        item
    }

    /// An index from the start; IndexError where there is no such item.
    fn index_in(&mut self, items: Items, (at, index): (Value, &Expr)) -> Value {
        let kind = Kind::of(items.view);
        let out_of_range = Failure::OutOfRange(kind);
        if let Some(known) = Self::const_int(index).and_then(|known| i64::try_from(known).ok()) {
            let at = if known < 0 {
                self.op2_imm(Op::Iadd, items.count, known)
            } else {
                at
            };
            let inside = self.b.icmp(IntCc::Ult, at, items.count);
            self.fail_unless(inside, out_of_range);
            return at;
        }
        // Counts are less than 2^63: negative indexes are too large as unsigned numbers.
        let (join, result) = self.join(Type::I64);
        let unusual = self.b.cold_block();
        let inside = self.b.icmp(IntCc::Ult, at, items.count);
        self.b.br(inside, join, &[at], unusual, &[]);
        self.b.seal_and_switch_to(unusual);
        if index.ty == Ty::U64 {
            let huge = self.b.icmp_imm(IntCc::Slt, at, 0);
            self.fail_if(huge, Failure::HugeIndex);
            let raiser = self.raiser(out_of_range);
            self.b.jump(raiser, &[]);
        } else {
            let from_end = self.op2(Op::Iadd, at, items.count);
            let inside = self.b.icmp(IntCc::Ult, from_end, items.count);
            let raiser = self.raiser(out_of_range);
            self.b.br(inside, join, &[from_end], raiser, &[]);
        }
        self.b.seal_and_switch_to(join);
        result
    }

    /// The same for an item that may have been read just now.
    fn index_of(&mut self, read: ReadItem, items: Items, index: (Value, &Expr)) -> Value {
        match read {
            ReadItem::Read(at) => at,
            ReadItem::None | ReadItem::Next => self.index_in(items, index),
        }
    }

    fn item_address(&mut self, items: Items, at: Value) -> Value {
        let shift = i64::from(items.view.item.size().trailing_zeros());
        let offset = if shift == 0 {
            at
        } else {
            self.op2_imm(Op::Ishl, at, shift)
        };
        self.op2(Op::Iadd, items.address, offset)
    }

    /// The item at an index that is checked.
    pub fn load_item(&mut self, items: Items, at: Value) -> Value {
        let address = self.item_address(items, at);
        let value = self.b.load(mem_type(items.view.item), address, 0);
        match items.view.item {
            // As the `?` of a memoryview: any byte but 0 is True.
            Item::Bool => self.b.icmp_imm(IntCc::Ne, value, 0),
            Item::Int(_) | Item::F32 | Item::F64 => value,
        }
    }

    /// `view[index] = value`: the value, the view, the index are evaluated in this order. Then, as in CPython, a bytearray looks at the value
    /// before the index (from 3.10 on), a memoryview at the index first.
    pub fn store(&mut self, view: &Expr, index: &Expr, value: &Expr, rule: Rule) {
        let value_ty = value.ty;
        if reads_first(value, view, index) {
            self.item = ReadItem::Next;
        }
        let value = self.value(value);
        let read = std::mem::replace(&mut self.item, ReadItem::None);
        let mark = self.mark();
        let view = self.required(view);
        let at = self.value(index);
        let items = Items::of(&self.require(view, Need::Store));
        let misfit = match (Kind::of(items.view), items.view.whole, items.view.item) {
            (Kind::ByteArray, ..) => Failure::NoByte,
            (_, Whole::Memory(code), _) => Failure::NoItem(code),
            (_, _, Item::Int(ty)) => Failure::Misfit(ty.name()),
            (_, _, Item::Bool | Item::F32 | Item::F64) => Failure::NoByte,
        };
        let (value, at) = if misfit == Failure::NoByte {
            if index.ty == Ty::U64 {
                let huge = self.b.icmp_imm(IntCc::Slt, at, 0);
                self.fail_if(huge, Failure::HugeIndex);
            }
            let value = self.item_value(value, value_ty, items.view.item, rule, misfit);
            (value, self.index_of(read, items, (at, index)))
        } else {
            let at = self.index_of(read, items, (at, index));
            let value = self.item_value(value, value_ty, items.view.item, rule, misfit);
            (value, at)
        };
        let address = self.item_address(items, at);
        self.b.store(mem_type(items.view.item), value, address, 0);
        self.release_held(mark);
    }

    /// A value that the store can cut to the item's size.
    fn item_value(
        &mut self,
        value: Value,
        ty: Ty,
        item: Item,
        rule: Rule,
        misfit: Failure,
    ) -> Value {
        match (item, rule) {
            (Item::Int(to), Rule::Raise) => self.narrow_or(value, ty, (to, rule), misfit),
            (Item::Int(_), Rule::Wrap) | (Item::Bool | Item::F32 | Item::F64, _) => value,
        }
    }

    // Slices.

    /// `view[start:stop]`
    pub fn slice(
        &mut self,
        ty: Ty,
        view: &Expr,
        (start, stop): (Option<&Expr>, Option<&Expr>),
    ) -> Operand {
        let mark = self.mark();
        let view = self.required(view);
        let start = start.map(|start| (self.value(start), start));
        let stop = stop.map(|stop| (self.value(stop), stop));
        let view = self.require(view, Need::Item);
        let items = Items::of(&view);
        let zero = self.b.iconst(0);
        let (start, count) = match (start, stop) {
            (None, None) => (zero, items.count),
            (None, Some(stop)) => (zero, self.clipped(stop, items.count)),
            (Some(start), None) => {
                let start = self.clipped(start, items.count);
                (start, self.op2(Op::Isub, items.count, start))
            }
            (Some(start), Some(stop)) => {
                let start = self.clipped(start, items.count);
                let stop = self.clipped(stop, items.count);
                let some = self.b.icmp(IntCc::Slt, start, stop);
                let distance = self.op2(Op::Isub, stop, start);
                (start, self.select(some, distance, zero))
            }
        };
        let address = self.item_address(items, start);
        let owner = view.parts[2];
        if items.view.whole == Whole::ByteArray {
            let copy = self.copy_of(ty, address, count);
            self.release_held(mark);
            return copy;
        }
        self.let_go(mark);
        Operand {
            ty,
            parts: smallvec::smallvec![address, count, owner],
            owned: view.owned,
        }
    }

    /// A bound of a slice as an index from 0 to the count.
    fn clipped(&mut self, (at, bound): (Value, &Expr), count: Value) -> Value {
        let zero = self.b.iconst(0);
        let at = match Self::const_int(bound) {
            Some(0..) => at,
            _ => {
                let from_end = self.op2(Op::Iadd, at, count);
                let negative = self.b.icmp_imm(IntCc::Slt, at, 0);
                let at = self.select(negative, from_end, at);
                let below = self.b.icmp_imm(IntCc::Slt, at, 0);
                self.select(below, zero, at)
            }
        };
        let beyond = self.b.icmp(IntCc::Sgt, at, count);
        self.select(beyond, count, at)
    }

    /// `memoryview(view)` and its casts.
    pub fn cast(&mut self, ty: Ty, view: &Expr) -> Operand {
        let Ty::View(to) = ty else {
            unreachable!("{ty:?} is no view")
        };
        let mark = self.mark();
        let view = self.needed(view, Need::MemoryView);
        let items = Items::of(&view);
        let (from, to) = (items.view.item.size(), to.item.size());
        let shift = i64::from(to.trailing_zeros()) - i64::from(from.trailing_zeros());
        let count = match shift {
            0 => items.count,
            ..0 => self.op2_imm(Op::Ishl, items.count, -shift),
            1.. => {
                let rest = self.op2_imm(Op::Band, items.count, (1 << shift) - 1);
                self.fail_if(rest, Failure::NoMultiple);
                self.op2_imm(Op::Ushr, items.count, shift)
            }
        };
        self.let_go(mark);
        Operand {
            ty,
            parts: smallvec::smallvec![items.address, count, view.parts[2]],
            owned: view.owned,
        }
    }

    // Comparisons of bytes.

    /// 1 where the comparison of two views of bytes holds, else 0. One that is None is equal to another only, and comes in no other
    /// comparison.
    pub fn compare_views(&mut self, op: CmpOp, a: &Operand, b: &Operand) -> Value {
        let (x, y) = (Items::of(a), Items::of(b));
        match op {
            CmpOp::Eq | CmpOp::Is => self.equal_views(x, y),
            CmpOp::Ne | CmpOp::IsNot => {
                let equal = self.equal_views(x, y);
                self.op2_imm(Op::Bxor, equal, 1)
            }
            CmpOp::Lt | CmpOp::Le | CmpOp::Gt | CmpOp::Ge => {
                let (first, second) = ((x.address, x.count), (y.address, y.count));
                let order = memory::compare(self.ctx, self.b, first, second);
                self.b.icmp_imm(super::compare::signed(op), order, 0)
            }
        }
    }

    fn equal_views(&mut self, x: Items, y: Items) -> Value {
        let (join, result) = self.join(Type::I64);
        let more = self.b.block_like_current();
        let same_size = self.b.icmp(IntCc::Eq, x.count, y.count);
        let no = self.b.iconst(0);
        self.b.br(same_size, more, &[], join, &[no]);
        self.b.seal_and_switch_to(more);
        // Of two that are None, there are no bytes below the count of -1.
        let equal = memory::equal(self.ctx, self.b, x.address, y.address, x.count);
        self.b.jump(join, &[equal]);
        self.b.seal_and_switch_to(join);
        result
    }

    /// `needle in haystack`
    pub fn contains(&mut self, needle: &Expr, haystack: &Expr) -> Value {
        let mark = self.mark();
        let found = if matches!(needle.ty, Ty::View(_)) {
            let part = self.required(needle);
            let view = self.needed(haystack, Need::Contains);
            let part = self.require(part, Need::Part);
            let (part, items) = (Items::of(&part), Items::of(&view));
            let (view, part) = ((items.address, items.count), (part.address, part.count));
            search::has_bytes(self.ctx, self.b, view, part)
        } else {
            let value = self.value(needle);
            let view = self.needed(haystack, Need::Contains);
            self.contains_item(Items::of(&view), (value, needle.ty))
        };
        self.release_held(mark);
        found
    }

    /// Whether an integer is among the items of a view of bytes. A `bytes` and a `bytearray` refuse one that no item can be.
    fn contains_item(&mut self, items: Items, (value, ty): (Value, Ty)) -> Value {
        let (join, result) = self.join(Type::I64);
        let possible = self.b.block_like_current();
        let item = match items.view.item {
            Item::Int(item) => item,
            Item::Bool | Item::F32 | Item::F64 => unreachable!("lang looks for integers in bytes"),
        };
        let byte = self.op1(Op::Zext8, value);
        let fits = match item {
            IntTy::I8 if ty != Ty::U64 => {
                let same = self.op1(Op::Sext8, value);
                self.b.icmp(IntCc::Eq, same, value)
            }
            _ => {
                let most = item.range().1 as i64;
                self.b.icmp_imm(IntCc::Ule, value, most)
            }
        };
        if Kind::of(items.view) == Kind::MemoryView {
            let no = self.b.iconst(0);
            self.b.br(fits, possible, &[], join, &[no]);
        } else {
            let raiser = self.raiser(Failure::NoByte);
            self.b.br(fits, possible, &[], raiser, &[]);
        }
        self.b.seal_and_switch_to(possible);
        let view = (items.address, items.count);
        let found = search::has_byte(self.ctx, self.b, view, byte);
        self.b.jump(join, &[found]);
        self.b.seal_and_switch_to(join);
        result
    }
}
