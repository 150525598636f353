//! Windows' unwinder on paper (Microsoft, "x64 exception handling", "Unwind procedure"). In: a function's code; its tables are those that go
//! into objects. For an instruction it says where the return address and the caller's registers are, by the codes of the prologue or by
//! reading the instructions of an epilogue. Places are bytes below the return address.

use std::collections::{BTreeMap, BTreeSet};

use pyasmgen::backend::isa::code::Code;
use pyasmgen::backend::obj::image::{SectionId, SymbolId, Unwind};
use pyasmgen::backend::obj::unwind::tables::{Rva, Table};
use pyasmgen::backend::obj::unwind::win64::function_tables;
use pyasmgen::target::regs::{Reg, float, int, x64};

use crate::frames::FrameAt;

pub struct Unwinder<'a> {
    code: &'a Code,
    pdata: Vec<u8>,
    xdata: Vec<u8>,
}

/// What is known of the caller.
#[derive(Debug, Default, PartialEq)]
struct Caller {
    /// Where the return address is thought to be.
    depth: i64,
    /// Where registers are thought to be.
    saved: BTreeMap<Reg, i64>,
}

impl<'a> Unwinder<'a> {
    pub fn new(code: &'a Code) -> Unwinder<'a> {
        let tables = function_tables(&[Unwind {
            symbol: SymbolId(0),
            section: SectionId(0),
            offset: 0,
            size: code.bytes.len() as u32,
            steps: code.frame.clone(),
        }]);
        Unwinder {
            code,
            pdata: filled(tables.pdata),
            xdata: filled(tables.xdata),
        }
    }

    /// Compares with what is so.
    pub fn check(&self, ip: u32, frame: &FrameAt, restored: &BTreeSet<Reg>) {
        let caller = self.unwind(ip, frame.depth.into());
        assert_eq!(caller.depth, 0, "return address from {ip:x}: {caller:?}");
        let mut wanted: BTreeMap<Reg, i64> = BTreeMap::new();
        wanted.extend(frame.pushed.iter().map(|&(reg, at)| (reg, at.into())));
        wanted.extend(frame.stored.iter().map(|(&reg, &at)| (reg, at.into())));
        for (reg, at) in wanted {
            let is_back = restored.contains(&reg) && !caller.saved.contains_key(&reg);
            assert!(
                is_back || caller.saved.get(&reg) == Some(&at),
                "{reg:?} from {ip:x}: {caller:?}, not {at}"
            );
        }
        // What is popped into a register that nobody saves is nobody's.
        let known = |reg: &Reg| {
            [x64::RAX, x64::RCX].contains(reg)
                || frame.stored.contains_key(reg)
                || frame.pushed.iter().any(|(pushed, _)| pushed == reg)
        };
        assert!(caller.saved.keys().all(known), "from {ip:x}: {caller:?}");
    }

    fn unwind(&self, ip: u32, depth: i64) -> Caller {
        let mut caller = Caller {
            depth,
            ..Caller::default()
        };
        let Some((begin, _, mut at)) = self.entry(ip) else {
            return caller;
        };
        let mut offset = Some(ip - begin);
        let prologue = self.xdata[at + 1];
        if ip - begin >= u32::from(prologue)
            && let Some(done) = self.epilogue(ip, depth)
        {
            return done;
        }
        loop {
            let slots = usize::from(self.xdata[at + 2]);
            assert_eq!(self.xdata[at] & 7, 1, "version");
            assert_eq!(self.xdata[at + 3], 0, "no frame register of ours");
            let codes = &self.xdata[at + 4..][..2 * slots];
            undo(codes, offset, depth, &mut caller);
            let Some((_, before)) = self.chained(at) else {
                return caller;
            };
            // All of the parts before this one has been done.
            offset = None;
            at = before;
        }
    }

    /// What the description at `at` is chained to: where that range begins, and its description.
    fn chained(&self, at: usize) -> Option<(u32, usize)> {
        let slots = usize::from(self.xdata[at + 2]);
        let chained = at + 4 + 2 * slots.next_multiple_of(2);
        let is_chained = self.xdata[at] >> 3 == 4;
        is_chained.then(|| {
            (
                word(&self.xdata, chained),
                word(&self.xdata, chained + 8) as usize,
            )
        })
    }

    /// Where the range begins that this one is chained to in the end.
    fn primary(&self, mut begin: u32, mut at: usize) -> u32 {
        while let Some(before) = self.chained(at) {
            (begin, at) = before;
        }
        begin
    }

    fn entry(&self, ip: u32) -> Option<(u32, u32, usize)> {
        let entries = self.pdata.chunks(12).map(|entry| {
            let [begin, end, info] = [0, 4, 8].map(|at| word(entry, at));
            (begin, end, info as usize)
        });
        let mut found = entries.filter(|&(begin, end, _)| (begin..end).contains(&ip));
        let first = found.next();
        assert_eq!(found.next(), None, "two descriptions of {ip:x}");
        first
    }

    /// What the instructions from `ip` do, if they are `add rsp`, pops, and a return or a jump out of the function.
    fn epilogue(&self, ip: u32, depth: i64) -> Option<Caller> {
        let bytes = &self.code.bytes;
        let mut at = ip as usize;
        let mut caller = Caller {
            depth,
            ..Caller::default()
        };
        match bytes[at..] {
            [0x48, 0x83, 0xc4, imm, ..] => {
                caller.depth -= i64::from(imm as i8);
                at += 4;
            }
            [0x48, 0x81, 0xc4, ..] => {
                caller.depth -= i64::from(word(bytes, at + 3) as i32);
                at += 7;
            }
            _ => {}
        }
        loop {
            let (high, size) = if bytes[at] == 0x41 { (8, 2) } else { (0, 1) };
            let opcode = bytes[at + size - 1];
            if !(0x58..0x60).contains(&opcode) {
                break;
            }
            caller.saved.insert(int(opcode - 0x58 + high), caller.depth);
            caller.depth -= 8;
            at += size;
        }
        let leaves = |target: i64| {
            let target = target as u32;
            let primary = |ip| self.entry(ip).map(|(begin, _, at)| self.primary(begin, at));
            primary(target) != primary(ip) || primary(ip) == Some(target)
        };
        let is_ref = |field: usize| self.code.refs.iter().any(|r| r.at as usize == field);
        let is_end = match bytes[at..] {
            [0xc3, ..] => true,
            [0xeb, distance, ..] => leaves(at as i64 + 2 + i64::from(distance as i8)),
            [0xe9, ..] => {
                let distance = word(bytes, at + 1) as i32;
                is_ref(at + 1) || leaves(at as i64 + 5 + i64::from(distance))
            }
            [0x48..=0x4f, 0xff, modrm, ..] => modrm & 0x38 == 0x20,
            _ => false,
        };
        is_end.then_some(caller)
    }
}

/// Undoes what the prologue has done before `offset` (all of it for `None`), from its end to its start.
fn undo(codes: &[u8], offset: Option<u32>, base: i64, caller: &mut Caller) {
    let mut at = 0;
    while at < codes.len() {
        let (op, info) = (codes[at + 1] & 15, codes[at + 1] >> 4);
        let short = || i64::from(u16::from_le_bytes([codes[at + 2], codes[at + 3]]));
        let long = || i64::from(word(codes, at + 2));
        let is_done = offset.is_none_or(|offset| u32::from(codes[at]) <= offset);
        let size = match (op, info) {
            (0, _) | (2, _) => 1,
            (1, 0) | (8, _) => 2,
            (1, _) | (9, _) => 3,
            other => panic!("a code that no frame of ours has: {other:?}"),
        };
        if is_done {
            match (op, info) {
                (0, reg) => {
                    caller.saved.insert(int(reg), caller.depth);
                    caller.depth -= 8;
                }
                (1, 0) => caller.depth -= 8 * short(),
                (1, _) => caller.depth -= long(),
                (2, words) => caller.depth -= 8 * (i64::from(words) + 1),
                (8, reg) => {
                    caller.saved.insert(float(reg), base - 16 * short());
                }
                (_, reg) => {
                    caller.saved.insert(float(reg), base - long());
                }
            }
        }
        at += 2 * size;
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// The section where the function is at 0, and descriptions at their offset.
fn filled(table: Table) -> Vec<u8> {
    let mut bytes = table.bytes;
    for (at, rva) in table.addresses {
        let value = match rva {
            Rva::Function(_, offset) | Rva::Description(offset) => offset,
        };
        bytes[at as usize..at as usize + 4].copy_from_slice(&value.to_le_bytes());
    }
    bytes
}
