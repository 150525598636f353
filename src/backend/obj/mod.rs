//! Objects: neutral image, then the file formats.
