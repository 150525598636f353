//! Any file read back: what is in it, what it means to CPython, and what is wrong with it.
//!
//! In: the bytes of a file. Out: a [`Report`], which prints itself as text and as JSON. Files come from anywhere and may be damaged:
//! every read is checked, and what is not understood is left out. A reader per format tells the file as memory (`memory`); what looks
//! for modules, functions and faults sees only that. Not here: archives but for wheels, and whether a finding fails a run.

pub mod audit;
mod code;
mod coff;
pub mod disasm;
mod disasm_arm64;
mod elf;
mod fields;
mod macho;
mod memory;
mod module;
mod names;
pub mod page;
mod pe;
pub mod report;
mod shares;
mod structures;
mod wheel;

use anyhow::bail;

pub use code::Wanted;
pub use report::Report;

use memory::{Memory, Symbol};

/// What to look for beside what is always told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Functions to disassemble.
    pub disassemble: Wanted,
    /// Version (3.x) of the stable ABI that the file shall be content with.
    pub abi3: Option<u8>,
    /// Whether to tell what the single fields are, down to instructions; the report then holds the file's bytes, too.
    pub fields: bool,
}

/// Reads a file. `name` is for messages, for the report, and for what tags in it promise.
///
/// # Errors
/// The file is of no kind we know, or too damaged to be read at all.
pub fn inspect(name: &str, bytes: &[u8]) -> anyhow::Result<Report> {
    inspect_with(name, bytes, &Options::default())
}

/// Reads a file and does what the options say.
///
/// # Errors
/// As [`inspect`]; also if a function to be disassembled is not there or its machine is not known.
pub fn inspect_with(name: &str, bytes: &[u8], options: &Options) -> anyhow::Result<Report> {
    if bytes.starts_with(b"\x7fELF") {
        elf::read(name, bytes, options)
    } else if bytes.starts_with(b"PK\x03\x04") {
        wheel::read(name, bytes, options)
    } else if bytes.starts_with(b"MZ") {
        pe::read(name, bytes, options)
    } else if macho::is_universal(bytes) {
        macho::read_universal(name, bytes, options)
    } else if macho::is_thin(bytes) {
        macho::read(name, bytes, options)
    } else if coff::is_object(bytes) {
        coff::read(name, bytes, options)
    } else {
        match bytes {
            [] => bail!("{name} is empty"),
            _ => bail!(
                "{name} is no ELF, Mach-O, COFF or PE file and no wheel; it starts with {:02x?}",
                &bytes[..bytes.len().min(4)]
            ),
        }
    }
}

/// How many relocations of `entry` bytes a file can have. Tables do not overlap in sound files; sections of a hostile one may all name the
/// same long table.
fn most_relocations(bytes: &[u8], entry: usize) -> usize {
    bytes.len() / entry
}

/// What a format's reader knows beside its report.
struct Reading<'a> {
    report: Report,
    memory: Memory<'a>,
    bytes: &'a [u8],
    /// The machine, where we can disassemble its code.
    code: Option<disasm::Machine>,
    /// Addresses of functions beside those of symbols.
    starts: Vec<u64>,
}

impl Reading<'_> {
    /// What is done for all formats alike.
    fn finish(mut self, options: &Options) -> anyhow::Result<Report> {
        let found = module::find(&self.memory);
        self.report.modules = found.modules;
        self.report.other_methods = found.other_methods;
        self.name_methods();
        audit::audit(&mut self.report, &self.memory, options.abi3);
        self.report.functions = code::disassemble(
            &self.memory,
            &options.disassemble,
            self.code,
            &self.report.machine,
            &self.starts,
        )?;
        if options.fields {
            self.report.fields =
                fields::fields(&self.report, &self.memory, &found.records, self.bytes);
            self.report.bytes = self.bytes.to_vec();
        }
        Ok(self.report)
    }

    /// Functions without a symbol are called as their methods are.
    fn name_methods(&mut self) {
        let tables = self
            .report
            .modules
            .iter()
            .flat_map(|module| &module.methods);
        for method in tables.chain(&self.report.other_methods) {
            if let Some(at) = method.address
                && self.memory.symbol_at(at).is_none()
            {
                let symbol = Symbol {
                    name: method.name.clone(),
                    size: 0,
                    global: false,
                };
                self.memory.add_symbol(at, symbol);
            }
        }
    }
}

/// Part of a file: from an offset, as far as it goes.
fn slice(bytes: &[u8], offset: u64, size: u64) -> &[u8] {
    let length = bytes.len() as u64;
    let start = offset.min(length);
    let end = offset.saturating_add(size).min(length);
    &bytes[start as usize..end as usize]
}
