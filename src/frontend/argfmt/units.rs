//! The units of argument formats: one row each.
//!
//! In: nothing. Out: what a unit is called, which C variables it fills, what kind of value it makes, and Python expressions it
//! takes. What conversion costs and how it is done is glue's business; types of the body language are `spec`'s.
//!
//! Facts: "Parsing arguments and building values" in the Python/C API manual.

/// What a unit makes of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An integer; what does not fit the C variable is an OverflowError.
    Checked,
    /// An integer modulo 2^N of the C variable.
    Modulo,
    /// A float.
    Float,
    /// A complex.
    Complex,
    /// The truth of any object.
    Truth,
    /// `c`: the only byte of a bytes or bytearray object.
    Byte,
    /// `C`: the only code point of a str.
    Char,
    /// A pointer to the UTF-8 of a str or to the bytes of a read-only buffer, which the object keeps.
    Text {
        /// What it takes.
        takes: Takes,
        /// And None.
        nullable: bool,
    },
    /// A `Py_buffer`, which the caller releases.
    Buffer {
        /// What it takes.
        takes: Takes,
        /// And None.
        nullable: bool,
        /// Writable ones only.
        mutable: bool,
    },
    /// A copy of a str in an encoding, which the caller frees.
    Encoded {
        /// `t`: bytes go through as they are.
        bytes: bool,
    },
    /// A bytes object.
    Bytes,
    /// A bytearray object.
    ByteArray,
    /// A str object.
    Str,
    /// Any object.
    Object,
    /// `O!`: an object of a class that the caller names.
    Instance,
    /// `O&`: what a function of the caller makes.
    Converter,
}

/// Which of str and bytes a unit takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Takes {
    Str,
    Bytes,
    Both,
}

/// A C variable behind a pointer in the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of C")]
pub enum CVar {
    Char,
    UChar,
    Short,
    UShort,
    Int,
    UInt,
    Long,
    ULong,
    LongLong,
    ULongLong,
    SsizeT,
    Float,
    Double,
    /// `Py_complex`
    Complex,
    /// `Py_buffer`
    Buffer,
    /// Any pointer.
    Pointer,
    /// Not a variable: a pointer handed in (an encoding's name, a type, a converter).
    Input,
}

impl CVar {
    /// Size in bytes where `long` and pointers have these sizes.
    pub fn size(self, long_size: u32, pointer_size: u32) -> u32 {
        match self {
            CVar::Char | CVar::UChar => 1,
            CVar::Short | CVar::UShort => 2,
            CVar::Int | CVar::UInt | CVar::Float => 4,
            CVar::Long | CVar::ULong => long_size,
            CVar::LongLong | CVar::ULongLong | CVar::Double => 8,
            CVar::SsizeT | CVar::Pointer | CVar::Input => pointer_size,
            CVar::Complex => 16,
            // Two pointers, two sizes, two ints, five pointers.
            CVar::Buffer => 9 * pointer_size + 8,
        }
    }

    /// Whether the C type has negative values. `b` checks its unsigned char.
    pub fn signed(self) -> bool {
        matches!(
            self,
            CVar::Char | CVar::Short | CVar::Int | CVar::Long | CVar::LongLong | CVar::SsizeT
        )
    }
}

/// A row.
#[derive(Debug)]
pub struct Unit {
    /// As it stands in a format.
    pub text: &'static str,
    /// What its pointers point to, in the order of the call.
    pub vars: &'static [CVar],
    /// What it makes.
    pub kind: Kind,
    /// What it takes, for messages.
    pub noun: &'static str,
    /// Python expressions it takes.
    pub samples: &'static [&'static str],
}

const fn unit(
    text: &'static str,
    vars: &'static [CVar],
    kind: Kind,
    noun: &'static str,
    samples: &'static [&'static str],
) -> Unit {
    Unit {
        text,
        vars,
        kind,
        noun,
        samples,
    }
}

impl Unit {
    /// It gives a length, so NULs are no end.
    pub fn sized(&self) -> bool {
        self.vars.contains(&CVar::SsizeT) && self.vars.contains(&CVar::Pointer)
    }
}

const fn text(takes: Takes) -> Kind {
    Kind::Text {
        takes,
        nullable: false,
    }
}

const fn buffer(takes: Takes) -> Kind {
    Kind::Buffer {
        takes,
        nullable: false,
        mutable: false,
    }
}

const TEXT_OR_NONE: Kind = Kind::Text {
    takes: Takes::Str,
    nullable: true,
};
const BOTH_OR_NONE: Kind = Kind::Text {
    takes: Takes::Both,
    nullable: true,
};
const BUFFER_OR_NONE: Kind = Kind::Buffer {
    takes: Takes::Both,
    nullable: true,
    mutable: false,
};
const WRITABLE: Kind = Kind::Buffer {
    takes: Takes::Bytes,
    nullable: false,
    mutable: true,
};
const ENCODED: Kind = Kind::Encoded { bytes: false };
const ENCODED_OR_BYTES: Kind = Kind::Encoded { bytes: true };

/// All units but the parenthesised ones.
#[rustfmt::skip]
pub static UNITS: &[Unit] = {
    use CVar::*;
    use Kind::{Checked, Instance, Modulo, Object, Truth};
    &[
        unit("b",   &[UChar],                  Checked,     "an int of 0 to 255",                &["0", "255", "True"]),
        unit("B",   &[UChar],                  Modulo,      "an int modulo 2**8",                &["0", "-1", "256"]),
        unit("h",   &[Short],                  Checked,     "an int of 16 bits",                 &["0", "-32768", "32767"]),
        unit("H",   &[UShort],                 Modulo,      "an int modulo 2**16",               &["0", "-1", "65536"]),
        unit("i",   &[Int],                    Checked,     "an int of 32 bits",                 &["0", "-2**31", "2**31-1"]),
        unit("I",   &[UInt],                   Modulo,      "an int modulo 2**32",               &["0", "-1", "2**32"]),
        unit("l",   &[Long],                   Checked,     "an int of the size of C's long",    &["0", "-2**31", "2**31-1"]),
        unit("k",   &[ULong],                  Modulo,      "an int modulo the range of C's unsigned long", &["0", "-1", "2**64"]),
        unit("L",   &[LongLong],               Checked,     "an int of 64 bits",                 &["0", "-2**63", "2**63-1"]),
        unit("K",   &[ULongLong],              Modulo,      "an int modulo 2**64",               &["0", "-1", "2**64"]),
        unit("n",   &[SsizeT],                 Checked,     "an int of the size of Py_ssize_t",  &["0", "-2**31", "2**31-1"]),
        unit("f",   &[Float],                  Kind::Float, "a float of 32 bits",                &["0.5", "-1", "1e300", "True"]),
        unit("d",   &[Double],                 Kind::Float, "a float",                           &["0.5", "-1", "float('nan')"]),
        unit("D",   &[Complex],                Kind::Complex, "a complex",                       &["1j", "2.5"]),
        unit("p",   &[Int],                    Truth,       "any object's truth",                &["0", "[1]", "None"]),
        unit("c",   &[Char],                   Kind::Byte,  "a bytes object of length 1",        &["b'x'", "bytearray(b'\\xff')"]),
        unit("C",   &[Int],                    Kind::Char,  "a str of length 1",                 &["'x'", "'\\U0001F600'", "'\\ud800'"]),
        unit("s",   &[Pointer],                text(Takes::Str),   "a str without NUL",          &["'text'", "'ö'"]),
        unit("z",   &[Pointer],                TEXT_OR_NONE,       "a str without NUL, or None", &["'text'", "None"]),
        unit("y",   &[Pointer],                text(Takes::Bytes), "bytes without NUL",          &["b'text'"]),
        unit("s#",  &[Pointer, SsizeT],        text(Takes::Both),  "a str or bytes",             &["'text'", "b'\\0'"]),
        unit("z#",  &[Pointer, SsizeT],        BOTH_OR_NONE,       "a str, bytes or None",       &["'text'", "b'\\0'", "None"]),
        unit("y#",  &[Pointer, SsizeT],        text(Takes::Bytes), "bytes",                      &["b'\\0'"]),
        unit("s*",  &[Buffer],                 buffer(Takes::Both),  "a str or a bytes-like object", &["'text'", "bytearray(2)"]),
        unit("z*",  &[Buffer],                 BUFFER_OR_NONE,       "a str, a bytes-like object or None", &["'text'", "memoryview(b'x')", "None"]),
        unit("y*",  &[Buffer],                 buffer(Takes::Bytes), "a bytes-like object",      &["b'text'", "bytearray(2)"]),
        unit("w*",  &[Buffer],                 WRITABLE,             "a writable bytes-like object", &["bytearray(2)"]),
        unit("es",  &[Input, Pointer],         ENCODED,          "a str without NUL",            &["'text'"]),
        unit("et",  &[Input, Pointer],         ENCODED_OR_BYTES, "a str or bytes without NUL",   &["'text'", "b'text'", "bytearray(b'text')"]),
        unit("es#", &[Input, Pointer, SsizeT], ENCODED,          "a str",                        &["'text'", "'\\0'"]),
        unit("et#", &[Input, Pointer, SsizeT], ENCODED_OR_BYTES, "a str or bytes",               &["'text'", "b'\\0'"]),
        unit("S",   &[Pointer],                Kind::Bytes,     "bytes",                         &["b'text'"]),
        unit("Y",   &[Pointer],                Kind::ByteArray, "a bytearray",                   &["bytearray(2)"]),
        unit("U",   &[Pointer],                Kind::Str,       "a str",                         &["'text'", "'\\ud800'"]),
        unit("O",   &[Pointer],                Object,          "any object",                    &["None", "[]"]),
        unit("O!",  &[Input, Pointer],         Instance,        "an object of a given class",    &["1"]),
        unit("O&",  &[Input, Pointer],         Kind::Converter, "what a type's own converter takes", &["'path'"]),
    ]
};

/// Units that CPython had once, and what stands for them now.
pub static REMOVED: &[(&str, &str)] = &[("u#", "U"), ("Z#", "z#"), ("u", "U"), ("Z", "z")];

/// The unit with exactly this text.
pub fn find(text: &str) -> Option<&'static Unit> {
    UNITS.iter().find(|unit| unit.text == text)
}

/// The longest unit that `format` begins with.
pub fn longest(format: &str) -> Option<&'static Unit> {
    UNITS
        .iter()
        .filter(|unit| format.starts_with(unit.text))
        .max_by_key(|unit| unit.text.len())
}
