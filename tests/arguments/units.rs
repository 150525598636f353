//! What the oracle knows of each format unit: a row says how C declares, passes, boxes and releases its variables, which result unit of a
//! spec gives back what came in, which defaults both sides have, and which pools of `values.py` hold arguments made for it.
//!
//! In C text, `@` stands for the parameter's name. Functions and macros named there are those of `twin.c`.

/// A row.
#[derive(Debug)]
pub struct Unit {
    /// As it stands in a format.
    pub text: &'static str,
    /// The unit of `returns`.
    pub returns: &'static str,
    /// Declarations, with the default's value where there is a default.
    pub declare: &'static str,
    /// What the parser is passed.
    pub pass: &'static str,
    /// An expression that is a new reference to what came in.
    pub make: &'static str,
    /// What is to be done afterwards.
    pub release: &'static str,
    /// The default as `params` has it; none where a parameter of this unit cannot have one.
    pub default: &'static str,
    /// Pools of arguments.
    pub pools: &'static [&'static str],
}

/// `c` is how C declares, passes, boxes and releases it.
const fn unit(
    text: &'static str,
    returns: &'static str,
    c: [&'static str; 4],
    default: &'static str,
    pools: &'static [&'static str],
) -> Unit {
    let [declare, pass, make, release] = c;
    Unit {
        text,
        returns,
        declare,
        pass,
        make,
        release,
        default,
        pools,
    }
}

/// All units but the parenthesised ones.
#[rustfmt::skip]
pub static UNITS: &[Unit] = &[
    unit("b",   "b",  ["unsigned char @ = 7",                       "&@",      "PyLong_FromLong(@)",                     ""], "7",    &["int"]),
    unit("B",   "B",  ["unsigned char @ = 7",                       "&@",      "PyLong_FromLong(@)",                     ""], "7",    &["int"]),
    unit("h",   "h",  ["short @ = -7",                              "&@",      "PyLong_FromLong(@)",                     ""], "-7",   &["int"]),
    unit("H",   "H",  ["unsigned short @ = 7",                      "&@",      "PyLong_FromLong(@)",                     ""], "7",    &["int"]),
    unit("i",   "i",  ["int @ = -7",                                "&@",      "PyLong_FromLong(@)",                     ""], "-7",   &["int"]),
    unit("I",   "I",  ["unsigned @ = 7",                            "&@",      "PyLong_FromUnsignedLong(@)",             ""], "7",    &["int"]),
    unit("l",   "l",  ["long @ = -7",                               "&@",      "PyLong_FromLong(@)",                     ""], "-7",   &["int"]),
    unit("k",   "k",  ["unsigned long @ = 7",                       "&@",      "PyLong_FromUnsignedLong(@)",             ""], "7",    &["int"]),
    unit("L",   "L",  ["long long @ = -7",                          "&@",      "PyLong_FromLongLong(@)",                 ""], "-7",   &["int"]),
    unit("K",   "K",  ["unsigned long long @ = 7",                  "&@",      "PyLong_FromUnsignedLongLong(@)",         ""], "7",    &["int"]),
    unit("n",   "n",  ["Py_ssize_t @ = -7",                         "&@",      "PyLong_FromSsize_t(@)",                  ""], "-7",   &["int"]),
    unit("f",   "f",  ["float @ = 1.5f",                            "&@",      "PyFloat_FromDouble(@)",                  ""], "1.5",  &["float", "int"]),
    unit("d",   "d",  ["double @ = 1.5",                            "&@",      "PyFloat_FromDouble(@)",                  ""], "1.5",  &["float", "int"]),
    unit("D",   "D",  ["Py_complex @ = {0, 0}",                     "&@",      "PyComplex_FromDoubles(@.real, @.imag)",  ""], "",     &["complex", "float", "int"]),
    unit("p",   "p",  ["int @ = 1",                                 "&@",      "PyBool_FromLong(@)",                     ""], "True", &["truth"]),
    unit("c",   "L",  ["unsigned char @ = 7",                       "&@",      "PyLong_FromLong(@)",                     ""], "7",    &["char", "bytes"]),
    unit("C",   "L",  ["int @ = 7",                                 "&@",      "PyLong_FromLong(@)",                     ""], "7",    &["char", "text"]),
    unit("s",   "y#", ["const char *@ = 0",                         "&@",      "c_string(@)",                            ""], "",     &["text"]),
    unit("z",   "y#", ["const char *@ = 0",                         "&@",      "c_string(@)",                            ""], "None", &["text", "none"]),
    unit("y",   "y#", ["const char *@ = 0",                         "&@",      "c_string(@)",                            ""], "",     &["bytes"]),
    unit("s#",  "y#", ["const char *@ = 0; Py_ssize_t @n = 0",      "&@, &@n", "sized(@, @n)",                           ""], "",     &["text", "bytes"]),
    unit("z#",  "y#", ["const char *@ = 0; Py_ssize_t @n = 0",      "&@, &@n", "sized(@, @n)",                           ""], "None", &["text", "bytes", "none"]),
    unit("y#",  "y#", ["const char *@ = 0; Py_ssize_t @n = 0",      "&@, &@n", "sized(@, @n)",                           ""], "",     &["bytes"]),
    unit("s*",  "y#", ["Py_buffer @ = {0}",                         "&@",      "sized(@.buf, @.len)",                    "PyBuffer_Release(&@)"], "",     &["text", "buffer"]),
    unit("z*",  "y#", ["Py_buffer @ = {0}",                         "&@",      "sized(@.buf, @.len)",                    "PyBuffer_Release(&@)"], "None", &["text", "buffer", "none"]),
    unit("y*",  "y#", ["Py_buffer @ = {0}",                         "&@",      "sized(@.buf, @.len)",                    "PyBuffer_Release(&@)"], "",     &["buffer"]),
    unit("w*",  "y#", ["Py_buffer @ = {0}",                         "&@",      "sized(@.buf, @.len)",                    "PyBuffer_Release(&@)"], "",     &["buffer"]),
    unit("es",  "y#", ["char *@ = 0",                               "\"utf-8\", &@",      "c_string(@)",                 "PyMem_Free(@)"],        "",     &["text"]),
    unit("et",  "y#", ["char *@ = 0",                               "\"utf-8\", &@",      "c_string(@)",                 "PyMem_Free(@)"],        "",     &["text", "bytes"]),
    unit("es#", "y#", ["char *@ = 0; Py_ssize_t @n = 0",            "\"utf-8\", &@, &@n", "sized(@, @n)",                "PyMem_Free(@)"],        "",     &["text"]),
    unit("et#", "y#", ["char *@ = 0; Py_ssize_t @n = 0",            "\"utf-8\", &@, &@n", "sized(@, @n)",                "PyMem_Free(@)"],        "",     &["text", "bytes"]),
    unit("S",   "O",  ["PyObject *@ = &_Py_NoneStruct",             "&@",      "itself(@)",                              ""], "None", &["bytes"]),
    unit("Y",   "O",  ["PyObject *@ = &_Py_NoneStruct",             "&@",      "itself(@)",                              ""], "None", &["buffer"]),
    unit("U",   "O",  ["PyObject *@ = &_Py_NoneStruct",             "&@",      "itself(@)",                              ""], "None", &["text"]),
    unit("O",   "O",  ["PyObject *@ = &_Py_NoneStruct",             "&@",      "itself(@)",                              ""], "None", &["any"]),
    unit("O!",  "O",  ["PyObject *@ = &_Py_NoneStruct",             "&PyList_Type, &@",   "itself(@)",                   ""], "None", &["sequence"]),
    unit("O&",  "O",  ["PyObject *@ = 0",                           "PyUnicode_FSConverter, &@", "itself(@)",            "Py_DecRef(@)"],         "",     &["text", "bytes"]),
];
