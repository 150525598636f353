//! The hot path of one argument: an object of the usual type becomes a value, by functions that run no code of the user's; whatever is
//! unusual leaves for the cold path, where the call starts again.
//!
//! Buffers, and floats that the parser's function converts, are taken last, once nothing can leave for the cold path any more ([`take`]): taking
//! one may run the user's code, and must not happen twice. What goes wrong then is raised as it is, which is what `PyArg_ParseTuple` does too.
//!
//! In: the object, where to leave. Out: the values that the parameter is made of. Which argument is whose is decided in `wrap`.

use super::access::Access;
use super::cells::{Cells, Parts, buffer_length, moved};
use super::ctx::Ctx;
use super::{buffer, converter, defaults, direct, exec, floats};
use crate::frontend::lang::typed::IntTy;
use crate::frontend::spec::module::{ClassRef, Convert, Takes};
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, Block, Func, Signature, Value};
use crate::ir::op::{IntCc, MemType, Op, Type};
use crate::ir::program::FuncId;

/// Where the hot path gives up, and what the cold path is told there: a count known to be right need not be kept till then, nor the names of
/// keywords known to be absent.
pub struct Exits {
    /// With nothing raised.
    pub cold: Block,
    /// With an exception of a conversion, which is to be forgotten.
    pub forget: Block,
    /// Arguments of both: the number of positional arguments, and `kwnames` where there may be keywords.
    pub known: Vec<Value>,
}

/// Whether an argument is taken behind all others, by [`take`].
pub fn is_taken(ctx: &Ctx, convert: Convert) -> bool {
    match convert {
        Convert::Bytelike { .. } | Convert::Buffer { .. } => true,
        // `PyFloat_AsDouble` is what the parser itself calls; it may run a `__float__`.
        Convert::F32 | Convert::F64 => ctx.access != Access::Fields,
        _ => false,
    }
}

/// Whether an argument that is taken later is [looked at](look_at) before.
pub fn is_looked_at(convert: Convert) -> bool {
    matches!(convert, Convert::Bytelike { mutable: true, .. })
}

/// Leaves where what is taken later could be refused, in words that only the parser knows.
pub fn look_at(ctx: &mut Ctx, b: &mut Builder, object: Value, exits: &Exits) {
    of_class(ctx, b, object, "PyByteArray_Type", exits);
}

/// Converts an argument of the usual type; leaves where it is not one, or where the format's own rules must speak. Of one that is
/// [taken](is_taken) later there is no value yet.
pub fn hot(
    ctx: &mut Ctx,
    b: &mut Builder,
    cells: &mut Cells,
    convert: Convert,
    object: Value,
    exits: &Exits,
) -> Parts {
    match convert {
        Convert::Int(ty) | Convert::IntOwn(ty, _) => {
            let value = int(ctx, b, object, exits);
            if ty != IntTy::I64 {
                let fits = fits(b, ty, value);
                b.exit_unless(fits, exits.cold, &exits.known);
            }
            one(value)
        }
        Convert::IntModulo(ty) => one(modulo(ctx, b, ty, object, exits)),
        Convert::F64 => one(direct::float(ctx, b, object, exits)),
        Convert::F32 => {
            let value = direct::float(ctx, b, object, exits);
            one(b.op(Op::Fround32, &[value]))
        }
        Convert::Truth => {
            let yes = ctx.object(b, "_Py_TrueStruct");
            let is_true = b.icmp(IntCc::Eq, object, yes);
            let no = ctx.object(b, "_Py_FalseStruct");
            let is_false = b.icmp(IntCc::Eq, object, no);
            let is_bool = b.op(Op::Bor, &[is_true, is_false]);
            b.exit_unless(is_bool, exits.cold, &exits.known);
            one(is_true)
        }
        Convert::Complex => {
            of_class(ctx, b, object, "PyComplex_Type", exits);
            let real = ctx.call1(b, "PyComplex_RealAsDouble", &[object]);
            let imaginary = ctx.call1(b, "PyComplex_ImagAsDouble", &[object]);
            [real, imaginary].into_iter().collect()
        }
        Convert::Byte => {
            let [address, length] = bytes_of(ctx, b, cells, object, exits);
            only_one(b, length, exits);
            one(b.load(MemType::U8, address, 0))
        }
        Convert::Char if ctx.access == Access::Fields => {
            let [address, length] = direct::ascii(ctx, b, object, exits);
            only_one(b, length, exits);
            one(b.load(MemType::U8, address, 0))
        }
        Convert::Char => {
            let length = ctx.call1(b, "PyUnicode_GetLength", &[object]);
            only_one(b, length, exits);
            let first = b.iconst(0);
            one(ctx.call1(b, "PyUnicode_ReadChar", &[object, first]))
        }
        Convert::Str { nullable } => one(or_none(ctx, b, nullable, object, |ctx, b| {
            if ctx.access == Access::Fields {
                return direct::str(ctx, b, object, exits);
            }
            // Of what is no str, it raises.
            let length = ctx.call1(b, "PyUnicode_GetLength", &[object]);
            let failed = b.icmp_imm(IntCc::Slt, length, 0);
            b.exit_if(failed, exits.forget, &exits.known);
        })),
        Convert::Bytes { nullable } => view_or_none(ctx, b, nullable, object, |ctx, b| {
            let [address, length] = bytes_of(ctx, b, cells, object, exits);
            [address, length, object].into()
        }),
        Convert::Text {
            takes,
            sized,
            nullable,
        } => view_or_none(ctx, b, nullable, object, |ctx, b| {
            text(ctx, b, cells, (takes, sized), object, exits)
        }),
        Convert::Encoded { sized, .. } => text(ctx, b, cells, (Takes::Str, sized), object, exits),
        Convert::ByteArray => {
            of_class(ctx, b, object, "PyByteArray_Type", exits);
            one(object)
        }
        Convert::Instance(ClassRef::Builtin(class)) => {
            of_class(ctx, b, object, class, exits);
            one(object)
        }
        Convert::Instance(ClassRef::BuiltinException(_) | ClassRef::Exception(_)) => {
            leave(b, exits);
            one(object)
        }
        Convert::Object => one(object),
        Convert::Bytelike { .. } | Convert::Buffer { .. } => {
            unreachable!("{convert:?} is taken later")
        }
    }
}

fn one(value: Value) -> Parts {
    [value].into_iter().collect()
}

/// Leaves for the cold path; what follows is never reached.
fn leave(b: &mut Builder, exits: &Exits) {
    let dead = b.block();
    b.jump(exits.cold, &exits.known);
    b.seal_and_switch_to(dead);
}

/// `PyLong_AsSsize_t` takes an int, or raises without running user code; unlike `PyLong_AsLongLong` it is quick for ints of several digits.
fn int(ctx: &mut Ctx, b: &mut Builder, object: Value, exits: &Exits) -> Value {
    if ctx.access == Access::Fields {
        return direct::int(ctx, b, object, exits);
    }
    let read = ctx.call1(b, "PyLong_AsSsize_t", &[object]);
    let (suspect, fine) = (b.cold_block(), b.block());
    let value = b.param(fine, Type::I64);
    let minus_one = b.icmp_imm(IntCc::Eq, read, -1);
    b.br(minus_one, suspect, &[], fine, &[read]);
    b.seal_and_switch_to(suspect);
    let sig = Signature::internal(&[], &[AbiType::I64; 2]);
    let (func, sig) = ctx.shared("int.failed", sig, make_int_failed);
    let results = b.call(func, &sig, &[]);
    b.br(results[1], exits.cold, &exits.known, fine, &[results[0]]);
    b.seal_and_switch_to(fine);
    value
}

/// -1, and whether it stands for an exception, which is forgotten. The first is said again so that the usual path keeps nothing over this call.
fn make_int_failed(ctx: &mut Ctx, func: Func) -> Func {
    let mut b = Builder::new(Func { cold: true, ..func });
    let (failed, fine) = (b.block(), b.block());
    let (minus_one, no, yes) = (b.iconst(-1), b.iconst(0), b.iconst(1));
    let error = ctx.call1(&mut b, "PyErr_Occurred", &[]);
    b.br(error, failed, &[], fine, &[]);
    b.seal_and_switch_to(failed);
    ctx.call(&mut b, "PyErr_Clear", &[]);
    b.ret(&[minus_one, yes]);
    b.seal_and_switch_to(fine);
    b.ret(&[minus_one, no]);
    b.finish()
}

/// An int modulo 2^N. 3.15 warns of values outside of both the signed and the unsigned range: those are CPython's to convert.
fn modulo(ctx: &mut Ctx, b: &mut Builder, ty: IntTy, object: Value, exits: &Exits) -> Value {
    let value = int(ctx, b, object, exits);
    if ty == IntTy::U64 {
        return value;
    }
    let half = b.iconst(1 << (ty.bits() - 1));
    let shifted = b.op(Op::Iadd, &[value, half]);
    let usual = b.icmp_imm(IntCc::Ult, shifted, 3 << (ty.bits() - 1));
    b.exit_unless(usual, exits.cold, &exits.known);
    b.op(extension(ty), &[value])
}

/// 1 where an object is of exactly this class, as far as can be told: the type is read where [`exec::type_offset`] says, which is nowhere on
/// builds whose objects we do not know.
fn is_of_class(ctx: &mut Ctx, b: &mut Builder, object: Value, class: &str) -> Value {
    if ctx.access == Access::Fields {
        return direct::is_of_class(ctx, b, object, class);
    }
    let cell = exec::type_offset(ctx);
    let cell = b.data_addr(cell, 0);
    let offset = b.load(MemType::I64, cell, 0);
    let place = b.op(Op::Iadd, &[object, offset]);
    let its = b.load(MemType::I64, place, 0);
    let class = ctx.object(b, class);
    b.icmp(IntCc::Eq, its, class)
}

fn of_class(ctx: &mut Ctx, b: &mut Builder, object: Value, class: &str, exits: &Exits) {
    let exact = is_of_class(ctx, b, object, class);
    b.exit_unless(exact, exits.cold, &exits.known);
}

/// 1 where the signed 64-bit `value` is in the range of `ty`, else 0.
pub fn fits(b: &mut Builder, ty: IntTy, value: Value) -> Value {
    match ty {
        IntTy::I64 => b.iconst(1),
        IntTy::U64 => b.icmp_imm(IntCc::Sge, value, 0),
        IntTy::I8 | IntTy::I16 | IntTy::I32 | IntTy::U8 | IntTy::U16 | IntTy::U32 => {
            let same = b.op(extension(ty), &[value]);
            b.icmp(IntCc::Eq, same, value)
        }
    }
}

/// The operation that keeps the low bits of a type narrower than 64 bits.
fn extension(ty: IntTy) -> Op {
    match ty {
        IntTy::I8 => Op::Sext8,
        IntTy::I16 => Op::Sext16,
        IntTy::I32 => Op::Sext32,
        IntTy::U8 => Op::Zext8,
        IntTy::U16 => Op::Zext16,
        IntTy::U32 => Op::Zext32,
        IntTy::I64 | IntTy::U64 => unreachable!("all 64 bits stay"),
    }
}

// Texts and bytes.

/// An object that may be None, `check`ed where it is not.
fn or_none<'a>(
    ctx: &mut Ctx<'a>,
    b: &mut Builder,
    nullable: bool,
    object: Value,
    check: impl FnOnce(&mut Ctx<'a>, &mut Builder),
) -> Value {
    if !nullable {
        check(ctx, b);
        return object;
    }
    let (something, done) = (b.block(), b.block());
    let none = ctx.object(b, "_Py_NoneStruct");
    let is_none = b.icmp(IntCc::Eq, object, none);
    b.br(is_none, done, &[], something, &[]);
    b.seal_and_switch_to(something);
    check(ctx, b);
    b.jump(done, &[]);
    b.seal_and_switch_to(done);
    object
}

/// The view that `of` makes, or a view that is None where the object is.
fn view_or_none<'a>(
    ctx: &mut Ctx<'a>,
    b: &mut Builder,
    nullable: bool,
    object: Value,
    of: impl FnOnce(&mut Ctx<'a>, &mut Builder) -> Parts,
) -> Parts {
    if !nullable {
        return of(ctx, b);
    }
    let (missing, something, done) = (b.block(), b.block(), b.block());
    let parts = (0..3).map(|_| b.param(done, Type::I64)).collect();
    let none = ctx.object(b, "_Py_NoneStruct");
    let is_none = b.icmp(IntCc::Eq, object, none);
    b.br(is_none, missing, &[], something, &[]);
    b.seal_and_switch_to(missing);
    let none = defaults::none(b);
    b.jump(done, &none);
    b.seal_and_switch_to(something);
    let view = of(ctx, b);
    b.jump(done, &view);
    b.seal_and_switch_to(done);
    parts
}

/// Address and length of a bytes object, also of a subclass.
fn bytes_of(
    ctx: &mut Ctx,
    b: &mut Builder,
    cells: &mut Cells,
    object: Value,
    exits: &Exits,
) -> [Value; 2] {
    if ctx.access == Access::Fields {
        return direct::bytes(ctx, b, object, exits);
    }
    let scratch = cells.scratch(b);
    let length = moved(b, scratch, 8);
    let failed = ctx.call1(b, "PyBytes_AsStringAndSize", &[object, scratch, length]);
    b.exit_if(failed, exits.forget, &exits.known);
    [0, 8].map(|offset| b.load(MemType::I64, scratch, offset))
}

/// A view of the UTF-8 of a str or of the bytes of a bytes object, by what the unit takes first. Unless it is `sized`, it holds no NUL.
fn text(
    ctx: &mut Ctx,
    b: &mut Builder,
    cells: &mut Cells,
    (takes, sized): (Takes, bool),
    object: Value,
    exits: &Exits,
) -> Parts {
    let [address, length] = match takes {
        Takes::Str | Takes::Both if ctx.access == Access::Fields => {
            direct::ascii(ctx, b, object, exits)
        }
        Takes::Str | Takes::Both => {
            let scratch = cells.scratch(b);
            let address = ctx.call1(b, "PyUnicode_AsUTF8AndSize", &[object, scratch]);
            b.exit_unless(address, exits.forget, &exits.known);
            [address, b.load(MemType::I64, scratch, 0)]
        }
        Takes::Bytes => {
            // A subclass may have a `__buffer__` of its own (3.12).
            of_class(ctx, b, object, "PyBytes_Type", exits);
            bytes_of(ctx, b, cells, object, exits)
        }
    };
    if !sized {
        let nul = has_nul(ctx, b, address, length);
        b.exit_if(nul, exits.cold, &exits.known);
    }
    [address, length, b.iconst(0)].into()
}

/// Leaves where a length is not 1, with or without an exception.
fn only_one(b: &mut Builder, length: Value, exits: &Exits) {
    let single = b.icmp_imm(IntCc::Eq, length, 1);
    b.exit_unless(single, exits.forget, &exits.known);
}

/// 1 where there is a NUL among so many bytes, else 0.
fn has_nul(ctx: &mut Ctx, b: &mut Builder, address: Value, length: Value) -> Value {
    let sig = Signature::internal(&[AbiType::I64; 2], &[AbiType::I64]);
    let (func, sig) = ctx.shared("text.nul", sig, |_, func| make_has_nul(func));
    b.call(func, &sig, &[address, length])[0]
}

/// Eight bytes at a time: a byte that is 0 borrows in `word - 0x0101...`, and had its highest bit clear ("Hacker's Delight", 6-1).
fn make_has_nul(func: Func) -> Func {
    let mut b = Builder::new(func);
    let [start, length] = *b.func.params() else {
        unreachable!("two parameters")
    };
    let (words, word, next_word) = (b.block(), b.block(), b.block());
    let (bytes, byte, next_byte) = (b.block(), b.block(), b.block());
    let (found, none) = (b.block(), b.block());
    let place = b.param(words, Type::I64);
    let end = b.op(Op::Iadd, &[start, length]);
    b.jump(words, &[start]);
    b.switch_to(words);
    let left = b.op(Op::Isub, &[end, place]);
    let enough = b.icmp_imm(IntCc::Sge, left, 8);
    let at = b.param(bytes, Type::I64);
    b.br(enough, word, &[], bytes, &[place]);
    b.seal_and_switch_to(word);
    let value = b.load(MemType::I64, place, 0);
    let ones = b.iconst(0x0101_0101_0101_0101);
    let borrowed = b.op(Op::Isub, &[value, ones]);
    let inverse = b.op(Op::Bnot, &[value]);
    let high = b.iconst(0x8080_8080_8080_8080_u64 as i64);
    let suspects = b.op(Op::Band, &[borrowed, inverse]);
    let zeros = b.op(Op::Band, &[suspects, high]);
    b.br(zeros, found, &[], next_word, &[]);
    b.seal_and_switch_to(next_word);
    let next = moved(&mut b, place, 8);
    b.jump(words, &[next]);
    b.seal(words);

    b.switch_to(bytes);
    let more = b.icmp(IntCc::Ult, at, end);
    b.br(more, byte, &[], none, &[]);
    b.seal_and_switch_to(byte);
    let value = b.load(MemType::U8, at, 0);
    b.br(value, next_byte, &[], found, &[]);
    b.seal_and_switch_to(next_byte);
    let next = moved(&mut b, at, 1);
    b.jump(bytes, &[next]);
    b.seal(bytes);
    for (block, answer) in [(found, 1), (none, 0)] {
        b.seal_and_switch_to(block);
        let answer = b.iconst(answer);
        b.ret(&[answer]);
    }
    b.finish()
}

// What may run the user's code.

/// Takes an argument for which [`is_taken`] holds, where nothing leaves for the cold path any more; goes to `fails` with the exception set.
pub fn take(
    ctx: &mut Ctx,
    b: &mut Builder,
    (cells, at): (&mut Cells, usize),
    convert: Convert,
    object: Value,
    fails: Block,
) -> Parts {
    match convert {
        Convert::F64 => one(floats::take(ctx, b, object, fails)),
        Convert::F32 => {
            let value = floats::take(ctx, b, object, fails);
            one(b.op(Op::Fround32, &[value]))
        }
        Convert::Bytelike { mutable: false, .. } if ctx.access == Access::Fields => {
            take_exact(ctx, b, (cells, at), convert, object, fails)
        }
        _ => take_any(ctx, b, (cells, at), convert, object, fails),
    }
}

/// Likewise; of a bytes object itself, nothing has to be taken.
fn take_exact(
    ctx: &mut Ctx,
    b: &mut Builder,
    (cells, at): (&mut Cells, usize),
    convert: Convert,
    object: Value,
    fails: Block,
) -> Parts {
    let (exact, other, done) = (b.block(), b.block(), b.block());
    let parts = (0..3).map(|_| b.param(done, Type::I64)).collect();
    let is_exact = is_of_class(ctx, b, object, "PyBytes_Type");
    b.br(is_exact, exact, &[], other, &[]);
    b.seal_and_switch_to(exact);
    let [address, length] = direct::bytes_of(ctx, b, object);
    let nothing = b.iconst(0);
    b.jump(done, &[address, length, nothing]);
    b.seal_and_switch_to(other);
    let taken = take_any(ctx, b, (cells, at), convert, object, fails);
    b.jump(done, &taken);
    b.seal_and_switch_to(done);
    parts
}

fn take_any(
    ctx: &mut Ctx,
    b: &mut Builder,
    (cells, at): (&mut Cells, usize),
    convert: Convert,
    object: Value,
    fails: Block,
) -> Parts {
    let cell = cells.address(b, at, 0);
    let taken = match convert {
        Convert::Buffer { .. } => {
            let (converter, sig) = converter::converter(ctx, convert);
            b.call(converter, &sig, &[object, cell])[0]
        }
        Convert::Bytelike { mutable: true, .. } => {
            let writable = b.iconst(buffer::WRITABLE);
            let failed = ctx.call1(b, "PyObject_GetBuffer", &[object, cell, writable]);
            b.icmp_imm(IntCc::Eq, failed, 0)
        }
        Convert::Bytelike {
            takes, nullable, ..
        } => {
            let (taker, sig) = taker(ctx, takes, nullable);
            b.call(taker, &sig, &[object, cell])[0]
        }
        other => unreachable!("{other:?} takes no buffer"),
    };
    b.exit_unless(taken, fails, &[]);
    cells.parts(b, at, convert)
}

/// The function that does for `s* z* y*` what the parser does, but holds nothing where bytes and strs are enough: object and cell in; 1, or 0
/// with an exception, out.
fn taker(ctx: &mut Ctx, takes: Takes, nullable: bool) -> (FuncId, Signature) {
    let name = match (takes, nullable) {
        (Takes::Bytes, false) => "take.bytes",
        (Takes::Bytes, true) => "take.bytes.none",
        (Takes::Both, false) => "take.both",
        (Takes::Both, true) => "take.both.none",
        (Takes::Str, _) => unreachable!("no buffer is of strs only"),
    };
    let sig = Signature::internal(&[AbiType::I64; 2], &[AbiType::I64]);
    ctx.shared(name, sig, |ctx, func| {
        make_taker(ctx, func, takes, nullable)
    })
}

fn make_taker(ctx: &mut Ctx, func: Func, takes: Takes, nullable: bool) -> Func {
    let mut b = Builder::new(func);
    let [object, cell] = *b.func.params() else {
        unreachable!("two parameters")
    };
    let (done, other) = (b.block(), b.block());
    if nullable {
        let something = b.block();
        let none = ctx.object(&mut b, "_Py_NoneStruct");
        let is_none = b.icmp(IntCc::Eq, object, none);
        let missing = b.block();
        b.br(is_none, missing, &[], something, &[]);
        b.seal_and_switch_to(missing);
        let [null, length] = [0, -1].map(|part| b.iconst(part));
        b.store(MemType::I64, null, cell, 0);
        b.store(MemType::I64, length, cell, buffer_length());
        b.jump(done, &[]);
        b.seal_and_switch_to(something);
    }
    let length = moved(&mut b, cell, buffer_length());
    let exact = is_of_class(ctx, &mut b, object, "PyBytes_Type");
    b.exit_unless(exact, other, &[]);
    // The cell has a length and an address in the same places.
    ctx.call(&mut b, "PyBytes_AsStringAndSize", &[object, cell, length]);
    b.jump(done, &[]);

    b.seal_and_switch_to(other);
    let failed = b.cold_block();
    if takes == Takes::Both {
        let (text, no_text, no_str) = (b.block(), b.cold_block(), b.cold_block());
        let address = ctx.call1(&mut b, "PyUnicode_AsUTF8AndSize", &[object, length]);
        b.br(address, text, &[], no_text, &[]);
        b.seal_and_switch_to(text);
        b.store(MemType::I64, address, cell, 0);
        b.jump(done, &[]);
        b.seal_and_switch_to(no_text);
        let class = ctx.exception(&mut b, "TypeError");
        let matches = ctx.call1(&mut b, "PyErr_ExceptionMatches", &[class]);
        b.br(matches, no_str, &[], failed, &[]);
        b.seal_and_switch_to(no_str);
        ctx.call(&mut b, "PyErr_Clear", &[]);
    }
    let simple = b.iconst(buffer::SIMPLE);
    let refused = ctx.call1(&mut b, "PyObject_GetBuffer", &[object, cell, simple]);
    b.exit_if(refused, failed, &[]);
    b.jump(done, &[]);
    b.seal_and_switch_to(done);
    let yes = b.iconst(1);
    b.ret(&[yes]);
    b.seal_and_switch_to(failed);
    let no = b.iconst(0);
    b.ret(&[no]);
    b.finish()
}
