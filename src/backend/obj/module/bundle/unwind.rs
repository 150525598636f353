//! `__unwind_info`: functions by address and the compact encodings of their frames (Apple, `mach-o/compact_unwind_encoding.h`).
//!
//! In: the frames of an image, the address of its code. Out: the section's content. Neighbours with equal frames share an entry.
//!
//! ```text
//! version 1 | common encodings: where, 0 | personalities: where, 0 | index: where, count
//! index: first function, page, LSDA index of each page; then the end of the code
//! pages: kind 2 | where entries are, count | function, encoding of each
//! ```

use super::super::super::image::{Image, Role, Unwind};
use super::super::super::unwind::compact;
use crate::target::Arch;

const VERSION: u32 = 1;
/// `UNWIND_SECOND_LEVEL_REGULAR`
const REGULAR: u32 = 2;

const HEADER: usize = 28;
const INDEX_ENTRY: usize = 12;
const PAGE_HEADER: usize = 8;
const ENTRY: usize = 8;

/// Entries of a page of 4096 bytes.
const PER_PAGE: usize = (4096 - PAGE_HEADER) / ENTRY;

/// The section; nothing without functions.
pub fn info(image: &Image, arch: Arch, text: u64) -> Vec<u8> {
    let Some(code) = image.find(Role::Text) else {
        return Vec::new();
    };
    let end = text + image.section(code).bytes.len() as u64;
    let mut entries: Vec<(u32, u32)> = Vec::new();
    for function in &image.unwind {
        let encoding = compact::encoding(function, arch);
        if entries.last().is_none_or(|last| last.1 != encoding) {
            entries.push((address(function, text), encoding));
        }
    }
    let pages = entries.chunks(PER_PAGE);
    let index = pages.len() + 1;
    let first_page = HEADER + INDEX_ENTRY * index;
    let mut words = vec![VERSION, HEADER as u32, 0, HEADER as u32, 0, HEADER as u32];
    words.push(index as u32);
    let mut at = first_page;
    for page in pages.clone() {
        words.extend([page[0].0, at as u32, first_page as u32]);
        at += PAGE_HEADER + ENTRY * page.len();
    }
    words.extend([end as u32, 0, first_page as u32]);
    for page in pages {
        words.extend([REGULAR, PAGE_HEADER as u32 | (page.len() as u32) << 16]);
        words.extend(
            page.iter()
                .flat_map(|&(function, encoding)| [function, encoding]),
        );
    }
    words.into_iter().flat_map(u32::to_le_bytes).collect()
}

fn address(function: &Unwind, text: u64) -> u32 {
    (text + function.offset) as u32
}
