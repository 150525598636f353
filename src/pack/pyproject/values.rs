//! Values of one kind each: lines, names, versions, paths, patterns.
//!
//! In: a value as it was parsed. Out: what it says, or a message. Fields that are made of several values are in `lists` and `texts`.

use super::super::glob;
use super::super::requirement::is_name;
use super::super::version;
use super::{DYNAMIC, FileReader};
use crate::base::diag::{Diagnostic, shown};
use crate::base::table::{self, At, Placed, Str, Value};

impl FileReader<'_> {
    pub(super) fn wrong_text(
        &mut self,
        text: &Str,
        place: std::ops::Range<usize>,
        message: String,
        hint: &str,
    ) {
        let span = if text.text.text.is_empty() {
            text.span
        } else {
            text.text.span(place)
        };
        self.0.report(Diagnostic::error(span, message).hint(hint));
    }

    /// A string of one line: fields of the metadata are lines.
    pub(super) fn line_at(&mut self, key: &str, value: &Placed) -> Option<Str> {
        let text = self.0.string(key, value)?;
        if text.text.text.contains(['\n', '\r']) {
            let message = format!("`{}` must be one line", shown(key));
            let hint = "longer texts belong into the readme";
            self.0
                .report(Diagnostic::error(text.span, message).hint(hint));
            return None;
        }
        Some(text)
    }

    pub(super) fn line(&mut self, key: &str, value: &Placed) -> Option<String> {
        Some(self.line_at(key, value)?.text.text)
    }

    pub(super) fn lines_at(&mut self, key: &str, value: &Placed) -> Vec<Str> {
        let Value::Array(items) = value.get_ref() else {
            let example = format!("{key} = [\"...\", \"...\"]");
            self.0.wrong(value, key, "an array of strings", &example);
            return Vec::new();
        };
        items
            .iter()
            .filter_map(|item| self.line_at(key, item))
            .collect()
    }

    pub(super) fn lines(&mut self, key: &str, value: &Placed) -> Vec<String> {
        let lines = self.lines_at(key, value).into_iter();
        lines.map(|line| line.text.text).collect()
    }

    /// The entries of a table whose keys are free.
    pub(super) fn table<'t, 'i>(
        &mut self,
        key: &str,
        value: &'t Placed<'i>,
    ) -> table::Entries<'t, 'i> {
        match value.get_ref() {
            Value::Table(table) => self.0.entries(table),
            _ => {
                self.0
                    .wrong(value, key, "a table", &format!("[project.{key}]"));
                Vec::new()
            }
        }
    }

    pub(super) fn name(&mut self, value: &Placed) -> Option<String> {
        let name = self.line_at("name", value)?;
        let text = &name.text.text;
        if !is_name(text) {
            let message = format!("`{}` cannot be the name of a distribution", shown(text));
            let hint = "write ASCII letters and digits; between them `-`, `_` and `.` may stand";
            self.0
                .report(Diagnostic::error(name.inner(), message).hint(hint));
            return None;
        }
        Some(text.clone())
    }

    pub(super) fn version(&mut self, value: &Placed) -> Option<String> {
        let text = self.line_at("version", value)?;
        let normal = version::normal(&text.text.text);
        if normal.is_none() {
            let message = format!("`{}` is no version", shown(&text.text.text));
            let hint = "write numbers like 1.2.3; before a release 1.2.3a1, 1.2.3b1, 1.2.3rc1 or 1.2.3.dev1 (PEP 440)";
            self.0
                .report(Diagnostic::error(text.inner(), message).hint(hint));
        }
        normal
    }

    pub(super) fn requires_python(&mut self, value: &Placed) -> Option<String> {
        let text = self.line_at("requires-python", value)?;
        if !version::is_specifier(&text.text.text) {
            let message = format!("`{}` is no list of versions", shown(&text.text.text));
            self.0
                .report(Diagnostic::error(text.inner(), message).hint("write `\">=3.9\"`"));
            return None;
        }
        Some(text.text.text)
    }

    /// A path in the project.
    pub(super) fn path(&mut self, key: &str, value: &Placed) -> Option<Str> {
        let text = self.line_at(key, value)?;
        match glob::check(&text.text.text) {
            Ok(()) => Some(text),
            Err(why) => {
                let why = why.replace("pattern", "path");
                self.0.report(
                    Diagnostic::error(text.inner(), why).hint("write a path like `docs/README.md`"),
                );
                None
            }
        }
    }

    pub(super) fn patterns(&mut self, key: &str, value: &Placed) -> Option<Vec<Str>> {
        let mut patterns = Vec::new();
        for text in self.lines_at(key, value) {
            match glob::check(&text.text.text) {
                Ok(()) => patterns.push(text),
                Err(why) => {
                    let hint = "write a pattern like `docs/*.txt`";
                    self.0
                        .report(Diagnostic::error(text.inner(), why).hint(hint));
                }
            }
        }
        Some(patterns)
    }

    /// Keywords are joined by commas.
    pub(super) fn keywords(&mut self, value: &Placed) -> Vec<String> {
        let mut keywords = Vec::new();
        for text in self.lines_at("keywords", value) {
            if text.text.text.contains(',') {
                let hint = "write each keyword in quotes of its own";
                self.0
                    .report(Diagnostic::error(text.inner(), "a keyword has no comma").hint(hint));
            } else {
                keywords.push(text.text.text);
            }
        }
        keywords
    }

    pub(super) fn dynamic(&mut self, value: &Placed) -> Vec<At<&'static str>> {
        let mut dynamic = Vec::new();
        for text in self.lines_at("dynamic", value) {
            let name = text.text.text.as_str();
            match DYNAMIC.iter().find(|known| **known == name) {
                Some(known) => dynamic.push(At {
                    value: *known,
                    span: text.inner(),
                }),
                None => {
                    let message = format!("`{}` cannot be found out by pyasmgen", shown(name));
                    let hint = "only `version` (the specs' constant `__version__`) and `description` (their `doc`) can be dynamic; write the others out";
                    self.0
                        .report(Diagnostic::error(text.inner(), message).hint(hint));
                }
            }
        }
        dynamic
    }
}
