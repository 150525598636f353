# letters.py MODULE.pyd|MODULE.so: what a module's functions do with arguments of all integer letters, beside the interpreter's own
# PyArg_ParseTuple[AndKeywords] with the same format, whose C variables are read as C reads them: results, exceptions, texts, warnings.
#
# The module has, for each letter X, take_X (format X, returns X) and give_X (format L or K, returns X); and mix, mix_keywords and
# total. Prints "done" and how many calls were compared, or what differs.
import ctypes
import importlib.machinery
import importlib.util
import random
import sys
import warnings

C = {
    "b": ctypes.c_ubyte, "B": ctypes.c_ubyte, "h": ctypes.c_short, "H": ctypes.c_ushort, "i": ctypes.c_int, "I": ctypes.c_uint,
    "l": ctypes.c_long, "k": ctypes.c_ulong, "L": ctypes.c_longlong, "K": ctypes.c_ulonglong, "n": ctypes.c_ssize_t,
}
MIX, NAMES, DEFAULTS = "lkbhi|lk", "a b c d e f g".split(), [-2, 0xFFFFFFFE]

parse_tuple = ctypes.pythonapi.PyArg_ParseTuple
parse_keywords = ctypes.pythonapi.PyArg_ParseTupleAndKeywords
parse_tuple.restype = parse_keywords.restype = ctypes.c_int


class Index:
    """No int, but one says which."""

    def __init__(self, value):
        self.value = value

    def __index__(self):
        if isinstance(self.value, type):
            raise self.value("asked")
        return self.value


class Int:
    def __int__(self):
        return 1


class Sub(int):
    def __index__(self):
        return 7


def parsed(text, args, kwargs, names, defaults=()):
    """What CPython stores; optional variables hold their defaults before."""
    units = text.partition(":")[0].replace("|", "")
    places = [C[unit](0) for unit in units]
    for place, default in zip(places[len(places) - len(defaults):], defaults):
        place.value = default
    pointers = [ctypes.byref(place) for place in places]
    if names is None:
        parse_tuple(ctypes.py_object(args), text.encode(), *pointers)
    else:
        names = (ctypes.c_char_p * (len(names) + 1))(*[name.encode() for name in names], None)
        parse_keywords(ctypes.py_object(args), ctypes.py_object(kwargs), text.encode(), names, *pointers)
    return tuple(place.value for place in places)


def outcome(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            told = "returned", call()
        except Exception as error:
            told = type(error).__name__, str(error)
    return told, [(w.category.__name__, str(w.message)) for w in caught]


def fitting(letter, value):
    """What a result of this letter is, by the size of the C type."""
    if C[letter](value).value != value:
        raise OverflowError
    return value


compared = 0


def compare(what, ours, theirs, texts=True):
    global compared
    compared += 1
    got, wanted = outcome(ours), outcome(theirs)
    if not texts:
        got, wanted = (o[0] if o[0][0] == "returned" else o[0][0] for o in (got, wanted))
    if got != wanted:
        print("%s: %r instead of %r" % (what, got, wanted))


def main():
    path = sys.argv[1]
    loader = importlib.machinery.ExtensionFileLoader("letters", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("letters", loader))
    loader.exec_module(module)

    edges = (0, 1, 7, 8, 15, 16, 30, 31, 32, 33, 62, 63, 64, 65, 100)
    ints = sorted({sign * (1 << e) + d for e in edges for sign in (1, -1) for d in (-1, 0, 1)})
    rng = random.Random(3)
    ints += [rng.getrandbits(rng.randrange(1, 70)) * rng.choice((1, -1)) for _ in range(200)]
    values = ints + [Index(n) for n in ints] + [
        True, False, 1.0, 2.0**40, "1", b"1", None, [], 1j, Int(), Sub(1 << 40), Sub(3),
        Index(KeyError), Index("1"), Index(None), Index(True), Index(Sub(5)),
    ]
    for letter in C:
        take, give = getattr(module, "take_" + letter), getattr(module, "give_" + letter)
        for value in values:
            compare("take_%s(%r)" % (letter, value), lambda: take(value),
                    lambda: parsed("%s:take_%s" % (letter, letter), (value,), None, None)[0])
        wide = "K" if letter.isupper() and letter not in "L" or letter == "k" else "L"
        for value in ints:
            if C[wide](value).value == value:
                compare("give_%s(%r)" % (letter, value), lambda: give(value), lambda: fitting(letter, value), texts=False)
        for value in values:
            for other in (0, 1, -1):
                total = getattr(module, "total_" + letter)
                text = "%s%s:total_%s" % (letter, letter, letter)
                both = lambda: fitting(letter, sum(parsed(text, (value, other), None, None)))
                compare("total_%s(%r, %r)" % (letter, value, other), lambda: total(value, other), both, texts=False)

    for _ in range(4000):
        # Most are right, so that the last ones are reached too.
        some = lambda unit: C[unit](rng.choice(ints)).value if rng.random() < 0.9 else rng.choice(values)
        index = lambda value: Index(value) if type(value) is int and rng.random() < 0.1 else value
        given = [index(some(unit)) for unit in MIX.replace("|", "")]
        given = given[: rng.choice((4, 5, 6, 7, 7, 7, 8))] + [0] * rng.choice((0, 0, 0, 0, 0, 1))
        args = tuple(given)
        compare("mix%r" % (args,), lambda: module.mix(*args), lambda: parsed(MIX + ":mix", args, None, None, DEFAULTS))
        split = rng.randrange(len(given) + 1)
        args, kwargs = tuple(given[:split]), dict(zip(NAMES[split:], given[split:]))
        compare("mix_keywords(*%r, **%r)" % (args, kwargs), lambda: module.mix_keywords(*args, **kwargs),
                lambda: parsed(MIX + ":mix_keywords", args, kwargs, NAMES, DEFAULTS))
    print("done", ctypes.sizeof(ctypes.c_long), compared)


main()
