//! Calls that start again: what the hot path of a method does not take is parsed, made objects of the usual type, and the method is called with
//! those. So its body is there once, and what stands beside it is one jump.
//!
//! In: arguments as the interpreter gave them, the method's format, the method. Out: its result; or NULL with the parser's exception. Methods whose
//! formats are alike share a function. Not here: arguments that are held, or views of memory, which no new object could stand for (`args`).

use super::args::Format;
use super::cells::Cells;
use super::ctx::Ctx;
use super::nested::Leaf;
use super::pack::{each, load_item};
use super::parser::{self, Passed};
use super::wrap::Call;
use super::{cells, converter};
use crate::frontend::lang::typed::IntTy;
use crate::frontend::lang::{Nest, ParamKind};
use crate::frontend::spec::module::{Convert, Method, Param};
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, BlockData, Func, Inst, InstData, Payload, Signature, Value};
use crate::ir::op::{IntCc, MemType, Op, Type};
use crate::ir::program::FuncId;

/// Whether calls of the method can start again.
pub fn is_possible(method: &Method) -> bool {
    let plain =
        |param: &Param| param.kind == ParamKind::PositionalOnly && is_taken_again(param.convert);
    let nested = |nest: &Nest| *nest != Nest::Param;
    method.params.iter().all(plain) && !method.arguments.iter().any(nested)
}

/// Whether the hot path takes the object that is made of whatever the parser takes.
fn is_taken_again(convert: Convert) -> bool {
    match convert {
        // The hot path reads signed ints.
        Convert::Int(ty) | Convert::IntOwn(ty, _) => ty != IntTy::U64,
        Convert::IntModulo(_)
        | Convert::F32
        | Convert::F64
        | Convert::Truth
        | Convert::Str { nullable: false }
        | Convert::Bytes { nullable: false }
        | Convert::Object => true,
        Convert::Byte
        | Convert::Char
        | Convert::Complex
        | Convert::Text { .. }
        | Convert::Bytelike { .. }
        | Convert::Encoded { .. }
        | Convert::Bytes { nullable: true }
        | Convert::Str { nullable: true }
        | Convert::Buffer { .. }
        | Convert::ByteArray
        | Convert::Instance(_) => false,
    }
}

/// What methods are to have in common that share a function, as its name.
pub fn words(method: &Method) -> String {
    let format = Format::new(method);
    let word = |(at, param): (usize, &Param)| {
        let unit = converter::name(param.convert).unwrap_or_else(|| format.units[at].to_owned());
        let optional = if param.default.is_some() { "|" } else { "" };
        format!("{optional}{unit}")
    };
    let words: Vec<String> = method.params.iter().enumerate().map(word).collect();
    let single = if Call::of(method) == Call::One {
        "one."
    } else {
        ""
    };
    format!("{single}{}", words.join("."))
}

/// Ends a wrapper, whose parameters are these, with what `function` makes of the call in the end.
pub fn start(ctx: &mut Ctx, b: &mut Builder, method: &Method, params: &[Value], function: FuncId) {
    let name = format!("again.{}", words(method));
    // In the place of `self`, if it comes to that.
    b.iconst(0);
    let mut all = params.to_vec();
    all.push(ctx.c_string(b, &Format::new(method).text));
    all.push(b.func_addr(function));
    let sig = Signature::internal(&vec![AbiType::I64; all.len()], &[AbiType::I64]);
    let (again, sig) = ctx.shared(&name, sig, |ctx, func| make(ctx, func, method));
    let result = b.call(again, &sig, &all)[0];
    b.ret(&[result]);
}

/// Where a wrapper has no other use for `self` than to start again with it, it does not keep it for that.
pub fn forget_self(func: &mut Func) {
    let self_ = func.params()[0];
    if func.count_uses()[self_.index()] != 1 {
        return;
    }
    let is_zero = |inst: &InstData| inst.op == Op::Iconst && inst.payload == Payload::Int(0);
    let block = |block: &BlockData| -> Option<(Inst, Value)> {
        let call = *block.insts.last()?;
        let zero = block
            .insts
            .iter()
            .map(|inst| &func.insts[inst.index()])
            .find(|inst| is_zero(inst))?;
        (func.insts[call.index()].args.first() == Some(&self_)).then(|| (call, zero.results[0]))
    };
    if let Some((call, zero)) = func.blocks.iter().find_map(block) {
        func.insts[call.index()].args[0] = zero;
    }
}

fn make(ctx: &mut Ctx, func: Func, method: &Method) -> Func {
    let mut b = Builder::new(Func { cold: true, ..func });
    let params = b.func.params().to_vec();
    let call = Call::of(method);
    let (given, [format, function]) = match *params {
        [ref given @ .., format, function] => (given, [format, function]),
        _ => unreachable!("there is a format and a function"),
    };
    let objects = b.slot(8 * method.params.len().max(1) as u32, 8);
    let base = b.slot_addr(objects);
    let (args, count) = match call {
        Call::One => {
            b.store(MemType::I64, given[1], base, 0);
            (base, b.iconst(1))
        }
        Call::Fast | Call::FastKeywords => (given[1], given[2]),
    };

    let mut its_cells = Cells::new(method);
    let units = Format::new(method).units;
    let leaf = |(at, param): (usize, &Param)| {
        Passed::Unit(Leaf {
            convert: param.convert,
            unit: units[at],
            cell: its_cells.offset(at),
        })
    };
    let passed: Vec<Passed> = method.params.iter().enumerate().map(leaf).collect();
    let (parser, sig) = parser::parser(ctx, &passed, false);
    let cells = its_cells.base(&mut b);
    let ok = b.call(parser, &sig, &[args, count, format, cells])[0];
    let (ready, ended) = (b.block(), b.block());
    let made = b.param(ended, Type::I64);
    let result = b.param(ended, Type::I64);
    let null = b.iconst(0);
    b.exit_unless(ok, ended, &[null, null]);
    for (at, param) in method.params.iter().enumerate() {
        if param.default.is_some() {
            let there = b.icmp_imm(IntCc::Sgt, count, at as i64);
            b.exit_unless(there, ready, &[]);
        }
        let parts = its_cells.parts(&mut b, at, param.convert);
        let object = object(ctx, &mut b, param.convert, &parts);
        let before = b.iconst(at as i64);
        b.exit_unless(object, ended, &[before, null]);
        b.store(MemType::I64, object, base, 8 * at as i32);
    }
    b.jump(ready, &[]);
    b.seal_and_switch_to(ready);
    let mut all = vec![given[0]];
    match call {
        Call::One => all.push(b.load(MemType::I64, base, 0)),
        Call::Fast | Call::FastKeywords => all.extend([base, count]),
    }
    let answer = b.call_indirect(call.signature(), function, &all)[0];
    b.jump(ended, &[count, answer]);
    b.seal_and_switch_to(ended);
    let done = b.block();
    each(&mut b, made, done, |b, at| {
        let object = load_item(b, base, at);
        ctx.call(b, "Py_DecRef", &[object]);
    });
    b.seal_and_switch_to(done);
    b.ret(&[result]);
    b.finish()
}

/// A new reference to an object of a value, or NULL with an exception.
fn object(ctx: &mut Ctx, b: &mut Builder, convert: Convert, parts: &cells::Parts) -> Value {
    match convert {
        Convert::F32 | Convert::F64 => ctx.call1(b, "PyFloat_FromDouble", parts),
        Convert::Truth => ctx.call1(b, "PyBool_FromLong", parts),
        Convert::Int(_) | Convert::IntModulo(_) | Convert::IntOwn(..) => {
            ctx.call1(b, "PyLong_FromLongLong", parts)
        }
        _ => {
            let object = parts[parts.len() - 1];
            ctx.call(b, "Py_IncRef", &[object]);
            object
        }
    }
}
