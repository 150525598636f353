//! The table of format units, judged by CPython: every sample of a row is taken, and what is written is as large as the row says; formats
//! nest as we read them; classes are where we say.

#![expect(clippy::disallowed_types, reason = "the oracle is a process")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use pyasmgen::base::diag::Diagnostics;
use pyasmgen::base::source::{SourceId, Text};
use pyasmgen::frontend::argfmt::parse::{self, Item};
use pyasmgen::frontend::argfmt::units::{CVar, UNITS, Unit};
use pyasmgen::frontend::capi::classes::CLASSES;

/// Reads lines of JSON: a unit, what its pointers point to (sizes; 0 is a pointer handed in), samples. Each sample is converted into memory full
/// of two different patterns: the bytes that come out equal are those that were written.
const ORACLE: &str = r#"
import ctypes, json, sys

parse = ctypes.pythonapi._PyArg_ParseTuple_SizeT
parse.restype = ctypes.c_int
release = ctypes.pythonapi.PyBuffer_Release
converter = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_void_p)
@converter
def convert(value, place):
    ctypes.c_longlong.from_address(place).value = 5
    return 1

def attempt(unit, sizes, value, pattern):
    places, out = [], []
    for size in sizes:
        if size == 0 and unit == "O!":
            out.append(ctypes.py_object(type(value)))
        elif size == 0 and unit == "O&":
            out.append(convert)
        elif size == 0:
            out.append(ctypes.c_char_p(b"utf-8"))
        else:
            place = ctypes.create_string_buffer(bytes([pattern]) * 128, 128)
            if unit in ("es#", "et#"):
                ctypes.c_void_p.from_buffer(place).value = None if not places else 0
            places.append(place)
            out.append(place)
    if unit in ("es", "et"):
        ctypes.c_void_p.from_buffer(places[0]).value = None
    parse(ctypes.py_object((value,)), unit.encode(), *out)
    return [place.raw for place in places]

count = 0
for line in sys.stdin:
    unit, sizes, samples = json.loads(line)
    for sample in samples:
        value = eval(sample)
        first, second = (attempt(unit, sizes, value, pattern) for pattern in (0xAA, 0x55))
        for size, a, b in zip([s for s in sizes if s], first, second):
            written = [x != 0xAA or y != 0x55 for x, y in zip(a, b)]
            written = len(written) - written[::-1].index(True)
            assert written == size, (unit, sample, size, written)
        count += 1
print(count)
"#;

/// Runs a program of Python on some lines; what it says, or nothing where there is no Python.
fn python(program: &str, input: &str) -> Option<String> {
    let child = Command::new("python3")
        .args(["-W", "ignore", "-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        assert!(std::env::var_os("CI").is_none(), "python3 is missing");
        eprintln!("skipped: python3 is missing");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Sizes of what a unit's pointers point to; 0 is a pointer handed in.
fn sizes(vars: &[CVar]) -> Vec<u32> {
    let size = |&var: &CVar| match var {
        CVar::Input => 0,
        _ => var.size(8, 8),
    };
    vars.iter().map(size).collect()
}

#[test]
fn cpython_takes_every_sample_and_writes_what_the_row_says() {
    let mut input = String::new();
    let mut samples = 0;
    for unit in UNITS {
        assert!(!unit.samples.is_empty(), "{} has no samples", unit.text);
        samples += unit.samples.len();
        let sizes = sizes(unit.vars);
        input += &format!("{}\n", serde_json::json!([unit.text, sizes, unit.samples]));
    }
    if let Some(count) = python(ORACLE, &input) {
        assert_eq!(count, samples.to_string());
    }
}

#[test]
fn classes_are_what_builtins_has() {
    let program = "
import builtins, ctypes, json, sys
for name, symbol in json.load(sys.stdin):
    place = ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, symbol))
    assert place == id(getattr(builtins, name)), name
";
    python(program, &serde_json::json!(CLASSES).to_string());
}

/// Reads lines of JSON: a format, how many pointers it takes, and an argument list. CPython must take the list, write all that it is given
/// pointers for, and nothing behind.
const NESTED: &str = r#"
import ctypes, json, sys
parse = ctypes.pythonapi._PyArg_ParseTuple_SizeT
parse.restype = ctypes.c_int
count = 0
for line in sys.stdin:
    fmt, pointers, args = json.loads(line)
    values = eval(args)
    runs = []
    for pattern in 0xAA, 0x55:
        places = [ctypes.create_string_buffer(bytes([pattern]) * 128, 128) for _ in range(pointers + 1)]
        parse(ctypes.py_object(values), fmt.encode(), *places)
        runs.append([place.raw for place in places])
    written = [a != b"\xaa" * 128 or b != b"\x55" * 128 for a, b in zip(*runs)]
    assert written == [True] * pointers + [False], (fmt, args, written)
    count += 1
print(count)
"#;

/// A format, its units in order, and a sample of it.
fn formats() -> impl Strategy<Value = (String, usize, String)> {
    let handed_in = |unit: &Unit| unit.vars.contains(&CVar::Input);
    let rows: Vec<_> = UNITS.iter().filter(|unit| !handed_in(unit)).collect();
    let unit = (prop::sample::select(rows), any::<prop::sample::Index>()).prop_map(|(unit, at)| {
        let sample = unit.samples[at.index(unit.samples.len())];
        (unit.text.to_owned(), unit.vars.len(), sample.to_owned())
    });
    let join = |items: Vec<(String, usize, String)>| {
        let text: String = items.iter().map(|item| item.0.as_str()).collect();
        let pointers = items.iter().map(|item| item.1).sum::<usize>();
        let samples: String = items.iter().map(|item| format!("{}, ", item.2)).collect();
        (text, pointers, format!("({samples})"))
    };
    let tuple = unit.prop_recursive(4, 12, 4, move |inner| {
        prop::collection::vec(inner, 0..4).prop_map(move |items| {
            let (text, pointers, samples) = join(items);
            (format!("({text})"), pointers, samples)
        })
    });
    prop::collection::vec(tuple, 0..4).prop_map(join)
}

fn units(items: &[Item]) -> usize {
    let count = |item: &Item| match item {
        Item::Unit(unit, _) => unit.vars.len(),
        Item::Tuple(items, _) => units(items),
    };
    items.iter().map(count).sum()
}

#[test]
fn formats_nest_as_cpython_reads_them() {
    let mut runner = TestRunner::deterministic();
    let mut input = String::new();
    let count = 200;
    for _ in 0..count {
        let (format, pointers, samples) = formats().new_tree(&mut runner).unwrap().current();
        let text = Text::verbatim(format.as_str(), SourceId(0), 0);
        let mut diagnostics = Diagnostics::default();
        let read = parse::parse(&text, &mut diagnostics);
        assert!(read.sound && !diagnostics.has_errors(), "{format}");
        assert_eq!(units(&read.items), pointers, "{format}");
        input += &format!("{}\n", serde_json::json!([format, pointers, samples]));
    }
    if let Some(said) = python(NESTED, &input) {
        assert_eq!(said, count.to_string());
    }
}

#[test]
fn every_unit_is_found_where_it_stands() {
    for first in UNITS {
        for second in UNITS {
            let whole = format!("{}({})|:name", first.text, second.text);
            let text = Text::verbatim(whole.as_str(), SourceId(0), 0);
            let mut diagnostics = Diagnostics::default();
            let format = parse::parse(&text, &mut diagnostics);
            assert!(format.sound && !diagnostics.has_errors(), "{whole}");
            let [Item::Unit(unit, range), Item::Tuple(items, _)] = format.items.as_slice() else {
                panic!("{whole}: {:?}", format.items);
            };
            assert_eq!(&whole[range.clone()], unit.text);
            assert_eq!(unit.text, first.text);
            assert_eq!(&whole[items[0].range()], second.text);
            assert_eq!(format.name.map(|name| &whole[name]), Some("name"));
        }
    }
}
