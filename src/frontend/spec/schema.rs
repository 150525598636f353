//! The spec file as a JSON Schema, for editors. The door to `schemars`.
//!
//! In: nothing. Out: the schema, in JSON. Its types say what a spec may look like and are never filled: reading keeps places, which
//! deserialized values have not (`raw`, `read`). The schema refuses no spec that `check` accepts; what bodies mean, or whether `args` and
//! `params` agree, is beyond it. Patterns keep to what ECMA-262, Python and Rust have in common.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::check::STABLE;
use super::returns::RESULTS;
use super::tables::item_names;
use super::types::{BUFFERS, TYPES};
use crate::frontend::argfmt::units::UNITS;
use crate::frontend::capi::exceptions::EXCEPTIONS;

/// The schema of a spec (JSON Schema 2020-12), as text.
pub fn schema() -> String {
    let settings = SchemaSettings::draft2020_12();
    let schema = settings.into_generator().into_root_schema_for::<Spec>();
    format!("{:#}\n", schema.as_value())
}

/// A spec of pyasmgen: one CPython extension module.
#[derive(JsonSchema)]
#[schemars(
    title = "pyasmgen spec",
    deny_unknown_fields,
    transform = bodies_without_source
)]
#[expect(dead_code, reason = "only its shape is of use")]
struct Spec {
    module: Module,
    #[schemars(default, schema_with = "constants")]
    constants: Written,
    /// Tables of numbers, which bodies can index.
    #[schemars(default)]
    tables: Vec<Table>,
    /// New exception classes of the module, which bodies can raise.
    #[schemars(default)]
    exceptions: Vec<Exception>,
    /// The functions of the module.
    #[schemars(default)]
    methods: Vec<Method>,
}

/// The module itself.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its shape is of use")]
struct Module {
    /// Its name; with dots for a module inside of packages: `pkg._speed`.
    #[schemars(regex(pattern = dotted()))]
    name: String,
    /// Its documentation, `__doc__`.
    #[schemars(default)]
    doc: Text,
    #[schemars(default)]
    overflow: Overflow,
    #[schemars(default)]
    gil: Gil,
    /// Whether functions read numbers, text and bytes inside of Python's objects: calls are quicker, the module is larger. Where this is not said,
    /// they do in modules of at least two methods that gain by it.
    #[schemars(extend("type" = "boolean"))]
    fast: Option<bool>,
    /// A Python file, from the folder of the spec, whose functions are bodies.
    #[schemars(default)]
    source: Text,
}

/// What integers do that would not fit in 64 bits: an OverflowError, or modulo 2**64.
#[derive(Default, JsonSchema)]
#[schemars(inline, rename_all = "kebab-case", extend("default" = "raise"))]
#[expect(dead_code, reason = "only its shape is of use")]
enum Overflow {
    #[default]
    Raise,
    Wrap,
}

/// Whether free-threaded interpreters must hold the GIL for this module.
#[derive(Default, JsonSchema)]
#[schemars(inline, rename_all = "kebab-case", extend("default" = "not-used"))]
#[expect(dead_code, reason = "only its shape is of use")]
enum Gil {
    #[default]
    NotUsed,
    Used,
}

/// A table of numbers, which bodies can index.
#[derive(JsonSchema)]
#[schemars(
    deny_unknown_fields,
    extend("oneOf" = [{ "required": ["values"] }, { "required": ["file"] }])
)]
#[expect(dead_code, reason = "only its shape is of use")]
struct Table {
    /// Its name in bodies.
    #[schemars(regex(pattern = whole(&identifier())))]
    name: String,
    #[schemars(schema_with = "item_type")]
    r#type: Written,
    #[schemars(default, schema_with = "numbers")]
    values: Written,
    /// A file of raw little-endian items, from the folder of the spec.
    #[schemars(default)]
    file: Text,
}

/// A new exception class.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its shape is of use")]
struct Exception {
    /// Its name in the module.
    #[schemars(regex(pattern = whole(&identifier())))]
    name: String,
    #[schemars(default, schema_with = "base")]
    base: Written,
    /// Its documentation, `__doc__`.
    #[schemars(default)]
    doc: Text,
}

/// A function of the module.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, transform = types_without_letters)]
#[expect(dead_code, reason = "only its shape is of use")]
struct Method {
    /// Its name in the module.
    #[schemars(regex(pattern = whole(&identifier())))]
    name: String,
    /// Its documentation, `__doc__`; `inspect.signature` shows names and defaults of itself.
    #[schemars(default)]
    doc: Text,
    #[schemars(default, schema_with = "args")]
    args: Written,
    #[schemars(default, schema_with = "params")]
    params: Written,
    #[schemars(default, schema_with = "returns")]
    returns: Written,
    #[schemars(default)]
    overflow: Overflow,
    /// Whether all parameters are accepted by keyword, too.
    #[schemars(default)]
    keywords: bool,
    /// Whether the body runs with the GIL released; it may then touch no object.
    #[schemars(default)]
    nogil: bool,
    /// Whether long loops notice Ctrl-C.
    #[schemars(default)]
    signals: bool,
    /// What it does: Python text. Without it, the `source` of the module has a `def` of this name.
    #[schemars(default, regex(pattern = r"\S"))]
    body: Text,
    /// Run by `pyasmgen test`.
    #[schemars(default)]
    tests: Vec<Test>,
}

/// A call, and what comes of it: a result or an exception.
#[derive(JsonSchema)]
#[schemars(
    deny_unknown_fields,
    extend("oneOf" = [{ "required": ["result"] }, { "required": ["raises"] }])
)]
#[expect(dead_code, reason = "only its shape is of use")]
struct Test {
    /// A Python expression with the module's names in scope: `multiply(6, 7)`.
    #[schemars(regex(pattern = r"\S"))]
    call: String,
    /// A Python expression that is equal to what the call returns, and of its type.
    #[schemars(default, regex(pattern = r"\S"))]
    result: Text,
    /// The exception class that the call raises: `OverflowError`.
    #[schemars(default, regex(pattern = r"\S"))]
    raises: Text,
}

/// A key whose schema is written below. It has no default in JSON, but may be left out.
#[derive(Default)]
struct Written;

/// A string that may be left out.
#[derive(Default, JsonSchema)]
#[schemars(inline)]
#[expect(dead_code, reason = "only its shape is of use")]
struct Text(String);

fn constants(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "Attributes of the module, which bodies can use.",
        "type": "object",
        "propertyNames": { "pattern": whole(&identifier()) },
        "additionalProperties": { "anyOf": [
            // TOML has infinities and NaNs, JSON has not: readers that go by JSON make them null.
            { "type": ["boolean", "integer", "number", "string", "null"] },
            {
                "description": "A bytes object: `{ hex = \"00ff\" }`.",
                "type": "object",
                "properties": { "hex": { "type": "string", "pattern": r"^\s*([0-9A-Fa-f]\s*[0-9A-Fa-f]\s*)*$" } },
                "required": ["hex"],
                "additionalProperties": false,
            },
        ] },
    })
}

fn item_type(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "The type of its items.",
        "type": "string",
        "enum": item_names(),
    })
}

fn numbers(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "Its items.",
        "type": "array",
        // TOML has infinities and NaNs, JSON has not: readers that go by JSON make them null.
        "items": { "type": ["boolean", "integer", "number", "null"] },
    })
}

fn base(_: &mut SchemaGenerator) -> Schema {
    let usable = EXCEPTIONS.iter().filter(|row| row.1 <= STABLE);
    let names: Vec<&str> = usable.map(|row| row.0).collect();
    json_schema!({
        "description": "Its base class: a builtin exception, or one of this module that stands before it.",
        "default": "Exception",
        "type": "string",
        "anyOf": [{ "enum": names }, { "pattern": whole(&identifier()) }],
    })
}

fn args(_: &mut SchemaGenerator) -> Schema {
    let units: Vec<&str> = UNITS.iter().map(|unit| unit.text).collect();
    let described = UNITS
        .iter()
        .map(|unit| format!("`{}` {}", unit.text, unit.noun));
    let described: Vec<String> = described.collect();
    json_schema!({
        "description": format!(
            "What is taken, in the letters of PyArg_ParseTuple: {}; `(...)` a tuple; `|` before what is optional; `$` before what is \
             keyword-only; `:name` or `;message` at the end, for errors.",
            described.join(", ")
        ),
        "type": "string",
        "pattern": format!(r"^({}|[()|$])*([:;][\s\S]*)?$", alternatives(&units)),
        "examples": ["LL:multiply", "d|d", "y*", "O"],
    })
}

fn params(_: &mut SchemaGenerator) -> Schema {
    let name = identifier();
    json_schema!({
        "description": "Names of parameters, with types and defaults where wanted, and Python's markers `/` and `*`.",
        "type": "array",
        "items": {
            "type": "string",
            "pattern": entry(&format!(r"{name}{SPACE}*(:[^=]*)?")),
        },
        "examples": [["x: i64", "y: i64 = 1"], ["data: Buffer[f64]", "*", "scale: f64 = 1.0"]],
    })
}

fn returns(_: &mut SchemaGenerator) -> Schema {
    let units: Vec<&str> = RESULTS.iter().map(|row| row.0).collect();
    json_schema!({
        "description": "What is returned, in the letters of Py_BuildValue: `L` an int, `d` a float, `p` a bool, `s#` a str, `y#` a bytes, \
                        `O` any object, `(Ld)` a tuple. Without it, None.",
        "type": "string",
        "anyOf": [
            { "enum": units },
            { "pattern": format!(r"^({}|[ \t,:()\[\]{{}}])*$", alternatives(&units)) },
        ],
    })
}

/// Without `args`, every parameter has one of the types.
fn types_without_letters(schema: &mut Schema) {
    // Rows are named as messages spell them; users may put spaces anywhere, and `None` first.
    let rows = TYPES.iter().chain(BUFFERS).map(|row| row.name);
    let mut forms = Vec::new();
    for name in rows {
        match name.strip_suffix(" | None") {
            Some(base) => {
                let base = spaced(base);
                forms.push(format!(r"{base}{SPACE}*\|{SPACE}*None"));
                forms.push(format!(r"None{SPACE}*\|{SPACE}*{base}"));
            }
            None => forms.push(spaced(name)),
        }
    }
    let (name, types) = (identifier(), forms.join("|"));
    let typed = format!(r"{name}{SPACE}*:{SPACE}*({types}){SPACE}*");
    let items: Value =
        json!({ "properties": { "params": { "items": { "pattern": entry(&typed) } } } });
    schema.insert("if".to_owned(), json!({ "required": ["args"] }));
    schema.insert("else".to_owned(), items);
}

/// Without a source, every method has a body.
fn bodies_without_source(schema: &mut Schema) {
    let sourced =
        json!({ "properties": { "module": { "required": ["source"] } }, "required": ["module"] });
    let bodies = json!({ "properties": { "methods": { "items": { "required": ["body"] } } } });
    schema.insert("if".to_owned(), sourced);
    schema.insert("else".to_owned(), bodies);
}

/// White space in texts of the spec, as `str::trim` knows it.
const SPACE: &str = r"[\s\x85]";

/// A marker, or what `param` matches with the parentheses of tuples around it and a default behind it.
fn entry(param: &str) -> String {
    format!(
        r"^{SPACE}*([/*]{SPACE}*|(\({SPACE}*)*({param}([,)]|{SPACE})*(=[\s\S]*)?)?([,)]|{SPACE})*)$"
    )
}

/// A type's name with spaces around its brackets.
fn spaced(name: &str) -> String {
    let bracket = |c: char| match c {
        '[' => format!(r"{SPACE}*\[{SPACE}*"),
        ']' => format!(r"{SPACE}*\]"),
        other => other.to_string(),
    };
    name.chars().map(bracket).collect()
}

/// A Python identifier, but for the finer points of Unicode.
fn identifier() -> String {
    r"[^\x00-@\[-\^`{-\x7f][^\x00-/:-@\[-\^`{-\x7f]*".to_owned()
}

fn dotted() -> String {
    let name = identifier();
    whole(&format!(r"{name}(\.{name})*"))
}

fn whole(pattern: &str) -> String {
    format!("^{pattern}$")
}

/// Any of the letters.
fn alternatives(units: &[&str]) -> String {
    let escaped = units.iter().map(|unit| unit.replace('*', r"\*"));
    escaped.collect::<Vec<_>>().join("|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::table::Key;
    use crate::frontend::spec::read;

    /// The schema's object at a JSON pointer, and the keys that the reader knows there.
    fn agree(schema: &Value, at: &str, keys: &[Key]) {
        let table = schema.pointer(at).unwrap();
        assert_eq!(table["additionalProperties"], json!(false), "{at}");
        let properties = table["properties"].as_object().unwrap();
        let mut ours: Vec<&str> = properties.keys().map(String::as_str).collect();
        let known = keys.iter().filter(|key| key.later.is_none());
        let mut theirs: Vec<&str> = known.map(|key| key.name).collect();
        ours.sort_unstable();
        theirs.sort_unstable();
        assert_eq!(ours, theirs, "{at}");
        for (name, property) in properties {
            let described = property.get("description").or(property.get("$ref"));
            assert!(described.is_some(), "{at} {name} is not described");
        }
    }

    #[test]
    fn every_key_of_a_spec_is_in_the_schema() {
        let schema: Value = serde_json::from_str(&schema()).unwrap();
        agree(&schema, "", read::TOP);
        agree(&schema, "/$defs/Module", read::MODULE);
        agree(&schema, "/$defs/Table", read::TABLE);
        agree(&schema, "/$defs/Exception", read::EXCEPTION);
        agree(&schema, "/$defs/Method", read::METHOD);
        agree(&schema, "/$defs/Test", read::TEST);
        let bytes = "/properties/constants/additionalProperties/anyOf/1/properties";
        let bytes = schema.pointer(bytes).unwrap().as_object().unwrap();
        let keys = read::BYTES.iter().map(|key| key.name);
        assert!(bytes.keys().eq(keys));
    }
}
