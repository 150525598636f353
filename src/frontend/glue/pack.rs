//! Arguments of the vectorcall convention as a tuple and a dict, which is what the parser takes.
//!
//! Functions that the whole module shares.

use super::ctx::Ctx;
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, Block, Func, Signature, Value};
use crate::ir::op::{IntCc, MemType, Op, Type};

/// A new tuple of `count` arguments, or NULL with an exception.
pub fn tuple(ctx: &mut Ctx, b: &mut Builder, args: Value, count: Value) -> Value {
    let sig = Signature::internal(&[AbiType::I64; 2], &[AbiType::I64]);
    let (func, sig) = ctx.shared("pack.tuple", sig, |ctx, func| {
        let mut b = Builder::new(Func { cold: true, ..func });
        let (args, count) = (b.func.params()[0], b.func.params()[1]);
        let (next, item, done) = (b.block(), b.block(), b.block());
        let left = b.param(next, Type::I64);
        let tuple = ctx.call1(&mut b, "PyTuple_New", &[count]);
        b.exit_unless(tuple, done, &[]);
        b.jump(next, &[count]);
        // From the last to the first: one thing less to keep over the calls.
        b.switch_to(next);
        let one = b.iconst(1);
        let at = b.op(Op::Isub, &[left, one]);
        let more = b.icmp_imm(IntCc::Sge, at, 0);
        b.br(more, item, &[], done, &[]);
        b.seal_and_switch_to(item);
        let object = load_item(&mut b, args, at);
        ctx.call(&mut b, "Py_IncRef", &[object]);
        let object = load_item(&mut b, args, at);
        ctx.call(&mut b, "PyTuple_SetItem", &[tuple, at, object]);
        b.jump(next, &[at]);
        b.seal(next);
        b.seal_and_switch_to(done);
        b.ret(&[tuple]);
        b.finish()
    });
    b.call(func, &sig, &[args, count])[0]
}

/// A new dict of keyword names and values, or NULL with an exception.
pub fn dict(ctx: &mut Ctx, b: &mut Builder, values: Value, names: Value) -> Value {
    let sig = Signature::internal(&[AbiType::I64; 2], &[AbiType::I64]);
    let (func, sig) = ctx.shared("pack.dict", sig, |ctx, func| {
        let mut b = Builder::new(Func { cold: true, ..func });
        let (values, names) = (b.func.params()[0], b.func.params()[1]);
        let (null, failed, done) = (b.cold_block(), b.cold_block(), b.block());
        let dict = ctx.call1(&mut b, "PyDict_New", &[]);
        b.exit_unless(dict, null, &[]);
        let count = ctx.call1(&mut b, "PyTuple_Size", &[names]);
        each(&mut b, count, done, |b, at| {
            let name = ctx.call1(b, "PyTuple_GetItem", &[names, at]);
            let value = load_item(b, values, at);
            let error = ctx.call1(b, "PyDict_SetItem", &[dict, name, value]);
            b.exit_if(error, failed, &[]);
        });
        b.seal_and_switch_to(done);
        b.ret(&[dict]);
        b.seal_and_switch_to(failed);
        ctx.call(&mut b, "Py_DecRef", &[dict]);
        b.jump(null, &[]);
        b.seal_and_switch_to(null);
        let none = b.iconst(0);
        b.ret(&[none]);
        b.finish()
    });
    b.call(func, &sig, &[values, names])[0]
}

/// Runs `body` for 0, 1, ... `count` - 1, then goes to `done`.
pub fn each(b: &mut Builder, count: Value, done: Block, body: impl FnOnce(&mut Builder, Value)) {
    let (head, inside) = (b.block(), b.block());
    let at = b.param(head, Type::I64);
    let zero = b.iconst(0);
    b.jump(head, &[zero]);
    b.switch_to(head);
    let more = b.icmp(IntCc::Slt, at, count);
    b.br(more, inside, &[], done, &[]);
    b.seal_and_switch_to(inside);
    body(b, at);
    let one = b.iconst(1);
    let next = b.op(Op::Iadd, &[at, one]);
    b.jump(head, &[next]);
    b.seal(head);
}

/// The object at a place of an array.
pub fn load_item(b: &mut Builder, array: Value, at: Value) -> Value {
    let three = b.iconst(3);
    let offset = b.op(Op::Ishl, &[at, three]);
    let address = b.op(Op::Iadd, &[array, offset]);
    b.load(MemType::I64, address, 0)
}
