//! Python source: the functions, constants and exception classes of a file become tables of a spec.
//!
//! In: a Python file, alone or named by a TOML spec (`source`). Out: [`Spec`] as written, as the reader of TOML gives it, so that `check` knows
//! no difference; and messages about decorators, and about methods that have a `def` and something else as well. A file that stands alone
//! gives its module its name.

use std::path::Path;

use super::names;
use super::params::{Group, Params, Star, Written};
use super::raw::{
    At, Constant, ConstantValue, DataTable, Def, ExceptionTable, ItemType, MethodTable,
    ModuleTable, Spec, Str,
};
use crate::base::diag::{Diagnostic, Diagnostics, shown};
use crate::base::nearest::nearest;
use crate::base::source::{SourceId, Sources, Span, Text};
use crate::frontend::lang::file::{self, Class, Decorator, Doc, File, Head};
use crate::frontend::lang::typed::Const;
use crate::frontend::lang::{self, ParamKind};

/// Whether a file of this name is Python source.
pub fn is_python(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|end| end == "py")
}

/// The spec that a Python file is. Without one, the messages say what is wrong with its syntax.
pub(super) fn read(sources: &Sources, id: SourceId, diagnostics: &mut Diagnostics) -> Option<Spec> {
    let start = Span::new(id, 0..0);
    let mut module = ModuleTable {
        header: start,
        name: None,
        doc: None,
        overflow: None,
        gil: None,
        fast: None,
        source: None,
        spoiled: true,
    };
    let stem = Path::new(&sources.file(id).name).file_stem();
    let stem = stem.unwrap_or_default().to_string_lossy();
    let wrong = match names::identifier(&stem) {
        Err((message, _)) => Some(message),
        Ok(()) if !names::fits_entry_symbol(&stem) => {
            Some("the module's name is too long".to_owned())
        }
        Ok(()) => None,
    };
    match wrong {
        None => module.name = Some(str_at(&stem, start)),
        Some(message) => {
            let hint = "the module has the name of the file: rename it, or write a TOML spec with a `name` and this file as its `source`";
            diagnostics.push(Diagnostic::error(start, message).hint(hint));
        }
    }
    let (file, mut spec) = tables(sources, id, diagnostics)?;
    module.doc = file.doc.as_ref().map(doc);
    spec.module = Some(module);
    Some(spec)
}

/// Adds what the Python source of a TOML spec gives, if it names one: bodies of methods that have none, and more methods, constants and classes.
pub(super) fn merge(
    spec: &mut Spec,
    sources: &Sources,
    toml: SourceId,
    diagnostics: &mut Diagnostics,
) {
    let Some(named) = spec
        .module
        .as_ref()
        .and_then(|module| module.source.clone())
    else {
        return;
    };
    let path = &named.text.text;
    let read = match sources.included(toml, path) {
        Some(Ok(id)) => tables(sources, *id, diagnostics),
        Some(Err(why)) => {
            let message = format!("cannot read `{}`: {why}", shown(path));
            let hint = "`source` is the path of a Python file, from the folder of the spec";
            diagnostics.push(Diagnostic::error(named.inner(), message).hint(hint));
            None
        }
        None => {
            let message = "the source of this spec was not read";
            let hint = "a spec without a folder has no source";
            diagnostics.push(Diagnostic::error(named.inner(), message).hint(hint));
            None
        }
    };
    let Some((file, python)) = read else {
        spec.sourceless = true;
        let lacking = spec.methods.iter_mut().filter(|table| table.body.is_none());
        lacking.for_each(unnamed);
        return;
    };
    if let Some(module) = &mut spec.module {
        module.doc = module.doc.take().or_else(|| file.doc.as_ref().map(doc));
    }
    let mut defs = python.methods;
    for table in &mut spec.methods {
        take_def(table, &mut defs, &named, diagnostics);
    }
    spec.methods.extend(defs);
    spec.constants.extend(python.constants);
    spec.tables.extend(python.tables);
    // Classes of the source may be derived from those of the spec, not the other way round.
    spec.exceptions.extend(python.exceptions);
    spec.imports = python.imports;
}

/// The `def` of a method is not there, which was said: without its parameters, letters cannot be judged.
fn unnamed(table: &mut MethodTable) {
    table.spoiled = true;
    if table.params.is_none() {
        table.args = None;
    }
}

/// A method of the spec takes the `def` of its name.
fn take_def(
    table: &mut MethodTable,
    defs: &mut Vec<MethodTable>,
    source: &Str,
    diagnostics: &mut Diagnostics,
) {
    let Some(name) = &table.name else {
        return;
    };
    let word = name.text.text.as_str();
    let named = |def: &MethodTable| def.name.as_ref().is_some_and(|n| n.text.text == word);
    let Some(at) = defs.iter().position(named) else {
        if table.body.is_none() && !table.spoiled {
            let names = defs.iter().filter_map(|def| def.name.as_ref());
            let path = shown(&source.text.text);
            let hint = match nearest(word, names.map(|name| name.text.text.as_str())) {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!("write `body = \"return x\"`, or `def {word}(...)` in {path}"),
            };
            let message = format!("`{}` has no body here and no `def` in {path}", shown(word));
            diagnostics.push(Diagnostic::error(name.inner(), message).hint(hint));
            unnamed(table);
        }
        return;
    };
    let mut taken = defs.remove(at);
    if let (Some(body), Some(def)) = (&table.body, &taken.def) {
        diagnostics.push(
            Diagnostic::error(body.span, format!("`{word}` has a body twice"))
                .also(def.span, "the other one")
                .hint("leave one of them out"),
        );
        return;
    }
    if let Some(def) = &mut taken.def {
        let keywords = table.keywords.as_ref().map(|flag| ("keywords", flag.span));
        let params = table.params.as_ref().map(|list| ("params", list.span));
        for (key, span) in [params, keywords].into_iter().flatten() {
            let message = format!("the `def` of `{word}` has its parameters");
            let hint = format!("leave `{key}` out; `/` and `*` in the `def` say how each is given");
            let diagnostic = Diagnostic::error(span, message);
            diagnostics.push(diagnostic.also(def.span, "this one").hint(hint));
        }
        def.helper = false;
    }
    table.def = taken.def;
    table.doc = table.doc.take().or(taken.doc);
    table.overflow = table.overflow.take().or(taken.overflow);
    table.nogil = table.nogil.take().or(taken.nogil);
    table.signals = table.signals.take().or(taken.signals);
}

/// What a file gives, without its docstring.
fn tables(sources: &Sources, id: SourceId, diagnostics: &mut Diagnostics) -> Option<(File, Spec)> {
    let text = Text::verbatim(sources.file(id).text.as_str(), id, 0);
    let mut file = lang::file(&text, diagnostics)?;
    let imports = std::mem::take(&mut file.imports);
    let spec = Spec {
        module: None,
        constants: std::mem::take(&mut file.constants)
            .into_iter()
            .map(constant)
            .collect(),
        tables: std::mem::take(&mut file.tables)
            .into_iter()
            .map(table)
            .collect(),
        exceptions: file.classes.iter().map(exception).collect(),
        methods: file
            .functions
            .iter()
            .map(|head| method(head, diagnostics))
            .collect(),
        imports: imports
            .into_iter()
            .map(|(name, import)| {
                let name = At {
                    value: name.text,
                    span: name.span,
                };
                (name, import)
            })
            .collect(),
        sourceless: false,
    };
    Some((file, spec))
}

/// A text at a place that says the same, or nothing.
fn str_at(text: &str, span: Span) -> Str {
    Str {
        text: Text::verbatim(text, span.source, span.start),
        span,
    }
}

fn doc(doc: &Doc) -> Str {
    str_at(&doc.text, doc.span)
}

fn constant(constant: file::Constant) -> Constant {
    let value = match constant.value {
        None => None,
        Some(file::Value::Digits(digits, radix)) => Some(ConstantValue::Int(digits, radix)),
        Some(file::Value::Value(value)) => match value {
            Const::Bool(flag) => Some(ConstantValue::Bool(flag)),
            Const::Int(int) => Some(ConstantValue::Int(int.to_string(), 10)),
            Const::Float(float) => Some(ConstantValue::Float(float)),
            Const::Str(text) => Some(ConstantValue::Str(str_at(&text, constant.span))),
            Const::Bytes(bytes) => Some(ConstantValue::Bytes(bytes.to_vec())),
            Const::Complex(..) | Const::None => {
                unreachable!("`lang::file` gives no such constant")
            }
        },
    };
    Constant {
        name: At {
            value: constant.name.text,
            span: constant.name.span,
        },
        value: value.map(|value| At {
            value,
            span: constant.span,
        }),
    }
}

fn table(table: file::Table) -> DataTable {
    DataTable {
        header: table.span,
        name: Some(str_at(&table.name.text, table.name.span)),
        ty: table.item.map(|(item, count)| {
            ItemType::Item(item, count.map(|(value, span)| At { value, span }))
        }),
        spoiled: table.values.is_none(),
        values: table.values.map(|values| {
            let values = values.into_iter().map(|(value, span)| At { value, span });
            At {
                value: values.collect(),
                span: table.span,
            }
        }),
        file: None,
        tuple: true,
    }
}

fn exception(class: &Class) -> ExceptionTable {
    ExceptionTable {
        header: class.name.span,
        name: Some(str_at(&class.name.text, class.name.span)),
        base: Some(str_at(&class.base.text, class.base.span)),
        doc: class.doc.as_ref().map(doc),
        spoiled: false,
    }
}

fn method(head: &Head, diagnostics: &mut Diagnostics) -> MethodTable {
    let name = &head.name;
    let mut table = MethodTable {
        name: Some(str_at(&name.text, name.span)),
        doc: head.doc.as_ref().map(doc),
        def: Some(Def {
            span: name.span,
            params: params(head),
            returns: head.returns.clone(),
            body: head.body.clone(),
            helper: name.text.starts_with('_'),
        }),
        unread: head.spoiled,
        ..MethodTable::empty(name.span)
    };
    for decorator in &head.decorators {
        decorate(&mut table, decorator, diagnostics);
    }
    table
}

fn params(head: &Head) -> Params {
    let list = head.params.iter().map(|param| Written {
        name: param.name.text.clone(),
        span: param.name.span,
        kind: param.kind,
        ty: param.ty.clone(),
        default: param.default.clone(),
    });
    let star = head
        .params
        .iter()
        .position(|param| param.kind == ParamKind::KeywordOnly);
    Params {
        list: list.collect(),
        groups: (0..head.params.len()).map(Group::Param).collect(),
        star: star.map(|index| Star {
            index,
            span: head.params[index].name.span,
        }),
        complete: !head.spoiled,
        closed: true,
    }
}

/// Decorators that are keys of a method: those without an argument are true.
const DECORATORS: &[&str] = &["nogil", "overflow", "signals"];

/// Other keys of a method, and what says the same in a `def`.
static OTHERS: &[(&str, &str)] = &[
    ("args", "annotations say it; letters stand in a TOML spec"),
    ("doc", "a docstring says it"),
    ("keywords", "`/` and `*` among the parameters say it"),
    ("params", "the parameters themselves say it"),
    (
        "returns",
        "write it behind `->`; letters stand in a TOML spec",
    ),
    (
        "tests",
        "tests stand in a TOML spec with this file as its `source`",
    ),
];

fn decorate(table: &mut MethodTable, decorator: &Decorator, diagnostics: &mut Diagnostics) {
    let (word, span) = (decorator.name.text.as_str(), decorator.name.span);
    let mut error = |message: String, hint: String| {
        diagnostics.push(Diagnostic::error(span, message).hint(hint));
    };
    let twice = match word {
        "nogil" => table.nogil.is_some(),
        "signals" => table.signals.is_some(),
        "overflow" => table.overflow.is_some(),
        _ => {
            let other = OTHERS.iter().find(|row| row.0 == word);
            let hint = match (other, nearest(word, DECORATORS.iter().copied())) {
                (Some(row), _) => row.1.to_owned(),
                (None, Some(known)) => format!("did you mean `@{known}`?"),
                (None, None) => {
                    "there are `@nogil`, `@signals` and `@overflow(\"wrap\")`".to_owned()
                }
            };
            return error(format!("a method has no decorator `{}`", shown(word)), hint);
        }
    };
    if twice {
        return error(
            format!("`@{word}` stands twice"),
            "once is enough".to_owned(),
        );
    }
    match (word, &decorator.argument) {
        ("overflow", Some(text)) => {
            table.overflow = Some(Str {
                span: text.whole(),
                text: text.clone(),
            });
        }
        ("overflow", None) => error(
            "`@overflow` does not say how".to_owned(),
            "write `@overflow(\"wrap\")` or `@overflow(\"raise\")`".to_owned(),
        ),
        (_, Some(_)) => error(
            format!("`@{word}` takes nothing in parentheses"),
            format!("write `@{word}`"),
        ),
        (_, None) => {
            let flag = Some(At { value: true, span });
            match word {
                "nogil" => table.nogil = flag,
                _ => table.signals = flag,
            }
        }
    }
}
