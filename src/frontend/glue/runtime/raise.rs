//! Shared functions that leave an exception set. Texts that are CPython's own come from repeating the operation on boxed operands, so
//! they are those of the running version; where a text does not depend on the operands, the repeated operands are constants.

use super::super::ctx::Ctx;
use super::super::version::interpreter;
use super::{boxed, call_raising};
use crate::ir::builder::Builder;
use crate::ir::func::AbiType::{F64, I64};
use crate::ir::func::Value;
use crate::ir::op::{IntCc, Op};

/// Raises a builtin exception with our own text.
pub fn text(ctx: &mut Ctx, b: &mut Builder, exception: &str, text: &str) {
    let text = ctx.c_string(b, text);
    text_at(ctx, b, exception, text);
}

/// Raises a builtin exception with a text that the methods of a module are likely to have in common: where there are several methods, so is what
/// raises it.
pub fn usual(ctx: &mut Ctx, b: &mut Builder, exception: &str, why: &str) {
    const SEVERAL: usize = 3;
    if ctx.module.methods.len() < SEVERAL {
        return text(ctx, b, exception, why);
    }
    let number = ctx.program.c_string(why).0;
    let name = format!("raise.{exception}.{number}");
    call_raising(ctx, b, &name, &[], &[], |ctx, b, _| {
        text(ctx, b, exception, why);
    });
}

/// Raises a builtin exception with the NUL-terminated text at an address.
pub fn text_at(ctx: &mut Ctx, b: &mut Builder, exception: &str, text: Value) {
    let name = format!("raise.{exception}");
    call_raising(ctx, b, &name, &[I64], &[text], |ctx, b, params| {
        let class = ctx.exception(b, exception);
        ctx.call(b, "PyErr_SetString", &[class, params[0]]);
    });
}

/// Raises for a module that was not executed yet, or whose state was cleared.
pub fn no_state(ctx: &mut Ctx, b: &mut Builder) {
    let why = "the module is not initialized, or its state was cleared";
    text(ctx, b, "SystemError", why);
}

/// A failing operation of CPython whose message does not depend on its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the rows below say what each one is")]
pub enum Repeat {
    IntFloorDiv,
    IntMod,
    IntDiv,
    IntDivmod,
    IntPow,
    Shl,
    Shr,
    PowMod,
    FloatFloorDiv,
    FloatMod,
    FloatDiv,
    FloatDivmod,
}

/// Operands of a repeated operation.
enum Operands {
    Int(i64, i64),
    Float(f64, f64),
}

/// What is repeated: name of the shared function, C-API function (powers take a modulus as well), operands.
struct RepeatRow {
    name: &'static str,
    api: &'static str,
    operands: Operands,
    modulus: Option<Option<i64>>,
}

impl Repeat {
    fn row(self) -> RepeatRow {
        use Operands::{Float, Int};
        let row = |name, api, operands| RepeatRow {
            name,
            api,
            operands,
            modulus: None,
        };
        match self {
            Repeat::IntFloorDiv => row("int_floordiv", "PyNumber_FloorDivide", Int(1, 0)),
            Repeat::IntMod => row("int_mod", "PyNumber_Remainder", Int(1, 0)),
            Repeat::IntDiv => row("int_div", "PyNumber_TrueDivide", Int(1, 0)),
            Repeat::IntDivmod => row("int_divmod", "PyNumber_Divmod", Int(1, 0)),
            Repeat::IntPow => RepeatRow {
                modulus: Some(None),
                ..row("int_pow", "PyNumber_Power", Int(0, -1))
            },
            Repeat::Shl => row("shl", "PyNumber_Lshift", Int(1, -1)),
            Repeat::Shr => row("shr", "PyNumber_Rshift", Int(1, -1)),
            Repeat::PowMod => RepeatRow {
                modulus: Some(Some(0)),
                ..row("powmod", "PyNumber_Power", Int(1, 1))
            },
            Repeat::FloatFloorDiv => row("float_floordiv", "PyNumber_FloorDivide", Float(1.0, 0.0)),
            Repeat::FloatMod => row("float_mod", "PyNumber_Remainder", Float(1.0, 0.0)),
            Repeat::FloatDiv => row("float_div", "PyNumber_TrueDivide", Float(1.0, 0.0)),
            Repeat::FloatDivmod => row("float_divmod", "PyNumber_Divmod", Float(1.0, 0.0)),
        }
    }
}

/// Raises what CPython raises for the operation.
pub fn repeat(ctx: &mut Ctx, b: &mut Builder, what: Repeat) {
    let row = what.row();
    let name = format!("raise.{}", row.name);
    call_raising(ctx, b, &name, &[], &[], |ctx, b, _| {
        let done = b.cold_block();
        let (left, right) = match row.operands {
            Operands::Int(left, right) => (boxed_int(ctx, b, left), boxed_int(ctx, b, right)),
            Operands::Float(left, right) => {
                let mut boxed = |value| {
                    let value = b.fconst(value);
                    ctx.call1(b, "PyFloat_FromDouble", &[value])
                };
                (boxed(left), boxed(right))
            }
        };
        let mut owned = vec![left, right];
        let mut borrowed = Vec::new();
        match row.modulus {
            None => {}
            Some(None) => borrowed.push(ctx.object(b, "_Py_NoneStruct")),
            Some(Some(modulus)) => owned.push(boxed_int(ctx, b, modulus)),
        }
        let result = boxed::apply(ctx, b, row.api, &owned, &borrowed);
        let failed = b.icmp_imm(IntCc::Eq, result, 0);
        b.exit_if(failed, done, &[]);
        ctx.call(b, "Py_DecRef", &[result]);
        text(
            ctx,
            b,
            "SystemError",
            "an operation that fails on numbers has succeeded on objects",
        );
        b.jump(done, &[]);
        b.seal_and_switch_to(done);
    });
}

/// What None stands in the way of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are those of the operations")]
pub enum Need {
    Len,
    /// `x[...]`
    Item,
    /// `x[...] = y`
    Store,
    Iterate,
    /// `y in x`
    Contains,
    Encode,
    Decode,
    /// `bytes(x)`
    Bytes,
    /// `bytearray(x)`
    ByteArray,
    MemoryView,
    /// `x in bytes`
    Part,
    /// Anything else.
    Value,
}

impl Need {
    /// The operation of CPython that fails on None, the number of its operands, and the text of its last one, which is a name.
    fn row(self) -> Option<(&'static str, usize, Option<&'static str>)> {
        match self {
            Need::Len => Some(("PyObject_Size", 1, None)),
            Need::Item => Some(("PyObject_GetItem", 2, None)),
            Need::Store => Some(("PyObject_SetItem", 3, None)),
            Need::Iterate => Some(("PyObject_GetIter", 1, None)),
            Need::Contains => Some(("PySequence_Contains", 2, None)),
            Need::Encode => Some(("PyObject_GetAttrString", 1, Some("encode"))),
            Need::Decode => Some(("PyObject_GetAttrString", 1, Some("decode"))),
            Need::Bytes => Some(("PyBytes_FromObject", 1, None)),
            Need::ByteArray => Some(("PyByteArray_FromObject", 1, None)),
            Need::MemoryView => Some(("PyMemoryView_FromObject", 1, None)),
            Need::Part | Need::Value => None,
        }
    }
}

/// Raises what CPython raises for an operation on None.
pub fn none(ctx: &mut Ctx, b: &mut Builder, need: Need) {
    let Some((api, operands, attribute)) = need.row() else {
        let why = match need {
            Need::Part => "a bytes-like object is required, not 'NoneType'",
            _ => "unexpected None",
        };
        return text(ctx, b, "TypeError", why);
    };
    let name = format!("raise.none.{need:?}").to_lowercase();
    call_raising(ctx, b, &name, &[], &[], |ctx, b, _| {
        let none = ctx.object(b, "_Py_NoneStruct");
        let mut args = vec![none; operands];
        args.extend(attribute.map(|attribute| ctx.c_string(b, attribute)));
        // It fails: None is the same on all versions.
        ctx.call1(b, api, &args);
    });
}

/// Raises what `min()` or `max()` of nothing raises.
pub fn empty(ctx: &mut Ctx, b: &mut Builder, function: &str) {
    let name = format!("raise.empty.{function}");
    call_raising(ctx, b, &name, &[], &[], |ctx, b, _| {
        let (failed, ours) = (b.cold_block(), b.cold_block());
        // An import would be remembered by the interpreter in many places.
        let builtins = ctx.call1(b, "PyEval_GetBuiltins", &[]);
        let name = ctx.c_string(b, function);
        let function = ctx.call1(b, "PyDict_GetItemString", &[builtins, name]);
        b.exit_unless(function, ours, &[]);
        let zero = b.iconst(0);
        let nothing = ctx.call1(b, "PyTuple_New", &[zero]);
        let result = boxed::call_function(ctx, b, function, &[nothing]);
        // Somebody may have put another function there, or none.
        ctx.call(b, "Py_DecRef", &[result]);
        b.exit_unless(result, failed, &[]);
        b.jump(ours, &[]);
        b.seal_and_switch_to(ours);
        let class = ctx.exception(b, "ValueError");
        let text = ctx.c_string(b, "an empty sequence");
        ctx.call(b, "PyErr_SetString", &[class, text]);
        b.jump(failed, &[]);
        b.seal_and_switch_to(failed);
    });
}

fn boxed_int(ctx: &mut Ctx, b: &mut Builder, value: i64) -> Value {
    let value = b.iconst(value);
    ctx.call1(b, "PyLong_FromLongLong", &[value])
}

/// Raises what CPython raises where the float `value` is a NaN or infinite; else OverflowError with `text`.
pub fn float_to_int(ctx: &mut Ctx, b: &mut Builder, value: Value, text: &str) {
    let text = ctx.c_string(b, text);
    let name = "raise.float_to_int";
    call_raising(
        ctx,
        b,
        name,
        &[F64, I64],
        &[value, text],
        |ctx, b, params| {
            let done = b.cold_block();
            let object = ctx.call1(b, "PyLong_FromDouble", &[params[0]]);
            let failed = b.icmp_imm(IntCc::Eq, object, 0);
            b.exit_if(failed, done, &[]);
            ctx.call(b, "Py_DecRef", &[object]);
            text_at(ctx, b, "OverflowError", params[1]);
            b.jump(done, &[]);
            b.seal_and_switch_to(done);
        },
    );
}

/// Raises UnboundLocalError for the local `name`, in the words of the running version: they changed with 3.11.
pub fn unbound(ctx: &mut Ctx, b: &mut Builder, name: &str) {
    let old = format!("local variable '{name}' referenced before assignment");
    let new =
        format!("cannot access local variable '{name}' where it is not associated with a value");
    let args = [ctx.c_string(b, &old), ctx.c_string(b, &new)];
    call_raising(
        ctx,
        b,
        "raise.unbound",
        &[I64, I64],
        &args,
        |ctx, b, params| {
            let (minor, _) = interpreter(ctx, b);
            let is_old = b.icmp_imm(IntCc::Slt, minor, 11);
            let text = b.op(Op::Select, &[is_old, params[0], params[1]]);
            text_at(ctx, b, "UnboundLocalError", text);
        },
    );
}
