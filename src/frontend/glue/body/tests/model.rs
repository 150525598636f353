//! Functions that are checked against what CPython does with the same values, and short words for the typed trees that they are made of.
//! Each call is also tried with too little memory, at every point.

use super::oracle::python;
use super::py::{Answer, Call, Py};
use super::*;

/// A function, and what CPython does instead: a lambda on memoryviews, bytes, bytearrays and numbers, or the text of a function `f` with
/// `$` for the ends of lines.
pub struct Case {
    pub function: Function,
    pub model: String,
    pub args: Vec<Vec<Py>>,
}

pub fn view(item: Item, mutable: bool, whole: Whole) -> Ty {
    Ty::View(View {
        item,
        mutable,
        nullable: false,
        whole,
    })
}

pub const U8: Item = Item::Int(IntTy::U8);
pub const BYTES: Ty = Ty::View(View {
    whole: Whole::Bytes,
    ..View::BYTES
});
pub const SLICE: Ty = Ty::View(View::SLICE);
pub const BYTEARRAY: Ty = Ty::View(View {
    whole: Whole::ByteArray,
    mutable: true,
    ..View::BYTES
});

pub fn boxed(e: Expr) -> Box<Expr> {
    Box::new(e)
}

pub fn returns(params: &[Ty], value: Expr) -> Function {
    let results = [value.ty];
    function(params, &results, vec![stmt(StmtKind::Return(vec![value]))])
}

pub fn index(view: Expr, at: Expr) -> Expr {
    let Ty::View(of) = view.ty else {
        unreachable!("a view")
    };
    expr(
        of.item.storage().ty(),
        ExprKind::Index(boxed(view), boxed(at)),
    )
}

pub fn slice(view: Expr, start: Option<Expr>, stop: Option<Expr>) -> Expr {
    let ty = match view.ty {
        Ty::View(of) if of.whole == Whole::Bytes => SLICE,
        ty => ty,
    };
    let [start, stop] = [start, stop].map(|bound| bound.map(boxed));
    expr(ty, ExprKind::Slice(boxed(view), start, stop))
}

pub fn copy(ty: Ty, view: Expr) -> Expr {
    expr(ty, ExprKind::Copy(boxed(view)))
}

pub fn len(x: Expr) -> Expr {
    expr(Ty::I64, ExprKind::Len(boxed(x)))
}

pub fn zeroes(ty: Ty, n: Expr) -> Expr {
    expr(ty, ExprKind::Zeroes(boxed(n)))
}

pub fn text_of(text: &str) -> Expr {
    let ty = Ty::Str { nullable: false };
    expr(ty, ExprKind::Const(Const::Str(text.into())))
}

pub fn bytes_of(bytes: &[u8]) -> Expr {
    expr(SLICE, ExprKind::Const(Const::Bytes(bytes.into())))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As the script below shows values.
fn shown(value: &Py) -> String {
    match value {
        Py::Int(value) => format!("i{value}"),
        Py::Bool(value) => format!("i{}", u8::from(*value)),
        Py::Float(value) if value.is_nan() => "fnan".to_owned(),
        Py::Float(value) => format!("f{}", value.to_bits()),
        Py::Complex(re, im) => format!("c{} {}", re.to_bits(), im.to_bits()),
        Py::None => "n".to_owned(),
        Py::Bytes(bytes) => format!("b{}", hex(bytes)),
        Py::ByteArray(bytes) => format!("B{}", hex(bytes)),
        Py::Str(text) => format!("s{}", hex(text.as_bytes())),
    }
}

/// A Python expression of a value; of a view that is no object, a memoryview of its items.
fn literal(value: &Py, ty: Ty) -> String {
    match (value, ty) {
        (Py::Bytes(bytes), Ty::View(of)) if of.whole == Whole::Part => {
            format!("mv('{}', '{}')", hex(bytes), code(of.item))
        }
        (Py::Int(value), _) => value.to_string(),
        (Py::Bool(value), _) => format!("bool({})", u8::from(*value)),
        (Py::Float(value), _) => format!("bits({})", value.to_bits()),
        (Py::Complex(re, im), _) => {
            format!("complex(bits({}), bits({}))", re.to_bits(), im.to_bits())
        }
        (Py::None, _) => "None".to_owned(),
        (Py::Bytes(bytes), _) => format!("bytes.fromhex('{}')", hex(bytes)),
        (Py::ByteArray(bytes), _) => format!("bytearray.fromhex('{}')", hex(bytes)),
        (Py::Str(text), _) => format!("bytes.fromhex('{}').decode()", hex(text.as_bytes())),
    }
}

/// The code of `struct` for an item.
fn code(item: Item) -> char {
    match item {
        Item::Bool => '?',
        Item::F32 => 'f',
        Item::F64 => 'd',
        Item::Int(ty) => match ty {
            IntTy::I8 => 'b',
            IntTy::U8 => 'B',
            IntTy::I16 => 'h',
            IntTy::U16 => 'H',
            IntTy::I32 => 'i',
            IntTy::U32 => 'I',
            IntTy::I64 => 'q',
            IntTy::U64 => 'Q',
        },
    }
}

const SCRIPT: &str = r#"
import struct, sys
i64 = u64 = int
Buffer = memoryview
def bits(n): return struct.unpack('<d', struct.pack('<Q', n))[0]
def ofbits(x): return struct.unpack('<Q', struct.pack('<d', x))[0]
def mv(content, code): return memoryview(bytearray.fromhex(content)).cast(code)
def store(v, i, x):
    v[i] = x
    return ()
def declared(v, i, x, low, high):
    v[i]
    if not low <= x <= high: raise OverflowError
    return store(v, i, x)
def items(v, limit):
    n = s = 0
    for i, x in enumerate(v):
        if x == limit: break
        n += i
        s += x
    else: n += 1000
    return n, s
def show(x):
    if x is None or isinstance(x, tuple) and not x: return 'n'
    if isinstance(x, tuple): return ' '.join(map(show, x))
    if isinstance(x, int): return 'i%d' % x
    if isinstance(x, float): return 'f%d' % ofbits(x) if x == x else 'fnan'
    if isinstance(x, complex): return 'c%d %d' % (ofbits(x.real), ofbits(x.imag))
    if isinstance(x, bytes): return 'b' + x.hex()
    if isinstance(x, bytearray): return 'B' + x.hex()
    if isinstance(x, memoryview): return 'b' + x.tobytes().hex()
    return 's' + x.encode().hex()
models = {}
def defined(model):
    if not model.startswith('def '): return eval(model)
    names = dict(globals())
    exec(model.replace('$', '\n'), names)
    return names['f']
for line in sys.stdin:
    model, args, mutable = line.rstrip('\n').split('\t')
    if model not in models: models[model] = defined(model)
    args = eval('[' + args + ']')
    try: answer = show(models[model](*args))
    except Exception as e:
        # Buffers are declared things: what does not fit in them is an OverflowError.
        if 'memoryview: invalid value' in str(e): e = OverflowError()
        # Where the text is ours.
        answer = '%s: %s' % (type(e).__name__, e) if isinstance(e, (IndexError, ValueError)) and not isinstance(e, UnicodeError) else type(e).__name__
    else:
        answer += ''.join(', ' + show(arg) for arg, m in zip(args, mutable) if m == '1')
    print(answer)
"#;

/// Checks cases, whose functions call each other by their places.
pub fn check(cases: &[Case]) {
    check_with(
        cases,
        cases.iter().map(|case| case.function.clone()).collect(),
    );
}

/// Checks cases whose functions are the first of `functions`.
pub fn check_with(cases: &[Case], functions: Vec<Function>) {
    let module = module(functions);
    let built = build(&module);
    let mut input = String::new();
    for case in cases {
        let params = &case.function.locals[..case.function.params];
        let mutable: String = params
            .iter()
            .map(|param| match param.storage {
                Storage::View(view) if view.mutable => '1',
                _ => '0',
            })
            .collect();
        for args in &case.args {
            let args = args.iter().zip(params);
            let args: Vec<String> = args.map(|(arg, p)| literal(arg, p.storage.ty())).collect();
            input += &format!("{}\t{}\t{mutable}\n", case.model, args.join(", "));
        }
    }
    let Some(answers) = python(SCRIPT, input) else {
        return;
    };
    let mut answers = answers.into_iter();
    for (at, case) in cases.iter().enumerate() {
        let call = Call {
            built: &built,
            function: &module.functions[at],
            at,
        };
        for args in &case.args {
            let got = answer(call.starved(args));
            let wanted = answers.next().expect("an answer for each call");
            assert_eq!(
                got,
                wanted,
                "{} of {args:?}\n{}",
                case.model,
                print::func(built.program.func(built.entries[at]), &built.program)
            );
        }
    }
    assert_eq!(answers.next(), None);
}

fn answer(answer: Answer) -> String {
    match answer {
        Ok((results, changed)) => {
            // Without any, it is None.
            let results = if results.is_empty() {
                vec![Py::None]
            } else {
                results
            };
            let results: Vec<String> = results.iter().map(shown).collect();
            let changed = changed.iter().map(|value| format!(", {}", shown(value)));
            results.join(" ") + &changed.collect::<String>()
        }
        Err((class, text)) if matches!(&*class, "IndexError" | "ValueError") => {
            format!("{class}: {text}")
        }
        Err((class, _)) => class,
    }
}
