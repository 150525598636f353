//! Floats taken by `PyFloat_AsDouble`, as the parser itself takes them: it may run a `__float__`, so they come behind all that can still leave for
//! the cold path.
//!
//! In: an object. Out: its value. Floats read in place are in `direct`.

use super::ctx::Ctx;
use crate::ir::builder::Builder;
use crate::ir::data::{Data, DataKind};
use crate::ir::func::{Block, Value};
use crate::ir::op::{FloatCc, MemType, Type};

/// The value of a float, or of what becomes one; leaves for `fails` with an exception raised.
pub fn take(ctx: &mut Ctx, b: &mut Builder, object: Value, fails: Block) -> Value {
    let read = ctx.call1(b, "PyFloat_AsDouble", &[object]);
    let (suspect, fine) = (b.cold_block(), b.block());
    let value = b.param(fine, Type::F64);
    let place = ctx.shared_data("float.minus_one", |_, name| {
        let mut data = Data::new(name, DataKind::ReadOnly, 8);
        data.bytes = (-1.0f64).to_le_bytes().to_vec();
        data
    });
    let place = b.data_addr(place, 0);
    let minus_one = b.load(MemType::F64, place, 0);
    let is_suspect = b.fcmp(FloatCc::Eq, read, minus_one);
    b.br(is_suspect, suspect, &[], fine, &[read]);
    b.seal_and_switch_to(suspect);
    let error = ctx.call1(b, "PyErr_Occurred", &[]);
    // Said again, so that the usual path keeps nothing over this call.
    let minus_one = b.load(MemType::F64, place, 0);
    b.br(error, fails, &[], fine, &[minus_one]);
    b.seal_and_switch_to(fine);
    value
}
