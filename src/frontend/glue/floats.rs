//! Floats taken by `PyFloat_AsDouble`, as the parser itself takes them: it may run a `__float__`, so they come behind all that can still leave for
//! the cold path.
//!
//! In: an object. Out: its value. Floats read in place are in `direct`.

use super::ctx::Ctx;
use crate::ir::builder::Builder;
use crate::ir::data::{Data, DataKind};
use crate::ir::func::{AbiType, Block, Func, Signature, Value};
use crate::ir::op::{FloatCc, MemType, Type};

/// The value of a float, or of what becomes one; leaves for `fails` with an exception raised.
pub fn take(ctx: &mut Ctx, b: &mut Builder, object: Value, fails: Block) -> Value {
    let read = ctx.call1(b, "PyFloat_AsDouble", &[object]);
    let (suspect, fine) = (b.cold_block(), b.block());
    let value = b.param(fine, Type::F64);
    let minus_one = ctx.shared_data("float.minus_one", |_, name| {
        let mut data = Data::new(name, DataKind::ReadOnly, 8);
        data.bytes = (-1.0f64).to_le_bytes().to_vec();
        data
    });
    let place = b.data_addr(minus_one, 0);
    let said = b.load(MemType::F64, place, 0);
    let is_suspect = b.fcmp(FloatCc::Eq, read, said);
    b.br(is_suspect, suspect, &[], fine, &[read]);
    b.seal_and_switch_to(suspect);
    let sig = Signature::internal(&[], &[AbiType::F64, AbiType::I64]);
    let (func, sig) = ctx.shared("float.failed", sig, |ctx, func| {
        let mut b = Builder::new(Func { cold: true, ..func });
        let error = ctx.call1(&mut b, "PyErr_Occurred", &[]);
        let place = b.data_addr(minus_one, 0);
        let said = b.load(MemType::F64, place, 0);
        b.ret(&[said, error]);
        b.finish()
    });
    // -1 is said again, so that the usual path keeps nothing over this call.
    let results = b.call(func, &sig, &[]);
    b.br(results[1], fails, &[], fine, &[results[0]]);
    b.seal_and_switch_to(fine);
    value
}
