"""Writes a file of functions at random, which work on tables, arrays, casts of memory, objects and exceptions, such as `pyasmgen` takes.

In: a seed, how many functions, and a path. Out: the file. Each function is typed by construction. It never catches the OverflowError with
which a module answers where the integers of plain Python grow, so that all else has to agree.
"""

import random
import sys

seed, count, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
rng = random.Random(seed)
lines = ['"""Generated."""', "", "import math", "", "from pyasmgen import *", ""]

INTS = ["i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64"]
CODES = {"b": "i", "B": "i", "h": "i", "H": "i", "i": "i", "I": "i", "q": "i", "Q": "u", "?": "b", "f": "f", "d": "f", "@n": "i", "N": "u"}
RANGES = {f"{kind}{bits}": (-(1 << bits - 1), (1 << bits - 1) - 1) if kind == "i" else (0, (1 << bits) - 1) for kind in "iu" for bits in (8, 16, 32, 64)}


def kind(item):
    """What items are read as: i64, u64, bool or float."""
    return {"u64": "u", "bool": "b", "f32": "f", "f64": "f"}.get(item, "i")


def value(item):
    if item == "bool":
        return rng.choice(["True", "False"])
    if item in ("f32", "f64"):
        return rng.choice(["0.5", "-2.0", "1e300" if item == "f64" else repr(2.0**100), "math.pi" if item == "f64" else "0.25", repr(float(rng.randrange(-99, 99)))])
    low, high = RANGES[item]
    return str(rng.choice([low, high, 0, 1, rng.randint(low, high)]))


tables = {}
for at in range(8):
    item = rng.choice([*INTS, "bool", "f32", "f64"])
    values = [value(item) for _ in range(rng.choice([1, 2, 5, 16]))]
    annotation = rng.choice([f": Array[{item}, {len(values)}]", f": Buffer[{item}]"])
    lines.append(f"T{at}{annotation} = ({', '.join(values)},)")
    tables[f"T{at}"] = kind(item)
lines.append('OCTETS = b"some octets\\xff"')


class Body:
    def __init__(self):
        self.lines, self.views, self.stores, self.arrays = [], dict(tables), {}, {}
        self.views.update(data="i", w="i")
        self.stores.update(w="i")
        self.loops = self.names = 0
        self.counters = []

    def put(self, depth, text):
        self.lines.append("    " * depth + text)

    def view(self, kinds):
        names = [name for name, of in self.views.items() if of in kinds]
        name = rng.choice(names)
        if name != "data" and rng.random() < 0.2:
            return f"{name}[{self.small()}:{rng.choice(['', '9', 'n % 6'])}]", self.views[name]
        return name, self.views[name]

    def small(self):
        return rng.choice(["0", "1", "2", "-1", "n % 5", "t % 3", *self.counters])

    def place(self, depth):
        return rng.choice([self.small(), self.small(), self.integer(depth - 1), f"({self.integer(depth - 1)}) % 4"])

    def integer(self, depth):
        if depth <= 0:
            return rng.choice(["n", "t", "t", str(rng.choice([0, 1, 2, 7, 255, -1, 2**31, 2**63 - 1])), *self.counters])
        d = depth - 1
        pick = rng.randrange(12)
        if pick < 4:
            name, of = self.view("iub")
            item = f"{name}[{self.place(d)}]"
            return {"i": item, "u": f"i64({item})", "b": f"int({item})"}[of]
        if pick < 7:
            op = rng.choice(["+", "-", "*", "&", "|", "^", "//", "%"])
            return f"({self.integer(d)} {op} {self.integer(d)})"
        if pick == 7:
            return f"(({self.integer(d)} * {self.integer(d)} + {self.integer(d)}) & {rng.choice(['0xFF', '0xFFFF', '0x7FFFFFFF'])})"
        if pick == 8:
            name, of = self.view("iub")
            return {"i": "{}({})", "u": "i64({}({}))", "b": "int({}({}))"}[of].format(rng.choice(["min", "max"]), name)
        if pick == 9:
            return f"len({self.view('iubf')[0]})"
        if pick == 10:
            return f"({self.integer(d)} if {self.condition(d)} else {self.integer(d)})"
        return f"({self.integer(d)} >> {rng.randrange(9)})"

    def real(self, depth):
        if depth <= 0:
            return rng.choice(["x", "f", "0.5", "-3.0", "1e-310", "math.inf"])
        d = depth - 1
        pick = rng.randrange(8)
        if pick < 3 and "f" in self.views.values():
            return f"{self.view('f')[0]}[{self.place(d)}]"
        if pick < 5:
            return f"({self.real(d)} {rng.choice(['+', '-', '*', '/'])} {rng.choice([self.real(d), 'f64(' + self.integer(d) + ')'])})"
        if pick == 5 and "f" in self.views.values():
            return f"{rng.choice(['min', 'max', 'math.fsum'])}({self.view('f')[0]})"
        if pick == 6:
            return f"math.{rng.choice(['fabs', 'atan'])}({self.real(d)})"
        return f"f64({self.integer(d)})"

    def condition(self, depth):
        pick = rng.randrange(5)
        if pick == 0 and "b" in self.views.values():
            return f"{self.view('b')[0]}[{self.small()}]"
        if pick == 1:
            return f"{self.real(depth - 1)} < {self.real(depth - 1)}"
        if pick == 2:
            return f"{rng.choice(['n % 256', '7', 'data[:1]'])} in {rng.choice(['data', 'OCTETS'])}"
        return f"{self.integer(depth - 1)} {rng.choice(['<', '==', '!=', '>='])} {self.integer(depth - 1)}"

    def of(self, kind, depth):
        """A value to store in items of a kind."""
        if kind == "f":
            return self.real(depth)
        if kind == "b":
            return self.condition(depth)
        return rng.choice([self.integer(depth), f"({self.integer(depth)}) & 127"])

    def block(self, depth, level):
        for _ in range(rng.randrange(1, 4)):
            self.statement(depth, level - 1)

    def statement(self, depth, level):
        pick = rng.randrange(12 if level <= 0 else 18)
        if pick < 2:
            self.put(depth, f"t {rng.choice(['=', '+=', '^='])} {self.integer(3)}")
        elif pick == 2:
            self.put(depth, f"f {rng.choice(['=', '+=', '*='])} {self.real(3)}")
        elif pick < 6:
            name = rng.choice(list(self.stores))
            of = self.stores[name]
            op = "+=" if of == "i" and rng.random() < 0.3 else "="
            self.put(depth, f"{name}[{self.place(2)}] {op} {self.of(of, 2)}")
        elif pick == 6:
            self.put(depth, f"out.append({rng.choice([self.integer(2), self.real(2), 'x', 'o', 'list(' + self.view('iubf')[0] + ')'])})")
        elif pick == 7 and self.arrays:
            name = rng.choice(list(self.arrays))
            again = f"Array[{self.arrays[name]}, {rng.choice([1, 3, 7])}]()"
            self.put(depth, f"{name} = {rng.choice([again, name + '[' + self.small() + ':]'])}")
        elif pick == 8:
            self.put(depth, rng.choice(["f, t = math.frexp(f)", "f, x = math.modf(x)", "t = out[n % 3] is o", "f += sum(w, 0.5) is o"]).replace("t = out[n % 3] is o", "t += int(out[n % 3] is o)").replace("f += sum(w, 0.5) is o", "out.append(sum(w, 5))"))
        elif pick == 9:
            self.put(depth, f"if {self.condition(2)}:")
            self.put(depth + 1, rng.choice([f"raise ValueError(f'{{t}} {{f!r}} {{n:>5}}')", "raise KeyError(n)", f"assert {self.condition(1)}, t", "return t, f, out"]))
        elif pick == 10 and self.loops:
            self.put(depth, f"if {self.condition(1)}:")
            self.put(depth + 1, rng.choice(["break", "continue"]))
        elif pick < 12:
            self.put(depth, f"t = {self.integer(4)}")
        elif pick < 14:
            self.put(depth, f"if {self.condition(2)}:")
            self.block(depth + 1, level)
            if rng.random() < 0.5:
                self.put(depth, "else:")
                self.block(depth + 1, level)
        elif pick < 16:
            self.loop(depth, level)
        else:
            self.attempt(depth, level)

    def loop(self, depth, level):
        self.names += 1
        counter = f"i{self.names}"
        known = dict(self.views)
        if rng.random() < 0.4:
            self.put(depth, f"for {counter} in range({rng.choice(['3', 'n % 4', 'len(data) % 5', '5, 0, -2'])}):")
        else:
            name, of = self.view("i")
            item = f"v{self.names}"
            over = rng.choice([f"enumerate({name})", f"enumerate({name})", f"enumerate({name}, {self.small()})", f"zip({name}, {self.view('i')[0]})"])
            self.put(depth, f"for {counter}, {item} in {over}:")
            if rng.random() < 0.3:
                self.lines[-1] = "    " * depth + f"for {counter} in reversed({rng.choice([name, 'range(n % 5)', 'range(-2, n % 4)', 'range(n % 3, -3, -1)'])}):"
                item = counter
            self.put(depth + 1, f"t += {item} & 15")
        self.loops += 1
        self.counters.append(counter)
        self.block(depth + 1, level)
        self.counters.pop()
        self.loops -= 1
        if rng.random() < 0.2:
            self.put(depth, "else:")
            self.block(depth + 1, level)
        self.views = known

    def attempt(self, depth, level):
        loops, self.loops = self.loops, 0
        self.put(depth, "try:")
        self.block(depth + 1, level)
        caught = rng.sample(["IndexError", "ValueError", "ZeroDivisionError", "(KeyError, TypeError)", "AssertionError"], rng.randrange(3))
        for at, name in enumerate(caught):
            self.put(depth, f"except {name}{' as e' if rng.random() < 0.3 else ''}:")
            if self.lines[-1].endswith("as e:"):
                self.put(depth + 1, "out.append(str(e))")
            self.block(depth + 1, level)
            if rng.random() < 0.2:
                self.put(depth + 1, "raise")
        if caught and rng.random() < 0.3:
            self.put(depth, "else:")
            self.block(depth + 1, level)
        if not caught or rng.random() < 0.3:
            self.put(depth, "finally:")
            self.put(depth + 1, "t = t & 0xFFFF")
        self.loops = loops

    def function(self, at):
        self.put(0, f"def f{at}(data: bytes, w: MutBuffer[i32], n: i64, x: f64, o: object) -> tuple[i64, f64, object]:")
        self.put(1, f"t = {rng.choice(['n', '0', 'n % 1000'])}")
        self.put(1, "f = x")
        self.put(1, "out: object = [o, t, f]")
        for number in range(rng.randrange(3)):
            item = rng.choice([*INTS, "bool", "f32", "f64"])
            name = f"a{number}"
            text = f"Array[{item}, {rng.choice([1, 2, 5, 16, 300, 2000])}]"
            self.put(1, rng.choice([f"{name} = {text}()", f"{name}: {text} = {text}()"]))
            self.views[name], self.stores[name], self.arrays[name] = kind(item), kind(item), item
        if rng.random() < 0.6:
            code = rng.choice(list(CODES))
            self.put(1, f"c0 = memoryview(data[: len(data) // 8 * 8]).cast({code!r})")
            self.views["c0"] = CODES[code]
        if rng.random() < 0.6:
            code = rng.choice(list(CODES))
            self.put(1, f"b0 = bytearray({rng.choice(['16', '8', '40', 'data + data', 'n % 50'])})".replace("data + data", "data[:24]"))
            self.put(1, f"c1 = memoryview(b0)[:{rng.choice(['8', '16', '24'])}].cast({code!r})")
            self.views["c1"] = self.stores["c1"] = CODES[code]
            self.views["b0"] = "i"
        for _ in range(rng.randrange(3, 8)):
            self.statement(1, 3)
        self.put(1, "return t, f, out")
        return self.lines


for at in range(count):
    lines += ["", "", *Body().function(at)]
with open(path, "w") as file:
    file.write("\n".join(lines) + "\n")
