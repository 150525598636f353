//! CPython as a process, and the inputs it is asked about.

use std::io::Write;
use std::process::Stdio;

use super::*;

pub const INTS: &[i128] = &[
    0,
    1,
    -1,
    2,
    -2,
    3,
    -3,
    7,
    10,
    -10,
    63,
    64,
    65,
    100,
    255,
    -256,
    65536,
    (1 << 31) - 1,
    -(1 << 31),
    1 << 32,
    3_037_000_500,
    (1 << 53) - 1,
    1 << 53,
    (1 << 53) + 1,
    -(1 << 53) - 1,
    (1 << 62) + 5,
    (1 << 63) - 1,
    -(1 << 63) + 1,
    -(1 << 63),
    1 << 63,
    (1 << 63) + 1025,
    (1 << 64) - 1,
];

pub const FLOATS: &[f64] = &[
    0.0,
    -0.0,
    0.5,
    -0.5,
    1.0,
    -1.0,
    1.5,
    2.5,
    -2.5,
    3.0,
    -3.7,
    0.1,
    1e-310,
    5e-324,
    -5e-324,
    2.2250738585072014e-308,
    4503599627370495.5,
    9007199254740992.0,
    9007199254740993.0,
    9.223372036854775e18,
    9.223372036854776e18,
    -9.223372036854776e18,
    -9.223372036854778e18,
    1.8446744073709552e19,
    1.844674407370955e19,
    1e22,
    1.7976931348623157e308,
    -1e300,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];

/// A small generator: the same values on every run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// An edge or, of any magnitude, another value; as bits.
    pub fn value(&mut self, ty: Ty) -> u64 {
        let kind = self.next() % 3;
        match ty {
            Ty::Bool => self.next() & 1,
            Ty::F64 if kind == 0 => f64::from_bits(self.next()).to_bits(),
            Ty::F64 if kind == 1 => (((self.next() >> 40) as f64 - 8e6) / 64.0).to_bits(),
            Ty::F64 => FLOATS[self.next() as usize % FLOATS.len()].to_bits(),
            _ if kind == 0 => {
                let shift = self.next() % 64;
                self.next() >> shift
            }
            _ if kind == 1 => (self.next() % 200) as i64 as u64,
            _ => loop {
                let value = INTS[self.next() as usize % INTS.len()];
                if ty == Ty::U64 && value >= 0 || ty != Ty::U64 && i64::try_from(value).is_ok() {
                    break value as u64;
                }
            },
        }
    }
}

/// A Python literal of a value.
pub fn literal(ty: Ty, bits: u64) -> String {
    match ty {
        Ty::Bool => if bits == 1 { "True" } else { "False" }.to_owned(),
        Ty::U64 => bits.to_string(),
        Ty::F64 => format!("bits({bits})"),
        _ => (bits as i64).to_string(),
    }
}

/// Evaluates each text on its inputs with CPython; one line of answer each: results as `i`nteger, `f`loat bits, or class of the exception.
pub fn cpython(lines: &[String]) -> Option<Vec<String>> {
    const SCRIPT: &str = r#"
import math, struct, sys
def bits(n): return struct.unpack('<d', struct.pack('<Q', n))[0]
def show(x):
    if isinstance(x, tuple): return ' '.join(map(show, x))
    if isinstance(x, bool): return 'i%d' % x
    if isinstance(x, int): return 'i%d' % x
    if isinstance(x, float): return 'f%d' % struct.unpack('<Q', struct.pack('<d', x if x == x else math.nan))[0]
    return 'complex'
cache = {}
for line in sys.stdin:
    text, args = line.rstrip('\n').split('\t')
    f = cache.get(text)
    if f is None: f = cache[text] = eval('lambda a=0, b=0, c=0: ' + text, globals())
    try: print(show(eval('f(' + args + ')')))
    except Exception as e: print(type(e).__name__)
"#;
    python(SCRIPT, lines.join("\n") + "\n")
}

/// Lines that a Python script prints for this input; `None` without a Python.
pub fn python(script: &str, input: String) -> Option<Vec<String>> {
    #[expect(clippy::disallowed_types, reason = "the oracle is a process")]
    let child = std::process::Command::new("python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        println!("skipped: no python3");
        return None;
    };
    let mut stdin = child.stdin.take().expect("piped");
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("it runs");
    // A script that reads nothing may be gone already.
    let _ = writer.join().expect("no panic");
    let answers = String::from_utf8(output.stdout).expect("ASCII");
    Some(answers.lines().map(str::to_owned).collect())
}
