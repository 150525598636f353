# Calls the methods of `bodies.py`, built by us and as Python, on random values and those at the edges: judge.py FILE MODE
#
#     values      same result of the same type, or same exception with the same text; same content of what can be changed
#     references  as many references after the calls as before them
#     starved     every allocation fails in turn: MemoryError, or what comes out otherwise
#     threads     others change what is read; nothing but that it ends is asked
#
# Prints what differs, then "done" and the number of calls.

import array
import importlib.machinery
import importlib.util
import math
import os
import random
import re
import sys
import threading

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "common"))
from counting import changes_of

FILE, MODE = sys.argv[1:]


def load(name, file, loader):
    loader = loader(name, file)
    spec = importlib.util.spec_from_file_location(name, file, loader=loader)
    module = importlib.util.module_from_spec(spec)
    return module, loader


ours, loader = load("views", FILE, importlib.machinery.ExtensionFileLoader)
loader.exec_module(ours)
theirs, loader = load("bodies", __file__.replace("judge", "bodies"), importlib.machinery.SourceFileLoader)


class NoGil:
    def __enter__(self):
        pass

    def __exit__(self, *error):
        pass


# The names of the body language.
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, "src", "python"))
from pyasmgen import Array, i32, u8, u32

vars(theirs).update(math=math, i64=int, u64=int, Buffer=memoryview, nogil=NoGil(), Array=Array, i32=i32, u8=u8, u32=u32)
loader.exec_module(theirs)
METHODS = {name: f for name, f in vars(theirs).items() if hasattr(f, "__code__")}

WORDS = [b"", b"a", b"ab", b"abc", b"hello world", b"((a) b(c)l l", bytes(range(256)), b"\xff" * 9, b"\0", "za\u017c\u00f3\u0142\u0107 \U0001f980".encode(), b"x" * 1000]
TEXTS = ["", "x", "text", "za\u017c\u00f3\u0142\u0107", "\U0001f980" * 3, "\0", "lone \ud800", "x" * 300]
NUMBERS = [0, 1, 2, 3, 4, 5, 6, 7, 8, -1, -2, 40, 97, 108, 255, 256, -256, 2**31, 2**63 - 1, -(2**63)]
ITEMS = {"i16": "h", "i32": "i", "f64": "d", "f32": "f", "bool": "?"}


class Text(str):
    """Is equal to nothing, and says so late."""

    def __eq__(self, other):
        return [][1] if len(self) == 4 else "no"

    __hash__ = str.__hash__


class Measured(str):
    """Is as long as it says, and true only if it says so."""

    def __len__(self):
        return {0: 7, 1: -1}.get(str.__len__(self), 2)

    def __bool__(self):
        return str.__len__(self) != 4 or [][1]


class Data(bytes):
    pass


def value(rng, kind):
    """Makes an argument anew each time it is called."""
    if kind == "i64":
        n = rng.choice(NUMBERS)
        return lambda: n
    if kind == "f64":
        x = rng.choice([0.5, -2.0, 1e300, float("inf")])
        return lambda: x
    if kind == "object":
        return rng.choice([lambda: [1], lambda: None, lambda: "object", lambda: 12345678901234567890])
    if kind == "bytes | None":                          # which meets a slice: a class of one's own is not kept
        word = rng.choice(WORDS + [None] * 5)
        return lambda: word
    if kind.endswith(" | None"):
        return rng.choice([lambda: None, value(rng, kind[:-7]), value(rng, kind[:-7])])
    if kind == "str":
        text = rng.choice(TEXTS)
        return rng.choice([lambda: text, lambda: text, lambda: Text(text), lambda: Measured(text)])
    word = rng.choice(WORDS)
    if rng.random() < 0.3:
        word = bytes(rng.randrange(256) for _ in range(rng.randrange(30)))
    if kind == "bytes":
        return rng.choice([lambda: word, lambda: word, lambda: Data(word)])
    if kind == "Buffer":
        return rng.choice([lambda: word, lambda: bytearray(word), lambda: memoryview(word)[1:], lambda: array.array("B", word)])
    if kind == "MutBuffer":
        return rng.choice([lambda: bytearray(word), lambda: memoryview(bytearray(word))[:5]])
    code = ITEMS[re.search(r"\[(.*)\]", kind)[1]]
    size = memoryview(b"").cast("B").itemsize * {"h": 2, "i": 4, "d": 8, "f": 4, "?": 1}[code]
    word = word[: len(word) // size * size]
    return lambda: memoryview(bytearray(word)).cast(code)


def calls(name, count):
    rng = random.Random(name)
    kinds = [kind for parameter, kind in METHODS[name].__annotations__.items() if parameter != "return"]
    if kinds.count("i64") == len(kinds):                # sizes: no more than there is room for
        small = [n for n in NUMBERS if n < 1000 or n > 2**62]
        for n in small:
            for byte in (0, 7, 255, 256, -1):
                yield [lambda n=n: n, lambda byte=byte: byte]
        return
    for _ in range(count):
        made = [value(rng, kind) for kind in kinds]
        if name == "quiet":
            n = rng.randrange(5)
            made[1] = lambda: n
        if name == "exchange":
            made[2] = lambda: 3
        if name == "depth" and len(made[0]()) > 300:
            continue
        if name == "distance" and max(len(made[0]()), len(made[1]())) > 40:
            continue
        yield made


def plain(kind, argument):
    """What a body sees: a memoryview of a buffer."""
    if not kind.startswith(("Buffer", "MutBuffer")):
        return argument
    view = memoryview(argument)
    return view if "[" in kind else View(view.cast("B"))


class View:
    """A memoryview of bytes that can be decoded."""

    def __init__(self, view):
        self.view = view

    def __len__(self):
        return len(self.view)

    def __iter__(self):
        return iter(self.view)

    def __getitem__(self, at):
        return View(self.view[at]) if isinstance(at, slice) else self.view[at]

    def __setitem__(self, at, value):
        self.view[at] = value

    def __bytes__(self):
        return bytes(self.view)

    def decode(self, codec):
        return bytes(self.view).decode(codec)


def described(result):
    if isinstance(result, tuple):
        return tuple(map(described, result))
    # A str that is equal to nothing is still the same one.
    return type(result), str.__str__(result) if isinstance(result, str) else repr(result)


def outcome(function, arguments):
    try:
        result = function(*arguments)
    except MemoryError:
        return "MemoryError"
    except Exception as error:
        return outcome_of(error)
    return described(result)


def outcome_of(error):
    text = str(error)
    # Numbers that do not fit, and items that do not: those texts are ours.
    if isinstance(error, OverflowError) or "memoryview: invalid value" in text:
        return "OverflowError"
    return type(error), described(error.args) if type(error) in (KeyError, ValueError) else text


def contents(arguments):
    return [bytes(one) for one in arguments if isinstance(one, (bytearray, memoryview, array.array))]


def both(name, makers):
    kinds = list(METHODS[name].__annotations__.values())
    mine = [make() for make in makers]
    got = outcome(getattr(ours, name), mine), contents(mine)
    other = [make() for make in makers]
    seen = [plain(kind, one) for kind, one in zip(kinds, other)]
    wanted = outcome(METHODS[name], seen), contents(other)
    return got, wanted


def values_mode():
    wrong = total = 0
    for name in METHODS:
        for makers in calls(name, 300):
            got, wanted = both(name, makers)
            total += 1
            # Python's integers grow where ours do not.
            huge = any(isinstance(one, int) and abs(one) > 2**62 for one in [make() for make in makers])
            if got != wanted and not (huge and got[0] == "OverflowError"):
                wrong += 1
                if wrong < 20:
                    shown = [repr(make())[:100] for make in makers]
                    print(name, shown, "\n  got   ", repr(got)[:300], "\n  wanted", repr(wanted)[:300])
    return total


def references_mode():
    total = 0
    for name in METHODS:
        every = list(calls(name, 60))

        def round():
            for makers in every:
                outcome(getattr(ours, name), [make() for make in makers])

        round()
        round()
        changes = changes_of(round)
        total += len(every)
        # What leaks at all leaks in every round.
        if min(changes) > 0:
            print(name, "leaves behind", changes.tolist())
    return total


def starved_mode():
    import _testcapi

    total = 0
    for name in METHODS:
        # `list([...])` up to 3.12, and functions of `math` in 3.9, do not give back what they have when memory is short.
        if name in ("listed", "sums") and sys.version_info < (3, 13):
            continue
        every = [makers for makers in calls(name, 12) if not any(type(one) is int and one > 1000 for one in [make() for make in makers])]

        def sweep():
            return sum(starve(_testcapi, name, makers) for makers in every)

        total += sweep()
        sweep()
        changes = changes_of(sweep)
        if min(changes) > 0:
            print(name, "leaves behind", changes.tolist())
    return total


def starve(_testcapi, name, makers):
    """With room for 0, 1, 2 ... allocations until it is enough, or there are many; how many times that was."""
    function = getattr(ours, name)
    wanted = outcome(function, [make() for make in makers])
    for room in range(60):
        arguments = [make() for make in makers]
        result = raised = None
        _testcapi.set_nomemory(room, 0)
        try:
            result = function(*arguments)
        except Exception as error:
            raised = error
        finally:
            _testcapi.remove_mem_hooks()
        got = described(result) if raised is None else None if isinstance(raised, MemoryError) else outcome_of(raised)
        if got is not None:
            # What a text is made of may have been short of memory, too.
            if got != wanted and not isinstance(wanted[0], type(Exception)):
                print(name, [repr(one)[:100] for one in arguments], room, "gave", repr(got)[:300], "not", repr(wanted)[:300])
            return room
    return room


def threads_mode():
    data, stop = bytearray(b"((a) hello \xc3\xa9 world)" * 50), []
    wide = bytearray(800)

    def change():
        rng = random.Random(1)
        while not stop:
            for buffer in data, wide:
                buffer[rng.randrange(len(buffer))] = rng.randrange(256)

    def call():
        for at in range(150):
            ours.fnv(data)
            ours.count(data, 40)
            ours.changed(data)
            ours.quiet(data, 20)
            outcome(ours.decoded, [data, at % 3])
            ours.reverse(data)
            ours.sort(memoryview(wide).cast("i"))
            ours.flags(memoryview(wide).cast("?"))
            outcome(ours.dot, [memoryview(wide).cast("d")] * 2)

    threads = [threading.Thread(target=call) for _ in range(3)]
    changing = [threading.Thread(target=change) for _ in range(2)]
    for thread in threads + changing:
        thread.start()
    for thread in threads:
        thread.join()
    stop.append(1)
    for thread in changing:
        thread.join()
    return 150


print("done", {"values": values_mode, "references": references_mode, "starved": starved_mode, "threads": threads_mode}[MODE]())
