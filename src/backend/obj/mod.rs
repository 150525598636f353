//! Object files: functions' code and data become a neutral [`image::Image`], and that the bytes of a file.

pub mod build;
mod coff;
pub mod debug;
mod elf;
pub mod image;
mod macho;
pub mod module;
pub mod unwind;
pub mod write;
