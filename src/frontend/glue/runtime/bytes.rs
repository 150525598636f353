//! New `bytes` and `bytearray` objects: in come an address and a size, out go the object and where its items are. NULL for the object stands for
//! a failure whose exception is set.

use super::super::ctx::Ctx;
use super::{call, memory};
use crate::ir::builder::Builder;
use crate::ir::func::AbiType::I64;
use crate::ir::func::Value;
use crate::ir::op::IntCc;

/// A new `bytes` of the `size` bytes at `from`, or, where that is NULL, one that nobody else has, of any content.
pub fn new_bytes(ctx: &mut Ctx, b: &mut Builder, from: Value, size: Value) -> (Value, Value) {
    let args = [from, size];
    let shape: (&[_], &[_]) = (&[I64; 2], &[I64; 2]);
    let results = call(ctx, b, "bytes.new", shape, &args, |ctx, b, params| {
        let failed = b.cold_block();
        let null = b.iconst(0);
        let object = ctx.call1(b, "PyBytes_FromStringAndSize", params);
        b.exit_unless(object, failed, &[]);
        // It cannot fail on a bytes.
        let address = ctx.call1(b, "PyBytes_AsString", &[object]);
        b.ret(&[object, address]);
        b.seal_and_switch_to(failed);
        b.ret(&[null, null]);
    });
    (results[0], results[1])
}

/// A new `bytearray` of the `size` bytes at `from`, or of any content where that is NULL.
///
/// It is made empty and then grows: `PyByteArray_FromStringAndSize` itself, where there is no memory for the items, looks at fields that
/// it has not written yet, and may say on `stderr` that the object is exported (3.9 to 3.13).
pub fn new_bytearray(ctx: &mut Ctx, b: &mut Builder, from: Value, size: Value) -> (Value, Value) {
    let args = [from, size];
    let shape: (&[_], &[_]) = (&[I64; 2], &[I64; 2]);
    let results = call(ctx, b, "bytearray.new", shape, &args, |ctx, b, params| {
        let (from, size) = (params[0], params[1]);
        let (no_room, failed) = (b.cold_block(), b.cold_block());
        let null = b.iconst(0);
        let object = ctx.call1(b, "PyByteArray_FromStringAndSize", &[null, null]);
        b.exit_unless(object, failed, &[]);
        let status = ctx.call1(b, "PyByteArray_Resize", &[object, size]);
        let refused = b.icmp_imm(IntCc::Ne, status, 0);
        b.exit_if(refused, no_room, &[]);
        // It cannot fail on a bytearray.
        let address = ctx.call1(b, "PyByteArray_AsString", &[object]);
        let (filled, done) = (b.block(), b.block());
        b.br(from, filled, &[], done, &[]);
        b.seal_and_switch_to(filled);
        memory::copy(ctx, b, address, from, size);
        b.jump(done, &[]);
        b.seal_and_switch_to(done);
        b.ret(&[object, address]);
        b.seal_and_switch_to(no_room);
        ctx.call(b, "Py_DecRef", &[object]);
        b.jump(failed, &[]);
        b.seal_and_switch_to(failed);
        b.ret(&[null, null]);
    });
    (results[0], results[1])
}
