//! The bytes of an object file: picks the writer of the target's format.

use super::image::Image;
use crate::target::{Format, Target};

/// Writes an image as a relocatable object file of the target. The same image gives the same bytes.
pub fn write(image: &Image, target: &Target) -> Vec<u8> {
    match target.format {
        Format::Elf => super::elf::write(image, target),
        Format::MachO => super::macho::write(image, target),
        Format::Coff => super::coff::write(image, target),
    }
}
