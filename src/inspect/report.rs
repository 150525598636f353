//! What is known of a file, and how it is told: as text for people, as JSON for programs.
//!
//! In: nothing but these types, filled by the readers. Out: text and JSON with the same content in the same order.

use std::fmt;

use serde_json::{Value, json};

/// A file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// As given.
    pub name: String,
    /// Format and width: `ELF64`.
    pub format: String,
    /// Machine, in the format's own words.
    pub machine: String,
    /// What kind of file.
    pub kind: String,
    /// Definitions of modules.
    pub modules: Vec<Module>,
    /// Methods that stand in no definition's table: of types, or bound by the module's own code.
    pub other_methods: Vec<Method>,
    /// Libraries that are loaded with it.
    pub needed: Vec<String>,
    /// Where those are looked for.
    pub run_paths: Vec<String>,
    /// What others may use.
    pub exports: Vec<String>,
    /// What it wants from others.
    pub imports: Vec<String>,
    /// Sections.
    pub sections: Vec<Section>,
    /// Symbols.
    pub symbols: Vec<Symbol>,
    /// Relocations.
    pub relocations: Vec<Relocation>,
}

/// A section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Its type, in the format's own words.
    pub kind: String,
    /// Its flags, as readelf spells them.
    pub flags: String,
    /// Address when loaded; 0 if it is not.
    pub address: u64,
    /// Where it is in the file.
    pub offset: u64,
    /// How many bytes it has.
    pub size: u64,
    /// Alignment.
    pub align: u64,
}

/// A symbol.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// `FUNC`, `OBJECT`...
    pub kind: String,
    /// `LOCAL`, `GLOBAL`, `WEAK`.
    pub binding: String,
    /// `DEFAULT`, `HIDDEN`...
    pub visibility: String,
    /// The section, or `UND`, `ABS`, `COM`.
    pub section: String,
    /// Address, or offset in the section.
    pub value: u64,
    /// How many bytes it names.
    pub size: u64,
}

/// A relocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relocation {
    /// The section it changes, in an object.
    pub section: String,
    /// Where: offset in that section, or address.
    pub offset: u64,
    /// Its type, in the format's own words.
    pub kind: String,
    /// What it points at: symbol, or section, and what is added.
    pub target: String,
}

/// A definition of a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// Structure it was decoded from: `PyModuleDef`, its free-threaded layout, or `PySlot[]`.
    pub structure: String,
    /// Symbol, or place.
    pub at: String,
    /// Name in the definition.
    pub name: Option<String>,
    /// Docstring.
    pub doc: Option<String>,
    /// `m_size`: bytes of state.
    pub size: Option<i64>,
    /// Where the method table is.
    pub methods_at: Option<String>,
    /// The method table.
    pub methods: Vec<Method>,
    /// Where the slots are.
    pub slots_at: Option<String>,
    /// Slots.
    pub slots: Vec<Slot>,
    /// `m_traverse`, `m_clear`, `m_free`, where set.
    pub functions: Vec<(String, String)>,
}

/// An entry of a method table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Method {
    /// `ml_name`.
    pub name: String,
    /// `ml_meth`, as a symbol or place.
    pub function: String,
    /// `ml_flags` in words.
    pub flags: String,
    /// `ml_flags`.
    pub flag_bits: u64,
    /// What `__text_signature__` will be.
    pub signature: Option<String>,
    /// What `__doc__` will be.
    pub doc: Option<String>,
}

/// A slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Its number.
    pub id: u64,
    /// Its name, if it is one that we know.
    pub name: Option<String>,
    /// Flags in words (`PySlot`).
    pub flags: Option<String>,
    /// Value in words.
    pub value: String,
}

impl Report {
    /// The report for programs.
    pub fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "format": self.format,
            "machine": self.machine,
            "kind": self.kind,
            "modules": self.modules.iter().map(Module::to_json).collect::<Vec<_>>(),
            "other_methods": self.other_methods.iter().map(Method::to_json).collect::<Vec<_>>(),
            "needed": self.needed,
            "run_paths": self.run_paths,
            "exports": self.exports,
            "imports": self.imports,
            "sections": self.sections.iter().map(|s| json!({
                "name": s.name, "type": s.kind, "flags": s.flags, "address": s.address,
                "offset": s.offset, "size": s.size, "align": s.align,
            })).collect::<Vec<_>>(),
            "symbols": self.symbols.iter().map(|s| json!({
                "name": s.name, "type": s.kind, "binding": s.binding, "visibility": s.visibility,
                "section": s.section, "value": s.value, "size": s.size,
            })).collect::<Vec<_>>(),
            "relocations": self.relocations.iter().map(|r| json!({
                "section": r.section, "offset": r.offset, "type": r.kind, "target": r.target,
            })).collect::<Vec<_>>(),
        })
    }
}

impl Module {
    fn to_json(&self) -> Value {
        let functions = self.functions.iter();
        json!({
            "structure": self.structure,
            "at": self.at,
            "name": self.name,
            "doc": self.doc,
            "size": self.size,
            "methods_at": self.methods_at,
            "methods": self.methods.iter().map(Method::to_json).collect::<Vec<_>>(),
            "slots_at": self.slots_at,
            "slots": self.slots.iter().map(|s| json!({
                "id": s.id, "name": s.name, "flags": s.flags, "value": s.value,
            })).collect::<Vec<_>>(),
            "functions": functions
                .map(|(field, function)| (field.clone(), json!(function)))
                .collect::<serde_json::Map<_, _>>(),
        })
    }
}

impl Method {
    fn to_json(&self) -> Value {
        json!({
            "name": self.name, "function": self.function, "flags": self.flags,
            "flag_bits": self.flag_bits, "signature": self.signature, "doc": self.doc,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} {}, {}",
            self.name, self.format, self.machine, self.kind
        )?;
        for module in &self.modules {
            write!(f, "\n{module}")?;
        }
        list(f, "methods outside of module tables", &self.other_methods)?;
        list(f, "needed libraries", &self.needed)?;
        list(f, "run paths", &self.run_paths)?;
        list(f, "exports", &self.exports)?;
        list(f, "imports", &self.imports)?;
        list(f, "sections", &self.sections)?;
        list(f, "symbols", &self.symbols)?;
        let relocations: Vec<String> = self.relocations.iter().map(|r| r.line()).collect();
        list(f, "relocations", &relocations)
    }
}

fn list(f: &mut fmt::Formatter<'_>, title: &str, lines: &[impl fmt::Display]) -> fmt::Result {
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
