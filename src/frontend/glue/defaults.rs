//! The values of defaults: constants, views of constants, and objects that are made for the call.
//!
//! In: a parameter's conversion and its default, which is of its range. Out: the values the parameter is made of. Where objects are held is in
//! `cells`.

use super::cells::{self, Cells, Parts};
use super::ctx::Ctx;
use crate::frontend::lang::typed::Const;
use crate::frontend::spec::module::Convert;
use crate::ir::builder::Builder;
use crate::ir::data::{Data, DataKind};
use crate::ir::func::{Block, Value};
use crate::ir::op::Type;

/// Whether a default is an object that is made for each call; its last part is that object.
pub fn is_made(convert: Convert, value: &Const) -> bool {
    match (convert, value) {
        (Convert::Str { .. }, Const::Str(_)) | (Convert::Bytes { .. }, Const::Bytes(_)) => true,
        (Convert::Object, value) => !matches!(value, Const::None | Const::Bool(_)),
        _ => false,
    }
}

/// The value of a default that is not made.
pub fn value(ctx: &mut Ctx, b: &mut Builder, convert: Convert, value: &Const) -> Parts {
    debug_assert!(!is_made(convert, value));
    match (value, cells::types(convert)) {
        (Const::Str(text), _) => view(ctx, b, text.as_bytes()),
        (Const::Bytes(bytes), _) => view(ctx, b, bytes),
        (Const::None, [_, _, _]) => none(b),
        (Const::None, _) => [ctx.object(b, "_Py_NoneStruct")].into_iter().collect(),
        (Const::Complex(re, im), _) => floats(b, [*re, *im]),
        (value, [Type::F64, Type::F64]) => floats(b, [number(value), 0.0]),
        (value, [Type::F64]) if convert == Convert::F32 => {
            floats(b, [f64::from(number(value) as f32)])
        }
        (value, [Type::F64]) => floats(b, [number(value)]),
        (Const::Bool(value), _) if convert == Convert::Object => {
            let name = if *value {
                "_Py_TrueStruct"
            } else {
                "_Py_FalseStruct"
            };
            [ctx.object(b, name)].into_iter().collect()
        }
        (Const::Bool(value), _) => [b.iconst(i64::from(*value))].into_iter().collect(),
        (Const::Int(value), _) => [b.iconst(*value as i64)].into_iter().collect(),
        (Const::Float(_), _) => unreachable!("the spec's check refuses a float for an int"),
    }
}

/// Makes the object of a default, and holds it to the end of the call; goes to `fails` where there is no memory.
pub fn make(
    ctx: &mut Ctx,
    b: &mut Builder,
    cells: &mut Cells,
    at: usize,
    value: &Const,
    fails: Block,
) -> Parts {
    let (function, args) = match value {
        Const::Str(text) => ("PyUnicode_FromStringAndSize", view(ctx, b, text.as_bytes())),
        Const::Bytes(bytes) => ("PyBytes_FromStringAndSize", view(ctx, b, bytes)),
        Const::Int(int) => match (i64::try_from(*int), u64::try_from(*int)) {
            (Ok(int), _) => ("PyLong_FromLongLong", [b.iconst(int)].into_iter().collect()),
            (_, Ok(int)) => (
                "PyLong_FromUnsignedLongLong",
                [b.iconst(int as i64)].into_iter().collect(),
            ),
            _ => unreachable!("the spec's check refuses {int}"),
        },
        Const::Float(float) => ("PyFloat_FromDouble", floats(b, [*float])),
        Const::Complex(re, im) => ("PyComplex_FromDoubles", floats(b, [*re, *im])),
        other @ (Const::None | Const::Bool(_)) => unreachable!("{other:?} is there already"),
    };
    let taken = match value {
        Const::Str(_) | Const::Bytes(_) => 2,
        _ => args.len(),
    };
    let object = ctx.call1(b, function, &args[..taken]);
    b.exit_unless(object, fails, &[]);
    let (place, convert) = cells
        .made(at)
        .unwrap_or_else(|| unreachable!("a default that is made has a place"));
    cells.hold(b, place, object);
    match cells::types(convert) {
        [_, _, _] => [args[0], args[1], object].into(),
        _ => [object].into_iter().collect(),
    }
}

/// Nothing, where something of a type must stand.
pub fn zero(b: &mut Builder, ty: Type) -> Value {
    match ty {
        Type::I64 => b.iconst(0),
        Type::F64 => b.fconst(0.0),
    }
}

/// A view that is None.
pub fn none(b: &mut Builder) -> Parts {
    [0, -1, 0].map(|part| b.iconst(part)).into()
}

/// A view of constant bytes, which nothing has to keep.
fn view(ctx: &mut Ctx, b: &mut Builder, bytes: &[u8]) -> Parts {
    let name = format!("default.{}", bytes.escape_ascii());
    let data = ctx.shared_data(&name, |ctx, _| {
        let name = format!("default.{}", ctx.program.data.len());
        let mut data = Data::new(name, DataKind::ReadOnly, 1);
        data.bytes = bytes.to_vec();
        // Not even an empty one is without an address of its own.
        data.bytes.push(0);
        data
    });
    let (address, length) = (b.data_addr(data, 0), b.iconst(bytes.len() as i64));
    [address, length, b.iconst(0)].into()
}

fn floats<const N: usize>(b: &mut Builder, parts: [f64; N]) -> Parts {
    let parts: [Value; N] = parts.map(|part| b.fconst(part));
    parts.into_iter().collect()
}

fn number(value: &Const) -> f64 {
    match value {
        Const::Bool(value) => f64::from(u8::from(*value)),
        Const::Int(value) => *value as f64,
        Const::Float(value) => *value,
        other => unreachable!("the spec's check refuses {other:?} for a number"),
    }
}
