//! What `spec::check` makes of parameters, judged by CPython: `inspect` must read each text signature as it reads a `def` with the same
//! parameters, and `PyArg_ParseTupleAndKeywords` must take each format, and bind arguments as that `def` does.

#![expect(clippy::disallowed_types, reason = "the oracle is a process")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use pyasmgen::base::render;
use pyasmgen::base::source::Sources;
use pyasmgen::frontend::lang::{Nest, ParamKind};
use pyasmgen::frontend::spec;
use pyasmgen::target;

/// Reads lines of JSON: a `def`'s parameters, the text signature, the format, names for the keyword list, and an argument for each
/// parameter. Prints what is wrong.
const ORACLE: &str = r#"
import ctypes, inspect, json, re, sys

parse = ctypes.pythonapi._PyArg_ParseTupleAndKeywords_SizeT
parse.restype = ctypes.c_int
converter = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_void_p)
def convert(value, place):
    ctypes.cast(place, ctypes.POINTER(ctypes.c_longlong))[0] = value if isinstance(value, int) else 0
    return 1
convert = converter(convert)

def bind(fmt, kwlist, units, args, kwargs):
    places = [ctypes.create_string_buffer((-99).to_bytes(8, "little", signed=True), 128) for _ in units]
    out = []
    for unit, place in zip(units, places):
        out += [convert] if unit == "O&" else []
        out.append(place)
    names = (ctypes.c_char_p * (len(kwlist) + 1))(*[n.encode() for n in kwlist], None)
    parse(ctypes.py_object(args), ctypes.py_object(kwargs), fmt.encode(), names, *out)
    return [place.raw[0] for place in places]

integers = "bhilLnBHIkK"
count = 0
for line in sys.stdin:
    params, signature, fmt, kwlist, samples = json.loads(line)
    space = {}
    exec(f"def f({params}): return list(locals().values())", space)
    f = space["f"]
    expected = inspect.signature(f)
    read = inspect._signature_fromstr(inspect.Signature, len, signature)
    assert str(read) == str(expected), (signature, str(read), str(expected))
    units = re.findall(r"O&|[a-zA-Z][*#]?|[(]|[)]", fmt.split(":")[0])
    # Which parameter each C variable belongs to; only those of integers outside of tuples are compared.
    owners, depth, number = [], 0, -1
    for unit in units:
        depth -= unit == ")"
        number += depth == 0 and unit != ")"
        depth += unit == "("
        if unit not in "()":
            owners.append(number if depth == 0 else None)
    units = [unit for unit in units if unit not in "()"]
    listed = list(expected.parameters.values())
    given = [eval(sample) for sample in samples] + [None]
    named = dict(zip([p.name for p in listed], given))
    attempts = []
    for number in range(len(listed) + 2):
        for rest in (
            {},
            {p.name: named[p.name] for p in listed[number:]},
            {p.name: named[p.name] for p in listed[number:] if p.default is p.empty},
            named,
        ):
            attempts.append((tuple(given[:number]), rest))
    for args, kwargs in attempts:
        try:
            wanted = f(*args, **kwargs)
        except TypeError:
            wanted = TypeError
        try:
            got = bind(fmt, kwlist, units, args, kwargs)
        except TypeError:
            got = TypeError
        assert (wanted is TypeError) == (got is TypeError), (params, fmt, kwlist, args, kwargs, wanted, got)
        if got is not TypeError:
            bound = expected.bind(*args, **kwargs).arguments
            for unit, owner, value in zip(units, owners, got):
                if owner is None:
                    continue
                name = listed[owner].name
                if name not in bound:
                    assert value == -99 & 0xFF, (params, fmt, args, kwargs, got)
                elif unit in integers or unit == "O&" and type(bound[name]) is int:
                    assert value == bound[name] & 0xFF, (params, fmt, args, kwargs, got)
    count += 1
print(count)
"#;

/// A type, its letter if it has one, defaults, and an argument.
type Row = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static str,
);

const TYPES: &[Row] = &[
    ("i64", "L", &["0", "-9223372036854775808", "LIMIT"], "7"),
    ("u8", "", &["255", "0x10"], "8"),
    ("u64", "", &["18446744073709551615"], "9"),
    ("i16", "h", &["-5"], "10"),
    (
        "f64",
        "d",
        &["1.5", "-1e-07", "1e16", "0.1", "INF", "-1e999", "-0.0", "3"],
        "1.5",
    ),
    ("f32", "f", &["0.5", "1e30"], "2"),
    ("bool", "p", &["True", "False"], "True"),
    ("object", "O", &["None", "True"], "[]"),
    (
        "complex",
        "D",
        &[
            "2.5+1j",
            "-1j",
            "0j",
            "-0j",
            "1e999-2j",
            "-1.5 - 2e-7j",
            "(1+0j)",
            "3-1e999j",
            "-2+3j",
            "-2.5",
        ],
        "1j",
    ),
    (
        "str",
        "U",
        &[
            "''",
            "'text'",
            r"'it\'s'",
            "\"it's\"",
            r#"'\'\"\\\n\t\r\0\x7f\xe9\u20ac\U0001f600'"#,
            "'größe'",
            "r'\\d'",
            "TEXT",
        ],
        "'text'",
    ),
    (
        "bytes",
        "S",
        &["b''", r#"b'\x00\xff\'\"\\'"#, "rb'\\d'", "DATA"],
        "b'text'",
    ),
    ("Buffer", "y*", &["b'x'"], "bytearray(2)"),
    ("MutBuffer", "w*", &[], "bytearray(2)"),
    ("MutBuffer | None", "", &["None"], "bytearray(2)"),
    ("Buffer[f64]", "", &[], "bytearray(2)"),
    ("None | Buffer[i32]", "", &["None"], "None"),
    ("str|None", "", &["None", "'ö'"], "None"),
    ("bytes | None", "", &["None", r"b'\xff'"], "b''"),
];

#[derive(Debug, Clone)]
struct Case {
    params: Vec<Entry>,
    slash: Option<usize>,
    star: Option<usize>,
    keywords: bool,
    letters: bool,
}

#[derive(Debug, Clone)]
struct Entry {
    kind: Kind,
    /// It has a default, if its type can have one.
    has: bool,
    which: usize,
}

#[derive(Debug, Clone)]
enum Kind {
    /// A type of the table.
    Plain(usize),
    Tuple(Vec<Kind>),
}

impl Kind {
    fn lettered(&self) -> bool {
        match self {
            Kind::Plain(ty) => !TYPES[*ty].1.is_empty(),
            Kind::Tuple(items) => items.iter().all(Kind::lettered),
        }
    }

    fn defaults(&self) -> &'static [&'static str] {
        match self {
            Kind::Plain(ty) => TYPES[*ty].2,
            Kind::Tuple(_) => &[],
        }
    }
}

fn kinds() -> impl Strategy<Value = Kind> {
    let plain = (0..TYPES.len()).prop_map(Kind::Plain);
    plain.prop_recursive(2, 5, 3, |inner| {
        prop::collection::vec(inner, 0..3).prop_map(Kind::Tuple)
    })
}

fn cases() -> impl Strategy<Value = Case> {
    let entry = (kinds(), any::<bool>(), 0..8_usize).prop_map(|(kind, has, which)| Entry {
        kind,
        has,
        which,
    });
    (
        prop::collection::vec(entry, 0..5),
        prop::option::of(1..5_usize),
        prop::option::of(0..5_usize),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(mut params, mut slash, star, mut keywords, letters)| {
            let count = params.len();
            let mut star = star.filter(|&star| star < count);
            // Tuples are required and positional-only, and so is all before them.
            let required = params
                .iter()
                .rposition(|p| matches!(p.kind, Kind::Tuple(_)));
            let behind = required.map_or(0, |at| at + 1);
            if star.is_some_and(|star| star < behind) {
                star = None;
            }
            // Python's rules, and ours: behind the first default, all have one.
            let mut optional = false;
            for (at, param) in params.iter_mut().enumerate() {
                optional &= !param.kind.defaults().is_empty();
                optional |= param.has && at >= behind && !param.kind.defaults().is_empty();
                param.has = optional;
            }
            let first = params.iter().rposition(|param| !param.has);
            for param in params.iter_mut().take(first.unwrap_or(0)) {
                param.has = false;
            }
            // A required keyword beside optional ones is the wrapper's business: CPython's parser alone has no words for it.
            if star.is_some_and(|star| first.is_some_and(|first| first >= star)) {
                params.iter_mut().for_each(|param| param.has = false);
            }
            if behind > 0 && (slash.is_some() || star.is_some() || keywords) {
                slash = slash.map(|slash| slash.max(behind)).or(Some(behind));
                keywords = false;
            }
            let slash = slash.filter(|&slash| slash <= star.unwrap_or(count));
            let star = star.filter(|_| behind == 0 || slash.is_some());
            let letters = letters && params.iter().all(|param| param.kind.lettered());
            Case {
                params,
                slash,
                star,
                keywords,
                letters,
            }
        })
}

/// What a case is in the spec and in Python.
#[derive(Default)]
struct Texts {
    entries: Vec<String>,
    letters: String,
    python: Vec<String>,
    samples: Vec<String>,
    names: usize,
}

impl Texts {
    /// Writes the entries of a parameter; gives the name Python has for it and a sample.
    fn param(&mut self, kind: &Kind, typed: bool) -> (String, String) {
        match kind {
            Kind::Plain(ty) => {
                let name = format!("p{}", self.names);
                self.names += 1;
                let (ty, letter, _, sample) = TYPES[*ty];
                let colon = if typed {
                    format!(": {ty}")
                } else {
                    String::new()
                };
                self.entries.push(format!("{name}{colon}"));
                self.letters.push_str(letter);
                (name, sample.to_owned())
            }
            Kind::Tuple(items) => {
                let (start, mut names, mut samples) = (self.entries.len(), vec![], String::new());
                self.letters.push('(');
                for item in items {
                    let (name, sample) = self.param(item, typed);
                    names.extend((!name.is_empty()).then_some(name));
                    samples += &format!("{sample}, ");
                }
                self.letters.push(')');
                match &mut self.entries[start..] {
                    [] => self.entries.push("()".to_owned()),
                    [first, ..] => {
                        first.insert(0, '(');
                        self.entries.last_mut().expect("there is one").push(')');
                    }
                }
                (names.join("_"), format!("({samples})"))
            }
        }
    }
}

/// A string of TOML.
fn toml(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The method's table, the parameters as Python would have them, and arguments.
fn write(case: &Case) -> (String, String, Vec<String>) {
    let mut texts = Texts::default();
    let markers = case.slash.is_some() || case.star.is_some();
    let count = case.params.len();
    for (index, param) in case.params.iter().enumerate() {
        if case.star == Some(index) {
            texts.entries.push("*".to_owned());
            texts.python.push("*".to_owned());
        }
        let (mut name, sample) = texts.param(&param.kind, !case.letters);
        texts.samples.push(sample);
        if param.has {
            let defaults = param.kind.defaults();
            let default = defaults[param.which % defaults.len()];
            let entry = texts.entries.last_mut().expect("its own");
            write!(entry, " = {default}").unwrap();
            let float = match param.kind {
                Kind::Plain(ty) if TYPES[ty].0.starts_with('f') => "float",
                _ => "",
            };
            let value = match default {
                "LIMIT" => "77",
                "INF" => "1e999",
                "TEXT" => "'tö\"xt\\n'",
                "DATA" => "b'\\x00\\xff'",
                literal => literal,
            };
            write!(name, "={float}({value})").unwrap();
        }
        texts.python.push(name);
        if case.slash == Some(index + 1) || (!markers && !case.keywords && index + 1 == count) {
            if markers {
                texts.entries.push("/".to_owned());
            }
            texts.python.push("/".to_owned());
        }
    }
    let entries: Vec<String> = texts.entries.iter().map(|entry| toml(entry)).collect();
    let mut table = format!(
        "[[methods]]\nname = \"f\"\nparams = [{}]\nkeywords = {}\nbody = \"pass\"\n",
        entries.join(", "),
        case.keywords
    );
    if case.letters {
        writeln!(table, "args = \"{}\"", texts.letters).unwrap();
    }
    // An empty tuple has no names to be called after, and Python wants one name once.
    let mut seen: Vec<String> = Vec::new();
    for name in &mut texts.python {
        if name.is_empty() {
            *name = "empty".to_owned();
        }
        while name.starts_with("empty") && seen.contains(name) {
            name.push('_');
        }
        seen.push(name.clone());
    }
    (table, texts.python.join(", "), texts.samples)
}

/// What all cases stand behind.
const HEAD: &str = r#"
[module]
name = "m"
[constants]
LIMIT = 77
INF = inf
TEXT = "tö\"xt\n"
DATA = { hex = "00ff" }
"#;

/// How many names an argument has.
fn names(argument: &Nest) -> usize {
    match argument {
        Nest::Param => 1,
        Nest::Tuple(items) => items.iter().map(names).sum(),
    }
}

#[test]
fn cpython_reads_signatures_and_formats_as_it_reads_a_def() {
    let mut runner = TestRunner::deterministic();
    let mut input = String::new();
    let count = 2000;
    for _ in 0..count {
        let case = cases().new_tree(&mut runner).unwrap().current();
        let (table, python, samples) = write(&case);
        let text = format!("{HEAD}{table}");
        let mut sources = Sources::default();
        let id = sources.add("spec.toml", text.as_str());
        let (module, diagnostics) = spec::check(&sources, id, &target::TARGETS[0]);
        let Some(module) = module else {
            panic!("{text}\n{}", render::human(&diagnostics, &sources, false));
        };
        let method = &module.methods[0];
        let mut params = method.params.iter();
        let kwlist: Vec<&str> = method
            .arguments
            .iter()
            .map(|argument| {
                let inside: Vec<_> = params.by_ref().take(names(argument)).collect();
                match inside.as_slice() {
                    [param] if param.kind != ParamKind::PositionalOnly => param.name.as_str(),
                    _ => "",
                }
            })
            .collect();
        let line = serde_json::json!([
            python,
            method.text_signature,
            method.format,
            kwlist,
            samples
        ]);
        writeln!(input, "{line}").unwrap();
    }
    let child = Command::new("python3")
        .args(["-c", ORACLE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        assert!(std::env::var_os("CI").is_none(), "python3 is missing");
        eprintln!("skipped: python3 is missing");
        return;
    };
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        count.to_string()
    );
}
