//! Fields that are lists and tables: people, addresses, entry points, requirements.
//!
//! In: a value as it was parsed. Out: as much of it as is sound, and messages about the rest.

use super::super::metadata::{Metadata, Person};
use super::super::requirement::{self, Requirement, is_name, normal_name};
use super::{FileReader, PERSON};
use crate::base::diag::{Diagnostic, shown};
use crate::base::table::{Placed, Value};

impl FileReader<'_> {
    pub(super) fn people(&mut self, key: &str, value: &Placed) -> Vec<Person> {
        let mut people = Vec::new();
        let Value::Array(items) = value.get_ref() else {
            let example = format!("{key} = [{{ name = \"...\", email = \"...\" }}]");
            self.0.wrong(value, key, "an array of tables", &example);
            return people;
        };
        for item in items.iter() {
            let Value::Table(table) = item.get_ref() else {
                self.0
                    .wrong(item, key, "an array of tables", "{ name = \"...\" }");
                continue;
            };
            let mut person = Person::default();
            for (name, _, value) in self.0.known(table, PERSON, key) {
                match name {
                    "name" => person.name = self.line(name, value),
                    _ => person.email = self.email(value),
                }
            }
            if table.is_empty() {
                let span = self.0.span(item.span());
                let hint = "write `{ name = \"...\", email = \"...\" }`, or one of the two";
                self.0
                    .report(Diagnostic::error(span, "this is nobody").hint(hint));
            }
            people.push(person);
        }
        people
    }

    pub(super) fn email(&mut self, value: &Placed) -> Option<String> {
        let text = self.line_at("email", value)?;
        let address = &text.text.text;
        let parts: Vec<&str> = address.rsplitn(2, '@').collect();
        let sound = parts.len() == 2 && parts.iter().all(|part| !part.is_empty());
        if !sound || address.contains(|c: char| c.is_whitespace() || "<>,".contains(c)) {
            let message = format!("`{}` is no mail address", shown(address));
            self.0.report(
                Diagnostic::error(text.inner(), message).hint("write `\"name@example.com\"`"),
            );
            return None;
        }
        Some(text.text.text)
    }

    pub(super) fn urls(&mut self, value: &Placed) -> Vec<(String, String)> {
        let mut urls = Vec::new();
        for (label, span, value) in self.table("urls", value) {
            let Some(url) = self.line(label, value) else {
                continue;
            };
            if label.chars().count() > 32 || label.contains([',', '\n']) || label.is_empty() {
                let message = "a label has 1 to 32 characters, and no comma";
                self.0.report(
                    Diagnostic::error(span, message)
                        .hint("write `Homepage`, `Source`, `Changelog`..."),
                );
                continue;
            }
            urls.push((label.to_owned(), url));
        }
        urls
    }

    pub(super) fn entry_points(
        &mut self,
        metadata: &mut Metadata,
        group: &str,
        key: &str,
        value: &Placed,
    ) {
        let mut entries = Vec::new();
        for (name, span, value) in self.table(key, value) {
            let Some(object) = self.line_at(name, value) else {
                continue;
            };
            let sound_name = !name.is_empty()
                && !name.contains(['=', '\n', '\r'])
                && !name.starts_with('[')
                && name.trim() == name;
            if !sound_name {
                let message = format!("`{}` cannot be the name of an entry point", shown(name));
                self.0.report(
                    Diagnostic::error(span, message)
                        .hint("write letters, digits, `-`, `_` and `.`"),
                );
                continue;
            }
            let script = group != key;
            if !is_object(&object.text.text, script) {
                let message = format!("`{}` names no object", shown(&object.text.text));
                let hint = "write `\"package.module:function\"`";
                self.0
                    .report(Diagnostic::error(object.inner(), message).hint(hint));
                continue;
            }
            entries.push((name.to_owned(), object.text.text));
        }
        entries.sort();
        if !entries.is_empty() {
            metadata.entry_points.insert(group.to_owned(), entries);
        }
    }

    pub(super) fn entry_point_groups(&mut self, metadata: &mut Metadata, value: &Placed) {
        for (group, span, value) in self.table("entry-points", value) {
            let own = match group {
                "console_scripts" => Some("scripts"),
                "gui_scripts" => Some("gui-scripts"),
                _ => None,
            };
            let word = |word: &str| {
                !word.is_empty()
                    && word
                        .chars()
                        .all(|c| c == '_' || c == '-' || c.is_alphanumeric())
            };
            if let Some(own) = own {
                let message = format!("`{group}` has a table of its own");
                let hint = format!("write `[project.{own}]`");
                self.0.report(Diagnostic::error(span, message).hint(hint));
            } else if !group.split('.').all(word) {
                let message = format!("`{}` cannot be the name of a group", shown(group));
                self.0.report(
                    Diagnostic::error(span, message).hint("write names with dots between them"),
                );
            } else {
                self.entry_points(metadata, group, group, value);
            }
        }
    }

    pub(super) fn requirements(&mut self, key: &str, value: &Placed) -> Vec<Requirement> {
        let mut requirements = Vec::new();
        for text in self.lines_at(key, value) {
            match requirement::parse(&text.text.text) {
                Ok(requirement) => requirements.push(requirement),
                Err((place, why)) => {
                    let message = format!("`{}` is no requirement: {why}", shown(&text.text.text));
                    let hint = "write `\"name\"`, `\"name >= 1.2\"` or `\"name >= 1.2; python_version < '3.11'\"`";
                    self.wrong_text(&text, place, message, hint);
                }
            }
        }
        requirements
    }

    pub(super) fn extras(&mut self, value: &Placed) -> Vec<(String, Vec<Requirement>)> {
        let mut extras: Vec<(String, Vec<Requirement>)> = Vec::new();
        for (name, span, value) in self.table("optional-dependencies", value) {
            let requirements = self.requirements(name, value);
            let normal = normal_name(name);
            let message = if !is_name(name) {
                format!("`{}` cannot be the name of an extra", shown(name))
            } else if extras.iter().any(|extra| extra.0 == normal) {
                format!("`{name}` is the same extra as one before (`{normal}`)")
            } else {
                extras.push((normal, requirements));
                continue;
            };
            self.0
                .report(Diagnostic::error(span, message).hint("write another name"));
        }
        extras
    }
}

/// `package.module:object.attribute`; the object may be left out where the module itself is meant. Extras behind it are of old times, and still
/// allowed ("Entry points specification", data model).
fn is_object(text: &str, script: bool) -> bool {
    let (text, extras) = match text.split_once('[') {
        Some((text, extras)) => (text, extras.trim_end().strip_suffix(']')),
        None => (text, Some("x")),
    };
    if !extras.is_some_and(|extras| extras.split(',').all(|extra| is_name(extra.trim()))) {
        return false;
    }
    let names = |text: &str| {
        let name = |name: &str| {
            let first = name.chars().next();
            first.is_some_and(|c| c == '_' || c.is_alphabetic())
                && name.chars().all(|c| c == '_' || c.is_alphanumeric())
        };
        text.split('.').all(name)
    };
    match text.split_once(':') {
        Some((module, object)) => names(module.trim()) && names(object.trim()),
        None => !script && names(text.trim()),
    }
}
