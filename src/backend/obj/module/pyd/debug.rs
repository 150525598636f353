//! What gdb and lldb read in a module: DWARF, in sections that nothing needs to run, named as MinGW's tools name them.
//!
//! In: an image, later addresses. Out: those sections' names and contents, and the table of names that do not fit in a header (Microsoft, "PE
//! Format", "Section Table"), which stands at the end of the file. Call frame information is among them: places of variables count from the
//! frame, and what Windows' tables tell of it, DWARF cannot ask.

use object::pe;

use super::super::super::debug::dwarf;
use super::super::super::image::Image;
use super::super::super::unwind::cfi::{self, FrameInfo};
use crate::target::Arch;

/// Of all these sections.
pub const FLAGS: pe::SectionFlags = pe::SectionFlags(
    pe::IMAGE_SCN_CNT_INITIALIZED_DATA.0 | pe::IMAGE_SCN_MEM_DISCARDABLE.0 | super::READ,
);

/// A section.
pub struct Section {
    /// Its name.
    name: &'static str,
    content: Content,
}

enum Content {
    Dwarf(dwarf::Section),
    /// Of so many functions, in their order in memory.
    Frames(FrameInfo),
}

/// The sections of a module; none where only objects tell anything.
pub fn sections(image: &Image, arch: Arch) -> Vec<Section> {
    let dwarf = dwarf::sections_of_module(image, arch).into_iter();
    let mut sections: Vec<Section> = dwarf
        .map(|section| Section {
            name: section.name,
            content: Content::Dwarf(section),
        })
        .collect();
    if !sections.is_empty() {
        let mut frames = cfi::frame_info(&image.unwind, arch);
        // A length of 0 ends the section.
        frames.bytes.extend([0; 4]);
        sections.push(Section {
            name: ".eh_frame",
            content: Content::Frames(frames),
        });
    }
    sections
}

impl Section {
    /// The content without addresses.
    pub fn bytes(&self) -> &[u8] {
        match &self.content {
            Content::Dwarf(section) => &section.bytes,
            Content::Frames(frames) => &frames.bytes,
        }
    }

    /// The content where the code and this section are at these addresses.
    pub fn linked(&self, image: &Image, code: u64, here: u64) -> Vec<u8> {
        let frames = match &self.content {
            Content::Dwarf(section) => return section.linked(code),
            Content::Frames(frames) => frames,
        };
        let mut bytes = frames.bytes.clone();
        for &(at, function) in &frames.functions {
            // Code comes first in the file.
            let distance = (code + image.unwind[function].offset).wrapping_sub(here + at);
            bytes[at as usize..][..4].copy_from_slice(&(distance as u32).to_le_bytes());
        }
        bytes
    }
}

/// The table of names, and for each section what its header has instead: where in the table its name is.
pub fn names(sections: &[Section]) -> (Vec<u8>, Vec<String>) {
    let mut table = vec![0; 4];
    let mut fields = Vec::new();
    for section in sections {
        fields.push(format!("/{}", table.len()));
        table.extend_from_slice(section.name.as_bytes());
        table.push(0);
    }
    let size = (table.len() as u32).to_le_bytes();
    table[..4].copy_from_slice(&size);
    (table, fields)
}
