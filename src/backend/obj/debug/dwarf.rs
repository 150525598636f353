//! DWARF, for debuggers on ELF and Mach-O, and for gdb and lldb on PE. In: what there is to tell of an image. Out: the contents of the debug sections, and the
//! fields in them that depend on addresses or on other sections. Deliberately not there: indexes, which debuggers make themselves, and types
//! beyond what shows a value; CPython's own information completes `PyObject`.
//!
//! ```text
//! .debug_abbrev    shapes of entries
//! .debug_info      one unit: types, functions, their parameters and locals
//! .debug_line      one sequence of rows for each function
//! .debug_loclists  where variables are, by offset in the code; in DWARF 4, .debug_loc
//! ```

use std::collections::BTreeMap;

use gimli::write::{
    Address, AttributeValue, Dwarf, EndianVec, Expression, FileId, LineProgram, LineString,
    Location, LocationList, RelocateWriter, Relocation, RelocationTarget, Sections, Unit,
    UnitEntryId,
};
use gimli::{Encoding, Format, LineEncoding, LittleEndian, Register, SectionId, constants};

use super::super::image::{Image, Unwind};
use super::super::unwind::cfi;
use super::{DebugInfo, Function, Variable};
use crate::backend::isa::code::ValuePlace;
use crate::ir::names::{self, NamedType, Opaque, Scalar};
use crate::target::Arch;

/// Who wrote it. No version: builds of equal specs by equal code give equal bytes.
const PRODUCER: &str = "pyasmgen";
/// Bytes of a part of a variable.
const PART: u64 = 8;

/// A debug section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name in ELF, like `.debug_info`.
    pub name: &'static str,
    /// Its content, zero where a fixup goes.
    pub bytes: Vec<u8>,
    /// Fields to fill in.
    pub fixups: Vec<Fixup>,
}

/// A field of a debug section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixup {
    /// Where it is.
    pub at: u64,
    /// Its size in bytes: 8 for addresses, 4 for offsets.
    pub size: u8,
    /// What it holds.
    pub to: FixupTarget,
}

/// What a field of a debug section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FixupTarget {
    /// The address of a byte of the code's section.
    Code(u64),
    /// The offset of a byte in a debug section: the section's number, the byte.
    Debug(usize, u64),
}

/// The version of today.
pub const LATEST: u16 = 5;
/// The version for objects whose information dsymutil collects: it breaks the lists of the next one (of LLVM 19 still).
pub const COLLECTED: u16 = 4;

/// Writes what there is to tell, in a version of DWARF.
pub fn sections(info: &DebugInfo, image: &Image, arch: Arch, version: u16) -> Vec<Section> {
    let encoding = Encoding {
        format: Format::Dwarf32,
        version,
        address_size: 8,
    };
    let Some(name) = info.files.first() else {
        return Vec::new();
    };
    let string = |text: &str| LineString::String(text.as_bytes().to_vec());
    let mut lines = LineProgram::new(
        encoding,
        LineEncoding::default(),
        string("."),
        None,
        string(name),
        None,
    );
    let folder = lines.default_directory();
    let files = info.files.iter();
    let files: Vec<FileId> = files
        .map(|file| lines.add_file(string(file), folder, None))
        .collect();
    let functions = || info.functions.iter().zip(&image.unwind);
    for (function, place) in functions() {
        add_rows(&mut lines, function, place, &files);
    }
    let mut dwarf = Dwarf::new();
    let unit = dwarf.units.add(Unit::new(encoding, lines));
    let mut writer = Writer {
        unit: dwarf.units.get_mut(unit),
        files,
        types: BTreeMap::new(),
        objects: BTreeMap::new(),
        arch,
    };
    writer.root(name, image);
    for (function, place) in functions() {
        writer.function(function, place);
    }
    let mut sections = Sections::new(Recorder::default());
    dwarf
        .write(&mut sections)
        .unwrap_or_else(|e| panic!("{name}: what DWARF cannot express: {e}"));
    collect(&sections)
}

/// Where Mach-O files have these sections.
pub const MACHO_SEGMENT: &str = "__DWARF";

/// The name that a section has there.
pub fn macho_name(name: &str) -> String {
    name.replacen('.', "__", 1)
}

/// What a finished module tells; nothing where only objects do.
pub fn sections_of_module(image: &Image, arch: Arch) -> Vec<Section> {
    let info = image.debug.as_ref().filter(|info| info.in_modules);
    info.map_or(Vec::new(), |info| sections(info, image, arch, LATEST))
}

fn address(offset: u64) -> Address {
    Address::Symbol {
        symbol: 0,
        addend: offset as i64,
    }
}

fn add_rows(lines: &mut LineProgram, function: &Function, place: &Unwind, files: &[FileId]) {
    if function.rows.is_empty() {
        return;
    }
    lines.begin_sequence(Some(address(place.offset)));
    for row in &function.rows {
        let out = lines.row();
        out.address_offset = u64::from(row.at);
        out.file = files[row.line.file];
        out.line = u64::from(row.line.line);
        out.is_statement = row.is_stmt;
        out.prologue_end = row.prologue_end;
        lines.generate_row();
    }
    lines.end_sequence(u64::from(place.size));
}

struct Writer<'a> {
    unit: &'a mut Unit,
    files: Vec<FileId>,
    types: BTreeMap<NamedType, UnitEntryId>,
    /// Structures of which nothing is said.
    objects: BTreeMap<Opaque, UnitEntryId>,
    arch: Arch,
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::String(text.as_bytes().to_vec())
}

impl Writer<'_> {
    fn root(&mut self, name: &str, image: &Image) {
        let ends = image.unwind.iter();
        let ends = ends.map(|place| place.offset + u64::from(place.size));
        let end = ends.max().unwrap_or(0);
        let root = self.unit.root();
        let root = self.unit.get_mut(root);
        root.set(constants::DW_AT_producer, text(PRODUCER));
        // In an assembler's language gdb would stop before prologues and compute nothing.
        root.set(
            constants::DW_AT_language,
            AttributeValue::Language(constants::DW_LANG_C11),
        );
        root.set(constants::DW_AT_name, text(name));
        root.set(constants::DW_AT_comp_dir, text("."));
        root.set(constants::DW_AT_low_pc, AttributeValue::Address(address(0)));
        root.set(constants::DW_AT_high_pc, AttributeValue::Data4(end as u32));
        root.set(constants::DW_AT_stmt_list, AttributeValue::LineProgramRef);
    }

    fn add(&mut self, parent: UnitEntryId, tag: constants::DwTag, name: &str) -> UnitEntryId {
        let id = self.unit.add(parent, tag);
        self.unit.get_mut(id).set(constants::DW_AT_name, text(name));
        id
    }

    fn set(&mut self, entry: UnitEntryId, name: constants::DwAt, value: AttributeValue) {
        self.unit.get_mut(entry).set(name, value);
    }

    fn function(&mut self, function: &Function, place: &Unwind) {
        let result = function.result.as_ref().map(|ty| self.named_type(ty));
        let root = self.unit.root();
        let id = self.add(root, constants::DW_TAG_subprogram, &function.name);
        self.set(
            id,
            constants::DW_AT_low_pc,
            AttributeValue::Address(address(place.offset)),
        );
        // As a number of another form dsymutil takes it for an address.
        self.set(
            id,
            constants::DW_AT_high_pc,
            AttributeValue::Data4(place.size),
        );
        let mut base = Expression::new();
        base.op(constants::DW_OP_call_frame_cfa);
        self.set(
            id,
            constants::DW_AT_frame_base,
            AttributeValue::Exprloc(base),
        );
        match function.declared {
            Some(line) => {
                let file = AttributeValue::FileIndex(Some(self.files[line.file]));
                self.set(id, constants::DW_AT_decl_file, file);
                let line = AttributeValue::Udata(line.line.into());
                self.set(id, constants::DW_AT_decl_line, line);
                self.set(id, constants::DW_AT_prototyped, AttributeValue::FlagPresent);
            }
            None => self.set(id, constants::DW_AT_artificial, AttributeValue::FlagPresent),
        }
        if let Some(result) = result {
            self.set(id, constants::DW_AT_type, AttributeValue::UnitRef(result));
        }
        for variable in &function.variables {
            self.variable(id, variable, place);
        }
    }

    fn variable(&mut self, parent: UnitEntryId, variable: &Variable, place: &Unwind) {
        let ty = self.named_type(&variable.ty);
        let tag = if variable.is_param {
            constants::DW_TAG_formal_parameter
        } else {
            constants::DW_TAG_variable
        };
        let id = self.add(parent, tag, &variable.name);
        self.set(id, constants::DW_AT_type, AttributeValue::UnitRef(ty));
        if variable.places.is_empty() {
            return;
        }
        let location = |(range, places): &(std::ops::Range<u32>, Vec<Option<ValuePlace>>)| {
            Location::OffsetPair {
                begin: place.offset + u64::from(range.start),
                end: place.offset + u64::from(range.end),
                data: self.expression(&variable.ty, places),
            }
        };
        let list = LocationList(variable.places.iter().map(location).collect());
        let list = AttributeValue::LocationListRef(self.unit.locations.add(list));
        self.set(id, constants::DW_AT_location, list);
    }

    fn expression(&self, ty: &NamedType, places: &[Option<ValuePlace>]) -> Expression {
        let mut expression = Expression::new();
        let size = match ty {
            NamedType::Scalar(scalar) => usize::from(scalar.size),
            NamedType::Complex | NamedType::Object(_) | NamedType::View { .. } => PART as usize,
        };
        for place in places {
            match *place {
                Some(ValuePlace::Reg(reg)) => {
                    expression.op_reg(Register(cfi::register(self.arch, reg)));
                }
                Some(ValuePlace::Frame(offset)) => expression.op_fbreg(offset.into()),
                Some(ValuePlace::Const(bits)) => {
                    expression.op_implicit_value(bits.to_le_bytes()[..size].into());
                }
                None => {}
            }
            if places.len() > 1 {
                expression.op_piece(PART);
            }
        }
        expression
    }

    // Types.

    fn named_type(&mut self, ty: &NamedType) -> UnitEntryId {
        if let Some(&id) = self.types.get(ty) {
            return id;
        }
        let id = match ty {
            NamedType::Scalar(scalar) => {
                let encoding = match scalar.encoding {
                    names::Encoding::Bool => constants::DW_ATE_boolean,
                    names::Encoding::Signed => constants::DW_ATE_signed,
                    names::Encoding::Unsigned => constants::DW_ATE_unsigned,
                    names::Encoding::Float => constants::DW_ATE_float,
                };
                self.base_type(scalar.name, encoding, scalar.size)
            }
            NamedType::Complex => {
                self.base_type("complex", constants::DW_ATE_complex_float, 2 * PART as u8)
            }
            NamedType::Object(object) => {
                let object = self.object(*object);
                self.pointer(object)
            }
            NamedType::View { name, item, keeper } => self.view(name, *item, *keeper),
        };
        self.types.insert(ty.clone(), id);
        id
    }

    fn base_type(&mut self, name: &str, encoding: constants::DwAte, size: u8) -> UnitEntryId {
        let root = self.unit.root();
        let id = self.add(root, constants::DW_TAG_base_type, name);
        let encoding = AttributeValue::Encoding(encoding);
        self.set(id, constants::DW_AT_encoding, encoding);
        self.set(id, constants::DW_AT_byte_size, AttributeValue::Data1(size));
        id
    }

    /// A structure that others describe.
    fn object(&mut self, object: Opaque) -> UnitEntryId {
        if let Some(&id) = self.objects.get(&object) {
            return id;
        }
        let root = self.unit.root();
        let structure = self.add(root, constants::DW_TAG_structure_type, object.tag);
        let declaration = AttributeValue::FlagPresent;
        self.set(structure, constants::DW_AT_declaration, declaration);
        let id = self.add(root, constants::DW_TAG_typedef, object.name);
        self.set(
            id,
            constants::DW_AT_type,
            AttributeValue::UnitRef(structure),
        );
        self.objects.insert(object, id);
        id
    }

    fn pointer(&mut self, to: UnitEntryId) -> UnitEntryId {
        let root = self.unit.root();
        let id = self.unit.add(root, constants::DW_TAG_pointer_type);
        self.set(id, constants::DW_AT_byte_size, AttributeValue::Data1(8));
        self.set(id, constants::DW_AT_type, AttributeValue::UnitRef(to));
        id
    }

    fn view(&mut self, name: &str, item: Scalar, keeper: Opaque) -> UnitEntryId {
        let item = self.named_type(&NamedType::Scalar(item));
        let items = self.pointer(item);
        let count = self.named_type(&NamedType::Scalar(Scalar {
            name: "i64",
            encoding: names::Encoding::Signed,
            size: 8,
        }));
        let keeper = self.named_type(&NamedType::Object(keeper));
        let root = self.unit.root();
        let id = self.add(root, constants::DW_TAG_structure_type, name);
        self.set(
            id,
            constants::DW_AT_byte_size,
            AttributeValue::Data1(3 * PART as u8),
        );
        let members = [("items", items), ("len", count), ("owner", keeper)];
        for ((name, ty), at) in members.into_iter().zip(0..) {
            let member = self.add(id, constants::DW_TAG_member, name);
            self.set(member, constants::DW_AT_type, AttributeValue::UnitRef(ty));
            self.set(
                member,
                constants::DW_AT_data_member_location,
                AttributeValue::Data1(at * PART as u8),
            );
        }
        id
    }
}

/// The sections that have content. Those without are not there.
fn collect(sections: &Sections<Recorder>) -> Vec<Section> {
    let mut found = Vec::new();
    let collected: Result<(), ()> = sections.for_each(|id, section| {
        if !section.bytes.slice().is_empty() {
            found.push((id, section));
        }
        Ok(())
    });
    debug_assert_eq!(collected, Ok(()));
    let number = |id: SectionId| {
        let number = found.iter().position(|row| row.0 == id);
        number.unwrap_or_else(|| unreachable!("nothing refers to an empty section"))
    };
    let section = |(id, section): &(SectionId, &Recorder)| Section {
        name: id.name(),
        bytes: section.bytes.slice().to_vec(),
        fixups: section
            .relocations
            .iter()
            .map(|relocation| Fixup {
                at: relocation.offset as u64,
                size: relocation.size,
                to: match relocation.target {
                    RelocationTarget::Symbol(_) => FixupTarget::Code(relocation.addend as u64),
                    RelocationTarget::Section(id) => {
                        FixupTarget::Debug(number(id), relocation.addend as u64)
                    }
                },
            })
            .collect(),
    };
    found.iter().map(section).collect()
}

/// Collects bytes and what depends on addresses.
#[derive(Clone, Debug)]
struct Recorder {
    bytes: EndianVec<LittleEndian>,
    relocations: Vec<Relocation>,
}

impl Default for Recorder {
    fn default() -> Recorder {
        Recorder {
            bytes: EndianVec::new(LittleEndian),
            relocations: Vec::new(),
        }
    }
}

impl RelocateWriter for Recorder {
    type Writer = EndianVec<LittleEndian>;

    fn writer(&self) -> &Self::Writer {
        &self.bytes
    }

    fn writer_mut(&mut self) -> &mut Self::Writer {
        &mut self.bytes
    }

    fn relocate(&mut self, relocation: Relocation) {
        self.relocations.push(relocation);
    }
}

impl Section {
    /// The content where the code's section is at `code`, and offsets count from the sections' starts: as debuggers read a linked file.
    pub fn linked(&self, code: u64) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for fixup in &self.fixups {
            let value = match fixup.to {
                FixupTarget::Code(offset) => code + offset,
                FixupTarget::Debug(_, offset) => offset,
            };
            let field = &mut bytes[fixup.at as usize..][..usize::from(fixup.size)];
            field.copy_from_slice(&value.to_le_bytes()[..usize::from(fixup.size)]);
        }
        bytes
    }
}
