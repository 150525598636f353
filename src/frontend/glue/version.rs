//! Which interpreter are we in? A shared function reads the text of `Py_GetVersion`: the one source that is safe before any object is
//! touched, on every version and build.

use super::ctx::Ctx;
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, Func, Signature, Value};
use crate::ir::op::{IntCc, MemType, Op, Type};

/// Minor version (3.x), and 1 on free-threaded builds, else 0.
pub fn interpreter(ctx: &mut Ctx, b: &mut Builder) -> (Value, Value) {
    let sig = Signature::internal(&[], &[AbiType::I64, AbiType::I64]);
    let (func, sig) = ctx.shared("interpreter.version", sig, make);
    let results = b.call(func, &sig, &[]);
    (results[0], results[1])
}

/// 1 where objects have their counts at the start and nothing adds all counts up: a build with a GIL and without `Py_REF_DEBUG`; else 0.
pub fn is_plain(ctx: &mut Ctx, b: &mut Builder) -> Value {
    let sig = Signature::internal(&[], &[AbiType::I64]);
    let (func, sig) = ctx.shared("interpreter.plain", sig, |ctx, func| {
        let mut b = Builder::new(Func { cold: true, ..func });
        let no = b.block();
        let (_, free_threaded) = interpreter(ctx, &mut b);
        b.exit_if(free_threaded, no, &[]);
        // What `Py_REF_DEBUG` adds to `sys`. Up to 3.12 builds with longer heads of objects (`Py_TRACE_REFS`) have it too.
        let name = ctx.c_string(&mut b, "gettotalrefcount");
        let total = ctx.call1(&mut b, "PySys_GetObject", &[name]);
        b.exit_if(total, no, &[]);
        let answer = b.iconst(1);
        b.ret(&[answer]);
        b.seal_and_switch_to(no);
        let answer = b.iconst(0);
        b.ret(&[answer]);
        b.finish()
    });
    b.call(func, &sig, &[])[0]
}

/// The text is `3.14.4 free-threading build (main, ...` or `3.13.7 experimental free-threading build (...` there, `3.14.10 (main, ...`
/// elsewhere: digits behind `3.`, then a word that begins with `free` somewhere before the first parenthesis.
fn make(ctx: &mut Ctx, func: Func) -> Func {
    let mut b = Builder::new(Func { cold: true, ..func });
    let text = ctx.call1(&mut b, "Py_GetVersion", &[]);
    let (at, minor) = (b.var(Type::I64), b.var(Type::I64));
    let two = b.iconst(2);
    let start = b.op(Op::Iadd, &[text, two]);
    b.set(at, start);
    let zero = b.iconst(0);
    b.set(minor, zero);

    let (digits, digit, search) = (b.block(), b.block(), b.block());
    b.jump(digits, &[]);
    b.switch_to(digits);
    let p = b.get(at);
    let c = b.load(MemType::U8, p, 0);
    let ascii_zero = b.iconst(i64::from(b'0'));
    let value = b.op(Op::Isub, &[c, ascii_zero]);
    let is_digit = b.icmp_imm(IntCc::Ult, value, 10);
    b.br(is_digit, digit, &[], search, &[]);
    b.seal_and_switch_to(digit);
    let (so_far, ten) = (b.get(minor), b.iconst(10));
    let shifted = b.op(Op::Imul, &[so_far, ten]);
    let next = b.op(Op::Iadd, &[shifted, value]);
    b.set(minor, next);
    step(&mut b, at);
    b.jump(digits, &[]);
    b.seal(digits);

    // The text is at most 244 bytes in a variable of 250 and more (`Py_GetVersion`, getversion.c), so what is read with its end is there.
    let (more, gil, free) = (b.block(), b.block(), b.block());
    b.switch_to(search);
    let p = b.get(at);
    let c = b.load(MemType::U8, p, 0);
    let end = b.icmp_imm(IntCc::Eq, c, 0);
    b.exit_if(end, gil, &[]);
    let parenthesis = b.icmp_imm(IntCc::Eq, c, i64::from(b'('));
    b.exit_if(parenthesis, gil, &[]);
    let word = b.load(MemType::U32, p, 0);
    let same = b.icmp_imm(IntCc::Eq, word, i64::from(u32::from_le_bytes(*b"free")));
    b.exit_unless(same, more, &[]);
    b.jump(free, &[]);
    b.seal_and_switch_to(more);
    step(&mut b, at);
    b.jump(search, &[]);
    b.seal(search);
    for (block, flag) in [(gil, 0), (free, 1)] {
        b.seal_and_switch_to(block);
        let minor = b.get(minor);
        let flag = b.iconst(flag);
        b.ret(&[minor, flag]);
    }
    b.finish()
}

fn step(b: &mut Builder, at: crate::ir::builder::Var) {
    let (p, one) = (b.get(at), b.iconst(1));
    let next = b.op(Op::Iadd, &[p, one]);
    b.set(at, next);
}
