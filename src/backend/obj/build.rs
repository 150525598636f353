//! Lays out a program: code of functions and bytes of data become the sections, symbols and fixups of an [`Image`].
//!
//! In: a program, and the code of each of its functions. Out: the image. Nothing is decided here that one file format sees otherwise
//! than another; order and alignment are the same for all.

use super::image::{
    Fixup, FixupKind, Image, Linkage, Place, Role, Section, SectionId, Symbol, SymbolId,
    SymbolKind, Unwind,
};
use crate::backend::isa::code::{Code, CodeRef, Referent};
use crate::ir::data::{Data, DataKind, Pointee};
use crate::ir::func::Func;
use crate::ir::program::{FuncId, ImportId, Program};
use crate::target::{Arch, Target};

/// Where functions start: at multiples of a fetch block on current x86 and Arm cores, or, if they are seldom run, anywhere an instruction may.
fn align(func: &Func, arch: Arch) -> u32 {
    match arch {
        Arch::X86_64 if func.cold => 1,
        Arch::Aarch64 if func.cold => 4,
        Arch::X86_64 | Arch::Aarch64 => 16,
    }
}

/// Builds the image of a program; `codes[i]` is the code of function `i`.
pub fn build(program: &Program, codes: &[Code], target: &Target) -> Image {
    assert_eq!(
        program.funcs.len(),
        codes.len(),
        "one code for each function"
    );
    let order = in_memory_order(program);
    let mut layout = Layout::new(program);
    for &id in &order {
        let symbol = layout.add_func(program.func(id), &codes[id.index()], target.arch);
        layout.funcs[id.index()] = symbol;
    }
    for data in &program.data {
        let symbol = layout.add_data(data);
        layout.data.push(symbol);
    }
    // Referents have their symbols now, imports apart: those get one when first referred to, so that an import nobody uses is not there.
    for (&id, unwind) in order.iter().zip(0..) {
        layout.add_code_fixups(program, &codes[id.index()].refs, unwind);
    }
    for (at, data) in program.data.iter().enumerate() {
        layout.add_pointers(program, data, layout.data[at]);
    }
    layout.image
}

/// Warm functions as made, then cold ones as made.
pub fn in_memory_order(program: &Program) -> Vec<FuncId> {
    let all = || (0..program.funcs.len() as u32).map(FuncId);
    let cold = |id: &FuncId| program.func(*id).cold;
    all()
        .filter(|id| !cold(id))
        .chain(all().filter(cold))
        .collect()
}

fn role(kind: DataKind) -> Role {
    match kind {
        DataKind::CString => Role::CStrings,
        DataKind::ReadOnly => Role::ReadOnly,
        DataKind::RelRo => Role::RelRo,
        DataKind::Writable => Role::Data,
    }
}

/// An image under construction, and the symbols of what the program's ids mean.
struct Layout {
    image: Image,
    funcs: Vec<SymbolId>,
    data: Vec<SymbolId>,
    imports: Vec<Option<SymbolId>>,
}

impl Layout {
    /// All sections that there will be, empty.
    fn new(program: &Program) -> Layout {
        let mut roles: Vec<Role> = program.data.iter().map(|data| role(data.kind)).collect();
        if !program.funcs.is_empty() {
            roles.push(Role::Text);
        }
        roles.sort_unstable();
        roles.dedup();
        let sections = roles.into_iter().map(|role| Section {
            role,
            align: 1,
            bytes: Vec::new(),
            fixups: Vec::new(),
        });
        Layout {
            image: Image {
                name: program.name.clone(),
                sections: sections.collect(),
                ..Image::default()
            },
            funcs: vec![SymbolId(0); program.funcs.len()],
            data: Vec::with_capacity(program.data.len()),
            imports: vec![None; program.imports.len()],
        }
    }

    /// Appends bytes to a section, padded to their alignment.
    fn append(&mut self, role: Role, bytes: &[u8], align: u32, pad: u8) -> (SectionId, u64) {
        let id = self
            .image
            .find(role)
            .unwrap_or_else(|| unreachable!("the program has something for {role:?}"));
        let section = &mut self.image.sections[id.0 as usize];
        section.align = section.align.max(align);
        let offset = section.bytes.len().next_multiple_of(align as usize);
        section.bytes.resize(offset, pad);
        section.bytes.extend_from_slice(bytes);
        (id, offset as u64)
    }

    fn add_symbol(&mut self, name: &str, place: Place) -> SymbolId {
        self.image.symbols.push(Symbol {
            name: name.to_owned(),
            place,
        });
        SymbolId(self.image.symbols.len() as u32 - 1)
    }

    fn add_func(&mut self, func: &Func, code: &Code, arch: Arch) -> SymbolId {
        let pad = match arch {
            Arch::X86_64 => 0xcc, // int3: stops whoever runs off the end
            Arch::Aarch64 => 0,   // udf: likewise
        };
        let (section, offset) = self.append(Role::Text, &code.bytes, align(func, arch), pad);
        self.image.unwind.push(Unwind {
            symbol: SymbolId(self.image.symbols.len() as u32),
            section,
            offset,
            size: code.bytes.len() as u32,
            steps: code.frame.clone(),
        });
        let place = Place::Defined {
            section,
            offset,
            size: code.bytes.len() as u64,
            kind: SymbolKind::Func,
            linkage: if func.export {
                Linkage::Export
            } else {
                Linkage::Local
            },
        };
        self.add_symbol(&func.name, place)
    }

    fn add_data(&mut self, data: &Data) -> SymbolId {
        let role = role(data.kind);
        debug_assert!(
            role != Role::CStrings || (data.pointers.is_empty() && data.bytes.last() == Some(&0)),
            "{} is no string",
            data.name
        );
        let (section, offset) = self.append(role, &data.bytes, data.align, 0);
        let place = Place::Defined {
            section,
            offset,
            size: data.bytes.len() as u64,
            kind: if role == Role::CStrings {
                SymbolKind::Private
            } else {
                SymbolKind::Object
            },
            linkage: Linkage::Local,
        };
        self.add_symbol(&data.name, place)
    }

    fn import(&mut self, program: &Program, id: ImportId) -> SymbolId {
        if let Some(symbol) = self.imports[id.index()] {
            return symbol;
        }
        let symbol = self.add_symbol(&program.imports[id.index()].name, Place::Import);
        self.imports[id.index()] = Some(symbol);
        symbol
    }

    /// Adds the fixups of the function that has this place in `image.unwind`.
    fn add_code_fixups(&mut self, program: &Program, refs: &[CodeRef], unwind: usize) {
        let Unwind {
            section, offset, ..
        } = self.image.unwind[unwind];
        for code_ref in refs {
            let symbol = match code_ref.to {
                Referent::Func(id) => self.funcs[id.index()],
                Referent::Data(id) => self.data[id.index()],
                Referent::Import(id) => self.import(program, id),
            };
            self.image.sections[section.0 as usize].fixups.push(Fixup {
                at: offset + u64::from(code_ref.at),
                kind: FixupKind::Code(code_ref.kind),
                symbol,
                addend: code_ref.addend,
            });
        }
    }

    fn add_pointers(&mut self, program: &Program, data: &Data, symbol: SymbolId) {
        let Place::Defined {
            section, offset, ..
        } = self.image.symbol(symbol).place
        else {
            unreachable!("{} is defined", data.name)
        };
        for &(at, to) in &data.pointers {
            let (symbol, addend) = match to {
                Pointee::Func(id) => (self.funcs[id.index()], 0),
                Pointee::Data(id, into) => (self.data[id.index()], into as i64),
                Pointee::Import(id) => (self.import(program, id), 0),
            };
            self.image.sections[section.0 as usize].fixups.push(Fixup {
                at: offset + u64::from(at),
                kind: FixupKind::Pointer,
                symbol,
                addend,
            });
        }
    }
}
