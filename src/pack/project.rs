//! A project as it lies on the disk: which of its files are specs, Python code, texts of licences, and what it says of itself.
//!
//! In: a folder with a pyproject.toml, or a single checked spec. Out: a [`Project`], and messages about everything in the file that does not agree with
//! the folder. Which files are the project's at all is known in `files`.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the rim: it reads projects"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::archive::Entry;
use super::files::files;
use super::glob;
use super::metadata::{Description, Metadata};
use super::pyproject::{self, CONTENT_TYPES, Content, Pyproject, Readme};
use super::requirement::{Requirement, is_name, normal_name};
use super::version;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::source::{Sources, Span};
use crate::base::table::{At, Str};
use crate::frontend::spec::module::{ConstValue, Module};
use crate::frontend::spec::python::is_python;
use crate::frontend::spec::{self, identifier};

/// The name of the file that makes a folder a project.
pub const FILE: &str = "pyproject.toml";

/// A project.
#[derive(Clone, Debug)]
pub struct Project {
    /// What is said of it. Version and summary may still have to come from the specs ([`Project::settle`]).
    pub metadata: Metadata,
    /// The folder of pyproject.toml.
    pub folder: PathBuf,
    /// Its specs.
    pub specs: Vec<PathBuf>,
    /// The folder that Python code is in.
    pub source: PathBuf,
    /// Python code and what lies in its packages: the path in a wheel, and the file.
    pub python: Vec<(String, PathBuf)>,
    /// All its files, as an sdist has them: paths from the folder, with slashes.
    pub files: Vec<String>,
    /// Where it is described.
    span: Span,
    dynamic: Vec<At<&'static str>>,
}

/// Texts of licences, where nothing else is said (PEP 639, `license-files`).
const LICENSE_FILES: &[&str] = &["LICEN[CS]E*", "COPYING*", "NOTICE*", "AUTHORS*"];

/// Bytes of a name and a version: 255 less a wheel's longest tag and its suffix.
pub const LONGEST: usize = 180;

/// Packages that are for those who work on a project, where it has no `src`.
const HELPERS: &[&str] = &["tests", "test", "docs", "examples", "benchmarks", "tools"];

/// The distribution that brings the names of the body language.
const OURS: &str = "pyasmgen";

/// Where plain Python runs instead of a compiled module (PEP 508): who has no wheel of his own.
const ELSEWHERE: &str = "platform_python_implementation != \"CPython\" or sys_platform not in \"linux darwin win32\" or \
     platform_machine not in \"x86_64 AMD64 aarch64 arm64 ARM64\"";

/// Reads a project. It is there exactly when no message is an error.
///
/// # Errors
/// A file cannot be read.
pub fn load(
    sources: &mut Sources,
    folder: &Path,
) -> anyhow::Result<(Option<Project>, Diagnostics)> {
    let mut diagnostics = Diagnostics::default();
    let path = folder.join(FILE);
    if !path.exists() {
        bail!(
            "there is no {}; `pyasmgen new NAME` makes a project",
            path.display()
        );
    }
    let source = match spec::load(sources, &path)? {
        Ok(source) => source,
        Err(diagnostic) => {
            diagnostics.push(diagnostic.hint("save the file as UTF-8"));
            return Ok((None, diagnostics));
        }
    };
    let text = &sources.file(source).text;
    let Some(written) = pyproject::read(text, source, &mut diagnostics) else {
        return Ok((None, diagnostics));
    };
    let files = files(folder, &written.metadata.name, &written.tool)?;
    let mut reader = Reader {
        folder,
        files,
        written: &written,
        diagnostics: &mut diagnostics,
    };
    let project = reader.project()?;
    diagnostics.sort();
    let sound = !diagnostics.has_errors();
    Ok((sound.then_some(project), diagnostics))
}

impl Project {
    /// The project that a single spec is: named after its module; the version is its constant `__version__`, the description its doc.
    ///
    /// # Errors
    /// The module's name cannot be that of a distribution, or its `__version__` is no version.
    pub fn of_spec(path: &Path, module: &Module) -> Result<Project, Diagnostic> {
        let start = module.span;
        let words = module.name.split('.').map(|word| word.trim_matches('_'));
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let name = words.join("-");
        if !is_name(&name) {
            let message = format!("`{}` cannot be the name of a distribution", module.name);
            let hint = format!("write a {FILE} with a name of ASCII letters and digits");
            return Err(Diagnostic::error(start, message).hint(hint));
        }
        let mut project = Project {
            metadata: Metadata {
                name,
                version: "0.0.0".to_owned(),
                description: module.doc.as_ref().map(|doc| Description {
                    content_type: "text/plain".to_owned(),
                    text: doc.clone(),
                }),
                requires_python: Some(">=3.9".to_owned()),
                ..Metadata::default()
            },
            folder: path.parent().map(Path::to_owned).unwrap_or_default(),
            specs: vec![path.to_owned()],
            source: PathBuf::new(),
            python: Vec::new(),
            files: Vec::new(),
            span: module.span,
            dynamic: vec![At {
                value: "description",
                span: start,
            }],
        };
        if constant_version(module).is_some() {
            project.dynamic.push(At {
                value: "version",
                span: start,
            });
        }
        match project.settle(&[module]) {
            wrong if wrong.has_errors() => {
                let first = wrong.iter().next().cloned();
                Err(first.unwrap_or_else(|| unreachable!("there is an error")))
            }
            _ => Ok(project.require_names()),
        }
    }

    /// What the module of a Python file is called where it is not just the file's name: a file in a package is a module of that.
    pub fn dotted(&self, spec: &Path) -> Option<String> {
        let path = spec.strip_prefix(&self.source).ok()?.with_extension("");
        let words: Option<Vec<&str>> = path.iter().map(|word| word.to_str()).collect();
        let words = words.filter(|words| words.iter().all(|word| identifier(word).is_ok()))?;
        let (last, package) = words.split_last()?;
        let init = format!("{}/__init__.py", package.join("/"));
        let is_package = self.python.iter().any(|(name, _)| *name == init);
        (is_package && *last != "__init__").then(|| words.join("."))
    }

    /// A spec that is not plain Python as well, if there is one. Without one, the project runs on every interpreter.
    pub fn not_plain(&self) -> Option<&Path> {
        let mut specs = self.specs.iter().map(PathBuf::as_path);
        specs.find(|path| !is_python(&path.to_string_lossy()))
    }

    /// Plain Python takes the names of the body language from our package. All wheels say so: those of one release have the same metadata.
    fn require_names(mut self) -> Project {
        let known = |requirement: &Requirement| {
            let sign = |c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c));
            let name = requirement.what.split(sign).next().unwrap_or_default();
            normal_name(name) == OURS
        };
        if self.not_plain().is_none() && !self.metadata.dependencies.iter().any(known) {
            self.metadata.dependencies.push(Requirement {
                what: OURS.to_owned(),
                marker: Some(ELSEWHERE.to_owned()),
            });
        }
        self
    }

    /// Fills in what the project leaves to its specs, which are the modules, and looks whether all names go together.
    pub fn settle(&mut self, modules: &[&Module]) -> Diagnostics {
        let mut diagnostics = self.names(modules);
        for At { value, span } in &self.dynamic {
            if *value == "description" {
                let doc = modules.iter().find_map(|module| module.doc.as_deref());
                let line = doc.and_then(|doc| doc.trim().lines().next());
                self.metadata.summary = line.map(|line| line.trim().to_owned());
                continue;
            }
            let versions: BTreeSet<&str> = modules
                .iter()
                .filter_map(|module| constant_version(module))
                .collect();
            let wrong = match versions.iter().collect::<Vec<_>>().as_slice() {
                [one] => match version::normal(one) {
                    Some(version) => {
                        self.metadata.version = version;
                        continue;
                    }
                    None => format!(
                        "the constant `__version__` is `{one}`, which is no version (PEP 440)"
                    ),
                },
                [] => "no spec has a constant `__version__`".to_owned(),
                several => format!("the specs' constants `__version__` differ: {several:?}"),
            };
            let hint = "write `__version__ = \"1.0\"` below [constants], or `version = \"1.0\"` below [project]";
            diagnostics.push(Diagnostic::error(*span, wrong).hint(hint));
        }
        let length = self.metadata.stem().len();
        if length > LONGEST {
            let message =
                format!("name and version have {length} bytes, too many for the names of files");
            let hint = format!(
                "{LONGEST} is the most: systems take 255, and the tags of wheels need their part"
            );
            diagnostics.push(Diagnostic::error(self.span, message).hint(hint));
        }
        diagnostics
    }

    /// Modules of one name, and Python code where a module shall be.
    fn names(&self, modules: &[&Module]) -> Diagnostics {
        let mut diagnostics = Diagnostics::default();
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        let top = |name: &str| name.split('/').next().unwrap_or(name).to_owned();
        let tops: BTreeSet<String> = self.python.iter().map(|(name, _)| top(name)).collect();
        for Module { name, span, .. } in modules {
            if let Some(other) = seen.insert(name, *span) {
                let message = format!("two specs of the project make the module `{name}`");
                let wrong = Diagnostic::error(*span, message).also(other, "the other one");
                diagnostics.push(wrong.hint("give one of them another name"));
            }
            self.below(name, *span, modules, &mut diagnostics);
            if tops.contains(name) || tops.contains(&format!("{name}.py")) {
                let message = format!("the project has Python code of the name `{name}`, too");
                let hint = format!(
                    "make it a module of the package, like `{name}._{name}`, or rename one of them"
                );
                diagnostics.push(Diagnostic::error(*span, message).hint(hint));
            }
        }
        diagnostics
    }

    /// Nothing can be in a module that is in a package: it is a file there. Python code takes its place, other modules cannot be reached.
    fn below(&self, name: &str, span: Span, modules: &[&Module], diagnostics: &mut Diagnostics) {
        if !name.contains('.') {
            return;
        }
        let folder = format!("{}/", name.replace('.', "/"));
        let is_code = |path: &str| path.starts_with(&folder) && path.ends_with(".py");
        let hint = format!("give it the name of a module in there, like `{name}._speed`");
        if let Some((path, _)) = self.python.iter().find(|(path, _)| is_code(path)) {
            let message = format!("`{name}` is a package of Python code, too: it has {path}");
            diagnostics.push(Diagnostic::error(span, message).hint(hint));
        }
        let inside = |module: &&&Module| {
            let rest = module.name.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with('.'))
        };
        if let Some(inside) = modules.iter().find(inside) {
            let message = format!("`{}` cannot be in the module `{name}`", inside.name);
            let wrong = Diagnostic::error(inside.span, message).also(span, "this is a file");
            let hint =
                format!("give `{name}` the name of a module beside it, like `{name}._speed`");
            diagnostics.push(wrong.hint(hint));
        }
    }
}

fn constant_version(module: &Module) -> Option<&str> {
    let mut constants = module.constants.iter();
    constants.find_map(|(name, value)| match value {
        ConstValue::Str(version) if name == "__version__" => Some(version.as_str()),
        _ => None,
    })
}

struct Reader<'a> {
    folder: &'a Path,
    files: Vec<String>,
    written: &'a Pyproject,
    diagnostics: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn project(&mut self) -> anyhow::Result<Project> {
        let mut metadata = self.written.metadata.clone();
        if let Some(readme) = &self.written.readme {
            metadata.description = self.description(readme)?;
        }
        metadata.license_files = self.license_files()?;
        let source = self.source();
        let specs = self.specs(&source)?;
        let python = self.python(&source, &specs)?;
        let project = Project {
            metadata,
            folder: self.folder.to_owned(),
            specs: specs.iter().map(|path| self.folder.join(path)).collect(),
            source: self.folder.join(&source),
            python,
            files: std::mem::take(&mut self.files),
            span: self.written.header,
            dynamic: self.written.dynamic.clone(),
        };
        Ok(project.require_names())
    }

    fn read(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let path = self.folder.join(path);
        fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    fn description(&mut self, readme: &Readme) -> anyhow::Result<Option<Description>> {
        let (text, by_name) = match &readme.content {
            Content::Text(text) => (text.clone(), None),
            Content::File(file) => {
                let path = &file.text.text;
                if !self.folder.join(path).is_file() {
                    let message = format!("there is no file `{path}` in the project");
                    let hint = "paths start at the project's folder";
                    self.diagnostics
                        .push(Diagnostic::error(file.inner(), message).hint(hint));
                    return Ok(None);
                }
                let Ok(text) = String::from_utf8(self.read(path)?) else {
                    let message = format!("`{path}` is not UTF-8");
                    self.diagnostics
                        .push(Diagnostic::error(file.inner(), message).hint("save it as UTF-8"));
                    return Ok(None);
                };
                let lower = path.to_lowercase();
                let row = CONTENT_TYPES.iter().find(|row| lower.ends_with(row.0));
                if row.is_none() && readme.content_type.is_none() {
                    let message = format!("nothing says how `{path}` is to be read");
                    let hint =
                        format!("write `{{ file = \"{path}\", content-type = \"text/plain\" }}`");
                    self.diagnostics
                        .push(Diagnostic::error(file.inner(), message).hint(hint));
                }
                (text, row.map(|row| row.1.to_owned()))
            }
        };
        Ok(Some(Description {
            content_type: readme.content_type.clone().or(by_name).unwrap_or_default(),
            text: text.replace("\r\n", "\n"),
        }))
    }

    fn license_files(&mut self) -> anyhow::Result<Vec<Entry>> {
        let mut found: BTreeSet<String> = BTreeSet::new();
        match &self.written.license_files {
            None => {
                let fits = |path: &&String| LICENSE_FILES.iter().any(|p| glob::fits(p, path));
                found.extend(self.files.iter().filter(fits).cloned());
            }
            Some(patterns) => {
                for pattern in patterns {
                    found.extend(self.matching(pattern, glob::fits));
                }
            }
        }
        if let Some(file) = &self.written.license_file {
            found.extend(self.matching(file, |file, path| file == path));
        }
        found
            .into_iter()
            .map(|path| Ok(Entry::new(path.clone(), self.read(&path)?)))
            .collect()
    }

    /// The files that a pattern fits: at least one.
    fn matching(&mut self, pattern: &Str, fits: fn(&str, &str) -> bool) -> Vec<String> {
        let text = &pattern.text.text;
        let files = self.files.iter().filter(|path| fits(text, path));
        let found: Vec<String> = files.cloned().collect();
        if found.is_empty() {
            let message = format!("no file of the project fits `{text}`");
            let hint = "hidden files, `build`, `dist` and what `exclude` names are no files of the project, unless `include` names them";
            self.diagnostics
                .push(Diagnostic::error(pattern.inner(), message).hint(hint));
        }
        found
    }

    /// The folder of Python code, from the project's: empty for that itself.
    fn source(&mut self) -> String {
        let Some(source) = &self.written.tool.source else {
            let there = self.files.iter().any(|path| path.starts_with("src/"));
            return if there { "src" } else { "" }.to_owned();
        };
        let path = source.text.text.trim_end_matches('/');
        let path = if path == "." { "" } else { path };
        if !self.folder.join(path).is_dir() {
            let message = format!("there is no folder `{path}` in the project");
            let hint =
                "name the folder that packages and modules are in, as in `source = \"python\"`";
            self.diagnostics
                .push(Diagnostic::error(source.inner(), message).hint(hint));
        }
        path.to_owned()
    }

    fn specs(&mut self, source: &str) -> anyhow::Result<Vec<String>> {
        let mut specs: BTreeSet<String> = BTreeSet::new();
        if let Some(patterns) = &self.written.tool.specs {
            for pattern in patterns {
                specs.extend(self.matching(pattern, glob::fits));
            }
        } else {
            for path in &self.files {
                let place = !path.contains('/') || below(path, source).is_some();
                let named = path.ends_with(".toml") && path != FILE;
                if place && named && is_spec(&self.read(path)?) {
                    specs.insert(path.clone());
                }
            }
        }
        if specs.is_empty() && !self.diagnostics.has_errors() {
            let message = "the project has no specs";
            let hint = "write one beside pyproject.toml or below `src`, or name them: `specs = [\"...\"]` in [tool.pyasmgen]";
            self.diagnostics
                .push(Diagnostic::error(self.written.header, message).hint(hint));
        }
        Ok(specs.into_iter().collect())
    }

    fn python(&mut self, source: &str, specs: &[String]) -> anyhow::Result<Vec<(String, PathBuf)>> {
        let inside: Vec<(String, String)> = self
            .files
            .iter()
            .filter(|path| !specs.contains(path))
            .filter_map(|path| Some((below(path, source)?.to_owned(), path.clone())))
            .collect();
        let mut found: BTreeSet<(String, PathBuf)> = BTreeSet::new();
        let mut take = |fits: &dyn Fn(&str) -> bool| {
            let taken = inside.iter().filter(|file| fits(&file.0));
            let before = found.len();
            found.extend(taken.map(|(name, path)| (name.clone(), self.folder.join(path))));
            found.len() > before
        };
        let Some(patterns) = &self.written.tool.packages else {
            let packages = packages(&inside, source);
            take(&|name| packages.contains(name.split('/').next().unwrap_or(name)));
            return Ok(found.into_iter().collect());
        };
        let mut wrong = Vec::new();
        for pattern in patterns {
            if !take(&|name| glob::covers(&pattern.text.text, name)) {
                let message = format!("no file fits `{}`", pattern.text.text);
                let hint = "packages and modules are looked for in `source`, by default `src` where it is there: `\"package\"`, `\"module.py\"`";
                wrong.push(Diagnostic::error(pattern.inner(), message).hint(hint));
            }
        }
        for diagnostic in wrong {
            self.diagnostics.push(diagnostic);
        }
        Ok(found.into_iter().collect())
    }
}

/// What goes along where nothing is said: below `src` all modules and folders with Python code; in the project's own folder packages with an
/// `__init__.py`.
fn packages<'a>(inside: &'a [(String, String)], source: &str) -> BTreeSet<&'a str> {
    let code = |name: &str| name.ends_with(".py") || name.ends_with(".pyi");
    let mut packages = BTreeSet::new();
    for (name, _) in inside {
        match name.split_once('/') {
            None if !source.is_empty() && code(name) => packages.insert(name.as_str()),
            Some((top, _)) if !source.is_empty() && code(name) => packages.insert(top),
            Some((top, "__init__.py")) if !HELPERS.contains(&top) => packages.insert(top),
            _ => false,
        };
    }
    packages
}

/// The path from `folder` on, if it is in there.
fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    if folder.is_empty() {
        return Some(path);
    }
    path.strip_prefix(folder)?.strip_prefix('/')
}

/// Whether a TOML file is meant to be a spec: it has the table without which none is one.
fn is_spec(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.lines().any(|line| line.trim().starts_with("[module]"))
}
