# Inputs that want to do harm to bodies: hostile.py FILE SPEC
#
# FILE is the module of `hostile.toml`, which is SPEC. Each function here is one scene. What must come out is what the same text gives in
# CPython, or an exception that is named here; above all, the interpreter lives on. Prints the name of each scene before it, then "done".

import array
import importlib.machinery
import importlib.util
import math
import os
import re
import struct
import sys
import threading
import warnings

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, "src", "python"))
from pyasmgen import Array, i64, u8, u16, u32

EXTREMES = [0, 1, 2, 3, -1, -2, -3, -4, 7, -8, 255, -256, 2**31, -(2**31) - 1, 2**62, 2**63 - 1, -(2**63), -(2**63) + 1]


def load(file):
    loader = importlib.machinery.ExtensionFileLoader("hostile", file)
    spec = importlib.util.spec_from_file_location("hostile", file, loader=loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def plain(path):
    """The bodies of the spec as functions of Python."""
    with open(path) as file:
        text = file.read()
    names = {"math": math, "Array": Array, "i64": i64, "u8": u8, "u16": u16, "u32": u32, "SMALL": (10, 20, 30)}
    for method in text.split("[[methods]]")[1:]:
        name = re.search(r'^name = "(\w+)"', method, re.M)[1]
        params = re.findall(r'"(\w+): ', re.search(r"^params = (.*)", method, re.M)[1])
        body = re.search(r'^body = """\n(.*?)"""', method, re.M | re.S) or re.search(r'^body = "(.*)"', method, re.M)
        # A declaration makes an array.
        lines = [re.sub(r"^(\s*)(\w+): (Array\[.*\])$", r"\1\2 = \3()", line) for line in body[1].splitlines()]
        exec(f"def {name}({', '.join(params)}):\n" + "\n".join("    " + line for line in lines), names)
    return names


def said(function, *arguments):
    try:
        return repr(function(*arguments))
    except Exception as error:
        return type(error).__name__, str(error)


def same(module, python, name, make):
    """Both say the same of arguments that are made anew for each; where numbers do not fit, the module may say so."""
    ours, theirs = make(), make()
    got = said(getattr(module, name), *ours), [bytes(one) for one in ours if isinstance(one, (bytearray, memoryview))]
    wanted = said(python[name], *theirs), [bytes(one) for one in theirs if isinstance(one, (bytearray, memoryview))]
    assert got == wanted or got[0][0] == "OverflowError", (name, make(), got, wanted)


def nothing_at_all(module, python):
    for start in EXTREMES:
        for stop in EXTREMES:
            for size in (0, 1, 2, 5):
                same(module, python, "ends", lambda: (memoryview(array.array("h", range(-2, size - 2))), start, stop))
    same(module, python, "least", lambda: (memoryview(array.array("d")),))
    same(module, python, "visit", lambda: (memoryview(b""), print))
    same(module, python, "histogram", lambda: (memoryview(b""),))


def places_that_are_not_there(module, python):
    for place in EXTREMES:
        for size in (0, 1, 3, 8):
            same(module, python, "item", lambda: (memoryview(bytearray(range(size))), place))
            for value in EXTREMES:
                same(module, python, "put", lambda: (memoryview(bytearray(size)), place, value))


def floats_of_all_kinds(module, python):
    kinds = [0.0, -0.0, 1.0, -1.5, 5e-324, -5e-324, 2.2250738585072014e-308, 2.225073858507201e-308, 1.7976931348623157e308, math.inf, -math.inf, math.nan, -math.nan, 0.1, 2.0**52 + 0.5]
    kinds += [struct.unpack("<d", struct.pack("<Q", bits))[0] for bits in (0x7FF0000000000001, 0xFFF8000000000001, 1, 0x000FFFFFFFFFFFFF, 0x8010000000000000)]
    for x in kinds:
        same(module, python, "parts", lambda: (x,))
        for y in kinds:
            for z in kinds:
                same(module, python, "least", lambda: (memoryview(array.array("d", [x, y, z])),))


def memory_that_overlaps(module, python):
    for shift in range(9):
        def make():
            data = memoryview(bytearray(range(100, 140)))
            return data[shift:], data[:32].cast("I")

        ours, theirs = make(), make()
        assert module.smear(*ours) == python["smear"](*theirs), shift
        assert ours[0].obj == theirs[0].obj, shift


def callbacks_that_take_away(module, python):
    for kind in (bytearray, lambda data: array.array("B", data), lambda data: memoryview(bytearray(data))):
        for at in (0, 3, 6):
            data = kind(b"abcdefg")
            tried = []

            def act(i):
                if i != at:
                    return
                for harm in ("clear", "release"):
                    try:
                        getattr(data, harm)()
                    except (AttributeError, BufferError) as error:
                        tried.append(type(error))
                try:
                    data.extend(data)
                except (AttributeError, BufferError) as error:
                    tried.append(type(error))
                # What is there can be changed.
                data[2] = 200

            module.visit(data, act)
            assert len(tried) == 3 and bytes(data)[3:] == b"defg", (kind, tried)

    def thrown(i):
        raise KeyError(i)

    data = bytearray(b"xyz")
    assert said(module.visit, data, thrown) == ("KeyError", "0")
    data.extend(b"it is let go")
    items = list(range(10))
    for harm in (lambda i, item: items.clear(), lambda i, item: items.append(i), lambda i, item: items.reverse(), lambda i, item: items.pop()):
        items[:] = range(10)
        ours = module.visit_list(items, harm)
        items[:] = range(10)
        assert ours == python["visit_list"](items, harm), (ours, harm)
    table = dict.fromkeys(range(5))
    assert said(module.visit_list, table, lambda i, item: table.update({99: 1})) == ("RuntimeError", "dictionary changed size during iteration")


def threads_that_write(module, python):
    data, stop = bytearray(1 << 14), []

    def write():
        at = 0
        while not stop:
            data[at % len(data)] = at & 255
            at += 7

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(60):
            total, most, least, first = module.histogram(data)
            assert total == len(data) and 0 <= least <= 255 and 0 <= most <= 255 and 0 <= first <= 255
    finally:
        stop.append(1)
        for thread in threads:
            thread.join()


def depths(module, python):
    assert module.down(40) == 0 and module.across(40, int) == 40
    assert said(module.apply, module.apply)[0] == "RecursionError"
    same(module, python, "broad", lambda: (memoryview(array.array("q", range(128))), 9))

    def dive():
        for _ in range(3):
            assert said(module.down, 10**9)[0] == "RecursionError"
            assert said(module.across, 10**9, int)[0] == "RecursionError"
            # 3.13 alone would let it go 10,000 levels deep, for which 8 MiB of stack are not enough.
            assert said(module.broad, array.array("q", bytes(1024)), 10**9)[0] == "RecursionError"
            assert said(module.across, 10, lambda n: module.across(10, lambda n: [][n]))[0] == "IndexError"

        def again(n):
            return module.across(1, again)

        assert said(module.across, 1, again)[0] == "RecursionError"
        assert module.down(40) == 0

    dive()
    # 3.13t by itself needs more than a MiB for so many calls between Python and C.
    before = threading.stack_size(1 << 22)
    try:
        thread = threading.Thread(target=dive)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)


class Liar:
    """Says of itself whatever it was made to say."""

    def __init__(self, what):
        self.what = what

    @property
    def __class__(self):
        return int

    def _say(self, *arguments):
        return self.what() if callable(self.what) else self.what

    __len__ = __int__ = __index__ = __float__ = __bool__ = __iter__ = __str__ = __eq__ = __next__ = __radd__ = _say
    __hash__ = None


def refuse():
    raise ValueError("no")


def objects_that_lie(module, python):
    for what in (-1, 2**62, 1, 0, True, "text", 1.5, math.nan, None, [], [1, 2], lambda: iter([1]), refuse, NotImplemented, b"bytes", int, Ellipsis):
        assert said(module.numbers, Liar(what)) == said(python["numbers"], Liar(what)), what
    for what in (None, 3, -5, 2**63 - 1, "12", b"7", 2.75, math.inf, [1, 2.5], (), {3: 4}, range(4), bytearray(b"ab"), memoryview(b"cd"), array.array("i", [1]), object, 1j):
        assert said(module.numbers, what) == said(python["numbers"], what), what
    # Integers of bodies have 64 bits.
    for what in (2**63, Liar(2**100), -(2**70)):
        assert "<class 'OverflowError'>" in said(module.numbers, what), what


SCENES = [
    nothing_at_all, places_that_are_not_there, floats_of_all_kinds, memory_that_overlaps, callbacks_that_take_away, threads_that_write, depths, objects_that_lie,
]


def main():
    # Of ints that are no ints: they do not tell twice.
    warnings.simplefilter("ignore")
    module, python = load(sys.argv[1]), plain(sys.argv[2])
    for scene in SCENES:
        print(scene.__name__, flush=True)
        scene(module, python)
    print("done", flush=True)


main()
