//! Wrappers: the C functions of the method table. Arguments in, the body inline, result out.
//!
//! ```text
//! wrapper(self, args, nargs[, kwnames])         METH_FASTCALL[|METH_KEYWORDS]; METH_O for one positional-only parameter
//!   hot:   right count, no keywords, each argument of the exact builtin type -> values      (runs no user code)
//!   cold:  anything else: the call starts again in `args::parse`             -> values
//!   body:  the method's body on the values                                   -> results or an exception
//!   tail:  results -> object
//! ```

use super::args::{self, Given};
use super::body::{self, Bodies};
use super::ctx::Ctx;
use crate::frontend::lang::ParamKind;
use crate::frontend::lang::typed::{Const, FunctionId, IntTy, Shape};
use crate::frontend::spec::module::{Convert, Method, ResultUnit, Returns};
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, Block, Func, Signature, Value};
use crate::ir::op::{IntCc, MemType, Op, Type};
use crate::ir::program::FuncId;

/// How the interpreter calls a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `METH_O`: one argument, no keywords; the interpreter counts.
    One,
    /// `METH_FASTCALL`; also for no parameters, where it is quicker than `METH_NOARGS`.
    Fast,
    /// `METH_FASTCALL | METH_KEYWORDS`.
    FastKeywords,
}

impl Call {
    /// The cheapest call that can bind the method's parameters.
    pub fn of(method: &Method) -> Call {
        match &method.params[..] {
            [only] if only.kind == ParamKind::PositionalOnly && only.default.is_none() => Call::One,
            params if params.iter().any(|p| p.kind != ParamKind::PositionalOnly) => {
                Call::FastKeywords
            }
            _ => Call::Fast,
        }
    }

    /// `ml_flags`.
    pub fn flags(self) -> i64 {
        match self {
            Call::One => 0x8,
            Call::Fast => 0x80,
            Call::FastKeywords => 0x82,
        }
    }

    fn signature(self) -> Signature {
        let params = match self {
            Call::One => 2,
            Call::Fast => 3,
            Call::FastKeywords => 4,
        };
        Signature::c(&vec![AbiType::I64; params], Some(AbiType::I64))
    }
}

/// Makes the wrapper of a method.
pub fn wrap(ctx: &mut Ctx, bodies: &Bodies, index: usize) -> FuncId {
    let method = &ctx.module.methods[index];
    let call = Call::of(method);
    let func = Func {
        address_taken: true,
        span: Some(method.span),
        ..Func::new(method.name.clone(), call.signature())
    };
    let mut b = Builder::new(func);
    b.set_span(Some(method.span));
    let self_ = b.func.params()[0];
    let (body, returns, fails) = (b.block(), b.block(), b.cold_block());
    let values: Vec<Value> = method
        .params
        .iter()
        .map(|p| b.param(body, value_type(p.convert)))
        .collect();
    let results: Vec<Value> = method
        .returns
        .units
        .iter()
        .map(|u| b.param(returns, unit_type(*u)))
        .collect();

    arguments(ctx, &mut b, method, call, body, fails);
    b.seal_and_switch_to(body);
    body::inline(
        ctx,
        bodies,
        &mut b,
        FunctionId(index as u32),
        &values,
        self_,
        returns,
        fails,
    );

    b.set_span(Some(method.span));
    b.seal_and_switch_to(returns);
    if b.is_reached(returns) {
        result(ctx, &mut b, &method.returns, &results, fails);
    } else {
        b.unreachable();
    }
    b.seal_and_switch_to(fails);
    let null = b.iconst(0);
    b.ret(&[null]);
    let func = b.finish();
    ctx.program.add_func(func)
}

// Arguments.

/// Where the hot path gives up, and what the cold path is told there: a count known to be right need not be kept till then, nor the names of
/// keywords known to be absent.
struct Exits {
    /// With nothing raised.
    cold: Block,
    /// With an exception of a conversion, which is to be forgotten.
    forget: Block,
    /// Arguments of both: the number of positional arguments, and `kwnames` where there may be keywords.
    known: Vec<Value>,
}

/// Converts the arguments and jumps to `body` with them, or to `fails`.
fn arguments(
    ctx: &mut Ctx,
    b: &mut Builder,
    method: &Method,
    call: Call,
    body: Block,
    fails: Block,
) {
    let params = b.func.params().to_vec();
    let (cold, forget) = (b.cold_block(), b.cold_block());
    let told = if call == Call::FastKeywords { 2 } else { 1 };
    let [told_cold, told_forget] = [cold, forget].map(|block| {
        (0..told)
            .map(|_| b.param(block, Type::I64))
            .collect::<Vec<_>>()
    });
    let mut exits = Exits {
        cold,
        forget,
        known: params[2..].to_vec(),
    };
    let values = match call {
        Call::One => {
            exits.known = vec![b.iconst(1)];
            vec![convert(ctx, b, method.params[0].convert, params[1], &exits)]
        }
        Call::Fast | Call::FastKeywords => fast(ctx, b, method, &params, exits),
    };
    b.jump(body, &values);

    b.seal_and_switch_to(forget);
    if b.is_reached(forget) {
        ctx.call(b, "PyErr_Clear", &[]);
        b.jump(cold, &told_forget);
    } else {
        b.unreachable();
    }
    b.seal_and_switch_to(cold);
    if !b.is_reached(cold) {
        b.unreachable();
        return;
    }
    let args = match call {
        Call::One => {
            let cell = b.slot(8, 8);
            let address = b.slot_addr(cell);
            b.store(MemType::I64, params[1], address, 0);
            address
        }
        Call::Fast | Call::FastKeywords => params[1],
    };
    let given = Given {
        args,
        count: told_cold[0],
        kwnames: told_cold.get(1).copied(),
    };
    let values = args::parse(ctx, b, method, given, fails);
    b.jump(body, &values);
}

/// The hot path of `METH_FASTCALL[|METH_KEYWORDS]`.
fn fast(
    ctx: &mut Ctx,
    b: &mut Builder,
    method: &Method,
    params: &[Value],
    mut exits: Exits,
) -> Vec<Value> {
    let (args, count) = (params[1], params[2]);
    let positional = || {
        method
            .params
            .iter()
            .filter(|p| p.kind != ParamKind::KeywordOnly)
    };
    let most = positional().count() as i64;
    let least = positional().filter(|p| p.default.is_none()).count() as i64;
    if let Some(&kwnames) = params.get(3) {
        b.exit_if(kwnames, exits.cold, &exits.known);
        exits.known[1] = b.iconst(0);
    }
    let right = if least == most {
        b.icmp_imm(IntCc::Eq, count, most)
    } else {
        let low = b.iconst(least);
        let surplus = b.op(Op::Isub, &[count, low]);
        b.icmp_imm(IntCc::Ule, surplus, most - least)
    };
    b.exit_unless(right, exits.cold, &exits.known);
    if least == most {
        exits.known[0] = b.iconst(most);
    }
    let mut values = Vec::with_capacity(method.params.len());
    for (at, param) in method.params.iter().enumerate() {
        let load = |b: &mut Builder| b.load(MemType::I64, args, 8 * at as i32);
        values.push(match (param.kind, param.default.clone()) {
            (ParamKind::KeywordOnly, Some(default)) => constant(ctx, b, param.convert, default),
            (ParamKind::KeywordOnly, None) => {
                // Without keywords it is missing: the cold path says so.
                let dead = b.block();
                b.jump(exits.cold, &exits.known);
                b.seal_and_switch_to(dead);
                placeholder(b, value_type(param.convert))
            }
            (_, None) => {
                let object = load(b);
                convert(ctx, b, param.convert, object, &exits)
            }
            (_, Some(default)) => {
                let (given, missing, joined) = (b.block(), b.block(), b.block());
                let value = b.param(joined, value_type(param.convert));
                let present = b.icmp_imm(IntCc::Sgt, count, at as i64);
                b.br(present, given, &[], missing, &[]);
                b.seal_and_switch_to(missing);
                let default = constant(ctx, b, param.convert, default);
                b.jump(joined, &[default]);
                b.seal_and_switch_to(given);
                let object = load(b);
                let converted = convert(ctx, b, param.convert, object, &exits);
                b.jump(joined, &[converted]);
                b.seal_and_switch_to(joined);
                value
            }
        });
    }
    values
}

/// Converts an argument of the exact builtin type; leaves where it is not one,
/// or where the format's own rules must speak.
fn convert(
    ctx: &mut Ctx,
    b: &mut Builder,
    convert: Convert,
    object: Value,
    exits: &Exits,
) -> Value {
    match convert {
        Convert::Int(ty) | Convert::IntOwn(ty, _) => {
            let value = int(ctx, b, object, exits);
            if ty != IntTy::I64 {
                let fits = fits(b, ty, value);
                b.exit_unless(fits, exits.cold, &exits.known);
            }
            value
        }
        Convert::IntModulo(ty) => {
            let value = int(ctx, b, object, exits);
            if ty == IntTy::U64 {
                return value;
            }
            // 3.15 warns of values outside of both the signed and the unsigned range: those are CPython's to convert.
            let half = b.iconst(1 << (ty.bits() - 1));
            let shifted = b.op(Op::Iadd, &[value, half]);
            let usual = b.icmp_imm(IntCc::Ult, shifted, 3 << (ty.bits() - 1));
            b.exit_unless(usual, exits.cold, &exits.known);
            b.op(extension(ty), &[value])
        }
        Convert::F64 => float(ctx, b, object, exits),
        Convert::F32 => {
            let value = float(ctx, b, object, exits);
            b.op(Op::Fround32, &[value])
        }
        Convert::Truth => {
            let yes = ctx.object(b, "_Py_TrueStruct");
            let is_true = b.icmp(IntCc::Eq, object, yes);
            let no = ctx.object(b, "_Py_FalseStruct");
            let is_false = b.icmp(IntCc::Eq, object, no);
            let is_bool = b.op(Op::Bor, &[is_true, is_false]);
            b.exit_unless(is_bool, exits.cold, &exits.known);
            is_true
        }
        Convert::Object => object,
        Convert::Byte
        | Convert::Char
        | Convert::Complex
        | Convert::Text { .. }
        | Convert::Bytelike { .. }
        | Convert::Encoded { .. }
        | Convert::Bytes { .. }
        | Convert::Str { .. }
        | Convert::Buffer { .. }
        | Convert::ByteArray
        | Convert::Instance(_) => unreachable!("the spec's check refuses it so far"),
    }
}

/// `PyLong_AsSsize_t` takes an int, or raises without running user code; unlike `PyLong_AsLongLong` it is quick for ints of several digits.
fn int(ctx: &mut Ctx, b: &mut Builder, object: Value, exits: &Exits) -> Value {
    let read = ctx.call1(b, "PyLong_AsSsize_t", &[object]);
    let (suspect, fine) = (b.cold_block(), b.block());
    let value = b.param(fine, Type::I64);
    let minus_one = b.icmp_imm(IntCc::Eq, read, -1);
    b.br(minus_one, suspect, &[], fine, &[read]);
    b.seal_and_switch_to(suspect);
    let error = ctx.call1(b, "PyErr_Occurred", &[]);
    // Said again, so that the usual path keeps nothing over this call.
    let minus_one = b.iconst(-1);
    b.br(error, exits.forget, &exits.known, fine, &[minus_one]);
    b.seal_and_switch_to(fine);
    value
}

/// Of an exact float, told by its type: read where [`super::exec::type_offset`] says, which is nowhere on builds whose objects we do not
/// know; there every float takes the cold path.
fn float(ctx: &mut Ctx, b: &mut Builder, object: Value, exits: &Exits) -> Value {
    let cell = super::exec::type_offset(ctx);
    let cell = b.data_addr(cell, 0);
    let offset = b.load(MemType::I64, cell, 0);
    let place = b.op(Op::Iadd, &[object, offset]);
    let class = b.load(MemType::I64, place, 0);
    let float = ctx.object(b, "PyFloat_Type");
    let exact = b.icmp(IntCc::Eq, class, float);
    b.exit_unless(exact, exits.cold, &exits.known);
    ctx.call1(b, "PyFloat_AsDouble", &[object])
}

/// 1 where the signed 64-bit `value` is in the range of `ty`, else 0.
pub fn fits(b: &mut Builder, ty: IntTy, value: Value) -> Value {
    match ty {
        IntTy::I64 => b.iconst(1),
        IntTy::U64 => b.icmp_imm(IntCc::Sge, value, 0),
        IntTy::I8 | IntTy::I16 | IntTy::I32 | IntTy::U8 | IntTy::U16 | IntTy::U32 => {
            let same = b.op(extension(ty), &[value]);
            b.icmp(IntCc::Eq, same, value)
        }
    }
}

/// The operation that keeps the low bits of a type narrower than 64 bits.
fn extension(ty: IntTy) -> Op {
    match ty {
        IntTy::I8 => Op::Sext8,
        IntTy::I16 => Op::Sext16,
        IntTy::I32 => Op::Sext32,
        IntTy::U8 => Op::Zext8,
        IntTy::U16 => Op::Zext16,
        IntTy::U32 => Op::Zext32,
        IntTy::I64 | IntTy::U64 => unreachable!("all 64 bits stay"),
    }
}

/// The value of a default.
pub fn constant(ctx: &mut Ctx, b: &mut Builder, convert: Convert, value: Const) -> Value {
    match (value, value_type(convert)) {
        (Const::Int(value), Type::F64) => b.fconst(value as f64),
        (Const::Bool(value), Type::F64) => b.fconst(f64::from(u8::from(value))),
        (Const::Float(value), Type::F64) => b.fconst(if convert == Convert::F32 {
            f64::from(value as f32)
        } else {
            value
        }),
        (Const::Int(value), Type::I64) => b.iconst(value as i64),
        (Const::Bool(value), Type::I64) if convert == Convert::Object => ctx.object(
            b,
            if value {
                "_Py_TrueStruct"
            } else {
                "_Py_FalseStruct"
            },
        ),
        (Const::Bool(value), Type::I64) => b.iconst(i64::from(value)),
        (Const::None, _) => ctx.object(b, "_Py_NoneStruct"),
        (Const::Complex(..) | Const::Str(_) | Const::Bytes(_), _) => {
            unreachable!("the spec's check refuses it so far")
        }
        (Const::Float(_), Type::I64) => {
            unreachable!("the spec's check refuses a float default for an int")
        }
    }
}

fn placeholder(b: &mut Builder, ty: Type) -> Value {
    match ty {
        Type::I64 => b.iconst(0),
        Type::F64 => b.fconst(0.0),
    }
}

fn value_type(convert: Convert) -> Type {
    match convert {
        Convert::F32 | Convert::F64 => Type::F64,
        Convert::Int(_)
        | Convert::IntModulo(_)
        | Convert::IntOwn(..)
        | Convert::Truth
        | Convert::Byte
        | Convert::Char
        | Convert::ByteArray
        | Convert::Instance(_)
        | Convert::Str { .. }
        | Convert::Object => Type::I64,
        Convert::Complex
        | Convert::Text { .. }
        | Convert::Bytelike { .. }
        | Convert::Encoded { .. }
        | Convert::Bytes { .. }
        | Convert::Buffer { .. } => unreachable!("it has several values"),
    }
}

// Results.

fn unit_type(unit: ResultUnit) -> Type {
    match unit {
        ResultUnit::Float => Type::F64,
        ResultUnit::Signed
        | ResultUnit::Unsigned
        | ResultUnit::Bool
        | ResultUnit::Byte
        | ResultUnit::Char
        | ResultUnit::Object => Type::I64,
        ResultUnit::Complex | ResultUnit::Bytes | ResultUnit::Text => {
            unreachable!("it has several values")
        }
    }
}

/// Makes the result and returns it; goes to `fails` where memory is short.
fn result(ctx: &mut Ctx, b: &mut Builder, returns: &Returns, values: &[Value], fails: Block) {
    match &returns.shape {
        Shape::None => {
            let none = ctx.object(b, "_Py_NoneStruct");
            ctx.call(b, "Py_IncRef", &[none]);
            b.ret(&[none]);
        }
        Shape::One => {
            let object = boxed(ctx, b, returns.units[0], values[0]);
            b.ret(&[object]);
        }
        Shape::List(_) | Shape::Dict(_) => unreachable!("the spec's check refuses it so far"),
        Shape::Tuple(_) => {
            let units = &returns.units;
            let size = b.iconst(units.len() as i64);
            let tuple = ctx.call1(b, "PyTuple_New", &[size]);
            b.exit_unless(tuple, fails, &[]);
            let no_item = b.cold_block();
            for (at, (unit, value)) in units.iter().zip(values).enumerate() {
                let item = boxed(ctx, b, *unit, *value);
                if *unit != ResultUnit::Object {
                    b.exit_unless(item, no_item, &[]);
                }
                let at = b.iconst(at as i64);
                ctx.call(b, "PyTuple_SetItem", &[tuple, at, item]);
            }
            b.ret(&[tuple]);
            b.seal_and_switch_to(no_item);
            if b.is_reached(no_item) {
                ctx.call(b, "Py_DecRef", &[tuple]);
                b.jump(fails, &[]);
            } else {
                b.unreachable();
            }
        }
    }
}

/// A new reference to the object of a value, or NULL with an exception.
fn boxed(ctx: &mut Ctx, b: &mut Builder, unit: ResultUnit, value: Value) -> Value {
    let make = match unit {
        ResultUnit::Signed => "PyLong_FromLongLong",
        ResultUnit::Unsigned => "PyLong_FromUnsignedLongLong",
        ResultUnit::Float => "PyFloat_FromDouble",
        ResultUnit::Bool => "PyBool_FromLong",
        ResultUnit::Complex
        | ResultUnit::Byte
        | ResultUnit::Char
        | ResultUnit::Bytes
        | ResultUnit::Text => unreachable!("the spec's check refuses it so far"),
        ResultUnit::Object => {
            ctx.call(b, "Py_IncRef", &[value]);
            return value;
        }
    };
    ctx.call1(b, make, &[value])
}
