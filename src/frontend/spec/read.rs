//! TOML becomes a spec as written.
//!
//! In: the text of a file. Out: [`Spec`], as complete as the text allows, and messages about syntax, unknown keys, keys of later
//! issues and values of the wrong type. The tables of keys are at the top.

use super::raw::{
    Constant, ConstantValue, DataTable, ExceptionTable, ItemType, MethodTable, ModuleTable, Spec,
    TestTable,
};
use crate::base::diag::{Diagnostic, Diagnostics, shown};
use crate::base::source::{SourceId, Span};
use crate::base::table::{self, At, Key, Placed, Reader, Table, Value, later, now};
use crate::frontend::lang::typed::Const;

pub(super) static TOP: &[Key] = &[
    now("module"),
    now("constants"),
    now("exceptions"),
    now("methods"),
    now("tables"),
    later(
        "externs",
        "bodies can use numbers, `math` and other methods",
    ),
];
pub(super) static MODULE: &[Key] = &[
    now("name"),
    now("doc"),
    now("overflow"),
    now("gil"),
    now("fast"),
    now("source"),
];
pub(super) static EXCEPTION: &[Key] = &[now("name"), now("base"), now("doc")];
pub(super) static TABLE: &[Key] = &[now("name"), now("type"), now("values"), now("file")];
pub(super) static METHOD: &[Key] = &[
    now("name"),
    now("doc"),
    now("args"),
    now("params"),
    now("returns"),
    now("overflow"),
    now("keywords"),
    now("nogil"),
    now("signals"),
    now("body"),
    now("tests"),
    later("asm", "write the body in Python: `body = \"return x\"`"),
    later("isa", "write the body in Python: `body = \"return x\"`"),
    later("call", "write a body: `body = \"return x\"`"),
];
pub(super) static TEST: &[Key] = &[now("call"), now("result"), now("raises")];
pub(super) static BYTES: &[Key] = &[now("hex")];

/// Reads the text. Without a spec, the messages say why the text is not TOML.
pub(super) fn read(text: &str, source: SourceId, diagnostics: &mut Diagnostics) -> Option<Spec> {
    let table = table::parse(text, source, diagnostics)?;
    let mut reader = SpecReader(Reader::new(text, source, diagnostics));
    Some(reader.spec(table.get_ref()))
}

/// Knows the tables of a spec.
struct SpecReader<'a>(Reader<'a>);

impl SpecReader<'_> {
    fn spec(&mut self, top: &Table) -> Spec {
        let mut spec = Spec::default();
        for (name, _, value) in self.0.known(top, TOP, "a spec") {
            match (name, value.get_ref()) {
                ("module", Value::Table(table)) => {
                    let header = self.0.span(value.span());
                    spec.module = Some(self.module(header, table));
                }
                ("module", _) => {
                    self.0.wrong(value, name, "a table", "[module]");
                    // It is there, if not as it should be.
                    let header = self.0.span(value.span());
                    let mut module = self.module(header, &Table::new());
                    module.spoiled = true;
                    spec.module = Some(module);
                }
                ("constants", Value::Table(table)) => spec.constants = self.constants(table),
                ("constants", _) => self.0.wrong(value, name, "a table", "[constants]"),
                ("tables", _) => {
                    for (header, table) in self.0.tables("tables", value) {
                        let table = self.data(header, table);
                        spec.tables.push(table);
                    }
                }
                ("exceptions", _) => {
                    for (header, table) in self.0.tables("exceptions", value) {
                        let exception = self.exception(header, table);
                        spec.exceptions.push(exception);
                    }
                }
                _ => {
                    for (header, table) in self.0.tables("methods", value) {
                        let method = self.method(header, table);
                        spec.methods.push(method);
                    }
                }
            }
        }
        spec
    }

    fn module(&mut self, header: Span, table: &Table) -> ModuleTable {
        self.0.spoiled = false;
        let mut module = ModuleTable {
            header,
            name: None,
            doc: None,
            overflow: None,
            gil: None,
            fast: None,
            source: None,
            spoiled: false,
        };
        for (name, _, value) in self.0.known(table, MODULE, "[module]") {
            if name == "fast" {
                module.fast = self.0.boolean(name, value);
                continue;
            }
            let text = self.0.string(name, value);
            match name {
                "name" => module.name = text,
                "doc" => module.doc = text,
                "overflow" => module.overflow = text,
                "source" => module.source = text,
                _ => module.gil = text,
            }
        }
        module.spoiled = self.0.spoiled;
        module
    }

    fn data(&mut self, header: Span, table: &Table) -> DataTable {
        self.0.spoiled = false;
        let mut data = DataTable {
            header,
            name: None,
            ty: None,
            values: None,
            file: None,
            tuple: false,
            spoiled: false,
        };
        for (name, _, value) in self.0.known(table, TABLE, "[[tables]]") {
            match name {
                "name" => data.name = self.0.string(name, value),
                "type" => data.ty = self.0.string(name, value).map(ItemType::Named),
                "file" => data.file = self.0.string(name, value),
                _ => data.values = self.numbers(name, value),
            }
        }
        data.spoiled = self.0.spoiled;
        data
    }

    /// An array of numbers and booleans; messages about what is neither.
    fn numbers(&mut self, name: &str, value: &Placed) -> Option<At<Vec<At<Const>>>> {
        let Value::Array(items) = value.get_ref() else {
            self.0
                .wrong(value, name, "an array of numbers", "values = [1, 2]");
            return None;
        };
        let mut numbers = Vec::new();
        for item in items.iter() {
            let number = match item.get_ref() {
                Value::Boolean(flag) => Some(Const::Bool(*flag)),
                Value::Integer(int) => {
                    // What does not fit in 128 bits fits in no item either.
                    let digits = i128::from_str_radix(int.as_str(), int.radix());
                    Some(Const::Int(digits.unwrap_or(i128::MAX)))
                }
                Value::Float(float) => match self.float(float.as_str(), item) {
                    Some(ConstantValue::Float(float)) => Some(Const::Float(float)),
                    _ => None,
                },
                _ => {
                    self.0
                        .wrong(item, name, "an array of numbers", "values = [1, 2]");
                    None
                }
            };
            let span = self.0.span(item.span());
            numbers.extend(number.map(|value| At { value, span }));
        }
        Some(At {
            value: numbers,
            span: self.0.span(value.span()),
        })
    }

    fn exception(&mut self, header: Span, table: &Table) -> ExceptionTable {
        self.0.spoiled = false;
        let mut exception = ExceptionTable {
            header,
            name: None,
            base: None,
            doc: None,
            spoiled: false,
        };
        for (name, _, value) in self.0.known(table, EXCEPTION, "[[exceptions]]") {
            let text = self.0.string(name, value);
            match name {
                "name" => exception.name = text,
                "base" => exception.base = text,
                _ => exception.doc = text,
            }
        }
        exception.spoiled = self.0.spoiled;
        exception
    }

    fn method(&mut self, header: Span, table: &Table) -> MethodTable {
        self.0.spoiled = false;
        let mut method = MethodTable::empty(header);
        let mut tests = None;
        for (name, _, value) in self.0.known(table, METHOD, "[[methods]]") {
            let before = std::mem::take(&mut self.0.spoiled);
            match name {
                "name" => method.name = self.0.string(name, value),
                "doc" => method.doc = self.0.string(name, value),
                "args" => method.args = self.0.string(name, value),
                "params" => method.params = self.0.strings(name, value),
                "returns" => method.returns = self.0.string(name, value),
                "overflow" => method.overflow = self.0.string(name, value),
                "keywords" => method.keywords = self.0.boolean(name, value),
                "nogil" => method.nogil = self.0.boolean(name, value),
                "signals" => method.signals = self.0.boolean(name, value),
                "body" => method.body = self.0.string(name, value),
                _ => tests = Some(value),
            }
            method.unread |= self.0.spoiled && matches!(name, "args" | "params" | "returns");
            self.0.spoiled |= before;
        }
        method.spoiled = self.0.spoiled;
        if let Some(value) = tests {
            for (header, table) in self.0.tables("methods.tests", value) {
                let test = self.test(header, table);
                method.tests.push(test);
            }
        }
        method
    }

    fn test(&mut self, header: Span, table: &Table) -> TestTable {
        self.0.spoiled = false;
        let mut test = TestTable {
            header,
            call: None,
            result: None,
            raises: None,
            spoiled: false,
        };
        for (name, _, value) in self.0.known(table, TEST, "[[methods.tests]]") {
            let text = self.0.string(name, value);
            match name {
                "call" => test.call = text,
                "result" => test.result = text,
                _ => test.raises = text,
            }
        }
        test.spoiled = self.0.spoiled;
        test
    }

    fn constants(&mut self, table: &Table) -> Vec<Constant> {
        let entries = self.0.entries(table);
        entries
            .into_iter()
            .map(|(name, span, value)| Constant {
                name: At {
                    value: name.to_owned(),
                    span,
                },
                value: self.constant(name, value).map(|constant| At {
                    value: constant,
                    span: self.0.span(value.span()),
                }),
            })
            .collect()
    }

    fn constant(&mut self, name: &str, value: &Placed) -> Option<ConstantValue> {
        match value.get_ref() {
            Value::Boolean(flag) => Some(ConstantValue::Bool(*flag)),
            Value::Integer(int) => Some(ConstantValue::Int(int.as_str().to_owned(), int.radix())),
            Value::Float(float) => self.float(float.as_str(), value),
            Value::String(_) => self.0.string(name, value).map(ConstantValue::Str),
            Value::Table(table) => {
                let entries = self.0.known(table, BYTES, "a bytes constant");
                let Some((_, _, hex)) = entries.into_iter().next() else {
                    // An unknown key was reported.
                    if table.is_empty() {
                        self.0.wrong(value, name, "one value", "{ hex = \"00ff\" }");
                    }
                    return None;
                };
                self.0.string("hex", hex).map(ConstantValue::Hex)
            }
            Value::Datetime(_) | Value::Array(_) => {
                let wanted = "a boolean, an integer, a float, a string or { hex = \"...\" }";
                self.0
                    .wrong(value, name, wanted, &format!("{} = 42", shown(name)));
                None
            }
        }
    }

    fn float(&mut self, digits: &str, value: &Placed) -> Option<ConstantValue> {
        let float: Option<f64> = digits.parse().ok();
        match float {
            Some(float)
                if float.is_finite() || digits.contains("inf") || digits.contains("nan") =>
            {
                Some(ConstantValue::Float(float))
            }
            _ => {
                let span = self.0.span(value.span());
                self.0.report(
                    Diagnostic::error(span, "this number is too large for a float")
                        .hint("the largest one is 1.7976931348623157e308; infinity is `inf`"),
                );
                None
            }
        }
    }
}
