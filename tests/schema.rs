//! The JSON Schema of specs against `check`, judged by Python's `jsonschema`: it accepts all that pyasmgen accepts, and refuses what is
//! misspelt.
//!
//! In go the example specs, whole and a method at a time, and thousands of mutations of them: keys renamed, left out, added; values of other
//! places, texts with other characters. What neither sees (bodies against parameters) is not asked.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this test reads specs and runs an interpreter"
)]

#[path = "common/python.rs"]
mod python;

use std::fs;
use std::process::{Command, Stdio};

use pyasmgen::base::source::Sources;
use pyasmgen::ir::random::Rng;
use pyasmgen::{compile, target};
use serde_json::json;
use toml::{Table, Value};

/// Reads a schema and a JSON array of specs; prints for each what is wrong with it, or an empty line.
const JUDGE: &str = r#"
import json, sys
import jsonschema
schema, specs = json.load(open(sys.argv[1], encoding="utf-8"))
jsonschema.Draft202012Validator.check_schema(schema)
judge = jsonschema.Draft202012Validator(schema)
for spec in specs:
    error = next(judge.iter_errors(spec), None)
    print("" if error is None else f"{list(error.absolute_path)} {error.message!r}"[:300])
"#;

/// What the schema has against each spec; nothing without jsonschema.
fn judged(specs: &[Table]) -> Option<Vec<String>> {
    let mut judge = python::with("jsonschema")?;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("specs.json");
    let schema: serde_json::Value =
        serde_json::from_str(&pyasmgen::frontend::spec::schema()).unwrap();
    let specs: Vec<_> = specs.iter().map(as_json).collect();
    fs::write(&file, json!([schema, specs]).to_string()).unwrap();
    judge.args(["-c", JUDGE]).arg(&file).stdin(Stdio::null());
    let output = judge.output().unwrap();
    assert!(output.status.success(), "{}", python::said(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), specs.len());
    Some(text.lines().map(str::to_owned).collect())
}

fn as_json(table: &Table) -> serde_json::Value {
    let entries = table
        .iter()
        .map(|(key, value)| (key.clone(), value_as_json(value)));
    serde_json::Value::Object(entries.collect())
}

fn value_as_json(value: &Value) -> serde_json::Value {
    match value {
        Value::String(text) => json!(text),
        Value::Integer(int) => json!(int),
        // JSON has neither infinities nor NaN.
        Value::Float(float) if float.is_finite() => json!(float),
        Value::Float(_) => json!(0.5),
        Value::Boolean(flag) => json!(flag),
        // Nor times, which no key takes.
        Value::Datetime(_) => serde_json::Value::Null,
        Value::Array(items) => items.iter().map(value_as_json).collect(),
        Value::Table(table) => as_json(table),
    }
}

/// What pyasmgen says of a spec: nothing if all is well.
fn checked(spec: &Table) -> String {
    let text = toml::to_string(spec).unwrap();
    let mut sources = Sources::default();
    let id = sources.add("spec.toml", text);
    let (module, diagnostics) = compile::check(&sources, id, target::host());
    match module {
        Some(_) => String::new(),
        None => format!("{diagnostics:?}"),
    }
}

/// The example specs.
fn examples() -> Vec<Table> {
    let mut paths: Vec<_> = fs::read_dir(python::root("specs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    paths.retain(|path| path.extension().is_some_and(|suffix| suffix == "toml"));
    paths.sort();
    let mut texts: Vec<String> = paths
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    // That of `pyasmgen new`, which people begin with.
    let new = fs::read_to_string(python::root("src/cli/new/spec.toml")).unwrap();
    texts.push(new.replace("@MODULE@", "new"));
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Each method of the examples alone, with all else that the module has.
fn methods() -> Vec<Table> {
    let mut alone = Vec::new();
    for mut spec in examples() {
        let Some(Value::Array(methods)) = spec.remove("methods") else {
            continue;
        };
        for method in methods {
            spec.insert("methods".to_owned(), Value::Array(vec![method]));
            alone.push(spec.clone());
        }
    }
    alone
}

/// Keys of all tables, and all values, as mutations take them.
#[derive(Default)]
struct Vocabulary {
    keys: Vec<String>,
    values: Vec<Value>,
}

impl Vocabulary {
    fn add(&mut self, table: &Table) {
        for (key, value) in table {
            self.keys.push(key.clone());
            self.values.push(value.clone());
            match value {
                Value::Table(inner) => self.add(inner),
                Value::Array(items) => {
                    items
                        .iter()
                        .filter_map(Value::as_table)
                        .for_each(|t| self.add(t));
                    self.values.extend(items.iter().cloned());
                }
                _ => {}
            }
        }
    }
}

/// Pieces of parameters, formats and names, with all that may stand around them.
const PIECES: &[&str] = &[
    "x", ": ", "i64", "Buffer", "[", "f64", "]", " | ", "None", "= 1", "(", ")", ",", "/", "*",
    "$", "|", "L", "d", "y*", "s#", "O!", "O&", "e", "es#", ":f", ";m", " ", "\t", "\n", "\u{85}",
    "ö", ".", "-", "1", "{", "str", "object", "raise", "wrap", "not-used", "\0", "😀", "",
];

/// Changes one thing somewhere in a table.
fn mutate(table: &mut Table, words: &Vocabulary, random: &mut Rng) {
    let keys: Vec<String> = table.keys().cloned().collect();
    if keys.is_empty() || random.below(12) == 0 {
        table.insert(
            random.pick(&words.keys).clone(),
            random.pick(&words.values).clone(),
        );
        return;
    }
    let key = random.pick(&keys).clone();
    match random.below(8) {
        0 => drop(table.remove(&key)),
        1 => {
            let value = table.remove(&key).unwrap();
            table.insert(misspelt(&key, random), value);
        }
        2 => drop(table.insert(key, random.pick(&words.values).clone())),
        _ => change(table.get_mut(&key).unwrap(), words, random),
    }
}

fn change(value: &mut Value, words: &Vocabulary, random: &mut Rng) {
    match value {
        Value::Table(table) => mutate(table, words, random),
        Value::Array(items) if items.is_empty() || random.below(8) == 0 => {
            items.push(random.pick(&words.values).clone());
        }
        Value::Array(items) => {
            let at = random.below(items.len());
            change(&mut items[at], words, random);
        }
        Value::String(text) => {
            let mut chars: Vec<char> = text.chars().collect();
            let at = random.below(chars.len() + 1);
            let cut = (at + random.below(3)).min(chars.len());
            chars.splice(at..cut, random.pick(PIECES).chars());
            *text = chars.into_iter().collect();
        }
        Value::Boolean(flag) => *flag = !*flag,
        _ => *value = random.pick(&words.values).clone(),
    }
}

/// The key with one letter doubled, lost or changed.
fn misspelt(key: &str, random: &mut Rng) -> String {
    let mut chars: Vec<char> = key.chars().collect();
    let at = random.below(chars.len());
    match random.below(3) {
        0 => chars.insert(at, chars[at]),
        1 if chars.len() > 1 => drop(chars.remove(at)),
        _ => chars[at] = if chars[at] == 'q' { 'w' } else { 'q' },
    }
    chars.into_iter().collect()
}

#[test]
fn all_examples_are_valid() {
    let mut specs = examples();
    specs.extend(methods());
    let Some(verdicts) = judged(&specs) else {
        return;
    };
    for (spec, verdict) in specs.iter().zip(verdicts) {
        assert_eq!(verdict, "", "{spec}");
    }
}

/// Types of parameters, one of each form.
const TYPES: &[&str] = &[
    "i64",
    "u8",
    "isize",
    "int",
    "float",
    "bool",
    "complex",
    "bytes",
    "str",
    "object",
    "Buffer",
    "MutBuffer",
    "bytes | None",
    "MutBuffer | None",
    "Buffer[f64]",
    "MutBuffer[u16]",
    "Buffer[bool] | None",
];

#[test]
fn types_are_known_however_they_are_spaced_and_misspelt_ones_are_not() {
    let mut random = Rng::new(3);
    let mut types = Vec::new();
    for ty in TYPES {
        types.push((*ty).to_owned());
        types.push(ty.replace('[', " [ ").replace(']', " ]\t"));
        if let Some(base) = ty.strip_suffix(" | None") {
            types.push(format!("None|{base}"));
        }
        types.extend((0..20).map(|_| misspelt(ty, &mut random)));
    }
    let spec = |ty: &String| -> Table {
        let text = "[module]\nname = 'm'\n[[methods]]\nname = 'f'\nbody = 'pass'\nparams = []";
        let mut spec: Table = text.parse().unwrap();
        spec["methods"][0]["params"] = Value::Array(vec![format!("x: {ty}").into()]);
        spec
    };
    let specs: Vec<Table> = types.iter().map(spec).collect();
    let Some(verdicts) = judged(&specs) else {
        return;
    };
    for ((ty, spec), verdict) in types.iter().zip(&specs).zip(verdicts) {
        assert_eq!(
            verdict.is_empty(),
            checked(spec).is_empty(),
            "{ty}: {verdict}"
        );
    }
}

#[test]
fn editors_read_the_schema_as_we_do() {
    let Some(taplo) = python::program("taplo") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("pyasmgen.schema.json", &pyasmgen::frontend::spec::schema());
    let check = |name: &str| {
        let mut command = Command::new(&taplo);
        command.args(["check", name]).current_dir(folder.path());
        command.output().unwrap()
    };
    for (index, spec) in examples().iter().enumerate() {
        // As the README says it.
        let text = format!("#:schema ./pyasmgen.schema.json\n{spec}");
        let name = format!("{index}.toml");
        write(&name, &text);
        let said = check(&name);
        assert!(said.status.success(), "{}\n{text}", python::said(&said));
        write(&name, &text.replacen("\nname = ", "\nnme = ", 1));
        let said = check(&name);
        assert!(!said.status.success(), "{text}");
        assert!(
            python::said(&said).contains("nme"),
            "{}",
            python::said(&said)
        );
    }
}

#[test]
fn what_pyasmgen_accepts_is_valid_whatever_is_changed() {
    let mut words = Vocabulary::default();
    examples().iter().for_each(|spec| words.add(spec));
    let (seeds, mut random) = (methods(), Rng::new(5));
    let mut specs = Vec::new();
    for _ in 0..4000 {
        let mut spec = random.pick(&seeds).clone();
        for _ in 0..=random.below(2) {
            mutate(&mut spec, &words, &mut random);
        }
        specs.push(spec);
    }
    let Some(verdicts) = judged(&specs) else {
        return;
    };
    let (mut accepted, mut refused) = (0, 0);
    for (spec, verdict) in specs.iter().zip(verdicts) {
        let ours = checked(spec);
        assert!(
            verdict.is_empty() || !ours.is_empty(),
            "the schema says {verdict}, pyasmgen nothing of\n{spec}"
        );
        accepted += usize::from(ours.is_empty());
        refused += usize::from(!verdict.is_empty());
    }
    println!("{accepted} accepted by pyasmgen, {refused} refused by the schema");
    assert!(accepted > 400 && refused > 800, "{accepted} {refused}");
}

/// Misspells the `index`th key of the tables in `value` that is not the user's own; false where there are not so many.
fn misspell(table: &mut Table, index: &mut usize, random: &mut Rng) -> bool {
    let keys: Vec<String> = table.keys().cloned().collect();
    for key in keys {
        if *index == 0 {
            let value = table.remove(&key).unwrap();
            table.insert(misspelt(&key, random), value);
            return true;
        }
        *index -= 1;
        let inner: Vec<&mut Table> = match table.get_mut(&key) {
            // Constants are named by users.
            Some(Value::Table(_)) if key == "constants" => Vec::new(),
            Some(Value::Table(inner)) => vec![inner],
            Some(Value::Array(items)) => items.iter_mut().filter_map(Value::as_table_mut).collect(),
            _ => Vec::new(),
        };
        for inner in inner {
            if misspell(inner, index, random) {
                return true;
            }
        }
    }
    false
}

#[test]
fn every_misspelt_key_is_refused() {
    let (mut specs, mut random) = (Vec::new(), Rng::new(7));
    for seed in methods() {
        for index in 0.. {
            let mut spec = seed.clone();
            if !misspell(&mut spec, &mut { index }, &mut random) {
                break;
            }
            specs.push(spec);
        }
    }
    assert!(specs.len() > 1000);
    // Where tests are many, some of them will do.
    let specs: Vec<Table> = specs.into_iter().step_by(3).collect();
    let Some(verdicts) = judged(&specs) else {
        return;
    };
    for (spec, verdict) in specs.iter().zip(verdicts) {
        assert_ne!(verdict, "", "{spec}");
    }
}
