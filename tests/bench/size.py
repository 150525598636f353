"""How large 100 one-line methods are, beside the same in C by gcc -Os: the sum of the sections that are loaded.

    python3 tests/bench/size.py [--pyasmgen EXE] [--cc CC] [--limit] [PYTHON]

    portable   ours with `fast = false`: everything is asked of the C API
    stable     C within the limited API, by hand, one function for each method
    ours       as it comes: functions that read objects in place beside the portable ones, chosen at import
    fields     C that reads objects in place, by hand, with a function for 3.11 and one for 3.12 and 3.13

The same in C: METH_O or METH_FASTCALL; arguments counted and converted in the function, as by hand: by macros within the limited API, by inline
functions, which -Os shares where it pays, where objects are read in place; errors by cold functions that all methods share; OverflowError where
ours raises it; the same names and docs. The compiler's flags are those of `calls.py`, with -Os for -O2, and full RELRO. Not the same: C refuses in words of its own, ours in those of PyArg_ParseTuple; the
C of `fields` examines nothing at import and has no functions for other versions.

With --limit the exit code is 1 where `portable` is above 0.6 times `stable`, or `ours` above 1.2 times `fields`.
"""

import argparse
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
COUNT = 100
LIMITS = {"portable": ("stable", 0.6), "ours": ("fields", 1.2)}
# What a method is in a spec (parameters, result, body), and what it is in C: flags, parameters' conversions, statements. {n} differs.
KINDS = [
    ("x: i64, y: i64", "L", "x + y * {n}", "II", "if (mul(y, {n}, &y) || add(x, y, &x)) return too_large(); return MAKE_INT(x);"),
    ("x: f64, y: f64", "d", "x * {n}.5 + y", "FF", "return PyFloat_FromDouble(x * {n}.5 + y);"),
    ("x: i64", "L", "x - {n}", "I", "if (sub(x, {n}, &x)) return too_large(); return MAKE_INT(x);"),
    ("x: i64, y: i64", "p", "x > y + {n}", "II", "if (add(y, {n}, &y)) return too_large(); return BOOL(x > y);"),
    ("x: object", "O", "x", "O", "return COUNTED(x);"),
    ("data: bytes", "L", "len(data) + {n}", "B", "return MAKE_INT(length + {n});"),
    ("text: str", "n", "len(text.encode()) + {n}", "S", "return MAKE_INT(length + {n});"),
    ("x: i64", "p", "x % 2 == {n}", "I", "return BOOL((x & 1) == {n});"),
    ("data: bytes", "L", "data[{n}]", "B", "if (length <= {n}) return empty(); return MAKE_SMALL((unsigned char)bytes[{n}]);"),
    ("", None, None, "", "return LASTING(Py_None);"),
]
TAKE = {                                              # a parameter: its declaration, its conversion
    "I": ("long long {0};", "TAKE_INT({1}, {0})"),
    "F": ("double {0};", "TAKE_FLOAT({1}, {0})"),
    "O": ("", ""),
    "B": ("char *bytes; Py_ssize_t length;", "TAKE_BYTES({1})"),
    "S": ("Py_ssize_t length;", "TAKE_TEXT({1})"),
}
COMMON = """
#define Py_LIMITED_API 0x030b0000
#include "common.h"
#include <stdint.h>
#define add(a, b, to) UNLIKELY(__builtin_add_overflow(a, b, to))
#define sub(a, b, to) UNLIKELY(__builtin_sub_overflow(a, b, to))
#define mul(a, b, to) UNLIKELY(__builtin_mul_overflow(a, b, to))
COLD static PyObject *too_large(void)
{
    PyErr_SetString(PyExc_OverflowError, "the result is too large");
    return NULL;
}
#define CLASS_ERROR(text) (PyErr_SetString(PyExc_TypeError, text), 1)
COLD static int no_text(PyObject *object, Py_ssize_t *length)
{
    if (!PyUnicode_Check(object))
        return CLASS_ERROR("a str is expected");
    return !PyUnicode_AsUTF8AndSize(object, length);
}
COLD static int no_bytes(void) { return CLASS_ERROR("bytes are expected"); }
"""
STABLE = """
#define COUNTED(object) Py_NewRef(object)
#define LASTING(object) Py_NewRef(object)
#define BOOL(value) PyBool_FromLong(value)
#define MAKE_INT(value) PyLong_FromLongLong(value)
#define MAKE_SMALL(value) PyLong_FromLong(value)
COLD static int second_try(PyObject *object, long long *value)
{
    PyErr_Clear();
    *value = PyLong_AsLongLong(object);
    return *value == -1 && PyErr_Occurred() != NULL;
}
#define TAKE_INT(object, value) \\
    value = PyLong_AsSsize_t(object); \\
    if (UNLIKELY(value == -1) && PyErr_Occurred() && second_try(object, &value)) return NULL;
#define TAKE_FLOAT(object, value) \\
    value = PyFloat_AsDouble(object); \\
    if (UNLIKELY(value == -1.0) && PyErr_Occurred()) return NULL;
#define TAKE_BYTES(object) if (UNLIKELY(PyBytes_AsStringAndSize(object, &bytes, &length) < 0)) return NULL;
#define TAKE_TEXT(object) \\
    if (UNLIKELY(!PyUnicode_Check(object))) { no_text(object, &length); return NULL; } \\
    if (UNLIKELY(!PyUnicode_AsUTF8AndSize(object, &length))) return NULL;
"""
FIELDS = """
#define TAKE_INT(object, value) if (UNLIKELY(as_int(object, &value))) return NULL;
#define TAKE_FLOAT(object, value) if (UNLIKELY(as_float(object, &value))) return NULL;
#define TAKE_BYTES(object) if (UNLIKELY(as_bytes(object, &bytes, &length))) return NULL;
#define TAKE_TEXT(object) if (UNLIKELY(as_text(object, &length))) return NULL;
#define LEAST (-5)
#define SMALL 262
static PyObject *small_ints[SMALL];
COLD static int int_by_call(PyObject *object, long long *value)
{
    *value = PyLong_AsLongLong(object);
    return *value == -1 && PyErr_Occurred() != NULL;
}
COLD static int float_by_call(PyObject *object, double *value)
{
    *value = PyFloat_AsDouble(object);
    return *value == -1.0 && PyErr_Occurred() != NULL;
}
"""
# As in fields.h; making an int is a function that all share, since gcc -Os makes it one.
VERSION = """
#undef CLASS
#undef SIZE
#undef DIGIT
#define OWN(name) JOIN(name##_, VERSION)
#define CLASS(object) (((PyTypeObject **)(object))[1])
#define SIZE(object) (((Py_ssize_t *)(object))[2])
#define DIGIT(object, at) (((uint32_t *)(object))[6 + (at)])
#if VERSION == 311
#define ONE_DIGIT(object) ((size_t)(SIZE(object) + 1) <= 2)
#define ONE_DIGIT_VALUE(object) (SIZE(object) * (Py_ssize_t)DIGIT(object, 0))
#define TWO_DIGITS(object) (SIZE(object) == 2 || SIZE(object) == -2)
#define NEGATIVE(object) (SIZE(object) < 0)
#define SIZE_WORD(digits, negative) ((negative) ? -(digits) : (digits))
#define COUNTED(object) (++*(Py_ssize_t *)(object), (object))
#define LASTING(object) COUNTED(object)
#else
#define ONE_DIGIT(object) ((size_t)SIZE(object) < 16)
#define ONE_DIGIT_VALUE(object) ((1 - (SIZE(object) & 3)) * (Py_ssize_t)DIGIT(object, 0))
#define TWO_DIGITS(object) ((size_t)SIZE(object) >> 3 == 2)
#define NEGATIVE(object) (SIZE(object) & 2)
#define SIZE_WORD(digits, negative) ((digits) << 3 | ((negative) ? 2 : 0))
#define COUNTED(object) Py_NewRef(object)
#define LASTING(object) (object)
#endif
#define BOOL(value) ((value) ? LASTING(Py_True) : LASTING(Py_False))
#define MAKE_INT(value) OWN(make_int)(value)
#define MAKE_SMALL(value) OWN(small)(value)
#define as_int OWN(as_int)
#define as_float OWN(as_float)
#define as_bytes OWN(as_bytes)
#define as_text OWN(as_text)
static inline int as_int(PyObject *object, long long *value)
{
    if (LIKELY(CLASS(object) == &PyLong_Type)) {
        if (LIKELY(ONE_DIGIT(object))) {
            *value = ONE_DIGIT_VALUE(object);
            return 0;
        }
        if (TWO_DIGITS(object)) {
            long long magnitude = (long long)DIGIT(object, 1) << 30 | DIGIT(object, 0);
            *value = NEGATIVE(object) ? -magnitude : magnitude;
            return 0;
        }
    }
    return int_by_call(object, value);
}
static inline PyObject *OWN(small)(long long value)
{
    PyObject *object = small_ints[value - LEAST];
    return LASTING(object);
}
static PyObject *OWN(make_int)(long long value)
{
    if ((unsigned long long)(value - LEAST) < SMALL)
        return OWN(small)(value);
    unsigned long long magnitude = value < 0 ? 0ULL - (unsigned long long)value : (unsigned long long)value;
    if (UNLIKELY(magnitude >= 1ULL << 60))
        return PyLong_FromLongLong(value);
    PyObject *object = PyObject_Malloc(32);
    if (UNLIKELY(!object))
        return PyErr_NoMemory();
    *(Py_ssize_t *)object = 1;
    CLASS(object) = &PyLong_Type;
    SIZE(object) = SIZE_WORD(magnitude >> 30 ? 2 : 1, value < 0);
    *(uint64_t *)&DIGIT(object, 0) = (magnitude & 0x3fffffff) | magnitude >> 30 << 32;
    return object;
}
static inline int as_float(PyObject *object, double *value)
{
    if (UNLIKELY(CLASS(object) != &PyFloat_Type))
        return float_by_call(object, value);
    *value = ((double *)object)[2];
    return 0;
}
static inline int as_bytes(PyObject *object, char **bytes, Py_ssize_t *length)
{
    if (UNLIKELY(CLASS(object) != &PyBytes_Type) && !PyBytes_Check(object))
        return no_bytes();
    *bytes = (char *)object + 32;
    *length = SIZE(object);
    return 0;
}
static inline int as_text(PyObject *object, Py_ssize_t *length)
{
    if (UNLIKELY(CLASS(object) != &PyUnicode_Type) || UNLIKELY((((uint32_t *)object)[8] & 0x60) != 0x60))
        return no_text(object, length);
    *length = SIZE(object);
    return 0;
}
"""
NO_VERSION = "".join(f"#undef {name}\n" for name in (
    "OWN ONE_DIGIT ONE_DIGIT_VALUE TWO_DIGITS NEGATIVE SIZE_WORD COUNTED LASTING BOOL MAKE_INT MAKE_SMALL as_int as_float as_bytes as_text"
).split())
END = """
static PyModuleDef_Slot slots[] = {%s{0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "many", .m_methods = %s, .m_slots = slots};
PyMODINIT_FUNC PyInit_many(void)
{
    %s
    return PyModuleDef_Init(&definition);
}
"""
CHOOSE = """switch (Py_Version >> 16) {
    case 0x030b: definition.m_methods = methods_311; break;
    case 0x030c: case 0x030d: definition.m_methods = methods_312; break;
    default: PyErr_SetString(PyExc_ImportError, "no functions for this version"); return NULL;
    }"""
EXECUTE = """
static int execute(PyObject *module)
{
    (void)module;
    for (int at = 0; at < SMALL; at++)
        if (!small_ints[at] && !(small_ints[at] = PyLong_FromLong(at + LEAST)))
            return -1;
    return 0;
}
"""


def methods():
    for n in range(COUNT):
        kind = KINDS[n % len(KINDS)]
        yield f"f{n}", n // len(KINDS) % 2 if "==" in (kind[2] or "") else n // len(KINDS), kind


def spec(fast):
    text = f'[module]\nname = "many"\nfast = {"true" if fast else "false"}\n'
    for name, n, (params, returns, body, *_) in methods():
        listed = ", ".join(f'"{param}"' for param in params.split(", ") if param)
        text += f'\n[[methods]]\nname = "{name}"\nparams = [{listed}]\n'
        text += f'returns = "{returns}"\nbody = "return {body.format(n=n)}"\n' if returns else 'body = "pass"\n'
    return text


def in_c(version):
    """The functions and the table of methods, with names for a version."""
    functions = rows = ""
    for name, n, (params, _, _, units, statements) in methods():
        names = [param.partition(":")[0] for param in params.split(", ") if param]
        one = len(names) == 1
        sources = ["x"] if one and units == "O" else ["object"] if one else [f"args[{at}]" for at in range(len(names))]
        declared = " ".join(TAKE[unit][0].format(param) for unit, param in zip(units, names))
        taken = " ".join(TAKE[unit][1].format(param, source) for unit, param, source in zip(units, names, sources))
        arguments = f"PyObject *{sources[0]}" if one else "PyObject *const *args, Py_ssize_t count"
        counted = "" if one else f'if (UNLIKELY(count != {len(names)})) return wrong_count("{name}", {len(names)}, count);'
        functions += (f"static PyObject *{name}{version}(PyObject *module, {arguments})\n{{\n"
                      f"    {declared} {counted} {taken}\n    {statements.replace('{n}', str(n))}\n}}\n")
        signature = ", ".join(["$module", *names, *(["/"] if names else [])])
        rows += f'    {{"{name}", FAST({name}{version}), {"METH_O" if one else "METH_FASTCALL"}, "{name}({signature})\\n--\\n\\n"}},\n'
    return f"{functions}static PyMethodDef methods{version}[] = {{\n{rows}    {{NULL, NULL, 0, NULL}},\n}};\n"


def stable():
    return COMMON + STABLE + in_c("") + END % ("", "methods", "")


def fields():
    text = COMMON + FIELDS
    for version in ("311", "312"):
        text += f"#undef VERSION\n#define VERSION {version}\n{VERSION}{in_c('_' + version)}{NO_VERSION}"
    return text + EXECUTE + END % ("{Py_mod_exec, execute}, ", "NULL", CHOOSE)


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout.strip()


def loaded(path):
    """Names and sizes of the sections that are loaded."""
    rows = re.findall(r"\] (\S+) +\S+ +[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+) [0-9a-f]+ +(\w*A\w*) ", run("readelf", "-SW", path))
    return {name: int(size, 16) for name, size, _ in rows}


# One call of each kind, and what comes of it.
CHECK = """
import sys; sys.path.insert(0, sys.argv[1])
import many
answers = [many.f10(2, 3), many.f11(2.0, 3.0), many.f12(2), many.f13(2, 3), many.f14(many) is many, many.f15(b'abc'), many.f16('abc'), many.f17(3),
           many.f18(b'abc'), many.f19()]
assert answers == [5, 6.0, 1, False, True, 4, 4, True, 98, None], answers
"""


def build(options, python, folder):
    """The modules, each in a folder of its own."""
    include = run(python, "-c", "import sysconfig; print(sysconfig.get_path('include'))")
    modules = {}
    for name, text in (("portable", spec(False)), ("stable", stable()), ("ours", spec(True)), ("fields", fields())):
        home = os.path.join(folder, name)
        os.mkdir(home)
        ours = name in LIMITS
        source = os.path.join(home, "many.toml" if ours else "many.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        modules[name] = os.path.join(home, "many.abi3.so")
        if ours:
            run(options.pyasmgen, "build", source, "--emit", "module", "-o", home + "/")
        else:
            run(options.cc, "-Os", "-fcf-protection", "-fno-plt", "-fvisibility=hidden", "-fPIC", "-shared", "-Wl,-z,relro,-z,now",
                f"-I{include}", f"-I{HERE}/calls", source, "-o", modules[name])
        run(python, "-c", CHECK, home)
    return modules


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pyasmgen", default=os.path.join(ROOT, "target/release/pyasmgen"))
    parser.add_argument("--cc", default="gcc")
    parser.add_argument("--limit", action="store_true")
    parser.add_argument("python", nargs="?")
    options = parser.parse_args()
    found = sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.11.*/bin/python3")))
    python = options.python or (found[0] if found else shutil.which("python3.11"))
    if not python:
        sys.exit("size.py: no python3.11")
    with tempfile.TemporaryDirectory() as folder:
        sections = {name: loaded(path) for name, path in build(options, python, folder).items()}
    names = sorted({name for one in sections.values() for name in one}, key=lambda name: -max(one.get(name, 0) for one in sections.values()))
    print(f"{COUNT} methods, bytes" + "".join(f"{name:>10}" for name in sections))
    for name in names:
        print(f"{name:<18}" + "".join(f"{one.get(name, 0):10}" for one in sections.values()))
    sums = {name: sum(one.values()) for name, one in sections.items()}
    print(f"{'sum':<18}" + "".join(f"{total:10}" for total in sums.values()))
    above = False
    for name, (other, most) in LIMITS.items():
        ratio = sums[name] / sums[other]
        above |= ratio > most
        print(f"{name}/{other} {ratio:.3f} (at most {most})")
    if options.limit and above:
        sys.exit("size.py: above the limits")


main()
