//! Fields that stand for longer texts: the readme and the licence.
//!
//! In: a value as it was parsed. Out: where the text is, or what stands for it (PEP 621, `readme`; PEP 639).

use super::super::licence;
use super::{CONTENT_TYPES, Content, FileReader, LICENSE, Pyproject, README, Readme};
use crate::base::diag::{Diagnostic, shown};
use crate::base::table::{Placed, Value};

impl FileReader<'_> {
    pub(super) fn readme(&mut self, value: &Placed) -> Option<Readme> {
        if let Value::String(_) = value.get_ref() {
            let file = self.path("readme", value)?;
            return Some(Readme {
                content: Content::File(file),
                content_type: None,
            });
        }
        let Value::Table(table) = value.get_ref() else {
            self.0.wrong(
                value,
                "readme",
                "a file's name or a table",
                "readme = \"README.md\"",
            );
            return None;
        };
        let (mut content, mut content_type) = (Vec::new(), None);
        for (name, _, value) in self.0.known(table, README, "readme") {
            match name {
                "file" => content.extend(self.path(name, value).map(Content::File)),
                "text" => {
                    let text = self.0.string(name, value);
                    content.extend(text.map(|text| Content::Text(text.text.text)));
                }
                _ => content_type = self.content_type(value),
            }
        }
        let span = self.0.span(value.span());
        let text = matches!(content.as_slice(), [Content::Text(_)]);
        if content.len() != 1 || (text && content_type.is_none()) {
            let hint = "write `{ file = \"README.md\" }`, or `{ text = \"...\", content-type = \"text/markdown\" }`";
            if !self.0.spoiled {
                self.0.report(
                    Diagnostic::error(span, "a readme is one file, or a text and its content type")
                        .hint(hint),
                );
            }
            return None;
        }
        let content = content.pop()?;
        Some(Readme {
            content,
            content_type,
        })
    }

    pub(super) fn content_type(&mut self, value: &Placed) -> Option<String> {
        let text = self.line_at("content-type", value)?;
        let kind = text.text.text.split(';').next().unwrap_or_default().trim();
        if !CONTENT_TYPES.iter().any(|row| row.1 == kind) {
            let message = format!("`{}` is no content type of a readme", shown(kind));
            let hint = "write `text/markdown`, `text/x-rst` or `text/plain`";
            self.0
                .report(Diagnostic::error(text.inner(), message).hint(hint));
            return None;
        }
        Some(text.text.text)
    }

    pub(super) fn license(&mut self, out: &mut Pyproject, value: &Placed) {
        if let Value::Table(table) = value.get_ref() {
            // From before PEP 639, which deprecates it and keeps it.
            for (name, _, value) in self.0.known(table, LICENSE, "license") {
                if name == "text" {
                    out.metadata.license = self.0.string(name, value).map(|text| text.text.text);
                } else if let Some(file) = self.path(name, value) {
                    out.license_file = Some(file);
                }
            }
            if table.len() != 1 {
                let message = "a licence is one file or one text";
                let hint = "write names of https://spdx.org/licenses, as in `license = \"MIT\"`, and `license-files = [\"LICENSE\"]` (PEP 639)";
                let span = self.0.span(value.span());
                self.0.report(Diagnostic::error(span, message).hint(hint));
            }
            return;
        }
        let Some(text) = self.line_at("license", value) else {
            return;
        };
        match licence::canonical(&text.text.text) {
            Ok(expression) => out.metadata.license_expression = Some(expression),
            Err((place, why)) => {
                let message = format!("this is no licence expression: {why}");
                let hint = "write names of https://spdx.org/licenses, as in `MIT` or `MIT OR Apache-2.0`; `LicenseRef-...` for others";
                self.wrong_text(&text, place, message, hint);
            }
        }
    }
}
