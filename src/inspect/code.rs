//! Functions found and disassembled.
//!
//! In: a file as memory, where functions start, the machine. Out: functions with their instructions, in which addresses are named: by
//! symbols, by relocations of an object, by the import that a slot or a stub leads to. What lies between known functions is shown under
//! its place, so that stripped files are read as well. Not here: machines other than x86 and arm64.

use std::collections::BTreeSet;

use anyhow::bail;

use super::disasm::{self, Machine, Use};
use super::memory::{Memory, Pointer, Reference, with_addend};
use super::report::{Function, Instruction};

/// Code that is disassembled at once: as text it has some fifty times the size.
const MOST_CODE: usize = 1 << 25;

/// What to disassemble.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing.
    #[default]
    Nothing,
    /// All functions.
    All,
    /// All functions where that can be done: the machine is known and there are not too many.
    Possible,
    /// The functions of this name.
    Named(String),
}

/// Disassembles. `code` is its machine, `None` for those whose code we do not know; `starts` are addresses of functions
/// beside those of symbols.
///
/// # Errors
/// Code of that machine is not known to us, or no function has the wanted name.
pub fn disassemble(
    memory: &Memory,
    wanted: &Wanted,
    code: Option<Machine>,
    machine: &str,
    starts: &[u64],
) -> anyhow::Result<Vec<Function>> {
    let named = match wanted {
        Wanted::Nothing => return Ok(Vec::new()),
        Wanted::All | Wanted::Possible => None,
        Wanted::Named(name) => Some(name),
    };
    let gently = *wanted == Wanted::Possible;
    let Some(code) = code else {
        if gently {
            return Ok(Vec::new());
        }
        bail!("only code of x86 and arm64 can be disassembled; this is {machine}");
    };
    let mut out = Vec::new();
    let mut size = 0usize;
    for (start, end) in extents(memory, starts) {
        let name = memory.describe(start);
        if named.is_none_or(|named| *named == name) {
            size = size.saturating_add(memory.bytes(start..end).len());
            if size > MOST_CODE && gently {
                return Ok(out);
            }
            if size > MOST_CODE {
                bail!("there are more than {MOST_CODE} bytes of code; name a function");
            }
            out.push(function(memory, name, start, end, code));
        }
    }
    match named {
        Some(named) if out.is_empty() => bail!("there is no function `{named}`"),
        _ => Ok(out),
    }
}

/// First and behind the last address of each function.
fn extents(memory: &Memory, starts: &[u64]) -> Vec<(u64, u64)> {
    let starts: BTreeSet<u64> = starts.iter().copied().collect();
    let mut out = Vec::new();
    for range in memory.code() {
        if range.is_empty() {
            continue;
        }
        let symbols = memory.symbols_in(range.clone());
        let known = symbols.chain(starts.range(range.clone()).copied());
        let mut marks: BTreeSet<u64> = known.collect();
        marks.insert(range.start);
        let marks: Vec<u64> = marks.into_iter().collect();
        for (index, &start) in marks.iter().enumerate() {
            let end = marks.get(index + 1).copied().unwrap_or(range.end);
            // What follows a function of known size is padding.
            let size = memory.symbol(start).map_or(0, |symbol| symbol.size);
            let end = match start.checked_add(size) {
                Some(own) if size > 0 && own < end => own,
                _ => end,
            };
            out.push((start, end));
        }
    }
    out
}

fn function(memory: &Memory, name: String, start: u64, end: u64, code: Machine) -> Function {
    let bytes = memory.bytes(start..end);
    let resolve = |used: Use| target(memory, start, used);
    let shown = memory.offset(start);
    let lines = disasm::disassemble(code, bytes, start, &resolve);
    let line = |line: disasm::Line| Instruction {
        address: shown.wrapping_add(line.offset as u64),
        bytes: line.bytes,
        text: line.text,
        target: line
            .uses
            .and_then(|used| memory.file_offset(address_used(memory, start, used)?)),
    };
    Function {
        name,
        address: shown,
        offset: memory.file_offset(start),
        size: bytes.len() as u64,
        lines: lines.into_iter().map(line).collect(),
    }
}

/// The address of what an instruction uses, where it is of this file.
fn address_used(memory: &Memory, start: u64, used: Use) -> Option<u64> {
    let at = start.wrapping_add(used.field as u64);
    let Some(reference) = memory.reference(at) else {
        return (!used.page).then_some(used.address);
    };
    match reference.target {
        Pointer::To(to) => Some(to.wrapping_add_signed(beyond(at, used, reference))),
        Pointer::Import(..) | Pointer::Null | Pointer::Other(_) => None,
    }
}

/// What is added to a reference's target: its distance counts from the field, the instruction's from the next instruction.
fn beyond(at: u64, used: Use, reference: &Reference) -> i64 {
    let next = used.address.wrapping_sub(used.distance as u64);
    reference.more.wrapping_add(next.wrapping_sub(at) as i64)
}

/// The name of what an instruction uses.
fn target(memory: &Memory, start: u64, used: Use) -> Option<String> {
    let at = start.wrapping_add(used.field as u64);
    if let Some(reference) = memory.reference(at) {
        let more = beyond(at, used, reference);
        return match &reference.target {
            Pointer::To(to) => Some(memory.describe(to.wrapping_add_signed(more))),
            Pointer::Import(name, addend) => Some(with_addend(name, addend.wrapping_add(more))),
            Pointer::Null | Pointer::Other(_) => None,
        };
    }
    if used.page {
        return None;
    }
    match memory.known_pointer(used.address) {
        Some(Pointer::Import(name, addend)) if used.content => {
            return Some(with_addend(name, *addend));
        }
        // A slot for a function of this file; a table would have a symbol.
        Some(&Pointer::To(to))
            if used.content && memory.symbol_at(used.address).is_none() && memory.is_code(to) =>
        {
            return memory.symbol_at(to).map(str::to_owned);
        }
        _ => {}
    }
    if let Some(name) = stub(memory, used.address) {
        return Some(name);
    }
    memory.region(used.address)?;
    let name = memory.describe(used.address);
    // The formatter says a plain number better.
    (!name.starts_with("0x")).then_some(name)
}

/// The import that a stub jumps to: `[endbr64] [bnd] jmp [rip+slot]`, as linkers write it for `plt`, `__stubs` and import thunks.
fn stub(memory: &Memory, at: u64) -> Option<String> {
    if memory.symbol_at(at).is_some() || !memory.is_code(at) {
        return None;
    }
    let mut at = at;
    let mut bytes = memory.bytes(at..at.saturating_add(16));
    for prefix in [&[0xf3, 0x0f, 0x1e, 0xfa][..], &[0xf2]] {
        if let Some(rest) = bytes.strip_prefix(prefix) {
            at = at.wrapping_add(prefix.len() as u64);
            bytes = rest;
        }
    }
    let field = bytes.strip_prefix(&[0xff, 0x25])?.first_chunk::<4>()?;
    let slot = at
        .wrapping_add(6)
        .wrapping_add_signed(i64::from(i32::from_le_bytes(*field)));
    match memory.known_pointer(slot)? {
        Pointer::Import(name, 0) => Some(format!("{name} (stub)")),
        Pointer::Import(..) | Pointer::To(_) | Pointer::Null | Pointer::Other(_) => None,
    }
}
