//! What is known of a file, and how it is told: as text for people, as JSON for programs.
//!
//! In: nothing but these types, filled by the readers. Out: text (`text`) and JSON (`json`) with the same content in the same order.

mod json;
mod text;

pub use super::audit::{Finding, Severity};
pub(super) use text::hex;

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
    /// Fields of the file's header and of what the format keeps beside it, in the format's own words.
    pub header: Vec<(&'static str, String)>,
    /// Segments: what is mapped, and how.
    pub segments: Vec<Segment>,
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
    pub imports: Vec<Import>,
    /// Sections.
    pub sections: Vec<Section>,
    /// Symbols.
    pub symbols: Vec<Symbol>,
    /// Relocations.
    pub relocations: Vec<Relocation>,
    /// What each byte of the file is there for, from the first to the last.
    pub shares: Vec<Share>,
    /// What the single fields of the file are, by offset, if that was asked for.
    pub fields: Vec<Field>,
    /// The file itself, for who shows its fields.
    pub bytes: Vec<u8>,
    /// Disassembled functions, if they were asked for.
    pub functions: Vec<Function>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// All files inside, if it is an archive.
    pub files: Vec<File>,
    /// The modules inside, if it holds some (universal Mach-O, wheel).
    pub members: Vec<Report>,
}

/// A file of an archive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// Its path.
    pub name: String,
    /// How many bytes it has.
    pub size: u64,
}

/// Something of another file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Import {
    /// Its name, as C has it.
    pub name: String,
    /// The library it is looked for in, where the file says.
    pub library: Option<String>,
    /// It may be missing.
    pub weak: bool,
    /// It is CPython's.
    pub python: bool,
    /// First version (3.x) whose stable ABI has it.
    pub since: Option<u8>,
}

/// A range of the file that is mapped as one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// Its name or type.
    pub name: String,
    /// `R`, `W`, `X`, and what else the format says.
    pub flags: String,
    /// Address.
    pub address: u64,
    /// Bytes in memory.
    pub size: u64,
    /// Where it is in the file.
    pub offset: u64,
    /// Bytes in the file.
    pub file_size: u64,
}

/// Bytes of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// What they are.
    pub name: String,
    /// Where they start.
    pub offset: u64,
    /// How many they are.
    pub size: u64,
}

/// Bytes of the file that mean something together: a field of a structure, a pointer, an instruction, a text. Fields may stand inside
/// of fields: what a linker fills in inside of an instruction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// Where it starts.
    pub offset: u64,
    /// How many bytes it has.
    pub size: u64,
    /// What it is: `Elf64_Sym.st_name`, `R_X86_64_GLOB_DAT`, or the function an instruction belongs to.
    pub name: String,
    /// What it says, where that is something else than the number that its bytes are.
    pub value: String,
    /// Where in the file it points.
    pub target: Option<u64>,
    /// It is an instruction.
    pub code: bool,
}

/// A function, disassembled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Function {
    /// Its symbol, or its place.
    pub name: String,
    /// Address, or offset in its section.
    pub address: u64,
    /// Where it is in the file.
    pub offset: Option<u64>,
    /// How many bytes it has.
    pub size: u64,
    /// Its instructions.
    pub lines: Vec<Instruction>,
}

/// An instruction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instruction {
    /// Address, or offset in its section.
    pub address: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its text.
    pub text: String,
    /// Where in the file is what it uses.
    pub target: Option<u64>,
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
    /// The function's address, where it is in this file.
    pub address: Option<u64>,
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
