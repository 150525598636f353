"""Writes a file of functions and constants at random, such as `pyasmgen` takes.

In: a seed and a path. Out: the file: constants that are computed from literals and from each other, functions with every kind of parameter, defaults,
docstrings with all sorts of indentation, helpers. What Python itself refuses to compute is left out.
"""

import ast
import math
import random
import sys

seed, path = int(sys.argv[1]), sys.argv[2]
random.seed(seed)
known = {}
lines = ['"""A module.\n\n  Generated.\n"""', "import math", "from math import floor as down", "from pyasmgen import *", ""]


def integer(depth):
    if depth == 0 or random.random() < 0.2:
        names = [name for name, value in known.items() if type(value) is int]
        if names and random.random() < 0.3:
            return random.choice(names)
        value = random.choice([0, 1, 2, 3, 7, 255, 2**31, 2**63 - 1, 2**63, 2**64 - 1, random.getrandbits(random.randrange(1, 65))])
        return random.choice([str, hex, oct, bin])(value)
    if random.random() < 0.2:
        return random.choice("-~+") + "(" + integer(depth - 1) + ")"
    op = random.choice(["+", "-", "*", "//", "%", "<<", ">>", "&", "|", "^", "**"])
    right = str(random.randrange(9)) if op in ("<<", ">>", "**") else integer(depth - 1)
    return f"({integer(depth - 1)} {op} {right})"


def floating(depth):
    if depth == 0 or random.random() < 0.2:
        names = [name for name, value in known.items() if type(value) is float]
        if names and random.random() < 0.3:
            return random.choice(names)
        return random.choice(["0.1", "1e300", "-0.0", "math.pi", "math.inf", repr(random.uniform(-9, 9)), str(random.randrange(99)) + ".5"])
    right = random.choice([floating, integer])(depth - 1)
    return f"({floating(depth - 1)} {random.choice('+-*/')} {right})"


def octets(depth):
    values = [random.getrandbits(8) for _ in range(random.randrange(5))]
    names = [name for name, value in known.items() if type(value) is bytes]
    if depth > 0:
        return random.choice([f"({octets(depth - 1)} + {octets(depth - 1)})", f"({octets(depth - 1)} * {random.randrange(-1, 4)})"])
    return random.choice(
        [repr(bytes(values)), f"bytes({values})", f'bytes.fromhex("{bytes(values).hex(" ")}")', f"bytes({random.randrange(9)})", *names[-1:]]
    )


def text(depth):
    return " + ".join(repr("".join(random.choice("aé中😀\0'\"\\\n") for _ in range(random.randrange(5)))) for _ in range(depth + 1))


def small(expression):
    """Whether 128 bits hold every integer on the way."""
    parts = [node for node in ast.walk(ast.parse(expression, mode="eval")) if isinstance(node, (ast.BinOp, ast.UnaryOp))]
    values = [eval(compile(ast.Expression(part), "", "eval"), {"math": math, **known}) for part in parts]
    return all(abs(value) < 2**127 for value in values if type(value) is int)


made = 0
while made < 60:
    expression = random.choice([integer, integer, floating, octets, text])(random.randrange(4))
    try:
        value = eval(expression, {"math": math, **known})
    except (ArithmeticError, ValueError):
        continue
    if not small(expression) or isinstance(value, (bytes, str)) and len(value) > 999:
        continue
    name = f"{random.choice(['C', '_c'])}{made}"
    known[name] = value
    lines.append(f"{name} = {expression}")
    made += 1
lines.append(f"HUGE = -{random.getrandbits(300) + 2**299}")
lines.append(f"HEXED = {hex(random.getrandbits(200) + 2**199)}")

DEFAULTS = {
    "i8": lambda: str(random.randrange(-128, 128)),
    "i16": lambda: str(random.randrange(-(2**15), 2**15)),
    "i32": lambda: hex(random.randrange(2**31)),
    "i64": lambda: str(random.randrange(-(2**63), 2**63)),
    "int": lambda: "1_000",
    "u8": lambda: str(random.randrange(256)),
    "u32": lambda: str(random.randrange(2**32)),
    "u64": lambda: str(random.getrandbits(64)),
    "f64": lambda: repr(random.uniform(-5, 5)),
    "float": lambda: "-0.0",
    "bool": lambda: random.choice(["True", "False"]),
    "bytes": lambda: random.choice(["b''", repr(bytes(random.getrandbits(8) for _ in range(3)))]),
    "str": lambda: text(0),
    "object": lambda: "None",
}


def docstring():
    rows = [random.choice(["", " ", "  ", "\t", "    ", "\t  ", "        "]) + random.choice(["", "word", "two words", "a\tb", " "]) for _ in range(4)]
    return '"""' + random.choice(["", "First.", "  first"]) + "\n" + "\n".join(rows) + '"""'


def function(number):
    parameters, kinds = [], []
    counts = [random.choice([0, 0, 1, 2]), random.choice([0, 1, 2]), random.choice([0, 0, 1, 2])]
    optional = False
    for kind, count in enumerate(counts):
        if kind == 2 and count:
            parameters.append("*")
        for at in range(count):
            ty = random.choice(list(DEFAULTS))
            name = f"{'abc'[kind]}{at}"
            optional = random.random() < 0.4 or optional and kind < 2
            parameters.append(f"{name}: {ty}" + (f"{random.choice([' = ', '='])}{DEFAULTS[ty]()}" if optional else ""))
            kinds.append((name, ty))
        if kind == 0 and count:
            parameters.append("/")
    gap = random.choice([", ", ",  # a comment, with = and :\n        "])
    results = random.sample(kinds, min(len(kinds), random.randrange(4)))
    annotation = {0: "None", 1: results[0][1] if results else ""}.get(len(results)) or f"tuple[{', '.join(ty for _, ty in results)}]"
    if random.random() < 0.3:
        lines.append(random.choice(["@signals", '@overflow("raise")']))
    lines.append(f"def {random.choice(['f', 'größe'])}{number}({gap.join(parameters)}) -> {annotation}:")
    if random.random() < 0.2:
        lines[-1] += f" return {', '.join(name for name, _ in results) or 'None'}"
        return
    if random.random() < 0.7:
        lines.append("    " + docstring())
    indent = random.choice(["    ", "  ", "\t"]) if '"""' not in lines[-1] else "    "
    lines.append(indent + f"return {', '.join(name for name, _ in results) or 'None'}")
    lines.append(random.choice(["", "# a comment", "    # an indented one"]))


for number in range(40):
    function(number)
with open(path, "w", encoding="utf-8") as file:
    file.write("\n".join(lines) + "\n")
