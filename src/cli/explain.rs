//! `pyasmgen explain`: source line -> IR -> instructions -> bytes, for every function of a spec or of one method; as text, or as a page.
//!
//! The bytes are read from the image that the object is written from, so they are those of the object. A source line appears where
//! its first instruction stands, with its IR; instructions that come from no line (argument handling, prologues) stand under `-`.

mod page;

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::bail;

use super::specs::Checked;
use super::ui::{self, Ui};
use super::{Exit, output, specs};
use crate::backend::isa::code::Code;
use crate::backend::obj::image::{Fixup, Image, Place, Role};
use crate::base::nearest::nearest;
use crate::base::source::{Sources, Span};
use crate::compile::{self, Compiled, Options};
use crate::inspect::disasm::{self, Machine, Use};
use crate::ir::func::Func;
use crate::ir::print;
use crate::target::{self, Arch, Format, Target};

/// Show how source lines become IR, instructions and bytes
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Spec file
    #[arg(value_name = "SPEC")]
    spec: PathBuf,
    /// Only the functions of this method
    #[arg(value_name = "METHOD")]
    method: Option<String>,
    /// Explain for this target instead of this machine; several are shown one after the other, or side by side
    #[arg(long, value_name = "TRIPLE")]
    target: Vec<String>,
    /// Write a page in which lines, instructions and bytes lead to each other, to be opened in a browser, instead of printing
    #[arg(long, value_name = "OUT")]
    html: Option<PathBuf>,
}

/// What stands on a page beside this machine's code, unless targets are named: a row for each family of calling conventions.
const BESIDE: &[&str] = &[
    "x86_64-unknown-linux-gnu",
    "x86_64-pc-windows-msvc",
    "aarch64-unknown-linux-gnu",
];

/// Prints all functions in their order in memory.
pub fn run(args: &Args, ui: &Ui) -> anyhow::Result<Exit> {
    let targets = targets(args)?;
    let (sources, checked) = match specs::check(std::slice::from_ref(&args.spec), &targets, ui) {
        Ok(checked) => checked,
        Err(exit) => return Ok(exit),
    };
    let method = args.method.as_deref();
    if let (Some(method), Some(first)) = (method, checked.first()) {
        has_method(first, method)?;
    }
    if let Some(html) = &args.html {
        let inputs = checked.iter().flat_map(|checked| &checked.inputs);
        output::spares(html, inputs.chain([&args.spec]))?;
    }
    let compiled: Vec<(&Target, Compiled)> = checked
        .into_iter()
        .map(|checked| {
            let compiled = compile::compile(checked.module, checked.target, Options::default());
            (checked.target, compiled)
        })
        .collect();
    if let Some(html) = &args.html {
        let page = page::page(&args.spec, &sources, &compiled, method)?;
        output::write(html, page.as_bytes())?;
        return Ok(Exit::Done);
    }
    for (number, (target, compiled)) in compiled.iter().enumerate() {
        if targets.len() > 1 {
            let gap = if number == 0 { "" } else { "\n" };
            ui::result(format!("{gap}{}\n\n", target.triple).as_bytes())?;
        }
        let text = Explanation::new(&sources, compiled, target).text(method);
        ui::result(text.as_bytes())?;
    }
    Ok(Exit::Done)
}

/// The targets that are asked for.
fn targets(args: &Args) -> anyhow::Result<Vec<&'static Target>> {
    let mut targets: Vec<&'static Target> = Vec::new();
    let named = args.target.iter().map(|triple| target::find(triple));
    for target in named {
        targets.push(target.map_err(anyhow::Error::msg)?);
    }
    if targets.is_empty() {
        targets.push(target::host());
        if args.html.is_some() {
            targets.extend(BESIDE.iter().filter_map(|triple| target::find(triple).ok()));
        }
    }
    let mut seen = BTreeSet::new();
    targets.retain(|target| seen.insert(target.triple));
    Ok(targets)
}

fn has_method(checked: &Checked, method: &str) -> anyhow::Result<()> {
    let names = checked.module.methods.iter().map(|m| m.name.as_str());
    if names.clone().any(|name| name == method) {
        return Ok(());
    }
    let hint = nearest(method, names)
        .map(|name| format!("; did you mean `{name}`?"))
        .unwrap_or_default();
    bail!("{} has no method `{method}`{hint}", checked.path.display());
}

/// All that the text is made from.
struct Explanation<'a> {
    machine: Machine,
    sources: &'a Sources,
    compiled: &'a Compiled,
    image: &'a Image,
    /// Functions with their code and their place in the text section, in memory order.
    funcs: Vec<(&'a Func, &'a Code, usize)>,
    /// Bytes of the text section, and what in them only a linker can fill in.
    bytes: Vec<u8>,
    fixups: Vec<Fixup>,
}

/// A line of a source file; none for what has no source.
type LineKey = Option<(u32, usize)>;

impl<'a> Explanation<'a> {
    fn new(sources: &'a Sources, compiled: &'a Compiled, target: &Target) -> Explanation<'a> {
        let image = &compiled.image;
        let (bytes, fixups) = image
            .find(Role::Text)
            .map(|section| image.settled(section, target.format == Format::Coff))
            .unwrap_or_default();
        Explanation {
            machine: match target.arch {
                Arch::X86_64 => Machine::X86(64),
                Arch::Aarch64 => Machine::Arm64,
            },
            sources,
            compiled,
            image,
            funcs: in_memory(compiled),
            bytes,
            fixups,
        }
    }

    fn text(&self, method: Option<&str>) -> String {
        let mut text = String::new();
        for &(func, code, offset) in &self.funcs {
            if method.is_some_and(|method| !belongs(&func.name, method)) {
                continue;
            }
            if !text.is_empty() {
                text.push('\n');
            }
            self.function(&mut text, func, code, offset);
        }
        text
    }

    fn function(&self, text: &mut String, func: &Func, code: &Code, offset: usize) {
        let size = code.bytes.len();
        *text += &format!("{}: {size} bytes at {offset:#x}\n", func.name);
        let bytes = &self.bytes[offset..offset + size];
        let resolve = |used: Use| self.name(offset + used.field, used.address, func, offset, size);
        let lines = disasm::disassemble(self.machine, bytes, offset as u64, &resolve);
        let mut explained: BTreeSet<LineKey> = BTreeSet::new();
        let mut last: Option<LineKey> = None;
        for line in lines {
            let key = self.key(source_at(code, line.offset));
            if last != Some(key) {
                last = Some(key);
                *text += &format!("\n  {}\n", self.heading(key));
                if explained.insert(key) {
                    self.ir(text, func, key);
                }
            }
            let hex: Vec<String> = line
                .bytes
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            *text += &format!(
                "    {:6x}  {:<30}  {}\n",
                offset + line.offset,
                hex.join(" "),
                line.text
            );
        }
    }

    /// The name of what a field or an address refers to.
    fn name(
        &self,
        field: usize,
        address: u64,
        func: &Func,
        offset: usize,
        size: usize,
    ) -> Option<String> {
        let at = self
            .fixups
            .binary_search_by_key(&(field as u64), |fixup| fixup.at);
        if let Ok(at) = at {
            let fixup = &self.fixups[at];
            let name = &self.image.symbol(fixup.symbol).name;
            return Some(match fixup.addend {
                0 => name.clone(),
                addend => format!("{name}{addend:+}"),
            });
        }
        if (offset..offset + size).contains(&(address as usize)) {
            return Some(format!("{}+{:#x}", func.name, address as usize - offset));
        }
        let at = self
            .funcs
            .binary_search_by_key(&address, |&(_, _, start)| start as u64)
            .ok()?;
        Some(self.funcs[at].0.name.clone())
    }

    fn key(&self, span: Option<Span>) -> LineKey {
        let span = span?;
        let (line, _) = self.sources.file(span.source).line_column(span.start);
        Some((span.source.0, line))
    }

    fn heading(&self, key: LineKey) -> String {
        let Some((source, line)) = key else {
            return "-".to_owned();
        };
        let file = self.sources.file(crate::base::source::SourceId(source));
        format!("{}:{line}: {}", file.name, file.line(line).trim())
    }

    /// The IR of a source line.
    fn ir(&self, text: &mut String, func: &Func, key: LineKey) {
        for block in func.layout() {
            let data = &func.blocks[block.index()];
            let insts = data.insts.iter().map(|&inst| {
                let span = func.insts[inst.index()].span;
                (span, print::inst(func, &self.compiled.program, inst))
            });
            let term = data
                .term
                .iter()
                .map(|term| (data.term_span, print::term(term)));
            let mine: Vec<String> = insts
                .chain(term)
                .filter(|(span, _)| self.key(*span) == key)
                .map(|(_, line)| line)
                .collect();
            for (at, line) in mine.iter().enumerate() {
                let label = if at == 0 {
                    format!("{block}:")
                } else {
                    String::new()
                };
                *text += &format!("    {label:<6}  {line}\n");
            }
        }
    }
}

/// The image's text symbols are the program's functions, the cold ones behind the others.
fn in_memory(compiled: &Compiled) -> Vec<(&Func, &Code, usize)> {
    let image = &compiled.image;
    let all = || compiled.program.funcs.iter().flatten().zip(&compiled.codes);
    let warm = all().filter(|(func, _)| !func.cold);
    let cold = all().filter(|(func, _)| func.cold);
    let offsets = image
        .symbols
        .iter()
        .filter_map(|symbol| match symbol.place {
            Place::Defined {
                section, offset, ..
            } if image.section(section).role == Role::Text => Some(offset as usize),
            Place::Defined { .. } | Place::Import => None,
        });
    warm.chain(cold)
        .zip(offsets)
        .map(|((func, code), offset)| (func, code, offset))
        .collect()
}

/// A method's functions are called like it, or so with something behind a dot; its body, where several of them call it, has the latter in front.
fn belongs(func: &str, method: &str) -> bool {
    let is_of = |name: &str| {
        let rest = name.strip_prefix(method);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    is_of(func) || func.strip_prefix("body.").is_some_and(is_of)
}

fn source_at(code: &Code, offset: usize) -> Option<Span> {
    let next = code
        .lines
        .partition_point(|&(start, _)| start as usize <= offset);
    code.lines.get(next.checked_sub(1)?)?.1
}
