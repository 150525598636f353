//! Reports for people: text.
//!
//! In: a report. Out: what the file is, what is wrong with it, what it means to CPython, then its parts, a line each.

use std::fmt;

use super::{
    File, Finding, Function, Import, Method, Module, Relocation, Report, Section, Segment, Share,
    Slot, Symbol,
};

/// Passes text on; names in a file may hold what a terminal would obey.
struct Escaped<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl fmt::Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let control = |c: char| c.is_control() && c != '\n';
        let mut rest = text;
        while let Some(at) = rest.find(control) {
            let (before, behind) = rest.split_at(at);
            let mut chars = behind.chars();
            let found = chars.next().into_iter();
            self.0.write_str(before)?;
            found
                .map(char::escape_default)
                .try_for_each(|c| write!(self.0, "{c}"))?;
            rest = chars.as_str();
        }
        self.0.write_str(rest)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts(&mut Escaped(f))
    }
}

impl Report {
    fn parts(&self, f: &mut dyn fmt::Write) -> fmt::Result {
        let machine = match self.machine.as_str() {
            "" => String::new(),
            machine => format!(" {machine}"),
        };
        writeln!(f, "{}: {}{machine}, {}", self.name, self.format, self.kind)?;
        for (field, value) in &self.header {
            writeln!(f, "  {field:<18} {value}")?;
        }
        list(f, "findings", &self.findings)?;
        for module in &self.modules {
            write!(f, "\n{module}")?;
        }
        list(f, "methods outside of module tables", &self.other_methods)?;
        list(f, "needed libraries", &self.needed)?;
        list(f, "run paths", &self.run_paths)?;
        list(f, "exports", &self.exports)?;
        list(f, "imports", &self.imports)?;
        list(f, "segments", &self.segments)?;
        list(f, "sections", &self.sections)?;
        list(f, "symbols", &self.symbols)?;
        let relocations: Vec<String> = self.relocations.iter().map(|r| r.line()).collect();
        list(f, "relocations", &relocations)?;
        if !self.shares.is_empty() {
            let total: u64 = self.shares.iter().map(|share| share.size).sum();
            writeln!(f, "\nbytes of the file ({total})")?;
        }
        for share in &self.shares {
            writeln!(f, "  {share}")?;
        }
        for function in &self.functions {
            write!(f, "\n{function}")?;
        }
        list(f, "files", &self.files)?;
        for member in &self.members {
            write!(f, "\n{member}")?;
        }
        Ok(())
    }
}

fn list(f: &mut dyn fmt::Write, title: &str, lines: &[impl fmt::Display]) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title} ({})", lines.len())?;
    lines.iter().try_for_each(|line| writeln!(f, "  {line}"))
}

impl Relocation {
    fn line(&self) -> String {
        let place = if self.section.is_empty() {
            format!("{:#x}", self.offset)
        } else {
            format!("{}+{:#x}", self.section, self.offset)
        };
        format!("{place:<26} {:<24} {}", self.kind, self.target)
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9}  {}", self.size, self.name)
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<22} {:<14} {:<4} address {:#8x}  offset {:#8x}  size {:#8x}  align {}",
            self.name, self.kind, self.flags, self.address, self.offset, self.size, self.align
        )
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.section.as_str() {
            "UND" => "UND".to_owned(),
            section => format!("{section} {:#x}, {} bytes", self.value, self.size),
        };
        write!(
            f,
            "{:<8} {:<7} {:<9} {:<36} {place}",
            self.kind, self.binding, self.visibility, self.name
        )
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signature = self.signature.as_deref().unwrap_or("");
        write!(
            f,
            "{}{signature}  {}  {}",
            self.name, self.flags, self.function
        )?;
        match &self.doc {
            Some(doc) if !doc.is_empty() => write!(f, "  {}", quoted(doc)),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or("unknown");
        write!(f, "{:>3} {name} = {}", self.id, self.value)?;
        match &self.flags {
            Some(flags) => write!(f, "  [{flags}]"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "module definition: {} at {}", self.structure, self.at)?;
        if let Some(name) = &self.name {
            writeln!(f, "  name     {name}")?;
        }
        if let Some(doc) = &self.doc {
            writeln!(f, "  doc      {}", quoted(doc))?;
        }
        if let Some(size) = self.size {
            writeln!(f, "  size     {size}")?;
        }
        for (field, function) in &self.functions {
            writeln!(f, "  {field:<8} {function}")?;
        }
        if let Some(at) = &self.methods_at {
            writeln!(f, "  methods  {at} ({})", self.methods.len())?;
        }
        for method in &self.methods {
            writeln!(f, "    {method}")?;
        }
        if let Some(at) = &self.slots_at {
            writeln!(f, "  slots    {at}")?;
        }
        for slot in &self.slots {
            writeln!(f, "    {slot}")?;
        }
        Ok(())
    }
}

/// A text on one line, cut where it gets long.
fn quoted(text: &str) -> String {
    const WIDTH: usize = 72;
    let mut short: String = text.chars().take(WIDTH).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (severity, rule) = (self.severity.word(), self.rule);
        write!(f, "{severity}[{rule}]: {}", self.message)
    }
}

impl fmt::Display for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut facts = Vec::new();
        facts.extend(self.library.clone());
        if self.weak {
            facts.push("weak".to_owned());
        }
        match (self.python, self.since) {
            (true, Some(minor)) => facts.push(format!("stable ABI since 3.{minor}")),
            (true, None) => facts.push("outside the stable ABI".to_owned()),
            (false, _) => {}
        }
        if facts.is_empty() {
            return write!(f, "{}", self.name);
        }
        write!(f, "{:<36} {}", self.name, facts.join(", "))
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<22} {:<14} address {:#8x}  size {:#8x}  offset {:#8x}  in file {:#8x}",
            self.name, self.flags, self.address, self.size, self.offset, self.file_size
        )
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#8x} {:>8}  {}", self.offset, self.size, self.name)
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({} bytes)", self.name, self.size)?;
        self.lines.iter().try_for_each(|line| {
            let bytes = hex(&line.bytes);
            writeln!(f, "  {:>8x}  {bytes:<22} {}", line.address, line.text)
        })
    }
}

/// Bytes as hexadecimal digits without anything between.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
