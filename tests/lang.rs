//! The front of the body language against CPython: what we accept Python accepts, and literals fold to Python's values.
//!
//! Texts are generated; one `python3` judges all of them. Without one the tests say so and pass.

#![expect(clippy::disallowed_types, reason = "tests ask an interpreter")]

use std::io::Write;
use std::process::{Command, Stdio};

use pyasmgen::base::source::{SourceId, Text};
use pyasmgen::frontend::lang::typed::{
    Codec, Const, ExprKind, Function, IntTy, Overflow, Shape, StmtKind, Storage, View,
};
use pyasmgen::frontend::lang::{Env, MethodSig, Nest, ParamKind, ParamSig, check};

/// Runs `script` with the texts on its standard input, each behind its length; gives its output lines.
fn python(script: &str, texts: &[String]) -> Option<Vec<String>> {
    let child = Command::new("python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        println!("skipped: no python3");
        return None;
    };
    let mut input = child.stdin.take().expect("a pipe");
    let texts = texts.to_vec();
    let writer = std::thread::spawn(move || {
        for text in texts {
            writeln!(input, "{}", text.len()).expect("python3 reads");
            input.write_all(text.as_bytes()).expect("python3 reads");
        }
    });
    let output = child.wait_with_output().expect("python3 ends");
    writer.join().expect("all was written");
    assert!(output.status.success(), "python3 failed");
    let text = String::from_utf8(output.stdout).expect("python3 writes UTF-8");
    Some(text.lines().map(str::to_owned).collect())
}

/// Reads texts as [`python`] writes them.
const READ: &str = "
import sys, warnings
warnings.simplefilter('ignore')
def texts():
    while line := sys.stdin.buffer.readline():
        yield sys.stdin.buffer.read(int(line)).decode()
";

/// The function of a body, where nothing is wrong with it.
fn accepted(text: &str, results: Vec<Storage>) -> Option<Function> {
    let body = Text::verbatim(text, SourceId(0), 0);
    let span = body.whole();
    let int = Storage::Int(IntTy::I64);
    let view = Storage::View(View {
        mutable: true,
        nullable: true,
        ..View::BYTES
    });
    let param = |name: &str, storage| ParamSig {
        name: name.into(),
        storage,
        kind: ParamKind::PositionalOrKeyword,
        default: None,
        span,
    };
    let sig = MethodSig {
        name: "f".into(),
        params: vec![param("x", int), param("y", int), param("v", view)],
        arguments: vec![Nest::Param; 3],
        shape: Shape::flat(results.len(), false),
        results,
        overflow: Overflow::Raise,
        nogil: false,
        signals: false,
    };
    let env = Env {
        methods: vec![(sig, body, span)],
        ..Env::default()
    };
    let (mut functions, diags) = check(&env);
    (!diags.has_errors()).then(|| functions.swap_remove(0))
}

/// A small generator of numbers (xorshift), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    fn literals(&mut self, depth: usize) -> String {
        let ints = [
            "0",
            "1",
            "2",
            "3",
            "7",
            "10",
            "31",
            "63",
            "64",
            "255",
            "1_000",
            "0x7fff_ffff",
            "4294967295",
            "0b101",
            "0o17",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
        ];
        let ops = ["+", "-", "*", "//", "%", "**", "<<", ">>", "&", "|", "^"];
        match self.below(8) {
            _ if depth == 0 => self.pick(&ints).to_owned(),
            0 => self.pick(&ints).to_owned(),
            1 => format!("-{}", self.literals(depth - 1)),
            2 => format!("~({})", self.literals(depth - 1)),
            3 => format!(
                "-{} ** {}",
                self.pick(&ints),
                self.pick(&["0", "1", "2", "3", "63"])
            ),
            _ => {
                let (left, right) = (self.literals(depth - 1), self.literals(depth - 1));
                format!("({left}) {} {right}", self.pick(&ops))
            }
        }
    }
}

#[test]
fn literals_fold_to_pythons_values() {
    let mut random = Random(0x1234_5678_9ABC_DEF1);
    let mut texts = Vec::new();
    let mut folded = Vec::new();
    while texts.len() < 3000 {
        let text = random.literals(3);
        for result in [IntTy::I64, IntTy::U64] {
            let Some(function) = accepted(&format!("return {text}"), vec![Storage::Int(result)])
            else {
                continue;
            };
            let StmtKind::Return(values) = &function.body[0].kind else {
                panic!("{text}: no return");
            };
            if let ExprKind::Const(Const::Int(value)) = values[0].kind {
                texts.push(text.clone());
                folded.push(value.to_string());
            }
        }
    }
    let script = format!("{READ}\nfor text in texts():\n    print(eval(text))");
    let Some(answers) = python(&script, &texts) else {
        return;
    };
    for ((text, ours), python) in texts.iter().zip(&folded).zip(&answers) {
        assert_eq!(ours, python, "{text}");
    }
    assert_eq!(answers.len(), texts.len());
}

#[test]
fn what_is_accepted_is_python() {
    let words = [
        "x",
        "y",
        "a",
        "b",
        "1",
        "2.5",
        "(",
        ")",
        ",",
        "=",
        "+=",
        "**=",
        "==",
        "<",
        "+",
        "-",
        "*",
        "**",
        "//",
        "%",
        "<<",
        "&",
        "~",
        ".",
        ":",
        ";",
        "\n",
        "\n ",
        "\n  ",
        "\n    ",
        "if ",
        "elif ",
        "else:",
        "while ",
        "for ",
        " in ",
        "range(",
        "return ",
        "raise ",
        "assert ",
        "ValueError",
        "def g(a: i64) -> i64:",
        "not ",
        " and ",
        " or ",
        " is ",
        "None",
        "True",
        "pass",
        "break",
        "continue",
        "import math",
        "abs(",
        "divmod(",
        "'s'",
        "math.",
        "x: i64",
        "(x)",
        "x)",
        "x:",
        "x = 1",
        "# c",
        "v",
        "v[",
        "]",
        "b'x'",
        " not in ",
        "enumerate(v)",
        "len(",
        ".decode()",
        "bytes(",
        "w",
    ];
    let mut random = Random(0xFEDC_BA98_7654_3211);
    let mut texts = Vec::new();
    for _ in 0..60_000 {
        let count = 1 + random.below(9);
        let text: String = (0..count)
            .map(|_| random.pick(&words).to_owned() + random.pick(&["", " "]))
            .collect();
        if accepted(&text, Vec::new()).is_some() {
            texts.push(text);
        }
    }
    assert!(
        texts.len() > 1000,
        "only {} texts were accepted",
        texts.len()
    );
    // A body is the inside of a function; a body that is indented as a whole is its block already.
    let script = format!(
        "{READ}
for text in texts():
    lines = [l for l in text.split('\\n') if l.strip() and not l.strip().startswith('#')]
    pad = '' if lines and lines[0][0] == ' ' else ' '
    source = 'def f(x, y, v):\\n' + '\\n'.join(pad + l for l in text.split('\\n')) + ('' if lines else '\\n pass') + '\\n'
    try:
        compile(source, 'body', 'exec')
        print('ok')
    except SyntaxError as error:
        print('wrong', error.msg)
"
    );
    let Some(answers) = python(&script, &texts) else {
        return;
    };
    for (text, answer) in texts.iter().zip(&answers) {
        assert_eq!(answer, "ok", "{text:?}");
    }
    assert_eq!(answers.len(), texts.len());
}

#[test]
fn codecs_are_those_that_python_means() {
    let script = "
import codecs, encodings.aliases, sys
names = set(encodings.aliases.aliases) | set(encodings.aliases.aliases.values())
for name in sorted(names):
    for spelling in (name, name.upper(), name.replace('_', '-'), name.replace('_', ' ')):
        try:
            print(spelling, codecs.lookup(spelling).name, sep='|')
        except LookupError:
            print(spelling, '', sep='|')
";
    let Some(lines) = python(script, &[]) else {
        return;
    };
    let mut known = 0;
    for (spelling, name) in lines.iter().filter_map(|line| line.split_once('|')) {
        let text = format!("return v.decode('{spelling}')");
        let Some(function) = accepted(&text, vec![Storage::Str { nullable: false }]) else {
            continue;
        };
        let StmtKind::Return(values) = &function.body[0].kind else {
            panic!("{text}: no return");
        };
        let ours = match values[0].kind {
            ExprKind::Decode(_, Codec::Utf8) => "utf-8",
            ExprKind::Decode(_, Codec::Ascii) => "ascii",
            ExprKind::Decode(_, Codec::Latin1) => "iso8859-1",
            // CPython decodes it.
            _ => continue,
        };
        assert_eq!(name, ours, "{spelling}");
        known += 1;
    }
    assert!(known > 20, "only {known} spellings are known");
}
