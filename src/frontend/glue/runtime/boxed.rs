//! Values as objects and back, and operations left to CPython. Objects that come in are consumed, whatever happens; NULL stands for a
//! failure whose exception is set, and passes through.

use super::super::ctx::Ctx;
use super::super::state;
use super::raise;
use super::{call, call_cold};
use crate::frontend::lang::typed::Ty;
use crate::ir::builder::Builder;
use crate::ir::func::AbiType::{self, F64, I64};
use crate::ir::func::{Signature, Value};
use crate::ir::op::{FloatCc, IntCc, MemType, Type};

/// A new object of a number; NULL where there is no memory.
pub fn boxed(ctx: &mut Ctx, b: &mut Builder, ty: Ty, value: Value) -> Value {
    match ty {
        Ty::Bool => ctx.call1(b, "PyBool_FromLong", &[value]),
        Ty::I64 => ctx.call1(b, "PyLong_FromLongLong", &[value]),
        Ty::U64 => ctx.call1(b, "PyLong_FromUnsignedLongLong", &[value]),
        Ty::F64 => ctx.call1(b, "PyFloat_FromDouble", &[value]),
        Ty::Complex | Ty::None | Ty::Str { .. } | Ty::View(_) | Ty::Object => {
            unreachable!("{ty:?} is no number")
        }
    }
}

/// Calls a C-API function on objects; those in `owned` are consumed and may be NULL, then the result is.
pub fn apply(
    ctx: &mut Ctx,
    b: &mut Builder,
    api: &str,
    owned: &[Value],
    borrowed: &[Value],
) -> Value {
    consuming(ctx, b, owned, |ctx, b| {
        let args: Vec<Value> = owned.iter().chain(borrowed).copied().collect();
        ctx.call1(b, api, &args)
    })
}

/// The object that `make` makes of objects, which are consumed; NULL where one of them is.
fn consuming<'a>(
    ctx: &mut Ctx<'a>,
    b: &mut Builder,
    owned: &[Value],
    make: impl FnOnce(&mut Ctx<'a>, &mut Builder) -> Value,
) -> Value {
    let release = b.block_like_current();
    let result = b.param(release, Type::I64);
    let null = b.iconst(0);
    for &object in owned {
        let missing = b.icmp(IntCc::Eq, object, null);
        b.exit_if(missing, release, &[null]);
    }
    let made = make(ctx, b);
    b.jump(release, &[made]);
    b.seal_and_switch_to(release);
    for &object in owned {
        // Py_DecRef takes NULL.
        ctx.call(b, "Py_DecRef", &[object]);
    }
    result
}

/// Calls a function (borrowed) on objects, which are consumed and may be NULL, then the result is.
pub fn call_function(ctx: &mut Ctx, b: &mut Builder, function: Value, objects: &[Value]) -> Value {
    let name = format!("call.{}", objects.len());
    let params = vec![I64; objects.len() + 1];
    let args: Vec<Value> = std::iter::once(function)
        .chain(objects.iter().copied())
        .collect();
    let shape: (&[AbiType], &[AbiType]) = (&params, &[I64]);
    call(ctx, b, &name, shape, &args, |ctx, b, params| {
        let result = consuming(ctx, b, &params[1..], |ctx, b| {
            let (import, sig) = ctx.api("PyObject_CallFunctionObjArgs");
            let mut args = params.to_vec();
            args.push(b.iconst(0));
            let sig = Signature {
                params: vec![I64; args.len()],
                ..sig
            };
            b.call_variadic(import, sig, &args)[0]
        });
        b.ret(&[result]);
    })[0]
}

/// The value of an object of the matching Python type, and a flag. `misfit` is the NUL-terminated text of the OverflowError where an integer
/// does not fit, and of the ValueError where an object that should be a float is not real.
pub fn unboxed(
    ctx: &mut Ctx,
    b: &mut Builder,
    ty: Ty,
    object: Value,
    misfit: Value,
) -> (Value, Value) {
    let args = [object, misfit];
    let result = match ty {
        Ty::Bool => {
            let shape: (&[_], &[_]) = (&[I64, I64], &[I64, I64]);
            let results = call(ctx, b, "unbox.bool", shape, &args, unbox_bool);
            [results[0], results[1]]
        }
        Ty::I64 => unbox_number(
            ctx,
            b,
            ("unbox.i64", "PyLong_AsLongLong", I64),
            ("OverflowError", "OverflowError"),
            &args,
        ),
        Ty::U64 => unbox_number(
            ctx,
            b,
            ("unbox.u64", "PyLong_AsUnsignedLongLong", I64),
            ("OverflowError", "OverflowError"),
            &args,
        ),
        Ty::F64 => unbox_number(
            ctx,
            b,
            ("unbox.f64", "PyFloat_AsDouble", F64),
            ("TypeError", "ValueError"),
            &args,
        ),
        Ty::Complex | Ty::None | Ty::Str { .. } | Ty::View(_) | Ty::Object => {
            unreachable!("objects are never unboxed to {ty:?}")
        }
    };
    (result[0], result[1])
}

fn unbox_bool<'a>(ctx: &mut Ctx<'a>, b: &mut Builder, params: &[Value]) {
    let fails = b.cold_block();
    let zero = b.iconst(0);
    let one = b.iconst(1);
    let missing = b.icmp(IntCc::Eq, params[0], zero);
    b.exit_if(missing, fails, &[]);
    let truth = ctx.call1(b, "PyObject_IsTrue", &[params[0]]);
    ctx.call(b, "Py_DecRef", &[params[0]]);
    let failed = b.icmp(IntCc::Slt, truth, zero);
    b.exit_if(failed, fails, &[]);
    b.ret(&[truth, zero]);
    b.seal_and_switch_to(fails);
    b.ret(&[zero, one]);
}

/// Conversion by `api`, which gives -1 on failure; its exception `theirs` becomes `ours` with the misfit's text.
fn unbox_number(
    ctx: &mut Ctx,
    b: &mut Builder,
    (name, api, abi): (&str, &str, AbiType),
    (theirs, ours): (&str, &str),
    args: &[Value],
) -> [Value; 2] {
    let shape: (&[AbiType], &[AbiType]) = (&[I64, I64], &[abi, I64]);
    let results = call(ctx, b, name, shape, args, |ctx, b, params| {
        let [object, misfit] = *params else {
            unreachable!("two parameters")
        };
        let doubtful = b.cold_block();
        let fails = b.cold_block();
        let zero = b.iconst(0);
        let missing = b.icmp(IntCc::Eq, object, zero);
        b.exit_if(missing, fails, &[]);
        let value = ctx.call1(b, api, &[object]);
        ctx.call(b, "Py_DecRef", &[object]);
        let suspect = if abi == F64 {
            let minus_one = b.fconst(-1.0);
            b.fcmp(FloatCc::Eq, value, minus_one)
        } else {
            b.icmp_imm(IntCc::Eq, value, -1)
        };
        b.exit_if(suspect, doubtful, &[]);
        b.ret(&[value, zero]);

        b.seal_and_switch_to(doubtful);
        let raised = ctx.call1(b, "PyErr_Occurred", &[]);
        b.exit_if(raised, fails, &[]);
        b.ret(&[value, zero]);

        b.seal_and_switch_to(fails);
        replace_exception(ctx, b, theirs, ours, misfit);
        let nothing = if abi == F64 { b.fconst(0.0) } else { zero };
        let one = b.iconst(1);
        b.ret(&[nothing, one]);
    });
    [results[0], results[1]]
}

/// Where the exception that is set is a `theirs`, sets an `ours` with the text at `text` instead.
fn replace_exception(ctx: &mut Ctx, b: &mut Builder, theirs: &str, ours: &str, text: Value) {
    let done = b.cold_block();
    let class = ctx.exception(b, theirs);
    let matches = ctx.call1(b, "PyErr_ExceptionMatches", &[class]);
    b.exit_unless(matches, done, &[]);
    raise::text_at(ctx, b, ours, text);
    b.jump(done, &[]);
    b.seal_and_switch_to(done);
}

/// A new reference to attribute `attribute` of module `module`, or NULL.
pub fn module_attribute(ctx: &mut Ctx, b: &mut Builder, module: &str, attribute: &str) -> Value {
    let attribute = ctx.c_string(b, attribute);
    let name = format!("attribute.{module}");
    let results = call_cold(
        ctx,
        b,
        &name,
        (&[I64], &[I64]),
        &[attribute],
        |ctx, b, params| {
            let name = ctx.c_string(b, module);
            let module = ctx.call1(b, "PyImport_ImportModule", &[name]);
            let found = apply(ctx, b, "PyObject_GetAttrString", &[module], &[params[0]]);
            b.ret(&[found]);
        },
    );
    results[0]
}

/// Function `index` of [`Ctx::functions`] (borrowed), or NULL with the exception set. It is found when first asked for, so that one which the
/// running version does not have is only missed where it is called.
pub fn module_function(ctx: &mut Ctx, b: &mut Builder, self_: Value, index: usize) -> Value {
    let (module, function) = ctx.functions[index].clone();
    let offset = state::function_offset(ctx, index);
    let name = format!("function.{module}.{function}");
    call(
        ctx,
        b,
        &name,
        (&[I64], &[I64]),
        &[self_],
        |ctx, b, params| {
            let (absent, find) = (b.cold_block(), b.cold_block());
            let (there, missing) = (b.block(), b.cold_block());
            let known = b.param(there, Type::I64);
            let null = b.iconst(0);
            let state = ctx.call1(b, "PyModule_GetState", &[params[0]]);
            let no_state = b.icmp(IntCc::Eq, state, null);
            b.exit_if(no_state, absent, &[]);
            let kept = b.load(MemType::I64, state, offset);
            b.br(kept, there, &[kept], find, &[]);

            b.seal_and_switch_to(find);
            let found = module_attribute(ctx, b, module, &function);
            let failed = b.icmp(IntCc::Eq, found, null);
            b.exit_if(failed, missing, &[]);
            // The import may have let another thread come first.
            let (first, second) = (b.cold_block(), b.cold_block());
            let meanwhile = b.load(MemType::I64, state, offset);
            b.br(meanwhile, second, &[], first, &[]);
            b.seal_and_switch_to(second);
            ctx.call(b, "Py_DecRef", &[found]);
            b.jump(there, &[meanwhile]);
            b.seal_and_switch_to(first);
            b.store(MemType::I64, found, state, offset);
            b.jump(there, &[found]);

            b.seal_and_switch_to(there);
            b.ret(&[known]);
            b.seal_and_switch_to(absent);
            raise::no_state(ctx, b);
            b.jump(missing, &[]);
            b.seal_and_switch_to(missing);
            b.ret(&[null]);
        },
    )[0]
}
