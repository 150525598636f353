//! A checked spec as `model.py` is told of it: what the methods are called, take and return, their texts, and the module's own names.
//!
//! Types, kinds and defaults are those that `spec::check` found; bodies and overflow modes are read from the TOML itself. Nothing is run here.

use std::path::Path;

use pyasmgen::base::source::Sources;
use pyasmgen::frontend::lang::ParamKind;
use pyasmgen::frontend::lang::ty::storage_name;
use pyasmgen::frontend::lang::typed::{Const, Function, Shape, Storage};
use pyasmgen::frontend::spec::module::{BaseClass, ConstValue, Convert, Method, Module, Takes};
use pyasmgen::{compile, target};
use serde_json::{Value, json};

/// The job of a spec, without the built module and the numbers of calls; nothing where there are values that the model does not know: text,
/// bytes, complex numbers.
pub fn job(spec: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(spec).expect("readable");
    let table: toml::Table = text.parse().expect("specs are TOML");
    let mut sources = Sources::default();
    let id = sources.add(spec.display().to_string(), text);
    let (module, diagnostics) = compile::check(&sources, id, target::host());
    let module = module.unwrap_or_else(|| panic!("{}: {diagnostics:?}", spec.display()));
    let tables = table.get("methods").and_then(toml::Value::as_array);
    let tables = tables.map_or(&[][..], Vec::as_slice);
    let overflow = table["module"].get("overflow");
    let wraps: Vec<bool> = tables
        .iter()
        .map(|method| {
            method
                .get("overflow")
                .or(overflow)
                .and_then(toml::Value::as_str)
                == Some("wrap")
        })
        .collect();
    let bodies: Vec<&str> = tables
        .iter()
        .map(|method| method["body"].as_str().expect("a body"))
        .collect();
    let plain = plain(&module, &wraps, &bodies);
    let method = |(at, method): (usize, &Method)| {
        let function = &module.functions[at];
        let results = function.results.iter();
        Some(json!({
            "name": method.name,
            "params": params(method, function)?,
            "returns": results.map(|result| storage_name(*result)).collect::<Vec<_>>(),
            "shape": shape(&function.shape),
            "wrap": wraps[at],
            "plain": plain[at],
            "body": bodies[at],
        }))
    };
    let methods: Option<Vec<Value>> = module.methods.iter().enumerate().map(method).collect();
    let constants = module.constants.iter();
    let exceptions = module.exceptions.iter();
    let base = |base: &BaseClass| match base {
        BaseClass::Builtin(name) => (*name).to_owned(),
        BaseClass::Module(index) => module.exceptions[*index].name.clone(),
    };
    Some(json!({
        "name": module.name,
        "constants": constants.map(|(name, value)| json!([name, constant(value)])).collect::<Vec<_>>(),
        "exceptions": exceptions.map(|class| json!([class.name, base(&class.base)])).collect::<Vec<_>>(),
        "methods": methods?,
    }))
}

/// Of which methods Python makes the same, as long as it does not grow numbers: nothing wraps or is rounded to 32 bits, in them or in what
/// they call.
fn plain(module: &Module, wraps: &[bool], bodies: &[&str]) -> Vec<bool> {
    let is_f32 = |storage: Storage| storage == Storage::F32;
    let rounds = |function: &Function| {
        let params = function.locals[..function.params].iter();
        params.map(|local| local.storage).any(is_f32)
            || function.results.iter().copied().any(is_f32)
    };
    let rounds: Vec<bool> = module.functions.iter().map(rounds).collect();
    // Arguments and results are rounded by `model.py`; what is assigned to a parameter is not.
    let inside = |at: usize| bodies[at].contains("f32") || rounds[at] && bodies[at].contains("= ");
    let mut plain: Vec<bool> = (0..bodies.len())
        .map(|at| !wraps[at] && !inside(at))
        .collect();
    loop {
        let calls = |at: usize, other: usize| {
            bodies[at].contains(&format!("{}(", module.methods[other].name))
        };
        let unlike = |at: usize| {
            (0..plain.len()).any(|other| (!plain[other] || rounds[other]) && calls(at, other))
        };
        match (0..plain.len()).find(|&at| plain[at] && unlike(at)) {
            Some(at) => plain[at] = false,
            None => return plain,
        }
    }
}

fn params(method: &Method, function: &Function) -> Option<Vec<Value>> {
    let locals = function.locals.iter();
    method
        .params
        .iter()
        .zip(locals)
        .map(|(param, local)| {
            let (convert, range) = match param.convert {
                Convert::Int(int) | Convert::IntOwn(int, _) => ("checked", int.name()),
                Convert::IntModulo(int) => ("modulo", int.name()),
                Convert::F32 => ("float", "f32"),
                Convert::F64 => ("float", "f64"),
                Convert::Truth => ("truth", "bool"),
                Convert::Object => ("object", "object"),
                Convert::Complex => ("complex", "complex"),
                Convert::Bytes { .. } => ("bytes", storage_name(local.storage)),
                Convert::Str { .. } => ("str", storage_name(local.storage)),
                Convert::Bytelike {
                    takes: Takes::Bytes,
                    ..
                } => ("buffer", storage_name(local.storage)),
                Convert::Buffer { item: None, .. } => ("buffer", storage_name(local.storage)),
                Convert::Buffer { item: Some(_), .. } => ("items", storage_name(local.storage)),
                Convert::Byte
                | Convert::Char
                | Convert::Text { .. }
                | Convert::Bytelike { .. }
                | Convert::Encoded { .. }
                | Convert::ByteArray
                | Convert::Instance(_) => return None,
            };
            Some(json!({
                "name": param.name,
                "kind": match param.kind {
                    ParamKind::PositionalOnly => "positional",
                    ParamKind::PositionalOrKeyword => "either",
                    ParamKind::KeywordOnly => "keyword",
                },
                "convert": convert,
                "range": range,
                "storage": storage_name(local.storage),
                "default": param.default.clone().map(default),
            }))
        })
        .collect()
}

/// What results are put into.
fn shape(of: &Shape) -> Value {
    let all = |items: &[Shape]| items.iter().map(shape).collect::<Vec<_>>();
    match of {
        Shape::None => Value::Null,
        Shape::One => json!("one"),
        Shape::Tuple(items) => json!(["tuple", all(items)]),
        Shape::List(items) => json!(["list", all(items)]),
        Shape::Dict(items) => {
            let pairs = items
                .iter()
                .map(|(key, value)| json!([shape(key), shape(value)]));
            json!(["dict", pairs.collect::<Vec<_>>()])
        }
    }
}

fn bool(value: bool) -> String {
    (if value { "True" } else { "False" }).to_owned()
}

fn float(value: f64) -> String {
    format!("float('{value:?}')")
}

/// As Python writes it.
fn default(value: Const) -> String {
    match value {
        Const::Bool(value) => bool(value),
        Const::Int(value) => value.to_string(),
        Const::Float(value) => float(value),
        Const::None => "None".to_owned(),
        Const::Complex(re, im) => format!("complex({}, {})", float(re), float(im)),
        // What JSON escapes, Python unescapes alike.
        Const::Str(text) => Value::from(&*text).to_string(),
        Const::Bytes(bytes) => format!("bytes({bytes:?})"),
    }
}

fn constant(value: &ConstValue) -> String {
    match value {
        ConstValue::Bool(value) => bool(*value),
        ConstValue::Int(digits) => digits.clone(),
        ConstValue::Float(value) => float(*value),
        // What JSON escapes, Python unescapes alike.
        ConstValue::Str(text) => Value::from(text.as_str()).to_string(),
        ConstValue::Bytes(bytes) => format!("bytes({bytes:?})"),
    }
}
