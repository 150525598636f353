//! What a project says of itself: pyproject.toml as written, checked as far as the file itself goes.
//!
//! In: the file's text. Out: [`Pyproject`], and messages about all that is wrong with `[project]` ("pyproject.toml specification", packaging.python.org; PEP 621,
//! PEP 639, PEP 794) and `[tool.pyasmgen]`. Files that are named in it are read by `project`.

use super::glob;
use super::licence;
use super::metadata::{Metadata, Person};
use super::requirement::{self, Requirement, is_name, normal_name};
use super::version;
use crate::base::diag::{Diagnostic, Diagnostics, shown};
use crate::base::source::{SourceId, Span};
use crate::base::table::{self, At, Key, Placed, Reader, Str, Table, Value, now};

static PROJECT: &[Key] = &[
    now("name"),
    now("version"),
    now("description"),
    now("readme"),
    now("requires-python"),
    now("license"),
    now("license-files"),
    now("authors"),
    now("maintainers"),
    now("keywords"),
    now("classifiers"),
    now("urls"),
    now("scripts"),
    now("gui-scripts"),
    now("entry-points"),
    now("dependencies"),
    now("optional-dependencies"),
    now("dynamic"),
    now("import-names"),
    now("import-namespaces"),
];
static README: &[Key] = &[now("file"), now("text"), now("content-type")];
static LICENSE: &[Key] = &[now("file"), now("text")];
static PERSON: &[Key] = &[now("name"), now("email")];
static TOOL: &[Key] = &[
    now("specs"),
    now("source"),
    now("packages"),
    now("include"),
    now("exclude"),
];

/// Fields that may be left to the specs.
const DYNAMIC: &[&str] = &["version", "description"];

/// Content types of long descriptions, by the ends of file names.
pub const CONTENT_TYPES: &[(&str, &str)] = &[
    (".md", "text/markdown"),
    (".rst", "text/x-rst"),
    (".txt", "text/plain"),
];

/// The file.
#[derive(Clone, Debug)]
pub struct Pyproject {
    /// All that can be said without another file.
    pub metadata: Metadata,
    /// The long description, if there is one.
    pub readme: Option<Readme>,
    /// Patterns of files with texts of licences, if there are any; with them, whether each must fit a file.
    pub license_files: Option<Vec<Str>>,
    /// Fields that the specs have.
    pub dynamic: Vec<At<&'static str>>,
    /// Where `[project]` stands.
    pub header: Span,
    /// `[tool.pyasmgen]`
    pub tool: Tool,
}

/// A long description.
#[derive(Clone, Debug)]
pub struct Readme {
    /// The text itself, or the file that it is in.
    pub content: Content,
    /// Nothing where the file's name says it.
    pub content_type: Option<String>,
}

/// Where a text is.
#[derive(Clone, Debug)]
pub enum Content {
    /// Here.
    Text(String),
    /// In a file of the project.
    File(Str),
}

/// `[tool.pyasmgen]`
#[derive(Clone, Debug, Default)]
pub struct Tool {
    /// Patterns of specs.
    pub specs: Option<Vec<Str>>,
    /// The folder that Python code is in.
    pub source: Option<Str>,
    /// Packages and modules that go along.
    pub packages: Option<Vec<Str>>,
    /// Patterns of files that go into the sdist although they usually would not.
    pub include: Vec<Str>,
    /// Patterns of files that go nowhere.
    pub exclude: Vec<Str>,
}

/// Reads the text. Without a value, the text is not TOML or lacks what cannot be done without.
pub fn read(text: &str, source: SourceId, diagnostics: &mut Diagnostics) -> Option<Pyproject> {
    let table = table::parse(text, source, diagnostics)?;
    let reader = Reader::new(text, source, diagnostics);
    FileReader(reader).file(table.get_ref(), Span::new(source, 0..0))
}

struct FileReader<'a>(Reader<'a>);

impl FileReader<'_> {
    fn file(mut self, top: &Table, start: Span) -> Option<Pyproject> {
        let tool = self.tool(top);
        let Some(value) = top.get("project") else {
            let message = "there is no [project]";
            let hint = "write `[project]` with `name` and `version`, as for any build tool";
            self.0.report(Diagnostic::error(start, message).hint(hint));
            return None;
        };
        let Value::Table(table) = value.get_ref() else {
            self.0.wrong(value, "project", "a table", "[project]");
            return None;
        };
        let mut pyproject = Pyproject {
            metadata: Metadata::default(),
            readme: None,
            license_files: None,
            dynamic: Vec::new(),
            header: self.0.span(value.span()),
            tool,
        };
        for (name, span, value) in self.0.known(table, PROJECT, "[project]") {
            self.field(&mut pyproject, name, span, value);
        }
        self.required(&pyproject, table);
        self.licences(&pyproject, table);
        Some(pyproject)
    }

    fn field(&mut self, out: &mut Pyproject, name: &str, span: Span, value: &Placed) {
        let metadata = &mut out.metadata;
        match name {
            "name" => metadata.name = self.name(value).unwrap_or_default(),
            "version" => metadata.version = self.version(value).unwrap_or_default(),
            "description" => metadata.summary = self.line(name, value),
            "readme" => out.readme = self.readme(value),
            "requires-python" => metadata.requires_python = self.requires_python(value),
            "license" => self.license(out, value),
            "license-files" => out.license_files = self.patterns(name, value),
            "authors" => metadata.authors = self.people(name, value),
            "maintainers" => metadata.maintainers = self.people(name, value),
            "keywords" => metadata.keywords = self.keywords(value),
            "classifiers" => metadata.classifiers = self.lines(name, value),
            "urls" => metadata.urls = self.urls(value),
            "scripts" => self.entry_points(metadata, "console_scripts", name, value),
            "gui-scripts" => self.entry_points(metadata, "gui_scripts", name, value),
            "entry-points" => self.entry_point_groups(metadata, value),
            "dependencies" => metadata.dependencies = self.requirements(name, value),
            "optional-dependencies" => metadata.extras = self.extras(value),
            "dynamic" => out.dynamic = self.dynamic(value),
            "import-names" => metadata.import_names = Some(self.lines(name, value)),
            "import-namespaces" => metadata.import_namespaces = Some(self.lines(name, value)),
            _ => unreachable!("{name} at {span:?} is among the keys of [project]"),
        }
    }

    /// What must be there, and what must not be there twice.
    fn required(&mut self, out: &Pyproject, table: &Table) {
        let dynamic = |name: &str| out.dynamic.iter().find(|field| field.value == name);
        for (name, example) in [("name", "name = \"...\""), ("version", "version = \"1.0\"")] {
            if table.get(name).is_none() && dynamic(name).is_none() {
                let hint = match name {
                    "version" => {
                        "write `version = \"1.0\"`, or `dynamic = [\"version\"]` where the specs have a constant `__version__`"
                    }
                    _ => example,
                };
                self.0.report(
                    Diagnostic::error(out.header, format!("[project] has no `{name}`")).hint(hint),
                );
            }
        }
        for name in DYNAMIC {
            if let (Some(field), true) = (dynamic(name), table.get(*name).is_some()) {
                self.0.report(
                    Diagnostic::error(
                        field.span,
                        format!("`{name}` is there, so it is not dynamic"),
                    )
                    .hint("keep one of the two"),
                );
            }
        }
    }

    /// PEP 639: one way to say it at a time.
    fn licences(&mut self, out: &Pyproject, table: &Table) {
        let Some(values) = table.get("classifiers") else {
            return;
        };
        let Value::Array(values) = values.get_ref() else {
            return;
        };
        for value in values.iter() {
            let licence =
                matches!(value.get_ref(), Value::String(text) if text.starts_with("License ::"));
            if licence && out.metadata.license_expression.is_some() {
                let span = self.0.span(value.span());
                self.0.report(
                    Diagnostic::error(
                        span,
                        "`license` is an expression, so no classifier speaks of licences",
                    )
                    .hint("leave the classifier out (PEP 639)"),
                );
            }
        }
    }

    fn wrong_text(
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
    fn line_at(&mut self, key: &str, value: &Placed) -> Option<Str> {
        let text = self.0.string(key, value)?;
        if text.text.text.contains(['\n', '\r']) {
            let message = format!("`{key}` must be one line");
            let hint = "longer texts belong into the readme";
            self.0
                .report(Diagnostic::error(text.span, message).hint(hint));
            return None;
        }
        Some(text)
    }

    fn line(&mut self, key: &str, value: &Placed) -> Option<String> {
        Some(self.line_at(key, value)?.text.text)
    }

    fn lines_at(&mut self, key: &str, value: &Placed) -> Vec<Str> {
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

    fn lines(&mut self, key: &str, value: &Placed) -> Vec<String> {
        let lines = self.lines_at(key, value).into_iter();
        lines.map(|line| line.text.text).collect()
    }

    fn name(&mut self, value: &Placed) -> Option<String> {
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

    fn version(&mut self, value: &Placed) -> Option<String> {
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

    fn requires_python(&mut self, value: &Placed) -> Option<String> {
        let text = self.line_at("requires-python", value)?;
        if !version::is_specifier(&text.text.text) {
            let message = format!("`{}` is no list of versions", shown(&text.text.text));
            self.0
                .report(Diagnostic::error(text.inner(), message).hint("write `\">=3.9\"`"));
            return None;
        }
        Some(text.text.text)
    }

    fn readme(&mut self, value: &Placed) -> Option<Readme> {
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

    fn content_type(&mut self, value: &Placed) -> Option<String> {
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

    /// A path in the project.
    fn path(&mut self, key: &str, value: &Placed) -> Option<Str> {
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

    fn patterns(&mut self, key: &str, value: &Placed) -> Option<Vec<Str>> {
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

    fn license(&mut self, out: &mut Pyproject, value: &Placed) {
        if let Value::Table(table) = value.get_ref() {
            // From before PEP 639, which deprecates it and keeps it.
            for (name, _, value) in self.0.known(table, LICENSE, "license") {
                if name == "text" {
                    out.metadata.license = self.0.string(name, value).map(|text| text.text.text);
                } else if let Some(file) = self.path(name, value) {
                    out.license_files.get_or_insert_default().push(file);
                }
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

    fn people(&mut self, key: &str, value: &Placed) -> Vec<Person> {
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

    fn email(&mut self, value: &Placed) -> Option<String> {
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

    /// Keywords are joined by commas.
    fn keywords(&mut self, value: &Placed) -> Vec<String> {
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

    /// The entries of a table whose keys are free.
    fn table<'t, 'i>(&mut self, key: &str, value: &'t Placed<'i>) -> table::Entries<'t, 'i> {
        match value.get_ref() {
            Value::Table(table) => self.0.entries(table),
            _ => {
                self.0
                    .wrong(value, key, "a table", &format!("[project.{key}]"));
                Vec::new()
            }
        }
    }

    fn urls(&mut self, value: &Placed) -> Vec<(String, String)> {
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

    fn entry_points(&mut self, metadata: &mut Metadata, group: &str, key: &str, value: &Placed) {
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

    fn entry_point_groups(&mut self, metadata: &mut Metadata, value: &Placed) {
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

    fn requirements(&mut self, key: &str, value: &Placed) -> Vec<Requirement> {
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

    fn extras(&mut self, value: &Placed) -> Vec<(String, Vec<Requirement>)> {
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

    fn dynamic(&mut self, value: &Placed) -> Vec<At<&'static str>> {
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

    fn tool(&mut self, top: &Table) -> Tool {
        let mut tool = Tool::default();
        let Some(Value::Table(tools)) = top.get("tool").map(|value| value.get_ref()) else {
            return tool;
        };
        let Some(value) = tools.get("pyasmgen") else {
            return tool;
        };
        let Value::Table(table) = value.get_ref() else {
            self.0
                .wrong(value, "pyasmgen", "a table", "[tool.pyasmgen]");
            return tool;
        };
        for (name, _, value) in self.0.known(table, TOOL, "[tool.pyasmgen]") {
            match name {
                "specs" => tool.specs = self.patterns(name, value),
                "source" => tool.source = self.path(name, value),
                "packages" => tool.packages = self.patterns(name, value),
                "include" => tool.include = self.patterns(name, value).unwrap_or_default(),
                _ => tool.exclude = self.patterns(name, value).unwrap_or_default(),
            }
        }
        tool
    }
}

/// `package.module:object.attribute`; the object may be left out where the module itself is meant.
fn is_object(text: &str, script: bool) -> bool {
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
