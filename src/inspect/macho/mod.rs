//! Mach-O files, alone or several in a universal one. Header, load commands, sections, symbols and relocations by `goblin`, record by
//! record, so that a damaged one spoils no other; what dyld does at load by `object` (`fixups`).
//!
//! In: the bytes. Out: a report, and the file as memory. An object's sections have addresses already, so those are used. Names of symbols
//! are told as they stand in the table of symbols, and as C has them everywhere else. Not here: archives, kernel caches, signatures.

mod file;
mod fixups;
mod names;
mod relocations;
mod tell;

use anyhow::bail;
use goblin::mach::parse_magic_and_ctx;

use super::disasm::Machine;
use super::memory::{Memory, Symbol};
use super::{Options, Reading, report, slice};
use file::File;
use fixups::Fixups;
use names::c_name;

const FAT_MAGIC: [u8; 4] = [0xca, 0xfe, 0xba, 0xbe];
const FAT_MAGIC_64: [u8; 4] = [0xca, 0xfe, 0xba, 0xbf];
/// Java's classes start like universal files; where those have the number of files inside, classes have a version of at least 45.
const MOST_MEMBERS: u32 = 32;

const X86_64: u32 = 0x100_0007;
const I386: u32 = 7;
const ARM64: u32 = 0x100_000c;

/// Whether it holds Mach-O files for several machines.
pub fn is_universal(bytes: &[u8]) -> bool {
    let magic = bytes.starts_with(&FAT_MAGIC) || bytes.starts_with(&FAT_MAGIC_64);
    magic && number(bytes, 4).is_some_and(|count| count <= MOST_MEMBERS)
}

/// Whether it is a Mach-O file.
pub fn is_thin(bytes: &[u8]) -> bool {
    matches!(parse_magic_and_ctx(bytes, 0), Ok((_, Some(_))))
}

/// A big-endian number of a universal file.
fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*field))
}

/// Reads all files in a universal one.
pub fn read_universal(
    name: &str,
    bytes: &[u8],
    options: &Options,
) -> anyhow::Result<report::Report> {
    let wide = bytes.starts_with(&FAT_MAGIC_64);
    let size = if wide { 32 } else { 20 };
    let count = number(bytes, 4).unwrap_or(0) as usize;
    let mut members = Vec::new();
    for index in 0..count {
        // cputype, cpusubtype, then offset and size, wide or not, then alignment.
        let field = |at: usize| number(bytes, 8 + index * size + at);
        let long = |at: usize| Some(u64::from(field(at)?) << 32 | u64::from(field(at + 4)?));
        let place = if wide {
            long(8).zip(long(16))
        } else {
            field(8)
                .zip(field(12))
                .map(|(at, size)| (at.into(), size.into()))
        };
        let Some((offset, size)) = place else {
            bail!("{name} is cut off in its list of files");
        };
        let part = slice(bytes, offset, size);
        if !is_thin(part) {
            bail!("{name} holds something other than Mach-O files");
        }
        members.push(read(name, part, options)?);
    }
    let machines: Vec<&str> = members.iter().map(|m| m.machine.as_str()).collect();
    Ok(report::Report {
        name: name.to_owned(),
        format: "Mach-O universal".to_owned(),
        machine: machines.join(" "),
        kind: format!("{count} files"),
        members,
        ..report::Report::default()
    })
}

/// Reads a file.
pub fn read(name: &str, bytes: &[u8], options: &Options) -> anyhow::Result<report::Report> {
    let Some(mut file) = File::parse(bytes) else {
        bail!("{name} is a damaged Mach-O file");
    };
    let mut memory = file.memory();
    let fixups = fixups::read(bytes, &file.fixup_segments());
    file.add_places(&mut memory, &fixups);
    for (name, at) in &fixups.exports {
        if let Some(at) = at.filter(|at| memory.region(*at).is_some()) {
            let symbol = Symbol {
                name: c_name(name).to_owned(),
                size: 0,
                global: true,
            };
            memory.add_symbol(at, symbol);
        }
    }
    let mut relocations = file.relocations(&mut memory);
    relocations.extend(places(&memory, &fixups));
    let report = report::Report {
        name: name.to_owned(),
        format: if file.is_64 { "Mach-O 64" } else { "Mach-O 32" }.to_owned(),
        machine: names::name(names::MACHINES, file.cpu),
        kind: names::name(names::FILES, file.kind),
        header: file.fields(),
        segments: file.report_segments(),
        needed: file.libraries.clone(),
        run_paths: file.run_paths.clone(),
        exports: file.exports(&fixups),
        imports: file.imports(&fixups),
        sections: file.report_sections(),
        symbols: file.report_symbols(),
        findings: file.findings(&memory, &fixups),
        shares: std::mem::take(&mut file.ranges).shares(bytes),
        relocations,
        ..report::Report::default()
    };
    let reading = Reading {
        report,
        memory,
        bytes,
        code: match file.cpu {
            X86_64 => Some(Machine::X86(64)),
            I386 => Some(Machine::X86(32)),
            ARM64 => Some(Machine::Arm64),
            _ => None,
        },
        starts: fixups.starts,
    };
    reading.finish(options)
}

/// What dyld fills in, for the report.
fn places(memory: &Memory, fixups: &Fixups) -> Vec<report::Relocation> {
    let describe = |place: &fixups::Place| report::Relocation {
        section: String::new(),
        offset: place.at,
        kind: place.kind.to_owned(),
        target: memory
            .known_pointer(place.at)
            .and_then(|pointer| memory.describe_pointer(pointer))
            .unwrap_or_default(),
    };
    fixups.places.iter().map(describe).collect()
}
