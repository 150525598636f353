//! Which interpreter are we in? A shared function reads the text of `Py_GetVersion`: the one source that is safe before any object is
//! touched, on every version and build.

use super::ctx::Ctx;
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, Block, Func, Signature, Value};
use crate::ir::op::{IntCc, MemType, Op, Type};

/// Minor version (3.x), and what is not 0 on free-threaded builds alone.
pub fn interpreter(ctx: &mut Ctx, b: &mut Builder) -> (Value, Value) {
    let sig = Signature::internal(&[], &[AbiType::I64, AbiType::I64]);
    let (func, sig) = ctx.shared("interpreter.version", sig, make);
    let results = b.call(func, &sig, &[]);
    (results[0], results[1])
}

/// Goes on where objects have their counts at the start and nothing adds all counts up: in builds with a GIL and without `Py_REF_DEBUG`.
pub fn exit_unless_plain(ctx: &mut Ctx, b: &mut Builder, free_threaded: Value, exit: Block) {
    b.exit_if(free_threaded, exit, &[]);
    // What `Py_REF_DEBUG` adds to `sys`. Up to 3.12 builds with longer heads of objects (`Py_TRACE_REFS`) have it too.
    let name = ctx.c_string(b, "gettotalrefcount");
    let total = ctx.call1(b, "PySys_GetObject", &[name]);
    b.exit_if(total, exit, &[]);
}

/// The text is `3.14.4 free-threading build (main, ...` or `3.13.7 experimental free-threading build (...` there, `3.14.10 (main, ...`
/// elsewhere: digits behind `3.`, then a word that begins with `free` somewhere before the first parenthesis.
fn make(ctx: &mut Ctx, func: Func) -> Func {
    let mut b = Builder::new(Func { cold: true, ..func });
    let text = ctx.call1(&mut b, "Py_GetVersion", &[]);
    let (digits, digit, search, done) = (b.block(), b.block(), b.block(), b.block());
    let [at, minor] = [0; 2].map(|_| b.param(digits, Type::I64));
    let (two, zero) = (b.iconst(2), b.iconst(0));
    let start = b.op(Op::Iadd, &[text, two]);
    b.jump(digits, &[start, zero]);
    b.switch_to(digits);
    let c = b.load(MemType::U8, at, 0);
    let ascii_zero = b.iconst(i64::from(b'0'));
    // Of all characters, digits alone become less than ten.
    let value = b.op(Op::Bxor, &[c, ascii_zero]);
    let is_digit = b.icmp_imm(IntCc::Ult, value, 10);
    let place = b.param(search, Type::I64);
    b.br(is_digit, digit, &[], search, &[at]);
    b.seal_and_switch_to(digit);
    let ten = b.iconst(10);
    let shifted = b.op(Op::Imul, &[minor, ten]);
    let more = b.op(Op::Iadd, &[shifted, value]);
    let next = step(&mut b, at);
    b.jump(digits, &[next, more]);
    b.seal(digits);

    // The text is at most 244 bytes in a variable of 250 and more (`Py_GetVersion`, getversion.c), so what is read with its end is there.
    b.switch_to(search);
    let flag = b.param(done, Type::I64);
    let c = b.load(MemType::U8, place, 0);
    b.exit_unless(c, done, &[c]);
    let parenthesis = b.iconst(i64::from(b'('));
    let differs = b.op(Op::Bxor, &[c, parenthesis]);
    b.exit_unless(differs, done, &[differs]);
    let word = b.load(MemType::U32, place, 0);
    let is_free = b.icmp_imm(IntCc::Eq, word, i64::from(u32::from_le_bytes(*b"free")));
    b.exit_if(is_free, done, &[differs]);
    let next = step(&mut b, place);
    b.jump(search, &[next]);
    b.seal(search);
    b.seal_and_switch_to(done);
    b.ret(&[minor, flag]);
    b.finish()
}

fn step(b: &mut Builder, at: Value) -> Value {
    let one = b.iconst(1);
    b.op(Op::Iadd, &[at, one])
}
