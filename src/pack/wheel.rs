//! Wheels ("Binary distribution format", packaging.python.org; PEP 660 for editable ones).
//!
//! In: a project, its compiled modules, a target and a tag; or its modules alone, where they are plain Python as well. Out: the files of a wheel, and
//! its bytes. Where it is written is not here.
//!
//! ```text
//! pkg/__init__.py            pkg/_speed.abi3.so   pkg/_speed.pyi   pkg/py.typed     the module pkg._speed, in a package
//! speed/__init__.abi3.so     speed/__init__.pyi   speed/py.typed                    the module speed
//! speed/__init__.py          speed/__init__.pyi   speed/py.typed                    the same, for those who have no compiled one
//! name-1.0.dist-info/METADATA WHEEL entry_points.txt licenses/... RECORD
//! ```
//!
//! A module by itself becomes a package of one file: type checkers look for types in packages only (PEP 561), and the wheel has one name
//! at its top.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the rim: it reads projects"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};

use super::archive::{self, Entry};
use super::project::Project;
use super::record::record;
use super::tags::{self, Tag};
use crate::compile::Compiled;
use crate::frontend::spec::module::Module;
use crate::frontend::stub;
use crate::target::Target;

/// How a project is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// All of it is copied.
    Copied,
    /// Its Python code stays where it is.
    Editable {
        /// The end of a module's name that the interpreter looks for first: modules built for others may lie beside it.
        suffix: String,
    },
}

/// A wheel.
#[derive(Clone, Debug)]
pub struct Wheel {
    /// Its tag.
    pub tag: Tag,
    /// What is in it, in order.
    pub files: Vec<Entry>,
    /// Modules that do not go into it but into the project's own packages, where Python code looks for them ([`Kind::Editable`]).
    pub in_place: Vec<(PathBuf, Vec<u8>)>,
    stem: String,
}

impl Wheel {
    /// `name-1.0-cp310-abi3-win_amd64.whl`
    pub fn file_name(&self) -> String {
        format!("{}-{}.whl", self.stem, self.tag.compressed())
    }

    /// Its folder of metadata: `name-1.0.dist-info`.
    pub fn dist_info(&self) -> String {
        format!("{}.dist-info", self.stem)
    }

    /// The wheel itself.
    ///
    /// # Errors
    /// It does not fit into a zip file.
    pub fn bytes(&self, time: u64) -> anyhow::Result<Vec<u8>> {
        archive::zip(&self.files, time)
    }
}

/// The tags of the wheels that serve all interpreters of a target.
pub fn tags_of(compiled: &[Compiled], target: &Target) -> Vec<Tag> {
    let imports = compiled.iter().flat_map(Compiled::imports);
    tags::tags(imports, target)
}

/// One wheel for each of these tags.
///
/// # Errors
/// A file of the project cannot be read.
pub fn wheels(
    project: &Project,
    compiled: &[Compiled],
    target: &Target,
    tags: &[Tag],
    kind: &Kind,
) -> anyhow::Result<Vec<Wheel>> {
    let sources: Vec<&Module> = compiled.iter().map(|one| &one.module).collect();
    let common = common(project, &sources, kind)?;
    // Tags that differ in nothing within a module share its bytes.
    let mut written: BTreeMap<Option<&str>, Vec<Vec<u8>>> = BTreeMap::new();
    let mut wheels = Vec::new();
    for tag in tags {
        let target = tags::module_target(target, tag);
        let modules = written
            .entry(tag.python_library)
            .or_insert_with(|| compiled.iter().map(|one| one.linked(&target)).collect());
        wheels.push(wheel(project, &sources, modules, &common, tag, kind));
    }
    Ok(wheels)
}

/// The wheel for all other interpreters: its modules are the Python files themselves, one for each of the project's specs.
///
/// # Errors
/// As [`wheels`].
pub fn plain(project: &Project, sources: &[&Module], kind: &Kind) -> anyhow::Result<Wheel> {
    let common = common(project, sources, kind)?;
    let specs = project.specs.iter();
    let read =
        specs.map(|path| fs::read(path).with_context(|| format!("cannot read {}", path.display())));
    let modules = read.collect::<anyhow::Result<Vec<_>>>()?;
    let tag = Tag::plain();
    Ok(wheel(project, sources, &modules, &common, &tag, kind))
}

/// What all wheels of a project hold, by path.
fn common(
    project: &Project,
    sources: &[&Module],
    kind: &Kind,
) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let copied = project.python.iter().filter(|_| *kind == Kind::Copied);
    for (name, path) in copied {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        files.insert(name.clone(), bytes);
    }
    for module in sources {
        let name = &module.name;
        if *kind != Kind::Copied && place(project, name).is_some() {
            continue;
        }
        let stub = format!("{}.pyi", module_stem(name));
        // What the project brings along itself is better.
        let own = files.remove(&format!("{}.pyi", name.replace('.', "/")));
        files.insert(stub, own.unwrap_or_else(|| stub::stub(module).into_bytes()));
        let marker = format!("{}/py.typed", typed(project, sources, name));
        files.entry(marker).or_default();
    }
    if *kind != Kind::Copied && !project.python.is_empty() {
        let folder = fs::canonicalize(if project.source.as_os_str().is_empty() {
            ".".as_ref()
        } else {
            project.source.as_path()
        })
        .with_context(|| format!("cannot find {}", project.source.display()))?;
        let Some(folder) = folder.to_str() else {
            bail!("{}: a name that is not UTF-8", folder.display());
        };
        // Windows' own spelling of absolute paths is one that Python takes, too.
        let folder = folder.strip_prefix(r"\\?\").unwrap_or(folder);
        let name = format!("__editable__.{}.pth", project.metadata.stem());
        files.insert(name, format!("{folder}\n").into_bytes());
    }
    Ok(files)
}

/// The folder that says that a module has types: the outermost package that has code of its own. Namespaces around it are shared with other
/// distributions (PEP 561, "Packaging Type Information"); where there is nothing else, the outermost of them has to do.
fn typed(project: &Project, sources: &[&Module], name: &str) -> String {
    let is_package = |package: &str| {
        let init = format!("{}/__init__.py", package.replace('.', "/"));
        let is_init = |path: &str| path == init || path.strip_suffix('i') == Some(&init);
        project.python.iter().any(|(path, _)| is_init(path))
            || sources.iter().any(|module| module.name == package)
    };
    let dots = name.match_indices('.').map(|(at, _)| at);
    let mut packages = dots.chain([name.len()]).map(|at| &name[..at]);
    let outermost = packages.clone().next().unwrap_or(name);
    let inner = packages.find(|package| is_package(package) && package.len() < name.len());
    inner.unwrap_or(outermost).replace('.', "/")
}

/// Where a module stands in a wheel, without the end of its name.
fn module_stem(name: &str) -> String {
    match name.contains('.') {
        true => name.replace('.', "/"),
        false => format!("{name}/__init__"),
    }
}

/// The folder of the project's own package that a module belongs to, if it is there.
fn place(project: &Project, name: &str) -> Option<PathBuf> {
    let (package, _) = name.rsplit_once('.')?;
    let folder = package.replace('.', "/");
    let mut python = project.python.iter();
    let inside = python.any(|(path, _)| {
        path.strip_prefix(&folder)
            .is_some_and(|rest| rest.starts_with('/'))
    });
    inside.then(|| project.source.join(folder))
}

fn wheel(
    project: &Project,
    sources: &[&Module],
    modules: &[Vec<u8>],
    common: &BTreeMap<String, Vec<u8>>,
    tag: &Tag,
    kind: &Kind,
) -> Wheel {
    let mut files = common.clone();
    let mut in_place = Vec::new();
    for (module, bytes) in sources.iter().zip(modules) {
        let stem = module_stem(&module.name);
        match (place(project, &module.name), kind) {
            // It is there: what it is made of is what it is.
            (Some(_), Kind::Editable { .. }) if tag.is_plain() => {}
            (Some(folder), Kind::Editable { suffix }) => {
                let (_, last) = stem.rsplit_once('/').unwrap_or(("", &stem));
                in_place.push((folder.join(format!("{last}{suffix}")), bytes.clone()));
            }
            _ => drop(files.insert(format!("{stem}{}", tag.suffix), bytes.clone())),
        }
    }
    let stem = project.metadata.stem();
    let mut files: Vec<Entry> = files
        .into_iter()
        .map(|(path, bytes)| Entry { path, bytes })
        .collect();
    // Installers read them at the end of the archive, where it is quickest to find (binary distribution format).
    files.extend(dist_info(project, tag, &stem));
    let path = format!("{stem}.dist-info/RECORD");
    let text = record(&files, &path);
    files.push(Entry::new(path, text));
    Wheel {
        tag: tag.clone(),
        files,
        in_place,
        stem,
    }
}

/// The files beside RECORD.
fn dist_info(project: &Project, tag: &Tag, stem: &str) -> Vec<Entry> {
    let metadata = &project.metadata;
    let mut files = BTreeMap::from([
        ("METADATA".to_owned(), metadata.text().into_bytes()),
        ("WHEEL".to_owned(), about(tag).into_bytes()),
    ]);
    if let Some(text) = metadata.entry_points_text() {
        files.insert("entry_points.txt".to_owned(), text.into_bytes());
    }
    for file in &metadata.license_files {
        files.insert(format!("licenses/{}", file.path), file.bytes.clone());
    }
    let entry = |(path, bytes)| Entry::new(format!("{stem}.dist-info/{path}"), bytes);
    files.into_iter().map(entry).collect()
}

/// The file WHEEL.
fn about(tag: &Tag) -> String {
    let mut text = format!(
        "Wheel-Version: 1.0\nGenerator: pyasmgen {}\nRoot-Is-Purelib: {}\n",
        env!("CARGO_PKG_VERSION"),
        tag.is_plain()
    );
    for tag in tag.expanded() {
        text += &format!("Tag: {tag}\n");
    }
    text
}
