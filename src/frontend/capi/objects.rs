//! How objects look inside, as far as fast method tables look there, in builds with a GIL and without `Py_DEBUG`: a row for each version.
//!
//! The rows are data of the module that is made; it looks up its own interpreter's when it is imported, examines objects that it knows, and
//! keeps to the C API where they look otherwise. Offsets that no version changes are constants. Not here: free-threaded builds, whose
//! objects are never looked into; 3.9 and 3.10, which have passed the end of their lives (their zero has no digit).

/// Offset of `ob_refcnt`.
pub const OB_REFCNT: i32 = 0;
/// Offset of `ob_type`.
pub const OB_TYPE: i32 = 8;
/// Offset of a float's `ob_fval`.
pub const OB_FVAL: i32 = 16;
/// Offset of the size: `ob_size` of tuples and bytes, `length` of strs, and of an int the word that says how many digits there are.
pub const OB_SIZE: i32 = 16;
/// Offset of the bytes of a bytes object.
pub const OB_SVAL: i32 = 32;
/// Offset of a str's `state`, four bytes.
pub const STATE: i32 = 32;
/// Its bits `compact` and `ascii`: the characters stand behind the head, a byte each.
pub const COMPACT_ASCII: i64 = 0x60;
/// Offset of an int's first digit: 30 bits in four bytes, the lowest first.
pub const OB_DIGIT: i32 = 24;
/// Bits of a digit.
pub const DIGIT_BITS: i64 = 30;
/// Size of an int of one or two digits.
pub const INT_SIZE: i64 = 32;
/// The least int that exists in advance.
pub const LEAST_SMALL_INT: i64 = -5;

/// What versions differ in. A module keeps each in eight bytes, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// 1 where `None`, `True`, `False` and small ints have reference counts like any other object, 0 where they live for ever (3.12).
    Counted,
    /// Bits that are clear in the size word of an int that is 0 or positive and of one digit.
    IntRare,
    /// The size word of a positive int of one digit.
    IntOne,
    /// Of two digits.
    IntTwo,
    /// The size word of a negative int of one digit.
    IntMinusOne,
    /// Of two digits.
    IntMinusTwo,
    /// The bits of a size word that tell sign and number of digits.
    IntKept,
    /// Offset of the characters of a str that is ASCII.
    AsciiData,
    /// Offset of a tuple's first item.
    TupleItems,
    /// Offset of a module's `md_state`.
    ModuleState,
    /// How many times 256 ints above 0 exist in advance.
    SmallPages,
    /// The address of the int [`LEAST_SMALL_INT`]; those above it follow, [`INT_SIZE`] bytes each. Found out at import.
    SmallInts,
    /// How many of them there are. Found out at import.
    SmallCount,
    /// Ints of a smaller magnitude are made in place: those of two digits at most, in all versions.
    MadeBelow,
}

impl Fact {
    /// How many facts there are.
    pub const COUNT: usize = Fact::MadeBelow as usize + 1;

    /// Where it is kept, in bytes.
    pub fn offset(self) -> i32 {
        8 * self as i32
    }
}

/// The facts that stand in a row.
pub const ROW: usize = Fact::SmallInts as usize;

/// The version (3.x) of the first row.
pub const FIRST: i64 = 11;

/// Rows, from version [`FIRST`] on. Sizes of ints: `ob_size`, signed, up to 3.11; then `lv_tag`, which has the number of digits from bit 3
/// on, 2 in the low bits of what is negative, 1 in those of zero, and bit 2 set in ints that exist in advance (3.14).
pub static ROWS: [[i8; ROW]; 5] = [
    //  Counted IntRare  One Two -One -Two  Kept  Ascii Tuple State Small
    /* 3.11 */
    [1, !1, 1, 2, -1, -2, -1, 48, 24, 32, 1],
    /* 3.12 */ [0, !13, 8, 16, 10, 18, -1, 40, 24, 32, 1],
    /* 3.13 */ [0, !13, 8, 16, 10, 18, -1, 40, 24, 32, 1],
    /* 3.14 */ [0, !13, 8, 16, 10, 18, !4, 40, 32, 32, 1],
    /* 3.15 */ [0, !13, 8, 16, 10, 18, !4, 40, 32, 24, 4],
];
