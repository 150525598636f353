//! Results: what a body returns becomes one object.
//!
//! In: the results' parts; references among them are ours, and are consumed. Out: a new reference, or a jump with an exception, everything
//! released. Containers are made from the outside in and filled from left to right, as `Py_BuildValue` does; keys and values of dicts are
//! made before they are put in.
//!
//! Where there are several results, the references among them wait in the frame until it is their turn, so that a failure can release those
//! that are left in one loop.

use super::access::{self, Access};
use super::boxing;
use super::ctx::Ctx;
use super::pack::each;
use crate::frontend::lang::typed::{Shape, Storage, View, Whole};
use crate::frontend::spec::module::{ResultUnit, Returns};
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, Block, Func, Signature, Slot, Value};
use crate::ir::op::{IntCc, MemType, Op};

/// A result on its way to become an object.
struct Item<'a> {
    unit: ResultUnit,
    storage: Storage,
    parts: &'a [Value],
    /// Where its reference waits.
    waits: Option<i32>,
}

struct Results<'a> {
    items: std::vec::IntoIter<Item<'a>>,
    /// References that wait; none where there is at most one result.
    waiting: Option<Slot>,
}

/// The result of a method as an object. Where it cannot be made, goes to `fails`, or gives NULL with the exception set. `storages` are those of the body's results, `parts` their
/// values one behind the other.
pub fn object(
    ctx: &mut Ctx,
    b: &mut Builder,
    returns: &Returns,
    storages: &[Storage],
    parts: &[Value],
    fails: Block,
) -> Value {
    let mut rest = parts;
    let mut items = Vec::new();
    let mut waiting = 0;
    for (&unit, &storage) in returns.units.iter().zip(storages) {
        let (own, others) = rest.split_at(super::body::parts(storage.ty()).len());
        rest = others;
        let waits = owns(storage).then_some(waiting);
        waiting += if waits.is_some() { 8 } else { 0 };
        items.push(Item {
            unit,
            storage,
            parts: own,
            waits,
        });
    }
    if let ([only], Shape::One) = (&items[..], &returns.shape) {
        return made(ctx, b, only, only.parts);
    }
    if waiting == 0 {
        let items = items.into_iter();
        let mut results = Results {
            items,
            waiting: None,
        };
        return results.shape(ctx, b, &returns.shape, fails);
    }
    let slot = b.slot(waiting as u32, 8);
    let base = b.slot_addr(slot);
    for item in &items {
        if let Some(at) = item.waits {
            let owner = item.parts[item.parts.len() - 1];
            b.store(MemType::I64, owner, base, at);
        }
    }
    let dropped = b.cold_block();
    let mut results = Results {
        items: items.into_iter(),
        waiting: Some(slot),
    };
    let made = results.shape(ctx, b, &returns.shape, dropped);
    let done = b.block();
    b.jump(done, &[]);
    b.seal_and_switch_to(dropped);
    release_all(ctx, b, slot, waiting / 8);
    b.jump(fails, &[]);
    b.seal_and_switch_to(done);
    made
}

/// Whether the last part of a value is a reference.
fn owns(storage: Storage) -> bool {
    match storage {
        Storage::Bool | Storage::Int(_) | Storage::F32 | Storage::F64 | Storage::Complex => false,
        Storage::Str { .. } | Storage::View(_) | Storage::Object => true,
    }
}

impl Results<'_> {
    /// A new object of the next results.
    fn shape(&mut self, ctx: &mut Ctx, b: &mut Builder, shape: &Shape, fails: Block) -> Value {
        match shape {
            Shape::None => access::none(ctx, b),
            Shape::One => self.next(ctx, b, fails),
            Shape::Tuple(items) | Shape::List(items) => {
                let container = self.empty(ctx, b, shape, items.len());
                b.exit_unless(container, fails, &[]);
                releasing(ctx, b, container, fails, |ctx, b, fails| {
                    self.fill(ctx, b, container, shape, items, fails);
                });
                container
            }
            Shape::Dict(pairs) => {
                let dict = ctx.call1(b, "PyDict_New", &[]);
                b.exit_unless(dict, fails, &[]);
                releasing(ctx, b, dict, fails, |ctx, b, fails| {
                    for (key, value) in pairs {
                        self.pair(ctx, b, dict, (key, value), fails);
                    }
                });
                dict
            }
        }
    }

    fn empty(&mut self, ctx: &mut Ctx, b: &mut Builder, shape: &Shape, len: usize) -> Value {
        let make = match shape {
            Shape::List(_) => "PyList_New",
            _ => "PyTuple_New",
        };
        let len = b.iconst(len as i64);
        ctx.call1(b, make, &[len])
    }

    /// Fills a new tuple or list. What is in it is released with it.
    fn fill(
        &mut self,
        ctx: &mut Ctx,
        b: &mut Builder,
        container: Value,
        shape: &Shape,
        items: &[Shape],
        fails: Block,
    ) {
        let put = match shape {
            Shape::List(_) => "PyList_SetItem",
            _ => "PyTuple_SetItem",
        };
        for (at, item) in items.iter().enumerate() {
            let (object, inner) = match item {
                Shape::Tuple(items) | Shape::List(items) => {
                    let inner = self.empty(ctx, b, item, items.len());
                    b.exit_unless(inner, fails, &[]);
                    (inner, Some(items))
                }
                _ => (self.shape(ctx, b, item, fails), None),
            };
            let at = b.iconst(at as i64);
            ctx.call(b, put, &[container, at, object]);
            if let Some(items) = inner {
                self.fill(ctx, b, object, item, items, fails);
            }
        }
    }

    fn pair(
        &mut self,
        ctx: &mut Ctx,
        b: &mut Builder,
        dict: Value,
        (key, value): (&Shape, &Shape),
        fails: Block,
    ) {
        let key = self.shape(ctx, b, key, fails);
        let mut error = None;
        releasing(ctx, b, key, fails, |ctx, b, fails| {
            let value = self.shape(ctx, b, value, fails);
            // A key may not be hashable.
            error = ctx.call(b, "PyDict_SetItem", &[dict, key, value]);
            ctx.call(b, "Py_DecRef", &[value]);
        });
        ctx.call(b, "Py_DecRef", &[key]);
        if let Some(error) = error {
            b.exit_if(error, fails, &[]);
        }
    }

    /// A new object of the next result.
    fn next(&mut self, ctx: &mut Ctx, b: &mut Builder, fails: Block) -> Value {
        let item = self
            .items
            .next()
            .unwrap_or_else(|| unreachable!("a shape has as many leaves as there are results"));
        let mut parts = item.parts.to_vec();
        if let (Some(slot), Some(at)) = (self.waiting, item.waits) {
            // From here on it does not wait any more.
            let (base, null) = (b.slot_addr(slot), b.iconst(0));
            let owner = b.load(MemType::I64, base, at);
            b.store(MemType::I64, null, base, at);
            let last = parts.len() - 1;
            parts[last] = owner;
        }
        let made = made(ctx, b, &item, &parts);
        b.exit_unless(made, fails, &[]);
        made
    }
}

/// Runs `inside`, whose failures release `object` on their way.
fn releasing<'a>(
    ctx: &mut Ctx<'a>,
    b: &mut Builder,
    object: Value,
    fails: Block,
    inside: impl FnOnce(&mut Ctx<'a>, &mut Builder, Block),
) {
    let failed = b.cold_block();
    inside(ctx, b, failed);
    let done = b.block_like_current();
    b.jump(done, &[]);
    b.seal_and_switch_to(failed);
    if b.is_reached(failed) {
        ctx.call(b, "Py_DecRef", &[object]);
        b.jump(fails, &[]);
    } else {
        b.unreachable();
    }
    b.seal_and_switch_to(done);
}

/// Releases so many references that wait in the frame; those that are NULL are none any more.
fn release_all(ctx: &mut Ctx, b: &mut Builder, slot: Slot, count: i32) {
    let sig = Signature::internal(&[AbiType::I64; 2], &[]);
    let (func, sig) = ctx.shared("release.all", sig, |ctx, func| {
        let mut b = Builder::new(Func { cold: true, ..func });
        let [objects, count] = *b.func.params() else {
            unreachable!("two parameters")
        };
        let done = b.block();
        each(&mut b, count, done, |b, at| {
            let three = b.iconst(3);
            let offset = b.op(Op::Ishl, &[at, three]);
            let place = b.op(Op::Iadd, &[objects, offset]);
            let object = b.load(MemType::I64, place, 0);
            ctx.call(b, "Py_DecRef", &[object]);
        });
        b.seal_and_switch_to(done);
        b.ret(&[]);
        b.finish()
    });
    let (base, count) = (b.slot_addr(slot), b.iconst(i64::from(count)));
    b.call(func, &sig, &[base, count]);
}

/// A new object of a result, or NULL with an exception; its reference is consumed.
fn made(ctx: &mut Ctx, b: &mut Builder, item: &Item, parts: &[Value]) -> Value {
    let simple = match item.unit {
        ResultUnit::Signed if ctx.access == Access::Fields => {
            return boxing::signed(ctx, b, parts[0]);
        }
        ResultUnit::Unsigned if ctx.access == Access::Fields => {
            return boxing::unsigned(ctx, b, parts[0]);
        }
        ResultUnit::Bool => return access::bool(ctx, b, parts[0]),
        ResultUnit::Signed => "PyLong_FromLongLong",
        ResultUnit::Unsigned => "PyLong_FromUnsignedLongLong",
        ResultUnit::Float => "PyFloat_FromDouble",
        ResultUnit::Complex => "PyComplex_FromDoubles",
        ResultUnit::Char => "PyUnicode_FromOrdinal",
        ResultUnit::Byte => {
            // As little-endian as all targets are.
            let slot = b.slot(8, 8);
            let (base, one) = (b.slot_addr(slot), b.iconst(1));
            b.store(MemType::I64, parts[0], base, 0);
            return ctx.call1(b, "PyBytes_FromStringAndSize", &[base, one]);
        }
        ResultUnit::Bytes | ResultUnit::Text | ResultUnit::Object => {
            return made_of_object(ctx, b, item, parts);
        }
    };
    ctx.call1(b, simple, parts)
}

/// A result that has a reference: an object itself, or what is made of a view.
fn made_of_object(ctx: &mut Ctx, b: &mut Builder, item: &Item, parts: &[Value]) -> Value {
    let Storage::View(view) = item.storage else {
        return parts[0];
    };
    let (name, make) = match (item.unit, view) {
        (ResultUnit::Text, _) => ("result.text", "PyUnicode_DecodeUTF8"),
        (ResultUnit::Bytes, View { whole, .. }) if whole != Whole::Bytes => {
            ("result.bytes", "PyBytes_FromStringAndSize")
        }
        _ => ("result.whole", "PyBytes_FromStringAndSize"),
    };
    let whole = name == "result.whole";
    let sig = Signature::internal(&[AbiType::I64; 3], &[AbiType::I64]);
    let (func, sig) = ctx.shared(name, sig, |ctx, func| of_view(ctx, func, make, whole));
    b.call(func, &sig, parts)[0]
}

/// Of a view's parts, a new object made by `make`, or None. What keeps a `whole` view is that object, if there is one.
fn of_view(ctx: &mut Ctx, func: Func, make: &str, whole: bool) -> Func {
    let mut b = Builder::new(func);
    let [address, length, owner] = *b.func.params() else {
        unreachable!("three parameters")
    };
    let (none, kept) = (b.block(), b.block());
    let is_none = b.icmp_imm(IntCc::Slt, length, 0);
    b.exit_if(is_none, none, &[]);
    if whole {
        b.exit_if(owner, kept, &[]);
    }
    let mut args = vec![address, length];
    if make == "PyUnicode_DecodeUTF8" {
        // Strictly.
        args.push(b.iconst(0));
    }
    let made = ctx.call1(&mut b, make, &args);
    if !whole {
        ctx.call(&mut b, "Py_DecRef", &[owner]);
    }
    b.ret(&[made]);
    b.seal_and_switch_to(kept);
    if b.is_reached(kept) {
        b.ret(&[owner]);
    } else {
        b.unreachable();
    }
    b.seal_and_switch_to(none);
    let object = access::none(ctx, &mut b);
    b.ret(&[object]);
    b.finish()
}
