//! What the oracle knows of each format unit: a row says how C declares, passes, boxes and releases its variables, which result unit of a
//! spec gives back what came in, which defaults both sides have, and which pools of `values.py` hold arguments made for it. A second table has
//! other results.
//!
//! In C text, `@` stands for a parameter's variable, `a0`, `a1`... Functions and macros named there are those of `twin.c`.

use std::sync::LazyLock;

use pyasmgen::frontend::capi::classes;

/// A row.
#[derive(Debug)]
pub struct Unit {
    /// As it stands in CPython's format.
    pub text: &'static str,
    /// The type in `params` that says the same; where [`Unit::needs_type`], it stands beside the letter, too.
    pub ty: &'static str,
    /// The unit of `returns`.
    pub returns: &'static str,
    /// What the body returns, `@` being the parameter.
    pub value: &'static str,
    /// Declarations.
    pub declare: &'static str,
    /// What the parser is passed.
    pub pass: &'static str,
    /// An expression that is a new reference to what came in, or to the default.
    pub make: &'static str,
    /// What is to be done afterwards.
    pub release: &'static str,
    /// The default as `params` has it; none where a parameter of this unit cannot have one.
    pub default: &'static str,
    /// Pools of arguments.
    pub pools: &'static [&'static str],
}

impl Unit {
    /// The letter alone does not say what is taken.
    pub fn needs_type(&self) -> bool {
        matches!(self.text, "O!" | "O&")
    }

    /// The type alone says what is taken.
    pub fn is_type(&self) -> bool {
        !self.ty.is_empty() && self.text != "O!"
    }
}

/// `c` is how C declares, passes, boxes and releases it.
const fn unit(
    text: &'static str,
    ty: &'static str,
    returns: &'static str,
    c: [&'static str; 4],
    default: &'static str,
    pools: &'static [&'static str],
) -> Unit {
    let [declare, pass, make, release] = c;
    Unit {
        text,
        ty,
        returns,
        value: "@",
        declare,
        pass,
        make,
        release,
        default,
        pools,
    }
}

/// A type without a unit that is a buffer, bytes or a str: it has a converter of this name, which fills in a `Py_buffer`.
const fn of_type(
    ty: &'static str,
    returns: [&'static str; 3],
    pass: &'static str,
    default: &'static str,
) -> Unit {
    let [returns, value, make] = returns;
    Unit {
        value,
        ..unit(
            "O&",
            ty,
            returns,
            [
                "Py_buffer @ = {0, 0, -1}",
                pass,
                make,
                "PyBuffer_Release(&@)",
            ],
            default,
            &["items", "buffer", "none"],
        )
    }
}

/// How many items there are, -1 for None.
const ITEMS: [&str; 3] = [
    "n",
    "len(@)",
    "PyLong_FromSsize_t(@.itemsize ? @.len / @.itemsize : @.len)",
];
const ITEMS_OR_NONE: [&str; 3] = ["n", "-1 if @ is None else len(@)", ITEMS[2]];

/// The buffers of one type of items.
macro_rules! buffers {
    ($item:literal) => {
        [
            of_type(
                concat!("Buffer[", $item, "]"),
                ITEMS,
                concat!("buffer_", $item, ", &@"),
                "",
            ),
            of_type(
                concat!("MutBuffer[", $item, "]"),
                ITEMS,
                concat!("mut_buffer_", $item, ", &@"),
                "",
            ),
            of_type(
                concat!("Buffer[", $item, "] | None"),
                ITEMS_OR_NONE,
                concat!("buffer_or_none_", $item, ", &@"),
                "None",
            ),
            of_type(
                concat!("MutBuffer[", $item, "] | None"),
                ITEMS_OR_NONE,
                concat!("mut_buffer_or_none_", $item, ", &@"),
                "None",
            ),
        ]
    };
}

/// Buffers with items.
#[rustfmt::skip]
pub static BUFFERS: &[[Unit; 4]] = &[
    buffers!("bool"), buffers!("i8"), buffers!("u8"), buffers!("i16"), buffers!("u16"), buffers!("i32"), buffers!("u32"), buffers!("i64"),
    buffers!("u64"), buffers!("isize"), buffers!("usize"), buffers!("int"), buffers!("f32"), buffers!("f64"), buffers!("float"),
];

/// `O!` with every class that it can ask for by name.
pub static CLASSES: LazyLock<Vec<Unit>> = LazyLock::new(|| {
    let of_class = |&(ty, symbol): &(&'static str, &str)| {
        let declare = format!("extern PyObject {symbol}; PyObject *@ = 0");
        let pass = format!("&{symbol}, &@");
        let c = [declare.leak(), pass.leak(), "itself(@)", ""];
        unit("O!", ty, "O", c, "", &["any", "sequence", "truth"])
    };
    classes::CLASSES.iter().map(of_class).collect()
});

/// All units and types.
pub fn all() -> impl Iterator<Item = &'static Unit> + Clone {
    UNITS.iter().chain(BUFFERS.iter().flatten())
}

/// What a method does with arguments of some units, other than giving them back one by one.
#[derive(Debug)]
pub struct Results {
    /// The units, apart by spaces; buffers of items by their types.
    pub units: &'static str,
    /// The text of `returns`.
    pub returns: &'static str,
    /// The body, whose parameters are `a0`, `a1`...
    pub body: &'static str,
    /// In C, an expression that is a new reference to the result.
    pub make: &'static str,
}

const fn results(
    units: &'static str,
    returns: &'static str,
    body: &'static str,
    make: &'static str,
) -> Results {
    Results {
        units,
        returns,
        body,
        make,
    }
}

/// The last item of a buffer is read by way of all, and written to its front.
macro_rules! items {
    ($item:literal, $returns:literal, $zero:literal, $box:literal) => {
        [
            results(
                concat!("Buffer[", $item, "]"),
                $returns,
                concat!(
                    "last: ",
                    $item,
                    " = ",
                    $zero,
                    "\nfor item in a0:\n    last = item\nreturn last"
                ),
                concat!("LAST(", $item, ", ", $box, ", a0)"),
            ),
            results(
                concat!("MutBuffer[", $item, "]"),
                $returns,
                concat!(
                    "if len(a0) == 0:\n    return ",
                    $zero,
                    "\na0[0] = a0[-1]\nreturn a0[0]"
                ),
                concat!("FIRST(", $item, ", ", $box, ", a0)"),
            ),
        ]
    };
}

/// What is in buffers.
#[rustfmt::skip]
pub static ITEMS_READ: &[[Results; 2]] = &[
    items!("bool", "p", "False", "PyBool_FromLong"), items!("i8", "h", "0", "PyLong_FromLong"), items!("u8", "b", "0", "PyLong_FromLong"),
    items!("i16", "h", "0", "PyLong_FromLong"), items!("u16", "H", "0", "PyLong_FromLong"), items!("i32", "i", "0", "PyLong_FromLong"),
    items!("u32", "I", "0", "PyLong_FromLong"), items!("i64", "L", "0", "PyLong_FromLong"), items!("u64", "K", "0", "PyLong_FromUnsignedLong"),
    items!("f32", "f", "0.0", "PyFloat_FromDouble"), items!("f64", "d", "0.0", "PyFloat_FromDouble"),
];

/// The language of `Py_BuildValue`.
#[rustfmt::skip]
pub static RESULTS: &[Results] = &[
    results("",        "()",       "return ()",                 "BUILD(\"()\")"),
    results("",        "[]",       "return []",                 "BUILD(\"[]\")"),
    results("",        "{}",       "return {}",                 "BUILD(\"{}\")"),
    results("L",       "(L)",      "return (a0,)",              "BUILD(\"(L)\", a0)"),
    results("L d",     "(Ld)",     "return a0, a1",             "BUILD(\"(Ld)\", a0, a1)"),
    results("L d d",   "L(dd)",    "return a0, (a1, a2)",       "BUILD(\"L(dd)\", a0, a1, a2)"),
    results("L L",     "((L)((L)))", "return (a0,), ((a1,),)",  "BUILD(\"((L)((L)))\", a0, a1)"),
    results("L L",     "[LL]",     "return [a0, a1]",           "BUILD(\"[LL]\", a0, a1)"),
    results("O L d",   "[O(Ld)[]]", "return [a0, (a1, a2), []]", "BUILD(\"[O(Ld)[]]\", a0, a1, a2)"),
    results("O O",     "{OO}",     "return {a0: a1}",           "BUILD(\"{OO}\", a0, a1)"),
    results("O L O d", "{O:L, O:d}", "return {a0: a1, a2: a3}", "BUILD(\"{O:L, O:d}\", a0, a1, a2, a3)"),
    results("y# L d",  "{y#(Ld)}", "return {a0: (a1, a2)}",     "BUILD(\"{y#(Ld)}\", a0, a0n, a1, a2)"),
    results("d O",     "(O, d)",   "return a1, a0",             "BUILD(\"(O, d)\", a1, a0)"),
    results("O",       "N",        "return a0",                 "BUILD(\"O\", a0)"),
    results("O",       "OO",       "return a0, a0",             "BUILD(\"OO\", a0, a0)"),
    results("S",       "S",        "return a0",                 "BUILD(\"S\", a0)"),
    results("U",       "U",        "return a0",                 "BUILD(\"O\", a0)"),
    results("p",       "p",        "return a0",                 "PyBool_FromLong(a0)"),
    results("c",       "c",        "return a0",                 "BUILD(\"c\", a0)"),
    results("C",       "C",        "return a0",                 "BUILD(\"C\", a0)"),
    results("D",       "D",        "return a0",                 "BUILD(\"D\", &a0)"),
    results("d",       "f",        "return a0",                 "BUILD(\"f\", (float)a0)"),
    results("L",       "b",        "return a0",                 "fitting(a0, 0, 255, \"u8\")"),
    results("L",       "h",        "return a0",                 "fitting(a0, -32768, 32767, \"i16\")"),
    results("L",       "i",        "return a0",                 "fitting(a0, -1L << 31, (1L << 31) - 1, \"i32\")"),
    results("L",       "I",        "return a0",                 "fitting(a0, 0, (1L << 32) - 1, \"u32\")"),
    results("L",       "c",        "return a0",                 "a0 < 0 || a0 > 255 ? fitting(a0, 0, 255, \"u8\") : BUILD(\"c\", (int)a0)"),
    results("s",       "s",        "return a0",                 "BUILD(\"s\", a0)"),
    results("z",       "z",        "return a0",                 "BUILD(\"z\", a0)"),
    results("y",       "y",        "return a0",                 "BUILD(\"y\", a0)"),
    results("s#",      "s#",       "return a0",                 "BUILD(\"s#\", a0, a0n)"),
    results("z#",      "z#",       "return a0",                 "BUILD(\"z#\", a0, a0n)"),
    results("y#",      "s#",       "return a0",                 "BUILD(\"s#\", a0, a0n)"),
    results("y# y#",   "s#s#",     "return a0, a1",             "BUILD(\"s#s#\", a0, a0n, a1, a1n)"),
    results("y* s*",   "s#s#",     "return a1, a0",             "BUILD(\"s#s#\", a1.buf, a1.len, a0.buf, a0.len)"),
    results("z*",      "s#",       "return a0",                 "BUILD(\"s#\", a0.buf, a0.len)"),
    results("w*",      "s#",       "return a0",                 "BUILD(\"s#\", a0.buf, a0.len)"),
    results("S",       "y#",       "return a0",                 "copied(a0)"),
    results("U",       "O",        "return a0",                 "itself(a0)"),
    results("w*",      "",         "if a0:\n    a0[0] = 65",   "stored(&a0)"),
];

/// All units but the parenthesised ones.
#[rustfmt::skip]
pub static UNITS: &[Unit] = &[
    unit("b",   "",           "b",  ["unsigned char @ = 7",                       "&@",                   "PyLong_FromLong(@)",                         ""],                     "7",     &["int"]),
    unit("B",   "",           "B",  ["unsigned char @ = 7",                       "&@",                   "PyLong_FromLong(@)",                         ""],                     "7",     &["int"]),
    unit("h",   "i16",        "h",  ["short @ = -7",                              "&@",                   "PyLong_FromLong(@)",                         ""],                     "-7",    &["int"]),
    unit("H",   "",           "H",  ["unsigned short @ = 7",                      "&@",                   "PyLong_FromLong(@)",                         ""],                     "7",     &["int"]),
    unit("i",   "i32",        "i",  ["int @ = -7",                                "&@",                   "PyLong_FromLong(@)",                         ""],                     "-7",    &["int"]),
    unit("I",   "",           "I",  ["unsigned @ = 7",                            "&@",                   "PyLong_FromUnsignedLong(@)",                 ""],                     "7",     &["int"]),
    unit("l",   "",           "l",  ["long @ = -7",                               "&@",                   "PyLong_FromLong(@)",                         ""],                     "-7",    &["int"]),
    unit("k",   "",           "k",  ["unsigned long @ = 7",                       "&@",                   "PyLong_FromUnsignedLong(@)",                 ""],                     "7",     &["int"]),
    unit("L",   "i64",        "L",  ["long long @ = -7",                          "&@",                   "PyLong_FromLongLong(@)",                     ""],                     "-7",    &["int"]),
    unit("K",   "",           "K",  ["unsigned long long @ = 7",                  "&@",                   "PyLong_FromUnsignedLongLong(@)",             ""],                     "7",     &["int"]),
    unit("n",   "isize",      "n",  ["Py_ssize_t @ = -7",                         "&@",                   "PyLong_FromSsize_t(@)",                      ""],                     "-7",    &["int"]),
    unit("f",   "f32",        "f",  ["float @ = 1.5f",                            "&@",                   "PyFloat_FromDouble(@)",                      ""],                     "1.5",   &["float", "int"]),
    unit("d",   "f64",        "d",  ["double @ = 1.5",                            "&@",                   "PyFloat_FromDouble(@)",                      ""],                     "1.5",   &["float", "int"]),
    unit("D",   "complex",    "D",  ["Py_complex @ = {0, 1.5}",                   "&@",                   "PyComplex_FromDoubles(@.real, @.imag)",      ""],                     "1.5j",  &["complex", "float", "int"]),
    unit("p",   "bool",       "p",  ["int @ = 1",                                 "&@",                   "PyBool_FromLong(@)",                         ""],                     "True",  &["truth"]),
    unit("c",   "",           "L",  ["unsigned char @ = 7",                       "&@",                   "PyLong_FromLong(@)",                         ""],                     "7",     &["char", "bytes"]),
    unit("C",   "",           "L",  ["int @ = 7",                                 "&@",                   "PyLong_FromLong(@)",                         ""],                     "7",     &["char", "text"]),
    unit("s",   "",           "y#", ["const char *@ = \"ab\"",                    "&@",                   "c_string(@)",                                ""],                     "'ab'",  &["text"]),
    unit("z",   "",           "y#", ["const char *@ = 0",                         "&@",                   "c_string(@)",                                ""],                     "None",  &["text", "none"]),
    unit("y",   "",           "y#", ["const char *@ = \"ab\"",                    "&@",                   "c_string(@)",                                ""],                     "b'ab'", &["bytes"]),
    unit("s#",  "",           "y#", ["const char *@ = \"ab\"; Py_ssize_t @n = 2", "&@, &@n",              "sized(@, @n)",                               ""],                     "'ab'",  &["text", "bytes"]),
    unit("z#",  "",           "y#", ["const char *@ = 0; Py_ssize_t @n = 0",      "&@, &@n",              "sized(@, @n)",                               ""],                     "None",  &["text", "bytes", "none"]),
    unit("y#",  "",           "y#", ["const char *@ = \"ab\"; Py_ssize_t @n = 2", "&@, &@n",              "sized(@, @n)",                               ""],                     "b'ab'", &["bytes"]),
    unit("s*",  "",           "y#", ["Py_buffer @ = {\"ab\", 0, 2}",              "&@",                   "sized(@.buf, @.len)",                        "PyBuffer_Release(&@)"], "'ab'",  &["text", "buffer"]),
    unit("z*",  "",           "y#", ["Py_buffer @ = {0}",                         "&@",                   "sized(@.buf, @.len)",                        "PyBuffer_Release(&@)"], "None",  &["text", "buffer", "none"]),
    unit("y*",  "Buffer",     "y#", ["Py_buffer @ = {\"ab\", 0, 2}",              "&@",                   "sized(@.buf, @.len)",                        "PyBuffer_Release(&@)"], "b'ab'", &["buffer"]),
    unit("w*",  "MutBuffer",  "y#", ["Py_buffer @ = {0}",                         "&@",                   "sized(@.buf, @.len)",                        "PyBuffer_Release(&@)"], "",      &["buffer"]),
    unit("es",  "",           "y#", ["char *@ = 0",                               "\"utf-8\", &@",        "c_string(@ ? @ : \"ab\")",                   "PyMem_Free(@)"],        "'ab'",  &["text"]),
    unit("et",  "",           "y#", ["char *@ = 0",                               "\"utf-8\", &@",        "c_string(@ ? @ : \"ab\")",                   "PyMem_Free(@)"],        "'ab'",  &["text", "bytes"]),
    unit("es#", "",           "y#", ["char *@ = 0; Py_ssize_t @n = 2",            "\"utf-8\", &@, &@n",   "sized(@ ? @ : \"ab\", @n)",                  "PyMem_Free(@)"],        "'ab'",  &["text"]),
    unit("et#", "",           "y#", ["char *@ = 0; Py_ssize_t @n = 2",            "\"utf-8\", &@, &@n",   "sized(@ ? @ : \"ab\", @n)",                  "PyMem_Free(@)"],        "'ab'",  &["text", "bytes"]),
    unit("S",   "bytes",      "O",  ["PyObject *@ = 0",                           "&@",                   "@ ? itself(@) : c_string(\"ab\")",           ""],                     "b'ab'", &["bytes"]),
    unit("Y",   "",           "O",  ["PyObject *@ = &_Py_NoneStruct",             "&@",                   "itself(@)",                                  ""],                     "None",  &["buffer"]),
    unit("U",   "str",        "O",  ["PyObject *@ = 0",                           "&@",                   "@ ? itself(@) : PyUnicode_FromString(\"ab\")", ""],                     "'ab'",  &["text"]),
    unit("O",   "object",     "O",  ["PyObject *@ = &_Py_NoneStruct",             "&@",                   "itself(@)",                                  ""],                     "None",  &["any"]),
    unit("O",   "object",     "O",  ["PyObject *@ = 0",                           "&@",                   "@ ? itself(@) : c_string(\"ab\")",         ""],                     "b'ab'",  &["any"]),
    unit("O",   "object",     "O",  ["PyObject *@ = 0",                           "&@",                   "@ ? itself(@) : PyUnicode_FromString(\"ab\")", ""],                     "'ab'",  &["any"]),
    unit("O",   "object",     "O",  ["PyObject *@ = 0",                           "&@",                   "@ ? itself(@) : PyLong_FromLongLong(-1LL << 63)", ""],                     "-9223372036854775808",  &["any"]),
    unit("O",   "object",     "O",  ["PyObject *@ = 0",                           "&@",                   "@ ? itself(@) : PyLong_FromUnsignedLongLong(~0ULL)", ""],                     "0xffffffffffffffff",  &["any"]),
    unit("O",   "object",     "O",  ["PyObject *@ = 0",                           "&@",                   "@ ? itself(@) : PyFloat_FromDouble(-0.0)", ""],                     "-0.0",  &["any"]),
    unit("O",   "object",     "O",  ["PyObject *@ = 0",                           "&@",                   "@ ? itself(@) : PyComplex_FromDoubles(-1.5, 2)", ""],                     "-1.5+2j",  &["any"]),
    unit("O!",  "list",       "O",  ["PyObject *@ = &_Py_NoneStruct",             "&PyList_Type, &@",     "itself(@)",                                  ""],                     "None",  &["sequence"]),
    unit("O!",  "str",        "O",  ["PyObject *@ = &_Py_NoneStruct",             "&PyUnicode_Type, &@",  "itself(@)",                                  ""],                     "None",  &["text"]),
    unit("O!",  "ValueError", "O",  ["PyObject *@ = &_Py_NoneStruct",             "PyExc_ValueError, &@", "itself(@)",                                  ""],                     "None",  &["exception"]),
    unit("O!",  "Problem",    "O",  ["PyObject *@ = &_Py_NoneStruct",             "problem, &@",          "itself(@)",                                  ""],                     "None",  &["exception"]),
    unit("O&",  "i8",         "h",  ["long long @ = 7",                           "convert_i8, &@",       "PyLong_FromLongLong(@)",                     ""],                     "7",     &["int"]),
    unit("O&",  "u8",         "b",  ["long long @ = 7",                           "convert_u8, &@",       "PyLong_FromLongLong(@)",                     ""],                     "7",     &["int"]),
    unit("O&",  "u16",        "H",  ["long long @ = 7",                           "convert_u16, &@",      "PyLong_FromLongLong(@)",                     ""],                     "7",     &["int"]),
    unit("O&",  "u32",        "I",  ["long long @ = 7",                           "convert_u32, &@",      "PyLong_FromLongLong(@)",                     ""],                     "7",     &["int"]),
    unit("O&",  "u64",        "K",  ["unsigned long long @ = 7",                  "convert_u64, &@",      "PyLong_FromUnsignedLongLong(@)",             ""],                     "7",     &["int"]),
    unit("O&",  "usize",      "K",  ["unsigned long long @ = 7",                  "convert_usize, &@",    "PyLong_FromUnsignedLongLong(@)",             ""],                     "7",     &["int"]),
    Unit { returns: "y#", value: "@", pools: &["bytes", "none"], ..of_type("bytes | None", ["y#", "@", "sized(@.buf, @.len)"], "bytes_or_none, &@", "None") },
    Unit { pools: &["text", "none"], ..of_type("str | None", ["O", "@", "itself(@.internal ? @.internal : &_Py_NoneStruct)"], "str_or_none, &@", "None") },
    Unit { text: "O", pools: &["any"], ..unit("O", "object | None", "O", ["PyObject *@ = &_Py_NoneStruct", "&@", "itself(@)", ""], "None", &[]) },
    of_type("Buffer | None",    ["y#", "@", "sized(@.buf, @.len)"], "buffer_or_none, &@", "None"),
    of_type("MutBuffer | None", ["y#", "@", "sized(@.buf, @.len)"], "mut_buffer_or_none, &@", "None"),
];
