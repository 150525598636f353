//! Wrappers: the C functions of the method table. Arguments in, the body inline, result out.
//!
//! ```text
//! wrapper(self, args, nargs[, kwnames])         METH_FASTCALL[|METH_KEYWORDS]; METH_O for one positional-only parameter
//!   hot:   right count, no keywords, each argument of the exact builtin type -> values      (runs no user code)
//!   cold:  anything else: the call starts again in `args::parse`             -> values
//!   body:  the method's body on the values                                   -> results or an exception
//!   tail:  results -> object
//! ```

use super::access::Access;
use super::args::{self, Given, Wrapped};
use super::body::{self, Bodies};
use super::cells::{self, Cells, Parts};
use super::convert::{self, Exits};
use super::ctx::Ctx;
use super::{defaults, result};
use crate::frontend::lang::typed::{Const, FunctionId};
use crate::frontend::lang::{Nest, ParamKind};
use crate::frontend::spec::module::{Method, Param};
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
        let named = |param: &Param| param.kind != ParamKind::PositionalOnly;
        let optional = |param: &Param| param.default.is_some();
        if method.params.iter().any(named) {
            Call::FastKeywords
        } else if method.arguments.len() == 1 && !method.params.iter().any(optional) {
            Call::One
        } else {
            Call::Fast
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

/// Makes a wrapper of a method, which may do what [`Ctx::access`] says. Where another wrapper of it is `portable`, that one gets the calls
/// that a hot path in fields leaves.
pub fn wrap(ctx: &mut Ctx, bodies: &Bodies, index: usize, portable: Option<FuncId>) -> FuncId {
    let module = ctx.module;
    let (method, function) = (&module.methods[index], &module.functions[index]);
    let call = Call::of(method);
    let name = match ctx.access {
        Access::Calls => method.name.clone(),
        Access::Counts => format!("{}.counting", method.name),
        Access::Fields => format!("{}.fast", method.name),
    };
    let func = Func {
        address_taken: true,
        span: Some(method.span),
        ..Func::new(name, call.signature())
    };
    let mut b = Builder::new(func);
    b.set_span(Some(method.span));
    let (body, returns, fails) = (b.block(), b.block(), b.cold_block());
    let mut w = Wrapped {
        method,
        self_: b.func.params()[0],
        cells: Cells::new(method),
        fails,
    };
    let types = method.params.iter().map(|p| cells::types(p.convert));
    let values: Vec<Value> = types.flatten().map(|&part| b.param(body, part)).collect();
    let results = function.results.iter().map(|r| body::parts(r.ty()));
    let results: Vec<Value> = results
        .flatten()
        .map(|part| b.param(returns, part.value()))
        .collect();

    let portable = portable.filter(|_| ctx.access == Access::Fields);
    arguments(ctx, &mut b, &mut w, (call, portable), body);
    b.seal_and_switch_to(body);
    body::inline(
        ctx,
        bodies,
        &mut b,
        FunctionId(index as u32),
        &values,
        w.self_,
        returns,
        fails,
    );

    b.set_span(Some(method.span));
    b.seal_and_switch_to(returns);
    if b.is_reached(returns) {
        let storages = &function.results;
        let object = result::object(ctx, &mut b, &method.returns, storages, &results, fails);
        w.cells.release(ctx, &mut b, true);
        b.ret(&[object]);
    } else {
        b.unreachable();
    }
    b.seal_and_switch_to(fails);
    if b.is_reached(fails) {
        w.cells.release(ctx, &mut b, false);
    }
    let null = b.iconst(0);
    b.ret(&[null]);
    let func = b.finish();
    ctx.program.add_func(func)
}

/// Whether some calls do not go through the parser.
pub fn has_hot_path(method: &Method) -> bool {
    !is_nested(method) && !wants_keywords(method)
}

/// Whether some argument is a tuple of parameters: the parser takes those apart.
fn is_nested(method: &Method) -> bool {
    method.arguments.iter().any(|nest| *nest != Nest::Param)
}

/// Whether no call without keywords is right.
fn wants_keywords(method: &Method) -> bool {
    let required = |p: &Param| p.kind == ParamKind::KeywordOnly && p.default.is_none();
    method.params.iter().any(required)
}

/// Converts the arguments and jumps to `body` with them, or to `fails`.
fn arguments(
    ctx: &mut Ctx,
    b: &mut Builder,
    w: &mut Wrapped,
    (call, portable): (Call, Option<FuncId>),
    body: Block,
) {
    let params = b.func.params().to_vec();
    w.cells.clear(b);
    let (cold, forget) = (b.cold_block(), b.cold_block());
    let told = if call == Call::FastKeywords { 2 } else { 1 };
    let [told_cold, told_forget] = [cold, forget].map(|block| {
        (0..told)
            .map(|_| b.param(block, Type::I64))
            .collect::<Vec<_>>()
    });
    let exits = Exits {
        cold,
        forget,
        known: match call {
            Call::One => vec![b.iconst(1)],
            Call::Fast | Call::FastKeywords => params[2..].to_vec(),
        },
    };
    match call {
        _ if !has_hot_path(w.method) => b.jump(cold, &exits.known),
        Call::One => {
            let convert = w.method.params[0].convert;
            let mut values = convert::hot(ctx, b, &mut w.cells, convert, params[1], &exits);
            if convert::is_taken(convert) {
                values = convert::take(ctx, b, (&mut w.cells, 0), convert, params[1], w.fails);
            }
            b.jump(body, &values);
        }
        Call::Fast | Call::FastKeywords => {
            let values = fast(ctx, b, w, &params, exits);
            b.jump(body, &values.concat());
        }
    }

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
    if let Some(portable) = portable {
        let result = b.call(portable, &call.signature(), &params)[0];
        b.ret(&[result]);
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
    let values = args::parse(ctx, b, w, given);
    b.jump(body, &values.concat());
}

/// The hot path of `METH_FASTCALL[|METH_KEYWORDS]`.
fn fast(
    ctx: &mut Ctx,
    b: &mut Builder,
    w: &mut Wrapped,
    params: &[Value],
    mut exits: Exits,
) -> Vec<Parts> {
    let method = w.method;
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
    let given = |at: usize, param: &Param| Argument {
        at,
        args,
        count: match (param.kind, &param.default) {
            (ParamKind::KeywordOnly, _) => Presence::Never,
            (_, Some(_)) => Presence::If(count),
            (_, None) => Presence::Always,
        },
    };
    let mut values: Vec<Parts> = Vec::with_capacity(method.params.len());
    for (at, param) in method.params.iter().enumerate() {
        values.push(converted(ctx, b, w, param, given(at, param), &exits));
    }
    for (at, param) in method.params.iter().enumerate() {
        let value = values[at].clone();
        values[at] = taken(ctx, b, w, param, given(at, param), value);
    }
    values
}

/// An argument of the hot path.
#[derive(Clone, Copy)]
struct Argument {
    at: usize,
    args: Value,
    count: Presence,
}

/// Whether an argument is there.
#[derive(Clone, Copy)]
enum Presence {
    Always,
    /// Where the number of arguments says so.
    If(Value),
    Never,
}

impl Argument {
    /// What `there` makes of the argument, or `missing` of nothing; of these types.
    fn value<'a>(
        self,
        (ctx, b, cells): (&mut Ctx<'a>, &mut Builder, &mut Cells),
        types: &[Type],
        there: impl FnOnce(&mut Ctx<'a>, &mut Builder, &mut Cells, Value) -> Parts,
        missing: impl FnOnce(&mut Ctx<'a>, &mut Builder, &mut Cells) -> Parts,
    ) -> Parts {
        let load = |b: &mut Builder| b.load(MemType::I64, self.args, 8 * self.at as i32);
        match self.count {
            Presence::Always => {
                let object = load(b);
                there(ctx, b, cells, object)
            }
            Presence::Never => missing(ctx, b, cells),
            Presence::If(count) => {
                let (given, absent, joined) = (b.block(), b.block(), b.block());
                let value = types.iter().map(|&part| b.param(joined, part)).collect();
                let present = b.icmp_imm(IntCc::Sgt, count, self.at as i64);
                b.br(present, given, &[], absent, &[]);
                b.seal_and_switch_to(absent);
                let default = missing(ctx, b, cells);
                b.jump(joined, &default);
                b.seal_and_switch_to(given);
                let object = load(b);
                let converted = there(ctx, b, cells, object);
                b.jump(joined, &converted);
                b.seal_and_switch_to(joined);
                value
            }
        }
    }
}

/// Converts an argument, or takes the default; leaves by `exits`. What comes last ([`taken`]) is only looked at.
fn converted(
    ctx: &mut Ctx,
    b: &mut Builder,
    w: &mut Wrapped,
    param: &Param,
    argument: Argument,
    exits: &Exits,
) -> Parts {
    let convert = param.convert;
    let later = convert::is_taken(convert);
    let types = if later { &[] } else { cells::types(convert) };
    let made = w.cells.made_default(argument.at).is_some();
    argument.value(
        (ctx, b, &mut w.cells),
        types,
        |ctx, b, cells, object| convert::hot(ctx, b, cells, convert, object, exits),
        |ctx, b, _| {
            if later || made {
                types.iter().map(|&part| defaults::zero(b, part)).collect()
            } else {
                defaults::value(ctx, b, convert, default(param))
            }
        },
    )
}

/// What must come last, when nothing leaves for the cold path any more: buffers are taken, and objects of defaults made.
fn taken(
    ctx: &mut Ctx,
    b: &mut Builder,
    w: &mut Wrapped,
    param: &Param,
    argument: Argument,
    converted: Parts,
) -> Parts {
    let (convert, at, fails) = (param.convert, argument.at, w.fails);
    let types = cells::types(convert);
    let cells = &mut w.cells;
    if convert::is_taken(convert) {
        return argument.value(
            (ctx, b, cells),
            types,
            |ctx, b, cells, object| convert::take(ctx, b, (cells, at), convert, object, fails),
            |ctx, b, _| defaults::value(ctx, b, convert, default(param)),
        );
    }
    if cells.made_default(at).is_none() {
        return converted;
    }
    argument.value(
        (ctx, b, cells),
        types,
        |_, _, _, _| converted,
        |ctx, b, cells| defaults::make(ctx, b, cells, at, default(param), fails),
    )
}

/// The default of a parameter that may be missing.
fn default(param: &Param) -> &Const {
    let default = param.default.as_ref();
    default.unwrap_or_else(|| unreachable!("{} is always given", param.name))
}
