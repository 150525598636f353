"""The names by which a file of functions is plain Python as well as the source of an extension module.

In: what ``from pyasmgen import ...`` names in such a file. Out: types that annotate and convert, operations on bits, arrays, decorators. Their
answers are those of the compiled module. Arguments and locals are not looked at here: where a module raises OverflowError because a number does
not fit its type, plain Python goes on with the large number.
"""

import functools
import math
import struct
import typing

__all__ = [
    "Array",
    "Buffer",
    "MutBuffer",
    "f32",
    "f64",
    "i16",
    "i32",
    "i64",
    "i8",
    "isize",
    "nogil",
    "overflow",
    "signals",
    "u16",
    "u32",
    "u64",
    "u8",
    "usize",
]


class _Type(type):
    """Makes ``T | None`` an annotation in Python 3.9, too."""

    def __or__(cls, other):
        return typing.Union[cls, other]

    def __ror__(cls, other):
        return typing.Union[other, cls]


class _Integer(metaclass=_Type):
    """Called, it makes an integer as `int` does, or raises OverflowError."""

    low: int
    high: int

    def __new__(cls, value):
        value = int(value)
        if not cls.low <= value <= cls.high:
            raise OverflowError(f"value does not fit in {cls._width_name()}")
        return value

    @classmethod
    def _width_name(cls):
        return f"{'i' if cls.low else 'u'}{(cls.high - cls.low).bit_length()}"


class _Signed(_Integer):
    pass


class _Unsigned(_Integer):
    """Operations on the bits of unsigned integers."""

    @classmethod
    def rotl(cls, x, n):
        """The bits of x, moved up n places; those that leave come in again below."""
        width = cls.high.bit_length()
        x, n = cls(x), int(n) % width
        return (x << n | x >> (width - n)) & cls.high

    @classmethod
    def rotr(cls, x, n):
        """The bits of x, moved down n places; those that leave come in again above."""
        return cls.rotl(x, -n)

    @classmethod
    def clz(cls, x):
        """The number of zeros above the highest one; the width of the type for 0."""
        return cls.high.bit_length() - cls(x).bit_length()

    @classmethod
    def ctz(cls, x):
        """The number of zeros below the lowest one; the width of the type for 0."""
        x = cls(x)
        return (x & -x).bit_length() - 1 if x else cls.high.bit_length()

    @classmethod
    def bswap(cls, x):
        """The bytes of x in the other order."""
        return int.from_bytes(cls(x).to_bytes(cls.high.bit_length() // 8, "little"), "big")


def _integer(name, kind, bits):
    signed = kind is _Signed
    low = -(1 << bits - 1) if signed else 0
    range_ = {"low": low, "high": low + (1 << bits) - 1}
    text = f"Integers of {bits} bits, {'signed' if signed else 'unsigned'}."
    return _Type(name, (kind,), {"__doc__": text, "__module__": "pyasmgen", **range_})


i8 = _integer("i8", _Signed, 8)
i16 = _integer("i16", _Signed, 16)
i32 = _integer("i32", _Signed, 32)
i64 = _integer("i64", _Signed, 64)
isize = _integer("isize", _Signed, 64)
u8 = _integer("u8", _Unsigned, 8)
u16 = _integer("u16", _Unsigned, 16)
u32 = _integer("u32", _Unsigned, 32)
u64 = _integer("u64", _Unsigned, 64)
usize = _integer("usize", _Unsigned, 64)


class f64(metaclass=_Type):
    """Floats of 64 bits: Python's own."""

    def __new__(cls, value):
        return float(value)


class f32(metaclass=_Type):
    """Floats that are stored in 32 bits. Called, it gives the nearest one."""

    def __new__(cls, value):
        value = float(value)
        try:
            return struct.unpack("f", struct.pack("f", value))[0]
        except OverflowError:
            return math.copysign(math.inf, value)


class _View(metaclass=_Type):
    """Annotates a parameter that takes whatever has a buffer. Pass a memoryview where slices shall be views, as they are in the module."""

    @classmethod
    @functools.lru_cache(maxsize=None)
    def __class_getitem__(cls, item):
        return _Type(f"{cls.__name__}[{item.__name__}]", (cls,), {"__module__": "pyasmgen"})


class Buffer(_View):
    """``Buffer``: the bytes of an object. ``Buffer[T]``: its items, which are of the type T."""


class MutBuffer(_View):
    """As ``Buffer``, and what is written into it is written into the object."""


class Array(metaclass=_Type):
    """``Array[T, n]``: annotates an array of n items of the type T. Called, it gives one, filled with zeros."""

    item = None

    @classmethod
    def __class_getitem__(cls, key):
        item, count = key
        names = {"__module__": "pyasmgen", "item": item, "count": int(count)}
        return _Type(f"Array[{item.__name__}, {count}]", (cls,), names)

    def __init__(self):
        if self.item is None:
            raise TypeError("an array has a type and a length: Array[u64, 256]()")
        self._items = [self.item(0)] * self.count
        self._range = range(self.count)

    def __len__(self):
        return len(self._range)

    def __getitem__(self, at):
        if isinstance(at, slice):
            # A view of the same items.
            part = object.__new__(type(self))
            part._items, part._range = self._items, self._range[at]
            return part
        return self._items[self._place(at)]

    def __setitem__(self, at, value):
        self._items[self._place(at)] = self.item(value)

    def __iter__(self):
        return (self._items[at] for at in self._range)

    def _place(self, at):
        try:
            return self._range[at]
        except IndexError:
            raise IndexError("array index out of range") from None


class _Released:
    """``@nogil`` and ``with nogil:``. Plain Python has nothing to release."""

    def __call__(self, function):
        return function

    def __enter__(self):
        return None

    def __exit__(self, *error):
        return None

    def __repr__(self):
        return "pyasmgen.nogil"


nogil = _Released()


def signals(function):
    """Has long loops notice Ctrl-C, as those of plain Python always do."""
    return function


def overflow(mode):
    """``"raise"``: OverflowError where a number does not fit. ``"wrap"``: modulo 2**64, which plain Python does not do by itself."""
    if mode not in ("raise", "wrap"):
        raise ValueError(f"`{mode}` is no way to overflow: 'raise' and 'wrap' are")

    def decorate(function):
        if mode == "raise":
            return function

        @functools.wraps(function)
        def refuse(*arguments, **keywords):
            raise NotImplementedError(f"{function.__qualname__} wraps integers, which only the compiled module does")

        return refuse

    return decorate
