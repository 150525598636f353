//! What unwinders read: `.eh_frame`, and the table by which they find a function's entry in it (LSB, "Exception Frames").
//!
//! In: the frames of an image, later its addresses. Out: the contents of both sections.
//!
//! ```text
//! .eh_frame_hdr   version 1 | encodings of what follows | distance to .eh_frame | number of functions
//!                 for each, sorted: distances from here to the function and to its entry
//! ```

use gimli::constants::{DW_EH_PE_datarel, DW_EH_PE_pcrel, DW_EH_PE_sdata4, DW_EH_PE_udata4};

use super::super::super::image::Image;
use super::super::super::unwind::cfi::{self, FrameInfo};
use super::super::place::Placed;
use super::{File, Part};
use crate::target::Arch;

/// Frames of an image whose addresses are not known yet.
pub struct Frames(FrameInfo);

/// From an entry's first byte to its function's address: its length and the distance to its CIE.
const TO_ADDRESS: u64 = 8;

impl Frames {
    /// Of an image; nothing for one without functions.
    pub fn new(image: &Image, arch: Arch) -> Frames {
        if image.unwind.is_empty() {
            return Frames(FrameInfo::default());
        }
        let mut info = cfi::frame_info(&image.unwind, arch);
        // A length of 0 ends the section, for those who read it from end to end.
        info.bytes.extend([0; 4]);
        Frames(info)
    }

    /// `.eh_frame`, without addresses.
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// The size of `.eh_frame_hdr`.
    pub fn index_size(&self) -> usize {
        match self.0.functions.len() {
            0 => 0,
            count => 12 + 8 * count,
        }
    }

    /// Both sections: `.eh_frame`, `.eh_frame_hdr`.
    pub fn fill(&self, file: &File, placed: &Placed) -> (Vec<u8>, Vec<u8>) {
        let mut bytes = self.0.bytes.clone();
        let (frames, index) = (file[Part::Frames].address, file[Part::FrameIndex].address);
        let mut rows = Vec::new();
        for &(at, function) in &self.0.functions {
            let symbol = file.image.unwind[function].symbol;
            let address = placed
                .address(symbol)
                .unwrap_or_else(|| unreachable!("frames are those of functions"));
            let field = distance(frames + at, address);
            bytes[at as usize..][..4].copy_from_slice(&field);
            rows.push((address, frames + at - TO_ADDRESS));
        }
        rows.sort_unstable();
        let encoding = [
            DW_EH_PE_pcrel.0 | DW_EH_PE_sdata4.0,
            DW_EH_PE_udata4.0,
            DW_EH_PE_datarel.0 | DW_EH_PE_sdata4.0,
        ];
        let mut table = vec![1];
        if !rows.is_empty() {
            table.extend(encoding);
            table.extend(distance(index + 4, frames));
            table.extend((rows.len() as u32).to_le_bytes());
        }
        for (function, entry) in rows {
            table.extend(distance(index, function));
            table.extend(distance(index, entry));
        }
        (bytes, table)
    }
}

/// How far it is from one address to another.
fn distance(from: u64, to: u64) -> [u8; 4] {
    let distance = to.wrapping_sub(from) as i64;
    i32::try_from(distance)
        .unwrap_or_else(|_| panic!("a module of more than 2 GiB: {from:#x} to {to:#x}"))
        .to_le_bytes()
}
