//! Finds the structures by which CPython knows a module, and reads them.
//!
//! In: a file as memory. Out: module definitions with their methods and slots. No symbol is needed: definitions are recognised by their
//! pointers, so that stripped files and those of other compilers are read as well. What a module fills in at run time cannot be seen.
//!
//! ```text
//! PyModuleDef   ob_base | m_init m_index m_copy | m_name m_doc m_size m_methods m_slots m_traverse m_clear m_free
//!               ^ 2 words, free-threaded: 4 (32-bit: 5); its last word is ob_type     ^ m_name is what we go by
//! PyMethodDef   ml_name ml_meth ml_flags(int) ml_doc                 a word each
//! slot          id(int) value                                        a word each
//! PySlot        sl_id(u16) sl_flags(u16) sl_reserved(u32) value      16 bytes
//! ```

use std::cell::Cell;
use std::collections::BTreeSet;

use super::memory::{Memory, Pointer};
use super::names;
use super::report::{Method, Module, Slot};
use crate::frontend::capi::layout::{
    PY_ABI_INFO, PY_METHOD_DEF, PY_MODULE_DEF, PY_MODULE_DEF_FT, PY_MODULE_DEF_SLOT, PY_SLOT,
    Struct,
};

/// Bounds on what is believed; beyond them a file is damaged or hostile.
const MOST_MODULES: usize = 64;
const MOST_METHODS: u64 = 1 << 16;
const MOST_SLOTS: u64 = 256;
const LONGEST_NAME: usize = 256;
const MOST_TEXT: usize = 1 << 26;

/// Reference counts that the `PyModuleDef_HEAD_INIT` of some CPython writes: up to 3.11 and 3.12, 3.13, from 3.14, and the last two
/// on 32 bits.
const REFCOUNTS: &[u64] = &[
    1,
    0xffff_ffff,
    0x0005_0000_c000_0000,
    0x3fff_ffff,
    0x7000_0000,
];

/// All that was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Definitions, by address.
    pub modules: Vec<Module>,
    /// Methods outside of their tables, by address.
    pub other_methods: Vec<Method>,
    /// Structures that these were read from: address, layout (64 bits only).
    pub records: Vec<(u64, &'static Struct)>,
}

/// Looks through a file.
pub fn find(memory: &Memory) -> Found {
    let mut reader = Reader {
        memory,
        seen: BTreeSet::new(),
        text_read: Cell::new(0),
        records: Vec::new(),
    };
    let mut found = Found::default();
    for (at, _) in memory.pointers() {
        if found.modules.len() == MOST_MODULES {
            break;
        }
        found.modules.extend(reader.definition_by_name(at));
        found.modules.extend(reader.slots_by_abi(at));
    }
    let mut known = BTreeSet::new();
    for (at, _) in memory.pointers() {
        if !reader.seen.contains(&at) {
            // Some compilers keep a copy of each table.
            let method = reader.method(at);
            let new = method
                .filter(|method| known.insert((method.name.clone(), method.function.clone())));
            if new.is_some() {
                reader.record(at, &PY_METHOD_DEF);
            }
            found.other_methods.extend(new);
        }
    }
    found.records = reader.records;
    found
}

/// The two layouts of `PyModuleDef`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    Default,
    FreeThreaded,
}

impl Layout {
    /// Offset of `m_name`.
    fn name_offset(self, word: u64) -> u64 {
        match (self, word) {
            (Layout::Default, _) => 5 * word,
            (Layout::FreeThreaded, 8) => 56,
            (Layout::FreeThreaded, _) => 32,
        }
    }
}

struct Reader<'a> {
    memory: &'a Memory<'a>,
    /// Entries of tables and names of definitions that were read.
    seen: BTreeSet<u64>,
    /// Bytes of texts that were read: many tables may share a long one.
    text_read: Cell<usize>,
    /// Structures that were read.
    records: Vec<(u64, &'static Struct)>,
}

impl Reader<'_> {
    /// Notes a structure; their layouts are those of 64 bits.
    fn record(&mut self, at: u64, layout: &'static Struct) {
        if self.memory.word == 8 {
            self.records.push((at, layout));
        }
    }

    /// The field at `at`, `words` pointers further on.
    fn field(&self, at: u64, words: u64) -> Option<Pointer> {
        self.memory
            .pointer(at.checked_add(words * self.memory.word)?)
    }

    fn text(&self, pointer: &Pointer) -> Option<String> {
        let Pointer::To(at) = pointer else {
            return None;
        };
        if self.text_read.get() > MOST_TEXT {
            return None;
        }
        let text = self.memory.text(*at)?;
        self.text_read.set(self.text_read.get() + text.len());
        Some(text)
    }

    /// A text that may be a name, dots included.
    fn identifier(&self, pointer: &Pointer) -> Option<String> {
        let Pointer::To(at) = pointer else {
            return None;
        };
        let text = self.memory.name(*at)?;
        let fits = text.len() <= LONGEST_NAME
            && text.chars().next().is_some_and(|c| !c.is_ascii_digit())
            && text
                .chars()
                .all(|c| c.is_alphanumeric() || c == '_' || c == '.');
        fits.then_some(text)
    }

    /// Nothing, or a text.
    fn optional_text(&self, pointer: &Pointer) -> Option<Option<String>> {
        match pointer {
            Pointer::Null => Some(None),
            other => self.text(other).map(Some),
        }
    }

    fn is_function(&self, pointer: &Pointer) -> bool {
        match pointer {
            Pointer::To(at) => self.memory.is_code(*at),
            Pointer::Import(..) => true,
            Pointer::Null | Pointer::Other(_) => false,
        }
    }

    /// The definition whose `m_name` is at `at`. One may serve both kinds of builds: they differ in the head.
    fn definition_by_name(&mut self, at: u64) -> Option<Module> {
        let Some(mut module) = self.definition(at, Layout::Default) else {
            return self.definition(at, Layout::FreeThreaded);
        };
        let longer = at.checked_sub(Layout::FreeThreaded.name_offset(self.memory.word));
        if longer.is_some_and(|at| self.has_head(at, Layout::FreeThreaded)) {
            module.structure = "PyModuleDef (default and free-threaded)".to_owned();
        }
        Some(module)
    }

    fn definition(&mut self, name_at: u64, layout: Layout) -> Option<Module> {
        let (memory, word) = (self.memory, self.memory.word);
        let at = name_at.checked_sub(layout.name_offset(word))?;
        if !memory.is_writable(at) || !self.has_head(at, layout) {
            return None;
        }
        // ob_type, m_init, m_index, m_copy
        let untouched = |words: &u64| self.field(name_at - 4 * word, *words) == Some(Pointer::Null);
        if !(0..4).all(|words| untouched(&words)) {
            return None;
        }
        let name = self.identifier(&self.field(name_at, 0)?)?;
        let doc = self.optional_text(&self.field(name_at, 1)?)?;
        let size = match self.field(name_at, 2)? {
            Pointer::Null => 0,
            Pointer::Other(size) if word == 4 => i64::from(size as u32 as i32),
            Pointer::Other(size) => size as i64,
            Pointer::To(_) | Pointer::Import(..) => return None,
        };
        if !(-1..1 << 40).contains(&size) {
            return None;
        }
        let (methods, slots) = (self.field(name_at, 3)?, self.field(name_at, 4)?);
        let table = |p: &Pointer| matches!(p, Pointer::Null | Pointer::To(_) | Pointer::Import(..));
        if !table(&methods) || !table(&slots) {
            return None;
        }
        let mut functions = Vec::new();
        for (words, field) in (5..).zip(["traverse", "clear", "free"]) {
            let function = self.field(name_at, words)?;
            if function != Pointer::Null {
                if !self.is_function(&function) {
                    return None;
                }
                functions.push((field.to_owned(), memory.describe_pointer(&function)?));
            }
        }
        let mut module = Module {
            structure: match layout {
                Layout::Default => "PyModuleDef".to_owned(),
                Layout::FreeThreaded => "PyModuleDef (free-threaded)".to_owned(),
            },
            at: memory.describe(at),
            name: Some(name),
            doc,
            size: Some(size),
            methods_at: memory.describe_pointer(&methods),
            methods: self.methods(&methods),
            slots_at: memory.describe_pointer(&slots),
            slots: self.slots(&slots),
            functions,
        };
        self.seen.insert(name_at);
        let layout = match layout {
            Layout::Default => &PY_MODULE_DEF,
            Layout::FreeThreaded => &PY_MODULE_DEF_FT,
        };
        self.record(at, layout);
        if slots == Pointer::Null {
            self.slots_chosen_at_import(&mut module);
        }
        Some(module)
    }

    /// Whether an object starts at `at` as `PyModuleDef_HEAD_INIT` writes it.
    fn has_head(&self, at: u64, layout: Layout) -> bool {
        let (memory, word) = (self.memory, self.memory.word);
        match layout {
            Layout::Default => memory
                .read(at, word)
                .is_some_and(|count| REFCOUNTS.contains(&count)),
            // ob_tid is 0 (nobody owns it), ob_ref_local is UINT32_MAX (immortal).
            Layout::FreeThreaded => {
                let local = if word == 8 { 12 } else { 8 };
                memory.read(at, word) == Some(0)
                    && memory.read(at.saturating_add(local), 4) == Some(0xffff_ffff)
            }
        }
    }

    /// Our own modules choose among their slots when they are imported; the symbol says where they are. Others may call something else
    /// so: slots of types have larger ids.
    fn slots_chosen_at_import(&mut self, module: &mut Module) {
        let symbol = self.memory.symbols().find(|(_, s)| s.name == "slots");
        let known = self.records.len();
        let slots = symbol.map(|(at, _)| self.slots(&Pointer::To(at)));
        if let Some(slots) = slots.filter(|slots| slots.iter().all(|slot| slot.id <= 4)) {
            module.slots_at = Some("slots (chosen at import)".to_owned());
            module.slots = slots;
        } else {
            self.records.truncate(known);
        }
    }

    /// A method table.
    fn methods(&mut self, table: &Pointer) -> Vec<Method> {
        let &Pointer::To(start) = table else {
            return Vec::new();
        };
        let mut methods = Vec::new();
        for index in 0..MOST_METHODS {
            let Some(at) = start.checked_add(index * 4 * self.memory.word) else {
                break;
            };
            match self.method(at) {
                Some(method) => methods.push(method),
                None => break,
            }
            self.seen.insert(at);
            self.record(at, &PY_METHOD_DEF);
        }
        methods
    }

    /// The entry of a method table at `at`, if it is one.
    fn method(&self, at: u64) -> Option<Method> {
        let memory = self.memory;
        let name = self.identifier(&self.field(at, 0)?)?;
        let function = self.field(at, 1)?;
        let flag_bits = match self.field(at, 2)? {
            Pointer::Other(bits) if memory.big_endian && memory.word == 8 => bits >> 32,
            Pointer::Other(bits) => bits,
            Pointer::Null | Pointer::To(_) | Pointer::Import(..) => return None,
        };
        if !self.is_function(&function) || !names::is_callable(flag_bits) {
            return None;
        }
        let text = self.optional_text(&self.field(at, 3)?)?;
        let (signature, doc) = match text {
            Some(text) => match split_signature(&name, &text) {
                Some((signature, doc)) => (Some(signature.to_owned()), Some(doc.to_owned())),
                None => (None, Some(text)),
            },
            None => (None, None),
        };
        Some(Method {
            function: memory.describe_pointer(&function)?,
            address: match function {
                Pointer::To(at) => Some(at),
                Pointer::Null | Pointer::Import(..) | Pointer::Other(_) => None,
            },
            flags: names::method_flags(flag_bits),
            name,
            flag_bits,
            signature,
            doc,
        })
    }

    /// `PyModuleDef_Slot[]`.
    fn slots(&mut self, table: &Pointer) -> Vec<Slot> {
        let &Pointer::To(start) = table else {
            return Vec::new();
        };
        let mut slots = Vec::new();
        for index in 0..MOST_SLOTS {
            let Some(at) = start.checked_add(index * 2 * self.memory.word) else {
                break;
            };
            let (Some(id), Some(value)) = (self.memory.read(at, 4), self.field(at, 1)) else {
                break;
            };
            if id == 0 {
                break;
            }
            self.record(at, &PY_MODULE_DEF_SLOT);
            slots.push(self.slot(id, None, &value));
        }
        slots
    }

    fn slot(&self, id: u64, flags: Option<u64>, value: &Pointer) -> Slot {
        let name = names::slot(id);
        let number = match value {
            Pointer::Null => Some(0),
            Pointer::Other(number) => Some(*number),
            Pointer::To(_) | Pointer::Import(..) => None,
        };
        let known = number.and_then(|number| names::slot_value(name?, number));
        let value = match (known, number, value) {
            (Some(known), ..) => known.to_owned(),
            (None, Some(number), _) => number.to_string(),
            (None, None, Pointer::To(at)) if name == Some("Py_mod_abi") => {
                format!("{} ({})", self.memory.describe(*at), self.abi(*at))
            }
            (None, None, pointer) => self.memory.describe_pointer(pointer).unwrap_or_default(),
        };
        Slot {
            id,
            name: name.map(str::to_owned),
            flags: flags.and_then(names::slot_flags),
            value,
        }
    }

    /// `PyABIInfo` in words.
    fn abi(&self, at: u64) -> String {
        let read = |offset, size| self.memory.read(at.checked_add(offset)?, size);
        let fields = (read(0, 1), read(1, 1), read(2, 2), read(8, 4));
        let (Some(major), Some(minor), Some(flags), Some(version)) = fields else {
            return "unreadable".to_owned();
        };
        format!(
            "PyABIInfo {major}.{minor}, {}, ABI of {}.{}",
            names::abi_flags(flags),
            version >> 24,
            version >> 16 & 0xff
        )
    }

    /// One entry of a `PySlot[]`: id, flags, value.
    fn export_slot(&self, at: u64) -> Option<(u64, u64, Pointer)> {
        let read = |offset, size| self.memory.read(at.checked_add(offset)?, size);
        let (id, flags) = (read(0, 2)?, read(2, 2)?);
        let fits = read(4, 4)? == 0 && flags < 8 && (id == 0 || names::slot(id).is_some());
        fits.then_some(())?;
        Some((id, flags, self.memory.pointer(at.checked_add(8)?)?))
    }

    /// The `PySlot[]` that has the value of its `Py_mod_abi` at `value_at`. Every array has that slot, and it is a pointer.
    fn slots_by_abi(&mut self, value_at: u64) -> Option<Module> {
        let memory = self.memory;
        let mut start = value_at.checked_sub(8)?;
        let (109, flags, Pointer::To(abi)) = self.export_slot(start)? else {
            return None;
        };
        if memory.read(abi, 1)? > 1 || flags & 1 != 0 {
            return None;
        }
        for _ in 0..MOST_SLOTS {
            let before = start.checked_sub(16);
            let slot = before.and_then(|at| self.export_slot(at));
            match (before, slot) {
                // A symbol that starts here says where the array does.
                (Some(before), Some((1.., ..))) if memory.symbol_at(start).is_none() => {
                    start = before;
                }
                _ => break,
            }
        }
        Some(self.export_slots(start))
    }

    fn export_slots(&mut self, start: u64) -> Module {
        let memory = self.memory;
        let mut module = Module {
            structure: "PySlot[]".to_owned(),
            at: memory.describe(start),
            ..Module::default()
        };
        for index in 0..MOST_SLOTS {
            let slot = start.checked_add(16 * index);
            let Some((id @ 1.., flags, value)) = slot.and_then(|at| self.export_slot(at)) else {
                break;
            };
            match id {
                100 => module.name = self.text(&value),
                101 => module.doc = self.text(&value),
                102 => module.size = slot.and_then(|at| Some(memory.read(at + 8, 8)? as i64)),
                103 => {
                    module.methods_at = memory.describe_pointer(&value);
                    module.methods = self.methods(&value);
                }
                _ => {}
            }
            self.record(start + 16 * index, &PY_SLOT);
            if let (109, Pointer::To(abi)) = (id, &value) {
                self.record(*abi, &PY_ABI_INFO);
            }
            module.slots.push(self.slot(id, Some(flags), &value));
        }
        module
    }
}

/// Splits what CPython will make `__text_signature__` from what it will make `__doc__`: the text begins with the name and an opening
/// parenthesis, and the signature ends with a closing one, `--`, and an empty line, without an empty line before.
fn split_signature<'a>(name: &str, text: &'a str) -> Option<(&'a str, &'a str)> {
    const END: &str = ")\n--\n\n";
    let name = name.rsplit('.').next().unwrap_or(name);
    let rest = text.strip_prefix(name).filter(|r| r.starts_with('('))?;
    let end = rest.find(END)?;
    if rest[..end].contains("\n\n") {
        return None;
    }
    Some((&rest[..=end], &rest[end + END.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_end_as_cpython_says() {
        let split = |text| split_signature("f", text);
        assert_eq!(split("f(x, /)\n--\n\nDoc."), Some(("(x, /)", "Doc.")));
        assert_eq!(split("f(x)\n--\n\n"), Some(("(x)", "")));
        assert_eq!(split("f(x) -> int"), None);
        assert_eq!(split("g(x)\n--\n\n"), None);
        assert_eq!(split("f(x\n\n)\n--\n\n"), None);
        assert_eq!(split("f"), None);
    }
}
