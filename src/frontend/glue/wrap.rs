//! Wrappers: the C functions of the method table. Arguments in, the body inline, result out.
//!
//! ```text
//! wrapper(self, args, nargs[, kwnames])         METH_FASTCALL[|METH_KEYWORDS]; METH_O for one positional-only parameter
//!   hot:   right count, each argument of the usual type -> values            (`hot`)
//!   cold:  anything else: the arguments are parsed from the start             -> values
//!   body:  the method's body on the values                                   -> results or an exception
//!   tail:  results -> object
//! ```
//!
//! A method may have several, which jump to one another with the same arguments, so that each is quick at what it is there for:
//!
//! ```text
//! name.fast, name.counting --cold--> name --cold--> name.parsed             (where parsing holds something to the end of the call)
//!                                         `--cold--> again --> name        (where what is parsed can be made objects)
//!          | keywords                 | keywords       ^
//!          v                          v                |
//! name.fast.named ----------cold--> name.named --cold--+
//! ```

use super::access::Access;
use super::args::{self, Given, Wrapped};
use super::body::{self, Bodies};
use super::cells::{self, Cells};
use super::convert::Exits;
use super::ctx::Ctx;
use super::keywords::{self, Named};
use super::{again, hot, named, result, tables};
use crate::frontend::lang::typed::FunctionId;
use crate::frontend::lang::{Nest, ParamKind};
use crate::frontend::spec::module::{Convert, Method, Param};
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, Block, Func, Signature, Value};
use crate::ir::op::{MemType, Type};
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

    /// The signature of such functions.
    pub fn signature(self) -> Signature {
        let params = match self {
            Call::One => 2,
            Call::Fast => 3,
            Call::FastKeywords => 4,
        };
        Signature::c(&vec![AbiType::I64; params], Some(AbiType::I64))
    }
}

/// The functions of a method that may do the same.
#[derive(Clone, Copy, Debug)]
pub struct Functions {
    /// What the method table calls.
    pub main: FuncId,
    /// What calls with keywords are left to, if there is a hot path for them.
    named: Option<FuncId>,
}

impl Functions {
    /// A method that has one function.
    pub fn one(main: FuncId) -> Functions {
        Functions { main, named: None }
    }
}

/// What a function of a method is there for.
#[derive(Clone, Copy)]
enum Role {
    /// What the method table calls; calls with keywords it leaves to another, if there is one.
    Main(Option<FuncId>),
    /// Calls with keywords.
    Named,
    /// Parsing, and nothing else.
    Parsed,
}

/// Where calls go that a hot path leaves.
#[derive(Clone, Copy)]
pub enum Cold {
    /// To another function of the method.
    Other(FuncId),
    /// To the function itself, once they are parsed.
    Again(FuncId),
    /// Nowhere: they are parsed in the function, with this format if it is not always that of the method.
    Here(Option<Value>),
}

/// Makes the functions of a method, which may do what [`Ctx::access`] says. The calls that their hot paths leave get those that are
/// `portable`, if these are others.
pub fn wrap(
    ctx: &mut Ctx,
    bodies: &Bodies,
    index: usize,
    portable: Option<Functions>,
) -> Functions {
    let method = &ctx.module.methods[index];
    let has_names = Call::of(method) == Call::FastKeywords && !is_nested(method);
    let apart = has_names || (is_parsed_apart(method) && !again::is_possible(method));
    let parsed =
        (portable.is_none() && apart).then(|| function(ctx, bodies, index, Role::Parsed, None));
    let cold = portable.and_then(|portable| portable.named).or(parsed);
    let named = has_names.then(|| function(ctx, bodies, index, Role::Named, cold));
    let cold = portable.map(|portable| portable.main).or(parsed);
    let main = function(ctx, bodies, index, Role::Main(named), cold);
    Functions { main, named }
}

/// Makes one of them. What its hot path leaves is left to `cold`, or parsed here.
fn function(
    ctx: &mut Ctx,
    bodies: &Bodies,
    index: usize,
    role: Role,
    cold: Option<FuncId>,
) -> FuncId {
    let module = ctx.module;
    let method = &module.methods[index];
    let version = match ctx.access {
        Access::Calls => "",
        Access::Counts => ".counting",
        Access::Lasting => ".lasting",
        Access::Fields => ".fast",
    };
    let part = match role {
        Role::Main(_) => "",
        Role::Named => ".named",
        Role::Parsed => ".parsed",
    };
    let func = Func {
        address_taken: matches!(role, Role::Main(_)),
        cold: is_cold(ctx, method, role),
        span: Some(method.span),
        names: ctx.with_names.then(|| named::wrapper(&method.name)),
        ..Func::new(
            format!("{}{version}{part}", method.name),
            Call::of(method).signature(),
        )
    };
    let mut b = Builder::new(func);
    b.set_span(Some(method.span));
    let (body, fails) = (b.block(), b.cold_block());
    let mut w = Wrapped {
        method,
        self_: b.func.params()[0],
        cells: Cells::new(method),
        fails,
    };
    let id = ctx.program.declare();
    let cold = match (cold, role) {
        (Some(other), _) => Cold::Other(other),
        (None, Role::Main(_)) if again::is_possible(method) && is_parsed_apart(method) => {
            Cold::Again(id)
        }
        (None, _) => Cold::Here(None),
    };
    if !matches!(cold, Cold::Here(_)) {
        w.cells.never_parse();
    }
    let types = method.params.iter().map(|p| cells::types(p.convert));
    let values: Vec<Value> = types.flatten().map(|&part| b.param(body, part)).collect();
    arguments(ctx, &mut b, &mut w, (role, cold), body);
    b.seal_and_switch_to(body);
    run_body(ctx, bodies, &mut b, &mut w, index, &values);
    let mut func = b.finish();
    if let Cold::Again(_) = cold {
        again::forget_self(&mut func);
    }
    ctx.program.define(id, func);
    id
}

/// Runs the body of a method on the values of its parameters, and ends the function with what comes of it.
pub fn run_body(
    ctx: &mut Ctx,
    bodies: &Bodies,
    b: &mut Builder,
    w: &mut Wrapped,
    index: usize,
    values: &[Value],
) {
    let (returns, fails) = (b.block(), w.fails);
    let storages = &ctx.module.functions[index].results;
    let results = storages.iter().flat_map(|r| body::parts(r.ty()));
    let results: Vec<Value> = results.map(|part| b.param(returns, part.value())).collect();
    let function = FunctionId(index as u32);
    body::inline(ctx, bodies, b, function, values, w.self_, returns, fails);

    b.set_span(Some(w.method.span));
    b.seal_and_switch_to(returns);
    if b.is_reached(returns) {
        let object = result::object(ctx, b, &w.method.returns, storages, &results, fails);
        w.cells.release(ctx, b, true);
        b.ret(&[object]);
    } else {
        b.unreachable();
    }
    b.seal_and_switch_to(fails);
    if b.is_reached(fails) {
        w.cells.release(ctx, b, false);
    }
    let null = b.iconst(0);
    b.ret(&[null]);
}

/// Whether a function is better small: one that only parses, one that has a quicker twin, and where nothing is to be fast.
fn is_cold(ctx: &Ctx, method: &Method, role: Role) -> bool {
    let has_twin = ctx.access == Access::Calls && tables::gains(method);
    matches!(role, Role::Parsed) || has_twin || !ctx.fast
}

/// Whether parsing would be in the way of the hot path: it holds more, the path would have to bring several values to where they meet, or it needs
/// no frame where it calls nothing.
fn is_parsed_apart(method: &Method) -> bool {
    let several = |param: &Param| cells::types(param.convert).len() > 1;
    let calls = |param: &Param| param.convert != Convert::Object;
    !is_nested(method)
        && (method.params.iter().any(several)
            || !method.params.iter().any(calls)
            || Cells::new(method).hold_more_when_parsed())
}

/// Whether some calls do not go through the parser.
pub fn has_hot_path(method: &Method) -> bool {
    !is_nested(method)
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

/// Converts the arguments and jumps to `body` with them, or to `fails`. What the hot path leaves is left to another function, or parsed here.
fn arguments(
    ctx: &mut Ctx,
    b: &mut Builder,
    w: &mut Wrapped,
    (role, left_to): (Role, Cold),
    body: Block,
) {
    w.cells.clear(b);
    let call = Call::of(w.method);
    let params = b.func.params().to_vec();
    match (role, left_to) {
        (Role::Main(named), _) => hot_or_cold(ctx, b, w, (&params, named, left_to), body),
        (Role::Named, Cold::Other(other)) => by_name(ctx, b, w, other, body),
        (Role::Named, _) => unreachable!("calls with keywords are parsed elsewhere"),
        (Role::Parsed, _) => {
            let count = match call {
                Call::One => b.iconst(1),
                Call::Fast | Call::FastKeywords => params[2],
            };
            parse(ctx, b, w, (count, params.get(3).copied(), None), body);
        }
    }
}

/// The hot path of a call with these `params`, and where it leaves to.
pub fn hot_or_cold(
    ctx: &mut Ctx,
    b: &mut Builder,
    w: &mut Wrapped,
    (params, named, left_to): (&[Value], Option<FuncId>, Cold),
    body: Block,
) {
    let call = Call::of(w.method);
    if let Some(named) = named {
        let others = b.cold_block();
        b.exit_if(params[3], others, &[]);
        let resume = b.current();
        b.seal_and_switch_to(others);
        leave_to(ctx, b, named, call, params);
        b.switch_to(resume);
    }
    let (cold, forget) = (b.cold_block(), b.cold_block());
    let known = match (left_to, call) {
        (Cold::Other(_), _) => Vec::new(),
        (Cold::Again(_), _) => params[1..].iter().rev().copied().collect(),
        (Cold::Here(_), Call::One) => vec![b.iconst(1)],
        (Cold::Here(_), Call::Fast | Call::FastKeywords) => params[2..].to_vec(),
    };
    let mut told = |block| -> Vec<Value> {
        let params = known.iter().map(|_| b.param(block, Type::I64));
        params.collect()
    };
    let (told_cold, told_forget) = (told(cold), told(forget));
    let exits = Exits {
        cold,
        forget,
        known,
    };
    if is_nested(w.method) || wants_keywords(w.method) {
        b.jump(cold, &exits.known);
    } else if call == Call::One {
        let values = hot::only(ctx, b, w, params[1], &exits);
        b.jump(body, &values);
    } else {
        let values = hot::positional(ctx, b, w, params, exits);
        b.jump(body, &values.concat());
    }
    forgetting(ctx, b, forget, cold, &told_forget);
    b.seal_and_switch_to(cold);
    match left_to {
        _ if !b.is_reached(cold) => b.unreachable(),
        Cold::Other(other) => leave_to(ctx, b, other, call, params),
        Cold::Again(itself) => {
            let given = params[..1].iter().chain(told_cold.iter().rev());
            let given: Vec<Value> = given.copied().collect();
            again::start(ctx, b, w.method, &given, itself);
        }
        Cold::Here(format) => {
            let given = (told_cold[0], told_cold.get(1).copied(), format);
            parse(ctx, b, w, given, body);
        }
    }
}

/// Arguments with keywords; calls that are unusual are left to the `other` function.
fn by_name(ctx: &mut Ctx, b: &mut Builder, w: &mut Wrapped, other: FuncId, body: Block) {
    let params = b.func.params().to_vec();
    let (cold, forget) = (b.cold_block(), b.cold_block());
    let exits = Exits {
        cold,
        forget,
        known: Vec::new(),
    };
    let named = Named::new(ctx, b, &params, wants_self(ctx, other));
    let objects = keywords::bind(ctx, b, w, (&named, &params), cold);
    let values = hot::bound(ctx, b, w, objects, &exits);
    b.jump(body, &values.concat());
    forgetting(ctx, b, forget, cold, &[]);
    b.seal_and_switch_to(cold);
    let params = named.params(b);
    leave_to(ctx, b, other, Call::FastKeywords, &params);
}

/// Has the arguments parsed, of which there are so many, and goes on with their values.
fn parse(
    ctx: &mut Ctx,
    b: &mut Builder,
    w: &mut Wrapped,
    (count, kwnames, format): (Value, Option<Value>, Option<Value>),
    body: Block,
) {
    let argument = b.func.params()[1];
    let args = match Call::of(w.method) {
        Call::One => {
            let cell = b.slot(8, 8);
            let address = b.slot_addr(cell);
            b.store(MemType::I64, argument, address, 0);
            address
        }
        Call::Fast | Call::FastKeywords => argument,
    };
    let given = Given {
        args,
        count,
        kwnames,
        format,
    };
    let values = args::parse(ctx, b, w, given);
    b.jump(body, &values.concat());
}

/// Clears the exception of a conversion, and goes on to the cold path.
fn forgetting(ctx: &mut Ctx, b: &mut Builder, forget: Block, cold: Block, told: &[Value]) {
    b.seal_and_switch_to(forget);
    if b.is_reached(forget) {
        ctx.call(b, "PyErr_Clear", &[]);
        b.jump(cold, told);
    } else {
        b.unreachable();
    }
}

/// Ends with what another function of the method makes of the call. A `self` that it does not want is not kept for it.
fn leave_to(ctx: &Ctx, b: &mut Builder, other: FuncId, call: Call, params: &[Value]) {
    let mut params = params.to_vec();
    if !wants_self(ctx, other) {
        params[0] = b.iconst(0);
    }
    let result = b.call(other, &call.signature(), &params)[0];
    b.ret(&[result]);
}

/// Whether a function of a method has a use for the module object. Those that a method table lists just hand on what they get.
fn wants_self(ctx: &Ctx, other: FuncId) -> bool {
    let func = ctx.program.func(other);
    func.address_taken || func.is_used(func.params()[0])
}
