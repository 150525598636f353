//! Messages about specs: each file of `fixtures/errors` holds a spec, a line of `=`, and what is said of it. `BLESS=1` writes the
//! second part anew; read it before it is committed. Then: nothing that can be put into a spec makes the checker panic.
//!
//! Behind a line `---- NAME` stands a file that the spec names. Where the first line is one, it names the spec itself.

#![expect(
    clippy::disallowed_methods,
    reason = "tests read fixtures and the environment"
)]

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use pyasmgen::base::diag::Diagnostics;
use pyasmgen::base::render;
use pyasmgen::base::source::Sources;
use pyasmgen::frontend::spec;
use pyasmgen::frontend::spec::module::Module;
use pyasmgen::target;

const LINE: &str = "\n================\n";
const FILE: &str = "\n---- ";

/// A file of `specs` as a fixture has it.
fn named(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    format!(
        "{}{name}\n{}",
        FILE.trim_start(),
        fs::read_to_string(file).unwrap()
    )
}

fn check(text: &str) -> (Sources, Option<Module>, Diagnostics) {
    let mut sources = Sources::default();
    let text = match text.strip_prefix(FILE.trim_start()) {
        Some(text) => text.to_owned(),
        None => format!("spec.toml\n{text}"),
    };
    let parts = text
        .split(FILE)
        .map(|part| part.split_once('\n').unwrap_or((part, "")));
    let ids: Vec<_> = parts
        .map(|(name, text)| (name, sources.add(name, text)))
        .collect();
    let id = ids[0].1;
    for (name, file) in &ids[1..] {
        sources.include(id, name, Ok(*file));
    }
    let (module, diagnostics) = spec::check(&sources, id, &target::TARGETS[0]);
    (sources, module, diagnostics)
}

/// All messages; with the promises that hold for every text.
fn messages(text: &str) -> String {
    let (sources, module, diagnostics) = check(text);
    assert_eq!(
        module.is_none(),
        diagnostics.has_errors(),
        "a module exactly when there are no errors: {text}"
    );
    for diagnostic in diagnostics.iter() {
        let message = &diagnostic.message;
        assert!(diagnostic.hint.is_some(), "no hint: {message}");
        assert!(!message.ends_with('.'), "a full stop: {message}");
    }
    let lines = render::json(&diagnostics, &sources);
    assert_eq!(lines.lines().count(), diagnostics.iter().count());
    render::human(&diagnostics, &sources, false)
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    files.sort();
    files
}

#[test]
fn every_mistake_is_reported_as_before() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = String::new();
    let files = files("fixtures/errors");
    assert!(!files.is_empty());
    for file in files {
        let case = fs::read_to_string(&file).unwrap();
        let (text, expected) = case.split_once(LINE).unwrap_or((&case, ""));
        let found = messages(text);
        if bless {
            fs::write(&file, format!("{text}{LINE}{found}")).unwrap();
        } else if found != expected {
            wrong.push_str(&format!("{}:\n{found}\n", file.display()));
        }
    }
    assert!(wrong.is_empty(), "BLESS=1 if these are right:\n{wrong}");
}

/// Specs that are right, and fixtures that are wrong: what mutations start from.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = files("specs").iter().map(|file| named(file)).collect();
    let fixtures = files("fixtures/errors");
    texts.extend(
        fixtures
            .iter()
            .map(|file| fs::read_to_string(file).unwrap()),
    );
    texts.push(GOOD.to_owned());
    texts
}

const GOOD: &str = r#"
[module]
name = "pkg._größe"
overflow = "wrap"
[constants]
ANSWER = 0x2a
DATA = { hex = "00 ff" }
[[exceptions]]
name = "PackError"
base = "ValueError"
[[methods]]
name = "f"
args = "bBhHiIlkLKnfdpO|d$L:f"
params = ["a", "b", "c", "d", "e", "f", "g", "h", "i: i64", "j", "k", "l", "m", "n", "o", "p: f64 = 1.5", "*", "q = ANSWER"]
returns = "(Ld)"
keywords = true
body = """
    x = i + q
    return x, p
"""
[[methods.tests]]
call = "f(1)"
raises = "TypeError"
[[methods]]
name = "letters"
args = "szyUSYs#z#y#s*z*y*w*eset#DcCO!O!O!O&(L(d))()|s;give text"
params = [
    "a", "b: bytes | None", "c: Buffer", "d: str", "e: bytes", "f: bytearray", "g", "h", "i", "j", "k: None | Buffer", "l: Buffer[u8]",
    "m: MutBuffer", "n", "o: Buffer", "p: complex", "q: i64", "r: i32", "s: list", "t: ValueError", "u: PackError", "v: Buffer[i32] | None",
    "(w", "(x,))", "()", "y = 'text'",
]
returns = "s#, {L: (y# [U, O]), C: D}"
body = "raise PackError"
[[methods]]
name = "types"
params = [
    "a: bytes", "b: str", "c: Buffer", "d: MutBuffer", "e: Buffer[f64]", "f: MutBuffer[bool]", "/", "g: bytes | None = None",
    "h: str | None = 'x'", "i: None|Buffer = DATA", "j: complex = 1 - 2j", "*", "k: object | None = None", "l: bytes = b'\\xff'",
]
returns = "[]"
body = "raise ValueError"
"#;

#[test]
fn a_right_spec_has_no_messages() {
    assert_eq!(messages(GOOD), "");
}

#[test]
fn example_specs_have_no_messages() {
    for file in files("specs") {
        assert_eq!(messages(&named(&file)), "", "{}", file.display());
    }
}

#[test]
fn deep_nesting_is_a_message() {
    for (open, close) in [("[", "]"), ("{ a = ", "}")] {
        let text = format!("x = {}1{}", open.repeat(100_000), close.repeat(100_000));
        assert!(messages(&text).contains("error: "));
    }
    let deep = ["a"; 10_000].join(".");
    assert!(messages(&format!("[{deep}]\n{deep} = 1\n")).contains("error: "));
}

/// Pieces that the grammar of specs is made of.
const PIECES: &[&str] = &[
    "[",
    "]",
    "[[methods]]",
    "[module]",
    "\"",
    "\"\"\"",
    "'",
    "'''",
    "\\",
    "\\u00e9",
    "\\n",
    "\n",
    "\r\n",
    "=",
    " = ",
    "name",
    "params",
    "args = \"L|$d:x\"",
    "{ hex = \"0\" }",
    "{",
    "}",
    "é",
    "😀",
    "\0",
    "(",
    ")",
    "|",
    "$",
    ":",
    ";",
    "1e999",
    "0x",
    "-",
    "i64",
    ": u8 = -1",
    "/",
    "*",
    ",",
    "#",
    "true",
    "1979-05-27",
    "body",
    "return x",
    "tests",
    "\t",
    "\u{feff}",
    "99999999999999999999",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_mutation_of_a_spec_makes_it_panic(
        which in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..6_usize, prop::sample::select(PIECES)), 1..6),
    ) {
        let texts = texts();
        let mut text = texts[which.index(texts.len())].clone();
        for (at, removed, piece) in edits {
            let boundary = |mut at: usize| {
                while !text.is_char_boundary(at) {
                    at -= 1;
                }
                at
            };
            let start = boundary(at.index(text.len() + 1));
            let end = boundary((start + removed).min(text.len())).max(start);
            text.replace_range(start..end, piece);
        }
        messages(&text);
    }

    #[test]
    fn no_soup_of_pieces_makes_it_panic(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..30)) {
        messages(&pieces.concat());
    }

    #[test]
    fn no_format_or_parameter_makes_it_panic(
        args in r#"[a-zA-Z#*!&|$:; ()é\[\]{}0-9]{0,8}"#,
        params in prop::collection::vec(r#"[xyz_/*():= .,0-9a-f"'\[\]|é-]{0,8}"#, 0..4),
        returns in r#"[a-zA-Z#*!&|$:; ()é\[\]{}]{0,8}"#,
        keywords in any::<bool>(),
    ) {
        method(Some(&args), &params, &returns, keywords);
    }

    #[test]
    fn no_nesting_type_or_default_makes_it_panic(
        args in prop::option::of(prop::collection::vec(prop::sample::select(UNITS), 0..6)),
        params in prop::collection::vec(prop::collection::vec(prop::sample::select(PARTS), 0..7), 0..5),
        returns in prop::collection::vec(prop::sample::select(UNITS), 0..8),
        keywords in any::<bool>(),
    ) {
        let params: Vec<String> = params.iter().map(|parts| parts.concat()).collect();
        method(args.map(|args| args.concat()).as_deref(), &params, &returns.concat(), keywords);
    }
}

/// Checks a spec of one method.
fn method(args: Option<&str>, params: &[String], returns: &str, keywords: bool) {
    let args = args.map_or(String::new(), |args| format!("args = {}\n", toml(args)));
    let params: Vec<String> = params.iter().map(|text| toml(text)).collect();
    messages(&format!(
        "[module]\nname = \"m\"\n[constants]\nTEXT = \"text\"\n[[exceptions]]\nname = \"E\"\n\
         [[methods]]\nname = \"f\"\n{args}params = [{}]\nreturns = {}\nkeywords = {keywords}\nbody = 'pass'\n",
        params.join(", "),
        toml(returns),
    ));
}

/// A string of TOML.
fn toml(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Pieces of formats.
const UNITS: &[&str] = &[
    "L", "b", "n", "d", "D", "p", "c", "C", "s", "z#", "y*", "w*", "es", "et#", "S", "Y", "U", "O",
    "O!", "O&", "(", ")", "[", "]", "{", "}", "|", "$", ":f", ";m", ",", "N",
];

/// Pieces of parameters.
const PARTS: &[&str] = &[
    "a",
    "b",
    "c",
    "größe",
    "(",
    ")",
    ",",
    ": ",
    " = ",
    "/",
    "*",
    "i64",
    "u8",
    "complex",
    "object",
    "str",
    "bytes",
    "Buffer",
    "MutBuffer",
    "[",
    "]",
    "f64",
    " | ",
    "None",
    "list",
    "E",
    "ValueError",
    "'x'",
    "b'\\xff'",
    "'",
    "\"",
    "\\",
    "\\u",
    "1",
    "-1j",
    "(1+2j)",
    "1.5",
    "True",
    "TEXT",
    "\n",
    "\0",
    " ",
];
