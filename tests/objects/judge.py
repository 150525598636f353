# Calls the methods of a text of bodies, built by us and as Python, on random objects: judge.py MODULE BODIES MODE
#
#     values      same result, or same exception with the same text, cause and context; the same was asked of objects, in the same order
#     references  as many references after the calls as before them
#     starved     every allocation fails in turn; nothing but that it ends is asked, and that nothing leaks that CPython does not leak, too
#
# Prints what differs, then "done" and the number of calls.

import importlib.machinery
import importlib.util
import os
import random
import re
import sys
import warnings

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "common"))
from counting import changes_of
from loading import load

warnings.simplefilter("ignore")
MODULE, BODIES, MODE = sys.argv[1:]


ours = load("objects", MODULE)
loader = importlib.machinery.SourceFileLoader("bodies", BODIES)
theirs = importlib.util.module_from_spec(importlib.util.spec_from_file_location("bodies", BODIES, loader=loader))
vars(theirs).update(i64=int, u64=int, f64=float, Problem=ours.Problem)
loader.exec_module(theirs)
METHODS = {name: f for name, f in vars(theirs).items() if hasattr(f, "__code__")}

LOG = []
QUIET = [True]
ERRORS = [ValueError, TypeError, KeyError, AttributeError, IndexError, ZeroDivisionError, RuntimeError, StopIteration]


def act(self, name, *args):
    """What an object does when it is asked something: depends on itself and on what was asked before."""
    if QUIET[0]:
        return 0
    LOG.append((self.seed, name) + tuple(type(one).__name__ for one in args))
    if len(LOG) > 60:
        raise RuntimeError("enough")
    choice = hash((self.seed * 7919 + len(LOG) * 104729 + sum(map(ord, name)))) % 14
    if choice == 0:
        raise ERRORS[(self.seed + len(LOG)) % len(ERRORS)]("no", name)
    if choice == 1:
        return NotImplemented
    if choice in (2, 3):
        return Odd(self.seed + 1)
    return [1, 0, True, False, "text", None, [1, 2], (3, self), self, -1][choice - 4]


class Odd:
    def __init__(self, seed):
        self.seed = seed

    def __repr__(self):
        return f"Odd({self.seed})"

    def __getattr__(self, name):
        if name.startswith("__") or QUIET[0]:
            raise AttributeError(name)
        return act(self, name)


def special(name):
    def method(self, *args, **keywords):
        return act(self, name, *args, *keywords)
    return method


for name in """add radd iadd sub rsub mul rmul imul floordiv mod truediv and or ror xor lshift rshift pow rpow neg pos invert abs divmod
        eq ne lt le gt ge bool len getitem setitem delitem contains iter next call index int float str format hash""".split():
    setattr(Odd, f"__{name}__", special(f"__{name}__"))


class Broken(ValueError):
    def __init__(self, *args):
        act(Odd(5), "init")


class Liar(type):
    def __call__(cls, *args, **keywords):
        return 5


class Lying(ValueError, metaclass=Liar):
    pass


VALUES = [
    lambda: 1, lambda: 0, lambda: -3, lambda: 2.5, lambda: "text", lambda: "", lambda: [1, 2], lambda: [], lambda: [[3, 4], (5, 6)],
    lambda: (1, 2), lambda: (7, (8, 9)), lambda: {"a": 1, 2: [3]}, lambda: {1, 2}, lambda: None, lambda: True, lambda: len, lambda: int,
    lambda: ValueError("given"), lambda: KeyError, lambda: Broken, lambda: Lying, lambda: iter([1, 2]), lambda: b"bytes", lambda: range(3),
] + [lambda seed=seed: Odd(seed) for seed in range(0, 40, 2)]
NUMBERS = [0, 1, 2, 3, -1, 5]
TEXTS = ["", "x", "text", "\u0142\u0105ka"]


def value(rng, kind):
    if kind == "i64":
        n = rng.choice(NUMBERS)
        return lambda: n
    if kind == "f64":
        x = rng.choice([0.5, -2.0, 1e300])
        return lambda: x
    if kind == "str":
        text = rng.choice(TEXTS)
        return lambda: text
    return rng.choice(VALUES)


def calls(name, count):
    rng = random.Random(name)
    kinds = [kind for parameter, kind in METHODS[name].__annotations__.items() if parameter != "return"]
    for _ in range(count):
        yield [value(rng, kind) for kind in kinds]


def described(one, depth=4):
    if depth == 0:
        return "..."
    if isinstance(one, (list, tuple)):
        return type(one).__name__, [described(item, depth - 1) for item in one]
    if isinstance(one, dict):
        return [(described(key, depth - 1), described(item, depth - 1)) for key, item in one.items()]
    if isinstance(one, BaseException):
        return chain(one, depth)
    if isinstance(one, Odd):
        return repr(one), sorted(vars(one))
    text = object.__repr__(one) if not isinstance(one, (int, float, str, bytes, set, type, type(None), range)) else repr(one)
    return type(one).__name__, plain(text)


def plain(text):
    """Without addresses, which differ."""
    return re.sub("0x[0-9a-fA-F]+", "0x", text)


def chain(error, depth=4):
    if error is None or depth == 0:
        return None
    if not isinstance(error, BaseException):
        # In older versions, `raise ... from` takes whatever a class makes for a cause.
        return "no exception"
    text = plain(str(error))
    if "does not fit in i64" in text:
        text = "huge"
    if isinstance(error, RecursionError):
        text = ""
    return (type(error).__name__, text, described(error.args, depth - 1) if "huge" not in text else "", chain(error.__cause__, depth - 1),
            chain(error.__context__, depth - 1), error.__suppress_context__)


def outcome(function, arguments):
    LOG.clear()
    QUIET[0] = False
    result = raised = None
    try:
        result = function(*arguments)
    except BaseException as error:
        raised = error
    QUIET[0] = True
    if sys.exc_info() != (None, None, None):
        print("an exception is handled after", function)
    if raised is None:
        return described(result), [described(one) for one in arguments], LOG[:]
    if isinstance(raised, MemoryError):
        return "MemoryError"
    shown = chain(raised)
    raised.__traceback__ = None
    return shown, [described(one) for one in arguments], LOG[:]


def values_mode():
    wrong = total = 0
    for name in METHODS:
        for makers in calls(name, 40 if name[0] == "r" and name[1:].isdigit() else 150):
            got = outcome(getattr(ours, name), [make() for make in makers])
            wanted = outcome(METHODS[name], [make() for make in makers])
            total += 1
            if got != wanted and "huge" not in repr(got) and "no exception" not in repr(wanted):
                wrong += 1
                if wrong < 10:
                    shown = [repr(make())[:100] for make in makers]
                    print(name, shown, "\n  got   ", repr(got)[:900], "\n  wanted", repr(wanted)[:900])
    return total


def references_mode():
    total = 0
    for name in METHODS:
        every = list(calls(name, 12))

        def round(function):
            for makers in every:
                outcome(function, [make() for make in makers])
            LOG.clear()

        def changes(function):
            round(function)
            round(function)
            return changes_of(lambda: round(function))

        mine = changes(getattr(ours, name))
        total += len(every)
        # What leaks at all leaks in every round; some versions do so by themselves where a `__hash__` lies.
        if min(mine) > 0 and min(mine) > min(changes(METHODS[name])):
            print(name, "leaves behind", mine.tolist())
    return total


def starved_mode():
    import _testcapi

    total = 0
    for name in METHODS:
        # A `__hash__` that lies leaks in some versions by itself, which cannot be told apart here.
        every = [makers for makers in calls(name, 8) if not any(isinstance(make(), Odd) for make in makers)]

        def sweep(function):
            made = sum(starve(_testcapi, function, makers) for makers in every)
            LOG.clear()
            return made

        def changes(function):
            sweep(function)
            return changes_of(lambda: sweep(function))

        mine = getattr(ours, name)
        total += sweep(mine)
        mine = changes(mine)
        # Some versions leak by themselves where there is no memory for an exception: that is told apart in short bodies only.
        random_body = name[0] == "r" and name[1:].isdigit()
        if min(mine) > 0 and not random_body and min(changes(METHODS[name])) <= 0:
            print(name, "leaves behind", mine.tolist())
    return total


def starve(_testcapi, function, makers):
    """With one allocation failing, the first, the second...; how many times that was."""
    for room in range(40):
        arguments = [make() for make in makers]
        LOG.clear()
        QUIET[0] = False
        _testcapi.set_nomemory(room, room + 1)
        try:
            function(*arguments)
        except BaseException:
            pass
        finally:
            _testcapi.remove_mem_hooks()
        QUIET[0] = True
    return room


print("done", {"values": values_mode, "references": references_mode, "starved": starved_mode}[MODE]())
