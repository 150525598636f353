//! The ad-hoc signature: hashes of all pages, which the kernel compares when it maps them (XNU, `osfmk/kern/cs_blobs.h`).
//!
//! In: every other byte of the file. Out: a super blob of one blob, the code directory.

use object::macho;
use object::write::macho::{CodeDirectory, CodeSignatureEncoder};

use super::{File, Segment};
use crate::base::digest::sha256;

/// Where signatures may start.
pub const ALIGN: u64 = 16;

/// Of the pages that are hashed, whatever those of the machine are: the logarithm of their size.
const PAGE_SHIFT: u8 = 12;
const HASH: u32 = 32;

const ENCODER: CodeSignatureEncoder = CodeSignatureEncoder;
const VERSION: macho::CsVersion = macho::CS_SUPPORTSEXECSEG;

fn pages(limit: u64) -> u32 {
    limit.div_ceil(1 << PAGE_SHIFT) as u32
}

/// Offset of the code directory in the super blob.
fn directory_at() -> u32 {
    ENCODER.super_blob_size() + ENCODER.blob_index_size()
}

/// Offset of hashes in the code directory, behind the file's name.
fn hashes_at(name: &str) -> u32 {
    ENCODER.code_directory_size(VERSION) + name.len() as u32 + 1
}

/// The size of a signature over so many bytes.
pub fn size(name: &str, limit: u64) -> u32 {
    directory_at() + hashes_at(name) + HASH * pages(limit)
}

/// Signs all bytes there are.
pub fn sign(file: &File, bytes: &[u8]) -> Vec<u8> {
    let name = file.name();
    let limit = bytes.len() as u64;
    let text = file.segments().into_iter();
    let text = text.filter(|span| span.segment == Segment::Text);
    let mut signature = Vec::new();
    ENCODER.signature_super_blob(&mut signature, size(&name, limit), 1);
    ENCODER.blob_index(&mut signature, macho::CSSLOT_CODEDIRECTORY, directory_at());
    let directory = CodeDirectory {
        length: size(&name, limit) - directory_at(),
        version: VERSION,
        flags: macho::CS_ADHOC | macho::CS_LINKER_SIGNED,
        hash_offset: hashes_at(&name),
        ident_offset: ENCODER.code_directory_size(VERSION),
        n_code_slots: pages(limit),
        code_limit: limit,
        hash_size: HASH as u8,
        hash_type: macho::CS_HASHTYPE_SHA256,
        page_size: PAGE_SHIFT,
        exec_seg_limit: text.map(|span| span.size).sum(),
        ..CodeDirectory::default()
    };
    ENCODER.code_directory(&mut signature, &directory);
    signature.extend(name.bytes());
    signature.push(0);
    for page in bytes.chunks(1 << PAGE_SHIFT) {
        signature.extend(sha256(page));
    }
    signature
}
