//! A file as memory: what stands at an address once loaded, as far as the file alone can tell.
//!
//! In: regions of bytes, and the pointers that a linker or loader fills in. Out: checked reads. An object has no addresses yet; its
//! sections get some from us, far apart, so that everything above works on objects and modules alike.

use std::collections::BTreeMap;
use std::ops::Range;

/// A range of addresses.
#[derive(Clone, Debug)]
pub struct Region<'a> {
    /// First address.
    pub start: u64,
    /// Size in memory; behind `bytes` there are zeros.
    pub size: u64,
    /// Content from the file.
    pub bytes: &'a [u8],
    /// Where that starts in the file.
    pub offset: u64,
    /// May be written.
    pub writable: bool,
    /// May be executed.
    pub executable: bool,
    /// Section or segment name, where it has one.
    pub name: Option<String>,
}

/// What a pointer-sized field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pointer {
    /// Zero.
    Null,
    /// An address in this file.
    To(u64),
    /// Something of another file, and an offset from it.
    Import(String, i64),
    /// A number that is no pointer we could follow.
    Other(u64),
}

/// A file as memory.
#[derive(Clone, Debug, Default)]
pub struct Memory<'a> {
    /// By first address.
    regions: BTreeMap<u64, Region<'a>>,
    /// What is filled in at load, by address.
    pointers: BTreeMap<u64, Pointer>,
    /// What a linker puts into code, by the address of the field.
    references: BTreeMap<u64, Reference>,
    /// Ranges of code inside of executable regions, where the file tells: first address, and the one behind the last.
    code: BTreeMap<u64, u64>,
    /// Defined symbols with a name, by address; the best one where there are several.
    symbols: BTreeMap<u64, Symbol>,
    /// Addresses are ours, and places are told by section and offset: the file is an object.
    pub by_section: bool,
    /// Bytes in a pointer: 4 or 8.
    pub word: u64,
    /// Byte order.
    pub big_endian: bool,
}

/// A distance in code that a linker fills in: that of the field itself to the target and `more` bytes beyond.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What the distance leads to.
    pub target: Pointer,
    /// What is added to it.
    pub more: i64,
}

/// A symbol that names an address.
#[derive(Clone, Debug)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// How many bytes it names.
    pub size: u64,
    /// It is in the table of symbols to be loaded.
    pub global: bool,
}

/// Texts are not read beyond this; a longer docstring is damage.
const LONGEST_TEXT: usize = 1 << 18;
/// Nor are names; those that compilers mangle get long.
pub const LONGEST_NAME: usize = 1 << 12;

impl<'a> Memory<'a> {
    /// An empty memory.
    pub fn new(word: u64, big_endian: bool) -> Memory<'a> {
        Memory {
            word,
            big_endian,
            ..Memory::default()
        }
    }

    /// Adds a region.
    pub fn add_region(&mut self, region: Region<'a>) {
        self.regions.insert(region.start, region);
    }

    /// Says that code stands in a range. Linkers may put other things into the same region.
    pub fn add_code(&mut self, range: Range<u64>) {
        let end = self.code.entry(range.start).or_insert(range.end);
        *end = range.end.max(*end);
    }

    /// Says what is filled in at an address.
    pub fn add_pointer(&mut self, at: u64, pointer: Pointer) {
        self.pointers.insert(at, pointer);
    }

    /// Says what a linker puts into code at an address.
    pub fn add_reference(&mut self, at: u64, reference: Reference) {
        self.references.insert(at, reference);
    }

    /// What a linker puts into code at an address.
    pub fn reference(&self, at: u64) -> Option<&Reference> {
        self.references.get(&at)
    }

    /// Adds a symbol. Of several at an address, the global one names it, else the first.
    pub fn add_symbol(&mut self, at: u64, symbol: Symbol) {
        let known = self.symbols.get(&at);
        if known.is_none_or(|known| symbol.global && !known.global) {
            self.symbols.insert(at, symbol);
        }
    }

    /// The region of an address.
    pub fn region(&self, at: u64) -> Option<&Region<'a>> {
        let (start, region) = self.regions.range(..=at).next_back()?;
        (at - start < region.size).then_some(region)
    }

    /// All regions, by address.
    pub fn regions(&self) -> impl Iterator<Item = &Region<'a>> {
        self.regions.values()
    }

    /// Where the file has the byte of an address.
    pub fn file_offset(&self, at: u64) -> Option<u64> {
        let region = self.region(at)?;
        let inside = at - region.start;
        (inside < region.bytes.len() as u64).then(|| region.offset.saturating_add(inside))
    }

    /// The bytes of a range as far as the file has them.
    pub fn bytes(&self, range: Range<u64>) -> &'a [u8] {
        let Some(region) = self.region(range.start) else {
            return &[];
        };
        let length = region.bytes.len() as u64;
        let start = (range.start - region.start).min(length);
        let end = range.end.saturating_sub(region.start).clamp(start, length);
        &region.bytes[start as usize..end as usize]
    }

    /// Ranges of code: those that the file tells, else the executable regions.
    pub fn code(&self) -> Vec<Range<u64>> {
        if !self.code.is_empty() {
            return self.code.iter().map(|(&start, &end)| start..end).collect();
        }
        let regions = self.regions.values().filter(|r| r.executable);
        regions
            .map(|r| r.start..r.start.saturating_add(r.size))
            .collect()
    }

    /// All that a linker puts into code, by address.
    pub fn references(&self) -> impl Iterator<Item = (u64, &Reference)> {
        self.references.iter().map(|(&at, to)| (at, to))
    }

    /// All pointers, by address.
    pub fn pointers(&self) -> impl Iterator<Item = (u64, &Pointer)> {
        self.pointers.iter().map(|(&at, to)| (at, to))
    }

    /// Addresses in a range that have symbols.
    pub fn symbols_in(&self, range: Range<u64>) -> impl Iterator<Item = u64> {
        // An end before the start is damage.
        let end = range.end.max(range.start);
        self.symbols.range(range.start..end).map(|(&at, _)| at)
    }

    /// All symbols, by address.
    pub fn symbols(&self) -> impl Iterator<Item = (u64, &Symbol)> {
        self.symbols.iter().map(|(&at, symbol)| (at, symbol))
    }

    /// Whether code stands there.
    pub fn is_code(&self, at: u64) -> bool {
        self.region(at).is_some_and(|r| r.executable)
            && (self.code.is_empty()
                || self
                    .code
                    .range(..=at)
                    .next_back()
                    .is_some_and(|(_, end)| at < *end))
    }

    /// Whether it may be written.
    pub fn is_writable(&self, at: u64) -> bool {
        self.region(at).is_some_and(|r| r.writable)
    }

    /// An unsigned number of `size` bytes (at most 8).
    pub fn read(&self, at: u64, size: u64) -> Option<u64> {
        let region = self.region(at)?;
        let offset = at - region.start;
        if offset.checked_add(size)? > region.size {
            return None;
        }
        let byte = |i: u64| {
            region
                .bytes
                .get((offset + i) as usize)
                .copied()
                .unwrap_or(0)
        };
        Some((0..size).fold(0, |value, i| {
            let place = if self.big_endian { size - 1 - i } else { i };
            value | u64::from(byte(i)) << (8 * place)
        }))
    }

    /// What the pointer-sized field at an address holds.
    pub fn pointer(&self, at: u64) -> Option<Pointer> {
        if let Some(known) = self.pointers.get(&at) {
            return Some(known.clone());
        }
        Some(match self.read(at, self.word)? {
            0 => Pointer::Null,
            number => Pointer::Other(number),
        })
    }

    /// The NUL-terminated text at an address.
    pub fn text(&self, at: u64) -> Option<String> {
        self.text_within(at, LONGEST_TEXT)
    }

    /// The NUL-terminated name at an address.
    pub fn name(&self, at: u64) -> Option<String> {
        self.text_within(at, LONGEST_NAME)
    }

    fn text_within(&self, at: u64, longest: usize) -> Option<String> {
        let region = self.region(at)?;
        let bytes = region.bytes.get((at - region.start) as usize..)?;
        let bytes = &bytes[..bytes.len().min(longest)];
        let end = bytes.iter().position(|&b| b == 0)?;
        String::from_utf8(bytes[..end].to_vec()).ok()
    }

    /// What is filled in at an address, if anything is.
    pub fn known_pointer(&self, at: u64) -> Option<&Pointer> {
        self.pointers.get(&at)
    }

    /// An address as the file tells it: an object's is the offset in its section.
    pub fn offset(&self, at: u64) -> u64 {
        match self.region(at) {
            Some(region) if region.name.is_some() && self.by_section => at - region.start,
            _ => at,
        }
    }

    /// The symbol at an address.
    pub fn symbol(&self, at: u64) -> Option<&Symbol> {
        self.symbols.get(&at)
    }

    /// The symbol whose first byte is at an address.
    pub fn symbol_at(&self, at: u64) -> Option<&str> {
        self.symbols.get(&at).map(|symbol| symbol.name.as_str())
    }

    /// An address in words: symbol, symbol and offset inside it, section and offset, or number.
    pub fn describe(&self, at: u64) -> String {
        if let Some((&start, symbol)) = self.symbols.range(..=at).next_back() {
            if start == at {
                return symbol.name.clone();
            }
            if at - start < symbol.size {
                return format!("{}+{:#x}", symbol.name, at - start);
            }
        }
        self.place(at)
    }

    /// An address as a place in the file: section and offset for an object, else the number.
    pub fn place(&self, at: u64) -> String {
        match self.region(at) {
            Some(Region {
                name: Some(name),
                start,
                ..
            }) if self.by_section => format!("{name}+{:#x}", at - start),
            _ => format!("{at:#x}"),
        }
    }

    /// A pointer in words; `None` for null.
    pub fn describe_pointer(&self, pointer: &Pointer) -> Option<String> {
        match pointer {
            Pointer::Null => None,
            Pointer::To(at) => Some(self.describe(*at)),
            Pointer::Import(name, 0) => Some(name.clone()),
            Pointer::Import(name, addend) => Some(with_addend(name, *addend)),
            Pointer::Other(number) => Some(format!("{number:#x}")),
        }
    }
}

/// `name+0x8`, `name-0x4`.
pub fn with_addend(name: &str, addend: i64) -> String {
    match addend {
        0 => name.to_owned(),
        1.. => format!("{name}+{addend:#x}"),
        _ => format!("{name}-{:#x}", addend.unsigned_abs()),
    }
}

/// A name of the file, cut off where it gets out of hand.
pub fn short(name: &str) -> &str {
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => &name[..end],
        None => name,
    }
}
