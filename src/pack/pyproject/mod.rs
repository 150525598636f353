//! What a project says of itself: pyproject.toml as written, checked as far as the file itself goes.
//!
//! In: the file's text. Out: [`Pyproject`], and messages about all that is wrong with `[project]` ("pyproject.toml specification", packaging.python.org; PEP 621,
//! PEP 639, PEP 794) and `[tool.pyasmgen]`. Files that are named in it are read by `project`.

mod lists;
mod texts;
mod values;

use super::metadata::Metadata;
use crate::base::diag::{Diagnostic, Diagnostics};
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
    /// Patterns of files with texts of licences, if there are any: each must fit a file.
    pub license_files: Option<Vec<Str>>,
    /// The one file that the old form of `license` names. It does not say that there are no others.
    pub license_file: Option<Str>,
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
            license_file: None,
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
            "description" => {
                metadata.summary = self.line(name, value).filter(|line| !line.is_empty())
            }
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
        for (name, example) in [
            ("name", "write `name = \"...\"`"),
            ("version", "version = \"1.0\""),
        ] {
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
