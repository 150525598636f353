//! Ints of up to 64 bits, signed, as the hot path takes them.
//!
//! In: an object, where to leave. Out: its value. Those that are read in place are in `direct`; ranges of narrower types are `convert`'s business.

use super::access::Access;
use super::convert::Exits;
use super::ctx::Ctx;
use super::direct;
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, Func, Signature, Value};
use crate::ir::op::{IntCc, Type};

/// `PyLong_AsSsize_t` takes an int, or raises without running user code; unlike `PyLong_AsLongLong` it is quick for ints of several digits.
pub fn read(ctx: &mut Ctx, b: &mut Builder, object: Value, exits: &Exits) -> Value {
    if ctx.access == Access::Fields {
        return direct::int(ctx, b, object, exits);
    }
    let read = ctx.call1(b, "PyLong_AsSsize_t", &[object]);
    let (suspect, fine) = (b.cold_block(), b.block());
    let value = b.param(fine, Type::I64);
    let minus_one = b.icmp_imm(IntCc::Eq, read, -1);
    b.br(minus_one, suspect, &[], fine, &[read]);
    b.seal_and_switch_to(suspect);
    let sig = Signature::internal(&[], &[AbiType::I64]);
    let (func, sig) = ctx.shared("int.failed", sig, make_int_failed);
    let again = b.call(func, &sig, &[])[0];
    b.br(again, fine, &[again], exits.cold, &exits.known);
    b.seal_and_switch_to(fine);
    value
}

/// -1 where that is the value; 0 where it stands for an exception, which is forgotten. The value is said again so that the usual path keeps
/// nothing over this call.
fn make_int_failed(ctx: &mut Ctx, func: Func) -> Func {
    let mut b = Builder::new(Func { cold: true, ..func });
    let (failed, fine) = (b.block(), b.block());
    let error = ctx.call1(&mut b, "PyErr_Occurred", &[]);
    b.br(error, failed, &[], fine, &[]);
    b.seal_and_switch_to(failed);
    ctx.call(&mut b, "PyErr_Clear", &[]);
    let nothing = b.iconst(0);
    b.ret(&[nothing]);
    b.seal_and_switch_to(fine);
    let minus_one = b.iconst(-1);
    b.ret(&[minus_one]);
    b.finish()
}
