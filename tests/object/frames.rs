//! Frames: readelf reads the unwind information of functions with frames at random, and must find what a machine obeying the frame
//! steps has in its registers, at every instruction.

use std::collections::BTreeMap;
use std::process::Command;

use goblin::elf::{Elf, sym};
use pyasmgen::backend::isa::code::{FrameChange, FrameStep};
use pyasmgen::ir::program::Program;
use pyasmgen::target::regs::x64::*;
use pyasmgen::target::regs::{Reg, float};

use crate::machine::machine_states;
use crate::programs::{Dice, code, func, object, step};
use crate::run;
use crate::tool::tool;

fn random_frame(dice: &mut Dice) -> (Vec<FrameStep>, u32) {
    let mut steps = Vec::new();
    let mut at = 4;
    let mut pushed = Vec::new();
    let mut add = |at: &mut u32, bytes: usize, change| {
        *at += bytes as u32;
        steps.push(step(*at, change));
    };
    if dice.roll(2) == 0 {
        add(&mut at, 1, FrameChange::Push(RBP));
        pushed.push(RBP);
        add(&mut at, 3, FrameChange::SetFramePointer(RBP, 0));
    }
    for reg in [RBX, R12, R13, R14, R15] {
        if dice.roll(2) == 0 {
            add(&mut at, 2, FrameChange::Push(reg));
            pushed.push(reg);
        }
    }
    let room = 16 + 8 * dice.roll(2000) as u32;
    add(&mut at, 7, FrameChange::Alloc(room));
    if dice.roll(2) == 0 {
        add(&mut at, 5, FrameChange::Save(float(6), 0));
    }
    let pops: Vec<Reg> = pushed.iter().rev().copied().collect();
    let epilogues = 1 + dice.roll(4);
    for _ in 0..epilogues {
        // Some undo the frame; some say of the code to come that it has none.
        let bytes = dice.roll(3).min(1);
        add(&mut at, dice.roll(300), FrameChange::EpilogueBegin);
        add(&mut at, 7 * bytes, FrameChange::Free(room));
        for &reg in &pops {
            add(&mut at, 2 * bytes, FrameChange::Pop(reg));
        }
        add(&mut at, 1 + dice.roll(2) * 70, FrameChange::EpilogueEnd);
    }
    (steps, at)
}

fn dwarf_name(reg: Reg) -> &'static str {
    match reg {
        RBX => "rbx",
        RBP => "rbp",
        R12 => "r12",
        R13 => "r13",
        R14 => "r14",
        R15 => "r15",
        _ => "xmm6",
    }
}

#[test]
fn unwinders_find_the_caller_from_every_instruction() {
    let Some(readelf) = tool("readelf") else {
        return;
    };
    let dice = &mut Dice(7);
    let mut program = Program::new("frames");
    let mut codes = Vec::new();
    for at in 0..100 {
        program.add_func(func(&format!("f{at}")));
        let (steps, size) = random_frame(dice);
        let mut code = code(&vec![0x90; size as usize]);
        code.frame = steps;
        codes.push(code);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.o");
    let bytes = object(&program, &codes);
    std::fs::write(&path, &bytes).unwrap();
    if let Some(ld) = tool("ld") {
        let table = ["--fatal-warnings", "--eh-frame-hdr", "-shared", "-o"];
        let output = folder.path().join("m.so");
        run(Command::new(ld).args(table).args([&output, &path]));
    }
    let dump = run(Command::new(readelf)
        .args(["-W", "--debug-dump=frames-interp"])
        .arg(&path));
    let tables = frame_tables(&dump);
    let elf = Elf::parse(&bytes).unwrap();
    let mut checked = 0;
    for symbol in elf.syms.iter().filter(|s| s.st_type() == sym::STT_FUNC) {
        let name = elf.strtab.get_at(symbol.st_name).unwrap();
        let code = &codes[name[1..].parse::<usize>().unwrap()];
        let fde = tables.range(..=symbol.st_value).next_back();
        let (_, rows) = fde.unwrap_or_else(|| panic!("{name} has no FDE"));
        assert!(
            symbol.st_value + symbol.st_size <= rows.0,
            "{name}: end of its FDE"
        );
        let states = machine_states(&code.frame, code.bytes.len() as u32);
        for (at, state) in states.iter().enumerate() {
            let pc = symbol.st_value + at as u64;
            let row = rows.1.range(..=pc).next_back().expect("a row at entry").1;
            let (base, distance) = row["CFA"].split_once('+').unwrap();
            let base = match (base, state.fp) {
                ("rsp", _) => state.sp,
                ("rbp", Some((RBP, value))) => value,
                other => panic!("{name}+{at}: CFA from {other:?}"),
            };
            let distance: i64 = distance.parse().unwrap();
            assert_eq!(base + distance, 0, "{name}+{at}: CFA");
            let mut got: BTreeMap<&str, i64> = BTreeMap::new();
            for (&reg, place) in row.iter().filter(|(reg, _)| **reg != "CFA") {
                if let Some(offset) = place.strip_prefix('c') {
                    got.insert(reg, offset.parse().unwrap());
                }
            }
            let mut expected = BTreeMap::from([("ra", -8)]);
            expected.extend(state.saved.iter().map(|(&r, &at)| (dwarf_name(r), at)));
            // What was popped may be read from where nobody wrote since: the red zone (psABI AMD64, 3.2.2).
            let still_there = state.popped.iter().filter(|(_, at)| **at >= state.sp - 128);
            for (name, at) in still_there.map(|(&reg, &at)| (dwarf_name(reg), at)) {
                if got.get(name) == Some(&at) {
                    expected.insert(name, at);
                }
            }
            assert_eq!(got, expected, "{name}+{at}: saved registers");
            checked += 1;
        }
    }
    assert!(checked > 10_000);
}

/// End of the range; by address, what readelf says of the CFA and of registers.
type Rows<'a> = (u64, BTreeMap<u64, BTreeMap<&'a str, &'a str>>);

/// The tables of `readelf --debug-dump=frames-interp`, by first address.
fn frame_tables(dump: &str) -> BTreeMap<u64, Rows<'_>> {
    let hex = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let mut tables = BTreeMap::new();
    let mut lines = dump.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((_, range)) = line
            .split_once(" FDE ")
            .and_then(|(_, l)| l.split_once("pc="))
        else {
            continue;
        };
        let (start, end) = range.split_once("..").unwrap();
        let heads: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
        let mut rows = BTreeMap::new();
        while let Some(row) = lines.next_if(|l| !l.trim().is_empty()) {
            let cells: Vec<&str> = row.split_whitespace().collect();
            let cells = heads.iter().copied().zip(cells.iter().copied());
            let mut row: BTreeMap<&str, &str> = cells.collect();
            let at = row.remove("LOC").unwrap();
            rows.insert(hex(at), row);
        }
        tables.insert(hex(start), (hex(end), rows));
    }
    tables
}
