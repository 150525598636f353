//! Functions that bodies call and the whole module shares, each made when first needed ([`Ctx::shared`]): raising from cold paths,
//! arithmetic too long to repeat at each use, loops over bytes, and operations left to CPython on boxed values.
//!
//! All are `Conv::Internal`. Those that can fail return a flag behind their result, 1 where an exception is set; those named `raise`
//! always leave an exception set. Nothing here looks at a typed body.

pub mod arith;
pub mod boxed;
pub mod bytes;
pub mod memory;
pub mod objects;
pub mod raise;
pub mod search;
pub mod text;

use smallvec::SmallVec;

use super::ctx::Ctx;
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, Func, Signature, Value};

/// Makes the shared function `name` if it is not there yet, and calls it.
fn call<'a>(
    ctx: &mut Ctx<'a>,
    b: &mut Builder,
    name: &str,
    (params, results): (&[AbiType], &[AbiType]),
    args: &[Value],
    make: impl FnOnce(&mut Ctx<'a>, &mut Builder, &[Value]),
) -> SmallVec<[Value; 2]> {
    let sig = Signature::internal(params, results);
    let (func, sig) = ctx.shared(name, sig, |ctx, func| build(ctx, func, make));
    b.call(func, &sig, args)
}

/// As [`call`], for functions on rarely taken paths.
fn call_cold<'a>(
    ctx: &mut Ctx<'a>,
    b: &mut Builder,
    name: &str,
    (params, results): (&[AbiType], &[AbiType]),
    args: &[Value],
    make: impl FnOnce(&mut Ctx<'a>, &mut Builder, &[Value]),
) -> SmallVec<[Value; 2]> {
    let sig = Signature::internal(params, results);
    let (func, sig) = ctx.shared(name, sig, |ctx, mut func| {
        func.cold = true;
        build(ctx, func, make)
    });
    b.call(func, &sig, args)
}

/// Calls a shared function that always leaves an exception set. It gives 0, so that who has nothing to do afterwards can leave with a jump to it.
fn call_raising<'a>(
    ctx: &mut Ctx<'a>,
    b: &mut Builder,
    name: &str,
    params: &[AbiType],
    args: &[Value],
    make: impl FnOnce(&mut Ctx<'a>, &mut Builder, &[Value]),
) {
    let sig = Signature::internal(params, &[AbiType::I64]);
    let (func, sig) = ctx.shared(name, sig, |ctx, func| {
        let func = Func {
            cold: true,
            null: true,
            ..func
        };
        build(ctx, func, |ctx, b, params| {
            make(ctx, b, params);
            let null = b.iconst(0);
            b.ret(&[null]);
        })
    });
    b.call(func, &sig, args);
}

fn build<'a>(
    ctx: &mut Ctx<'a>,
    func: Func,
    make: impl FnOnce(&mut Ctx<'a>, &mut Builder, &[Value]),
) -> Func {
    let mut b = Builder::new(func);
    let params: SmallVec<[Value; 4]> = b.func.params().into();
    make(ctx, &mut b, &params);
    b.finish()
}
