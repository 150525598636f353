//! Methods of one shape: where several take arguments alike, one function converts them for all, so that what is left of a method is its body.
//!
//! ```text
//! name(self, args, nargs)                        take.L.L(self, args, nargs, row, body), a jump
//! take.L.L                                       hot: the values -> body
//!                                                cold: parsed, with the format that the row of the method table tells -> body
//! name.body(x, y[, self])                        the body, and its result as an object
//! ```
//!
//! This takes some ten instructions more than conversions of its own, so it is for functions that are better small. In: methods. Out: their
//! functions. What is not here: conversions (`hot`, `args`).

use std::collections::BTreeMap;

use super::args::{Format, Wrapped};
use super::body::Bodies;
use super::cells::{self, Cells};
use super::ctx::Ctx;
use super::named;
use super::wrap::{self, Call, Cold};
use super::{again, tables};
use crate::frontend::capi::layout::PY_METHOD_DEF;
use crate::frontend::spec::module::{Convert, Method, Module};
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, Func, Signature, Value};
use crate::ir::op::{MemType, Op, Type};
use crate::ir::program::FuncId;

/// So many methods of a shape are worth the function.
const WORTH: usize = 3;
/// Values that a body takes in registers on every target, `self` aside.
const MOST_VALUES: usize = 3;

/// The shape of each method that others share, and that is to be small.
pub fn shared(module: &Module, fast: bool) -> Vec<Option<String>> {
    let small = |method: &Method| !fast || tables::gains(method);
    let methods = module.methods.iter();
    let shapes = methods.map(|method| small(method).then(|| of(method)).flatten());
    let mut shapes: Vec<Option<String>> = shapes.collect();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for shape in shapes.iter().flatten() {
        *counts.entry(shape.clone()).or_default() += 1;
    }
    for shape in &mut shapes {
        shape.take_if(|shape| counts[shape] < WORTH);
    }
    shapes
}

/// What must be alike; `None` of methods that have nothing to convert, or need more than values.
fn of(method: &Method) -> Option<String> {
    let converts = method.params.iter().map(|param| param.convert);
    let has_work = match Call::of(method) {
        Call::One => converts.clone().any(|convert| convert != Convert::Object),
        Call::Fast => !method.params.is_empty(),
        Call::FastKeywords => false,
    };
    let values: usize = converts.map(|convert| cells::types(convert).len()).sum();
    let all_required = method.params.iter().all(|param| param.default.is_none());
    let is_so = has_work
        && values <= MOST_VALUES
        && all_required
        && again::is_possible(method)
        && before_name(method).is_some();
    is_so.then(|| again::words(method))
}

/// How many bytes of a method's format stand before its name, which ends it.
pub fn before_name(method: &Method) -> Option<usize> {
    let format = Format::new(method).text;
    let units = format.strip_suffix(&method.name)?;
    units.ends_with(':').then_some(units.len())
}

/// The format of a row of the method table whose name is the end of it.
fn format(b: &mut Builder, method: &Method, row: Value) -> Value {
    let before = before_name(method).unwrap_or_else(|| unreachable!("{} has a shape", method.name));
    let name = b.load(
        MemType::I64,
        row,
        PY_METHOD_DEF.field("ml_name").offset as i32,
    );
    let before = b.iconst(before as i64);
    b.op(Op::Isub, &[name, before])
}

/// Makes the functions of a method of such a shape; the one for the method table.
pub fn wrap(ctx: &mut Ctx, bodies: &Bodies, index: usize, shape: &str) -> FuncId {
    let method = &ctx.module.methods[index];
    let (body, wants_self) = body(ctx, bodies, index);
    let func = Func {
        address_taken: true,
        cold: true,
        span: Some(method.span),
        ..Func::new(method.name.clone(), Call::of(method).signature())
    };
    let mut b = Builder::new(func);
    b.set_span(Some(method.span));
    let mut given = b.func.params().to_vec();
    if !wants_self {
        given[0] = b.iconst(0);
    }
    let row = PY_METHOD_DEF.size as i64 * index as i64;
    given.push(b.data_addr(ctx.methods, row));
    given.push(b.func_addr(body));
    let own = if wants_self { "self." } else { "" };
    let sig = Signature::internal(&vec![AbiType::I64; given.len()], &[AbiType::I64]);
    let (take, sig) = ctx.shared(&format!("take.{own}{shape}"), sig, |ctx, func| {
        take(ctx, func, method, wants_self)
    });
    let result = b.call(take, &sig, &given)[0];
    b.ret(&[result]);
    let func = b.finish();
    ctx.program.add_func(func)
}

/// The body of a method as a function of its values, and of `self` behind them, if it wants that.
fn body(ctx: &mut Ctx, bodies: &Bodies, index: usize) -> (FuncId, bool) {
    let method = &ctx.module.methods[index];
    let func = Func {
        address_taken: true,
        cold: true,
        span: Some(method.span),
        names: ctx.with_names.then(|| named::wrapper(&method.name)),
        ..Func::new(
            format!("{}.body", method.name),
            body_signature(method, true),
        )
    };
    let mut b = Builder::new(func);
    b.set_span(Some(method.span));
    let values = b.func.params().to_vec();
    let (&self_, values) = values
        .split_last()
        .unwrap_or_else(|| unreachable!("self is last"));
    let fails = b.cold_block();
    let mut w = Wrapped {
        method,
        self_,
        cells: Cells::new(method),
        fails,
    };
    wrap::run_body(ctx, bodies, &mut b, &mut w, index, values);
    let mut func = b.finish();
    let wants_self = func.is_used(self_);
    if !wants_self {
        func.drop_last_param();
    }
    (ctx.program.add_func(func), wants_self)
}

fn body_signature(method: &Method, wants_self: bool) -> Signature {
    let values = method
        .params
        .iter()
        .flat_map(|param| cells::types(param.convert));
    let values = values.map(|part| match part {
        Type::F64 => AbiType::F64,
        _ => AbiType::I64,
    });
    let params: Vec<AbiType> = values.chain(wants_self.then_some(AbiType::I64)).collect();
    Signature::internal(&params, &[AbiType::I64])
}

/// Converts the arguments of methods that are of the shape of this one.
fn take(ctx: &mut Ctx, func: Func, method: &Method, wants_self: bool) -> Func {
    let mut b = Builder::new(Func { cold: true, ..func });
    let mut given = b.func.params().to_vec();
    let (Some(function), Some(row)) = (given.pop(), given.pop()) else {
        unreachable!("there is a body and a row")
    };
    if !wants_self {
        given[0] = b.iconst(0);
    }
    let (body, fails) = (b.block(), b.cold_block());
    let mut w = Wrapped {
        method,
        self_: given[0],
        cells: Cells::new(method),
        fails,
    };
    let cold = Cold::Here(Some(format(&mut b, method, row)));
    let sig = body_signature(method, wants_self);
    let params = sig
        .params
        .iter()
        .take(sig.params.len() - usize::from(wants_self));
    let mut values: Vec<Value> = params.map(|part| b.param(body, part.value())).collect();
    w.cells.clear(&mut b);
    wrap::hot_or_cold(ctx, &mut b, &mut w, (&given, None, cold), body);
    b.seal_and_switch_to(body);
    values.extend(wants_self.then_some(given[0]));
    let result = b.call_indirect(sig, function, &values)[0];
    b.ret(&[result]);
    b.seal_and_switch_to(fails);
    let null = b.iconst(0);
    b.ret(&[null]);
    b.finish()
}
