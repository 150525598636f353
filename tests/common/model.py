# The body language in Python, for comparison: model.py JOB [verbose]
#
# JOB: {"name", "file", "seed", "inputs", "methods": [{"name", "params": [[name, type]...], "returns": [type...], "wrap", "plain", "body"}]}.
# Every body is run three times on the same arguments: by the module; by this model, which is the body's text with each operation
# replaced by one that knows the contract's types and ranges; and, as it stands, by Python. The module must do what the model does (value and
# type, or exception); where the model gives an answer, Python must give it too, which keeps the model honest.
# Prints one JSON line for each difference, then "done".

import ast
import ctypes
import importlib.machinery
import importlib.util
import json
import math
import random
import struct
import sys


class I64(int):
    low, high, text = -2**63, 2**63 - 1, "i64"


class U64(int):
    low, high, text = 0, 2**64 - 1, "u64"


class Literal(int):
    """Takes the type of its context."""


class Small(I64):
    """An unsigned number of at most 32 bits: an i64, or a u64 beside one."""


RANGES = {name: (-2**(bits - 1) if name[0] == "i" else 0, 2**(bits - (name[0] == "i")) - 1)
          for name, bits in [("i8", 8), ("i16", 16), ("i32", 32), ("i64", 64), ("u8", 8), ("u16", 16), ("u32", 32), ("u64", 64)]}


def ours(error):
    """An error whose text is pyasmgen's: only its type is compared."""
    error.ours = True
    return error


def overflow(what):
    return ours(OverflowError(what))


def class_of(storage):
    return U64 if storage == "u64" else Small if storage[0] == "u" else I64


def modulo(value, low, high):
    return (value - low) % (high - low + 1) + low


class Model:
    """What the operations of a body mean, in one overflow mode."""

    def __init__(self, wrap):
        self.wrap = wrap

    def fit(self, kind, value, op):
        if kind.low <= value <= kind.high:
            return kind(value)
        if self.wrap:
            return kind(modulo(value, kind.low, kind.high))
        raise overflow("result of %r does not fit in %s" % (op, kind.text))

    def store(self, storage, value):
        """A value brought into a declared thing."""
        if storage == "bool":
            assert isinstance(value, bool), value
            return value
        if storage in ("f32", "f64"):
            value = float(value)
            return ctypes.c_float(value).value if storage == "f32" else value
        low, high = RANGES[storage]
        value = int(value)
        if not low <= value <= high:
            if not self.wrap:
                raise overflow("value does not fit in " + storage)
            value = modulo(value, low, high)
        return class_of(storage)(value)

    def local(self, value):
        """What an undeclared local keeps."""
        if isinstance(value, Literal):
            return U64(value) if value >= 2**63 else I64(value)
        return I64(value) if isinstance(value, Small) else value

    def kind(self, a, b):
        """The type in which two integers meet."""
        kinds = {U64 if isinstance(x, U64) else None if isinstance(x, (Literal, bool, Small)) else I64 for x in (a, b)} - {None}
        assert len(kinds) < 2, "i64 and u64 do not mix: %r %r" % (a, b)
        return kinds.pop() if kinds else I64

    def binary(self, op, a, b):
        if isinstance(a, float) or isinstance(b, float):
            result = OPERATORS[op](float(a), float(b))
            if isinstance(result, complex):
                raise ours(ValueError("complex"))
            return result
        if op == "/":
            return int(a) / int(b)
        if op in ("<<", ">>"):
            return self.shift(op, a, b)
        if op == "**":
            return self.power(a, b)
        if isinstance(a, bool) and isinstance(b, bool) and op in ("&", "|", "^"):
            return OPERATORS[op](a, b)
        return self.fit(self.kind(a, b), OPERATORS[op](int(a), int(b)), op)

    def shift(self, op, a, count):
        kind = U64 if isinstance(a, U64) else I64
        a, count = int(a), int(count)
        if count < 0 or op == ">>":
            return kind(OPERATORS[op](a, min(count, 64)))
        if count >= 64 and a:
            if self.wrap:
                return kind(0)
            raise overflow("result of '<<' does not fit in " + kind.text)
        return self.fit(kind, a << count if a else 0, op)

    def power(self, a, b):
        kind = U64 if isinstance(a, U64) else I64
        a, b = int(a), int(b)
        if b < 0:
            raise ours(ZeroDivisionError("0 ** negative") if a == 0 else ValueError("negative exponent"))
        if self.wrap:
            return self.fit(kind, pow(a, b, 2**64), "**")
        if abs(a) > 1 and b > 64:
            raise overflow("result of '**' does not fit in " + kind.text)
        return self.fit(kind, a ** (b if abs(a) > 1 or b < 2 else 2 - b % 2), "**")

    def negative_power(self, a, b):
        """A negative literal exponent makes a float."""
        return self.binary("**", a, float(b)) if isinstance(a, float) else int(a) ** b

    def unary(self, op, a):
        if isinstance(a, float):
            return -a if op == "-" else a
        kind = U64 if isinstance(a, U64) else I64
        return self.fit(kind, {"-": -int(a), "~": ~int(a), "+": int(a)}[op], op)

    def masked(self, kinds, exact, mask):
        """`(exact) & mask`; `kinds` are the leaves of the expression."""
        kind = I64
        for value in kinds:
            if isinstance(value, U64):
                kind = U64
        return kind(exact & mask)

    def convert(self, storage, value):
        if storage in ("f64", "float"):
            return float(value)
        if storage == "bool":
            return bool(value)
        storage = "i64" if storage == "int" else storage
        if isinstance(value, float):
            low, high = RANGES[storage]
            value = int(value)
            if not low <= value <= high:
                raise overflow("value does not fit in " + storage)
        return self.store(storage, value)

    def abs(self, a):
        if isinstance(a, float):
            return abs(a)
        return self.fit(U64 if isinstance(a, U64) else I64, abs(int(a)), "abs")

    def divmod(self, a, b):
        if isinstance(a, float) or isinstance(b, float):
            return divmod(float(a), float(b))
        kind = self.kind(a, b)
        quotient, remainder = divmod(int(a), int(b))
        return self.fit(kind, quotient, "divmod"), kind(remainder)

    def pow(self, a, b, m=None):
        if m is None:
            return self.binary("**", a, b)
        return self.kind(a, m)(pow(int(a), int(b), int(m)))

    def round(self, a, digits=None):
        if digits is not None:
            if isinstance(a, float):
                return round(a, int(digits))
            return self.fit(U64 if isinstance(a, U64) else I64, round(int(a), int(digits)), "round")
        return self.to_int(round(a))

    def to_int(self, value):
        if not I64.low <= value <= I64.high:
            raise overflow("value does not fit in i64")
        return I64(value)

    def method(self, name, value):
        value = abs(int(value))
        return I64(bin(value).count("1") if name == "bit_count" else value.bit_length())

    def bits(self, storage, name, value, *count):
        width = int(storage[1:])
        mask = (1 << width) - 1
        value = int(value) & mask
        if name in ("rotl", "rotr"):
            n = int(count[0]) % width
            n = n if name == "rotl" else -n % width
            result = (value << n | value >> (width - n)) & mask
            return class_of(storage)(result)
        if name == "bswap":
            return class_of(storage)(int.from_bytes(value.to_bytes(width // 8, "little"), "big"))
        if name == "clz":
            return I64(width - value.bit_length())
        return I64((value & -value).bit_length() - 1 if value else width)

    def range(self, *args):
        kind = U64 if any(isinstance(a, U64) for a in args) else I64
        return map(kind, range(*map(int, args)))

    def math(self, name, *args):
        if name in ("floor", "ceil", "trunc"):
            return self.to_int(getattr(math, name)(float(args[0])))
        return getattr(math, name)(*map(float, args))


OPERATORS = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
    "//": lambda a, b: a // b, "%": lambda a, b: a % b, "**": lambda a, b: a ** b, "<<": lambda a, b: a << b,
    ">>": lambda a, b: a >> b, "&": lambda a, b: a & b, "|": lambda a, b: a | b, "^": lambda a, b: a ^ b,
}
SYMBOLS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**", ast.LShift: "<<",
    ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
    ast.USub: "-", ast.UAdd: "+", ast.Invert: "~",
}
MASKABLE = (ast.Add, ast.Sub, ast.Mult, ast.LShift, ast.BitAnd, ast.BitOr, ast.BitXor)
TYPES = ("i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f64", "int", "float", "bool")


def shift_left(a, count):
    """Exact modulo any mask of 64 bits, and of a size that can be computed."""
    return a << count if count < 64 else 0


class Rewrite(ast.NodeTransformer):
    """Replaces operations by calls of the model `_m`."""

    def __init__(self, declared, returns):
        self.declared = dict(declared)
        self.returns = returns

    def call(self, name, *args):
        function = ast.Attribute(ast.Name("_m", ast.Load()), name, ast.Load())
        return ast.Call(function, [a if isinstance(a, ast.AST) else ast.Constant(a) for a in args], [])

    def visit_Constant(self, node):
        if type(node.value) is int:
            return ast.Call(ast.Name("_Literal", ast.Load()), [node], [])
        return node

    def visit_FormattedValue(self, node):
        node.value = self.visit(node.value)
        return node

    def visit_BinOp(self, node):
        value, mask = node.left, node.right
        if mask_of(mask) is None:
            value, mask = mask, value
        if isinstance(node.op, ast.BitAnd) and mask_of(mask) is not None and maskable(value):
            leaves = []
            exact = self.exact(value, leaves)
            # The leaves are evaluated once, in order, inside `exact`; they also say the type.
            kinds = ast.List([ast.Name(name, ast.Load()) for name in leaves], ast.Load())
            evaluated = ast.NamedExpr(ast.Name("_e", ast.Store()), exact)
            result = self.call("masked", kinds, ast.Name("_e", ast.Load()), mask_of(mask))
            return ast.Subscript(ast.Tuple([evaluated, result], ast.Load()), ast.Constant(1), ast.Load())
        if isinstance(node.op, ast.Pow) and isinstance(node.right, ast.UnaryOp) and isinstance(node.right.operand, ast.Constant):
            return self.call("negative_power", self.visit(node.left), -node.right.operand.value)
        return self.call("binary", SYMBOLS[type(node.op)], self.visit(node.left), self.visit(node.right))

    leaf = 0

    def exact(self, node, leaves):
        """Arithmetic without bounds; what is not maskable is a leaf, kept in a variable of its own."""
        if maskable(node):
            if isinstance(node, ast.UnaryOp):
                return ast.UnaryOp(node.op, self.exact(node.operand, leaves))
            if isinstance(node.op, ast.LShift):
                left = self.exact(node.left, leaves)
                count = ast.Call(ast.Name("int", ast.Load()), [self.visit(node.right)], [])
                return ast.Call(ast.Name("_shift_left", ast.Load()), [left, count], [])
            return ast.BinOp(self.exact(node.left, leaves), node.op, self.exact(node.right, leaves))
        Rewrite.leaf += 1
        name = "_l%d" % Rewrite.leaf
        leaves.append(name)
        kept = ast.NamedExpr(ast.Name(name, ast.Store()), self.visit(node))
        return ast.Call(ast.Name("_int", ast.Load()), [kept], [])

    def visit_UnaryOp(self, node):
        if isinstance(node.op, ast.Not):
            return ast.UnaryOp(node.op, self.visit(node.operand))
        if isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant) and type(node.operand.value) is int:
            return ast.Call(ast.Name("_Literal", ast.Load()), [ast.Constant(-node.operand.value)], [])
        return self.call("unary", SYMBOLS[type(node.op)], self.visit(node.operand))

    def visit_Call(self, node):
        args = [self.visit(a) for a in node.args]
        function = node.func
        if isinstance(function, ast.Name):
            if function.id in TYPES:
                return self.call("convert", function.id, *args)
            if function.id in ("abs", "divmod", "pow", "round", "range"):
                return self.call(function.id, *args)
            return ast.Call(function, args, [])
        owner = function.value
        if isinstance(owner, ast.Name) and owner.id == "math":
            return self.call("math", function.attr, *args)
        if isinstance(owner, ast.Name) and owner.id in TYPES:
            return self.call("bits", owner.id, function.attr, *args)
        return self.call("method", function.attr, self.visit(owner))

    def stored(self, target, value):
        if isinstance(target, ast.Name) and target.id in self.declared:
            return self.call("store", self.declared[target.id], value)
        return self.call("local", value)

    def visit_AnnAssign(self, node):
        self.declared[node.target.id] = node.annotation.id
        return ast.Assign([node.target], self.stored(node.target, self.visit(node.value)))

    def visit_Assign(self, node):
        target, value = node.targets[0], node.value
        if not isinstance(target, ast.Tuple):
            return ast.Assign(node.targets, self.stored(target, self.visit(value)))
        if isinstance(value, ast.Tuple):
            items = [self.stored(t, self.visit(v)) for t, v in zip(target.elts, value.elts)]
            return ast.Assign(node.targets, ast.Tuple(items, ast.Load()))
        return ast.Assign(node.targets, self.visit(value))

    def visit_AugAssign(self, node):
        load = ast.Name(node.target.id, ast.Load())
        operation = self.visit(ast.BinOp(load, node.op, node.value))
        return ast.Assign([node.target], self.stored(node.target, operation))

    def visit_Return(self, node):
        values = node.value.elts if isinstance(node.value, ast.Tuple) and len(self.returns) > 1 else [node.value]
        if len(values) != len(self.returns):
            return ast.Return(self.visit(node.value))
        items = [self.call("store", kind, self.visit(v)) for kind, v in zip(self.returns, values)]
        return ast.Return(items[0] if len(items) == 1 else ast.Tuple(items, ast.Load()))


def mask_of(node):
    if isinstance(node, ast.Constant) and type(node.value) is int and 0 < node.value < 2**64 and node.value & (node.value + 1) == 0:
        return node.value
    return None


def maskable(node):
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, (ast.Invert, ast.USub)) and not isinstance(node.operand, ast.Constant)
    return isinstance(node, ast.BinOp) and isinstance(node.op, MASKABLE)


class Width:
    """`u32` and the like for plain Python: a conversion, and the operations on bits."""

    def __init__(self, name):
        self.name = name
        model = Model(False)
        for bit in ("rotl", "rotr", "clz", "ctz", "bswap"):
            setattr(self, bit, lambda *args, bit=bit: int(model.bits(name, bit, *args)))

    def __call__(self, value):
        value = int(value)
        low, high = RANGES[self.name]
        if not low <= value <= high:
            raise overflow("value does not fit in " + self.name)
        return value


def source(method):
    params = ", ".join(name for name, _ in method["params"])
    body = "".join("    " + line + "\n" for line in method["body"].splitlines())
    return "def %s(%s):\n%s" % (method["name"], params, body)


def modelled(job):
    """Each method as the contract means it."""
    functions = {}
    for method in job["methods"]:
        model = Model(method["wrap"])
        tree = ast.parse(source(method))
        rewrite = Rewrite(method["params"], method["returns"])
        tree.body[0].body = [rewrite.visit(statement) for statement in tree.body[0].body]
        ast.fix_missing_locations(tree)
        names = {"_m": model, "_Literal": Literal, "_int": int, "_shift_left": shift_left, "min": min, "max": max}
        names["__builtins__"] = __builtins__
        for name, function in functions.items():
            names[name] = function
        exec(compile(tree, method["name"], "exec"), names)
        functions[method["name"]] = converting(model, method, names[method["name"]])
    return functions


def converting(model, method, function):
    storages = [storage for _, storage in method["params"]]

    def call(*args):
        return function(*[model.store(storage, arg) for storage, arg in zip(storages, args)])
    return call


def plain(job):
    """Each method as Python reads it."""
    names = {name: Width(name) for name in RANGES}
    names.update(f64=float, math=math)
    if sys.version_info < (3, 10):      # int.bit_count came with 3.10
        return {}
    for method in job["methods"]:
        exec(compile(source(method), method["name"], "exec"), names)
    return names


FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 1e300, -1e300, 1e-300, 5e-324, math.inf, -math.inf, math.nan, 2.0**53, 2.0**53 + 2,
          2.0**63, -2.0**63, 2.0**64, 9.2233720368547748e18, 1e19, 0.1, 3.0, -7.0, 1e16 + 2, 4503599627370497.5]


def argument(rng, storage):
    if storage == "bool":
        return rng.random() < 0.5
    if storage in ("f64", "f32"):
        how = rng.randrange(4)
        if how == 0:
            value = rng.choice(FLOATS)
        elif how == 1:
            value = float(rng.randrange(-20, 20))
        elif how == 2:
            value = rng.uniform(-100, 100)
        else:
            value = struct.unpack("d", rng.getrandbits(64).to_bytes(8, "little"))[0]
        return ctypes.c_float(value).value if storage == "f32" else value
    low, high = RANGES[storage]
    how = rng.randrange(5)
    if how < 2:
        value = rng.randrange(-9, 10)
    elif how == 2:
        value = rng.choice([low, low + 1, high, high - 1, high // 2, high // 2 + 1])
    elif how == 3:
        value = rng.choice((1, -1)) * (1 << rng.randrange(64)) + rng.randrange(-1, 2)
    else:
        value = rng.getrandbits(rng.randrange(1, 65)) * rng.choice((1, -1))
    return value if low <= value <= high else modulo(value, low, high)


def outcome(function, args):
    try:
        return "returned", function(*args)
    except Exception as error:
        return "raised", error


def bare(value):
    """A model's value as CPython sees it."""
    if isinstance(value, tuple):
        return tuple(map(bare, value))
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def shown(how, value):
    if how == "raised":
        return "raised %s: %s" % (type(value).__name__, value)
    return "returned %r" % (value,)


def agree(module, model):
    (how, got), (model_how, wanted) = module, model
    if how != model_how:
        return False
    if how == "raised":
        return type(got) is type(wanted) and (hasattr(wanted, "ours") or isinstance(wanted, UnboundLocalError) or str(got) == str(wanted))
    return repr(got) == repr(wanted)        # type, sign of zeros, NaN


def plain_agrees(plainly, model):
    (how, got), (model_how, wanted) = plainly, model
    if how != model_how:
        return False
    if how == "raised":
        return type(got) is type(wanted)
    flat = lambda value: value if isinstance(value, tuple) else (value,)
    same = lambda a, b: a == b or a != a and b != b
    return len(flat(got)) == len(flat(wanted)) and all(map(same, flat(got), flat(wanted)))


def main():
    with open(sys.argv[1]) as file:
        job = json.load(file)
    verbose = "verbose" in sys.argv
    module = None
    if job["file"]:
        loader = importlib.machinery.ExtensionFileLoader(job["name"], job["file"])
        module = importlib.util.module_from_spec(importlib.util.spec_from_file_location(job["name"], job["file"], loader=loader))
        loader.exec_module(module)
    models, plains = modelled(job), plain(job)
    rng = random.Random(job["seed"])
    counts = {"returned": 0, "raised": 0}
    for method in job["methods"]:
        name, told = method["name"], 0
        if job.get("only") and name != job["only"]:
            continue
        for _ in range(job["inputs"]):
            args = [argument(rng, storage) for _, storage in method["params"]]
            how, value = outcome(models[name], args)
            model = how, bare(value) if how == "returned" else value
            counts[how] += 1
            if verbose:
                print("at %s%r" % (name, tuple(args)), flush=True)
            mine = outcome(getattr(module, name), args) if module else model
            found = []
            if not agree(mine, model):
                found.append("the module " + shown(*mine))
            if plains and method["plain"] and not (how == "raised" and hasattr(value, "ours")):
                plainly = outcome(plains[name], args)
                if not plain_agrees(plainly, model):
                    found.append("Python " + shown(*plainly))
            if found and told < 3:
                told += 1
                print(json.dumps({"call": "%s%r" % (name, tuple(args)), "model": shown(*model), "found": found,
                                  "method": method}), flush=True)
    print("counts", counts["returned"], counts["raised"])
    print("done")


if __name__ == "__main__":
    main()
