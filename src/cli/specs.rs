//! Spec files of a command line: read and checked all at once, so that one run shows everything that is wrong with any of them.
//!
//! In go paths and targets, out come checked modules, or the exit code after everything was reported.

use std::path::{Path, PathBuf};

use super::Exit;
use super::ui::Ui;
use crate::base::diag::Diagnostics;
use crate::base::source::{SourceId, Sources};
use crate::compile;
use crate::frontend::spec;
use crate::frontend::spec::module::Module;
use crate::target::Target;

/// A checked spec, for one target.
pub struct Checked {
    /// The file as it was named.
    pub path: PathBuf,
    /// What its text was made of besides: its Python source.
    pub inputs: Vec<PathBuf>,
    /// The target it was checked for.
    pub target: &'static Target,
    /// What it says.
    pub module: Module,
}

/// Reads and checks every spec for every target, in that order (targets vary fastest). Reports all that is wrong on the way; what
/// only warns does not keep the modules back.
pub fn check(
    paths: &[PathBuf],
    targets: &[&'static Target],
    ui: &Ui,
) -> Result<(Sources, Vec<Checked>), Exit> {
    let mut sources = Sources::default();
    let checked = check_among(&mut sources, Diagnostics::default(), paths, targets, ui)?;
    Ok((sources, checked))
}

/// As [`check`], where there are other sources, and messages about them already.
pub fn check_among(
    sources: &mut Sources,
    mut found: Diagnostics,
    paths: &[PathBuf],
    targets: &[&'static Target],
    ui: &Ui,
) -> Result<Vec<Checked>, Exit> {
    let mut loaded: Vec<(&Path, SourceId)> = Vec::new();
    let mut exit = Exit::Done;
    for path in paths {
        match spec::load(sources, path) {
            Ok(Ok(source)) => loaded.push((path, source)),
            Ok(Err(diagnostic)) => found.push(diagnostic),
            Err(error) => {
                ui.error(&error);
                exit = Exit::Environment;
            }
        }
    }
    let mut checked = Vec::new();
    for (path, source) in loaded {
        for &target in targets {
            let (module, diagnostics) = compile::check(sources, source, target);
            // The same mistake on another target is no news.
            for diagnostic in diagnostics.iter() {
                if targets.len() == 1 || !found.iter().any(|known| known == diagnostic) {
                    found.push(diagnostic.clone());
                }
            }
            checked.extend(module.map(|module| Checked {
                path: path.to_owned(),
                inputs: sources.inclusions(source).map(PathBuf::from).collect(),
                target,
                module,
            }));
        }
    }
    ui.diagnostics(sources, &found);
    if exit == Exit::Done && found.has_errors() {
        exit = Exit::Failed;
    }
    match exit {
        Exit::Done => Ok(checked),
        failed => Err(failed),
    }
}

/// The last component of a module's dotted name: what its files are called.
pub fn stem(module: &Module) -> &str {
    module
        .name
        .rsplit_once('.')
        .map_or(&module.name, |(_, last)| last)
}
