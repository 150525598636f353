//! The cold path of argument passing: the call is started again from its arguments, by `PyArg_ParseTuple[AndKeywords]` with the method's
//! format, so that conversions, results and texts are those of the running interpreter.
//!
//! The functions here are shared by all methods of a module: one that packs arguments into a tuple, one that packs keywords into a dict,
//! one per shape of format that calls the parser, one converter per type that has no format unit of its own.

use super::ctx::Ctx;
use crate::frontend::lang::ParamKind;
use crate::frontend::lang::typed::IntTy;
use crate::frontend::spec::module::{Convert, Method};
use crate::ir::builder::Builder;
use crate::ir::data::{Data, DataId, DataKind, Pointee};
use crate::ir::func::{AbiType, Block, Func, Signature, Slot, Value};
use crate::ir::op::{IntCc, MemType, Op, Type};
use crate::ir::program::FuncId;

/// Bytes between the C variables that the parser fills in: enough for every unit that is a number or a pointer.
const CELL: u32 = 8;

/// Arguments as the vectorcall convention passes them.
#[derive(Clone, Copy, Debug)]
pub struct Given {
    /// Address of the first positional argument; keyword values follow the positionals.
    pub args: Value,
    /// Number of positionals.
    pub count: Value,
    /// Tuple of names or NULL; `None` where the method takes no keywords.
    pub kwnames: Option<Value>,
}

/// Parses `given` with the format of `method`. Goes on where it succeeded, with one value per parameter; goes to `fails` with the
/// exception set where it did not.
pub fn parse(
    ctx: &mut Ctx,
    b: &mut Builder,
    method: &Method,
    given: Given,
    fails: Block,
) -> Vec<Value> {
    let cells = b.slot(CELL * method.params.len().max(1) as u32, 8);
    for (at, param) in method.params.iter().enumerate() {
        if let Some(default) = param.default.clone() {
            let value = super::wrap::constant(ctx, b, param.convert, default);
            let base = b.slot_addr(cells);
            b.store(
                cell_type(param.convert),
                value,
                base,
                (CELL * at as u32) as i32,
            );
        }
    }
    let format = ctx.c_string(b, &method.format);
    let base = b.slot_addr(cells);
    let mut args = vec![given.args, given.count, format, base];
    if let Some(kwnames) = given.kwnames {
        let list = keyword_list(ctx, method);
        args.extend([kwnames, b.data_addr(list, 0)]);
    }
    let shape: Vec<Convert> = method.params.iter().map(|p| p.convert).collect();
    let (parser, sig) = parser(ctx, &shape, given.kwnames.is_some());
    let ok = b.call(parser, &sig, &args)[0];
    b.exit_unless(ok, fails, &[]);
    if let Some(kwnames) = given.kwnames {
        require_keywords(ctx, b, method, kwnames, fails);
    }
    (0..method.params.len())
        .map(|at| load_cell(b, cells, at, method.params[at].convert))
        .collect()
}

/// Keyword-only parameters behind a `|` of the format are optional to the parser: those without a default are looked for here.
fn require_keywords(ctx: &mut Ctx, b: &mut Builder, method: &Method, kwnames: Value, fails: Block) {
    if !method.format.contains('|') {
        return;
    }
    let function = match method.format.split_once(':') {
        Some((_, name)) => format!("{name}()"),
        None => "function".to_owned(),
    };
    for (at, param) in method.params.iter().enumerate() {
        if param.kind != ParamKind::KeywordOnly || param.default.is_some() {
            continue;
        }
        let name = ctx.c_string(b, &param.name);
        let text = format!(
            "{function} missing required argument '{}' (pos {})",
            param.name,
            at + 1
        );
        let text = ctx.c_string(b, &text);
        let sig = Signature::internal(&[AbiType::I64; 3], &[AbiType::I64]);
        let (func, sig) = ctx.shared("require.keyword", sig, make_require_keyword);
        let ok = b.call(func, &sig, &[kwnames, name, text])[0];
        b.exit_unless(ok, fails, &[]);
    }
}

/// 1 where a tuple of names (or NULL) has a name, else 0 and `TypeError` with a text.
fn make_require_keyword(ctx: &mut Ctx, func: Func) -> Func {
    let mut b = Builder::new(Func { cold: true, ..func });
    let [names, name, text] = *b.func.params() else {
        unreachable!("three parameters")
    };
    let (missing, null, found, failed) = (b.block(), b.block(), b.block(), b.block());
    b.exit_unless(names, missing, &[]);
    let wanted = ctx.call1(&mut b, "PyUnicode_FromString", &[name]);
    b.exit_unless(wanted, failed, &[]);
    let count = ctx.call1(&mut b, "PyTuple_Size", &[names]);
    each(&mut b, count, null, |b, at| {
        let given = ctx.call1(b, "PyTuple_GetItem", &[names, at]);
        let order = ctx.call1(b, "PyUnicode_Compare", &[given, wanted]);
        b.exit_unless(order, found, &[]);
    });
    for (block, next) in [(found, None), (null, Some(missing))] {
        b.seal_and_switch_to(block);
        ctx.call(&mut b, "Py_DecRef", &[wanted]);
        match next {
            Some(next) => b.jump(next, &[]),
            None => {
                let yes = b.iconst(1);
                b.ret(&[yes]);
            }
        }
    }
    b.seal_and_switch_to(missing);
    let class = ctx.exception(&mut b, "TypeError");
    ctx.call(&mut b, "PyErr_SetString", &[class, text]);
    b.jump(failed, &[]);
    b.seal_and_switch_to(failed);
    let no = b.iconst(0);
    b.ret(&[no]);
    b.finish()
}

/// The C variable of a unit.
fn cell_type(convert: Convert) -> MemType {
    match convert {
        Convert::Int(ty) | Convert::IntModulo(ty) => match ty {
            IntTy::I8 => MemType::I8,
            IntTy::U8 => MemType::U8,
            IntTy::I16 => MemType::I16,
            IntTy::U16 => MemType::U16,
            IntTy::I32 => MemType::I32,
            IntTy::U32 => MemType::U32,
            IntTy::I64 | IntTy::U64 => MemType::I64,
        },
        Convert::IntOwn(..) | Convert::Object => MemType::I64,
        Convert::F32 => MemType::F32,
        Convert::F64 => MemType::F64,
        Convert::Truth => MemType::I32,
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

fn load_cell(b: &mut Builder, cells: Slot, at: usize, convert: Convert) -> Value {
    let base = b.slot_addr(cells);
    b.load(cell_type(convert), base, (CELL * at as u32) as i32)
}

/// The NULL-terminated list of parameter names; positional-only ones are empty.
fn keyword_list(ctx: &mut Ctx, method: &Method) -> DataId {
    let mut data = Data::new(format!("{}.keywords", method.name), DataKind::RelRo, 8);
    for param in &method.params {
        let positional = param.kind == ParamKind::PositionalOnly;
        let name = ctx
            .program
            .c_string(if positional { "" } else { &param.name });
        data.push_pointer(Pointee::Data(name, 0));
    }
    data.bytes.extend([0; 8]);
    ctx.program.add_data(data)
}

/// The parser for formats of one shape: what is passed for each unit. Plain units take the address of their C variable, `O&` units a
/// converter before it.
fn parser(ctx: &mut Ctx, shape: &[Convert], keywords: bool) -> (FuncId, Signature) {
    let mut name = format!(
        "parse{}.{}",
        if keywords { ".keywords" } else { "" },
        shape.len()
    );
    for (at, convert) in shape.iter().enumerate() {
        if let Convert::IntOwn(_, ty) = convert {
            name.push_str(&format!(".{at}{ty}"));
        }
    }
    let params = vec![AbiType::I64; if keywords { 6 } else { 4 }];
    let sig = Signature::internal(&params, &[AbiType::I64]);
    ctx.shared(&name, sig, |ctx, func| {
        make_parser(ctx, func, shape, keywords)
    })
}

fn make_parser(ctx: &mut Ctx, func: Func, shape: &[Convert], keywords: bool) -> Func {
    let mut b = Builder::new(Func { cold: true, ..func });
    let params = b.func.params().to_vec();
    let (args, count, format, cells) = (params[0], params[1], params[2], params[3]);
    let failed = b.cold_block();
    let tuple = pack_tuple(ctx, &mut b, args, count);
    b.exit_unless(tuple, failed, &[]);

    let kwargs = keywords.then(|| {
        let (without, with, packed) = (b.block(), b.block(), b.block());
        let dict = b.param(packed, Type::I64);
        b.br(params[4], with, &[], without, &[]);
        b.seal_and_switch_to(without);
        let none = b.iconst(0);
        b.jump(packed, &[none]);
        b.seal_and_switch_to(with);
        let (eight, tuple_failed) = (b.iconst(3), b.cold_block());
        let offset = b.op(Op::Ishl, &[count, eight]);
        let values = b.op(Op::Iadd, &[args, offset]);
        let made = pack_dict(ctx, &mut b, values, params[4]);
        b.br(made, packed, &[made], tuple_failed, &[]);
        b.seal_and_switch_to(tuple_failed);
        ctx.call(&mut b, "Py_DecRef", &[tuple]);
        b.jump(failed, &[]);
        b.seal_and_switch_to(packed);
        dict
    });

    let mut all = match kwargs {
        Some(dict) => vec![tuple, dict, format, params[5]],
        None => vec![tuple, format],
    };
    for (at, convert) in shape.iter().enumerate() {
        if let Convert::IntOwn(ty, name) = convert {
            let converter = converter(ctx, *ty, name);
            all.push(b.func_addr(converter));
        }
        let offset = b.iconst(i64::from(CELL) * at as i64);
        all.push(b.op(Op::Iadd, &[cells, offset]));
    }
    let name = if keywords {
        "_PyArg_ParseTupleAndKeywords_SizeT"
    } else {
        "_PyArg_ParseTuple_SizeT"
    };
    let (import, mut sig) = ctx.api(name);
    sig.params.resize(all.len(), AbiType::I64);
    let ok = b.call_variadic(import, sig, &all)[0];
    // What the units borrow from the tuple is also held by the caller's arguments.
    ctx.call(&mut b, "Py_DecRef", &[tuple]);
    if let Some(dict) = kwargs {
        ctx.call(&mut b, "Py_DecRef", &[dict]);
    }
    b.ret(&[ok]);
    b.seal_and_switch_to(failed);
    let no = b.iconst(0);
    b.ret(&[no]);
    b.finish()
}

/// A new tuple of `count` arguments, or NULL with an exception.
fn pack_tuple(ctx: &mut Ctx, b: &mut Builder, args: Value, count: Value) -> Value {
    let sig = Signature::internal(&[AbiType::I64; 2], &[AbiType::I64]);
    let (func, sig) = ctx.shared("pack.tuple", sig, |ctx, func| {
        let mut b = Builder::new(Func { cold: true, ..func });
        let (args, count) = (b.func.params()[0], b.func.params()[1]);
        let (null, done) = (b.cold_block(), b.block());
        let tuple = ctx.call1(&mut b, "PyTuple_New", &[count]);
        b.exit_unless(tuple, null, &[]);
        each(&mut b, count, done, |b, at| {
            let item = load_item(b, args, at);
            ctx.call(b, "Py_IncRef", &[item]);
            ctx.call(b, "PyTuple_SetItem", &[tuple, at, item]);
        });
        b.seal_and_switch_to(done);
        b.ret(&[tuple]);
        b.seal_and_switch_to(null);
        let none = b.iconst(0);
        b.ret(&[none]);
        b.finish()
    });
    b.call(func, &sig, &[args, count])[0]
}

/// A new dict of keyword names and values, or NULL with an exception.
fn pack_dict(ctx: &mut Ctx, b: &mut Builder, values: Value, names: Value) -> Value {
    let sig = Signature::internal(&[AbiType::I64; 2], &[AbiType::I64]);
    let (func, sig) = ctx.shared("pack.dict", sig, |ctx, func| {
        let mut b = Builder::new(Func { cold: true, ..func });
        let (values, names) = (b.func.params()[0], b.func.params()[1]);
        let (null, failed, done) = (b.cold_block(), b.cold_block(), b.block());
        let dict = ctx.call1(&mut b, "PyDict_New", &[]);
        b.exit_unless(dict, null, &[]);
        let count = ctx.call1(&mut b, "PyTuple_Size", &[names]);
        each(&mut b, count, done, |b, at| {
            let name = ctx.call1(b, "PyTuple_GetItem", &[names, at]);
            let value = load_item(b, values, at);
            let error = ctx.call1(b, "PyDict_SetItem", &[dict, name, value]);
            b.exit_if(error, failed, &[]);
        });
        b.seal_and_switch_to(done);
        b.ret(&[dict]);
        b.seal_and_switch_to(failed);
        ctx.call(&mut b, "Py_DecRef", &[dict]);
        b.jump(null, &[]);
        b.seal_and_switch_to(null);
        let none = b.iconst(0);
        b.ret(&[none]);
        b.finish()
    });
    b.call(func, &sig, &[values, names])[0]
}

/// Runs `body` for 0, 1, ... `count` - 1, then goes to `done`.
fn each(b: &mut Builder, count: Value, done: Block, body: impl FnOnce(&mut Builder, Value)) {
    let (head, inside) = (b.block(), b.block());
    let at = b.param(head, Type::I64);
    let zero = b.iconst(0);
    b.jump(head, &[zero]);
    b.switch_to(head);
    let more = b.icmp(IntCc::Slt, at, count);
    b.br(more, inside, &[], done, &[]);
    b.seal_and_switch_to(inside);
    body(b, at);
    let one = b.iconst(1);
    let next = b.op(Op::Iadd, &[at, one]);
    b.jump(head, &[next]);
    b.seal(head);
}

fn load_item(b: &mut Builder, array: Value, at: Value) -> Value {
    let three = b.iconst(3);
    let offset = b.op(Op::Ishl, &[at, three]);
    let address = b.op(Op::Iadd, &[array, offset]);
    b.load(MemType::I64, address, 0)
}

/// An `O&` converter, `int (*)(PyObject *, void *)`: an int or what `__index__` makes of it, range-checked; `OverflowError` names the type.
fn converter(ctx: &mut Ctx, ty: IntTy, name: &'static str) -> FuncId {
    let sig = Signature::c(&[AbiType::I64; 2], Some(AbiType::I32));
    let (func, _) = ctx.shared(&format!("convert.{name}"), sig, |ctx, func| {
        let mut b = Builder::new(Func {
            cold: true,
            address_taken: true,
            ..func
        });
        let (object, cell) = (b.func.params()[0], b.func.params()[1]);
        let (failed, check, unfit, store) =
            (b.cold_block(), b.cold_block(), b.cold_block(), b.block());
        let index = ctx.call1(&mut b, "PyNumber_Index", &[object]);
        b.exit_unless(index, failed, &[]);
        let unsigned = ty == IntTy::U64;
        let read = if unsigned {
            "PyLong_AsUnsignedLongLong"
        } else {
            "PyLong_AsLongLong"
        };
        let value = ctx.call1(&mut b, read, &[index]);
        ctx.call(&mut b, "Py_DecRef", &[index]);
        let suspect = b.icmp_imm(IntCc::Eq, value, -1);
        let plain = b.block();
        b.br(suspect, check, &[], plain, &[]);
        b.switch_to(check);
        let error = ctx.call1(&mut b, "PyErr_Occurred", &[]);
        b.br(error, unfit, &[], plain, &[]);
        b.seal(check);
        b.seal_and_switch_to(plain);
        if ty.bits() < 64 {
            let fits = super::wrap::fits(&mut b, ty, value);
            b.exit_unless(fits, unfit, &[]);
        }
        b.jump(store, &[]);
        b.seal_and_switch_to(store);
        b.store(MemType::I64, value, cell, 0);
        let one = b.iconst(1);
        b.ret(&[one]);
        // The one way an int can fail to convert is that it does not fit: CPython's text gives way to ours.
        b.seal_and_switch_to(unfit);
        let class = ctx.exception(&mut b, "OverflowError");
        let text = ctx.c_string(&mut b, &format!("value does not fit in {name}"));
        ctx.call(&mut b, "PyErr_SetString", &[class, text]);
        b.jump(failed, &[]);
        b.seal_and_switch_to(failed);
        let zero = b.iconst(0);
        b.ret(&[zero]);
        b.finish()
    });
    func
}
