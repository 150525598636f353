//! What dyld does to a Mach-O file when it loads it. By `object`, because `goblin` knows neither rebases nor chained fixups. The second
//! door to that crate.
//!
//! In: a file of 64 bits, and where its segments are. Out: the places that dyld fills in, what is exported, and where functions start.
//! Everything is bounded and cut off at the first damage. Not here: files of 32 bits, which no CPython of today loads.

use object::LittleEndian as LE;
use object::macho::{self, BindDylib, DyldInfoCommand, MachHeader64};
use object::read::macho::{
    DyldChainedFixups, ExportsTrieIterator, Fixup, LoadCommandVariant, MachHeader,
};

use crate::inspect::memory::LONGEST_NAME;

/// Bounds on what is believed; beyond them a file is damaged or hostile.
const MOST_PLACES: usize = 1 << 20;
const MOST_EXPORTS: usize = 1 << 16;
const MOST_FUNCTIONS: usize = 1 << 18;
const MOST_TEXT: usize = 1 << 26;

/// A segment, as far as fixups need it.
pub struct Segment<'a> {
    pub name: String,
    pub address: u64,
    pub size: u64,
    pub bytes: &'a [u8],
}

/// A place that dyld fills in.
pub struct Place<'a> {
    /// Its address.
    pub at: u64,
    /// What comes there.
    pub value: Value<'a>,
    /// How, in the words of dyld.
    pub kind: &'static str,
}

/// What comes to a place.
pub enum Value<'a> {
    /// An address of the file.
    Address(u64),
    /// An address of the file; the one that stands there.
    Stored,
    /// The address of a symbol, and what is added.
    Symbol(Bound<'a>),
}

/// A symbol of another file.
#[derive(Clone, Copy)]
pub struct Bound<'a> {
    pub name: &'a [u8],
    pub addend: i64,
    /// Number of the library in the order of load commands, from 1.
    pub library: Option<u32>,
    pub weak: bool,
}

/// All that is found.
#[derive(Default)]
pub struct Fixups<'a> {
    pub places: Vec<Place<'a>>,
    pub exports: Vec<(String, Option<u64>)>,
    pub starts: Vec<u64>,
}

/// Reads them.
pub fn read<'a>(bytes: &'a [u8], segments: &[Segment<'a>]) -> Fixups<'a> {
    let mut fixups = Fixups::default();
    let Ok(header) = MachHeader64::<LE>::parse(bytes, 0) else {
        return fixups;
    };
    if !header.is_little_endian() {
        return fixups;
    }
    let Ok(mut commands) = header.load_commands(LE, bytes, 0) else {
        return fixups;
    };
    let text = segments.iter().find(|s| s.name == "__TEXT");
    let base = text.map_or(0, |s| s.address);
    while let Ok(Some(command)) = commands.next() {
        match command.variant() {
            Ok(LoadCommandVariant::DyldInfo(info)) => {
                dyld_info(&mut fixups, info, bytes, segments);
                if let Ok(trie) = info.exports_trie(LE, bytes) {
                    exports(&mut fixups, trie, base);
                }
            }
            Ok(LoadCommandVariant::LinkeditData(data)) => match command.cmd() {
                macho::LC_DYLD_CHAINED_FIXUPS => {
                    if let Ok(chains) = data.chained_fixups(LE, bytes) {
                        chained(&mut fixups, &chains, segments, base);
                    }
                }
                macho::LC_DYLD_EXPORTS_TRIE => {
                    if let Ok(trie) = data.exports_trie(LE, bytes) {
                        exports(&mut fixups, trie, base);
                    }
                }
                macho::LC_FUNCTION_STARTS => {
                    if let Ok(starts) = data.function_starts(LE, bytes, base) {
                        let all = starts.map_while(Result::ok);
                        fixups.starts.extend(all.take(MOST_FUNCTIONS));
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
    fixups
}

/// A name, cut off where it gets out of hand.
fn short(name: &[u8]) -> &[u8] {
    &name[..name.len().min(LONGEST_NAME)]
}

fn library(ordinal: BindDylib) -> Option<u32> {
    ordinal.index()
}

/// An address inside of a segment.
fn address(segments: &[Segment], index: usize, offset: u64) -> Option<u64> {
    let segment = segments.get(index)?;
    (offset < segment.size).then(|| segment.address.wrapping_add(offset))
}

/// The byte codes of `LC_DYLD_INFO`.
fn dyld_info<'a>(
    fixups: &mut Fixups<'a>,
    info: &DyldInfoCommand<LE>,
    bytes: &'a [u8],
    segments: &[Segment],
) {
    let places = &mut fixups.places;
    for rebase in info.rebases(LE, bytes, 8).into_iter().flatten() {
        let Ok(rebase) = rebase else { break };
        let index = usize::from(rebase.segment_index);
        let Some(at) = address(segments, index, rebase.segment_offset) else {
            break;
        };
        if places.len() >= MOST_PLACES {
            break;
        }
        places.push(Place {
            at,
            value: Value::Stored,
            kind: "REBASE",
        });
    }
    let lists = [
        ("BIND", info.binds(LE, bytes, 8)),
        ("WEAK_BIND", info.weak_binds(LE, bytes, 8)),
        ("LAZY_BIND", info.lazy_binds(LE, bytes, 8)),
    ];
    for (kind, list) in lists {
        for bind in list.into_iter().flatten() {
            let Ok(bind) = bind else { break };
            let index = usize::from(bind.segment_index);
            let Some(at) = address(segments, index, bind.segment_offset) else {
                break;
            };
            if places.len() >= MOST_PLACES {
                break;
            }
            let weak = bind.flags.0 & macho::BIND_SYMBOL_FLAGS_WEAK_IMPORT.0 != 0;
            let bound = Bound {
                name: short(bind.symbol),
                addend: bind.addend,
                library: library(bind.dylib),
                weak,
            };
            places.push(Place {
                at,
                value: Value::Symbol(bound),
                kind,
            });
        }
    }
}

/// The chains of `LC_DYLD_CHAINED_FIXUPS`: each place says where the next one is.
fn chained<'a>(
    fixups: &mut Fixups<'a>,
    chains: &DyldChainedFixups<'a, LE>,
    segments: &[Segment<'a>],
    base: u64,
) {
    let imports: Vec<Bound> = chains
        .imports(LE)
        .into_iter()
        .flatten()
        .map_while(Result::ok)
        .take(MOST_PLACES)
        .map(|import| Bound {
            name: short(import.name),
            addend: import.addend,
            library: library(import.dylib),
            weak: import.weak_import,
        })
        .collect();
    for chain in chains.segments(LE).into_iter().flatten() {
        let Ok(chain) = chain else { break };
        let Some(segment) = segments.get(chain.index() as usize) else {
            continue;
        };
        for fixup in chain.fixups(LE, base, segment.bytes) {
            let Ok((offset, fixup)) = fixup else { break };
            if fixups.places.len() >= MOST_PLACES {
                return;
            }
            let (kind, value) = match fixup {
                Fixup::Rebase(rebase) => (
                    "REBASE",
                    Value::Address(base.wrapping_add(rebase.target_offset)),
                ),
                Fixup::Bind(bind) => match imports.get(bind.ordinal as usize) {
                    Some(import) => {
                        let addend = import.addend.wrapping_add(i64::from(bind.addend));
                        ("BIND", Value::Symbol(Bound { addend, ..*import }))
                    }
                    None => continue,
                },
                // Kernels have these.
                Fixup::KernelCacheRebase(_) | Fixup::SegmentedRebase(_) => continue,
            };
            let at = segment.address.wrapping_add(offset);
            fixups.places.push(Place { at, value, kind });
        }
    }
}

fn exports(fixups: &mut Fixups, trie: ExportsTrieIterator, base: u64) {
    let mut length = 0;
    for symbol in trie.map_while(Result::ok).take(MOST_EXPORTS) {
        length += symbol.name().len();
        if length > MOST_TEXT {
            break;
        }
        use object::read::macho::ExportData;
        let at = match symbol.data() {
            ExportData::Regular { address } => Some(base.wrapping_add(*address)),
            _ => None,
        };
        let name = String::from_utf8_lossy(symbol.name()).into_owned();
        fixups.exports.push((name, at));
    }
}
