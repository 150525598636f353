//! Random bodies of the body language, all of them correct: typed as the contract wants, bounded in time, with the edge cases that a
//! compiler gets wrong more likely than not.
//!
//! In comes a random number generator, out comes a spec. Ambiguous corners are
//! avoided: literals meet variables, and narrowing happens where only one order of evaluation is possible.

mod expressions;
mod statements;

use std::fmt::Write;

use pyasmgen::ir::random::Rng;

/// Type of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ty {
    Bool,
    I64,
    U64,
    F64,
}

const TYPES: &[Ty] = &[Ty::Bool, Ty::I64, Ty::I64, Ty::I64, Ty::U64, Ty::F64];

/// Type of a declared thing, and of what is read from it.
const STORAGES: &[(&str, Ty)] = &[
    ("bool", Ty::Bool),
    ("i8", Ty::I64),
    ("i16", Ty::I64),
    ("i32", Ty::I64),
    ("i64", Ty::I64),
    ("i64", Ty::I64),
    ("i64", Ty::I64),
    ("u8", Ty::I64),
    ("u16", Ty::I64),
    ("u32", Ty::I64),
    ("u64", Ty::U64),
    ("u64", Ty::U64),
    ("f32", Ty::F64),
    ("f64", Ty::F64),
    ("f64", Ty::F64),
];

/// `Py_BuildValue` units, the storage a result of that unit has, and the type it takes.
const RETURNS: &[(&str, &str, Ty)] = &[
    ("L", "i64", Ty::I64),
    ("L", "i64", Ty::I64),
    ("i", "i32", Ty::I64),
    ("h", "i16", Ty::I64),
    ("b", "u8", Ty::I64),
    ("K", "u64", Ty::U64),
    ("d", "f64", Ty::F64),
    ("d", "f64", Ty::F64),
    ("p", "bool", Ty::Bool),
];

/// A variable in reach.
#[derive(Clone, Debug)]
struct Var {
    name: String,
    storage: &'static str,
    ty: Ty,
    /// Declared with its storage: what is stored is brought into its range.
    declared: bool,
    /// A loop counts on it.
    fixed: bool,
}

/// A method that later ones may call.
#[derive(Clone, Debug)]
struct Method {
    name: String,
    params: Vec<(String, &'static str, Ty)>,
    returns: Vec<(&'static str, &'static str, Ty)>,
    wrap: bool,
    body: String,
}

/// The spec of a module of `count` methods.
pub fn module(rng: &mut Rng, name: &str, count: usize) -> String {
    let mut spec = format!("[module]\nname = \"{name}\"\n");
    let mut methods: Vec<Method> = Vec::new();
    for at in 0..count {
        let method = method(rng, format!("f{at}"), &methods);
        let params: Vec<String> = method
            .params
            .iter()
            .map(|(name, storage, _)| format!("\"{name}: {storage}\""))
            .collect();
        let units: String = method.returns.iter().map(|(unit, ..)| *unit).collect();
        let units = match method.returns.len() {
            1 => units,
            _ => format!("({units})"),
        };
        let overflow = if method.wrap { "wrap" } else { "raise" };
        write!(
            spec,
            "\n[[methods]]\nname = \"{}\"\nparams = [{}]\nreturns = \"{units}\"\noverflow = \"{overflow}\"\nbody = '''\n{}'''\n",
            method.name,
            params.join(", "),
            method.body
        )
        .expect("a String takes all text");
        methods.push(method);
    }
    spec
}

fn method(rng: &mut Rng, name: String, others: &[Method]) -> Method {
    let mut params = Vec::new();
    for at in 0..1 + rng.below(4) {
        // There is always an integer to make other things of.
        let &(storage, ty) = match at {
            0 => &("i64", Ty::I64),
            _ => rng.pick(STORAGES),
        };
        params.push((format!("p{at}"), storage, ty));
    }
    let returns = match rng.chance(1, 4) {
        // Only 64-bit results: which of two conversions raises first would be a matter of order.
        true => (0..2)
            .map(|_| *rng.pick(&[RETURNS[0], RETURNS[5], RETURNS[6], RETURNS[8]]))
            .collect(),
        false => vec![*rng.pick(RETURNS)],
    };
    let vars = params
        .iter()
        .map(|(name, storage, ty): &(String, &'static str, Ty)| Var {
            name: name.clone(),
            storage,
            ty: *ty,
            declared: true,
            fixed: false,
        })
        .collect();
    let wrap = rng.chance(1, 6);
    let mut maker = Maker {
        rng,
        vars,
        others,
        returns: &returns,
        wrap,
        text: String::new(),
        indent: 0,
        loops: 0,
        locals: 0,
        size: 0,
    };
    let statements = 1 + maker.rng.below(6);
    for _ in 0..statements {
        maker.statement(2);
    }
    maker.ret();
    let mut body = maker.text;
    if body.contains("math.") {
        body.insert_str(0, "import math\n");
    }
    Method {
        name,
        params,
        returns,
        wrap,
        body,
    }
}

struct Maker<'a> {
    rng: &'a mut Rng,
    vars: Vec<Var>,
    others: &'a [Method],
    returns: &'a [(&'static str, &'static str, Ty)],
    wrap: bool,
    text: String,
    indent: usize,
    loops: usize,
    locals: usize,
    size: usize,
}

impl<'a> Maker<'a> {
    fn line(&mut self, text: &str) {
        let line = format!("{:1$}{text}\n", "", self.indent * 4);
        self.text.push_str(&line);
    }

    fn new_name(&mut self) -> String {
        self.locals += 1;
        format!("v{}", self.locals)
    }
}

/// The storage of a local without annotation.
fn wide(ty: Ty) -> &'static str {
    match ty {
        Ty::Bool => "bool",
        Ty::I64 => "i64",
        Ty::U64 => "u64",
        Ty::F64 => "f64",
    }
}
