//! A whole Python file: what stands at its top level, with heads of functions taken apart and bodies left as texts.
//!
//! In: the text of the file. Out: [`File`], and messages about everything else that stands there. Bodies are parsed again when they are
//! checked: then they have all names of the module around them.

use std::ops::Range;

use ruff_text_size::{Ranged, TextRange};

use super::super::ParamKind;
use super::super::ast::Name;
use super::super::check::Import;
use super::super::file::{Class, Decorator, Doc, File, Head, HeadParam, PACKAGE, Returns};
use super::super::typed::Const;
use super::super::{annotations, mathfns};
use super::{Convert, measure, parse_unchecked_source, py};
use crate::base::diag::{Diagnostic, Diagnostics, shown};
use crate::base::nearest::nearest;
use crate::base::source::Text;

/// The file, or `None` where its syntax is wrong.
pub fn file(text: &Text, diags: &mut Diagnostics) -> Option<File> {
    let mut convert = Convert {
        text,
        shift: 0,
        diags,
        depth: 0,
        functions: 0,
        assigned: None,
        unassigned: Vec::new(),
    };
    if let Err(message) = measure(&text.text) {
        let hint = "split it, with locals or a helper function";
        convert
            .diags
            .push(Diagnostic::error(text.whole(), message).hint(hint));
        return None;
    }
    let parsed = parse_unchecked_source(&text.text, py::PySourceType::Python);
    if parsed.has_invalid_syntax() {
        convert.syntax_errors(parsed.errors());
        return None;
    }
    let mut reader = FileReader {
        doc: convert.docstring(parsed.suite()),
        convert,
        file: File::default(),
        known: Vec::new(),
    };
    reader.file.doc = reader.doc.take();
    for statement in parsed.suite() {
        reader.statement(statement);
    }
    Some(reader.file)
}

pub(super) struct FileReader<'a> {
    pub(super) convert: Convert<'a>,
    pub(super) file: File,
    doc: Option<Doc>,
    /// The constants so far; `None` for those that no arithmetic can use.
    pub(super) known: Vec<(String, Option<Const>)>,
}

impl FileReader<'_> {
    fn statement(&mut self, statement: &py::Stmt) {
        let range = statement.range();
        match statement {
            py::Stmt::FunctionDef(s) => self.function(s),
            py::Stmt::ClassDef(s) => self.class(s),
            py::Stmt::Assign(s) => match s.targets.as_slice() {
                [py::Expr::Name(name)] => self.constant(name, None, &s.value),
                _ => self.foreign(range, "an assignment to several things"),
            },
            py::Stmt::AnnAssign(s) => match (&*s.target, &s.value) {
                (py::Expr::Name(name), Some(value)) => {
                    self.constant(name, Some(&s.annotation), value);
                }
                _ => self.foreign(range, "a declaration without a value"),
            },
            py::Stmt::Import(s) => self.import(s),
            py::Stmt::ImportFrom(s) => self.import_from(s),
            py::Stmt::Pass(_) => {}
            py::Stmt::Expr(s)
                if s.value.is_string_literal_expr() || s.value.is_ellipsis_literal_expr() => {}
            // What a file does when it is run is no part of the module.
            py::Stmt::If(s) if is_main(&s.test) && s.elif_else_clauses.is_empty() => {}
            py::Stmt::AugAssign(_) => self.foreign(range, "a change of a constant"),
            _ => self.foreign(range, "this statement"),
        }
    }

    fn foreign(&mut self, range: TextRange, what: &str) {
        self.error(
            range,
            format!("{what} has no place in the source of a module"),
            "it holds functions, constants, exception classes, and imports of `math` and `pyasmgen`",
        );
    }

    pub(super) fn error(
        &mut self,
        range: TextRange,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let span = self.convert.span(range);
        self.convert
            .diags
            .push(Diagnostic::error(span, message).hint(hint));
    }

    fn class(&mut self, s: &py::StmtClassDef) {
        let name = self.convert.name(&s.name);
        let arguments = s.arguments.as_deref();
        let base = arguments
            .filter(|arguments| arguments.keywords.is_empty())
            .and_then(|arguments| match &*arguments.args {
                [py::Expr::Name(base)] => Some(Name {
                    text: base.id.as_str().to_owned(),
                    span: self.convert.span(base.range),
                }),
                _ => None,
            });
        let bare = s.decorator_list.is_empty() && s.type_params.is_none();
        let empty = s.body.iter().all(|statement| match statement {
            py::Stmt::Pass(_) => true,
            py::Stmt::Expr(s) => {
                s.value.is_string_literal_expr() || s.value.is_ellipsis_literal_expr()
            }
            _ => false,
        });
        match base {
            Some(base) if bare && empty => {
                let doc = self.convert.docstring(&s.body);
                self.file.classes.push(Class { name, base, doc });
            }
            _ => self.error(
                s.name.range,
                format!("`{}` is no plain exception class", s.name.id),
                "a class of the module is `class Name(ValueError):` with nothing but a docstring in it",
            ),
        }
    }

    fn import(&mut self, s: &py::StmtImport) {
        for alias in &s.names {
            let module = alias.name.id.as_str();
            match module {
                "math" => {
                    let name = alias.asname.as_ref().unwrap_or(&alias.name);
                    self.imported(name, Import::Module);
                }
                "pyasmgen" => self.error(
                    alias.range,
                    "`pyasmgen` is imported as a whole",
                    "name what you use of it: `from pyasmgen import i64, f64`",
                ),
                _ => self.no_module(alias.range, module),
            }
        }
    }

    fn imported(&mut self, name: &py::Identifier, what: Import) {
        let name = self.convert.name(name);
        self.file.imports.push((name, what));
    }

    fn no_module(&mut self, range: TextRange, module: &str) {
        self.error(
            range,
            format!("a module's source cannot use `{}`", shown(module)),
            "`math` and `pyasmgen` are what it can import",
        );
    }

    fn import_from(&mut self, s: &py::StmtImportFrom) {
        let module = s.module.as_ref().map_or("", |module| module.id.as_str());
        match (s.level, module) {
            // How annotations are evaluated is of no concern here, and no other feature of Python 3 is optional.
            (0, "__future__") => {}
            (0, "math") => {
                for alias in &s.names {
                    if alias.name.id.as_str() == "*" {
                        self.error(alias.range, "`*` is imported", "name what you import");
                        continue;
                    }
                    let member = alias.name.id.as_str();
                    if !mathfns::known(member) {
                        let hint = "see the documentation of Python's `math`";
                        let message = format!("`math` has no `{}`", shown(member));
                        self.error(alias.range, message, hint);
                    }
                    let name = alias.asname.as_ref().unwrap_or(&alias.name);
                    let member = Import::Member(member.to_owned());
                    self.imported(name, member);
                }
            }
            (0, "pyasmgen") => {
                for alias in &s.names {
                    self.of_package(alias);
                }
            }
            _ => {
                let module = format!("{}{module}", ".".repeat(s.level as usize));
                self.no_module(s.range, &module);
            }
        }
    }

    /// A name of the package: it has its meaning here with and without the import.
    fn of_package(&mut self, alias: &py::Alias) {
        let name = alias.name.id.as_str();
        if name != "*" && !PACKAGE.contains(&name) {
            let hint = match nearest(name, PACKAGE.iter().copied()) {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!("it has {}", PACKAGE.join(", ")),
            };
            self.error(alias.range, format!("`pyasmgen` has no `{name}`"), hint);
        }
        if let Some(other) = &alias.asname
            && other.id != alias.name.id
        {
            self.error(
                alias.range,
                format!("`{name}` is imported under another name"),
                format!("write `from pyasmgen import {name}`"),
            );
        }
    }

    fn function(&mut self, s: &py::StmtFunctionDef) {
        if s.is_async {
            self.error(
                s.name.range,
                "`async` makes no method",
                "write a plain `def`",
            );
            return;
        }
        if let Some(params) = &s.type_params {
            let hint = "write the types themselves";
            self.error(params.range, "a method has no type parameters", hint);
        }
        let mut decorators = Vec::new();
        for decorator in &s.decorator_list {
            decorators.extend(self.decorator(decorator));
        }
        let p = &s.parameters;
        for (star, what) in [(&p.vararg, "*"), (&p.kwarg, "**")] {
            if let Some(star) = star {
                self.error(
                    star.range,
                    format!("a method cannot take `{what}` parameters"),
                    "name each parameter; `*` alone makes those behind it keyword-only",
                );
            }
        }
        let kinds = [
            (&p.posonlyargs, ParamKind::PositionalOnly),
            (&p.args, ParamKind::PositionalOrKeyword),
            (&p.kwonlyargs, ParamKind::KeywordOnly),
        ];
        let mut params = Vec::new();
        for (list, kind) in kinds {
            for param in list {
                params.push(HeadParam {
                    name: self.convert.name(&param.parameter.name),
                    kind,
                    ty: param.annotation().map(|ty| self.piece(ty.range())),
                    default: param.default().map(|default| self.piece(default.range())),
                });
            }
        }
        let returns = match &s.returns {
            None => Returns::Unsaid,
            Some(written) => {
                let span = self.convert.span(written.range());
                let written = self.convert.expr(written);
                match annotations::result_types(&written, self.convert.diags) {
                    Some((types, shape)) => Returns::Types(types, shape, span),
                    None => Returns::Wrong,
                }
            }
        };
        let head = Head {
            name: self.convert.name(&s.name),
            decorators,
            params,
            spoiled: p.vararg.is_some() || p.kwarg.is_some(),
            returns,
            doc: self.convert.docstring(&s.body),
            body: self.body(s),
        };
        self.file.functions.push(head);
    }

    fn piece(&self, range: TextRange) -> Text {
        self.convert.text.pieces(&[bytes(range)])
    }

    /// The lines of a function's statements, or what stands behind the colon.
    fn body(&self, s: &py::StmtFunctionDef) -> Text {
        let text = &self.convert.text.text;
        let end = s.range.end().to_usize();
        let start = s
            .body
            .first()
            .map_or(end, |first| bytes(first.range()).start);
        let line = text[..start].rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let indented = text[line..start]
            .trim_matches([' ', '\t', '\x0c'])
            .is_empty();
        let start = if indented { line } else { start };
        self.convert
            .text
            .pieces(std::slice::from_ref(&(start..end)))
    }

    fn decorator(&mut self, decorator: &py::Decorator) -> Option<Decorator> {
        let (callee, arguments) = match &decorator.expression {
            py::Expr::Call(call) => (&*call.func, Some(&call.arguments)),
            other => (other, None),
        };
        let py::Expr::Name(name) = callee else {
            let hint =
                "decorators are names of `pyasmgen`: `@nogil`, `@signals`, `@overflow(\"wrap\")`";
            self.error(callee.range(), "this decorates no method", hint);
            return None;
        };
        let name = Name {
            text: name.id.as_str().to_owned(),
            span: self.convert.span(name.range),
        };
        let argument = match arguments.map(|arguments| (&*arguments.args, &*arguments.keywords)) {
            None => None,
            Some(([py::Expr::StringLiteral(text)], [])) => {
                let place = bytes(text.range);
                let span = self.convert.span(text.range);
                // What the words of decorators are made of needs no escapes.
                Some(Text::new(
                    text.value.to_str().to_owned(),
                    span.source,
                    vec![(0, (place.start + 1) as u32)],
                ))
            }
            Some(_) => {
                let hint = "write it as in `@overflow(\"wrap\")`";
                self.error(
                    decorator.expression.range(),
                    "a decorator takes one string",
                    hint,
                );
                return None;
            }
        };
        Some(Decorator { name, argument })
    }
}

impl Convert<'_> {
    /// The docstring that a block begins with.
    fn docstring(&mut self, block: &[py::Stmt]) -> Option<Doc> {
        let py::Stmt::Expr(first) = block.first()? else {
            return None;
        };
        let py::Expr::StringLiteral(text) = &*first.value else {
            return None;
        };
        let span = self.span(text.range);
        let text = clean(text.value.to_str());
        if text.contains('\0') {
            let message = "documentation cannot hold a NUL";
            self.diags
                .push(Diagnostic::error(span, message).hint("C strings end there"));
            return None;
        }
        Some(Doc { text, span })
    }
}

/// A docstring as CPython keeps it from 3.13 on: without the indentation that all lines behind the first one share.
fn clean(text: &str) -> String {
    let mut lines = text.split('\n').map(expanded);
    let first = lines.next().unwrap_or_default();
    let rest: Vec<String> = lines.collect();
    let indent = |line: &String| line.len() - line.trim_start_matches(' ').len();
    let filled = rest.iter().filter(|line| line.len() > indent(line));
    let margin = filled.map(indent).min().unwrap_or(0);
    let mut out = first.trim_start_matches(' ').to_owned();
    for line in &rest {
        out.push('\n');
        out.push_str(&line[margin.min(indent(line))..]);
    }
    out
}

/// A line with spaces for its tabs, as `str.expandtabs` does it.
fn expanded(line: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for char in line.chars() {
        match char {
            '\t' => {
                let width = 8 - column % 8;
                out.extend(std::iter::repeat_n(' ', width));
                column += width;
            }
            '\r' => {
                out.push(char);
                column = 0;
            }
            _ => {
                out.push(char);
                column += 1;
            }
        }
    }
    out
}

fn bytes(range: TextRange) -> Range<usize> {
    range.start().to_usize()..range.end().to_usize()
}

/// `__name__ == "__main__"`
fn is_main(test: &py::Expr) -> bool {
    let py::Expr::Compare(c) = test else {
        return false;
    };
    let name = matches!(&*c.left, py::Expr::Name(name) if name.id.as_str() == "__name__");
    let main =
        |e: &py::Expr| matches!(e, py::Expr::StringLiteral(s) if s.value.to_str() == "__main__");
    name && matches!((&*c.ops, &*c.comparators), ([py::CmpOp::Eq], [other]) if main(other))
}
