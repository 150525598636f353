//! Reports as a page for people: bytes coloured by what they are, fields, instructions, source lines, all linked to each other.
//!
//! In: reports with their fields, and the source text where it is known. Out: one HTML file that asks for nothing else. What can be told
//! once is told once: the page holds the bytes and a table of fields, and `page.js` draws from them what the reader opens. Several views
//! (System V, Win64, AAPCS64) stand side by side. Not here: what fields mean (`fields`).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::report::{Field, Report, hex};
use crate::base::base64::base64url;
use crate::pack::archive;

/// A file of source text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// A file shown: a column of the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// What the column is called: a target, a file.
    pub title: String,
    /// What is known of the file; with fields and bytes.
    pub report: Report,
    /// Source lines of instructions: by offset in the file, the number of the source and the line (from 1). An instruction belongs to the
    /// last entry at or before it; `None` ends a line.
    pub lines: BTreeMap<u64, Option<(usize, usize)>>,
}

/// The views of a report: itself, or the modules inside of it.
pub fn views(report: Report) -> Vec<View> {
    if report.members.is_empty() {
        return vec![View {
            title: report.name.clone(),
            report,
            ..View::default()
        }];
    }
    report.members.into_iter().flat_map(views).collect()
}

/// Categories of shares, by how their names begin; the first that fits decides. The number is the colour's.
const COLOURS: &[(&str, &[&str])] = &[
    ("code", &[".text", "__TEXT,__text", "__TEXT,__stubs"]),
    (
        "unwinding",
        &[
            ".eh_frame",
            ".pdata",
            ".xdata",
            "function table",
            "unwind",
            "__TEXT,__eh_frame",
            "__TEXT,__unwind_info",
            "__LD,",
        ],
    ),
    (
        "linking",
        &[
            ".rela",
            ".dynamic",
            ".got",
            "relocations",
            "base relocations",
            "import",
            "export",
            "chained fixups",
            "rebases",
            "binds",
            "weak binds",
            "lazy binds",
            "code signature",
            "function starts",
        ],
    ),
    (
        "symbols",
        &[
            ".dynsym",
            ".symtab",
            ".gnu.hash",
            ".hash",
            "symbols",
            "indirect symbols",
        ],
    ),
    (
        "names",
        &[
            ".dynstr",
            ".strtab",
            ".shstrtab",
            "string table",
            "names of symbols",
        ],
    ),
    ("debugging", &[".debug", "debug", "__DWARF"]),
    (
        "constants",
        &[
            ".rodata",
            ".rdata",
            "__TEXT,__const",
            "__TEXT,__cstring",
            ".note",
            "load configuration",
            "guarded functions",
        ],
    ),
    ("data", &[".data", ".bss", "__DATA"]),
    (
        "headers",
        &[
            "ELF header",
            "program headers",
            "section headers",
            "COFF header",
            "DOS header",
            "PE headers",
            "header",
            "load commands",
        ],
    ),
    ("padding", &["padding"]),
];

/// The number of a share's colour; one behind the last for what is something else.
fn colour(share: &str) -> usize {
    let fits = |starts: &[&str]| starts.iter().any(|start| share.starts_with(start));
    let row = COLOURS.iter().position(|(_, starts)| fits(starts));
    row.unwrap_or(COLOURS.len())
}

/// The page.
///
/// # Errors
/// None that we know of.
pub fn page(title: &str, views: &[View], sources: &[Source]) -> anyhow::Result<String> {
    let colours: Vec<&str> = COLOURS.iter().map(|row| row.0).chain(["other"]).collect();
    let data = json!({
        "colours": colours,
        "sources": sources.iter().map(|source| json!({
            "name": source.name, "lines": source.text.lines().collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "views": views.iter().map(View::data).collect::<Vec<_>>(),
    });
    // A module's instructions as text are many times its size, and much alike.
    let data = base64url(&archive::gzip(data.to_string().as_bytes())?);
    let (style, script) = (include_str!("page.css"), include_str!("page.js"));
    let title = escaped(title);
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
        <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
        <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
        script-src 'unsafe-inline'; img-src data:\">\n\
        <meta name=\"color-scheme\" content=\"light dark\">\n\
        <link rel=\"icon\" href=\"data:,\">\n<title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n\
        <header><h1>{title}</h1></header>\n<main id=\"main\"><noscript>This page draws itself with JavaScript.</noscript></main>\n\
        <footer id=\"status\" role=\"status\" aria-live=\"polite\"></footer>\n\
        <script type=\"application/gzip\" id=\"data\">{data}</script>\n<script>\n{script}</script>\n</body>\n</html>\n"
    ))
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

impl View {
    /// What the script draws from: names and values once, in a list; fields by their numbers in it.
    fn data(&self) -> Value {
        let report = &self.report;
        let mut texts = Texts::default();
        let mut columns: [Vec<i64>; 8] = Default::default();
        let mut before = 0;
        for field in &report.fields {
            let line = self.line(field);
            // None is 0, so that the distance to itself cannot be.
            let target = field.target.map_or(0, |target| {
                let distance = target as i64 - field.offset as i64;
                distance + i64::from(distance >= 0)
            });
            let row = [
                (field.offset - before) as i64,
                field.size as i64,
                texts.number(&field.name) as i64,
                texts.number(&field.value) as i64,
                field.code.into(),
                target,
                line.map_or(-1, |line| line.0 as i64),
                line.map_or(-1, |line| line.1 as i64),
            ];
            before = field.offset;
            for (column, cell) in columns.iter_mut().zip(row) {
                column.push(cell);
            }
        }
        json!({
            "title": self.title,
            "about": self.about(),
            "bytes": hex(&report.bytes),
            "shares": report.shares.iter().map(|share| json!([
                share.offset, share.size, share.name, colour(&share.name),
            ])).collect::<Vec<_>>(),
            // Columns compress better than rows: offset behind the last one's, size, name, value, code, distance to the target, source, line.
            "fields": columns,
            "texts": texts.list,
            "big": report.header.contains(&("data", "big-endian".to_owned())),
            "tables": self.tables(),
            "findings": report.findings.iter().map(|f| json!([
                f.severity.word(), f.rule, f.message,
            ])).collect::<Vec<_>>(),
        })
    }

    /// The source line of an instruction.
    fn line(&self, field: &Field) -> Option<(usize, usize)> {
        let (_, line) = self.lines.range(..=field.offset).next_back()?;
        line.filter(|_| field.code)
    }

    fn about(&self) -> String {
        let report = &self.report;
        format!(
            "{} {}, {}, {} bytes",
            report.format,
            report.machine,
            report.kind,
            report.bytes.len()
        )
    }

    /// Tables of the report: heading, columns, rows.
    fn tables(&self) -> Value {
        let report = &self.report;
        let mut tables: Vec<Value> = Vec::new();
        let mut add = |name: &str, columns: &[&str], rows: Vec<Vec<String>>| {
            if !rows.is_empty() {
                tables.push(json!([name, columns, rows]));
            }
        };
        let number = |number: u64| format!("{number:#x}");
        let header = report.header.iter();
        let header = header.map(|(key, value)| vec![(*key).to_owned(), value.clone()]);
        add("Header", &["field", "value"], header.collect());
        for module in &report.modules {
            let methods = module.methods.iter().map(|method| {
                vec![
                    format!(
                        "{}{}",
                        method.name,
                        method.signature.as_deref().unwrap_or("")
                    ),
                    method.flags.clone(),
                    method.function.clone(),
                    method.doc.clone().unwrap_or_default(),
                ]
            });
            let name = format!(
                "{} {} at {}: methods",
                module.structure,
                module.name.as_deref().unwrap_or(""),
                module.at
            );
            add(
                &name,
                &["method", "flags", "function", "doc"],
                methods.collect(),
            );
            let slots = module.slots.iter().map(|slot| {
                let name = slot.name.clone().unwrap_or_else(|| slot.id.to_string());
                vec![
                    name,
                    slot.value.clone(),
                    slot.flags.clone().unwrap_or_default(),
                ]
            });
            let name = format!("{} at {}: slots", module.structure, module.at);
            add(&name, &["slot", "value", "flags"], slots.collect());
        }
        let segments = report.segments.iter().map(|s| {
            vec![
                s.name.clone(),
                s.flags.clone(),
                number(s.address),
                s.size.to_string(),
                number(s.offset),
            ]
        });
        add(
            "Segments",
            &["name", "flags", "address", "bytes", "offset"],
            segments.collect(),
        );
        let sections = report.sections.iter().map(|s| {
            vec![
                s.name.clone(),
                s.kind.clone(),
                s.flags.clone(),
                number(s.address),
                number(s.offset),
                s.size.to_string(),
            ]
        });
        add(
            "Sections",
            &["name", "type", "flags", "address", "offset", "bytes"],
            sections.collect(),
        );
        let symbols = report.symbols.iter().map(|s| {
            vec![
                s.name.clone(),
                s.kind.clone(),
                s.binding.clone(),
                s.section.clone(),
                number(s.value),
                s.size.to_string(),
            ]
        });
        add(
            "Symbols",
            &["name", "type", "binding", "section", "value", "bytes"],
            symbols.collect(),
        );
        let relocations = report.relocations.iter().map(|r| {
            vec![
                r.section.clone(),
                number(r.offset),
                r.kind.clone(),
                r.target.clone(),
            ]
        });
        add(
            "Relocations",
            &["section", "offset", "type", "target"],
            relocations.collect(),
        );
        let imports = report.imports.iter().map(|i| {
            let since = i.since.map(|minor| format!("3.{minor}"));
            vec![
                i.name.clone(),
                i.library.clone().unwrap_or_default(),
                since.unwrap_or_default(),
            ]
        });
        add(
            "Imports",
            &["name", "library", "stable ABI since"],
            imports.collect(),
        );
        json!(tables)
    }
}

/// Texts by number: names and values repeat.
#[derive(Default)]
struct Texts {
    list: Vec<String>,
    numbers: BTreeMap<String, usize>,
}

impl Texts {
    fn number(&mut self, text: &str) -> usize {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        self.list.push(text.to_owned());
        self.numbers.insert(text.to_owned(), self.list.len() - 1);
        self.list.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_a_file_becomes_markup() {
        let hostile = "</script><script>alert(1)</script>\"'&";
        let mut view = View {
            title: hostile.to_owned(),
            ..View::default()
        };
        view.report.header = vec![("k", hostile.to_owned())];
        let page = page(hostile, &[view], &[]).unwrap();
        assert_eq!(page.matches("<script").count(), 2);
        assert_eq!(page.matches("</script>").count(), 2);
        assert!(!page.contains("alert(1)</"));
    }
}
