//! The C structures that a module lays out by hand, field by field, and a writer that fills them in by field name.
//!
//! Offsets are those of 64-bit builds and the same on LP64 and LLP64; `PyModuleDef` has one table for default builds and one for
//! free-threaded ones, whose object header is 16 bytes longer. A C compiler's `offsetof` checks them (`tests/layout.rs`).

use crate::ir::data::{Data, Pointee};

/// A field.
#[derive(Debug)]
pub struct Field {
    /// As in the C header.
    pub name: &'static str,
    /// In bytes from the start of the structure.
    pub offset: u32,
    /// In bytes.
    pub size: u32,
}

/// A structure.
#[derive(Debug)]
pub struct Struct {
    /// As in the C header.
    pub name: &'static str,
    /// `sizeof`.
    pub size: u32,
    /// The fields we know of.
    pub fields: &'static [Field],
}

const fn field(name: &'static str, offset: u32, size: u32) -> Field {
    Field { name, offset, size }
}

/// An entry of a method table; the table ends with one whose `ml_name` is NULL. Never written to at run time.
pub static PY_METHOD_DEF: Struct = Struct {
    name: "PyMethodDef",
    size: 32,
    fields: &[
        field("ml_name", 0, 8),
        field("ml_meth", 8, 8),
        field("ml_flags", 16, 4),
        field("ml_doc", 24, 8),
    ],
};

/// The module definition of default builds. CPython writes to its head, so it lives in writable memory.
pub static PY_MODULE_DEF: Struct = Struct {
    name: "PyModuleDef",
    size: 104,
    fields: &[
        field("m_base", 0, 40),
        field("m_name", 40, 8),
        field("m_doc", 48, 8),
        field("m_size", 56, 8),
        field("m_methods", 64, 8),
        field("m_slots", 72, 8),
        field("m_traverse", 80, 8),
        field("m_clear", 88, 8),
        field("m_free", 96, 8),
    ],
};

/// The module definition of free-threaded builds, 3.13 to 3.15.
pub static PY_MODULE_DEF_FT: Struct = Struct {
    name: "PyModuleDef",
    size: 120,
    fields: &[
        field("m_base", 0, 56),
        field("m_name", 56, 8),
        field("m_doc", 64, 8),
        field("m_size", 72, 8),
        field("m_methods", 80, 8),
        field("m_slots", 88, 8),
        field("m_traverse", 96, 8),
        field("m_clear", 104, 8),
        field("m_free", 112, 8),
    ],
};

/// Where, in a definition of free-threaded builds, that of default builds starts: from there on they are alike.
pub static PY_MODULE_DEF_IN_FT: u32 = PY_MODULE_DEF_FT.size - PY_MODULE_DEF.size;

/// `PyModuleDef_HEAD_INIT` of default builds: one reference. Every default build from 3.9 on takes it. In a definition of free-threaded builds this
/// is `ob_ref_shared`, of which nothing is read where `ob_ref_local` is immortal.
pub static HEAD: [u8; 8] = 1u64.to_le_bytes();

/// `PyModuleDef_HEAD_INIT` of free-threaded builds: `ob_flags` = statically allocated (3.14t and later insist), `ob_ref_local` = immortal.
pub static HEAD_FT: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];

/// An entry of `m_slots`; ends with `slot` 0.
pub static PY_MODULE_DEF_SLOT: Struct = Struct {
    name: "PyModuleDef_Slot",
    size: 16,
    fields: &[field("slot", 0, 4), field("value", 8, 8)],
};

/// An entry of what `PyModExport_*` returns (3.15, PEP 820); ends with `sl_id` 0.
pub static PY_SLOT: Struct = Struct {
    name: "PySlot",
    size: 16,
    fields: &[
        field("sl_id", 0, 2),
        field("sl_flags", 2, 2),
        field("sl_reserved", 4, 4),
        field("sl_ptr", 8, 8),
    ],
};

/// A buffer taken from an object (PEP 3118). The same on every version, also on those whose stable ABI does not have it yet.
pub static PY_BUFFER: Struct = Struct {
    name: "Py_buffer",
    size: 80,
    fields: &[
        field("buf", 0, 8),
        field("obj", 8, 8),
        field("len", 16, 8),
        field("itemsize", 24, 8),
        field("readonly", 32, 4),
        field("ndim", 36, 4),
        field("format", 40, 8),
        field("shape", 48, 8),
        field("strides", 56, 8),
        field("suboffsets", 64, 8),
        field("internal", 72, 8),
    ],
};

/// What a module says of the ABI it was made for (3.15).
pub static PY_ABI_INFO: Struct = Struct {
    name: "PyABIInfo",
    size: 12,
    fields: &[
        field("abiinfo_major_version", 0, 1),
        field("abiinfo_minor_version", 1, 1),
        field("flags", 2, 2),
        field("build_version", 4, 4),
        field("abi_version", 8, 4),
    ],
};

impl Struct {
    /// A field of this structure. Panics where there is none: the name is ours.
    pub fn field(&self, name: &str) -> &'static Field {
        self.fields
            .iter()
            .find(|f| f.name == name)
            .unwrap_or_else(|| panic!("{} has no field {name}", self.name))
    }
}

/// One structure inside a datum, zeroed at first.
#[derive(Debug)]
pub struct Record<'a> {
    data: &'a mut Data,
    layout: &'static Struct,
    start: u32,
}

impl<'a> Record<'a> {
    /// Appends a zeroed structure to `data`.
    pub fn append(data: &'a mut Data, layout: &'static Struct) -> Record<'a> {
        let start = data.bytes.len() as u32;
        data.bytes.resize((start + layout.size) as usize, 0);
        Record {
            data,
            layout,
            start,
        }
    }

    /// Sets an integer field.
    pub fn int(self, name: &str, value: i64) -> Record<'a> {
        let size = self.layout.field(name).size as usize;
        self.bytes(name, &value.to_le_bytes()[..size])
    }

    /// Sets the first bytes of a field.
    pub fn bytes(self, name: &str, bytes: &[u8]) -> Record<'a> {
        let field = self.layout.field(name);
        debug_assert!(bytes.len() as u32 <= field.size);
        let at = (self.start + field.offset) as usize;
        self.data.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// Sets a pointer field. Fields are set in the order of their offsets.
    pub fn pointer(self, name: &str, to: Option<Pointee>) -> Record<'a> {
        if let Some(to) = to {
            let at = self.start + self.layout.field(name).offset;
            debug_assert!(
                self.data.pointers.last().is_none_or(|last| last.0 < at),
                "pointers are in order"
            );
            self.data.pointers.push((at, to));
        }
        self
    }
}
