//! Files of every format cut off and overwritten at random: whatever is in them, nothing panics.

use std::path::Path;
use std::process::Command;

use pyasmgen::inspect::inspect;
use pyasmgen::link;
use pyasmgen::target::TARGETS;

use crate::demo::module_object;
use crate::tool::tool;
use crate::{fuzz, llvm};

/// Small numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % sides.max(1)
    }
}

fn survives(bytes: &[u8]) {
    let outcome = std::panic::catch_unwind(|| fuzz::inspect(bytes));
    if outcome.is_err() {
        let kept = std::env::temp_dir().join("pyasmgen-damaged");
        std::fs::write(&kept, bytes).unwrap();
        panic!("reading {} panics", kept.display());
    }
}

#[test]
fn damaged_files_do_not_panic() {
    let object = module_object();
    let mut files = vec![object.clone()];
    if tool("ld").is_some() {
        let folder = tempfile::tempdir().unwrap();
        let (made, output) = (folder.path().join("demo.o"), folder.path().join("demo.so"));
        std::fs::write(&made, &object).unwrap();
        link::link(
            &link::resolve("ld", &TARGETS[0]).unwrap(),
            &TARGETS[0],
            &made,
            &output,
        )
        .unwrap();
        files.push(std::fs::read(&output).unwrap());
    }
    if let Some(compiled) = c_object() {
        files.push(compiled);
    }
    let folder = tempfile::tempdir().unwrap();
    for &kind in llvm::KINDS {
        let Some(object) = llvm::object(kind, folder.path()) else {
            break;
        };
        files.push(std::fs::read(&object).unwrap());
        let linked = llvm::link(kind, &object, &[]);
        files.extend(linked.map(|linked| std::fs::read(linked).unwrap()));
    }
    let dice = &mut Dice(3);
    for file in &files {
        for _ in 0..300 {
            survives(&file[..dice.roll(file.len())]);
        }
        // The file header, the tables' headers at the end, and anywhere; bytes of all kinds, or whole words of extremes.
        for round in 0..1000 {
            let mut bytes = file.clone();
            for _ in 0..1 + dice.roll(4) {
                let at = match round % 3 {
                    0 => dice.roll(64),
                    1 => bytes.len() - 1 - dice.roll(bytes.len().min(1400)),
                    _ => dice.roll(bytes.len()),
                };
                let extreme = [
                    0u64,
                    1,
                    u64::MAX,
                    1 << 63,
                    u64::MAX >> 1,
                    bytes.len() as u64,
                ];
                let word = extreme[dice.roll(6)].to_le_bytes();
                let width = [1, 2, 4, 8][dice.roll(4)].min(bytes.len() - at);
                if dice.roll(2) == 0 {
                    bytes[at..at + width].copy_from_slice(&word[..width]);
                } else {
                    bytes[at] = dice.roll(256) as u8;
                }
            }
            survives(&bytes);
        }
    }
    for length in 0..200 {
        let mut noise: Vec<u8> = (0..length).map(|_| dice.roll(256) as u8).collect();
        survives(&noise);
        let magic = b"\x7fELF\x02\x01\x01";
        let fits = magic.len().min(noise.len());
        noise[..fits].copy_from_slice(&magic[..fits]);
        survives(&noise);
    }
}

/// An object by gcc, with more kinds of sections than ours.
fn c_object() -> Option<Vec<u8>> {
    let gcc = tool("gcc")?;
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("m.c");
    let text =
        "int x; static int (*t[2])(int); __thread int y; int f(int a) { return t[a](x + y); }";
    std::fs::write(&source, text).unwrap();
    let made = folder.path().join("m.o");
    let ran = Command::new(gcc)
        .args(["-g", "-ffunction-sections", "-fPIC", "-c", "-o"])
        .args([Path::new(&made), &source])
        .status();
    assert!(ran.unwrap().success());
    Some(std::fs::read(&made).unwrap())
}

#[test]
fn other_files_are_refused_by_name() {
    let error = inspect("module.tar", b"\x1f\x8brest").unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("module.tar is no ELF, Mach-O, COFF or PE file"));
    assert!(inspect("module.whl", b"PK\x03\x04rest").is_err());
    assert!(inspect("empty", b"").is_err());
    assert!(inspect("short", b"\x7fELF").is_err());
}
