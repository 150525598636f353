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
use pyasmgen::frontend::spec;
use pyasmgen::target;

/// Reads lines of JSON: a `def`'s parameters, the text signature, the format, and names for the keyword list. Prints what is wrong.
const ORACLE: &str = r#"
import ctypes, inspect, json, re, sys

parse = ctypes.pythonapi.PyArg_ParseTupleAndKeywords
parse.restype = ctypes.c_int
converter = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_void_p)
def convert(value, place):
    ctypes.cast(place, ctypes.POINTER(ctypes.c_longlong))[0] = value
    return 1
convert = converter(convert)

def bind(fmt, kwlist, units, args, kwargs):
    places = [ctypes.c_longlong(-99) for _ in units]
    out = []
    for unit, place in zip(units, places):
        out += [convert] if unit == "O&" else []
        out.append(ctypes.byref(place))
    names = (ctypes.c_char_p * (len(kwlist) + 1))(*[n.encode() for n in kwlist], None)
    parse(ctypes.py_object(args), ctypes.py_object(kwargs), fmt.encode(), names, *out)
    return [place.value & 0xFF if unit not in "fdO" else 0 for unit, place in zip(units, places)]

count = 0
for line in sys.stdin:
    params, signature, fmt, kwlist = json.loads(line)
    space = {}
    exec(f"def f({params}): return list(locals().values())", space)
    f = space["f"]
    expected = inspect.signature(f)
    read = inspect._signature_fromstr(inspect.Signature, len, signature)
    assert str(read) == str(expected), (signature, str(read), str(expected))
    units = re.findall(r"O&|[a-zA-Z]", fmt.split(":")[0])
    listed = list(expected.parameters.values())
    attempts = []
    for given in range(len(listed) + 2):
        attempts.append((tuple(range(1, given + 1)), {}))
        named = {p.name: 7 for p in listed[given:]}
        attempts.append((tuple(range(1, given + 1)), named))
        attempts.append((tuple(range(1, given + 1)), {p.name: 7 for p in listed[given:] if p.default is p.empty}))
        attempts.append((tuple(range(1, given + 1)), {p.name: 7 for p in listed}))
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
            for unit, name, value in zip(units, expected.parameters, got):
                if name in bound and unit not in ("f", "d", "O", "p"):
                    assert value == bound[name] & 0xFF, (params, fmt, args, kwargs, got)
                elif name not in bound and unit not in ("f", "d", "O"):
                    assert value == -99 & 0xFF, (params, fmt, args, kwargs, got)
    count += 1
print(count)
"#;

/// A type, its letter if it has one, and defaults.
const TYPES: &[(&str, &str, &[&str])] = &[
    ("i64", "L", &["0", "-9223372036854775808", "LIMIT"]),
    ("u8", "", &["255", "0x10"]),
    ("u64", "", &["18446744073709551615"]),
    ("i16", "h", &["-5"]),
    (
        "f64",
        "d",
        &["1.5", "-1e-07", "1e16", "0.1", "INF", "-1e999", "-0.0", "3"],
    ),
    ("f32", "f", &["0.5", "1e30"]),
    ("bool", "p", &["True", "False"]),
    ("object", "O", &["None", "True"]),
];

#[derive(Debug, Clone)]
struct Case {
    /// Type, whether there is a default, and which.
    params: Vec<(usize, bool, usize)>,
    slash: Option<usize>,
    star: Option<usize>,
    keywords: bool,
    letters: bool,
}

fn cases() -> impl Strategy<Value = Case> {
    (
        prop::collection::vec((0..TYPES.len(), any::<bool>(), 0..8_usize), 0..5),
        prop::option::of(1..5_usize),
        prop::option::of(0..5_usize),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(mut params, slash, star, keywords, letters)| {
            // Python's rules, and ours: behind the first default, all have one.
            let mut optional = false;
            for param in &mut params {
                optional |= param.1;
                param.1 = optional;
            }
            let count = params.len();
            let star = star.filter(|&star| star < count);
            // A required keyword beside optional ones is the wrapper's business: CPython's parser alone has no words for it.
            if params.iter().any(|param| param.1) {
                for param in params.iter_mut().skip(star.unwrap_or(count)) {
                    param.1 = true;
                }
            }
            let slash = slash.filter(|&slash| slash <= star.unwrap_or(count));
            let letters = letters && params.iter().all(|param| !TYPES[param.0].1.is_empty());
            Case {
                params,
                slash,
                star,
                keywords,
                letters,
            }
        })
}

/// The method's table, and the parameters as Python would have them.
fn write(case: &Case) -> (String, String) {
    let mut entries = Vec::new();
    let mut python = Vec::new();
    let markers = case.slash.is_some() || case.star.is_some();
    let count = case.params.len();
    for (index, &(ty, has, which)) in case.params.iter().enumerate() {
        if case.star == Some(index) {
            entries.push("\"*\"".to_owned());
            python.push("*".to_owned());
        }
        let (name, _, defaults) = TYPES[ty];
        let mut entry = format!("p{index}");
        if !case.letters {
            write!(entry, ": {name}").unwrap();
        }
        let mut param = format!("p{index}");
        if has {
            let default = defaults[which % defaults.len()];
            write!(entry, " = {default}").unwrap();
            let float = if name.starts_with('f') { "float" } else { "" };
            let value = default.replace("LIMIT", "77").replace("INF", "1e999");
            write!(param, "={float}({value})").unwrap();
        }
        entries.push(format!("\"{entry}\""));
        python.push(param);
        if case.slash == Some(index + 1) || (!markers && !case.keywords && index + 1 == count) {
            if markers {
                entries.push("\"/\"".to_owned());
            }
            python.push("/".to_owned());
        }
    }
    let mut table = format!(
        "[[methods]]\nname = \"f\"\nparams = [{}]\nkeywords = {}\nbody = \"pass\"\n",
        entries.join(", "),
        case.keywords
    );
    if case.letters {
        let letters: String = case.params.iter().map(|param| TYPES[param.0].1).collect();
        writeln!(table, "args = \"{letters}\"").unwrap();
    }
    (table, python.join(", "))
}

#[test]
fn cpython_reads_signatures_and_formats_as_it_reads_a_def() {
    let mut runner = TestRunner::deterministic();
    let mut input = String::new();
    let count = 300;
    for _ in 0..count {
        let case = cases().new_tree(&mut runner).unwrap().current();
        let (table, python) = write(&case);
        let text = format!("[module]\nname = \"m\"\n[constants]\nLIMIT = 77\nINF = inf\n{table}");
        let mut sources = Sources::default();
        let id = sources.add("spec.toml", text.as_str());
        let (module, diagnostics) = spec::check(&sources, id, &target::TARGETS[0]);
        let Some(module) = module else {
            panic!("{text}\n{}", render::human(&diagnostics, &sources, false));
        };
        let method = &module.methods[0];
        let kwlist: Vec<&str> = method
            .params
            .iter()
            .map(|param| match param.kind {
                pyasmgen::frontend::lang::ParamKind::PositionalOnly => "",
                _ => param.name.as_str(),
            })
            .collect();
        let line = serde_json::json!([python, method.text_signature, method.format, kwlist]);
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
