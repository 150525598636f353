//! Type stubs: what type checkers and editors are told of a module (PEP 484; "Distributing type information", typing.python.org).
//!
//! In: a checked spec. Out: the text of a `.pyi` file. Parameters have the types of all that is taken (an int parameter takes whatever has
//! `__index__`), results those of what is made. Where the file belongs is not said here.

use std::collections::BTreeSet;

use super::argfmt::units::Takes;
use super::capi::classes::CLASSES;
use super::lang::Nest;
use super::lang::typed::{Const, Shape, Storage, View, Whole};
use super::spec::module::{
    BaseClass, ClassRef, ConstValue, Convert, Method, Module, Param, ResultUnit,
};

/// The stub of a module.
pub fn stub(module: &Module) -> String {
    let mut stub = Stub {
        module,
        taken: names(module),
        imports: BTreeSet::new(),
    };
    let mut parts = Vec::new();
    for (name, value) in &module.constants {
        let of = stub.builtin(match value {
            ConstValue::Bool(_) => "bool",
            ConstValue::Int(_) => "int",
            ConstValue::Float(_) => "float",
            ConstValue::Str(_) => "str",
            ConstValue::Bytes(_) => "bytes",
        });
        let constant = stub.import("typing", "Final");
        parts.push(format!("{name}: {constant}[{of}]\n"));
    }
    for class in &module.exceptions {
        let base = match class.base {
            BaseClass::Builtin(name) => stub.builtin(name),
            BaseClass::Module(at) => module.exceptions[at].name.clone(),
        };
        let head = format!("\nclass {}({base}):", class.name);
        parts.push(head + &body(class.doc.as_deref()));
    }
    for (at, method) in module.methods.iter().enumerate() {
        let params = stub.params(method);
        let result = stub.result(method, &module.functions[at].results);
        let head = format!("\ndef {}({params}) -> {result}:", method.name);
        parts.push(head + &body(method.doc.as_deref()));
    }
    let doc = module
        .doc
        .as_deref()
        .map_or(String::new(), |doc| format!("{}\n\n", docstring(doc)));
    format!("{doc}{}{}", stub.import_lines(), parts.concat())
        .trim_start_matches('\n')
        .to_owned()
}

/// All names that the module gives.
fn names(module: &Module) -> BTreeSet<String> {
    let constants = module.constants.iter().map(|constant| &constant.0);
    let exceptions = module.exceptions.iter().map(|class| &class.name);
    let methods = module.methods.iter().map(|method| &method.name);
    constants
        .chain(exceptions)
        .chain(methods)
        .cloned()
        .collect()
}

fn body(doc: Option<&str>) -> String {
    match doc {
        Some(doc) => format!("\n    {}\n", docstring(doc)),
        None => " ...\n".to_owned(),
    }
}

/// A docstring that says exactly this.
fn docstring(doc: &str) -> String {
    let mut text = String::new();
    for char in doc.chars() {
        match char {
            '\\' | '"' => text.extend(['\\', char]),
            '\n' => text.push(char),
            char if char.is_control() => text.push_str(&format!("\\x{:02x}", u32::from(char))),
            char => text.push(char),
        }
    }
    format!("\"\"\"{text}\"\"\"")
}

struct Stub<'a> {
    module: &'a Module,
    taken: BTreeSet<String>,
    /// Modules, names in them, and what they are called here.
    imports: BTreeSet<(&'static str, &'static str, String)>,
}

impl Stub<'_> {
    /// A builtin's name, which may be hidden by one of the module's.
    fn builtin(&mut self, name: &'static str) -> String {
        if self.taken.contains(name) {
            self.import("builtins", name)
        } else {
            name.to_owned()
        }
    }

    fn import(&mut self, from: &'static str, name: &'static str) -> String {
        let mut local = name.to_owned();
        while self.taken.contains(&local) {
            local.insert(0, '_');
        }
        self.imports.insert((from, name, local.clone()));
        local
    }

    fn import_lines(&self) -> String {
        let mut modules: Vec<(&str, Vec<String>)> = Vec::new();
        for (from, name, local) in &self.imports {
            // The form with `as` and the same name would give the name away as the module's own.
            let shown = match name == local {
                true => local.clone(),
                false => format!("{name} as {local}"),
            };
            match modules.last_mut() {
                Some((module, names)) if module == from => names.push(shown),
                _ => modules.push((from, vec![shown])),
            }
        }
        let line = |(from, names): (&str, Vec<String>)| {
            format!("from {from} import {}\n", names.join(", "))
        };
        let lines: String = modules.into_iter().map(line).collect();
        if lines.is_empty() {
            lines
        } else {
            lines + "\n"
        }
    }

    /// The parameters, in the order and with the markers of the signature that the running module shows.
    fn params(&mut self, method: &Method) -> String {
        let mut leaves = method.params.iter();
        let mut arguments = method.arguments.iter();
        let mut parts = Vec::new();
        for part in split(&method.text_signature) {
            let marker = part.starts_with('$') || part == "/" || part == "*";
            let Some(argument) = (!marker).then(|| arguments.next()).flatten() else {
                // The module itself, and a `/` of its own where there is nothing else.
                let module = part.starts_with('$') || (part == "/" && parts.is_empty());
                if !module {
                    parts.push(part.to_owned());
                }
                continue;
            };
            let (name, default) = match part.split_once('=') {
                Some((name, default)) => (name, Some(default)),
                None => (part, None),
            };
            let of = self.argument(argument, &mut leaves);
            parts.push(match default {
                Some(default) => format!("{name}: {of} = {}", shown_default(default)),
                None => format!("{name}: {of}"),
            });
        }
        parts.join(", ")
    }

    fn argument<'p>(
        &mut self,
        argument: &Nest,
        leaves: &mut impl Iterator<Item = &'p Param>,
    ) -> String {
        match argument {
            Nest::Param => {
                let param = leaves.next();
                let param = param.unwrap_or_else(|| unreachable!("a parameter for each leaf"));
                let of = self.param(param.convert);
                // A class that an argument has to be of says nothing about the default.
                let none = param.default == Some(Const::None);
                let open = of == "object" || of.ends_with("| None");
                optional(of, none && !open)
            }
            Nest::Tuple(items) => {
                // Any sequence of that length is taken; only of tuples can a type say the length.
                for item in items {
                    self.argument(item, leaves);
                }
                let any = self.import("typing", "Any");
                format!("{}[{any}]", self.import("typing", "Sequence"))
            }
        }
    }

    fn param(&mut self, convert: Convert) -> String {
        let (of, nullable) = match convert {
            Convert::Int(_) | Convert::IntModulo(_) | Convert::IntOwn(..) => {
                (self.import("typing", "SupportsIndex"), false)
            }
            Convert::F32 | Convert::F64 => {
                let float = self.import("typing", "SupportsFloat");
                let index = self.import("typing", "SupportsIndex");
                (format!("{float} | {index}"), false)
            }
            Convert::Complex => {
                let complex = self.import("typing", "SupportsComplex");
                let float = self.import("typing", "SupportsFloat");
                let index = self.import("typing", "SupportsIndex");
                (format!("{complex} | {float} | {index}"), false)
            }
            Convert::Truth | Convert::Object => (self.builtin("object"), false),
            Convert::Byte => {
                let bytes = self.builtin("bytes");
                (format!("{bytes} | {}", self.builtin("bytearray")), false)
            }
            Convert::Char => (self.builtin("str"), false),
            Convert::Text {
                takes, nullable, ..
            } => (self.text(takes, "bytes"), nullable),
            Convert::Bytelike {
                takes, nullable, ..
            } => (self.text(takes, "Buffer"), nullable),
            Convert::Encoded { bytes, .. } => {
                let str = self.builtin("str");
                let of = match bytes {
                    true => {
                        let bytes = self.builtin("bytes");
                        format!("{str} | {bytes} | {}", self.builtin("bytearray"))
                    }
                    false => str,
                };
                (of, false)
            }
            Convert::Bytes { nullable } => (self.builtin("bytes"), nullable),
            Convert::Str { nullable } => (self.builtin("str"), nullable),
            Convert::Buffer { nullable, .. } => (self.buffer(), nullable),
            Convert::ByteArray => (self.builtin("bytearray"), false),
            Convert::Instance(class) => (self.class(class), false),
        };
        optional(of, nullable)
    }

    fn text(&mut self, takes: Takes, bytes: &'static str) -> String {
        let bytes = match bytes {
            "Buffer" => self.buffer(),
            bytes => self.builtin(bytes),
        };
        match takes {
            Takes::Str => self.builtin("str"),
            Takes::Bytes => bytes,
            Takes::Both => format!("{} | {bytes}", self.builtin("str")),
        }
    }

    /// Where checkers know it on every version.
    fn buffer(&mut self) -> String {
        self.import("typing_extensions", "Buffer")
    }

    fn class(&mut self, class: ClassRef) -> String {
        match class {
            ClassRef::Builtin(symbol) => {
                let row = CLASSES.iter().find(|row| row.1 == symbol);
                let name = row.map_or("object", |row| row.0);
                let class = self.builtin(name);
                let parameters = PARAMETERS.iter().find(|row| row.0 == name);
                match parameters.map_or(0, |row| row.1) {
                    0 => class,
                    count => {
                        let any = self.import("typing", "Any");
                        format!("{class}[{}]", vec![any; count].join(", "))
                    }
                }
            }
            ClassRef::BuiltinException(name) => self.builtin(name),
            ClassRef::Exception(at) => self.module.exceptions[at].name.clone(),
        }
    }

    fn result(&mut self, method: &Method, storages: &[Storage]) -> String {
        let mut units = method.returns.units.iter().zip(storages);
        self.shape(&method.returns.shape, &mut units)
    }

    fn shape<'u>(
        &mut self,
        shape: &Shape,
        units: &mut impl Iterator<Item = (&'u ResultUnit, &'u Storage)>,
    ) -> String {
        match shape {
            Shape::None => "None".to_owned(),
            Shape::One => match units.next() {
                Some((unit, storage)) => self.unit(*unit, *storage),
                None => unreachable!("a unit for each result"),
            },
            Shape::Tuple(items) => {
                let items: Vec<String> = items.iter().map(|item| self.shape(item, units)).collect();
                let tuple = self.builtin("tuple");
                match items.as_slice() {
                    [] => format!("{tuple}[()]"),
                    items => format!("{tuple}[{}]", items.join(", ")),
                }
            }
            Shape::List(items) => {
                let items = items.iter().map(|item| self.shape(item, units)).collect();
                let of = self.union(items);
                format!("{}[{of}]", self.builtin("list"))
            }
            Shape::Dict(entries) => {
                let (mut keys, mut values) = (Vec::new(), Vec::new());
                for (key, value) in entries {
                    keys.push(self.shape(key, units));
                    values.push(self.shape(value, units));
                }
                let (key, value) = (self.union(keys), self.union(values));
                format!("{}[{key}, {value}]", self.builtin("dict"))
            }
        }
    }

    /// One of these types, each named once.
    fn union(&mut self, types: Vec<String>) -> String {
        let mut once: Vec<String> = Vec::new();
        for one in types {
            if !once.contains(&one) {
                once.push(one);
            }
        }
        if once.is_empty() {
            return self.import("typing", "Any");
        }
        once.join(" | ")
    }

    fn unit(&mut self, unit: ResultUnit, storage: Storage) -> String {
        let nullable = match storage {
            Storage::View(View { nullable, .. }) | Storage::Str { nullable } => nullable,
            _ => false,
        };
        let of = match unit {
            ResultUnit::Signed | ResultUnit::Unsigned => self.builtin("int"),
            ResultUnit::Float => self.builtin("float"),
            ResultUnit::Bool => self.builtin("bool"),
            ResultUnit::Complex => self.builtin("complex"),
            ResultUnit::Byte | ResultUnit::Bytes => self.builtin("bytes"),
            ResultUnit::Char | ResultUnit::Text => self.builtin("str"),
            ResultUnit::Object => match storage {
                Storage::Str { .. } => self.builtin("str"),
                Storage::View(View {
                    whole: Whole::Bytes,
                    ..
                }) => self.builtin("bytes"),
                Storage::View(View {
                    whole: Whole::ByteArray,
                    ..
                }) => self.builtin("bytearray"),
                _ => self.import("typing", "Any"),
            },
        };
        optional(of, nullable)
    }
}

/// How many types builtin classes are made of, in typeshed.
const PARAMETERS: &[(&str, usize)] = &[
    ("dict", 2),
    ("enumerate", 1),
    ("filter", 1),
    ("frozenset", 1),
    ("list", 1),
    ("map", 1),
    ("memoryview", 1),
    ("reversed", 1),
    ("set", 1),
    ("type", 1),
    ("zip", 1),
];

fn optional(of: String, nullable: bool) -> String {
    if nullable { of + " | None" } else { of }
}

/// The parts of a signature between its parentheses; commas in literals are no borders.
fn split(signature: &str) -> Vec<&str> {
    let inside = signature.strip_prefix('(').unwrap_or(signature);
    let inside = inside.strip_suffix(')').unwrap_or(inside);
    let mut parts = Vec::new();
    let (mut start, mut quote, mut escaped) = (0, None, false);
    for (at, char) in inside.char_indices() {
        match (char, quote) {
            (_, Some(_)) if escaped => escaped = false,
            ('\\', Some(_)) => escaped = true,
            (char, Some(open)) if char == open => quote = None,
            ('\'' | '"', None) => quote = Some(char),
            (',', None) => {
                parts.push(inside[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(inside[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// Literals as they are; what only evaluates to one is left out.
fn shown_default(default: &str) -> &str {
    let words = ["None", "True", "False"];
    let literal = default.starts_with(|c: char| c.is_ascii_digit() || "-'\"".contains(c));
    let bytes = default.starts_with("b'") || default.starts_with("b\"");
    if literal || bytes || words.contains(&default) {
        default
    } else {
        "..."
    }
}
