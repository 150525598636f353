//! The cold path of argument passing: the call is started again from its arguments, by `PyArg_ParseTuple[AndKeywords]` with the method's
//! format, so that conversions, results and texts are those of the running interpreter.
//!
//! In: the arguments as the interpreter gave them. Out: the values of the parameters. What calls the parser is shared by methods (`parser`);
//! what is of one method only is here: defaults, classes that are asked for, names of keywords.

use super::cells::{self, Cells, Parts};
use super::ctx::Ctx;
use super::nested::{self, Leaf};
use super::pack::each;
use super::parser::{self, Passed};
use super::runtime::raise;
use super::{defaults, state, unit};
use crate::frontend::argfmt::units;
use crate::frontend::lang::{Nest, ParamKind};
use crate::frontend::spec::module::{ClassRef, Convert, Method, Param};
use crate::ir::builder::Builder;
use crate::ir::data::{Data, DataId, DataKind, Pointee};
use crate::ir::func::{AbiType, Block, Func, Signature, Value};
use crate::ir::op::MemType;

/// Arguments as the vectorcall convention passes them.
#[derive(Clone, Copy, Debug)]
pub struct Given {
    /// Address of the first positional argument; keyword values follow the positionals.
    pub args: Value,
    /// Number of positionals.
    pub count: Value,
    /// Tuple of names or NULL; `None` where the method takes no keywords.
    pub kwnames: Option<Value>,
    /// The format, where it is not always that of the method.
    pub format: Option<Value>,
}

/// What a wrapper is being made of.
pub struct Wrapped<'a> {
    /// The method.
    pub method: &'a Method,
    /// The module object.
    pub self_: Value,
    /// Its C variables.
    pub cells: Cells,
    /// Where errors go, with the exception set.
    pub fails: Block,
}

/// Parses `given` with the format of the method. Goes on where it succeeded, with the parts of each parameter; goes to `fails` where it did
/// not.
pub fn parse(ctx: &mut Ctx, b: &mut Builder, w: &mut Wrapped, given: Given) -> Vec<Parts> {
    let method = w.method;
    for (at, param) in method.params.iter().enumerate() {
        if let Convert::Instance(class) = param.convert {
            let class = class_of(ctx, b, w, class);
            let cell = w.cells.address(b, at, cells::CLASS);
            b.store(MemType::I64, class, cell, 0);
        }
        if is_looked_for(method, param) {
            // What the parser leaves alone is read, if not used.
            let parts = cells::types(param.convert);
            let nothing: Parts = parts.iter().map(|&part| defaults::zero(b, part)).collect();
            w.cells.preset(b, at, param.convert, &nothing);
        }
        if let Some(default) = &param.default {
            let value = if w.cells.made_default(at).is_some() {
                defaults::make(ctx, b, &mut w.cells, at, default, w.fails)
            } else {
                defaults::value(ctx, b, param.convert, default)
            };
            w.cells.preset(b, at, param.convert, &value);
        }
    }
    let format = Format::new(method);
    let passed = passed(ctx, b, w, &format);
    let text = match given.format {
        Some(text) => text,
        None => ctx.c_string(b, &format.text),
    };
    let base = w.cells.base(b);
    let mut args = vec![given.args, given.count, text, base];
    if let Some(kwnames) = given.kwnames {
        let list = keyword_list(ctx, method);
        args.extend([kwnames, b.data_addr(list, 0)]);
    }
    let (parser, sig) = parser::parser(ctx, &passed, given.kwnames.is_some());
    let ok = b.call(parser, &sig, &args)[0];
    b.exit_unless(ok, w.fails, &[]);
    if let Some(kwnames) = given.kwnames {
        require_keywords(ctx, b, method, kwnames, w.fails);
    }
    let params = method.params.iter().enumerate();
    params
        .map(|(at, param)| w.cells.parts(b, at, param.convert))
        .collect()
}

/// A method's format, for the parser.
pub struct Format {
    /// With `O&` for what converters of ours do.
    pub text: String,
    /// The unit of each parameter.
    pub units: Vec<&'static str>,
}

impl Format {
    /// Of a method.
    pub fn new(method: &Method) -> Format {
        let mut format = Format {
            text: String::new(),
            units: Vec::new(),
        };
        let (mut rest, mut depth) = (&method.format[..], 0);
        while let Some(char) = rest.chars().next() {
            let len = match char {
                ':' | ';' => {
                    format.text.push_str(rest);
                    rest.len()
                }
                '(' => {
                    if depth == 0 {
                        format.text.push_str("O&");
                    }
                    depth += 1;
                    1
                }
                ')' => {
                    depth -= 1;
                    1
                }
                '|' | '$' => {
                    format.text.push(char);
                    1
                }
                _ => {
                    let unit = units::longest(rest)
                        .unwrap_or_else(|| unreachable!("{rest} begins with a unit"));
                    if depth == 0 {
                        let convert = method.params[format.units.len()].convert;
                        let kept = unit::reads_bytes(convert);
                        format.text.push_str(if kept { "O&" } else { unit.text });
                    }
                    format.units.push(unit.text);
                    unit.text.len()
                }
            };
            rest = &rest[len..];
        }
        format
    }
}

/// What the parser is to do with each argument. The cells of tuples are filled in.
fn passed<'f>(
    ctx: &mut Ctx,
    b: &mut Builder,
    w: &mut Wrapped,
    format: &'f Format,
) -> Vec<Passed<'f>> {
    let method = w.method;
    let mut leaves = Vec::new();
    for (at, param) in method.params.iter().enumerate() {
        leaves.push(Leaf {
            convert: param.convert,
            unit: format.units[at],
            cell: w.cells.offset(at),
        });
    }
    let mut leaves = leaves.into_iter();
    let mut passed = Vec::new();
    for (at, nest) in method.arguments.iter().enumerate() {
        passed.push(match (nest, w.cells.tuple(at)) {
            (Nest::Tuple(items), Some(cell)) => {
                let (description, _) = nested::describe(ctx, items, &mut leaves);
                let description = b.data_addr(description, 0);
                let base = w.cells.base(b);
                b.store(MemType::I64, description, base, cell);
                b.store(MemType::I64, base, base, cell + nested::BASE);
                Passed::Tuple(cell)
            }
            _ => {
                let leaf = leaves
                    .next()
                    .unwrap_or_else(|| unreachable!("a parameter for each place"));
                if unit::reads_bytes(leaf.convert) {
                    Passed::Kept(leaf)
                } else {
                    Passed::Unit(leaf)
                }
            }
        });
    }
    passed
}

/// The class that an `O!` asks for; SystemError where it is one of the module, which has lost its state.
fn class_of(ctx: &mut Ctx, b: &mut Builder, w: &Wrapped, class: ClassRef) -> Value {
    let index = match class {
        ClassRef::Builtin(name) => return ctx.object(b, name),
        ClassRef::BuiltinException(name) => return ctx.exception(b, name),
        ClassRef::Exception(index) => index,
    };
    let (no_state, found) = (b.cold_block(), b.cold_block());
    let state = ctx.call1(b, "PyModule_GetState", &[w.self_]);
    b.exit_unless(state, no_state, &[]);
    let class = b.load(MemType::I64, state, state::offset(index));
    b.br(class, found, &[], no_state, &[]);
    b.seal_and_switch_to(no_state);
    raise::no_state(ctx, b);
    b.jump(w.fails, &[]);
    b.seal_and_switch_to(found);
    class
}

/// The parameter of each argument; `None` of one that is a tuple of them.
fn arguments(method: &Method) -> Vec<Option<&Param>> {
    let mut at = 0;
    let argument = |nest: &Nest| {
        let first = at;
        at += nest.leaves();
        match nest {
            Nest::Param => Some(&method.params[first]),
            Nest::Tuple(_) => None,
        }
    };
    method.arguments.iter().map(argument).collect()
}

/// Keyword-only parameters behind a `|` of the format are optional to the parser: those without a default are looked for here.
fn is_looked_for(method: &Method, param: &Param) -> bool {
    let required = param.kind == ParamKind::KeywordOnly && param.default.is_none();
    required && method.format.contains('|')
}

/// Finds the parameters that the parser does not miss.
fn require_keywords(ctx: &mut Ctx, b: &mut Builder, method: &Method, kwnames: Value, fails: Block) {
    let function = match method.format.split_once(':') {
        Some((_, name)) => format!("{name}()"),
        None => "function".to_owned(),
    };
    for (at, param) in arguments(method).into_iter().enumerate() {
        let required =
            |param: &&Param| param.kind == ParamKind::KeywordOnly && param.default.is_none();
        let Some(param) = param.filter(required) else {
            continue;
        };
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

/// The NULL-terminated list of the arguments' names; those of positional-only ones, as tuples are, are empty.
fn keyword_list(ctx: &mut Ctx, method: &Method) -> DataId {
    let mut data = Data::new(format!("{}.keywords", method.name), DataKind::RelRo, 8);
    for param in arguments(method) {
        let keyword = param.filter(|param| param.kind != ParamKind::PositionalOnly);
        let name = keyword.map_or("", |param| &param.name);
        let name = ctx.program.c_string(name);
        data.push_pointer(Pointee::Data(name, 0));
    }
    data.bytes.extend([0; 8]);
    ctx.program.add_data(data)
}
