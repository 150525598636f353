//! Finished modules, without a linker: what a loader takes, from the same [`Image`] that becomes an object.
//!
//! In: an image. Out: the bytes of an ELF shared object, a PE dynamic library or a Mach-O bundle. What all formats share comes first: calls by way of a stub get one (`stubs`),
//! and once a format has laid out its sections, every fixup becomes bytes, or a pointer left to the loader (`place`). Modules name no
//! path and no time: the same image gives the same bytes.

mod added;
mod bundle;
mod place;
mod pyd;
pub mod so;
mod stubs;

use super::image::Image;
use crate::target::{Format, Target};

/// Writes an image as a module that the target's loader takes.
pub fn write(image: &Image, target: &Target) -> Vec<u8> {
    let image = stubs::with_stubs(image, target.arch);
    match target.format {
        Format::Elf => so::write(&image, target),
        Format::Coff => pyd::write(&image, target),
        Format::MachO => bundle::write(&image, target),
    }
}
