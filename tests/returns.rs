//! What `spec::check` makes of `returns`, judged by CPython: `Py_BuildValue` must build from each text what we say it builds, of the values
//! we say it takes.

#![expect(clippy::disallowed_types, reason = "the oracle is a process")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use pyasmgen::base::render;
use pyasmgen::base::source::Sources;
use pyasmgen::frontend::lang::typed::Shape;
use pyasmgen::frontend::spec;
use pyasmgen::frontend::spec::module::ResultUnit;
use pyasmgen::target;

/// Reads lines of JSON: a text, its units, what comes out as an expression of `v`, and for each unit what kind of value it takes.
const ORACLE: &str = r#"
import ctypes, json, sys

build = ctypes.pythonapi._Py_BuildValue_SizeT
build.restype = ctypes.py_object
class Complex(ctypes.Structure):
    _fields_ = [("real", ctypes.c_double), ("imag", ctypes.c_double)]

signed = {"b": ctypes.c_int, "h": ctypes.c_int, "i": ctypes.c_int, "l": ctypes.c_long, "L": ctypes.c_longlong, "n": ctypes.c_ssize_t,
          "B": ctypes.c_int, "H": ctypes.c_int, "I": ctypes.c_uint, "k": ctypes.c_ulong, "K": ctypes.c_ulonglong}

def sample(unit, made, number):
    "C arguments, and the object that they are to become."
    if made in ("Signed", "Unsigned"):
        return [signed[unit](number)], number
    if made == "Float":
        return [ctypes.c_double(number / 2)], number / 2
    if made == "Complex":
        return [ctypes.byref(Complex(number, 1))], complex(number, 1)
    if made == "Byte":
        return [ctypes.c_int(65 + number)], bytes([65 + number])
    if made == "Char":
        return [ctypes.c_int(0x20AC + number)], chr(0x20AC + number)
    if unit in ("O", "S", "N"):
        value = b"%d" % number
        if unit == "N":
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))
        assert made == ("Bytes" if unit == "S" else "Object"), unit
        return [ctypes.py_object(value)], value
    text = b"%d" % number
    length = [ctypes.c_ssize_t(len(text))] if '#' in unit else []
    # A str is what the wrapper hands out, where CPython makes one of a char pointer.
    value = {"Bytes": text, "Text": text.decode(), "Object": text.decode()}[made]
    return [ctypes.c_char_p(text), *length], value

count = 0
for line in sys.stdin:
    text, units, shape = json.loads(line)
    out, v = [], []
    for number, (unit, made) in enumerate(units):
        args, value = sample(unit, made, number)
        out += args
        v.append(value)
    wanted = eval(shape)
    got = build(text.encode(), *out)
    assert got == wanted and repr(got) == repr(wanted), (text, got, wanted)
    count += 1
print(count)
"#;

/// Units that CPython of every version knows; `p` came with 3.14, `Y` and the `*` forms are ours.
const UNITS: &[&str] = &[
    "b", "B", "h", "H", "i", "I", "l", "k", "L", "K", "n", "f", "d", "D", "c", "C", "s", "s#", "z",
    "z#", "y", "y#", "U", "U#", "S", "O", "N",
];

/// A text, and its units in order.
type Case = (String, Vec<&'static str>);

fn cases() -> impl Strategy<Value = Case> {
    let separator = prop::sample::select(vec!["", "", ",", " ", ":", "\t", ", "]);
    let unit = prop::sample::select(UNITS).prop_map(|unit| (unit.to_owned(), vec![unit]));
    let join = |items: Vec<(Case, &str)>| -> Case {
        // CPython ignores separators between items only.
        let last = items.len().wrapping_sub(1);
        let text = items.iter().enumerate().map(|(at, ((text, _), gap))| {
            let gap = if at == last { "" } else { gap };
            format!("{text}{gap}")
        });
        let units = items.iter().flat_map(|((_, units), _)| units.clone());
        (text.collect(), units.collect())
    };
    let gap = separator.clone();
    let container = unit.clone().prop_recursive(3, 12, 4, move |inner| {
        let item = (inner, gap.clone());
        let pair = (prop::sample::select(&["i", "y#", "U", "C"]), item.clone()).prop_map(
            |(key, ((text, units), gap))| {
                let units = std::iter::once(key).chain(units).collect();
                ((format!("{key}:{text}"), units), gap)
            },
        );
        prop_oneof![
            prop::collection::vec(item.clone(), 0..4)
                .prop_map(join)
                .prop_map(|(text, units)| (format!("({text})"), units)),
            prop::collection::vec(item, 0..4)
                .prop_map(join)
                .prop_map(|(text, units)| (format!("[{text}]"), units)),
            prop::collection::vec(pair, 0..3)
                .prop_map(join)
                .prop_map(|(text, units)| (format!("{{{text}}}"), units)),
        ]
    });
    prop::collection::vec((container, separator), 0..4).prop_map(join)
}

/// What comes out, in Python; `v` has the values, of which `next` is the next one.
fn expression(shape: &Shape, next: &mut usize) -> String {
    let mut item = |shape: &Shape| expression(shape, next);
    match shape {
        Shape::None => "None".to_owned(),
        Shape::One => {
            *next += 1;
            format!("v[{}]", *next - 1)
        }
        Shape::Tuple(items) => {
            let items: String = items.iter().map(|s| format!("{}, ", item(s))).collect();
            format!("({items})")
        }
        Shape::List(items) => {
            let items: Vec<String> = items.iter().map(item).collect();
            format!("[{}]", items.join(", "))
        }
        Shape::Dict(pairs) => {
            let pairs: Vec<String> = pairs
                .iter()
                .map(|(key, value)| format!("{}: {}", item(key), item(value)))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
    }
}

fn made(unit: ResultUnit) -> String {
    format!("{unit:?}")
}

#[test]
fn cpython_builds_what_we_say() {
    let mut runner = TestRunner::deterministic();
    let mut input = String::new();
    let count = 500;
    for _ in 0..count {
        let (text, units) = cases().new_tree(&mut runner).unwrap().current();
        let toml = format!(
            "[module]\nname = \"m\"\n[[methods]]\nname = \"f\"\nreturns = {}\nbody = \"raise ValueError\"\n",
            serde_json::Value::from(text.as_str())
        );
        let mut sources = Sources::default();
        let id = sources.add("spec.toml", toml.as_str());
        let (module, diagnostics) = spec::check(&sources, id, &target::TARGETS[0]);
        let Some(module) = module else {
            panic!("{toml}\n{}", render::human(&diagnostics, &sources, false));
        };
        let returns = &module.methods[0].returns;
        assert_eq!(returns.units.len(), units.len(), "{text}");
        assert_eq!(module.functions[0].results.len(), units.len(), "{text}");
        let mut values = 0;
        let shape = expression(&returns.shape, &mut values);
        assert_eq!(values, units.len(), "{text}");
        let units: Vec<_> = units.iter().zip(&returns.units).collect();
        let units: Vec<_> = units
            .iter()
            .map(|(text, unit)| (text, made(**unit)))
            .collect();
        input += &format!("{}\n", serde_json::json!([text, units, shape]));
    }
    let child = Command::new("python3")
        .args(["-W", "ignore", "-c", ORACLE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        assert!(std::env::var_os("CI").is_none(), "python3 is missing");
        eprintln!("skipped: python3 is missing");
        return;
    };
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        count.to_string()
    );
}
