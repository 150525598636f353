# Item formats of buffers: the module `items` is given arrays of every format that can be made here. Whether a format stands for a type is said by
# `struct`. Ends with "tried N".

import array
import struct

import items

try:
    import _testbuffer
except ImportError:
    _testbuffer = None

KINDS = {**dict.fromkeys("bhilqn", "i"), **dict.fromkeys("BcHILQN", "u"), **dict.fromkeys("fd", "f")}
TYPES = ["bool", "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "isize", "usize", "f32", "f64"]
SAMPLES = {"?": True, "c": b"a", "s": b"a", "p": b"a", "e": 1.5, "f": 1.5, "d": 2.5}
TRIED = 0


def item_of(format):
    """The item type that a format stands for, if it does."""
    order = format[0] if format[0] in "@=<>!" else "@"
    code = format.lstrip("@=<>!")
    try:
        size = struct.calcsize(format)
    except struct.error:
        return None
    if order in ">!" and size > 1:
        return None
    if code == "?":
        return "bool"
    return "%s%d" % (KINDS[code], 8 * size) if code in KINDS else None


def arrays():
    """Formats, and writable arrays of two equal items."""
    for order in ["", "@", "=", "<", ">", "!"]:
        for code in "?cbBhHiIlLqQnNefdspP":
            format = order + code
            value = SAMPLES.get(code, 7)
            try:
                if _testbuffer:
                    yield format, _testbuffer.ndarray([value, value], shape=[2], format=format, flags=_testbuffer.ND_WRITABLE), value
                elif order in ("", "@"):
                    yield format, memoryview(bytearray(struct.pack(format, value) * 2)).cast(format), value
            except (struct.error, ValueError, TypeError, NotImplementedError):
                pass
    for code in array.typecodes:
        if code not in "uw":
            yield code, array.array(code, [7, 7]), 7


def attempt(function, *args):
    global TRIED
    TRIED += 1
    try:
        return function(*args)
    except (TypeError, ValueError) as error:
        return error


def refused(answer, kind, text):
    assert isinstance(answer, kind) and str(answer) == text, (answer, text)


def every_format(item):
    read, write = getattr(items, "read_" + item), getattr(items, "write_" + item)
    same = {"isize": "i64", "usize": "u64"}.get(item, item)
    for format, data, value in arrays():
        place = item, format
        if item_of(format) == same:
            value = value[0] if isinstance(value, bytes) else value
            assert attempt(read, data, 1) == (2, value), place
            assert attempt(write, data) == 2, place
        else:
            text = "expected a buffer of %s, got one with format '%s'" % (item, format)
            refused(attempt(read, data, 0), TypeError, text)
            refused(attempt(write, data), TypeError, text.replace("a buffer", "a writable buffer"))


def every_shape(item):
    read, write = getattr(items, "read_" + item), getattr(items, "write_" + item)
    same = {"isize": "i64", "usize": "u64"}.get(item, item)
    code = next(code for code in "?bBhHiIqQfd" if item_of(code) == same)
    size = struct.calcsize(code)
    data = memoryview(bytearray(size * 6)).cast(code)
    flat = data.cast("B")
    assert attempt(write, data) == 6 and attempt(write, None) == -1
    assert attempt(read, data[2:5], 2) == (3, 0) and attempt(write, data[:0]) == 0
    assert attempt(read, data[::7], 0) == (1, 0)            # one item: whatever its stride
    assert attempt(read, memoryview(bytes(1 + size))[1:].cast(code), 0) == (1, 0)
    contiguous = "expected a contiguous buffer of %s, got a strided one" % item
    for strided in [data[::2], data[::-1], data[4::-2]]:
        refused(attempt(read, strided, 0), ValueError, contiguous)
    flatly = "expected a one-dimensional buffer of %s, got one of %d dimensions"
    for shape in [[2, 3], [1, 6], [3, 2, 1], []]:
        shaped = flat.cast(code, shape) if shape else flat[:size].cast(code, [])
        refused(attempt(read, shaped, 0), ValueError, flatly % (item, len(shape)))
    writable = "expected a writable buffer of %s or None, got %s"
    for fixed in [bytes(size), memoryview(bytes(size)).cast(code), data.toreadonly(), "text", 5, [0]]:
        refused(attempt(write, fixed), TypeError, writable % (item, type(fixed).__name__))
    for other in ["text", 5, None, [0], object()]:
        name = "None" if other is None else type(other).__name__
        refused(attempt(read, other, 0), TypeError, "expected a buffer of %s, got %s" % (item, name))
    view = memoryview(bytearray(size)).cast(code)
    view.release()
    refused(attempt(read, view, 0), ValueError, "operation forbidden on released memoryview object")


for item in TYPES:
    every_format(item)
    every_shape(item)
print("tried %d" % TRIED)
