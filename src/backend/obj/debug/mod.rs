//! What debuggers are told of a program: which line each instruction stems from, and where the source's parameters and locals are. Free of file
//! formats ([`DebugInfo`]); `dwarf` writes it for ELF and Mach-O, `codeview` for COFF.
//!
//! In: a program, the code of its functions, and the texts that spans count in. Out: names of files, never their folders, so that the
//! same spec gives the same bytes everywhere; and for each function its lines and variables, by offset in its code.

pub mod codeview;
pub mod dwarf;

use std::collections::BTreeMap;
use std::ops::Range;

use super::build::in_memory_order;
use crate::backend::isa::code::{Code, NamedPlace, ValuePlace};
use crate::base::source::{SourceId, Sources, Span};
use crate::ir::func::Func;
use crate::ir::names::{NameId, NamedType, Names};
use crate::ir::program::Program;

/// What debuggers are told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DebugInfo {
    /// Finished modules tell it as well, not just objects.
    pub in_modules: bool,
    /// Names of source files, as the user would give them in their folder.
    pub files: Vec<String>,
    /// The functions of an image, in their order in memory.
    pub functions: Vec<Function>,
}

/// A function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Function {
    /// Its name in the source; that of its symbol, where the source has none.
    pub name: String,
    /// Where it is declared, if the source says that.
    pub declared: Option<Line>,
    /// What it returns, where debuggers can show that.
    pub result: Option<NamedType>,
    /// The lines of its code, by offset; none for what stems from no source.
    pub rows: Vec<Row>,
    /// Parameters, then locals.
    pub variables: Vec<Variable>,
}

/// A line of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Which of [`DebugInfo::files`].
    pub file: usize,
    /// From 1.
    pub line: u32,
}

/// From an offset on, code stems from a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The offset.
    pub at: u32,
    /// The line.
    pub line: Line,
    /// A breakpoint on the line may stand here.
    pub is_stmt: bool,
    /// A breakpoint on the function may stand here: arguments are where they are to be.
    pub prologue_end: bool,
}

/// A parameter or local.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: NamedType,
    /// Whether callers give it.
    pub is_param: bool,
    /// Where its parts are, stretch by stretch, by offset; a part may be nowhere.
    pub places: Vec<(Range<u32>, Vec<Option<ValuePlace>>)>,
}

/// How many values of the IR a thing of this type has.
pub fn parts(ty: &NamedType) -> usize {
    match ty {
        NamedType::Scalar(_) | NamedType::Object(_) => 1,
        NamedType::Complex => 2,
        NamedType::View { .. } => 3,
    }
}

/// What there is to tell of a program; `codes[i]` is the code of function `i`.
pub fn describe(program: &Program, codes: &[Code], sources: &Sources) -> DebugInfo {
    let mut files = Files {
        sources,
        numbers: BTreeMap::new(),
        names: Vec::new(),
    };
    let functions = in_memory_order(program).into_iter();
    let functions = functions.map(|id| files.function(program.func(id), &codes[id.index()]));
    DebugInfo {
        in_modules: false,
        functions: functions.collect(),
        files: files.names,
    }
}

struct Files<'a> {
    sources: &'a Sources,
    numbers: BTreeMap<SourceId, usize>,
    names: Vec<String>,
}

impl Files<'_> {
    fn line(&mut self, span: Span) -> Line {
        let source = self.sources.file(span.source);
        let names = &mut self.names;
        let file = *self.numbers.entry(span.source).or_insert_with(|| {
            let name = source.name.rsplit(['/', '\\']).next();
            names.push(name.unwrap_or_default().to_owned());
            names.len() - 1
        });
        Line {
            file,
            line: source.line_number(span.start) as u32,
        }
    }

    fn function(&mut self, func: &Func, code: &Code) -> Function {
        let names = func.names.as_ref();
        Function {
            name: names.map_or(&func.name, |names| &names.function).clone(),
            declared: func.span.map(|span| self.line(span)),
            result: names.and_then(|names| names.result.clone()),
            rows: func.span.map_or(Vec::new(), |span| self.rows(span, code)),
            variables: names.map_or(Vec::new(), |names| variables(names, &code.values)),
        }
    }

    /// The lines of a function. The first row is that of its declaration. Arguments are converted there; they are where the body wants
    /// them from its first line on, which is where debuggers are to stop.
    fn rows(&mut self, declared: Span, code: &Code) -> Vec<Row> {
        let head = self.line(declared);
        let mut rows: Vec<Row> = vec![Row {
            at: 0,
            line: head,
            is_stmt: true,
            prologue_end: false,
        }];
        for &(at, span) in &code.lines {
            let row = Row {
                at,
                line: span.map_or(head, |span| self.line(span)),
                // What stems from no text, or from the whole function, is the tool's own: nobody wants to stop there.
                is_stmt: span.is_some_and(|span| span != declared),
                prologue_end: false,
            };
            let last = rows.len() - 1;
            if rows[last].at != at {
                rows.push(row);
            } else if row.line != rows[last].line {
                rows[last] = row;
            }
        }
        rows.dedup_by(|next, last| (next.line, next.is_stmt) == (last.line, last.is_stmt));
        let of_body = rows.iter_mut().find(|row| row.is_stmt && row.at > 0);
        match of_body {
            Some(row) => row.prologue_end = true,
            None => {
                let line = rows[0];
                let place = rows.partition_point(|row| row.at <= code.prologue_end);
                let end = Row {
                    at: code.prologue_end,
                    prologue_end: true,
                    ..line
                };
                rows.insert(place, end);
            }
        }
        rows
    }
}

fn variables(names: &Names, values: &[NamedPlace]) -> Vec<Variable> {
    let things = names.things.iter().zip(0..);
    let variable = |(thing, id): (&crate::ir::names::Named, u32)| {
        let first = values.partition_point(|value| value.name < NameId(id));
        let mine = &values[first..];
        let mine = &mine[..mine.partition_point(|value| value.name == NameId(id))];
        Variable {
            name: thing.name.clone(),
            ty: thing.ty.clone(),
            is_param: thing.is_param,
            places: stretches(mine, parts(&thing.ty)),
        }
    };
    let mut variables: Vec<Variable> = things.map(variable).collect();
    variables.sort_by_key(|variable| !variable.is_param);
    variables
}

/// Where all parts are, between any two offsets where one of them changes.
fn stretches(values: &[NamedPlace], parts: usize) -> Vec<(Range<u32>, Vec<Option<ValuePlace>>)> {
    let mut ends: Vec<u32> = values.iter().flat_map(|v| [v.start, v.end]).collect();
    ends.sort_unstable();
    ends.dedup();
    let mut stretches: Vec<(Range<u32>, Vec<Option<ValuePlace>>)> = Vec::new();
    for pair in ends.windows(2) {
        let mut places = vec![None; parts];
        for value in values {
            if value.start <= pair[0] && pair[1] <= value.end {
                places[usize::from(value.part)].get_or_insert(value.place);
            }
        }
        if places.iter().all(Option::is_none) {
            continue;
        }
        match stretches.last_mut() {
            Some((range, last)) if range.end == pair[0] && *last == places => range.end = pair[1],
            _ => stretches.push((pair[0]..pair[1], places)),
        }
    }
    stretches
}
