//! Unwind information of arm64, judged by LLVM: what its reader says of Windows' function tables must be what its disassembler says of
//! prologues and epilogues, instruction by instruction.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use pyasmgen::backend::isa::code::{FrameChange, FrameStep};
use pyasmgen::backend::obj::image::{SectionId, SymbolId, Unwind};
use pyasmgen::backend::obj::unwind::tables::{Rva, windows_tables};
use pyasmgen::target::Arch;
use pyasmgen::target::regs::a64;

use crate::python::root;
use crate::run;
use crate::tool::tool;

fn build(spec: &str, target: &str, folder: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pyasmgen"));
    command.args(["build", "--emit", "object", "--target", target, "-o"]);
    run(command.arg(folder).arg(root("specs").join(spec)));
}

/// Instructions of the code by their place.
fn instructions(object: &Path) -> BTreeMap<u64, String> {
    let mut command = Command::new("llvm-objdump");
    let text = run(command.args(["-d", "--no-show-raw-insn"]).arg(object));
    let line = |line: &str| {
        let (at, rest) = line.trim().split_once(':')?;
        let at = u64::from_str_radix(at, 16).ok()?;
        let words: Vec<&str> = rest.split_whitespace().collect();
        Some((at, words.join(" ")))
    };
    let mut code = BTreeMap::new();
    for (at, text) in text.lines().filter_map(line) {
        // What comes behind our code is for control-flow guard, a section of its own.
        code.entry(at).or_insert(text);
    }
    code
}

/// The instruction that LLVM takes a code for, spelt as it disassembles it.
fn meant(code: &str) -> String {
    let code = code.trim();
    let code = match code.split_once("sp, #") {
        Some(("add ", size)) => format!("add sp, sp, #{size}"),
        Some(("sub ", size)) => format!("sub sp, sp, #{size}"),
        _ => code.to_owned(),
    };
    code.replace("fp", "x29")
}

/// Compares codes with the instructions from a place on; how many say something.
fn compare(code: &BTreeMap<u64, String>, mut at: u64, codes: &[String]) -> usize {
    let mut said = 0;
    for meant in codes {
        let is = code
            .get(&at)
            .unwrap_or_else(|| panic!("no instruction at {at:#x}"));
        match &meant[..] {
            "nop" => {}
            "end" => {
                let leaves = ["ret", "br ", "b "].iter().any(|word| is.starts_with(word));
                assert!(leaves, "{at:#x} ends an epilogue: {is}");
            }
            _ => {
                assert_eq!(is, meant, "at {at:#x}");
                said += 1;
            }
        }
        at += 4;
    }
    said
}

#[test]
fn windows_function_tables_say_what_instructions_do() {
    if tool("llvm-readobj").is_none() || tool("llvm-objdump").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for name in ["formats", "numbers", "objects", "shapes"] {
        build(
            &format!("{name}.toml"),
            "aarch64-pc-windows-msvc",
            folder.path(),
        );
        let object = folder.path().join(format!("{name}.obj"));
        let code = instructions(&object);
        let text = run(Command::new("llvm-readobj").arg("--unwind").arg(&object));
        let (mut function, mut start, mut is_prologue) = (0, 0, false);
        let mut codes: Vec<String> = Vec::new();
        let (mut functions, mut said) = (0, 0);
        for line in text.lines().map(str::trim) {
            let number = |prefix: &str| line.strip_prefix(prefix).map(str::trim);
            if let Some(text) = number("Function:") {
                let at = text.rsplit_once("(0x").expect("its place").1;
                function = u64::from_str_radix(at.trim_end_matches(')'), 16).unwrap();
                functions += 1;
            } else if let Some(offset) = number("StartOffset:") {
                start = offset.parse().unwrap();
            } else if line == "Prologue [" || line == "Opcodes [" {
                is_prologue = line == "Prologue [";
                codes.clear();
            } else if let Some((_, text)) = line.split_once(';') {
                codes.push(meant(text));
            } else if line == "]" && !codes.is_empty() {
                if is_prologue {
                    assert_eq!(codes.pop().as_deref(), Some("end"));
                    codes.reverse();
                    said += compare(&code, function, &codes);
                } else {
                    said += compare(&code, function + 4 * start, &codes);
                }
                codes.clear();
            }
        }
        assert!(
            functions > 10 && said > 5 * functions,
            "{name}: {said} codes"
        );
    }
}

fn step(at: u32, change: FrameChange) -> FrameStep {
    FrameStep { at, change }
}

/// A function of so many bytes that makes the frame record first and undoes it last.
fn with_record(size: u32) -> Unwind {
    Unwind {
        symbol: SymbolId(0),
        section: SectionId(0),
        offset: 0,
        size,
        steps: vec![
            step(4, FrameChange::Push(a64::X30)),
            step(4, FrameChange::Push(a64::X29)),
            step(8, FrameChange::SetFramePointer(a64::X29, 0)),
            step(size - 8, FrameChange::EpilogueBegin),
            step(size - 4, FrameChange::Pop(a64::X29)),
            step(size - 4, FrameChange::Pop(a64::X30)),
            step(size, FrameChange::EpilogueEnd),
        ],
    }
}

#[test]
fn a_frame_record_alone_is_described_in_the_entry() {
    let tables = windows_tables(&[with_record(20)], Arch::Aarch64);
    assert!(tables.xdata.bytes.is_empty());
    // Flag 1, 5 instructions, CR 3: chained, a frame of 16 bytes.
    let word: u32 = 1 | 5 << 2 | 3 << 21 | 1 << 23;
    assert_eq!(tables.pdata.bytes[4..], word.to_le_bytes());
    let one = windows_tables(&[with_record(0x7ff * 4)], Arch::Aarch64);
    let more = windows_tables(&[with_record(0x800 * 4)], Arch::Aarch64);
    assert!(one.xdata.bytes.is_empty() && !more.xdata.bytes.is_empty());
}

#[test]
fn a_very_long_function_is_described_in_fragments() {
    let longest = 0x3_ffff * 4;
    // The end of the first fragment would be in the epilogue, or just not.
    for size in [
        longest,
        longest + 4,
        longest + 8,
        longest + 400,
        3 * longest,
    ] {
        let tables = windows_tables(&[with_record(size)], Arch::Aarch64);
        let begins = tables
            .pdata
            .addresses
            .iter()
            .filter_map(|(_, rva)| match rva {
                Rva::Function(_, at) => Some(*at),
                Rva::Description(_) => None,
            });
        let descriptions = tables
            .pdata
            .addresses
            .iter()
            .filter_map(|(_, rva)| match rva {
                Rva::Description(at) => Some(*at as usize),
                Rva::Function(..) => None,
            });
        let mut covered = 0;
        for (begin, at) in begins.zip(descriptions) {
            assert_eq!(begin, covered, "{size:#x}");
            let head = tables.xdata.bytes[at..at + 4].try_into().unwrap();
            let head = u32::from_le_bytes(head);
            covered += (head & 0x3_ffff) * 4;
            let has_epilogue = head >> 22 & 31 == 1;
            assert_eq!(has_epilogue, covered == size, "{size:#x}");
            let codes = at + 4 + 4 * has_epilogue as usize;
            // Of all but the first, the prologue is another's.
            assert_eq!(tables.xdata.bytes[codes] == 0xe5, begin > 0, "{size:#x}");
        }
        assert_eq!(covered, size);
    }
}

/// A frame of so many pages that there is no room for a code for each is described as a whole.
#[test]
fn windows_describes_frames_of_any_size() {
    for pages in [1, 200, 340, 350, 2000] {
        let mut unwind = with_record(8 * pages + 32);
        let touched = (0..pages).map(|page| step(12 + 8 * page, FrameChange::Alloc(4096)));
        unwind.steps.splice(3..3, touched);
        let tables = windows_tables(&[unwind], Arch::Aarch64);
        let [_, high, middle, low] = (pages * 4096 / 16).to_be_bytes();
        let whole = [0xe0, high, middle, low]; // alloc_l
        let is_whole = tables.xdata.bytes.windows(4).any(|code| code == whole);
        assert_eq!(is_whole, pages > 300, "{pages}");
    }
}
