//! Whole bodies, from their text: what CPython gives for the very same text, with integers that raise OverflowError beyond 64 bits.

use std::fmt::Write as _;

use super::oracle::{Random, literal, python};
use super::*;
use crate::base::source::{Sources, Text};
use crate::frontend::lang::{Env, MethodSig, Nest, ParamKind, ParamSig, check};

/// Parameters by their types (`a`, `b`, ...), result, and body.
pub type Body = (&'static [Ty], &'static [Ty], &'static str);

use Ty::{Bool, F64, I64, U64};

const BODIES: &[Body] = &[
    (
        &[I64, I64],
        &[I64],
        "while b:\n    a, b = b, a % b\nreturn abs(a)",
    ),
    (
        &[I64],
        &[I64],
        "x, y = 0, 1\nfor _ in range(a % 120):\n    x, y = y, x + y\nreturn x",
    ),
    (
        &[I64],
        &[I64],
        "n = a % 100000 + 1\nsteps = 0\nwhile n != 1:\n    n = 3 * n + 1 if n % 2 else n // 2\n    steps += 1\nreturn steps",
    ),
    (
        &[I64],
        &[Bool],
        "n = a % 20000\nif n < 2:\n    return False\ni = 2\nwhile i * i <= n:\n    if n % i == 0:\n        return False\n    i += 1\nreturn True",
    ),
    (
        &[I64],
        &[Bool],
        "n = a % 20000\nfor i in range(2, n):\n    if i * i > n:\n        return True\n    if n % i == 0:\n        break\nelse:\n    return n >= 2\nreturn False",
    ),
    (
        &[I64, I64],
        &[I64],
        "r = 1\nfor i in range(b % 70):\n    r *= a\nreturn r",
    ),
    (
        &[I64],
        &[I64],
        "if a < 0:\n    raise ValueError('negative')\nif a == 0:\n    return 0\nx = 1 << (a.bit_length() + 1) // 2\nwhile True:\n    y = (x + a // x) // 2\n    if y >= x:\n        return x\n    x = y",
    ),
    (
        &[I64, I64, I64],
        &[I64],
        "return max(b, min(a, c)) if b <= c else b - c",
    ),
    (
        &[F64, F64],
        &[I64],
        "zr = zi = 0.0\nfor i in range(50):\n    r2, i2 = zr * zr, zi * zi\n    if r2 + i2 > 4.0:\n        return i\n    zr, zi = r2 - i2 + a, 2.0 * zr * zi + b\nreturn 50",
    ),
    (
        &[F64],
        &[F64],
        "s = 0.0\nfor i in range(10, -10, -3):\n    s = s * a + i\nreturn s",
    ),
    (
        &[I64],
        &[I64, I64, I64],
        "z = a % 10**10 + 719468\nera = z // 146097\ndoe = z - era * 146097\nyoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365\ndoy = doe - (365 * yoe + yoe // 4 - yoe // 100)\nmp = (5 * doy + 2) // 153\nd = doy - (153 * mp + 2) // 5 + 1\nm = mp + 3 if mp < 10 else mp - 9\ny = yoe + era * 400\nif m <= 2:\n    y += 1\nreturn y, m, d",
    ),
    (&[I64, I64], &[I64, I64], "return divmod(a, b)"),
    (&[F64, F64], &[F64, F64], "q, r = divmod(a, b)\nreturn r, q"),
    (
        &[U64, U64],
        &[U64],
        "return (a ^ b & 255) * 1099511628211 & 0xFFFFFFFFFFFFFFFF",
    ),
    (
        &[U64],
        &[U64],
        "x = a\nx ^= x << 13 & 0xFFFFFFFFFFFFFFFF\nx ^= x >> 7\nx ^= x << 17 & 0xFFFFFFFFFFFFFFFF\nreturn x",
    ),
    (&[I64, I64], &[I64], "return (a * 31 + b << 3) & 0xFFFF"),
    (
        &[I64, I64, F64],
        &[Bool],
        "return a < b <= c != 7 or not (a and c)",
    ),
    (&[I64, F64], &[F64], "return a * b + a / 3 - b // 2 % 5"),
    (&[I64, I64], &[F64], "return a / b"),
    (
        &[I64, I64],
        &[I64],
        "t = 0\nfor i in range(a % 9):\n    for j in range(i, b % 11, 2):\n        if j == 5:\n            continue\n        if i == 7:\n            break\n        t += i * j\n    else:\n        t -= 1\nreturn t",
    ),
    (
        &[I64],
        &[I64],
        "if a > 5:\n    x = a\nif a > 3:\n    return x\nfor k in range(a):\n    pass\nreturn k",
    ),
    (
        &[I64],
        &[I64],
        "def sq(v: i64) -> i64:\n    return v * v\ndef both(v: i64, w: f64) -> tuple[i64, f64]:\n    if v == 13:\n        raise KeyError(f'{v:>4} {w!r}')\n    return sq(v) - 1, w\np, q = both(a % 20, 0.5)\nreturn p + sq(3)",
    ),
    (
        &[I64],
        &[I64],
        "def ack(m: i64, n: i64) -> i64:\n    if m == 0:\n        return n + 1\n    if n == 0:\n        return ack(m - 1, 1)\n    return ack(m - 1, ack(m, n - 1))\nreturn ack(a % 3, a % 5)",
    ),
    (
        &[I64],
        &[I64],
        "assert a != 3, f'{a}'\nassert a % 2\nreturn a ** 3 - 2 * a ** 2",
    ),
    (&[F64], &[I64], "return int(a) + round(a) - (a > 2)"),
    (
        &[I64, I64],
        &[I64],
        "return pow(a, b % 100, 1000007) + (a >> b % 70) - (-a)",
    ),
    (
        &[I64, I64],
        &[I64],
        "x = a\nx -= b\nx *= 3\nx //= 7\nx %= 1000\nx |= 5\nx ^= b\nx <<= 2\nreturn ~x",
    ),
    (
        &[Bool, Bool],
        &[I64],
        "return (a & b) + (a | b) * 2 + (a ^ b) * 4 + a + -b",
    ),
];

#[test]
fn bodies_give_cpythons_answer() {
    let functions = typed(BODIES);
    let module = module(functions);
    let built = build(&module);
    let mut random = Random(7);
    let mut script = PRELUDE.to_owned();
    let mut calls = Vec::new();
    for (at, &(params, results, body)) in BODIES.iter().enumerate() {
        let indented = body.replace('\n', "\n    ");
        let names = &["a", "b", "c"][..params.len()];
        let head = format!("def f{at}({}):", names.join(", "));
        writeln!(script, "define({:?})", format!("{head}\n    {indented}")).expect("a String");
        for _ in 0..60 {
            let args: Vec<u64> = params.iter().map(|&ty| random.value(ty)).collect();
            let shown = params.iter().zip(&args).map(|(&ty, &bits)| match ty {
                // Masked arithmetic is exact: what lies between the operands and the mask may be of any size.
                I64 | U64 if body.contains("& 0x") => literal(ty, bits),
                U64 => format!("U({bits})"),
                I64 => format!("I({})", bits as i64),
                Bool => format!("bool({bits})"),
                _ => format!("bits({bits})"),
            });
            let shown: Vec<String> = shown.collect();
            let types = format!("{results:?}");
            writeln!(
                script,
                "run('{types}', lambda: f{at}({}))",
                shown.join(", ")
            )
            .expect("a String");
            calls.push((at, args, shown.join(", ")));
        }
    }
    let Some(answers) = python("import sys; exec(sys.stdin.read())", script) else {
        return;
    };
    assert_eq!(answers.len(), calls.len());
    for (answer, (at, args, shown)) in answers.iter().zip(&calls) {
        let (_, results, body) = BODIES[*at];
        let got = match built.call(*at, args) {
            Ok(bits) => results
                .iter()
                .zip(bits)
                .map(|(&ty, bits)| match ty {
                    F64 if f64::from_bits(bits).is_nan() => format!("f{}", f64::NAN.to_bits()),
                    F64 => format!("f{bits}"),
                    U64 => format!("i{bits}"),
                    _ => format!("i{}", bits as i64),
                })
                .collect::<Vec<_>>()
                .join(" "),
            Err((class, _)) => class,
        };
        assert_eq!(
            got,
            *answer,
            "f({shown})\n{body}\n{}",
            print::func(built.program.func(built.entries[*at]), &built.program)
        );
    }
}

/// Typed bodies of the texts, methods first.
pub fn typed(bodies: &[Body]) -> Vec<Function> {
    let mut sources = Sources::default();
    let mut env = Env::default();
    for (at, &(params, results, body)) in bodies.iter().enumerate() {
        let source = sources.add("body", body);
        let text = Text::verbatim(body, source, 0);
        let span = text.span(0..0);
        let arguments = vec![Nest::Param; params.len()];
        let params = params.iter().zip('a'..).map(|(&ty, name)| ParamSig {
            name: name.to_string(),
            storage: storage(ty),
            kind: ParamKind::PositionalOnly,
            default: None,
            span,
        });
        let sig = MethodSig {
            name: format!("f{at}"),
            params: params.collect(),
            arguments,
            results: results.iter().map(|&ty| storage(ty)).collect(),
            shape: Shape::flat(results.len(), results.len() > 1),
            overflow: Overflow::Raise,
            nogil: false,
            signals: false,
        };
        env.methods.push((sig, text, span));
    }
    let (functions, diagnostics) = check(&env);
    assert!(!diagnostics.has_errors(), "{diagnostics:?}");
    functions
}

/// Integers that raise beyond their type, and a printer of outcomes.
const PRELUDE: &str = r#"
import ast, builtins, math, struct
i64, f64 = int, float
def bits(n): return struct.unpack('<d', struct.pack('<Q', n))[0]
def checked(kind, low, high):
    def check(x):
        if type(x) is tuple: return tuple(map(check, x))
        if type(x) is not int: return x
        if not low <= x < high: raise OverflowError
        return kind(x)
    for name in 'add sub mul floordiv mod pow lshift rshift and or xor divmod'.split():
        for side in '', 'r':
            op = getattr(int, f'__{side}{name}__')
            def wrapped(self, *others, op=op, name=name):
                plain = [int(o) if isinstance(o, int) else o for o in others]
                return check(op(int(self), *plain))
            setattr(kind, f'__{side}{name}__', wrapped)
    for name in 'neg', 'abs', 'invert':
        op = getattr(int, f'__{name}__')
        setattr(kind, f'__{name}__', lambda self, op=op: check(op(int(self))))
    return check
class I(int): pass
class U(int): pass
fit = checked(I, -1 << 63, 1 << 63)
checked(U, 0, 1 << 64)
class Literals(ast.NodeTransformer):
    def visit_Constant(self, node):
        if type(node.value) is not int: return node
        return ast.Call(ast.Name('I', ast.Load()), [node], [])
def range(*args): return map(I, builtins.range(*args))
def define(text):
    tree = ast.parse(text)
    if '& 0x' not in text: tree = ast.fix_missing_locations(Literals().visit(tree))
    names = dict(globals(), int=lambda x: fit(int(x)), round=lambda x: fit(round(x)))
    exec(compile(tree, 'bodies', 'exec'), names)
    globals().update({tree.body[0].name: names[tree.body[0].name]})
def show(x):
    if isinstance(x, tuple): return ' '.join(map(show, x))
    if isinstance(x, float): return 'f%d' % struct.unpack('<Q', struct.pack('<d', x if x == x else math.nan))[0]
    return 'i%d' % int(x)
def run(types, f):
    try: print(show(f()))
    except Exception as e: print(type(e).__name__)
"#;
