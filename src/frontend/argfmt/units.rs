//! The units of argument formats: one row each.
//!
//! In: nothing. Out: what a unit is called, which C variables it fills, what kind of value it makes, and Python expressions it
//! takes. A unit whose kind is [`Kind::Later`] is known to the grammar and diagnosed where it is used. What conversion costs and
//! how it is done is glue's business; types of the body language are `spec`'s.
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
    /// The truth of any object.
    Truth,
    /// The object itself.
    Object,
    /// A value that bodies cannot hold yet.
    Later,
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

/// All units but the parenthesised ones.
#[rustfmt::skip]
pub static UNITS: &[Unit] = {
    use CVar::*;
    use Kind::{Checked, Later, Modulo, Object, Truth};
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
        unit("D",   &[Complex],                Later,       "a complex",                         &["1j", "2.5"]),
        unit("p",   &[Int],                    Truth,       "any object's truth",                &["0", "[1]", "None"]),
        unit("c",   &[Char],                   Later,       "a bytes object of length 1",        &["b'x'"]),
        unit("C",   &[Int],                    Later,       "a str of length 1",                 &["'x'", "'\\U0001F600'"]),
        unit("s",   &[Pointer],                Later,       "a str",                             &["'text'"]),
        unit("z",   &[Pointer],                Later,       "a str or None",                     &["'text'", "None"]),
        unit("y",   &[Pointer],                Later,       "bytes",                             &["b'text'"]),
        unit("s#",  &[Pointer, SsizeT],        Later,       "a str or bytes",                    &["'text'", "b'\\0'"]),
        unit("z#",  &[Pointer, SsizeT],        Later,       "a str, bytes or None",              &["'text'", "None"]),
        unit("y#",  &[Pointer, SsizeT],        Later,       "bytes",                             &["b'\\0'"]),
        unit("s*",  &[Buffer],                 Later,       "a str or a bytes-like object",      &["'text'", "bytearray(2)"]),
        unit("z*",  &[Buffer],                 Later,       "a str, a bytes-like object or None", &["'text'", "None"]),
        unit("y*",  &[Buffer],                 Later,       "a bytes-like object",               &["b'text'", "bytearray(2)"]),
        unit("w*",  &[Buffer],                 Later,       "a writable bytes-like object",      &["bytearray(2)"]),
        unit("es",  &[Input, Pointer],         Later,       "a str, to be encoded",              &["'text'"]),
        unit("et",  &[Input, Pointer],         Later,       "a str, to be encoded, or bytes",    &["'text'", "b'text'"]),
        unit("es#", &[Input, Pointer, SsizeT], Later,       "a str, to be encoded",              &["'text'"]),
        unit("et#", &[Input, Pointer, SsizeT], Later,       "a str, to be encoded, or bytes",    &["'text'", "b'text'"]),
        unit("S",   &[Pointer],                Later,       "bytes",                             &["b'text'"]),
        unit("Y",   &[Pointer],                Later,       "a bytearray",                       &["bytearray(2)"]),
        unit("U",   &[Pointer],                Later,       "a str",                             &["'text'"]),
        unit("O",   &[Pointer],                Object,      "any object",                        &["None", "[]"]),
        unit("O!",  &[Input, Pointer],         Later,       "an object of a given type",         &["1"]),
        unit("O&",  &[Input, Pointer],         Later,       "what a converter function takes",   &["'path'"]),
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
