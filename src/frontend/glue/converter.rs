//! Converters of our own: what `PyArg_ParseTuple` has no unit for, as `O&` functions for the parser.
//!
//! In: a conversion. Out: `int (*)(PyObject *, void *)`: 1, or 0 with an exception; the second argument is the parameter's cell (`cells`). What a
//! converter takes is given back by the wrapper, whatever happens, so the parser has nothing to clean up. Messages are in the style of
//! `value does not fit in u8`.

use super::buffer::{self, Wanted};
use super::cells::{LENGTH, OBJECT, moved};
use super::convert::fits;
use super::ctx::Ctx;
use crate::frontend::lang::typed::IntTy;
use crate::frontend::spec::module::Convert;
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, Func, Signature, Value};
use crate::ir::op::{IntCc, MemType};
use crate::ir::program::FuncId;

/// The name of a conversion's own converter; `None` for those that the parser has a unit for.
pub fn name(convert: Convert) -> Option<String> {
    match convert {
        Convert::IntOwn(_, name) => Some(name.to_owned()),
        Convert::Bytes { nullable: true } => Some("bytes.none".to_owned()),
        Convert::Str { nullable: true } => Some("str.none".to_owned()),
        Convert::Buffer { nullable, name, .. } => {
            let word = |c: char| if c.is_ascii_alphanumeric() { c } else { '.' };
            let plain = name.split('|').map(str::trim).find(|part| *part != "None");
            let plain: String = plain.unwrap_or(name).chars().map(word).collect();
            let none = if nullable { "none" } else { "" };
            Some(plain + none)
        }
        _ => None,
    }
}

/// The converter of a conversion that has a [`name`].
pub fn converter(ctx: &mut Ctx, convert: Convert) -> (FuncId, Signature) {
    let name = name(convert).unwrap_or_else(|| unreachable!("{convert:?} has a unit"));
    let sig = Signature::c(&[AbiType::I64; 2], Some(AbiType::I32));
    ctx.shared(&format!("convert.{name}"), sig, |ctx, func| {
        let mut b = Builder::new(Func {
            address_taken: true,
            cold: !matches!(convert, Convert::Buffer { .. }),
            ..func
        });
        let [object, cell] = *b.func.params() else {
            unreachable!("two parameters")
        };
        match convert {
            Convert::IntOwn(ty, name) => int(ctx, &mut b, [object, cell], ty, name),
            Convert::Buffer {
                item,
                mutable,
                nullable,
                name,
            } => {
                let wanted = Wanted {
                    item,
                    mutable,
                    nullable,
                };
                let name = noun(mutable, name);
                let taken = buffer::take(ctx, &mut b, [object, cell], wanted, &name);
                b.ret(&[taken]);
            }
            _ => or_none(ctx, &mut b, [object, cell], convert),
        }
        b.finish()
    })
}

/// A buffer's type as messages name it: `a writable buffer of f64`.
fn noun(mutable: bool, name: &str) -> String {
    let kind = if mutable {
        "a writable buffer"
    } else {
        "a buffer"
    };
    match name
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'))
    {
        Some((item, _)) => format!("{kind} of {}", item.trim()),
        None => kind.to_owned(),
    }
}

/// An int or what `__index__` makes of it, range-checked; `OverflowError` names the type.
fn int(ctx: &mut Ctx, b: &mut Builder, [object, cell]: [Value; 2], ty: IntTy, name: &str) {
    let (failed, check, unfit, store) = (b.cold_block(), b.cold_block(), b.cold_block(), b.block());
    let index = ctx.call1(b, "PyNumber_Index", &[object]);
    b.exit_unless(index, failed, &[]);
    let unsigned = ty == IntTy::U64;
    let read = if unsigned {
        "PyLong_AsUnsignedLongLong"
    } else {
        "PyLong_AsLongLong"
    };
    let value = ctx.call1(b, read, &[index]);
    ctx.call(b, "Py_DecRef", &[index]);
    let suspect = b.icmp_imm(IntCc::Eq, value, -1);
    let plain = b.block();
    b.br(suspect, check, &[], plain, &[]);
    b.switch_to(check);
    let error = ctx.call1(b, "PyErr_Occurred", &[]);
    b.br(error, unfit, &[], plain, &[]);
    b.seal(check);
    b.seal_and_switch_to(plain);
    if ty.bits() < 64 {
        let fits = fits(b, ty, value);
        b.exit_unless(fits, unfit, &[]);
    }
    b.jump(store, &[]);
    b.seal_and_switch_to(store);
    b.store(MemType::I64, value, cell, 0);
    let one = b.iconst(1);
    b.ret(&[one]);
    // The one way an int can fail to convert is that it does not fit: CPython's text gives way to ours.
    b.seal_and_switch_to(unfit);
    let class = ctx.exception(b, "OverflowError");
    let text = ctx.c_string(b, &format!("value does not fit in {name}"));
    ctx.call(b, "PyErr_SetString", &[class, text]);
    b.jump(failed, &[]);
    b.seal_and_switch_to(failed);
    let zero = b.iconst(0);
    b.ret(&[zero]);
}

/// `bytes | None` and `str | None`.
fn or_none(ctx: &mut Ctx, b: &mut Builder, [object, cell]: [Value; 2], convert: Convert) {
    let (something, done, failed) = (b.block(), b.block(), b.cold_block());
    let is_bytes = matches!(convert, Convert::Bytes { .. });
    let kept = if is_bytes { OBJECT } else { 0 };
    let none = ctx.object(b, "_Py_NoneStruct");
    let is_none = b.icmp(IntCc::Eq, object, none);
    b.exit_unless(is_none, something, &[]);
    if is_bytes {
        let [null, length] = [0, -1].map(|part| b.iconst(part));
        b.store(MemType::I64, null, cell, 0);
        b.store(MemType::I64, length, cell, LENGTH);
        b.store(MemType::I64, null, cell, OBJECT);
    } else {
        b.store(MemType::I64, object, cell, 0);
    }
    b.jump(done, &[]);
    b.seal_and_switch_to(something);
    let refused = if is_bytes {
        let length = moved(b, cell, LENGTH);
        ctx.call1(b, "PyBytes_AsStringAndSize", &[object, cell, length])
    } else {
        let length = ctx.call1(b, "PyUnicode_GetLength", &[object]);
        b.icmp_imm(IntCc::Slt, length, 0)
    };
    b.exit_if(refused, failed, &[]);
    b.store(MemType::I64, object, cell, kept);
    b.jump(done, &[]);
    b.seal_and_switch_to(done);
    let yes = b.iconst(1);
    b.ret(&[yes]);
    b.seal_and_switch_to(failed);
    ctx.call(b, "PyErr_Clear", &[]);
    let name = if is_bytes { "bytes" } else { "str" };
    let [name, suffix] = [name, " or None"].map(|text| ctx.c_string(b, text));
    buffer::expected(ctx, b, [object, name, suffix]);
    let no = b.iconst(0);
    b.ret(&[no]);
}
