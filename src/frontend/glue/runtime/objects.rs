//! Shared functions on objects: names in the module's state, exceptions that are handled, raised and thrown again, items of iterables.
//!
//! In: objects, borrowed unless said otherwise. Out: new references, NULL or a flag where an exception is set. An exception that is being
//! handled is kept as its value alone: class and traceback are found through it.

use super::super::ctx::Ctx;
use super::super::state;
use super::super::version::interpreter;
use super::{boxed, call, call_cold, raise};
use crate::ir::builder::Builder;
use crate::ir::func::AbiType::I64;
use crate::ir::func::{Block, Signature, Value};
use crate::ir::op::{IntCc, MemType, Op, Type};

/// `Py_TPFLAGS_BASE_EXC_SUBCLASS`
const BASE_EXC_SUBCLASS: i64 = 1 << 30;
/// `Py_TPFLAGS_TYPE_SUBCLASS`
const TYPE_SUBCLASS: i64 = 1 << 31;

/// Name `index` of [`Ctx::names`] as a str (borrowed), or NULL with the exception set.
pub fn name(ctx: &mut Ctx, b: &mut Builder, self_: Value, index: usize) -> Value {
    let offset = b.iconst(i64::from(state::name_offset(ctx, index)));
    let shape: (&[_], &[_]) = (&[I64, I64], &[I64]);
    call(ctx, b, "name", shape, &[self_, offset], |ctx, b, params| {
        let absent = b.cold_block();
        let state = ctx.call1(b, "PyModule_GetState", &[params[0]]);
        b.exit_unless(state, absent, &[]);
        let place = b.op(Op::Iadd, &[state, params[1]]);
        let name = b.load(MemType::I64, place, 0);
        b.exit_unless(name, absent, &[]);
        b.ret(&[name]);
        b.seal_and_switch_to(absent);
        raise::no_state(ctx, b);
        let null = b.iconst(0);
        b.ret(&[null]);
    })[0]
}

/// Takes the exception that is set; a new reference to its value.
pub fn catch(ctx: &mut Ctx, b: &mut Builder) -> Value {
    call_cold(ctx, b, "catch", (&[], &[I64]), &[], |ctx, b, _| {
        let slot = b.slot(24, 8);
        let slot = b.slot_addr(slot);
        let [class, value, traceback] = [0, 8, 16].map(|at| {
            let at = b.iconst(at);
            b.op(Op::Iadd, &[slot, at])
        });
        let three = [class, value, traceback];
        ctx.call(b, "PyErr_Fetch", &three);
        ctx.call(b, "PyErr_NormalizeException", &three);
        let [class, value, traceback] = [0, 8, 16].map(|at| b.load(MemType::I64, slot, at));
        let (some, none) = (b.block(), b.block());
        b.br(traceback, some, &[], none, &[]);
        b.seal_and_switch_to(some);
        ctx.call(b, "PyException_SetTraceback", &[value, traceback]);
        ctx.call(b, "Py_DecRef", &[traceback]);
        b.jump(none, &[]);
        b.seal_and_switch_to(none);
        ctx.call(b, "Py_DecRef", &[class]);
        b.ret(&[value]);
    })[0]
}

/// A new reference to the exception that is being handled, or NULL.
pub fn handled(ctx: &mut Ctx, b: &mut Builder) -> Value {
    call_cold(ctx, b, "handled", (&[], &[I64]), &[], |ctx, b, _| {
        let slot = b.slot(24, 8);
        let slot = b.slot_addr(slot);
        let three = [0, 8, 16].map(|at| {
            let at = b.iconst(at);
            b.op(Op::Iadd, &[slot, at])
        });
        ctx.call(b, "PyErr_GetExcInfo", &three);
        let [class, value, traceback] = [0, 8, 16].map(|at| b.load(MemType::I64, slot, at));
        ctx.call(b, "Py_DecRef", &[class]);
        ctx.call(b, "Py_DecRef", &[traceback]);
        let (is_none, other) = (b.block(), b.block());
        let none = ctx.object(b, "_Py_NoneStruct");
        let same = b.icmp(IntCc::Eq, value, none);
        b.br(same, is_none, &[], other, &[]);
        b.seal_and_switch_to(is_none);
        ctx.call(b, "Py_DecRef", &[value]);
        let null = b.iconst(0);
        b.ret(&[null]);
        b.seal_and_switch_to(other);
        b.ret(&[value]);
    })[0]
}

/// Makes an exception, or none where it is NULL, the one that is being handled.
pub fn handle(ctx: &mut Ctx, b: &mut Builder, exception: Value) {
    let shape: (&[_], &[_]) = (&[I64], &[]);
    call_cold(ctx, b, "handle", shape, &[exception], |ctx, b, params| {
        let (some, none) = (b.block(), b.block());
        b.br(params[0], some, &[], none, &[]);
        b.seal_and_switch_to(none);
        let null = b.iconst(0);
        ctx.call(b, "PyErr_SetExcInfo", &[null, null, null]);
        b.ret(&[]);
        b.seal_and_switch_to(some);
        let class = ctx.call1(b, "PyObject_Type", &[params[0]]);
        let traceback = ctx.call1(b, "PyException_GetTraceback", &[params[0]]);
        ctx.call(b, "Py_IncRef", &[params[0]]);
        ctx.call(b, "PyErr_SetExcInfo", &[class, params[0], traceback]);
        b.ret(&[]);
    });
}

/// Sets an exception again, as it was; consumes it.
pub fn throw(ctx: &mut Ctx, b: &mut Builder, exception: Value) {
    let shape: (&[_], &[_]) = (&[I64], &[]);
    call_cold(ctx, b, "throw", shape, &[exception], |ctx, b, params| {
        let class = ctx.call1(b, "PyObject_Type", &[params[0]]);
        let traceback = ctx.call1(b, "PyException_GetTraceback", &[params[0]]);
        ctx.call(b, "PyErr_Restore", &[class, params[0], traceback]);
        b.ret(&[]);
    });
}

/// `raise` alone.
pub fn reraise(ctx: &mut Ctx, b: &mut Builder) {
    call_cold(ctx, b, "reraise", (&[], &[]), &[], |ctx, b, _| {
        let nothing = b.cold_block();
        let exception = handled(ctx, b);
        b.exit_unless(exception, nothing, &[]);
        throw(ctx, b, exception);
        b.ret(&[]);
        b.seal_and_switch_to(nothing);
        raise::text(ctx, b, "RuntimeError", "No active exception to reraise");
        b.ret(&[]);
    });
}

/// The flags of an object's class, and the class, a new reference.
fn class_flags(ctx: &mut Ctx, b: &mut Builder, object: Value) -> (Value, Value) {
    let class = ctx.call1(b, "PyObject_Type", &[object]);
    (ctx.call1(b, "PyType_GetFlags", &[class]), class)
}

/// A new reference to the exception that raising an object raises: itself, or what its class makes. NULL where it is none; `text` then says so.
fn instance(ctx: &mut Ctx, b: &mut Builder, object: Value, text: Value) -> Value {
    let shape: (&[_], &[_]) = (&[I64, I64], &[I64]);
    call_cold(
        ctx,
        b,
        "exception.instance",
        shape,
        &[object, text],
        |ctx, b, params| {
            let object = params[0];
            let (wrong, itself, made) = (b.cold_block(), b.block(), b.block());
            let class = b.block();
            let null = b.iconst(0);
            let (flags, of) = class_flags(ctx, b, object);
            ctx.call(b, "Py_DecRef", &[of]);
            let is_exception = flag(b, flags, BASE_EXC_SUBCLASS);
            b.exit_if(is_exception, itself, &[]);
            let is_class = flag(b, flags, TYPE_SUBCLASS);
            b.br(is_class, class, &[], wrong, &[]);

            b.seal_and_switch_to(class);
            let flags = ctx.call1(b, "PyType_GetFlags", &[object]);
            let is_exception = flag(b, flags, BASE_EXC_SUBCLASS);
            b.br(is_exception, made, &[], wrong, &[]);

            b.seal_and_switch_to(itself);
            ctx.call(b, "Py_IncRef", &[object]);
            b.ret(&[object]);

            b.seal_and_switch_to(made);
            let (failed, odd) = (b.cold_block(), b.cold_block());
            let value = boxed::call_function(ctx, b, object, &[]);
            b.exit_unless(value, failed, &[]);
            let (flags, of) = class_flags(ctx, b, value);
            let is_exception = flag(b, flags, BASE_EXC_SUBCLASS);
            b.exit_unless(is_exception, odd, &[]);
            ctx.call(b, "Py_DecRef", &[of]);
            b.ret(&[value]);

            b.seal_and_switch_to(odd);
            let error = ctx.exception(b, "TypeError");
            let format = "calling %R should have returned an instance of BaseException, not %R";
            let format = ctx.c_string(b, format);
            let (import, sig) = ctx.api("PyErr_Format");
            let args = [error, format, object, of];
            let sig = Signature {
                params: vec![I64; 4],
                ..sig
            };
            b.call_variadic(import, sig, &args);
            ctx.call(b, "Py_DecRef", &[of]);
            ctx.call(b, "Py_DecRef", &[value]);
            b.jump(failed, &[]);

            b.seal_and_switch_to(wrong);
            raise::text_at(ctx, b, "TypeError", params[1]);
            b.jump(failed, &[]);
            b.seal_and_switch_to(failed);
            b.ret(&[null]);
        },
    )[0]
}

fn flag(b: &mut Builder, flags: Value, bit: i64) -> Value {
    let bit = b.iconst(bit);
    b.op(Op::Band, &[flags, bit])
}

/// `raise exception from cause`, the cause NULL where there is none.
pub fn raise_object(ctx: &mut Ctx, b: &mut Builder, exception: Value, cause: Value) {
    let shape: (&[_], &[_]) = (&[I64, I64], &[]);
    let args = [exception, cause];
    call_cold(ctx, b, "raise.object", shape, &args, |ctx, b, params| {
        let (failed, release) = (b.cold_block(), b.cold_block());
        let (caused, because) = (b.block(), b.block());
        let text = ctx.c_string(b, "exceptions must derive from BaseException");
        let value = instance(ctx, b, params[0], text);
        b.exit_unless(value, failed, &[]);
        b.br(params[1], because, &[], caused, &[]);

        b.seal_and_switch_to(because);
        let (real, absent) = (b.block(), b.block());
        let none = ctx.object(b, "_Py_NoneStruct");
        let is_none = b.icmp(IntCc::Eq, params[1], none);
        b.br(is_none, absent, &[], real, &[]);
        b.seal_and_switch_to(absent);
        let null = b.iconst(0);
        ctx.call(b, "PyException_SetCause", &[value, null]);
        b.jump(caused, &[]);
        b.seal_and_switch_to(real);
        let text = ctx.c_string(b, "exception causes must derive from BaseException");
        let cause = instance(ctx, b, params[1], text);
        b.exit_unless(cause, release, &[]);
        ctx.call(b, "PyException_SetCause", &[value, cause]);
        b.jump(caused, &[]);

        b.seal_and_switch_to(caused);
        let class = ctx.call1(b, "PyObject_Type", &[value]);
        ctx.call(b, "PyErr_SetObject", &[class, value]);
        ctx.call(b, "Py_DecRef", &[class]);
        b.jump(release, &[]);
        b.seal_and_switch_to(release);
        ctx.call(b, "Py_DecRef", &[value]);
        b.jump(failed, &[]);
        b.seal_and_switch_to(failed);
        b.ret(&[]);
    });
}

/// The items of an iterable that has `count` of them, new references written to `out`; a flag.
pub fn unpack(ctx: &mut Ctx, b: &mut Builder, object: Value, count: usize, out: Value) -> Value {
    let count = b.iconst(count as i64);
    let shape: (&[_], &[_]) = (&[I64, I64, I64], &[I64]);
    call(
        ctx,
        b,
        "unpack",
        shape,
        &[object, count, out],
        |ctx, b, params| {
            let [object, count, out] = *params else {
                unreachable!("three parameters")
            };
            let (foreign, failed) = (b.cold_block(), b.cold_block());
            let (release, few, many) = (b.cold_block(), b.cold_block(), b.cold_block());
            let (head, next, ended, filled) = (b.block(), b.block(), b.block(), b.block());
            let at = b.param(head, Type::I64);
            let made = b.param(release, Type::I64);
            let zero = b.iconst(0);
            let iterator = ctx.call1(b, "PyObject_GetIter", &[object]);
            b.exit_unless(iterator, foreign, &[]);
            b.jump(head, &[zero]);

            b.switch_to(head);
            let more = b.icmp(IntCc::Ult, at, count);
            b.br(more, next, &[], filled, &[]);
            b.seal_and_switch_to(next);
            let item = ctx.call1(b, "PyIter_Next", &[iterator]);
            b.exit_unless(item, ended, &[]);
            let three = b.iconst(3);
            let offset = b.op(Op::Ishl, &[at, three]);
            let place = b.op(Op::Iadd, &[out, offset]);
            b.store(MemType::I64, item, place, 0);
            let one = b.iconst(1);
            let there = b.op(Op::Iadd, &[at, one]);
            b.jump(head, &[there]);
            b.seal(head);

            // One item more would be too many.
            b.seal_and_switch_to(filled);
            let surplus = ctx.call1(b, "PyIter_Next", &[iterator]);
            b.exit_if(surplus, many, &[]);
            let raised = ctx.call1(b, "PyErr_Occurred", &[]);
            b.exit_if(raised, release, &[count]);
            ctx.call(b, "Py_DecRef", &[iterator]);
            b.ret(&[zero]);

            b.seal_and_switch_to(ended);
            let raised = ctx.call1(b, "PyErr_Occurred", &[]);
            b.br(raised, release, &[at], few, &[]);
            b.seal_and_switch_to(few);
            let text = "not enough values to unpack (expected %zd, got %zd)";
            format_counts(ctx, b, text, &[count, at]);
            b.jump(release, &[at]);

            b.seal_and_switch_to(many);
            ctx.call(b, "Py_DecRef", &[surplus]);
            too_many(ctx, b, object, count);
            b.jump(release, &[count]);

            b.seal_and_switch_to(release);
            ctx.call(b, "Py_DecRef", &[iterator]);
            let drop = b.block();
            let left = b.param(drop, Type::I64);
            b.jump(drop, &[made]);
            b.switch_to(drop);
            b.exit_unless(left, failed, &[]);
            let one = b.iconst(1);
            let left = b.op(Op::Isub, &[left, one]);
            let three = b.iconst(3);
            let offset = b.op(Op::Ishl, &[left, three]);
            let place = b.op(Op::Iadd, &[out, offset]);
            let item = b.load(MemType::I64, place, 0);
            ctx.call(b, "Py_DecRef", &[item]);
            b.jump(drop, &[left]);
            b.seal(drop);

            b.seal_and_switch_to(foreign);
            no_iterable(ctx, b, object);
            b.jump(failed, &[]);
            b.seal_and_switch_to(failed);
            let one = b.iconst(1);
            b.ret(&[one]);
        },
    )[0]
}

/// Raises ValueError with one or two numbers in its text.
fn format_counts(ctx: &mut Ctx, b: &mut Builder, text: &str, counts: &[Value]) {
    let error = ctx.exception(b, "ValueError");
    let text = ctx.c_string(b, text);
    let (import, sig) = ctx.api("PyErr_Format");
    let args: Vec<Value> = [error, text]
        .into_iter()
        .chain(counts.iter().copied())
        .collect();
    let sig = Signature {
        params: vec![I64; args.len()],
        ..sig
    };
    b.call_variadic(import, sig, &args);
}

/// From 3.14 on, the text says how many there are where that is known without counting.
fn too_many(ctx: &mut Ctx, b: &mut Builder, object: Value, count: Value) {
    let (old, sized, done) = (b.cold_block(), b.cold_block(), b.cold_block());
    let (minor, _) = interpreter(ctx, b);
    let is_old = b.icmp_imm(IntCc::Slt, minor, 14);
    b.exit_if(is_old, old, &[]);
    let class = ctx.call1(b, "PyObject_Type", &[object]);
    ctx.call(b, "Py_DecRef", &[class]);
    for known in ["PyList_Type", "PyTuple_Type", "PyDict_Type"] {
        let known = ctx.object(b, known);
        let same = b.icmp(IntCc::Eq, class, known);
        b.exit_if(same, sized, &[]);
    }
    b.jump(old, &[]);
    b.seal_and_switch_to(sized);
    let size = ctx.call1(b, "PyObject_Size", &[object]);
    let text = "too many values to unpack (expected %zd, got %zd)";
    format_counts(ctx, b, text, &[count, size]);
    b.jump(done, &[]);
    b.seal_and_switch_to(old);
    format_counts(ctx, b, "too many values to unpack (expected %zd)", &[count]);
    b.jump(done, &[]);
    b.seal_and_switch_to(done);
}

/// Where an object is no iterable at all, the TypeError says what it was wanted for.
fn no_iterable(ctx: &mut Ctx, b: &mut Builder, object: Value) {
    let done: Block = b.cold_block();
    let error = ctx.exception(b, "TypeError");
    let matches = ctx.call1(b, "PyErr_ExceptionMatches", &[error]);
    b.exit_unless(matches, done, &[]);
    let sequence = ctx.call1(b, "PySequence_Check", &[object]);
    b.exit_if(sequence, done, &[]);
    let exception = catch(ctx, b);
    let class = ctx.call1(b, "PyObject_Type", &[object]);
    let (has, hasnt) = (b.cold_block(), b.cold_block());
    // Classes keep names that they were asked for: this is the one that they know.
    let iter = ctx.c_string(b, "__iter__");
    let iter = ctx.call1(b, "PyUnicode_InternFromString", &[iter]);
    ctx.call(b, "Py_IncRef", &[class]);
    let found = boxed::apply(ctx, b, "PyObject_GetAttr", &[class, iter], &[]);
    b.br(found, has, &[], hasnt, &[]);
    b.seal_and_switch_to(has);
    ctx.call(b, "Py_DecRef", &[found]);
    ctx.call(b, "Py_DecRef", &[class]);
    throw(ctx, b, exception);
    b.jump(done, &[]);
    b.seal_and_switch_to(hasnt);
    ctx.call(b, "PyErr_Clear", &[]);
    ctx.call(b, "Py_DecRef", &[exception]);
    let name = ctx.c_string(b, "__name__");
    let name = ctx.call1(b, "PyUnicode_InternFromString", &[name]);
    let name = boxed::apply(ctx, b, "PyObject_GetAttr", &[class, name], &[]);
    let (named, nameless) = (b.cold_block(), b.cold_block());
    b.br(name, named, &[], nameless, &[]);
    b.seal_and_switch_to(named);
    let error = ctx.exception(b, "TypeError");
    let text = ctx.c_string(b, "cannot unpack non-iterable %.200U object");
    let (import, sig) = ctx.api("PyErr_Format");
    let sig = Signature {
        params: vec![I64; 3],
        ..sig
    };
    b.call_variadic(import, sig, &[error, text, name]);
    ctx.call(b, "Py_DecRef", &[name]);
    b.jump(done, &[]);
    b.seal_and_switch_to(nameless);
    b.jump(done, &[]);
    b.seal_and_switch_to(done);
}
