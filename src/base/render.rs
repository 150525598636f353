//! Diagnostics as text: for people, with the user's lines underlined, and as JSON, one object a line.
//!
//! In: [`Diagnostics`] and the [`Sources`] they speak of. Out: a string; whoever calls prints it. The only door to
//! `annotate-snippets`. Spans are clamped to their file first, so that no span can make rendering fail.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde_json::{Value, json};

use super::diag::{Diagnostic, Diagnostics, Label, Severity, shown};
use super::source::{SourceFile, SourceId, Sources, Span};

/// How many columns a message may have before long lines are cut.
const WIDTH: usize = 140;

/// All messages for people, each followed by an empty line.
pub fn human(diagnostics: &Diagnostics, sources: &Sources, color: bool) -> String {
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer.term_width(WIDTH);
    let mut out = String::new();
    for diagnostic in diagnostics.iter() {
        out.push_str(&one(diagnostic, sources, &renderer));
        out.push_str("\n\n");
    }
    out
}

/// All messages as JSON, one object a line. Lines and columns count from 1, columns in characters; ends are exclusive.
pub fn json(diagnostics: &Diagnostics, sources: &Sources) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics.iter() {
        let mut object = json!({
            "severity": severity(diagnostic.severity),
            "message": diagnostic.message,
        });
        place(&mut object, &diagnostic.primary, sources);
        object["secondary"] = diagnostic
            .secondary
            .iter()
            .map(|label| {
                let mut object = json!({});
                place(&mut object, label, sources);
                object
            })
            .collect();
        object["hint"] = match &diagnostic.hint {
            Some(hint) => Value::from(hint.as_str()),
            None => Value::Null,
        };
        out.push_str(&object.to_string());
        out.push('\n');
    }
    out
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn place(object: &mut Value, label: &Label, sources: &Sources) {
    let file = sources.file(label.span.source);
    let range = clamp(file, label.span);
    let (line, column) = file.line_column(range.start as u32);
    let (end_line, end_column) = file.line_column(range.end as u32);
    object["file"] = file.name.as_str().into();
    object["line"] = line.into();
    object["column"] = column.into();
    object["end_line"] = end_line.into();
    object["end_column"] = end_column.into();
    object["label"] = label.text.as_str().into();
}

fn one(diagnostic: &Diagnostic, sources: &Sources, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = level
        .primary_title(diagnostic.message.as_str())
        .element(snippet(diagnostic, diagnostic.primary.span.source, sources));
    let mut others: Vec<SourceId> = diagnostic
        .secondary
        .iter()
        .map(|label| label.span.source)
        .filter(|&source| source != diagnostic.primary.span.source)
        .collect();
    others.sort();
    others.dedup();
    for source in others {
        group = group.element(snippet(diagnostic, source, sources));
    }
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.with_name("hint").message(hint.as_str()));
    }
    renderer.render(&[group])
}

/// The lines of one file that the message speaks of, with its labels.
fn snippet<'a>(
    diagnostic: &'a Diagnostic,
    source: SourceId,
    sources: &'a Sources,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let file = sources.file(source);
    let labels: Vec<(AnnotationKind, Range<usize>, &str)> =
        std::iter::once((AnnotationKind::Primary, &diagnostic.primary))
            .chain(
                diagnostic
                    .secondary
                    .iter()
                    .map(|label| (AnnotationKind::Context, label)),
            )
            .filter(|(_, label)| label.span.source == source)
            .map(|(kind, label)| (kind, clamp(file, label.span), label.text.as_str()))
            .collect();
    // Only the lines in question are handed over: a file may be long, and have many mistakes.
    let first = labels.iter().map(|l| l.1.start).min().unwrap_or(0);
    let last = labels.iter().map(|l| l.1.end).max().unwrap_or(0);
    let start = file.text[..first].rfind('\n').map_or(0, |at| at + 1);
    let end = file.text[last..]
        .find('\n')
        .map_or(file.text.len(), |at| last + at);
    let line = file.line_column(start as u32).0;
    let lines = file.text[start..end].trim_end_matches('\r');
    let mut snippet = Snippet::source(lines)
        .line_start(line)
        .path(shown(&file.name));
    for (kind, range, text) in labels {
        let mut annotation = kind.span(range.start - start..range.end - start);
        if !text.is_empty() {
            annotation = annotation.label(text);
        }
        snippet = snippet.annotation(annotation);
    }
    snippet
}

/// The bytes of a span, inside the file and on character boundaries; without the line end it may reach into.
fn clamp(file: &SourceFile, span: Span) -> Range<usize> {
    let text = &file.text;
    let floor = |at: usize| {
        let mut at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(span.start as usize);
    let mut end = (span.end as usize).min(text.len()).max(start);
    while !text.is_char_boundary(end) {
        end += 1;
    }
    let body = text[start..end].trim_end_matches(['\n', '\r']);
    start..start + body.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "body = \"return a + b\"\r\nname = \"größe\" # ü\n\ttail";

    fn sources() -> (Sources, SourceId) {
        let mut sources = Sources::default();
        let id = sources.add("specs/mix.toml", FILE);
        (sources, id)
    }

    fn check(diagnostic: Diagnostic, expected: &str) {
        let (sources, _) = sources();
        let mut all = Diagnostics::default();
        all.push(diagnostic);
        assert_eq!(human(&all, &sources, false).trim_end(), expected);
    }

    #[test]
    fn labels_and_hint_are_shown_beside_the_line() {
        let (_, id) = sources();
        check(
            Diagnostic::error(Span::new(id, 17..18), "i64 and u64 do not mix in `+`")
                .label("between these")
                .also(Span::new(id, 15..16), "this is i64")
                .also(Span::new(id, 19..20), "this is u64")
                .hint("write `u64(a) + b`"),
            "\
error: i64 and u64 do not mix in `+`
 --> specs/mix.toml:1:18
  |
1 | body = \"return a + b\"
  |                - ^ - this is u64
  |                | |
  |                | between these
  |                this is i64
  |
  = hint: write `u64(a) + b`",
        );
    }

    #[test]
    fn columns_count_characters() {
        let (_, id) = sources();
        let at = FILE.find("# ü").unwrap();
        check(
            Diagnostic::warning(Span::new(id, at..at + 4), "a remark"),
            "\
warning: a remark
 --> specs/mix.toml:2:16
  |
2 | name = \"größe\" # ü
  |                ^^^",
        );
    }

    #[test]
    fn no_span_makes_rendering_fail() {
        let (sources, id) = sources();
        let limit = FILE.len() + 3;
        for start in 0..limit {
            for end in (start..limit).chain([0, usize::MAX >> 40]) {
                let span = Span {
                    source: id,
                    start: start as u32,
                    end: end as u32,
                };
                let mut all = Diagnostics::default();
                all.push(
                    Diagnostic::error(span, "m")
                        .label("l")
                        .also(Span::new(id, 30..30), "here"),
                );
                assert!(human(&all, &sources, start % 2 == 0).contains("specs/mix.toml"));
                let line: Value = serde_json::from_str(&json(&all, &sources)).unwrap();
                assert_eq!(line["file"], "specs/mix.toml");
            }
        }
    }

    #[test]
    fn an_empty_file_can_be_spoken_of() {
        let mut sources = Sources::default();
        let id = sources.add("empty.toml", "");
        let mut all = Diagnostics::default();
        all.push(Diagnostic::error(Span::new(id, 0..0), "nothing here").hint("write something"));
        assert!(human(&all, &sources, false).contains("empty.toml:1:1"));
    }

    #[test]
    fn json_has_every_part() {
        let (sources, id) = sources();
        let mut all = Diagnostics::default();
        all.push(
            Diagnostic::error(Span::new(id, 23..27), "wrong")
                .label("this")
                .also(Span::new(id, 0..4), "that")
                .hint("so"),
        );
        let line: Value = serde_json::from_str(&json(&all, &sources)).unwrap();
        assert_eq!(
            line,
            json!({
                "severity": "error", "message": "wrong", "file": "specs/mix.toml",
                "line": 2, "column": 1, "end_line": 2, "end_column": 5, "label": "this",
                "secondary": [{
                    "file": "specs/mix.toml", "line": 1, "column": 1, "end_line": 1, "end_column": 5, "label": "that",
                }],
                "hint": "so",
            })
        );
    }
}
