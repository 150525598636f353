//! `pyasmgen wheel`: a project, or a single spec, becomes wheels for all interpreters of any number of targets.
//!
//! All wheels are made before the first is written; targets are worked on at the same time. Which interpreter asks is found out in `python`, for whom
//! there is a wheel of plain Python in `plain`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};

use super::python::Asked;
use super::specs::Checked;
use super::ui::{self, MessageFormat, Ui};
use super::{Exit, build, output, plain, project, python};
use crate::compile::{self, Compiled, Options};
use crate::frontend::spec::module::Module;
use crate::pack::project::Project;
use crate::pack::tags::{self, Tag};
use crate::pack::wheel::{self, Kind, Wheel};
use crate::target::{self, TARGETS, Target};

/// Build wheels for all supported Pythons from a project or a single spec
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder with a pyproject.toml, or a spec
    #[arg(value_name = "PROJECT|SPEC", default_value = ".")]
    project: PathBuf,
    /// Write into this folder
    #[arg(short, long, value_name = "DIR", default_value = "dist")]
    output: PathBuf,
    /// Build for this target instead of this machine; may be repeated; `all` for every target there is
    #[arg(long = "target", value_name = "all|TRIPLE")]
    pub targets: Vec<String>,
    /// Only the wheel with this tag of interpreter and ABI, as in `cp310-abi3`, or `py3-none` for plain Python; may be repeated
    #[arg(long = "tag", value_name = "PYTHON-ABI")]
    pub tags: Vec<String>,
    /// Only the wheel that this interpreter takes; a target or a tag beside it holds instead of its own
    #[arg(long, value_name = "EXE")]
    interpreter: Option<OsString>,
    /// Leave the project's Python code where it is (PEP 660); its modules are built into its packages
    #[arg(long, requires = "interpreter")]
    editable: bool,
    /// Write nothing but the wheel's folder of metadata, into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "output")]
    metadata: Option<PathBuf>,
    /// Form of the diagnostics on stderr
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub message_format: MessageFormat,
}

/// Writes the wheels and prints their paths.
pub fn run(args: &Args, ui: &Ui) -> anyhow::Result<Exit> {
    let time = project::time()?;
    let asked = args.interpreter.as_deref().map(python::ask).transpose()?;
    let (targets, foreign) = match &asked {
        Some(asked) => match asked.runs_modules().and_then(|()| asked.targets(args)) {
            Ok(targets) => (targets, None),
            Err(why) => (vec![target::host()], Some(why)),
        },
        None => (targets(&args.targets)?, None),
    };
    let found = match project::check(&args.project, &targets, ui)? {
        Ok(found) => found,
        Err(exit) => return Ok(exit),
    };
    let (plain, compiled) = plain::wanted(args, &found, foreign, ui)?;
    let work = Work {
        args,
        project: &found.project,
        asked,
        time,
    };
    let plain = plain.then(|| work.plain(&found.modules())).transpose()?;
    let mut wheels = match compiled {
        true => work.all(&targets, found.checked)?,
        false => Vec::new(),
    };
    wheels.extend(plain);
    if let Some(folder) = &args.metadata {
        return metadata(folder, &wheels);
    }
    for (wheel, bytes) in &wheels {
        for (path, module) in &wheel.in_place {
            output::write(path, module)?;
        }
        let path = args.output.join(wheel.file_name());
        output::write(&path, bytes)?;
        ui::result(format!("{}\n", path.display()).as_bytes())?;
    }
    Ok(Exit::Done)
}

impl Asked {
    /// The targets that are named beside an interpreter, or its own.
    fn targets(&self, args: &Args) -> anyhow::Result<Vec<&'static Target>> {
        match args.targets.as_slice() {
            [] => Ok(vec![self.target()?]),
            triples => targets(triples),
        }
    }
}

/// The rows of the triples, of several with the same tags the first; `all` of the table.
fn targets(triples: &[String]) -> anyhow::Result<Vec<&'static Target>> {
    let mut rows = if triples.iter().any(|triple| triple == "all") {
        TARGETS.iter().collect()
    } else {
        build::targets(triples)?
    };
    let mut seen = BTreeSet::new();
    rows.retain(|row| seen.insert(tags::platform_tags(row)));
    Ok(rows)
}

/// Writes the folder of metadata of the only wheel, or of the first: they differ in the file WHEEL alone.
fn metadata(folder: &Path, wheels: &[(Wheel, Vec<u8>)]) -> anyhow::Result<Exit> {
    let (wheel, _) = wheels.first().context("no wheel was made")?;
    let name = wheel.dist_info();
    let record = format!("{name}/RECORD");
    for file in &wheel.files {
        if file.path.starts_with(&format!("{name}/")) && file.path != record {
            output::write(&folder.join(&file.path), &file.bytes)?;
        }
    }
    ui::result(format!("{}\n", folder.join(name).display()).as_bytes())?;
    Ok(Exit::Done)
}

/// What all targets have in common.
struct Work<'a> {
    args: &'a Args,
    project: &'a Project,
    asked: Option<Asked>,
    time: u64,
}

/// How long nobody is told that there is something to do.
const PATIENCE: Duration = Duration::from_millis(500);

impl Work<'_> {
    /// The wheel of plain Python.
    fn plain(&self, modules: &[&Module]) -> anyhow::Result<(Wheel, Vec<u8>)> {
        let wheel = wheel::plain(self.project, modules, &self.kind())?;
        let bytes = wheel.bytes(self.time)?;
        Ok((wheel, bytes))
    }

    fn kind(&self) -> Kind {
        match &self.asked {
            Some(asked) if self.args.editable => Kind::Editable {
                suffix: asked.suffix.clone(),
            },
            _ => Kind::Copied,
        }
    }

    /// The wheels of all targets, target by target.
    fn all(
        &self,
        targets: &[&'static Target],
        checked: Vec<Checked>,
    ) -> anyhow::Result<Vec<(Wheel, Vec<u8>)>> {
        let mut modules: Vec<Vec<Checked>> = targets.iter().map(|_| Vec::new()).collect();
        for (at, checked) in checked.into_iter().enumerate() {
            modules[at % targets.len()].push(checked);
        }
        let (sender, receiver) = mpsc::channel();
        let mut done: Vec<Option<_>> = targets.iter().map(|_| None).collect();
        thread::scope(|scope| -> anyhow::Result<()> {
            for (at, (target, checked)) in targets.iter().zip(modules).enumerate() {
                let sender = sender.clone();
                thread::Builder::new()
                    .stack_size(compile::STACK)
                    .spawn_scoped(scope, move || {
                        // Nobody listens any more where another target went wrong.
                        let _ = sender.send((at, self.target(target, checked)));
                    })
                    .context("cannot start a thread")?;
            }
            drop(sender);
            let mut bar = None;
            for left in (1..=targets.len()).rev() {
                let (at, wheels) = loop {
                    match receiver.recv_timeout(PATIENCE) {
                        Ok(came) => break came,
                        Err(mpsc::RecvTimeoutError::Timeout) => {
                            bar.get_or_insert_with(|| progress(targets.len()));
                        }
                        // A thread that panicked has said why.
                        Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(()),
                    }
                    show(bar.as_ref(), targets.len() - left);
                };
                done[at] = Some(wheels?);
                show(bar.as_ref(), targets.len() + 1 - left);
            }
            if let Some(bar) = bar {
                bar.finish_and_clear();
            }
            Ok(())
        })?;
        let wheels: Vec<_> = done.into_iter().flatten().flatten().collect();
        if wheels.is_empty() {
            bail!(
                "no wheel has the tag {}; without `--tag` all are made, and named",
                self.args.tags.join(" or ")
            );
        }
        Ok(wheels)
    }

    fn target(
        &self,
        target: &'static Target,
        checked: Vec<Checked>,
    ) -> anyhow::Result<Vec<(Wheel, Vec<u8>)>> {
        let compiled: Vec<Compiled> = checked
            .into_iter()
            .map(|checked| compile::compile(checked.module, target, Options::default()))
            .collect();
        let tags = self.wanted(wheel::tags_of(&compiled, target))?;
        let wheels = wheel::wheels(self.project, &compiled, target, &tags, &self.kind())?;
        let packed = |wheel: Wheel| {
            let bytes = wheel.bytes(self.time)?;
            Ok((wheel, bytes))
        };
        wheels.into_iter().map(packed).collect()
    }

    fn wanted(&self, mut tags: Vec<Tag>) -> anyhow::Result<Vec<Tag>> {
        let named = &self.args.tags;
        if let (Some(Asked { interpreter, .. }), true) = (&self.asked, named.is_empty()) {
            let interpreter = *interpreter;
            let all: Vec<String> = tags.iter().map(Tag::compressed).collect();
            tags.retain(|tag| tag.fits(interpreter));
            // The first of them serves most.
            tags.truncate(1);
            if tags.is_empty() {
                let kind = if interpreter.free_threaded { "t" } else { "" };
                bail!(
                    "no wheel fits CPython 3.{}{kind}; there are {}",
                    interpreter.minor,
                    all.join(", ")
                );
            }
        }
        tags.retain(|tag| named.is_empty() || named.contains(&tag.short()));
        Ok(tags)
    }
}

fn progress(targets: usize) -> ProgressBar {
    let bar = ProgressBar::new(targets as u64);
    let style = ProgressStyle::with_template("{spinner} {pos} of {len} targets, {elapsed}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

fn show(bar: Option<&ProgressBar>, done: usize) {
    if let Some(bar) = bar {
        bar.set_position(done as u64);
        bar.tick();
    }
}
