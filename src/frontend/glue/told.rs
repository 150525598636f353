//! Failures of converters that the parser has to put into words. A converter (`O&`) does not know which argument it converts. So it leaves what is
//! wrong with it (`must be str, not int`) as a str before its cell, fails without an exception, and the parser makes a SystemError of that,
//! `fn() argument 2 (unspecified)`, which becomes the TypeError that the parser itself would have raised.
//!
//! ```text
//! cell - 16   object held for the call
//! cell - 8    what is wrong
//! cell        the C variables
//! ```

use super::cells::{HELD, WRONG, moved};
use super::ctx::Ctx;
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, Func, Signature, Value};
use crate::ir::op::{IntCc, MemType, Type};

/// The name of the function in formats of units that are parsed alone: what the parser says of those begins with it.
pub const MARK: &str = "\x01";
/// The parser's words before what is wrong: `\x01() argument`.
const BEFORE: i64 = (MARK.len() + "() argument".len()) as i64;

/// Takes the exception that is set, three words, into a piece of the frame; gives its text (a new reference, or NULL with another exception).
fn taken(ctx: &mut Ctx, b: &mut Builder) -> ([Value; 3], Value) {
    let slot = b.slot(24, 8);
    let base = b.slot_addr(slot);
    let places = [0, 8, 16].map(|offset| moved(b, base, offset));
    ctx.call(b, "PyErr_Fetch", &places);
    let words = [0, 8, 16].map(|offset| b.load(MemType::I64, base, offset));
    let (there, absent, done) = (b.block(), b.cold_block(), b.block());
    let text = b.param(done, Type::I64);
    b.br(words[1], there, &[], absent, &[]);
    b.seal_and_switch_to(absent);
    // Up to 3.10 that is what comes of a text for which there is no memory.
    let none = ctx.call1(b, "PyErr_NoMemory", &[]);
    b.jump(done, &[none]);
    b.seal_and_switch_to(there);
    // Up to 3.11 it may be the text itself.
    let itself = ctx.call1(b, "PyObject_Str", &[words[1]]);
    b.jump(done, &[itself]);
    b.seal_and_switch_to(done);
    (words, text)
}

fn release(ctx: &mut Ctx, b: &mut Builder, objects: &[Value]) {
    for &object in objects {
        ctx.call(b, "Py_DecRef", &[object]);
    }
}

/// A unit has failed with an exception: if the words are the parser's, they are left before the cell, and no exception.
pub fn keep(ctx: &mut Ctx, b: &mut Builder, cell: Value) {
    let sig = Signature::internal(&[AbiType::I64], &[]);
    let (func, sig) = ctx.shared("told.keep", sig, |ctx, func| {
        let mut b = Builder::new(Func { cold: true, ..func });
        let cell = b.func.params()[0];
        let (done, restore, dropped) = (b.block(), b.block(), b.block());
        let class = ctx.exception(&mut b, "TypeError");
        let matches = ctx.call1(&mut b, "PyErr_ExceptionMatches", &[class]);
        b.exit_unless(matches, done, &[]);
        let (words, text) = taken(ctx, &mut b);
        b.exit_unless(text, dropped, &[]);
        let length = ctx.call1(&mut b, "PyUnicode_GetLength", &[text]);
        let long = b.icmp_imm(IntCc::Sgt, length, BEFORE);
        b.exit_unless(long, restore, &[]);
        let first = b.iconst(0);
        let first = ctx.call1(&mut b, "PyUnicode_ReadChar", &[text, first]);
        let parsers = b.icmp_imm(IntCc::Eq, first, i64::from(MARK.as_bytes()[0]));
        b.exit_unless(parsers, restore, &[]);
        let start = b.iconst(BEFORE);
        let wrong = ctx.call1(&mut b, "PyUnicode_Substring", &[text, start, length]);
        b.store(MemType::I64, wrong, cell, WRONG);
        ctx.call(&mut b, "Py_DecRef", &[text]);
        b.jump(dropped, &[]);
        b.seal_and_switch_to(dropped);
        release(ctx, &mut b, &words);
        b.jump(done, &[]);
        b.seal_and_switch_to(restore);
        ctx.call(&mut b, "Py_DecRef", &[text]);
        ctx.call(&mut b, "PyErr_Restore", &words);
        b.jump(done, &[]);
        b.seal_and_switch_to(done);
        b.ret(&[]);
        b.finish()
    });
    b.call(func, &sig, &[cell]);
}

/// The parser has failed: where a converter has left words before this cell, they become part of the exception. They are consumed.
pub fn retell(ctx: &mut Ctx, b: &mut Builder, cell: Value) {
    let sig = Signature::internal(&[AbiType::I64], &[]);
    let (func, sig) = ctx.shared("told.retell", sig, |ctx, func| {
        let mut b = Builder::new(Func { cold: true, ..func });
        let cell = b.func.params()[0];
        let (done, drop_wrong, drop_all) = (b.block(), b.block(), b.block());
        let wrong = b.load(MemType::I64, cell, WRONG);
        b.exit_unless(wrong, done, &[]);
        let class = ctx.exception(&mut b, "SystemError");
        let matches = ctx.call1(&mut b, "PyErr_ExceptionMatches", &[class]);
        b.exit_unless(matches, drop_wrong, &[]);
        let (words, text) = taken(ctx, &mut b);
        b.exit_unless(text, drop_all, &[]);
        let vague = ctx.c_string(&mut b, " (unspecified)");
        let vague = ctx.call1(&mut b, "PyUnicode_FromString", &[vague]);
        let (replace, made) = (b.block(), b.block());
        let result = b.param(made, Type::I64);
        b.br(vague, replace, &[], made, &[vague]);
        b.seal_and_switch_to(replace);
        let once = b.iconst(1);
        let replaced = ctx.call1(&mut b, "PyUnicode_Replace", &[text, vague, wrong, once]);
        ctx.call(&mut b, "Py_DecRef", &[vague]);
        b.jump(made, &[replaced]);
        b.seal_and_switch_to(made);
        ctx.call(&mut b, "Py_DecRef", &[text]);
        b.exit_unless(result, drop_all, &[]);
        let class = ctx.exception(&mut b, "TypeError");
        ctx.call(&mut b, "PyErr_SetObject", &[class, result]);
        ctx.call(&mut b, "Py_DecRef", &[result]);
        b.jump(drop_all, &[]);
        b.seal_and_switch_to(drop_all);
        release(ctx, &mut b, &words);
        b.jump(drop_wrong, &[]);
        b.seal_and_switch_to(drop_wrong);
        ctx.call(&mut b, "Py_DecRef", &[wrong]);
        b.jump(done, &[]);
        b.seal_and_switch_to(done);
        b.ret(&[]);
        b.finish()
    });
    b.call(func, &sig, &[cell]);
}

/// Nothing is wrong yet.
pub fn clear(b: &mut Builder, cell: Value) {
    let null = b.iconst(0);
    b.store(MemType::I64, null, cell, WRONG);
}

/// Holds an object to the end of the call; the reference is consumed.
pub fn hold(ctx: &mut Ctx, b: &mut Builder, cell: Value, object: Value) {
    let before = b.load(MemType::I64, cell, HELD);
    b.store(MemType::I64, object, cell, HELD);
    ctx.call(b, "Py_DecRef", &[before]);
}
