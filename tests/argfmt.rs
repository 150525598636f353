//! The table of format units, judged by CPython: every sample of a row is taken, and what is written is as large as the row says.

#![expect(clippy::disallowed_types, reason = "the oracle is a process")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use pyasmgen::base::diag::Diagnostics;
use pyasmgen::base::source::{SourceId, Text};
use pyasmgen::frontend::argfmt::parse::{self, Item};
use pyasmgen::frontend::argfmt::units::{CVar, UNITS};

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

#[test]
fn cpython_takes_every_sample_and_writes_what_the_row_says() {
    let mut input = String::new();
    let mut samples = 0;
    for unit in UNITS {
        let sizes: Vec<u32> = unit
            .vars
            .iter()
            .map(|&var| {
                if var == CVar::Input {
                    0
                } else {
                    var.size(8, 8)
                }
            })
            .collect();
        assert!(!unit.samples.is_empty(), "{} has no samples", unit.text);
        samples += unit.samples.len();
        input += &format!("{}\n", serde_json::json!([unit.text, sizes, unit.samples]));
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
        samples.to_string()
    );
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
