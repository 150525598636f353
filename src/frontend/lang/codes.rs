//! The codes of `struct` that stand for one number: rows. What formats of buffers mean when a module runs (`glue::item`), and casts of
//! memoryviews in bodies, go by them.
//!
//! Facts: "Format characters" in the manual of `struct`. Native sizes are those of the target's C.

use super::typed::{IntTy, Item};

/// A code of one item.
pub struct Code {
    /// The character.
    pub code: u8,
    /// What it is without prefix, or behind `@`.
    pub native: Native,
    /// With standard sizes (behind `=` and `<`), where it has one.
    pub standard: Option<Item>,
}

/// The item of a native code.
pub enum Native {
    /// The same everywhere.
    Fixed(Item),
    /// `l` and `L`: of the size of C's long, four bytes or eight.
    Long(IntTy, IntTy),
}

impl Native {
    /// The item, where C's long has this size.
    pub fn item(&self, long_size: u32) -> Item {
        match *self {
            Native::Fixed(item) => item,
            Native::Long(of_four, _) if long_size == 4 => Item::Int(of_four),
            Native::Long(_, of_eight) => Item::Int(of_eight),
        }
    }
}

const fn int(code: u8, ty: IntTy) -> Code {
    item(code, Item::Int(ty))
}

const fn item(code: u8, item: Item) -> Code {
    Code {
        code,
        native: Native::Fixed(item),
        standard: Some(item),
    }
}

/// `n` and `N` are of the size of pointers, and native only.
const fn size(code: u8, ty: IntTy) -> Code {
    Code {
        code,
        native: Native::Fixed(Item::Int(ty)),
        standard: None,
    }
}

const fn long(code: u8, of_four: IntTy, of_eight: IntTy) -> Code {
    Code {
        code,
        native: Native::Long(of_four, of_eight),
        standard: Some(Item::Int(of_four)),
    }
}

/// All of them. Of several codes for one item, that which stands first is its own.
#[rustfmt::skip]
pub static CODES: &[Code] = &[
    item(b'?', Item::Bool),
    int(b'b', IntTy::I8),
    int(b'B', IntTy::U8),
    int(b'c', IntTy::U8),
    int(b'h', IntTy::I16),
    int(b'H', IntTy::U16),
    int(b'i', IntTy::I32),
    int(b'I', IntTy::U32),
    int(b'q', IntTy::I64),
    int(b'Q', IntTy::U64),
    long(b'l', IntTy::I32, IntTy::I64),
    long(b'L', IntTy::U32, IntTy::U64),
    size(b'n', IntTy::I64),
    size(b'N', IntTy::U64),
    item(b'f', Item::F32),
    item(b'd', Item::F64),
];

/// The item that a native code stands for.
pub fn item_of(code: u8, long_size: u32) -> Option<Item> {
    let row = CODES.iter().find(|row| row.code == code);
    row.map(|row| row.native.item(long_size))
}

/// The code of an item.
pub fn code_of(item: Item) -> u8 {
    let is_its =
        |row: &&Code| matches!(row.native, Native::Fixed(own) if own == item && row.code != b'c');
    let row = CODES.iter().find(is_its);
    row.map_or(b'B', |row| row.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_items_code_stands_for_the_item() {
        for row in CODES {
            for long_size in [4, 8] {
                let item = row.native.item(long_size);
                assert_eq!(item_of(row.code, long_size), Some(item));
                assert_eq!(item_of(code_of(item), long_size), Some(item));
            }
        }
    }
}
