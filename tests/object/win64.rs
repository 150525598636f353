//! Windows' function tables of frames at random, prologues of many parts among them: a stack walk by the rules of `UNWIND_INFO` finds at
//! every offset what a machine obeying the frame steps has in its registers. (Epilogues are recognised from instructions, not from the
//! tables; Windows' own walk is asked about them in `unwind_windows.rs`.)

use std::collections::BTreeMap;

use pyasmgen::backend::isa::code::{FrameChange, FrameStep};
use pyasmgen::backend::obj::image::{SectionId, SymbolId, Unwind};
use pyasmgen::backend::obj::unwind::tables::{FunctionTables, Rva, Table};
use pyasmgen::backend::obj::unwind::win64::function_tables;
use pyasmgen::target::regs::{Reg, float, int, x64::*};

use crate::machine::machine_states;
use crate::programs::{Dice, step};

/// The prologue of a frame, and the size of its function.
fn random_prologue(dice: &mut Dice) -> (Vec<FrameStep>, u32) {
    let mut at = 0;
    let mut steps = Vec::new();
    let mut depth = 8;
    let mut add = |at: &mut u32, bytes: u32, change| {
        *at += bytes;
        steps.push(step(*at, change));
    };
    for reg in [RBX, RBP, RSI, RDI, R12, R13, R14, R15] {
        if dice.roll(2) == 0 {
            add(&mut at, 2, FrameChange::Push(reg));
            depth += 8;
        }
    }
    for _ in 0..[0, 1, 3, 60][dice.roll(4)] {
        add(&mut at, 11, FrameChange::Alloc(4096));
        depth += 4096;
    }
    let words = [1, 16, 17, 100, 60_000, 70_000, 200_000][dice.roll(7)] * 2;
    let size = 8 * words + (depth + 8 * words) % 16;
    add(&mut at, 7, FrameChange::Alloc(size));
    for number in 6..16 {
        if dice.roll(3) == 0 {
            let place = dice.roll(size as usize / 16) as u32 * 16;
            add(&mut at, 9, FrameChange::Save(float(number), place));
        }
    }
    (steps, at + 1 + dice.roll(20) as u32)
}

/// Reads a field that holds an address.
fn rva(table: &Table, at: u64) -> Rva {
    let found = table
        .addresses
        .binary_search_by_key(&at, |address| address.0);
    table.addresses[found.unwrap_or_else(|_| panic!("no address at {at}"))].1
}

/// What `RtlVirtualUnwind` finds for a function, in its body or prologue: how far the CFA is above the stack pointer, and where
/// registers are, from there.
fn walk(tables: &FunctionTables, function: usize, pc: u32) -> (i64, BTreeMap<Reg, i64>) {
    let mut entries = (0..tables.pdata.bytes.len() as u64).step_by(12);
    let entry = entries.find_map(|at| {
        let (Rva::Function(f, begin), Rva::Function(g, end), Rva::Description(description)) = (
            rva(&tables.pdata, at),
            rva(&tables.pdata, at + 4),
            rva(&tables.pdata, at + 8),
        ) else {
            panic!("an entry of other things")
        };
        assert_eq!(f, g);
        (f == function && (begin..end).contains(&pc)).then_some((begin, description))
    });
    let (begin, mut description) = entry.expect("an entry");
    let mut reached = Some(pc - begin);
    let (mut sp, mut saved) = (0, BTreeMap::new());
    loop {
        let info = &tables.xdata.bytes[description as usize..];
        assert_eq!(description % 4, 0);
        let slots = usize::from(info[2]);
        let codes = &info[4..][..2 * slots];
        let word = |at: usize| i64::from(u16::from_le_bytes([codes[at], codes[at + 1]]));
        let mut at = 0;
        while at < codes.len() {
            let (offset, operation, number) = (codes[at], codes[at + 1] & 15, codes[at + 1] >> 4);
            assert!(offset <= info[1]);
            let done = reached.is_none_or(|reached| u32::from(offset) <= reached);
            let long = |at: usize| word(at) | word(at + 2) << 16;
            let (size, effect): (usize, Option<i64>) = match (operation, number) {
                (0, _) => (2, None),
                (1, 0) => (4, Some(8 * word(at + 2))),
                (1, 1) => (6, Some(long(at + 2))),
                (2, words) => (2, Some(8 * i64::from(words) + 8)),
                (8, _) => (4, Some(16 * word(at + 2))),
                (9, _) => (6, Some(long(at + 2))),
                other => panic!("operation {other:?}"),
            };
            match (done, operation, effect) {
                (false, ..) => {}
                (true, 8 | 9, Some(place)) => {
                    saved.insert(float(number), place);
                }
                (true, _, Some(bytes)) => sp += bytes,
                (true, _, None) => {
                    saved.insert(int(number), sp);
                    sp += 8;
                }
            }
            at += size;
        }
        if info[0] >> 3 == 0 {
            assert_eq!(info[0], 1);
            return (sp + 8, saved);
        }
        assert_eq!(info[0], 1 | 4 << 3);
        let chained = u64::from(description) + (4 + 2 * slots.next_multiple_of(2)) as u64;
        let Rva::Description(parent) = rva(&tables.xdata, chained + 8) else {
            panic!("a part of nothing")
        };
        description = parent;
        reached = None;
    }
}

#[test]
fn a_stack_walk_finds_what_the_frame_steps_say() {
    let dice = &mut Dice(5);
    let functions: Vec<Unwind> = (0..100)
        .map(|at| {
            let (steps, size) = random_prologue(dice);
            Unwind {
                symbol: SymbolId(at),
                section: SectionId(0),
                offset: 0,
                size,
                steps,
            }
        })
        .collect();
    let tables = function_tables(&functions);
    assert!(tables.pdata.bytes.len() > 12 * functions.len(), "parts");
    for (at, function) in functions.iter().enumerate() {
        let states = machine_states(&function.steps, function.size);
        for (pc, state) in states.iter().enumerate() {
            let (depth, saved) = walk(&tables, at, pc as u32);
            assert_eq!(depth, -state.sp, "{function:?} at {pc}");
            // Places count from the stack pointer, or what it will be once the prologue is done.
            let base = |reg: &Reg| match reg.class {
                pyasmgen::target::regs::RegClass::Int => state.sp,
                pyasmgen::target::regs::RegClass::Float => states[states.len() - 1].sp,
            };
            let saved: BTreeMap<Reg, i64> = saved
                .into_iter()
                .map(|(reg, place)| (reg, place + base(&reg)))
                .collect();
            assert_eq!(saved, state.saved, "{function:?} at {pc}");
        }
    }
}

#[test]
fn equal_prologues_share_a_description_and_leaves_have_none() {
    let unwind = |symbol, steps: &[FrameStep]| Unwind {
        symbol: SymbolId(symbol),
        section: SectionId(0),
        offset: 0,
        size: 32,
        steps: steps.to_vec(),
    };
    let frame = [
        step(1, FrameChange::Push(RBX)),
        step(5, FrameChange::Alloc(32)),
    ];
    let tables = function_tables(&[unwind(0, &frame), unwind(1, &[]), unwind(2, &frame)]);
    assert_eq!(tables.pdata.bytes.len(), 24);
    let shared = [8, 20].map(|at| rva(&tables.pdata, at));
    assert_eq!(shared, [Rva::Description(0); 2]);
    // Version 1; five bytes of prologue, two slots: behind byte 5 alloc_small of 4 * 8, behind byte 1 push_nonvol of rbx.
    assert_eq!(tables.xdata.bytes, [1, 5, 2, 0, 5, 0x32, 1, 0x30]);
}
