"""A file of functions as plain Python, and the module made of it: both are called with the same arguments.

In: the module, the file, the folder of the package `pyasmgen`. Out: a line for each difference; the last line says how much was
compared. Where numbers do not fit, the module may raise OverflowError and plain Python goes on; nothing else may differ.
"""

import array
import importlib.util
import inspect
import os
import random
import struct
import sys

built, path, package = sys.argv[1:4]
ROUNDS = int(sys.argv[4])
# So many calls of each function have to agree.
LEAST = int(sys.argv[5]) if len(sys.argv) > 5 else ROUNDS // 4
sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "common"), package]
random.seed(7)

import loading

module = loading.load(os.path.basename(path)[: -len(".py")], built)
spec = importlib.util.spec_from_file_location("plain", path)
plain = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plain)

wrong = []


def integers(low, high):
    def make():
        edge = random.choice([low, low + 1, -1, 0, 1, 2, 7, high - 1, high, high >> 1, high >> random.randrange(1, 64)])
        value = random.choice([edge, random.randint(low, high), random.randint(-99, 99), random.randint(0, 7)])
        return min(max(value, low), high)

    return make


def floats():
    return random.choice(
        [
            random.uniform(-3, 3),
            random.choice([0.0, -0.0, 1.0, -0.5, 1e308, -1e308, 5e-324, float("inf"), float("-inf"), float("nan"), 2.0**63]),
            struct.unpack("d", random.getrandbits(64).to_bytes(8, "little"))[0],
        ]
    )


def data():
    return bytes(random.getrandbits(8) for _ in range(random.choice([0, 1, 2, 7, 40])))


def text():
    return "".join(random.choice("aé中😀\0 ") for _ in range(random.randrange(9)))


def items(code, make):
    return lambda: memoryview(array.array(code, [make() for _ in range(random.choice([0, 1, 2, 9]))]))


MAKE = {
    "f64": floats,
    "float": floats,
    "f32": lambda: struct.unpack("f", struct.pack("f", random.uniform(-9, 9)))[0],
    "bool": lambda: random.random() < 0.5,
    "int": integers(-(2**63), 2**63 - 1),
    "bytes": data,
    "str": text,
    "object": lambda: random.choice([None, 1, "x", "12", [2], object]),
    "Buffer": data,
    "MutBuffer": lambda: memoryview(bytearray(data())),
    "Buffer[u8]": lambda: memoryview(data()),
    "Buffer[f64]": items("d", floats),
    "MutBuffer[i32]": items("i", integers(-(2**31), 2**31 - 1)),
}
for bits in 8, 16, 32, 64:
    MAKE[f"i{bits}"] = integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    MAKE[f"u{bits}"] = integers(0, 2**bits - 1)


def kind(annotation):
    return annotation if isinstance(annotation, str) else annotation.__name__


def copied(value):
    """As a view of memory of its own, so that each side changes its own."""
    if isinstance(value, memoryview) and not value.readonly:
        return memoryview(array.array(value.format, value.tolist())) if value.format != "B" else memoryview(bytearray(value))
    return value


def outcome(function, args, keywords):
    args = [copied(value) for value in args]
    keywords = {key: copied(value) for key, value in keywords.items()}
    try:
        result = function(*args, **keywords)
        # repr keeps signs of zeros, and makes one NaN of all.
        said = type(result).__name__, repr(result)
    except Exception as error:
        said = type(error).__name__, str(error)
    written = [value.tolist() for value in [*args, *keywords.values()] if isinstance(value, memoryview)]
    return said, repr(written)


def arguments(signature):
    """Arguments given in some way in which they can be given."""
    args, keywords = [], {}
    by_keyword = False
    for parameter in signature.parameters.values():
        left_out = parameter.default is not parameter.empty and random.random() < 0.3
        by_keyword |= left_out or random.random() < 0.2 and parameter.kind is not parameter.POSITIONAL_ONLY
        by_keyword |= parameter.kind is parameter.KEYWORD_ONLY
        if left_out:
            continue
        value = MAKE[kind(parameter.annotation)]()
        if not by_keyword:
            args.append(value)
        elif parameter.kind is parameter.POSITIONAL_ONLY:
            # Behind one that was left out it cannot be given.
            continue
        else:
            keywords[parameter.name] = value
    return args, keywords


def shape(signature):
    return [(p.name, p.kind, repr(p.default)) for p in signature.parameters.values()]


def cleaned(doc):
    return doc and inspect.cleandoc(doc)


def compare(name, function):
    theirs, ours = inspect.signature(function), inspect.signature(getattr(module, name))
    if shape(theirs) != shape(ours):
        wrong.append(f"{name}: the signature is {ours}, not {theirs}")
    mine, doc = getattr(module, name).__doc__, function.__doc__
    if (mine != doc) if sys.version_info >= (3, 13) else (cleaned(mine) != cleaned(doc)):
        wrong.append(f"{name}: the documentation is {mine!r}, not {doc!r}")
    alike = 0
    for _ in range(ROUNDS):
        args, keywords = arguments(theirs)
        ours, theirs_ = outcome(getattr(module, name), args, keywords), outcome(function, args, keywords)
        if theirs_[0][0] == "NotImplementedError":
            return ROUNDS
        if ours == theirs_:
            alike += 1
        elif ours[0][0] != "OverflowError":
            wrong.append(f"{name}(*{args}, **{keywords}): {ours}, plain Python: {theirs_}")
    return alike


functions = {
    name: value for name, value in vars(plain).items() if inspect.isfunction(value) and value.__module__ == "plain" and not name.startswith("_")
}
alike = {name: compare(name, function) for name, function in functions.items()}
for name, count in alike.items():
    if count < LEAST:
        wrong.append(f"{name}: only {count} of {ROUNDS} calls have the same answer")

imported = {"root", "copysign", "math"}
for name, value in vars(plain).items():
    if isinstance(value, (bool, int, float, str, bytes)) and (name == "__doc__" or not name.startswith("__")):
        if repr(getattr(module, name, None)) != repr(value) and (name != "__doc__" or cleaned(value) != cleaned(module.__doc__)):
            wrong.append(f"{name} is {getattr(module, name, None)!r}, not {value!r}")
    elif isinstance(value, type) and issubclass(value, Exception):
        other = getattr(module, name)
        if [c.__name__ for c in value.__mro__] != [c.__name__ for c in other.__mro__] or value.__doc__ != other.__doc__:
            wrong.append(f"{name}: {other.__mro__}, {other.__doc__!r}")
public = {name for name in vars(module) if not name.startswith("_")}
extra = public - set(vars(plain))
if extra:
    wrong.append(f"the module has {sorted(extra)}, the file has not")
helpers = [name for name, value in vars(plain).items() if inspect.isfunction(value) and name.startswith("_") and not name.startswith("__")]
hidden = [name for name in helpers if hasattr(module, name)]
if hidden:
    wrong.append(f"the module shows its helpers {hidden}")

print("\n".join([*wrong[:20], f"{len(functions)} functions, {sum(alike.values())} answers alike"]))
sys.exit(bool(wrong))
