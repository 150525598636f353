//! The page of `explain --html`: the object's bytes and instructions beside the source lines that they come from, a column for each target.
//!
//! In: compiled modules. Out: the page. The object is read back as anybody's would be, so that what is shown is what is written; only the
//! lines come from the compiler.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Explanation, belongs};
use crate::base::source::Sources;
use crate::compile::Compiled;
use crate::inspect::page::{self, Source, View};
use crate::inspect::{self, Wanted};
use crate::target::Target;

/// Makes the page; with `method`, instructions of its functions only.
///
/// # Errors
/// An object that we wrote cannot be read back.
pub fn page(
    spec: &Path,
    sources: &Sources,
    compiled: &[(&Target, Compiled)],
    method: Option<&str>,
) -> anyhow::Result<String> {
    let mut files = Files::default();
    let mut views = Vec::new();
    for (target, compiled) in compiled {
        views.push(view(target, compiled, sources, &mut files, method)?);
    }
    let title = spec.display().to_string();
    page::page(&title, &views, &files.list)
}

/// Source files in the order of their first use.
#[derive(Default)]
struct Files {
    list: Vec<Source>,
    numbers: BTreeMap<u32, usize>,
}

impl Files {
    fn number(&mut self, id: u32, sources: &Sources) -> usize {
        *self.numbers.entry(id).or_insert_with(|| {
            let file = sources.file(crate::base::source::SourceId(id));
            self.list.push(Source {
                name: file.name.clone(),
                text: file.text.clone(),
            });
            self.list.len() - 1
        })
    }
}

fn view(
    target: &Target,
    compiled: &Compiled,
    sources: &Sources,
    files: &mut Files,
    method: Option<&str>,
) -> anyhow::Result<View> {
    let object = compiled.object(target);
    let name = format!("{}{}", compiled.image.name, target.object_suffix);
    let options = inspect::Options {
        disassemble: Wanted::Possible,
        fields: true,
        ..inspect::Options::default()
    };
    let mut report = inspect::inspect_with(&name, &object, &options)?;
    if let Some(method) = method {
        report
            .fields
            .retain(|field| !field.code || belongs(&field.name, method));
    }
    // An image has one section of code, and a function at its start.
    let places = report
        .functions
        .iter()
        .filter_map(|function| function.offset);
    let text = places.min().unwrap_or(0);
    let explanation = Explanation::new(sources, compiled, target);
    let mut lines = BTreeMap::new();
    for &(_, code, offset) in &explanation.funcs {
        let start = text + offset as u64;
        lines.insert(start, None);
        for &(at, span) in &code.lines {
            let line = explanation.key(span);
            let line = line.map(|(source, line)| (files.number(source, sources), line));
            lines.insert(start + u64::from(at), line);
        }
        lines.insert(start + code.bytes.len() as u64, None);
    }
    Ok(View {
        title: target.triple.to_owned(),
        report,
        lines,
    })
}
