//! Windows' function tables on arm64 (Microsoft, "ARM64 exception handling"): every instruction of prologue and epilogues has a code.
//!
//! In: the frame steps of functions. Out: both sections. Functions that leave the stack alone have no entry; those whose frame is the record
//! of frame pointer and return address alone, undone once at their end, are described in their entry. Functions longer than a description
//! can say are described in fragments, all but the first without prologue.
//!
//! ```text
//! .pdata  begin | description, or the packed form: 1 | words << 2 | frame record << 21 | frame in 16 bytes << 23
//! .xdata  words | version << 18 | E << 21 | epilogues << 22 | words of codes << 27; both numbers 0: they stand in a word of their own
//!         for each epilogue: its first word | index of its first code << 22
//!         codes: of the prologue, last instruction first, `end`; of each kind of epilogue, first instruction first, `end`
//! ```

use super::super::image::Unwind;
use super::tables::{FunctionTables, Rva};
use crate::backend::isa::code::{FrameChange, FrameStep};
use crate::target::regs::{Reg, RegClass, a64};

/// Bytes of an instruction.
const WORD: u32 = 4;
/// The longest function, or fragment of one, that a description has room for.
const LONGEST: u32 = 0x3_ffff * WORD;
/// The longest one that the packed form has room for.
const LONGEST_PACKED: u32 = 0x7ff * WORD;

const NOP: u8 = 0xe3;
const END: u8 = 0xe4;
/// Ends a prologue that another fragment has.
const END_C: u8 = 0xe5;
const SET_FP: u8 = 0xe1;
/// `stp x29, x30, [sp, #-16]!`
const SAVE_FPLR_X: u8 = 0x81;

/// An epilogue: where it is, and its codes.
struct Epilogue {
    begin: u32,
    end: u32,
    codes: Vec<u8>,
}

/// Writes the tables of functions, which are in the order of their addresses.
pub fn function_tables(functions: &[Unwind]) -> FunctionTables {
    let mut tables = FunctionTables::default();
    for (index, function) in functions.iter().enumerate() {
        let prologue = super::prologue(&function.steps);
        if prologue.is_empty() {
            continue;
        }
        let codes = in_short(codes(0, prologue));
        let epilogues = epilogues(&function.steps);
        if let Some(word) = packed(function, &codes, &epilogues) {
            tables.pdata.address(Rva::Function(index, 0));
            tables.pdata.bytes.extend(word.to_le_bytes());
            continue;
        }
        let mut begin = 0;
        while begin < function.size {
            let end = fragment_end(begin, function.size, &epilogues);
            let inside = |epilogue: &&Epilogue| (begin..end).contains(&epilogue.begin);
            let inside: Vec<&Epilogue> = epilogues.iter().filter(inside).collect();
            let here = tables.xdata.bytes.len() as u32;
            tables.pdata.address(Rva::Function(index, begin));
            tables.pdata.address(Rva::Description(here));
            let description = description(begin, end, &codes, &inside);
            tables.xdata.bytes.extend(description);
            begin = end;
        }
    }
    tables
}

/// Where a fragment ends: in no epilogue.
fn fragment_end(begin: u32, size: u32, epilogues: &[Epilogue]) -> u32 {
    if size - begin <= LONGEST {
        return size;
    }
    let end = begin + LONGEST;
    let cut = epilogues.iter().find(|e| e.begin < end && end < e.end);
    cut.map_or(end, |epilogue| epilogue.begin)
}

/// Codes of instructions from the offset `at` on, in their order: each group of steps is one instruction, and what stands between them has
/// nothing to say.
fn codes(mut at: u32, steps: &[FrameStep]) -> Vec<Vec<u8>> {
    let mut codes = Vec::new();
    for group in steps.chunk_by(|a, b| a.at == b.at) {
        let others = (group[0].at - at) / WORD - 1;
        codes.extend(std::iter::repeat_n(vec![NOP], others as usize));
        codes.push(code(group));
        at = group[0].at;
    }
    codes
}

/// Bytes of codes that a description has room for, beside those of epilogues.
const MOST_CODES: usize = 0x300;

/// The codes of a prologue as far as there is room: of a frame of many pages, made page by page, the making is one code, which holds once it
/// is done.
fn in_short(codes: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    if codes.iter().map(Vec::len).sum::<usize>() <= MOST_CODES {
        return codes;
    }
    let bytes = |code: &Vec<u8>| match code[..] {
        [units] if units < 0x20 => Some(16 * u32::from(units)),
        [high, low] if high & 0xf8 == 0xc0 => {
            Some(16 * (u32::from(high & 7) << 8 | u32::from(low)))
        }
        _ => None,
    };
    let all: u32 = codes.iter().filter_map(bytes).sum();
    let others = codes.into_iter();
    let others = others.filter(|code| bytes(code).is_none() && code[..] != [NOP]);
    others.chain([alloc(all)]).collect()
}

fn epilogues(steps: &[FrameStep]) -> Vec<Epilogue> {
    let mut found = Vec::new();
    let mut begin = None;
    for (n, step) in steps.iter().enumerate() {
        match (step.change, begin) {
            (FrameChange::EpilogueBegin, None) => begin = Some(n),
            (FrameChange::EpilogueEnd, Some(first)) => {
                let (start, inside) = (steps[first].at, &steps[first + 1..n]);
                let mut bytes = codes(start, inside).concat();
                // What leads away from here, but for its last instruction.
                let last = inside.last().map_or(start, |step| step.at);
                let others = (step.at - last) / WORD - 1;
                bytes.extend(std::iter::repeat_n(NOP, others as usize));
                bytes.push(END);
                found.push(Epilogue {
                    begin: start,
                    end: step.at,
                    codes: bytes,
                });
                begin = None;
            }
            _ => {}
        }
    }
    found
}

/// The code of one instruction.
fn code(group: &[FrameStep]) -> Vec<u8> {
    let changes: Vec<FrameChange> = group.iter().map(|step| step.change).collect();
    match changes[..] {
        [FrameChange::Push(high), FrameChange::Push(low)]
        | [FrameChange::Pop(low), FrameChange::Pop(high)] => pair(low, high),
        [FrameChange::SetFramePointer(a64::X29, 0)] => vec![SET_FP],
        [FrameChange::Alloc(bytes) | FrameChange::Free(bytes)] => alloc(bytes),
        _ => unreachable!("no instruction of ours does {changes:?}"),
    }
}

/// Two registers pushed or popped: `save_fplr_x`, `save_regp_x`, `save_fregp_x`.
fn pair(low: Reg, high: Reg) -> Vec<u8> {
    if (low, high) == (a64::X29, a64::X30) {
        return vec![SAVE_FPLR_X];
    }
    let (head, first) = match low.class {
        RegClass::Int => (0xcc, 19),
        RegClass::Float => (0xda, 8),
    };
    assert_eq!(low.number + 1, high.number, "pairs lie by their numbers");
    let x = low.number - first;
    // 16 bytes: (1 + 1) * 8.
    vec![head | x >> 2, (x & 3) << 6 | 1]
}

/// `alloc_s`, `alloc_m`, `alloc_l`.
fn alloc(bytes: u32) -> Vec<u8> {
    assert_eq!(bytes % 16, 0, "the stack pointer is a multiple of 16");
    let units = bytes / 16;
    match units {
        0..=0x1f => vec![units as u8],
        0x20..=0x7ff => vec![0xc0 | (units >> 8) as u8, units as u8],
        _ => vec![0xe0, (units >> 16) as u8, (units >> 8) as u8, units as u8],
    }
}

/// The packed form: the frame is the record alone, and undone at the end.
fn packed(function: &Unwind, codes: &[Vec<u8>], epilogues: &[Epilogue]) -> Option<u32> {
    let is_record = codes == [vec![SAVE_FPLR_X], vec![SET_FP]];
    let is_last = match epilogues {
        [one] => one.end == function.size && one.codes == [SAVE_FPLR_X, END],
        _ => false,
    };
    let fits = function.size <= LONGEST_PACKED;
    let words = function.size / WORD;
    (is_record && is_last && fits).then_some(1 | words << 2 | 3 << 21 | 1 << 23)
}

/// The description of a fragment.
fn description(begin: u32, end: u32, prologue: &[Vec<u8>], epilogues: &[&Epilogue]) -> Vec<u8> {
    let mut codes: Vec<u8> = Vec::new();
    if begin > 0 {
        codes.push(END_C);
    }
    codes.extend(prologue.iter().rev().flatten());
    codes.push(END);
    let mut scopes = Vec::new();
    for epilogue in epilogues {
        let known = codes.windows(epilogue.codes.len());
        let known = known.into_iter().position(|part| part == epilogue.codes);
        let index = known.unwrap_or(codes.len());
        if known.is_none() {
            codes.extend(&epilogue.codes);
        }
        let start = (epilogue.begin - begin) / WORD;
        scopes.push(start | (index as u32) << 22);
    }
    codes.resize(codes.len().next_multiple_of(4), NOP);
    let code_words = codes.len() as u32 / 4;
    assert!(code_words < 256, "a prologue of {} codes", prologue.len());
    let count = scopes.len() as u32;
    let length = (end - begin) / WORD;
    let mut words = if count < 32 && code_words < 32 {
        vec![length | count << 22 | code_words << 27]
    } else {
        vec![length, count | code_words << 16]
    };
    words.extend(scopes);
    let mut bytes: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
    bytes.extend(codes);
    bytes
}
