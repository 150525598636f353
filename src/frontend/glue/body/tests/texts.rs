//! Whole bodies on views, bytes and strs, from their text: what CPython gives for the very same text, with memoryviews for buffers.

use super::bodies::{Body, typed};
use super::model::{BYTEARRAY, BYTES, Case, U8, check_with};
use super::oracle::Random;
use super::py::Py;
use super::*;

const fn view(item: Item, mutable: bool) -> Ty {
    Ty::View(View {
        item,
        mutable,
        nullable: false,
        whole: Whole::Part,
    })
}

const BUFFER: Ty = view(U8, false);
const MUT_BUFFER: Ty = view(U8, true);
const I32S: Ty = view(Item::Int(IntTy::I32), false);
const MUT_I16S: Ty = view(Item::Int(IntTy::I16), true);
const F64S: Ty = view(Item::F64, false);
const BOOLS: Ty = view(Item::Bool, true);
const STR: Ty = Ty::Str { nullable: false };
const MAYBE: Ty = Ty::View(View {
    nullable: true,
    whole: Whole::Bytes,
    ..View::BYTES
});
const MAYBE_STR: Ty = Ty::Str { nullable: true };

use Ty::{Bool, Complex, F64, I64, Object, U64};

const BODIES: &[Body] = &[
    // Hashes and counts.
    (
        &[BYTES],
        &[U64],
        "h: u64 = 14695981039346656037\nfor c in a:\n    h = ((h ^ c) * 1099511628211) & 0xFFFFFFFFFFFFFFFF\nreturn h",
    ),
    (
        &[BUFFER],
        &[I64],
        "x, y = 1, 0\nfor c in a:\n    x = (x + c) % 65521\n    y = (y + x) % 65521\nreturn y << 16 | x",
    ),
    (
        &[BUFFER, I64],
        &[I64],
        "n = 0\nfor c in a:\n    if c == b: n += 1\nreturn n",
    ),
    (
        &[BYTES],
        &[I64, I64],
        "best, at = -1, -1\nfor i, c in enumerate(a):\n    if c > best:\n        best, at = c, i\nreturn best, at",
    ),
    (
        &[I32S],
        &[I64],
        "s = 0\nfor i in range(len(a)):\n    s += a[i] * a[-1 - i] // 2\nreturn s",
    ),
    (
        &[F64S, F64S],
        &[F64],
        "s = 0.0\nfor i, x in enumerate(a):\n    s += x * b[i]\nreturn s",
    ),
    (
        &[BOOLS],
        &[I64],
        "n = 0\nfor x in a:\n    n += x\n    if not x: n += 100\nreturn n",
    ),
    // In place.
    (
        &[MUT_BUFFER],
        &[],
        "i, j = 0, len(a) - 1\nwhile i < j:\n    a[i], t = a[j], a[i]\n    a[j] = t\n    i += 1\n    j -= 1",
    ),
    (
        &[MUT_I16S],
        &[],
        "for i in range(1, len(a)):\n    j = i\n    while j and a[j - 1] > a[j]:\n        t = a[j]\n        a[j] = a[j - 1]\n        a[j - 1] = t\n        j -= 1",
    ),
    (&[BOOLS, I64], &[], "a[b] = not a[b]\na[0] = a[b] == a[-1]"),
    (
        &[MUT_BUFFER, I64],
        &[I64],
        "a[b] += 1\na[b - 1] ^= 0x55\na[0] |= a[b] >> 1\nreturn a[b]",
    ),
    // New bytes.
    (
        &[BYTES],
        &[BYTES],
        "out = bytearray(len(a) * 2)\ndigits = b'0123456789abcdef'\nfor i, c in enumerate(a):\n    out[2 * i] = digits[c >> 4]\n    out[2 * i + 1] = digits[c & 15]\nreturn bytes(out)",
    ),
    (
        &[BUFFER],
        &[BYTEARRAY],
        "out = bytearray(a)\nfor i in range(len(out)):\n    out[i] ^= i & 255\nreturn out",
    ),
    (
        &[BYTES],
        &[BYTES, I64],
        "out = bytearray(len(a) * 2)\nn = i = 0\nwhile i < len(a):\n    j = i\n    while j < len(a) and a[j] == a[i] and j - i < 255: j += 1\n    out[n] = j - i\n    out[n + 1] = a[i]\n    n += 2\n    i = j\nreturn bytes(out[:n]), n",
    ),
    (
        &[BYTES, BYTES],
        &[I64],
        "row = bytearray(len(b) + 1)\nfor j in range(len(row)): row[j] = min(j, 255)\nfor i, x in enumerate(a):\n    last = row[0]\n    row[0] = min(i + 1, 255)\n    for j, y in enumerate(b):\n        now = min(last + (x != y), row[j] + 1, row[j + 1] + 1)\n        last = row[j + 1]\n        row[j + 1] = min(now, 255)\nreturn row[len(b)]",
    ),
    (
        &[I64],
        &[BYTES],
        "out = bytearray(a)\nfor i in range(a): out[i] = i\nreturn bytes(out)",
    ),
    // Slices.
    (
        &[BYTES, BYTES],
        &[I64],
        "n = 0\nwhile b and len(a) >= len(b):\n    if a[:len(b)] == b: n += 1\n    a = a[1:]\nreturn n",
    ),
    (
        &[BYTES],
        &[BYTES, BYTES],
        "i = 0\nfor c in a:\n    if c == 32: break\n    i += 1\nreturn a[:i], a[i + 1:]",
    ),
    (
        &[BYTES],
        &[BYTES],
        "best = b''\nrest = a\nwhile rest:\n    i = 0\n    while i < len(rest) and rest[i] != 32: i += 1\n    word = rest[:i]\n    if len(word) > len(best) or len(word) == len(best) and word > best: best = word\n    rest = rest[i + 1:]\nreturn best",
    ),
    (
        &[BYTEARRAY, I64],
        &[BYTEARRAY, BYTEARRAY],
        "c = a[b:]\nif len(c) > 1: c[1] = 7\nd = c\nc = a[:b]\nreturn c, d",
    ),
    (
        &[BYTES, BYTES],
        &[Bool],
        "return a in b or 7 in a and b'\\x00' not in a or a[:3] < b[1:]",
    ),
    (
        &[BYTES, BYTES, I64],
        &[BYTES],
        "x = a if c > 0 else b\ny = x and b'new' or a[1:]\nreturn y[:c] if c else x",
    ),
    // Text.
    (
        &[STR],
        &[I64, I64, STR],
        "data = a.encode()\nn = 0\nfor c in data:\n    n += c & 0xC0 != 0x80\nreturn n, len(a), data.decode()",
    ),
    (
        &[STR, STR],
        &[STR],
        "if a == b: return 'same'\nlonger = a if len(a) > len(b) else b\nreturn longer",
    ),
    (
        &[BYTES],
        &[STR],
        "try_ = a[1:]\nreturn try_.decode('latin-1') if a and a[0] > 127 else a.decode('ascii')",
    ),
    (
        &[STR],
        &[I64],
        "t = 'x'\nfor c in a.encode():\n    if c == 120: t = a\nreturn len(t) if t != 'x' else -1",
    ),
    // None.
    (&[MAYBE], &[I64], "if a is None: return -1\nreturn len(a)"),
    (
        &[MAYBE],
        &[I64],
        "s = 0\nfor c in a: s += c\nreturn s if a else -a[0]",
    ),
    (
        &[MAYBE_STR, MAYBE],
        &[STR],
        "return a or (b if b is not None else b'none').decode()",
    ),
    (
        &[MAYBE, I64],
        &[MAYBE],
        "x = None\nif b > 2: x = a\nif b == 9: x = b'nine'\nif x == b'abc': return None\nreturn x[1:] if b == 5 else bytes(x) if x else None",
    ),
    // Helpers, objects, complex numbers.
    (
        &[BYTES, BYTES],
        &[BYTES],
        "def longest(p: bytes, q: bytes) -> bytes:\n    return p if len(p) >= len(q) else q\ndef tail(p: bytes, n: i64) -> bytes:\n    if n > len(p): raise ValueError('short')\n    return p[len(p) - n:]\nreturn longest(tail(longest(a, b), 3), a[:2])",
    ),
    (
        &[BYTES],
        &[I64],
        "def depth(p: Buffer, n: i64) -> i64:\n    if not p: return n\n    return depth(p[1:], n + (p[0] == 40))\nreturn depth(a, 0)",
    ),
    (
        &[Object, Object, I64],
        &[Object, Object],
        "x = a\nfor i in range(c):\n    x, b = b, x\nreturn x, b",
    ),
    (
        &[BYTES, I64],
        &[Object],
        "if b == 0: return None\nif b == 1: return a\nif b == 2: return bytearray(a)\nif b == 3: return len(a)\nif b == 4: return 0.5\nif b == 5: return a == b''\nif b == 6: return 1j\nreturn 'text'",
    ),
    (
        &[Complex, F64],
        &[Complex, F64],
        "z = complex(a.real * b, -a.imag)\nif b > 2: z = a\nreturn z, z.imag",
    ),
    (
        &[BYTES],
        &[I64],
        "t = 0\nfor i, c in enumerate(a[1:]):\n    a = a[1:]\n    if c == 108: continue\n    for d in a:\n        if d == c: break\n        t += d - i\n    else:\n        t -= 1\nelse:\n    t += 1000\nreturn t",
    ),
];

/// Of few letters, so that things are found.
fn word(random: &mut Random, most: u64) -> Vec<u8> {
    let letters = b"abc ()l\x00\xff\xc3\xa9x";
    let size = random.below(most + 1);
    let letter = |_| letters[random.below(letters.len() as u64) as usize];
    (0..size).map(letter).collect()
}

/// A small value of a parameter's type.
fn value(random: &mut Random, ty: Ty) -> Py {
    match ty {
        I64 => Py::Int(i128::from(random.below(14)) - 2),
        U64 => Py::Int(random.below(14).into()),
        F64 => Py::Float(random.below(9) as f64 - 1.5),
        Bool => Py::Bool(random.below(2) == 1),
        Complex => Py::Complex(random.below(9) as f64, -2.5),
        Object => match random.below(4) {
            0 => Py::Int(5),
            n => Py::Str(format!("object {n}")),
        },
        MAYBE | MAYBE_STR if random.below(4) == 0 => Py::None,
        Ty::Str { .. } => Py::Str(String::from_utf8_lossy(&word(random, 9)).into_owned()),
        F64S => {
            let items = (0..random.below(4)).map(|at| (at as f64 * 1.25).to_le_bytes());
            Py::Bytes(items.flatten().collect())
        }
        BYTEARRAY => Py::ByteArray(word(random, 12)),
        Ty::View(view) => {
            let mut bytes = word(random, 12);
            let size = view.item.size() as usize;
            bytes.truncate(bytes.len() / size * size);
            Py::Bytes(bytes)
        }
        Ty::None => Py::None,
    }
}

#[test]
fn bodies_on_views_give_cpythons_answer() {
    let mut random = Random(11);
    let functions = typed(BODIES);
    let mut cases = Vec::new();
    for (&(params, _, body), function) in BODIES.iter().zip(&functions) {
        let names = &["a", "b", "c"][..params.len()];
        let body = body.replace('\n', "$    ");
        let mut args = Vec::new();
        for _ in 0..25 {
            args.push(params.iter().map(|&ty| value(&mut random, ty)).collect());
        }
        cases.push(Case {
            function: function.clone(),
            model: format!("def f({}):$    {body}", names.join(", ")),
            args,
        });
    }
    check_with(&cases, functions);
}
