//! Units of the parser as converters of our own (`O&`), where the parser alone is not safe enough.
//!
//! * Inside of tuples: the parser lets go of the items of a sequence while values are still borrowed from them (`nested` holds them), and
//!   has room for few buffers.
//! * `y y# s# z#` of an object with a `__buffer__` of its own (3.12): the parser lets go of the memory. Such an object is copied into a bytes
//!   object first.
//!
//! In: a conversion. Out: `int (*)(PyObject *, void *)`, by the rules of `told`.

use super::cells::{self, LENGTH, MEMORY, OBJECT, moved};
use super::ctx::Ctx;
use super::version::interpreter;
use super::{converter, parser, told};
use crate::frontend::spec::module::{Convert, Takes};
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, Block, Func, Signature, Value};
use crate::ir::op::{IntCc, MemType, Op};
use crate::ir::program::FuncId;

/// What is passed to the parser for a unit.
pub enum Arg {
    /// The address of a part of its cell.
    Cell(i32),
    /// What stands in a part of its cell.
    Content(i32),
    /// NULL: the default encoding.
    Null,
}

/// What is passed for a unit of the parser's own.
pub fn args(convert: Convert) -> Vec<Arg> {
    use Arg::{Cell, Content, Null};
    match convert {
        Convert::Text { sized: true, .. } => vec![Cell(0), Cell(LENGTH)],
        Convert::Encoded { sized: true, .. } => vec![Null, Cell(MEMORY), Cell(LENGTH)],
        Convert::Encoded { sized: false, .. } => vec![Null, Cell(MEMORY)],
        Convert::Bytes { .. } => vec![Cell(OBJECT)],
        Convert::Instance(_) => vec![Content(cells::CLASS), Cell(0)],
        _ => vec![Cell(0)],
    }
}

/// The values of [`args`], for the cell at an address.
pub fn values(b: &mut Builder, convert: Convert, cell: Value) -> Vec<Value> {
    let value = |b: &mut Builder, arg| match arg {
        Arg::Cell(offset) => moved(b, cell, offset),
        Arg::Content(offset) => b.load(MemType::I64, cell, offset),
        Arg::Null => b.iconst(0),
    };
    args(convert).into_iter().map(|arg| value(b, arg)).collect()
}

/// Whether a unit takes bytes without holding a buffer.
pub fn reads_bytes(convert: Convert) -> bool {
    matches!(
        convert,
        Convert::Text {
            takes: Takes::Bytes | Takes::Both,
            ..
        }
    )
}

/// The converter of a conversion. `text` is its unit.
pub fn converter(ctx: &mut Ctx, convert: Convert, text: &str) -> FuncId {
    if converter::name(convert).is_some() {
        return converter::converter(ctx, convert).0;
    }
    let sig = Signature::c(&[AbiType::I64; 2], Some(AbiType::I32));
    let name = format!("unit.{}", symbol(text));
    ctx.shared(&name, sig, |ctx, func| make(ctx, func, convert, text))
        .0
}

/// A unit's text, fit for a symbol.
pub fn symbol(text: &str) -> String {
    let word = |c| match c {
        '#' => "sized".to_owned(),
        '*' => "buffer".to_owned(),
        '!' => "instance".to_owned(),
        other => String::from(other),
    };
    text.chars().map(word).collect()
}

fn make(ctx: &mut Ctx, func: Func, convert: Convert, text: &str) -> Func {
    let mut b = Builder::new(Func {
        address_taken: true,
        cold: true,
        ..func
    });
    let [object, cell] = *b.func.params() else {
        unreachable!("two parameters")
    };
    let failed = b.cold_block();
    let object = if reads_bytes(convert) {
        lasting(ctx, &mut b, object, cell, failed)
    } else {
        object
    };
    let format = ctx.c_string(&mut b, &format!("{text}:{}", told::MARK));
    let mut all = vec![object, format];
    all.extend(values(&mut b, convert, cell));
    let (import, mut sig) = ctx.api("_PyArg_Parse_SizeT");
    sig.params.resize(all.len(), AbiType::I64);
    let ok = b.call_variadic(import, sig, &all)[0];
    let (done, wrong) = (b.block(), b.cold_block());
    b.br(ok, done, &[], wrong, &[]);
    b.seal_and_switch_to(wrong);
    told::keep(ctx, &mut b, cell);
    b.jump(failed, &[]);
    b.seal_and_switch_to(done);
    parser::complete(ctx, &mut b, convert, cell);
    let yes = b.iconst(1);
    b.ret(&[yes]);
    b.seal_and_switch_to(failed);
    let no = b.iconst(0);
    b.ret(&[no]);
    b.finish()
}

/// Since this version (3.x) classes can have a `__buffer__` of their own.
const BUFFER_METHOD: i64 = 12;
/// `Py_TPFLAGS_HEAPTYPE`
const HEAPTYPE: i64 = 1 << 9;
/// Slots of types: `Py_bf_getbuffer`, `Py_bf_releasebuffer`.
const GETBUFFER: i64 = 1;
const RELEASEBUFFER: i64 = 2;

/// The object itself, or a bytes object of what its class's own `__buffer__` gives, held for the call.
fn lasting(ctx: &mut Ctx, b: &mut Builder, object: Value, cell: Value, failed: Block) -> Value {
    let sig = Signature::internal(&[AbiType::I64], &[AbiType::I64]);
    let (func, sig) = ctx.shared("unit.lasting", sig, make_lasting);
    let lasting = b.call(func, &sig, &[object])[0];
    b.exit_unless(lasting, failed, &[]);
    told::hold(ctx, b, cell, lasting);
    lasting
}

/// A new reference to the object, or to a copy of what it only lends; NULL with an exception.
fn make_lasting(ctx: &mut Ctx, func: Func) -> Func {
    let mut b = Builder::new(Func { cold: true, ..func });
    let object = b.func.params()[0];
    let (itself, copy) = (b.block(), b.cold_block());
    let (minor, _) = interpreter(ctx, &mut b);
    let able = b.icmp_imm(IntCc::Sge, minor, BUFFER_METHOD);
    b.exit_unless(able, itself, &[]);
    // The class lives as long as the object does.
    let class = ctx.call1(&mut b, "PyObject_Type", &[object]);
    ctx.call(&mut b, "Py_DecRef", &[class]);
    let flags = ctx.call1(&mut b, "PyType_GetFlags", &[class]);
    let mask = b.iconst(HEAPTYPE);
    let heap = b.op(Op::Band, &[flags, mask]);
    b.exit_unless(heap, itself, &[]);
    let [get, release] = [GETBUFFER, RELEASEBUFFER].map(|slot| {
        let slot = b.iconst(slot);
        ctx.call1(&mut b, "PyType_GetSlot", &[class, slot])
    });
    b.exit_unless(get, itself, &[]);
    // With one to release it, the parser refuses it.
    b.br(release, itself, &[], copy, &[]);
    b.seal_and_switch_to(copy);
    let bytes = ctx.call1(&mut b, "PyBytes_FromObject", &[object]);
    b.ret(&[bytes]);
    b.seal_and_switch_to(itself);
    ctx.call(&mut b, "Py_IncRef", &[object]);
    b.ret(&[object]);
    b.finish()
}
