//! arm64 code back as text. The door to `disarm64`.
//!
//! In: bytes, the address of the first, and somebody who knows names. Out: a line for each instruction. A name stands in place of a
//! branch's target, and behind what takes two instructions to say: `adrp`, and what adds to or loads from its page. Words that are no
//! instruction become lines of their own, so that the lines always cover the input.

use disarm64::{InsnDisplay, decoder};

use super::disasm::{Line, Use};

/// Bytes of an instruction.
const WORD: usize = 4;

/// Disassembles; see [`super::disasm::disassemble`].
pub fn disassemble(
    bytes: &[u8],
    address: u64,
    resolve: &dyn Fn(Use) -> Option<String>,
) -> Vec<Line> {
    let mut pages = Pages([None; 31]);
    let mut lines = Vec::new();
    for (chunk, offset) in bytes.chunks(WORD).zip((0..).step_by(WORD)) {
        let (text, uses) = match <[u8; WORD]>::try_from(chunk) {
            Ok(word) => {
                let word = u32::from_le_bytes(word);
                let at = address.wrapping_add(offset as u64);
                instruction(word, at, offset, &mut pages, resolve)
            }
            Err(_) => {
                let bytes: Vec<String> = chunk.iter().map(|b| format!("{b:#04x}")).collect();
                (format!(".byte   {}", bytes.join(", ")), None)
            }
        };
        lines.push(Line {
            offset,
            bytes: chunk.to_vec(),
            text,
            uses,
        });
    }
    lines
}

fn instruction(
    word: u32,
    at: u64,
    offset: usize,
    pages: &mut Pages,
    resolve: &dyn Fn(Use) -> Option<String>,
) -> (String, Option<Use>) {
    let Some(decoded) = decoder::decode(word) else {
        pages.forget_all();
        return (format!(".word   {word:#010x}"), None);
    };
    let text = decoded.display_at(at).to_string();
    let (mnemonic, operands) = text
        .split_once(['\t', ' '])
        .map_or((&text[..], ""), |(mnemonic, rest)| (mnemonic, rest.trim()));
    let used = used_address(word, at, pages);
    let uses = used.as_ref().map(|used| {
        let (address, content, page) = match *used {
            Used::Branch(target) => (target, false, false),
            Used::Page(page) => (page, false, true),
            Used::Place { address, content } => (address, content, false),
        };
        Use {
            field: offset,
            address,
            // It counts from the instruction.
            distance: address.wrapping_sub(at) as i64,
            content,
            page,
        }
    });
    let mut operands = operands.to_owned();
    if let (Some(used), Some(name)) = (used, uses.and_then(resolve)) {
        match used {
            Used::Branch(_) => {
                let start = operands.rfind([' ', ',']).map_or(0, |at| at + 1);
                operands.replace_range(start.., &name);
            }
            Used::Page(_) | Used::Place { .. } => operands += &format!("  ; {name}"),
        }
    }
    pages.follow(word, at);
    let text = format!("{mnemonic:<7} {operands}").trim_end().to_owned();
    (text, uses)
}

/// The address that an instruction is about.
enum Used {
    Branch(u64),
    Page(u64),
    Place { address: u64, content: bool },
}

/// What `adrp` left in registers, as far as straight code goes.
struct Pages([Option<u64>; 31]);

impl Pages {
    fn forget_all(&mut self) {
        self.0 = [None; 31];
    }

    /// Notes the page of an `adrp`; forgets what any other instruction may write. Its destination is in the low bits, if it has one.
    fn follow(&mut self, word: u32, at: u64) {
        let register = (word & 31) as usize;
        let leaves = is_branch(word) || word & 0xff00_0000 == 0xd600_0000;
        if leaves {
            return self.forget_all();
        }
        let page = adrp(word, at);
        if let Some(known) = self.0.get_mut(register) {
            *known = page;
        }
    }
}

fn adrp(word: u32, at: u64) -> Option<u64> {
    let pages = sign_extended((word >> 29 & 3) | (word >> 5 & 0x7_ffff) << 2, 21);
    let is_adrp = word & 0x9f00_0000 == 0x9000_0000;
    is_adrp.then(|| (at & !0xfff).wrapping_add_signed(pages << 12))
}

fn sign_extended(bits: u32, width: u32) -> i64 {
    i64::from(bits) << (64 - width) >> (64 - width)
}

/// `b`, `bl`, `b.cond`, `cbz`, `cbnz`, `tbz`, `tbnz`.
fn is_branch(word: u32) -> bool {
    distance(word).is_some()
}

/// How far a branch goes.
fn distance(word: u32) -> Option<i64> {
    if word & 0x7c00_0000 == 0x1400_0000 {
        Some(sign_extended(word & 0x3ff_ffff, 26) * 4)
    } else if word & 0xff00_0010 == 0x5400_0000 || word & 0x7e00_0000 == 0x3400_0000 {
        Some(sign_extended(word >> 5 & 0x7_ffff, 19) * 4)
    } else if word & 0x7e00_0000 == 0x3600_0000 {
        Some(sign_extended(word >> 5 & 0x3fff, 14) * 4)
    } else {
        None
    }
}

fn used_address(word: u32, at: u64, pages: &Pages) -> Option<Used> {
    if let Some(distance) = distance(word) {
        return Some(Used::Branch(at.wrapping_add_signed(distance)));
    }
    if let Some(page) = adrp(word, at) {
        return Some(Used::Page(page));
    }
    let base = (word >> 5 & 31) as usize;
    let page = (*pages.0.get(base)?)?;
    let imm = u64::from(word >> 10 & 0xfff);
    if word & 0xffc0_0000 == 0x9100_0000 {
        // ADD (immediate), 64-bit, not shifted.
        Some(Used::Place {
            address: page.wrapping_add(imm),
            content: false,
        })
    } else if word & 0xffc0_0000 == 0xf940_0000 {
        // LDR (immediate), 64-bit, unsigned offset.
        Some(Used::Place {
            address: page.wrapping_add(imm * 8),
            content: true,
        })
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_where_addresses_are_said() {
        // adrp x16, +1 page; ldr x16, [x16, #0x18]; br x16; adrp x0, +1 page; add x0, x0, #0x20; cbz x0, +8; bl -4; udf; nothing.
        let words: [u32; 9] = [
            0xb000_0010,
            0xf940_0e10,
            0xd61f_0200,
            0xb000_0000,
            0x9100_8000,
            0xb400_0040,
            0x97ff_ffff,
            0x0000_0000,
            0xffff_ffff,
        ];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let names = |used: Use| (!used.page).then(|| format!("<{:#x}>", used.address));
        let lines = disassemble(&bytes, 0x4000, &names);
        let texts: Vec<&str> = lines.iter().map(|line| &line.text[..]).collect();
        assert_eq!(
            texts,
            [
                "adrp    x16, 0x5000",
                "ldr     x16, [x16, #0x18]  ; <0x5018>",
                "br      x16",
                "adrp    x0, 0x5000",
                "add     x0, x0, #0x20  ; <0x5020>",
                "cbz     x0, <0x401c>",
                "bl      <0x4014>",
                "udf     #0x0",
                ".word   0xffffffff",
            ]
        );
    }
}
