//! Random modules of the body language, all of them correct: typed as the contract wants, bounded in time, with the edge cases that a
//! compiler gets wrong more likely than not.
//!
//! In comes a random number generator, out comes a spec. One corner is avoided: a literal meets a variable, or something else of a type that the
//! text shows.

mod calls;
mod expressions;
mod statements;
mod views;

use std::fmt::Write;

use pyasmgen::ir::random::Rng;

/// Type of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ty {
    Bool,
    I64,
    U64,
    F64,
    Object,
    /// A `bytes`.
    Bytes,
    /// One that may be None.
    Maybe,
    Str,
    /// The bytes of a buffer, read-only.
    Buf,
    /// Likewise, and they can be written.
    Mut,
    /// A bytearray.
    Array,
    /// A buffer of numbers.
    Items,
    Complex,
    /// Any of these as an object.
    Any,
}

impl Ty {
    fn is_number(self) -> bool {
        matches!(self, Ty::Bool | Ty::I64 | Ty::U64 | Ty::F64)
    }
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
    ("isize", Ty::I64),
    ("usize", Ty::U64),
    ("object", Ty::Object),
    ("bytes", Ty::Bytes),
    ("bytes", Ty::Bytes),
    ("bytes | None", Ty::Maybe),
    ("str", Ty::Str),
    ("complex", Ty::Complex),
];

/// Types that only parameters have: their values come from outside.
const BUFFERS: &[(&str, Ty)] = &[
    ("Buffer", Ty::Buf),
    ("Buffer", Ty::Buf),
    ("MutBuffer", Ty::Mut),
    ("MutBuffer", Ty::Mut),
    ("MutBuffer[i16]", Ty::Items),
    ("MutBuffer[u32]", Ty::Items),
    ("MutBuffer[i64]", Ty::Items),
    ("MutBuffer[u64]", Ty::Items),
    ("MutBuffer[f32]", Ty::Items),
    ("MutBuffer[bool]", Ty::Items),
    ("Buffer[f64]", Ty::Items),
    ("Buffer[i8]", Ty::Items),
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
    ("n", "i64", Ty::I64),
    ("H", "u16", Ty::I64),
    ("I", "u32", Ty::I64),
    ("f", "f32", Ty::F64),
    ("O", "object", Ty::Object),
    ("O", "object", Ty::Any),
    ("S", "bytes", Ty::Bytes),
    ("y#", "Buffer | None", Ty::Buf),
    ("U", "str", Ty::Str),
    ("D", "complex", Ty::Complex),
];

/// Exception classes of the module, and what they are derived from.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("Odd", "ValueError"),
    ("Odder", "Odd"),
    ("Lost", "LookupError"),
];

/// Constants of the module as the spec has them, and the type they can have in a body.
const CONSTANTS: &[(&str, &str, Ty)] = &[
    ("ANSWER", "42", Ty::I64),
    ("LARGE", "9223372036854775807", Ty::U64),
    ("LOW", "-129", Ty::I64),
    ("BYTE", "255", Ty::U64),
    ("HALF", "0.5", Ty::F64),
    ("YES", "true", Ty::Bool),
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

/// How an argument is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Positional,
    Either,
    Keyword,
}

/// A parameter.
#[derive(Clone, Debug)]
struct Param {
    name: String,
    storage: &'static str,
    ty: Ty,
    kind: Kind,
    default: Option<String>,
}

/// A method that later ones may call, or a helper.
#[derive(Clone, Debug)]
struct Method {
    name: String,
    params: Vec<Param>,
    returns: Vec<(&'static str, &'static str, Ty)>,
    /// The first parameter is how often it may call itself.
    recursive: bool,
    wrap: bool,
    /// Plain Python makes the same of it.
    plain: bool,
}

/// The spec of a module of `count` methods.
pub fn module(rng: &mut Rng, name: &str, count: usize) -> String {
    let mut spec = format!("[module]\nname = \"{name}\"\n\n[constants]\n");
    for (name, value, _) in CONSTANTS {
        writeln!(spec, "{name} = {value}").expect("a String takes all text");
    }
    for (name, base) in EXCEPTIONS {
        write!(
            spec,
            "\n[[exceptions]]\nname = \"{name}\"\nbase = \"{base}\"\n"
        )
        .expect("a String takes all text");
    }
    let mut methods: Vec<Method> = Vec::new();
    for at in 0..count {
        let wrap = rng.chance(1, 6);
        let mut method = Method {
            name: format!("f{at}"),
            params: params(rng),
            returns: match rng.chance(1, 4) {
                true => (0..2 + rng.below(2)).map(|_| *rng.pick(RETURNS)).collect(),
                false => vec![*rng.pick(RETURNS)],
            },
            recursive: rng.chance(1, 8),
            wrap,
            plain: false,
        };
        let body = body(rng, &method, &methods);
        let units: String = method.returns.iter().map(|(unit, ..)| *unit).collect();
        let units = match method.returns.len() {
            1 => units,
            _ => format!("({units})"),
        };
        let overflow = if wrap { "wrap" } else { "raise" };
        let quoted = |text: &String| format!("\"{text}\"");
        let listed: Vec<String> = listed(&method.params, true).iter().map(quoted).collect();
        write!(
            spec,
            "\n[[methods]]\nname = \"{}\"\nparams = [{}]\nreturns = \"{units}\"\noverflow = \"{overflow}\"\nkeywords = {}\nbody = '''\n{body}'''\n",
            method.name,
            listed.join(", "),
            method.params.iter().all(|param| param.kind == Kind::Either),
        )
        .expect("a String takes all text");
        let rounds = body.contains("f32")
            || method.params.iter().any(|param| param.storage == "f32")
            || method.returns.iter().any(|result| result.1 == "f32");
        let calls = |other: &Method| body.contains(&format!("{}(", other.name));
        method.plain = !wrap && !rounds && methods.iter().all(|other| other.plain || !calls(other));
        methods.push(method);
    }
    spec
}

/// Parameters with their markers, as in a `def` or (`spec`) in a list of `params`, where all of one kind need none.
fn listed(params: &[Param], spec: bool) -> Vec<String> {
    let bare = spec
        && params
            .iter()
            .all(|param| param.kind == params[0].kind && param.kind != Kind::Keyword);
    let mut list = Vec::new();
    let mut before = params[0].kind;
    if before == Kind::Keyword {
        list.push("*".to_owned());
    }
    for param in params {
        if param.kind != before && before == Kind::Positional {
            list.push("/".to_owned());
        }
        if param.kind != before && param.kind == Kind::Keyword {
            list.push("*".to_owned());
        }
        before = param.kind;
        let default = param.default.as_ref();
        let default = default.map_or_else(String::new, |text| format!(" = {text}"));
        list.push(format!("{}: {}{default}", param.name, param.storage));
    }
    if before == Kind::Positional && !bare {
        list.push("/".to_owned());
    }
    list
}

/// Some parameters; the first is always an integer, to make other things of.
fn params(rng: &mut Rng) -> Vec<Param> {
    let count = 1 + rng.below(5);
    let style = rng.below(4);
    let (mut slashed, mut starred) = (rng.below(count + 1), rng.below(count + 1));
    if slashed > starred {
        std::mem::swap(&mut slashed, &mut starred);
    }
    let mut defaults = false;
    (0..count)
        .map(|at| {
            let &(storage, ty) = match at {
                0 => &("i64", Ty::I64),
                _ if rng.chance(1, 5) => rng.pick(BUFFERS),
                _ => rng.pick(STORAGES),
            };
            let kind = match style {
                0 => Kind::Either,
                1 if at >= starred => Kind::Keyword,
                1 if at >= slashed => Kind::Either,
                _ => Kind::Positional,
            };
            // Buffers have no default: from the first optional one on there is none by position.
            let (storage, ty) = match (defaults && kind != Kind::Keyword, ty) {
                (true, Ty::Buf | Ty::Mut | Ty::Items) => ("bytes", Ty::Bytes),
                _ => (storage, ty),
            };
            let buffer = matches!(ty, Ty::Buf | Ty::Mut | Ty::Items);
            let optional =
                at > 0 && !buffer && (defaults && kind != Kind::Keyword || rng.chance(1, 4));
            defaults |= optional;
            Param {
                name: format!("p{at}"),
                storage,
                ty,
                kind,
                default: optional.then(|| default(rng, ty)),
            }
        })
        .collect()
}

/// A default that fits in everything of the type.
fn default(rng: &mut Rng, ty: Ty) -> String {
    let texts: &[&str] = match ty {
        Ty::Bool => &["True", "False"],
        Ty::I64 => &["0", "1", "7", "100"],
        Ty::U64 => &["0", "3", "255"],
        Ty::F64 => &["0.0", "-0.0", "0.5", "-2.25", "3.0"],
        Ty::Bytes => &["b''", "b'xyz'"],
        Ty::Str => &["''", "'xyz'"],
        Ty::Complex => &["2j"],
        Ty::Object | Ty::Maybe | Ty::Buf | Ty::Mut | Ty::Array | Ty::Items | Ty::Any => &["None"],
    };
    (*rng.pick(texts)).to_owned()
}

/// The body of a method.
fn body(rng: &mut Rng, method: &Method, others: &[Method]) -> String {
    let mut maker = Maker::new(rng, method, others, &[]);
    maker.method();
    let mut body = maker.text;
    if body.contains("math.") {
        body.insert_str(0, "import math\n");
    }
    body
}

struct Maker<'a> {
    rng: &'a mut Rng,
    vars: Vec<Var>,
    this: &'a Method,
    others: &'a [Method],
    helpers: Vec<Method>,
    text: String,
    indent: usize,
    loops: usize,
    locals: usize,
    size: usize,
}

impl<'a> Maker<'a> {
    fn new(
        rng: &'a mut Rng,
        this: &'a Method,
        others: &'a [Method],
        helpers: &[Method],
    ) -> Maker<'a> {
        let var = |(at, param): (usize, &Param)| Var {
            name: param.name.clone(),
            storage: param.storage,
            ty: param.ty,
            declared: true,
            fixed: at == 0 && this.recursive,
        };
        Maker {
            rng,
            vars: this.params.iter().enumerate().map(var).collect(),
            this,
            others,
            helpers: helpers.to_vec(),
            text: String::new(),
            indent: 0,
            loops: 0,
            locals: 0,
            size: 0,
        }
    }

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
        Ty::Object | Ty::Any => "object",
        Ty::Bytes => "bytes",
        Ty::Maybe => "bytes | None",
        Ty::Str => "str",
        Ty::Buf => "Buffer",
        Ty::Mut => "MutBuffer",
        Ty::Array => "bytearray",
        Ty::Items => unreachable!("only parameters are buffers of numbers"),
        Ty::Complex => "complex",
    }
}
