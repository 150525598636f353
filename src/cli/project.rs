//! Projects of a command line: read and checked with all their specs at once, so that one run shows everything that is wrong with any of them.
//!
//! In: a path and targets. Out: the project and its modules, or the exit code after everything was reported.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::specs::{self, Checked};
use super::ui::Ui;
use super::{Exit, output};
use crate::base::diag::Diagnostics;
use crate::base::source::Sources;
use crate::frontend::spec::module::Module;
use crate::frontend::spec::python::is_python;
use crate::pack::archive::FIRST_TIME;
use crate::pack::project::{self, Project};
use crate::target::Target;

/// The folder of a project, if the path is one: a folder, or the file that makes it a project.
fn folder(path: &Path) -> Option<PathBuf> {
    if path.is_dir() {
        return Some(path.to_owned());
    }
    let named = path.file_name().is_some_and(|name| name == project::FILE);
    named.then(|| output::folder_of(path).to_owned())
}

/// A project whose specs are sound.
pub struct Found {
    /// What was read.
    pub sources: Sources,
    /// The project.
    pub project: Project,
    /// Its modules.
    pub checked: Vec<Checked>,
}

impl Found {
    /// Its modules as the first target has them, one for each spec: what does not depend on targets is asked of these.
    pub fn modules(&self) -> Vec<&Module> {
        modules(&self.checked)
    }
}

fn modules(checked: &[Checked]) -> Vec<&Module> {
    let first = checked.first().map(|checked| checked.target.triple);
    let of_first = checked
        .iter()
        .filter(|checked| Some(checked.target.triple) == first);
    of_first.map(|checked| &checked.module).collect()
}

/// Reads and checks a project, or a single spec. Modules come spec by spec, targets vary fastest.
///
/// # Errors
/// Files cannot be read, or the exit code where they are wrong.
pub fn check(
    path: &Path,
    targets: &[&'static Target],
    ui: &Ui,
) -> anyhow::Result<Result<Found, Exit>> {
    let mut sources = Sources::default();
    let Some(folder) = folder(path) else {
        let paths = [path.to_owned()];
        let checked = specs::check_among(&mut sources, Diagnostics::default(), &paths, targets, ui);
        return Ok(checked.and_then(|checked| {
            let first = checked.first().map(|checked| &checked.module);
            let module = first.unwrap_or_else(|| unreachable!("it was checked for a target"));
            match Project::of_spec(path, module) {
                Ok(project) => Ok(Found {
                    sources,
                    project,
                    checked,
                }),
                Err(diagnostic) => {
                    let mut wrong = Diagnostics::default();
                    wrong.push(diagnostic);
                    ui.diagnostics(&sources, &wrong);
                    Err(Exit::Failed)
                }
            }
        }));
    };
    let (project, found) = project::load(&mut sources, &folder)?;
    let Some(mut project) = project else {
        ui.diagnostics(&sources, &found);
        return Ok(Err(Exit::Failed));
    };
    let checked = specs::check_among(&mut sources, found, &project.specs, targets, ui);
    Ok(checked.and_then(|mut checked| {
        for Checked { path, module, .. } in &mut checked {
            if is_python(&sources.file(module.source).name)
                && let Some(name) = project.dotted(path)
            {
                module.name = name;
            }
        }
        let wrong = project.settle(&modules(&checked));
        ui.diagnostics(&sources, &wrong);
        if wrong.has_errors() {
            return Err(Exit::Failed);
        }
        Ok(Found {
            sources,
            project,
            checked,
        })
    }))
}

/// The time that files in archives have: that of SOURCE_DATE_EPOCH (reproducible-builds.org), or always the same one.
///
/// # Errors
/// The variable holds no number.
#[expect(
    clippy::disallowed_methods,
    reason = "the command line is the rim that knows the environment"
)]
pub fn time() -> anyhow::Result<u64> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text
            .trim()
            .parse()
            .with_context(|| format!("SOURCE_DATE_EPOCH is `{text}`, not a number of seconds")),
        Err(_) => Ok(FIRST_TIME),
    }
}
