# Arguments for format units: expressions in pools, each evaluated anew for every call, in a namespace of classes that do as they are
# told and log it. Nothing here knows a module.

import array
import collections.abc
import ctypes
import decimal
import enum
import fractions
import io
import pickle

try:
    import _testbuffer
except ImportError:
    _testbuffer = None

# What user code was called, in order.
LOG = []


def special(*names):
    """A class whose instances have some special methods. Each returns the value it was made of, raises it, or calls it."""

    def make(kind, name):
        def method(self, *args):
            LOG.append((name, kind))
            if isinstance(self.told, type) and issubclass(self.told, BaseException):
                raise self.told("told to")
            return self.told
        return method

    def init(self, told):
        self.told = told

    kind = "".join(names)
    return type(kind, (), {"__init__": init, **{name: make(kind, name) for name in names}})


Index = special("__index__")
Float = special("__float__")
Both = special("__float__", "__index__")
Complex = special("__complex__")
Int = special("__int__")
Trunc = special("__trunc__")
Bool = special("__bool__")
Len = special("__len__")
Bytes = special("__bytes__")
Fspath = special("__fspath__")
Buffer = special("__buffer__")          # called from 3.12 on
Iter = special("__iter__")


class Obj:
    def __repr__(self):
        return "Obj()"


def sub(base, **special):
    """A subclass, with special methods that must not matter."""
    def method(name, value):
        def call(self, *args):
            LOG.append((name, "sub"))
            return value
        return call
    return type("Sub" + base.__name__, (base,), {name: method(name, value) for name, value in special.items()})


SubInt = sub(int)
Liar = sub(int, __index__=1000, __int__=1001, __float__=2.0, __bool__=False)
SubFloat = sub(float)
LiarFloat = sub(float, __float__=1000.0, __index__=5, __bool__=True)
SubComplex = sub(complex)
LiarComplex = sub(complex, __complex__=9j)
SubStr = sub(str)
LiarStr = sub(str, __str__="lies", __len__=1, __getitem__="l", encode=b"lies")
SubBytes = sub(bytes)
LiarBytes = sub(bytes, __bytes__=b"lies", __len__=1)
SubBytearray = sub(bytearray)
SubList = sub(list)
SubTuple = sub(tuple)
SubArray = sub(array.array)


class Problem(Exception):
    """Stands in for the module's own, which replaces it in the namespace."""


class SubProblem(Problem):
    pass


class Color(enum.IntEnum):
    RED = 1


class Sequence(collections.abc.Sequence):
    """Says that it has `size` items. How often it is asked is nobody's business: it logs nothing."""

    def __init__(self, size, *items):
        self.size, self.items = size, items

    def __len__(self):
        if isinstance(self.size, type):
            raise self.size("told to")
        return self.size

    def __getitem__(self, at):
        return self.items[at]


def released():
    view = memoryview(b"abc")
    view.release()
    return view


def ndarray(*args, **kwargs):
    if _testbuffer is None:
        return memoryview(bytes(16)).cast("I", [2, 2])
    if "flags" in kwargs:
        kwargs["flags"] = getattr(_testbuffer, kwargs["flags"])
    return _testbuffer.ndarray(*args, **kwargs)


ERRORS = ["KeyError", "TypeError", "OverflowError", "MemoryError", "KeyboardInterrupt", "SystemExit"]

POOLS = {
    "int": [
        *("%d" % n for n in [0, 1, -1, 5, -6, 100, 256, 257, 1024, 1025]),
        *("%s2**%d%+d" % (sign, bits, more) for sign in ["", "-"] for bits in [7, 8, 15, 16, 30, 31, 32, 60, 63, 64] for more in [-1, 0, 1]),
        "10**30", "-10**30", "2**1100", "True", "False", "SubInt(5)", "SubInt(2**64)", "Liar(7)", "Liar(-1)", "Color.RED",
        "Index(5)", "Index(-1)", "Index(255)", "Index(256)", "Index(2**31)", "Index(2**63)", "Index(2**64)", "Index(-2**70)", "Index(True)",
        "Index(SubInt(3))", "Index(Liar(3))", "Index('x')", "Index(None)", "Index(1.5)", "Index(Index(1))",
        *("Index(%s)" % error for error in ERRORS),
        "Int(5)", "Int('x')", "Int(KeyError)", "Int(2**70)", "Trunc(5)", "Both(3)", "1.0", "1.5", "'1'", "decimal.Decimal(1)",
    ],
    "float": [
        "0.0", "-0.0", "1.5", "-2.25", "1e300", "-1e300", "3.4028235e38", "3.4028236e38", "1e-45", "1e-46", "5e-324", "0.1",
        "float('inf')", "float('-inf')", "float('nan')", "-float('nan')", "SubFloat(1.5)", "LiarFloat(2.5)", "LiarFloat(0.0)",
        "Float(2.5)", "Float(SubFloat(2.5))", "Float(1)", "Float('x')", "Float(None)", *("Float(%s)" % error for error in ERRORS),
        "Both(1.5)", "Both(KeyError)", "decimal.Decimal('1.5')", "fractions.Fraction(1, 3)", "2**53+1", "2**1023", "2**1024", "-2**1024", "'1.5'",
    ],
    "complex": [
        "1j", "-0.0-0.0j", "complex('nan+infj')", "SubComplex(1+2j)", "LiarComplex(1+2j)", "Complex(1+2j)", "Complex(SubComplex(2j))",
        "Complex(LiarComplex(2j))", "Complex(1.5)", "Complex(1)", "Complex(None)", *("Complex(%s)" % error for error in ERRORS), "'1j'",
    ],
    "truth": [
        "True", "False", "0", "1", "None", "[]", "[0]", "''", "'x'", "0.0", "float('nan')", "Liar(1)", "LiarFloat(0.0)", "Bool(True)",
        "Bool(False)", "Bool(1)", "Bool(None)", *("Bool(%s)" % error for error in ERRORS), "Len(0)", "Len(3)", "Len(True)", "Len(-1)",
        "Len('x')", "Len(2**70)", "Len(KeyError)", "Obj()", "NotImplemented",
    ],
    "char": [
        "b'x'", "b'\\0'", "b'\\xff'", "b''", "b'xy'", "bytearray(b'x')", "bytearray(b'\\xff')", "bytearray()", "bytearray(b'xy')",
        "SubBytes(b'x')", "LiarBytes(b'xyz')", "SubBytearray(b'x')", "memoryview(b'x')", "'x'", "'\\0'", "'\\xe9'", "'\\u20ac'", "'\\U0001f600'",
        "'\\udc80'", "''", "'xy'", "SubStr('x')", "LiarStr('xyz')", "120",
    ],
    "text": [
        "''", "'a'", "'text'", "'\\xe9t\\xe9'", "'\\u20ac'", "'\\U0001f600'", "'a\\0b'", "'\\0'", "'\\ud800'", "'a\\udfffb'", "'\\0\\ud800'",
        "'x' * 1000", "'\\xe9' * 300", "''.join(['a', 'b'])", "SubStr('sub')", "SubStr('\\xe9')", "SubStr('\\ud800')", "LiarStr('xyz')",
        "Fspath('path')", "Fspath(b'path')", "Fspath(1)", "Fspath(KeyError)", "Bytes(b'x')", "1",
    ],
    "bytes": [
        "b''", "b'a'", "b'text'", "b'a\\0b'", "b'\\0'", "bytes(range(256))", "b'\\xff'", "b'\\xc3\\xa9'", "b'x' * 1000", "SubBytes(b'sub')",
        "LiarBytes(b'xyz')", "bytearray(b'abc')", "memoryview(b'abc')", "memoryview(b'abcd')[1:3]", "memoryview(b'abcd')[::2]",
        "pickle.PickleBuffer(b'abc')", "'text'", "Bytes(b'x')",
    ],
    "buffer": [
        "b'text'", "b'a\\0b'", "b''", "bytearray(b'abc')", "bytearray()", "bytearray(b'a\\0')", "SubBytearray(b'sub')", "memoryview(b'abc')",
        "memoryview(bytearray(b'abc'))", "memoryview(bytearray(b'abc')).toreadonly()", "memoryview(b'abcd')[::2]", "memoryview(b'abcd')[::-1]",
        "memoryview(bytearray(b'abcd'))[::2]", "memoryview(bytearray(b'abcd'))[1:3]", "memoryview(b'abcd').cast('B', [2, 2])",
        "memoryview(bytearray(8)).cast('d')", "memoryview(bytearray(8)).cast('B', [2, 2, 2])", "memoryview(ctypes.c_int(5))", "released()",
        "array.array('d', [1.5, -2])", "array.array('b')", "array.array('i', [1, 2, 3])", "SubArray('H', [1])", "(ctypes.c_short * 3)(1, 2, 3)",
        "ctypes.c_double(1.5)", "io.BytesIO(b'abc').getbuffer()", "pickle.PickleBuffer(bytearray(b'abc'))", "ndarray([1, 2, 3, 4], shape=[2, 2])",
        "ndarray([1, 2, 3, 4], shape=[2, 2], flags='ND_FORTRAN')", "ndarray([1, 2, 3, 4], shape=[2, 2], flags='ND_WRITABLE')",
        "ndarray([1, 2, 3, 4], shape=[4], flags='ND_PIL')", "ndarray([], shape=[0], flags='ND_WRITABLE')",  
        "Buffer(memoryview(b'abc'))", "Buffer(memoryview(bytearray(b'abc')))", "Buffer(1)", "Buffer(KeyError)", "'text'",
    ],
    "items": [
        *("array.array(%r, [1, 0, 3])" % code for code in "bBhHiIlLqQfd"),
        *("memoryview(bytearray(range(16))).cast(%r)" % code for code in ["@" + code for code in "?cbBhHiIlLqQnNfd"] + ["b", "n", "?"]),
        *("memoryview(bytes(range(16))).cast(%r)" % code for code in "?chIldN"),
        *("(ctypes.%s * 3)(1, 0, 3)" % name for name in ["c_bool", "c_byte", "c_ubyte", "c_int16", "c_uint32", "c_int64", "c_size_t", "c_float", "c_double"]),
        "(ctypes.c_int.__ctype_be__ * 2)(1, 2)", "(ctypes.c_double.__ctype_be__ * 2)(1, 2)", "(ctypes.c_char * 3)(b'a', b'b', b'c')", "ctypes.c_int(5)",
        "(ctypes.c_int * 0)()", "((ctypes.c_int * 2) * 2)()", "(ctypes.c_void_p * 2)()",
        *("ndarray([1, 0, 3], shape=[3], format=%r)" % (prefix + code) for prefix in "=<>!" for code in "bBhiIlLqQ"),
        *("ndarray([1.5, 2.5, 3.5], shape=[3], format=%r)" % code for code in ["f", "<f", ">f", "=d", "!d", "<d", "e"]),
        *("ndarray([1, 0, 3], shape=[3], format=%r, flags='ND_WRITABLE')" % code for code in ["b", "=i", "<l", "q", "@l", "=H"]),
        "ndarray([1, 2, 3, 4], shape=[2, 2], format='i')", "ndarray([1, 2, 3, 4], shape=[2], strides=[8], format='i')",
        "ndarray([1, 2, 3, 4], shape=[4], strides=[-4], offset=12, format='i')", "ndarray([1, 2, 3, 4], shape=[1], strides=[8], format='i')",
        "ndarray([(1, 2), (3, 4)], shape=[2], format='ii')", "ndarray([(1, 2), (3, 4)], shape=[2], format='<hh')",
        "memoryview(array.array('i', [1, 2, 3, 4]))[::2]", "memoryview(array.array('d', [1, 2, 3, 4]))[::-1]", "memoryview(array.array('H', [1, 2]))[:1]",
        "memoryview(array.array('q', [1, 2])).toreadonly()", "memoryview(bytearray(16)).cast('i', [2, 2])", "memoryview(b'')", "memoryview(bytearray()).cast('d')",
        "Buffer(memoryview(array.array('i', [1, 2])))", "Buffer(memoryview(array.array('d', [1, 2])).toreadonly())",
    ],
    "sequence": ["[]", "[1, 2]", "SubList([1])", "(1, 2)", "SubTuple((1,))"],
    "exception": ["ValueError()", "UnicodeError('x')", "KeyError()", "Exception()", "ValueError", "Problem()", "Problem", "SubProblem()"],
    "none": ["None"],
    "any": ["None", "Obj()", "1", "'text'", "[]", "...", "Obj"],
}

# What types and classes take that no letter stands for; others are ints, or made by their name.
TAKEN = {
    "ValueError": "ValueError()", "Problem": "Problem()", "bytes | None": "b'x'", "str | None": "'x'", "Buffer | None": "b'x'",
    "MutBuffer | None": "bytearray(2)", "enumerate": "enumerate(())", "filter": "filter(None, ())", "map": "map(len, ())",
    "memoryview": "memoryview(b'')", "range": "range(1)", "reversed": "reversed(())", "slice": "slice(1)", "super": "super(int)", "type": "int",
}
CODES = {"bool": "?", "i8": "b", "u8": "B", "i16": "h", "u16": "H", "i32": "i", "u32": "I", "i64": "q", "u64": "Q", "isize": "n", "usize": "N",
         "int": "q", "f32": "f", "f64": "d", "float": "d"}
for item, code in CODES.items():
    for form in ["Buffer[%s]", "Buffer[%s] | None", "MutBuffer[%s]", "MutBuffer[%s] | None"]:
        TAKEN[form % item] = "memoryview(bytearray(range(16))).cast('@%s')" % code

# What any unit is tried with, besides its own.
STRANGE = [
    "None", "Obj()", "1", "-1", "2**64", "1.5", "1j", "True", "'text'", "b'text'", "bytearray(b'x')", "[]", "()", "{}", "...", "int", "len",
    "NotImplemented", "Index(3)", "Float(3.5)", "Complex(3j)", "SubInt(3)", "SubStr('s')", "memoryview(b'abc')", "object()", "range(3)",
]

# In place of a tuple of n items; %s stands for the right items.
SEQUENCES = ["[%s]", "SubTuple((%s))", "SubList([%s])", "Sequence(len((%s)), %s)", "Sequence(len((%s)) + 1, %s)", "Sequence(KeyError)", "(%s1,)",
             "[%s][1:]", "iter((%s))", "{1: 2, 3: 4}", "dict.fromkeys(range(len((%s))))", "'xy'", "b'xy'", "bytearray(b'xy')", "range(2)",
             "array.array('i', [1, 2])", "Iter(())", "Len(2)", "None", "2", "memoryview(b'ab')"]

NAMESPACE = {name: value for name, value in globals().items() if not name.startswith("__")}
MADE = {}


def maker(expression):
    """A function that makes the value."""
    if expression not in MADE:
        MADE[expression] = eval("lambda: " + expression, NAMESPACE)
    return MADE[expression]


def sure(item, rng):
    """An expression that a parameter takes."""
    if isinstance(item, list):
        return "(%s)" % "".join(sure(one, rng) + ", " for one in item)
    if item["samples"]:
        return rng.choice(item["samples"])
    name = item["type"]
    return TAKEN.get(name) or ("5" if "int" in item["pools"] else name + "()")


def draw(item, rng, wrong):
    """An expression for what a parameter is tried with; `wrong` is how likely each part is strange."""
    if isinstance(item, list):
        inner = "".join(draw(one, rng, wrong) + ", " for one in item)
        if rng.random() < wrong:
            form = rng.choice(SEQUENCES)
            return form.replace("%s", inner)
        return "(%s)" % inner
    if rng.random() < wrong:
        return rng.choice(STRANGE)
    return rng.choice(POOLS[rng.choice(item["pools"])])


def all_of(item):
    """Each expression that a parameter may be tried with, where it is no tuple."""
    if isinstance(item, list):
        return []
    return [one for pool in item["pools"] for one in POOLS[pool]] + STRANGE
