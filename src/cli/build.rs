//! `pyasmgen build`: specs become objects, modules and the texts between the stages.
//!
//! Everything is checked before anything is written. How a module is linked is not here (`link`).

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::ValueEnum;

use super::linker::{self, Choice};
use super::output::{self, Output};
use super::specs::{self, Checked};
use super::ui::{self, MessageFormat, Ui};
use super::{Exit, depfile};
use crate::base::source::Sources;
use crate::compile::{self, Compiled, Debug, Options};
use crate::frontend::stub;
use crate::ir::print;
use crate::link::{self, Linker};
use crate::target::{self, Target};

/// Build objects and importable modules from specs
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Spec files
    #[arg(value_name = "SPEC", required = true)]
    specs: Vec<PathBuf>,
    /// Write into this folder (there, or ending in a slash), or, where there is one output, to this file; `-` is stdout
    #[arg(short, long, value_name = "FILE|DIR")]
    output: Option<PathBuf>,
    /// Build for this target instead of this machine; may be repeated, then each gets a folder of its own
    #[arg(long = "target", value_name = "TRIPLE")]
    targets: Vec<String>,
    /// What to write, separated by commas [default: object,module]
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    emit: Vec<Emit>,
    /// What makes the module: `self` (no other program), `system` (the first linker found), or a name like `ld`, `ld.lld`, `mold`,
    /// `gold`, `cc`, `ld64.lld`, `lld-link`, or a path [default: self]
    #[arg(long, value_name = "LINKER")]
    linker: Option<Choice>,
    /// Write the dependencies of the outputs in make's syntax
    #[arg(long, value_name = "FILE")]
    depfile: Option<PathBuf>,
    /// Print the command by which `--linker` (here `system` by default) links the object, instead of running it; what it reads is
    /// written
    #[arg(long, value_enum, value_name = "WHAT")]
    print: Option<Print>,
    /// Form of the diagnostics on stderr
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub message_format: MessageFormat,
    /// Call imports through stubs instead of their pointer slots
    #[arg(long)]
    plt: bool,
    /// Tell debuggers of the finished module what they are always told of objects: lines, parameters, locals
    #[arg(long)]
    debug: bool,
}

/// What can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Emit {
    /// The relocatable object
    Object,
    /// The importable module
    Module,
    /// The intermediate representation as text
    Ir,
    /// What type checkers and editors read of the module
    Stub,
    #[value(hide = true)]
    Asm,
}

/// What can be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Print {
    /// The command that links the object
    Link,
}

/// Where the outputs of one spec for one target go. The object has a place even where only the module is wanted: there it is left
/// when the linker is missing.
struct Places {
    object: Place,
    module: Place,
    ir: Place,
    stub: Place,
}

#[derive(Clone)]
enum Place {
    File(PathBuf),
    Stdout,
}

impl Args {
    /// What makes modules. Who asks for a command wants that of a linker.
    fn linker(&self) -> Choice {
        match (&self.linker, self.print) {
            (Some(choice), _) => choice.clone(),
            (None, None) => Choice::Own,
            (None, Some(Print::Link)) => Choice::Program("system".to_owned()),
        }
    }
}

/// Builds all specs for all targets.
pub fn run(args: &Args, ui: &Ui) -> anyhow::Result<Exit> {
    let emit = wanted(args)?;
    let targets = targets(&args.targets)?;
    let (sources, checked) = match specs::check(&args.specs, &targets, ui) {
        Ok(checked) => checked,
        Err(exit) => return Ok(exit),
    };
    let places = places(args, &emit, targets.len(), &checked)?;
    keep_apart(args, &emit, &places, &checked)?;
    if args.print == Some(Print::Link) {
        // A linker that does not suit leaves nothing behind.
        for (checked, places) in checked.iter().zip(&places) {
            link_command(args, checked.target, places)?;
        }
    }
    let mut rules = Vec::new();
    let mut unlinked = None;
    let count = checked.len();
    // Objects tell debuggers all there is, and so do modules that are linked from them. Who wants modules alone says whether they do.
    let is_told = args.debug || emit.contains(&Emit::Object);
    for (checked, places) in checked.into_iter().zip(&places) {
        let target = checked.target;
        let inputs = [vec![checked.path], checked.inputs].concat();
        let options = Options {
            plt: args.plt,
            debug: is_told.then_some(Debug {
                sources: &sources,
                in_modules: args.debug,
            }),
            ..Options::default()
        };
        let compiled = compile::compile(checked.module, target, options);
        if let Err(error) = write(args, &emit, &sources, &compiled, target, places) {
            // The other specs still get their files; the first linker that is not there is reported in the end.
            match error.downcast::<link::Missing>() {
                Ok(missing) => drop(unlinked.get_or_insert((missing, target, places))),
                Err(error) => return Err(error),
            }
        }
        rules.push((outputs(&emit, places), inputs));
        if rules.len() == count {
            // The process ends now; to take millions of small pieces apart first would only delay that.
            std::mem::forget(compiled);
        }
    }
    if let Some(path) = &args.depfile {
        output::write(path, depfile::text(&rules).as_bytes())?;
    }
    if let Some((missing, target, places)) = unlinked {
        let (_, command) = link_command(args, target, places)?;
        let command = link::shell(&command);
        bail!("{missing}; the object is there, and this links it:\n{command}");
    }
    Ok(Exit::Done)
}

/// The rows of the triples, each once; this machine's without any.
///
/// # Errors
/// A triple is not in the table.
pub fn targets(triples: &[String]) -> anyhow::Result<Vec<&'static Target>> {
    if triples.is_empty() {
        return Ok(vec![target::host()]);
    }
    let mut rows: Vec<&'static Target> = Vec::new();
    for triple in triples {
        let row = target::find(triple).map_err(anyhow::Error::msg)?;
        if !rows.iter().any(|there| there.triple == row.triple) {
            rows.push(row);
        }
    }
    Ok(rows)
}

/// What to write, and a refusal of what is not there yet.
fn wanted(args: &Args) -> anyhow::Result<BTreeSet<Emit>> {
    let mut emit: BTreeSet<Emit> = args.emit.iter().copied().collect();
    if emit.is_empty() {
        emit.extend([Emit::Object, Emit::Module]);
    }
    if emit.contains(&Emit::Asm) {
        bail!("`--emit asm` is not there yet");
    }
    Ok(emit)
}

fn places(
    args: &Args,
    emit: &BTreeSet<Emit>,
    targets: usize,
    checked: &[Checked],
) -> anyhow::Result<Vec<Places>> {
    let output = Output::new(args.output.as_deref());
    let several = emit.len() * checked.len();
    if several > 1 {
        match &output {
            Output::File(path) => bail!(
                "`-o {0}` names one file, and there are {several} outputs; `-o {0}/` would be a folder",
                path.display()
            ),
            Output::Stdout => bail!("`-o -` takes one output, and there are {several}"),
            Output::Folder(_) => {}
        }
    }
    if output == Output::Stdout && args.print.is_some() {
        bail!("`-o -` and `--print` both take stdout");
    }
    if output == Output::Stdout && emit.contains(&Emit::Module) && args.linker() != Choice::Own {
        bail!("a linker writes no module to stdout; `--linker self` does");
    }
    let places: Vec<Places> = checked
        .iter()
        .map(|checked| place(&output, emit, targets > 1, checked))
        .collect();
    let mut seen = BTreeSet::new();
    for path in places.iter().flat_map(|places| outputs(emit, places)) {
        if !seen.insert(path.clone()) {
            bail!("two specs would be written to {}", path.display());
        }
    }
    Ok(places)
}

/// No output replaces a spec or its source, nor the depfile an output.
fn keep_apart(
    args: &Args,
    emit: &BTreeSet<Emit>,
    places: &[Places],
    checked: &[Checked],
) -> anyhow::Result<()> {
    let inputs = checked.iter().flat_map(|checked| &checked.inputs);
    let specs: Vec<PathBuf> = (args.specs.iter().chain(inputs.clone()))
        .map(|spec| output::identity(spec))
        .collect();
    let mut written: Vec<PathBuf> = places.iter().flat_map(|p| outputs(emit, p)).collect();
    if let Some(depfile) = &args.depfile {
        let same = |path: &PathBuf| output::identity(path) == output::identity(depfile);
        if written.iter().any(same) {
            bail!("{} would be an output and the depfile", depfile.display());
        }
        let names = args.specs.iter().chain(inputs).chain(&written);
        if let Some(path) = depfile::unnameable(names) {
            bail!("{path:?}: a depfile cannot name a file with a line end in its name");
        }
        written.push(depfile.clone());
    }
    match written
        .iter()
        .find(|path| specs.contains(&output::identity(path)))
    {
        Some(path) => bail!("{} is a spec and would be written over", path.display()),
        None => Ok(()),
    }
}

fn place(output: &Output, emit: &BTreeSet<Emit>, by_triple: bool, checked: &Checked) -> Places {
    let target = checked.target;
    let stem = specs::stem(&checked.module);
    let folder = match output {
        Output::Folder(folder) if by_triple => folder.join(target.triple),
        Output::Folder(folder) => folder.clone(),
        Output::File(file) => file.parent().map(Path::to_owned).unwrap_or_default(),
        Output::Stdout => PathBuf::new(),
    };
    let named = |kind: Emit, suffix: &str| match output {
        Output::File(file) if emit.contains(&kind) => file.clone(),
        _ => folder.join(format!("{stem}{suffix}")),
    };
    let place = |kind: Emit, suffix: &str| match output {
        Output::Stdout => Place::Stdout,
        _ => Place::File(named(kind, suffix)),
    };
    Places {
        object: place(Emit::Object, target.object_suffix),
        module: place(Emit::Module, target.module_suffix),
        ir: place(Emit::Ir, ".ir"),
        stub: place(Emit::Stub, ".pyi"),
    }
}

/// The files that will be written.
fn outputs(emit: &BTreeSet<Emit>, places: &Places) -> Vec<PathBuf> {
    emit.iter()
        .filter_map(|kind| match kind {
            Emit::Object => places.object.path().map(Path::to_owned),
            Emit::Module => places.module.path().map(Path::to_owned),
            Emit::Ir => places.ir.path().map(Path::to_owned),
            Emit::Stub => places.stub.path().map(Path::to_owned),
            Emit::Asm => None,
        })
        .collect()
}

fn write(
    args: &Args,
    emit: &BTreeSet<Emit>,
    sources: &Sources,
    compiled: &Compiled,
    target: &Target,
    places: &Places,
) -> anyhow::Result<()> {
    if emit.contains(&Emit::Ir) {
        let text = print::program_with_source(&compiled.program, sources);
        places.ir.write(text.as_bytes())?;
    }
    if emit.contains(&Emit::Stub) {
        places.stub.write(stub::stub(&compiled.module).as_bytes())?;
    }
    if emit.contains(&Emit::Object) {
        places.object.write(&compiled.object(target))?;
    }
    if args.print == Some(Print::Link) {
        let command = leave(args, emit, compiled, target, places)?;
        return ui::result(format!("{}\n", link::shell(&command)).as_bytes());
    }
    if emit.contains(&Emit::Module) {
        let choice = match args.linker() {
            Choice::Own => return places.module.write(&compiled.linked(target)),
            Choice::Program(choice) => choice,
        };
        let object = places.object.path();
        let object = object.filter(|_| emit.contains(&Emit::Object));
        let linked = linker::link(&choice, compiled, target, object, places.module.file()?);
        if linked
            .as_ref()
            .is_err_and(|error| error.is::<link::Missing>())
        {
            leave(args, emit, compiled, target, places)?;
        }
        linked?;
    }
    Ok(())
}

/// Writes everything that the command reads which is going to be printed; the command.
fn leave(
    args: &Args,
    emit: &BTreeSet<Emit>,
    compiled: &Compiled,
    target: &Target,
    places: &Places,
) -> anyhow::Result<Vec<OsString>> {
    let (linker, command) = link_command(args, target, places)?;
    if !emit.contains(&Emit::Object) {
        places.object.write(&compiled.object(target))?;
    }
    if let Some((name, content)) = link::support(&linker, target)? {
        output::write(&places.module.file()?.with_file_name(name), &content)?;
    }
    Ok(command)
}

/// The command that links the object, and the linker that it is for.
fn link_command(
    args: &Args,
    target: &Target,
    places: &Places,
) -> anyhow::Result<(Linker, Vec<OsString>)> {
    let choice = match args.linker() {
        Choice::Program(choice) => choice,
        Choice::Own => bail!("`--linker self` runs no command; `--linker system` does"),
    };
    let linker = link::resolve(&choice, target).unwrap_or_else(|missing| missing.would_run);
    let (object, module) = (places.object.file()?, places.module.file()?);
    let command = link::command(&linker, target, object, module)?;
    Ok((linker, command))
}

impl Place {
    fn path(&self) -> Option<&Path> {
        match self {
            Place::File(path) => Some(path),
            Place::Stdout => None,
        }
    }

    fn file(&self) -> anyhow::Result<&Path> {
        self.path().context("a linker reads and writes files only")
    }

    fn write(&self, bytes: &[u8]) -> anyhow::Result<()> {
        match self {
            Place::File(path) => output::write(path, bytes),
            Place::Stdout => ui::result(bytes),
        }
    }
}
