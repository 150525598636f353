//! A spec becomes a module: everything wrong with it is found here, at once.
//!
//! In: the text of a spec, and the target (whose `long` is a fact for users). Out: messages, and the module exactly when none of them is
//! an error. Follow-up errors are held back: bodies are not judged by signatures that are wrong themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::method::{self, Checked, Context};
use super::module::{BaseClass, ConstValue, ExceptionClass, Expect, Module, Test};
use super::names::{self, shown};
use super::raw::{
    Constant, ConstantValue, DataTable, ExceptionTable, MethodTable, ModuleTable, Spec, Str,
    TestTable,
};
use super::{digits, python, read, tables};
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::nearest::nearest;
use crate::base::source::{SourceId, Sources, Span, Text};
use crate::frontend::capi::exceptions;
use crate::frontend::lang::typed::{Const, Overflow};
use crate::frontend::lang::{self, Env};
use crate::target::Target;

/// The stable ABI that modules are built for, as 3.x.
pub(super) const STABLE: u8 = 10;

/// Reads and checks a spec.
pub fn check(sources: &Sources, id: SourceId, target: &Target) -> (Option<Module>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let file = sources.file(id);
    let spec = if python::is_python(&file.name) {
        python::read(sources, id, &mut diagnostics)
    } else {
        read::read(&file.text, id, &mut diagnostics).map(|mut spec| {
            python::merge(&mut spec, sources, id, &mut diagnostics);
            spec
        })
    };
    let module = spec.map(|mut spec| {
        // Helpers of a Python source are no methods: their bodies come behind those of all methods.
        spec.methods.sort_by_key(MethodTable::is_helper);
        Checker::new(sources, id, target, &mut diagnostics).module(&spec)
    });
    diagnostics.sort();
    let sound = !diagnostics.has_errors();
    (module.filter(|_| sound), diagnostics)
}

struct Checker<'a> {
    sources: &'a Sources,
    source: SourceId,
    target: &'a Target,
    diagnostics: &'a mut Diagnostics,
    /// Names whose definition is wrong: messages of bodies about them are no news.
    unsound: BTreeSet<String>,
    /// All names of the module, and where they are given.
    names: BTreeMap<String, Vec<(Span, &'static str)>>,
}

impl<'a> Checker<'a> {
    fn new(
        sources: &'a Sources,
        source: SourceId,
        target: &'a Target,
        diagnostics: &'a mut Diagnostics,
    ) -> Checker<'a> {
        Checker {
            sources,
            source,
            target,
            diagnostics,
            unsound: BTreeSet::new(),
            names: BTreeMap::new(),
        }
    }

    fn error(&mut self, span: Span, message: impl Into<String>, hint: impl Into<String>) {
        self.diagnostics
            .push(Diagnostic::error(span, message).hint(hint));
    }

    fn claim(&mut self, name: &str, span: Span, what: &'static str) {
        self.names
            .entry(name.to_owned())
            .or_default()
            .push((span, what));
    }

    fn module(&mut self, spec: &Spec) -> Module {
        let mut module = Module {
            source: self.source,
            name: String::new(),
            span: Span::new(self.source, 0..0),
            doc: None,
            gil_used: false,
            fast: None,
            constants: Vec::new(),
            tables: Vec::new(),
            exceptions: Vec::new(),
            methods: Vec::new(),
            functions: Vec::new(),
            tests: Vec::new(),
        };
        let mut overflow = Overflow::Raise;
        match &spec.module {
            Some(table) => overflow = self.header(table, &mut module),
            None => self.error(
                Span::new(self.source, 0..0),
                "the spec has no [module] table",
                "begin with `[module]` and `name = \"...\"`",
            ),
        }
        let mut known = Vec::new();
        for constant in &spec.constants {
            let value = self.constant(constant, &mut module);
            known.push((constant.name.value.clone(), value));
        }
        for table in &spec.tables {
            self.table(table, &mut module);
        }
        for exception in &spec.exceptions {
            self.exception(exception, spec, &mut module);
        }
        let exceptions: Vec<_> = module.exceptions.iter().map(|e| e.name.clone()).collect();
        let cx = Context {
            target: self.target,
            constants: &known,
            exceptions: &exceptions,
            overflow,
        };
        let mut checked = Vec::new();
        for table in &spec.methods {
            let method = method::check(table, &cx, self.diagnostics);
            let what = if table.is_helper() {
                "a helper"
            } else {
                "a method"
            };
            self.claim(&method.method.name, method.method.span, what);
            if !method.sound && !method.method.name.is_empty() {
                self.unsound.insert(method.method.name.clone());
            }
            for test in &table.tests {
                self.test(test, checked.len(), &mut module);
            }
            checked.push(method);
        }
        for (at, (name, _)) in spec.imports.iter().enumerate() {
            // The same import twice is no news.
            if !spec.imports[..at]
                .iter()
                .any(|other| other.0.value == name.value)
            {
                self.claim(&name.value, name.span, "an import");
            }
        }
        self.collisions();
        self.bodies(spec, &known, checked, &mut module);
        module
    }

    /// `[module]`; gives its overflow mode.
    fn header(&mut self, table: &ModuleTable, module: &mut Module) -> Overflow {
        match &table.name {
            Some(name) => {
                self.module_name(name);
                module.name = name.text.text.clone();
                module.span = name.inner();
            }
            None if !table.spoiled => {
                self.error(
                    table.header,
                    "the module needs a name",
                    "write `name = \"...\"`",
                );
            }
            None => {}
        }
        module.doc = method::doc(table.doc.as_ref(), self.diagnostics);
        module.fast = table.fast.as_ref().map(|fast| fast.value);
        if let Some(gil) = &table.gil {
            match gil.text.text.as_str() {
                "used" => module.gil_used = true,
                "not-used" => {}
                other => self.error(
                    gil.inner(),
                    format!("`{}` says nothing about the GIL", shown(other)),
                    "write `gil = \"not-used\"` or `gil = \"used\"`",
                ),
            }
        }
        method::overflow(table.overflow.as_ref(), self.diagnostics).unwrap_or(Overflow::Raise)
    }

    fn module_name(&mut self, name: &Str) {
        let whole = &name.text.text;
        let mut start = 0;
        for part in whole.split('.') {
            let range = start..start + part.len();
            start = range.end + 1;
            if part.is_empty() && !whole.is_empty() {
                let message = "a part of the module's name is empty";
                self.error(name.inner(), message, "write one dot between two names");
            } else if let Err((message, hint)) = names::identifier(part) {
                let span = if part.is_empty() {
                    name.span
                } else {
                    name.text.span(range)
                };
                self.error(span, message, hint);
            }
        }
        let last = whole.rsplit('.').next().unwrap_or("");
        if !names::fits_entry_symbol(last) {
            self.error(
                name.inner(),
                "the module's name is too long",
                "CPython looks for the first 200 bytes of a module's name only",
            );
        }
    }

    /// Gives the value that bodies can use.
    fn constant(&mut self, constant: &Constant, module: &mut Module) -> Option<Const> {
        let name = &constant.name;
        self.claim(&name.value, name.span, "a constant");
        if let Err((message, hint)) = names::identifier(&name.value) {
            self.error(name.span, message, hint);
        }
        let Some(value) = &constant.value else {
            self.unsound.insert(name.value.clone());
            return None;
        };
        let (attribute, usable) = match &value.value {
            ConstantValue::Bool(flag) => (ConstValue::Bool(*flag), Some(Const::Bool(*flag))),
            ConstantValue::Float(float) => (ConstValue::Float(*float), Some(Const::Float(*float))),
            ConstantValue::Str(text) => {
                let text = &text.text.text;
                let usable = Const::Str(text.as_str().into());
                (ConstValue::Str(text.clone()), Some(usable))
            }
            ConstantValue::Int(digits, radix) => {
                let decimal = digits::decimal(digits, *radix);
                let Some(decimal) =
                    decimal.filter(|int| int.trim_start_matches('-').len() <= digits::MOST)
                else {
                    self.unsound.insert(name.value.clone());
                    self.error(
                        value.span,
                        format!("an integer of more than {} digits", digits::MOST),
                        "CPython refuses to convert it, too",
                    );
                    return None;
                };
                let range = i128::from(i64::MIN)..=i128::from(u64::MAX);
                let small = decimal.parse().ok().filter(|int| range.contains(int));
                (ConstValue::Int(decimal), small.map(Const::Int))
            }
            ConstantValue::Hex(hex) => {
                let Some(bytes) = digits::bytes(hex, self.diagnostics) else {
                    self.unsound.insert(name.value.clone());
                    return None;
                };
                let usable = Const::Bytes(bytes.as_slice().into());
                (ConstValue::Bytes(bytes), Some(usable))
            }
            ConstantValue::Bytes(bytes) => {
                let usable = Const::Bytes(bytes.as_slice().into());
                (ConstValue::Bytes(bytes.clone()), Some(usable))
            }
        };
        module.constants.push((name.value.clone(), attribute));
        usable
    }

    fn table(&mut self, table: &DataTable, module: &mut Module) {
        let name = table.name.as_ref().map_or("", |name| &name.text.text);
        let span = table.name.as_ref().map_or(table.header, Str::inner);
        self.claim(name, span, "a table");
        match tables::check(table, self.sources, self.source, self.diagnostics) {
            Some(table) => module.tables.push(table),
            None if name.is_empty() => {}
            None => {
                self.unsound.insert(name.to_owned());
            }
        }
    }

    fn exception(&mut self, table: &ExceptionTable, spec: &Spec, module: &mut Module) {
        let name = method::name(
            table.name.as_ref(),
            table.header,
            "an exception",
            table.spoiled,
            self.diagnostics,
        );
        let name = name.map_or("", |name| name.text.text.as_str()).to_owned();
        let span = table.name.as_ref().map_or(table.header, Str::inner);
        self.claim(&name, span, "an exception");
        let base = match &table.base {
            Some(base) => self.base(base, spec, module),
            None => BaseClass::Builtin("Exception"),
        };
        let doc = method::doc(table.doc.as_ref(), self.diagnostics);
        module.exceptions.push(ExceptionClass { name, base, doc });
    }

    /// The base class; `Exception` in the place of a wrong one.
    fn base(&mut self, base: &Str, spec: &Spec, module: &Module) -> BaseClass {
        let name = base.text.text.as_str();
        let wrong = BaseClass::Builtin("Exception");
        // As in Python code, a class of the module hides a builtin one.
        if let Some(index) = module.exceptions.iter().rposition(|e| e.name == name) {
            return BaseClass::Module(index);
        }
        let row = exceptions::EXCEPTIONS.iter().find(|row| row.0 == name);
        if let Some(&(known, since)) = row {
            if since > STABLE {
                self.error(
                    base.inner(),
                    format!("`{known}` is not in the stable ABI of Python 3.{STABLE}"),
                    "take another base class, for example Exception",
                );
            }
            return BaseClass::Builtin(known);
        }
        let mut later = spec.exceptions.iter().filter_map(|e| e.name.as_ref());
        if let Some(other) = later.find(|other| other.text.text == name) {
            self.diagnostics.push(
                Diagnostic::error(base.inner(), format!("`{name}` is not defined before"))
                    .also(other.inner(), "it is defined here")
                    .hint("put the base class before the classes that are derived from it"),
            );
            return wrong;
        }
        let builtin = exceptions::EXCEPTIONS.iter().map(|row| row.0);
        let own = module.exceptions.iter().map(|e| e.name.as_str());
        let hint = match nearest(name, own.chain(builtin)) {
            Some(known) => format!("did you mean `{known}`?"),
            None => "a base is an exception of Python, or an earlier one of this module".to_owned(),
        };
        let message = format!("`{}` is not an exception class", shown(name));
        self.error(base.inner(), message, hint);
        wrong
    }

    fn test(&mut self, table: &TestTable, method: usize, module: &mut Module) {
        let blank = |text: &&Str| text.text.text.trim().is_empty();
        for (key, text) in [
            ("call", &table.call),
            ("result", &table.result),
            ("raises", &table.raises),
        ] {
            if let Some(text) = text.as_ref().filter(blank) {
                let hint = match key {
                    "call" => "write a Python expression, as in `call = \"multiply(6, 7)\"`",
                    "result" => "write a Python expression, as in `result = \"42\"`",
                    _ => "write an exception class, as in `raises = \"OverflowError\"`",
                };
                self.error(text.span, format!("`{key}` is empty"), hint);
            }
        }
        if let Some(raises) = &table.raises {
            let dotted = raises
                .text
                .text
                .trim()
                .split('.')
                .all(|part| names::identifier(part).is_ok());
            if !dotted && !blank(&raises) {
                let message = "`raises` must name an exception class";
                self.error(
                    raises.inner(),
                    message,
                    "write `raises = \"OverflowError\"`",
                );
            }
        }
        if !table.spoiled && table.call.is_none() {
            self.error(
                table.header,
                "a test needs a call",
                "write `call = \"multiply(6, 7)\"`",
            );
        }
        let expect = match (&table.result, &table.raises) {
            (Some(result), None) => Expect::Result(result.text.text.trim().to_owned()),
            (None, Some(raises)) => Expect::Raises(raises.text.text.trim().to_owned()),
            (Some(result), Some(raises)) => {
                self.diagnostics.push(
                    Diagnostic::error(raises.inner(), "a test has either a result or an exception")
                        .also(result.inner(), "this is the result")
                        .hint("leave one of them out"),
                );
                return;
            }
            (None, None) => {
                if !table.spoiled {
                    let hint = "write `result = \"42\"` or `raises = \"OverflowError\"`";
                    self.error(table.header, "a test needs a result or an exception", hint);
                }
                return;
            }
        };
        if let Some(call) = &table.call {
            module.tests.push(Test {
                method,
                call: call.text.text.trim().to_owned(),
                expect,
                span: call.inner(),
            });
        }
    }

    /// Attributes of a module have one name each.
    fn collisions(&mut self) {
        for (name, mut places) in std::mem::take(&mut self.names) {
            if name.is_empty() || places.len() < 2 {
                continue;
            }
            self.unsound.insert(name.clone());
            places.sort();
            let (first, what) = places[0];
            for &(span, _) in &places[1..] {
                self.diagnostics.push(
                    Diagnostic::error(span, format!("the module has two attributes `{name}`"))
                        .also(first, format!("the first one, {what}"))
                        .hint("take another name"),
                );
            }
        }
    }

    /// Checks the bodies, and takes over what is known of the methods.
    fn bodies(
        &mut self,
        spec: &Spec,
        known: &[(String, Option<Const>)],
        checked: Vec<Checked>,
        module: &mut Module,
    ) {
        let tables = module.tables.iter().map(|table| {
            let tuple = spec.tables.iter().any(|raw| {
                raw.tuple
                    && raw
                        .name
                        .as_ref()
                        .is_some_and(|name| name.text.text == table.name)
            });
            table.signature(tuple)
        });
        let mut env = Env {
            long_size: self.target.long_size,
            tables: tables.collect(),
            constants: known.to_vec(),
            imports: spec
                .imports
                .iter()
                .map(|(name, import)| (name.value.clone(), import.clone()))
                .collect(),
            exceptions: module.exceptions.iter().map(|e| e.name.clone()).collect(),
            methods: Vec::new(),
            broken: BTreeSet::new(),
        };
        let mut silent = Vec::new();
        for (method, table) in checked.into_iter().zip(&spec.methods) {
            // Every method is known by name, even if its body cannot be looked at.
            let span = method.method.span;
            let silenced = !method.named || method.body.is_none();
            if !method.sound {
                env.broken.insert(env.methods.len());
            }
            let body = method
                .body
                .unwrap_or_else(|| Text::verbatim("pass", span.source, span.start));
            if silenced {
                silent.push(body.whole());
                silent.push(span);
            }
            env.methods.push((method.sig, body, span));
            if !table.is_helper() {
                module.methods.push(method.method);
            }
        }
        let (functions, mut found) = lang::check(&env);
        found.retain(|diagnostic| {
            let span = diagnostic.primary.span;
            let inside = |outer: &Span| {
                outer.source == span.source && outer.start <= span.start && span.end <= outer.end
            };
            !spec.sourceless && !silent.iter().any(inside) && !self.speaks_of_unsound(span)
        });
        self.diagnostics.append(found);
        module.functions = functions;
    }

    /// Whether the text at `span` names something that is wrong itself.
    fn speaks_of_unsound(&self, span: Span) -> bool {
        if self.unsound.is_empty() {
            return false;
        }
        let text = &self.sources.file(span.source).text;
        let text = text.get(span.start as usize..span.end as usize);
        let word = |c: char| !(c == '_' || c.is_alphanumeric());
        text.is_some_and(|text| text.split(word).any(|word| self.unsound.contains(word)))
    }
}
