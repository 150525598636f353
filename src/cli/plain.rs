//! For whom there is a wheel of plain Python: projects whose specs are all Python files run on every interpreter, though slowly.
//!
//! In: what `pyasmgen wheel` was asked for, and a sound project. Out: whether such a wheel is made, whether compiled ones are, and what is to be said of
//! it: functions that only a compiled module has, and specs that keep the wheel back. Its content is not here (`pack::wheel`).

use anyhow::bail;

use super::project::Found;
use super::ui::Ui;
use super::wheel::Args;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::frontend::lang::typed::Overflow;
use crate::frontend::spec::module::Module;
use crate::frontend::spec::python::is_python;
use crate::pack::tags::Tag;

/// Whether to make the wheel of plain Python, and compiled ones. `foreign` says why the interpreter that asks takes no compiled one.
///
/// # Errors
/// There is no wheel that fits.
pub fn wanted(
    args: &Args,
    found: &Found,
    foreign: Option<anyhow::Error>,
    ui: &Ui,
) -> anyhow::Result<(bool, bool)> {
    let short = Tag::plain().short();
    let is_named = args.tags.contains(&short);
    let is_all = args.tags.is_empty() && args.targets.iter().any(|target| target == "all");
    let compiled = foreign.is_none() && (args.tags.is_empty() || args.tags != [short.as_str()]);
    let Some(spec) = found.project.not_plain() else {
        let plain = foreign.is_some() || is_named || is_all;
        if plain {
            ui.diagnostics(&found.sources, &lacking(found));
        }
        return Ok((plain, compiled));
    };
    match foreign {
        Some(why) => return Err(why),
        None if is_named => bail!(
            "there is no wheel {short}: {} is no Python file, and has no plain Python",
            spec.display()
        ),
        None if is_all => ui.diagnostics(&found.sources, &kept_back(found)),
        None => {}
    }
    Ok((false, compiled))
}

/// The functions that plain Python has not.
fn lacking(found: &Found) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    for function in found.modules().iter().flat_map(|module| &module.functions) {
        // Functions inside of others have their mode.
        if function.overflow == Overflow::Wrap && !function.name.contains('.') {
            let message = format!(
                "`{}` is not there in plain Python: only the compiled module wraps integers",
                function.name
            );
            let hint =
                "mask the results instead, as in `(x * y) & 0xFFFF_FFFF`; that is the same in both";
            diagnostics.push(Diagnostic::warning(function.span, message).hint(hint));
        }
    }
    diagnostics
}

/// The specs that keep the wheel back, where others would have it.
fn kept_back(found: &Found) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    let name = |module: &Module| found.sources.file(module.source).name.as_str();
    let (plain, others): (Vec<&Module>, Vec<&Module>) =
        (found.modules().into_iter()).partition(|module| is_python(name(module)));
    if let (Some(plain), Some(other)) = (plain.first(), others.first()) {
        let message =
            "there is no wheel for other interpreters than CPython: this spec has no plain Python";
        let hint = format!(
            "`{}` has; a project has such a wheel where all of its specs are Python files",
            name(plain)
        );
        diagnostics.push(Diagnostic::warning(other.span, message).hint(hint));
    }
    diagnostics
}
