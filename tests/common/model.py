# The body language in Python, for comparison: model.py JOB [verbose]
#
# JOB is what `contract.rs` makes of a checked spec, and {"file", "seed", "inputs", "steps"}: the built module, how many calls of each
# method are compared, and how many steps a call may take (one that takes more in the model is left out).
# Every body is run three times on the same arguments: by the module; by this model, which is the body's text with each operation
# replaced by one that knows the contract's types and ranges; and, as it stands, by Python. The module must do what the model does (value and
# type, or exception); where the model gives an answer, Python must give it too, which keeps the model honest.
# Prints one JSON line for each difference, one with the numbers of what was compared, then "done".

import __future__
import array
import ast
import builtins
import ctypes
import json
import math
import random
import signal
import struct
import sys

import loading


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


# Names of types that are others here.
ALIASES = {"isize": "i64", "usize": "u64", "int": "i64", "float": "f64", "Buffer": "Buffer[u8]", "MutBuffer": "MutBuffer[u8]"}


# For all calls of a method; more means that one does not end.
MINUTES = 3


class Skip(BaseException):
    """A call that takes too long to be compared."""


class Steps:
    """Counts rounds of loops and calls."""

    def __init__(self):
        self.left = 0

    def __call__(self):
        self.left -= 1
        if self.left < 0:
            raise Skip


def ours(error):
    """An error whose text is pyasmgen's: only its type is compared."""
    error.ours = True
    return error


def overflow(what):
    return ours(OverflowError(what))


def no_fit(op, kind):
    """The text is in the contract."""
    error = overflow("result of %r does not fit in %s" % (op, kind.text))
    error.text_is_known = True
    return error


def none_is_nothing(storage):
    return ours(TypeError("None is no " + storage))


def item(view, value):
    """An item as the body gets it."""
    storage = item_storage(view)
    return class_of(storage)(value) if storage[0] in "iu" else value


def item_storage(view):
    """The type of a view's items."""
    if not isinstance(view, memoryview):
        return "u8"
    letter = view.format[-1]
    if letter in "fd?":
        return {"f": "f32", "d": "f64", "?": "bool"}[letter]
    return ("u" if letter.isupper() else "i") + str(8 * view.itemsize)


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
        raise no_fit(op, kind)

    def argument(self, param, value):
        """What a caller's object becomes."""
        convert, storage = param["convert"], param["range"]
        if convert == "object":
            return value
        if convert in ("bytes", "str", "complex", "buffer", "items"):
            return self.view_argument(convert, storage, value)
        if convert == "truth":
            return bool(value)
        if not isinstance(value, (int, float) if convert == "float" else int):
            raise ours(TypeError("no " + storage))
        if convert == "float":
            return self.store(storage, float(value))
        low, high = RANGES[storage]
        if convert == "modulo":
            value = modulo(value, low, high)
        if not low <= value <= high:
            raise overflow("value does not fit in " + storage)
        return class_of(param["storage"])(value)

    def view_argument(self, convert, storage, value):
        if value is None and storage.endswith(" | None"):
            return None
        if convert == "complex" and isinstance(value, (int, float)):
            value = complex(value)
        if convert in ("bytes", "str", "complex"):
            if not isinstance(value, {"bytes": bytes, "str": str, "complex": complex}[convert]):
                raise ours(TypeError("no " + storage))
            return value
        try:
            view = memoryview(value)
        except TypeError:
            raise ours(TypeError("no " + storage))
        if not view.c_contiguous or storage.startswith("Mut") and view.readonly:
            raise ours(TypeError("no " + storage))
        if convert == "buffer":
            view = view.cast("B")
        elif item_storage(view) != storage.split("[")[1].split("]")[0]:
            raise ours(TypeError("no " + storage))
        return view if storage.startswith("Mut") else view.toreadonly()

    def store_items(self, storages, values):
        """The items of a tuple brought into declared things, or undeclared ones."""
        return tuple(self.store(s, v) if s else self.local(v) for s, v in zip(storages, values))

    def store_shape(self, shape, value):
        """A result with others in it, each brought into its type."""
        return shaped(shape, lambda storage, value: self.store(storage, value), value)

    def store(self, storage, value):
        """A value brought into a declared thing."""
        if storage == "object":
            return value
        if value is None and storage.endswith(" | None"):
            return None
        if storage[0] in "BM":
            if value is None:
                raise none_is_nothing(storage)
            view = memoryview(value)
            return view if storage[0] == "M" else view.toreadonly()
        if storage[0] not in "iufb" or storage.startswith("by"):
            if value is None:
                raise none_is_nothing(storage)
            return value
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

    def index(self, view, at):
        return item(view, view[number(at)])

    def slice(self, view, start, stop):
        return view[start if start is None else int(start):stop if stop is None else int(stop)]

    def put(self, value, view, at):
        """`view[at] = value`"""
        at = number(at)
        if isinstance(view, memoryview):
            view[at]
            value = self.store(item_storage(view), value)
        elif view is not None:
            value = modulo(int(value), 0, 255) if self.wrap else int(value)
            bytearray([value])      # Before 3.11 the index is looked at first.
        view[at] = value

    def items(self, view):
        for value in view:
            yield item(view, value)

    def enumerate(self, view):
        for at, value in enumerate(self.items(view)):
            yield I64(at), value

    def len(self, view):
        return I64(len(view))

    def comparand(self, value):
        """Views of bytes compare as bytes do."""
        return bytes(value) if isinstance(value, memoryview) and value.format == "B" else value

    def decode(self, view, *codec):
        return self.comparand(view).decode(*codec)

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
            raise no_fit("<<", kind)
        return self.fit(kind, a << count if a else 0, op)

    def power(self, a, b):
        kind = U64 if isinstance(a, U64) else I64
        a, b = int(a), int(b)
        if b < 0:
            raise ours(ZeroDivisionError("0 ** negative") if a == 0 else ValueError("negative exponent"))
        if self.wrap:
            return self.fit(kind, pow(a, b, 2**64), "**")
        if abs(a) > 1 and b > 64:
            raise no_fit("**", kind)
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
        kind = U64 if mask == 2**64 - 1 else I64
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
TYPES = ("i8", "i16", "i32", "i64", "isize", "u8", "u16", "u32", "u64", "usize", "f32", "f64", "int", "float", "bool")


def shift_left(a, count):
    """Exact modulo any mask of 64 bits, and of a size that can be computed."""
    return a << count if count < 64 else 0


def storage_of(annotation):
    text = ast.unparse(annotation)
    return ALIASES.get(text, text)


def shape_of(node):
    """What a result is: None, a type, or a container and what is in it."""
    if isinstance(node, ast.Constant):
        return None
    kind = node.value.id if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) else None
    if kind not in ("tuple", "list", "dict"):
        return storage_of(node)
    items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if kind == "dict":
        return kind, tuple((shape_of(item.lower), shape_of(item.upper)) for item in items)
    return kind, tuple(map(shape_of, items))


def shape_text(shape, results):
    """As an annotation; `shape` as in a job, `results` in order."""
    if shape in (None, "one"):
        return next(results) if shape else "None"
    kind, items = shape
    if kind == "dict":
        texts = ["%s: %s" % (shape_text(key, results), shape_text(value, results)) for key, value in items]
    else:
        texts = [shape_text(item, results) for item in items]
    return "%s[%s]" % (kind, ", ".join(texts) or "()")


def shaped(shape, leaf, *values):
    """A result with `leaf` of each type and the values there; containers of another kind or size are left as they are."""
    if isinstance(shape, str) or shape is None:
        return leaf(shape, *values)
    kind, items = shape
    if any(type(value).__name__ != kind or len(value) != len(items) for value in values):
        return leaf("", *values)
    if kind == "dict":
        pairs = zip(items, *(value.items() for value in values))
        return dict((shaped(s[0], leaf, *(k for k, _ in kv)), shaped(s[1], leaf, *(v for _, v in kv))) for s, *kv in pairs)
    made = [shaped(s, leaf, *inner) for s, *inner in zip(items, *values)]
    return made if kind == "list" else tuple(made)


class Signature:
    """Types of parameters and results, as a `def` has them."""

    def __init__(self, node):
        args = node.args
        self.places = [storage_of(arg.annotation) for arg in args.posonlyargs + args.args]
        self.names = {arg.arg: storage_of(arg.annotation) for arg in args.posonlyargs + args.args + args.kwonlyargs}
        returns = node.returns
        self.shape = shape_of(returns)


class Rewrite(ast.NodeTransformer):
    """Replaces operations by calls of the model `_m`."""

    def __init__(self, constants, signatures, signature=None):
        self.constants = constants
        self.signatures = signatures
        self.signature = signature
        self.declared = dict(signature.names) if signature else {}

    def call(self, name, *args):
        function = ast.Attribute(ast.Name("_m", ast.Load()), name, ast.Load())
        return ast.Call(function, [a if isinstance(a, ast.AST) else ast.Constant(a) for a in args], [])

    def visit_FunctionDef(self, node):
        signature = Signature(node)
        defs = [inner for inner in node.body if isinstance(inner, ast.FunctionDef)]
        inner = Rewrite(self.constants, dict(self.signatures, **{d.name: Signature(d) for d in defs}), signature)
        args = node.args
        places = signature.places[len(signature.places) - len(args.defaults):]
        args.defaults = [self.call("store", storage, self.visit(value)) for storage, value in zip(places, args.defaults)]
        for at, (arg, value) in enumerate(zip(args.kwonlyargs, args.kw_defaults)):
            if value is not None:
                args.kw_defaults[at] = self.call("store", storage_of(arg.annotation), self.visit(value))
        for arg in args.posonlyargs + args.args + args.kwonlyargs:
            arg.annotation = None
        node.returns = None
        ast.NodeTransformer.generic_visit(inner, ast.Module(node.body, []))
        node.body = inner.counted(node.body)
        return node

    def counted(self, body):
        return [ast.Expr(ast.Call(ast.Name("_step", ast.Load()), [], []))] + body

    def visit_While(self, node):
        self.generic_visit(node)
        node.body = self.counted(node.body)
        return node

    def visit_For(self, node):
        node.iter = self.visit(node.iter)
        function = getattr(node.iter.func, "attr", None) if isinstance(node.iter, ast.Call) else None
        if function not in ("range", "enumerate"):
            node.iter = self.call("items", node.iter)
        node.body = [inner for statement in node.body for inner in flat(self.visit(statement))]
        node.orelse = [inner for statement in node.orelse for inner in flat(self.visit(statement))]
        targets = node.target.elts if isinstance(node.target, ast.Tuple) else [node.target]
        stores = [ast.Assign([target], self.stored(target, ast.Name(target.id, ast.Load()))) for target in targets]
        node.body = self.counted(stores + node.body)
        return node

    def visit_Subscript(self, node):
        view, at = self.visit(node.value), node.slice
        if isinstance(at, ast.Slice):
            bounds = [ast.Constant(None) if bound is None else self.visit(bound) for bound in (at.lower, at.upper)]
            return self.call("slice", view, *bounds)
        return self.call("index", view, self.visit(at))

    def visit_Compare(self, node):
        operands = [self.call("comparand", self.visit(value)) for value in [node.left] + node.comparators]
        return ast.Compare(operands[0], node.ops, operands[1:])

    def visit_Constant(self, node):
        if type(node.value) is int:
            return ast.Call(ast.Name("_Literal", ast.Load()), [node], [])
        return node

    def visit_FormattedValue(self, node):
        node.value = self.visit(node.value)
        return node

    def constant(self, node, bounded):
        """The value of an expression of constants; `bounded` if all that comes up on the way must fit in 64 bits."""
        value = None
        if isinstance(node, ast.Constant) and type(node.value) is int:
            value = node.value
        elif isinstance(node, ast.Name) and type(self.constants.get(node.id)) is int and node.id not in self.declared:
            value = self.constants[node.id]
        elif isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
            value = self.constant(node.operand, bounded)
            if value is not None:
                value = {"-": -value, "~": ~value, "+": value}[SYMBOLS[type(node.op)]]
        elif isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Div):
            left, right = self.constant(node.left, bounded), self.constant(node.right, bounded)
            if left is None or right is None or isinstance(node.op, (ast.LShift, ast.RShift, ast.Pow)) and not 0 <= right <= 127:
                return None
            if isinstance(node.op, (ast.FloorDiv, ast.Mod)) and right == 0:
                return None
            value = OPERATORS[SYMBOLS[type(node.op)]](left, right)
        if value is not None and bounded and not I64.low <= value <= U64.high:
            return None
        return value

    def mask_of(self, node):
        value = self.constant(node, False)
        return value if value is not None and 0 <= value < 2**64 and value & (value + 1) == 0 else None

    def visit_BinOp(self, node):
        folded = self.constant(node, True)
        if folded is not None:
            return ast.Call(ast.Name("_Literal", ast.Load()), [ast.Constant(folded)], [])
        value, mask = node.left, node.right
        if self.mask_of(mask) is None:
            value, mask = mask, value
        if isinstance(node.op, ast.BitAnd) and self.mask_of(mask) is not None:
            leaves = []
            exact = self.exact(value, leaves)
            # The leaves are evaluated once, in order, inside `exact`; they also say the type.
            kinds = ast.List([ast.Name(name, ast.Load()) for name in leaves], ast.Load())
            evaluated = ast.NamedExpr(ast.Name("_e", ast.Store()), exact)
            result = self.call("masked", kinds, ast.Name("_e", ast.Load()), self.mask_of(mask))
            return ast.Subscript(ast.Tuple([evaluated, result], ast.Load()), ast.Constant(1), ast.Load())
        if isinstance(node.op, ast.Pow) and isinstance(node.right, ast.UnaryOp) and isinstance(node.right.operand, ast.Constant):
            return self.call("negative_power", self.visit(node.left), -node.right.operand.value)
        return self.call("binary", SYMBOLS[type(node.op)], self.visit(node.left), self.visit(node.right))

    leaf = 0

    def exact(self, node, leaves):
        """Arithmetic without bounds; what is not maskable is a leaf, kept in a variable of its own."""
        constant = self.constant(node, False)
        if constant is not None:
            return ast.Constant(constant)
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
        folded = self.constant(node, True)
        if folded is not None:
            return ast.Call(ast.Name("_Literal", ast.Load()), [ast.Constant(folded)], [])
        return self.call("unary", SYMBOLS[type(node.op)], self.visit(node.operand))

    def visit_Call(self, node):
        function = node.func
        if isinstance(function, ast.Name) and function.id in self.signatures:
            signature = self.signatures[function.id]
            node.args = [self.call("store", storage, self.visit(a)) for storage, a in zip(signature.places, node.args)]
            for keyword in node.keywords:
                keyword.value = self.call("store", signature.names[keyword.arg], self.visit(keyword.value))
            return node
        args = [self.visit(a) for a in node.args]
        if isinstance(function, ast.Name):
            if function.id in TYPES:
                return self.call("convert", function.id, *args)
            if function.id in ("abs", "divmod", "pow", "round", "range", "len", "enumerate"):
                return self.call(function.id, *args)
            return ast.Call(function, args, [])
        owner = function.value
        if isinstance(owner, ast.Name) and owner.id == "math":
            return self.call("math", function.attr, *args)
        if isinstance(owner, ast.Name) and owner.id in TYPES:
            return self.call("bits", ALIASES.get(owner.id, owner.id), function.attr, *args)
        if function.attr == "decode":
            return self.call("decode", self.visit(owner), *args)
        if function.attr == "encode":
            return ast.Call(ast.Attribute(self.visit(owner), "encode", ast.Load()), args, [])
        return self.call("method", function.attr, self.visit(owner))

    def stored(self, target, value):
        if isinstance(target, ast.Name) and target.id in self.declared:
            return self.call("store", self.declared[target.id], value)
        return self.call("local", value)

    def visit_AnnAssign(self, node):
        self.declared[node.target.id] = storage_of(node.annotation)
        if node.value is None:
            return ast.Pass()
        return ast.Assign([node.target], self.stored(node.target, self.visit(node.value)))

    def visit_Assign(self, node):
        target, value = node.targets[0], node.value
        if len(node.targets) > 1:
            kept = ast.Name("_value", ast.Load())
            first = ast.Assign([ast.Name("_value", ast.Store())], self.visit(value))
            return [first] + [self.assigned(t, kept) for t in node.targets]
        if not isinstance(target, ast.Tuple):
            return self.assigned(target, self.visit(value))
        if not all(isinstance(t, ast.Name) for t in target.elts):
            first = ast.Assign([ast.Name("_values", ast.Store())], self.visit(value))
            return [first] + self.unpacked(target, ast.Name("_values", ast.Load()))
        if isinstance(value, ast.Tuple):
            items = [self.stored(t, self.visit(v)) for t, v in zip(target.elts, value.elts)]
            return ast.Assign(node.targets, ast.Tuple(items, ast.Load()))
        storages = ast.List([ast.Constant(self.declared.get(t.id)) for t in target.elts], ast.Load())
        return ast.Assign(node.targets, self.call("store_items", storages, self.visit(value)))

    def unpacked(self, target, value):
        statements = []
        for at, inner in enumerate(target.elts):
            kept = ast.Subscript(value, ast.Constant(at), ast.Load())
            statements += self.unpacked(inner, kept) if isinstance(inner, ast.Tuple) else [self.assigned(inner, kept)]
        return statements

    def assigned(self, target, value):
        """An assignment of a value that is rewritten already."""
        if isinstance(target, ast.Subscript):
            return ast.Expr(self.call("put", value, self.visit(target.value), self.visit(target.slice)))
        return ast.Assign([target], self.stored(target, value))

    def visit_AugAssign(self, node):
        if isinstance(node.target, ast.Subscript):
            names = [ast.Name("_view", ast.Load()), ast.Name("_at", ast.Load())]
            parts = [self.visit(node.target.value), self.visit(node.target.slice)]
            before = [ast.Assign([ast.Name(name.id, ast.Store())], part) for name, part in zip(names, parts)]
            operation = self.visit(ast.BinOp(ast.Subscript(*names, ast.Load()), node.op, node.value))
            return before + [ast.Expr(self.call("put", operation, *names))]
        load = ast.Name(node.target.id, ast.Load())
        operation = self.visit(ast.BinOp(load, node.op, node.value))
        return ast.Assign([node.target], self.stored(node.target, operation))

    def visit_Return(self, node):
        shape = self.signature.shape
        if shape is None:
            return self.generic_visit(node)
        return ast.Return(self.result(shape, node.value))

    def result(self, shape, node):
        """Literals are taken apart, for their types come from the result."""
        if isinstance(shape, str):
            return self.call("store", shape, self.visit(node))
        kind, items = shape
        if kind == "dict" and isinstance(node, ast.Dict):
            pairs = list(zip(items, node.keys, node.values))
            return ast.Dict([self.result(s[0], k) for s, k, _ in pairs], [self.result(s[1], v) for s, _, v in pairs])
        if kind != "dict" and isinstance(node, (ast.Tuple, ast.List)):
            return type(node)([self.result(s, v) for s, v in zip(items, node.elts)], ast.Load())
        return self.call("store_shape", shape, self.visit(node))


def flat(statements):
    return statements if isinstance(statements, list) else [statements]


def maskable(node):
    if isinstance(node, ast.UnaryOp):
        return not isinstance(node.op, ast.Not)
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
    """The body as a function of Python."""
    params, before = [], None
    for param in method["params"]:
        if before == "positional" and param["kind"] != before:
            params.append("/")
        if param["kind"] == "keyword" and before != "keyword":
            params.append("*")
        before = param["kind"]
        default = "" if param["default"] is None else " = " + param["default"]
        params.append("%s: %s%s" % (param["name"], param["storage"], default))
    if before == "positional":
        params.append("/")
    returns = shape_text(method["shape"], iter(method["returns"]))
    body = "".join("    " + line + "\n" for line in method["body"].splitlines())
    return "def %s(%s) -> %s:\n%s" % (method["name"], ", ".join(params), returns, body)


def module_names(job):
    """What the module itself adds: constants, and exception classes."""
    names = {name: eval(text) for name, text in job["constants"]}
    for name, base in job["exceptions"]:
        names[name] = type(name, (names[base] if base in names else getattr(builtins, base),), {})
    return names


def modelled(job, step):
    """Each method as the contract means it; called by name, with arguments that were brought into their types."""
    constants = module_names(job)
    trees = [ast.parse(source(method)) for method in job["methods"]]
    signatures = {tree.body[0].name: Signature(tree.body[0]) for tree in trees}
    for method in job["methods"]:
        method["result"] = signatures[method["name"]].shape
    functions = {}
    everywhere = {name: Literal(value) if type(value) is int else value for name, value in constants.items()}
    everywhere.update(_Literal=Literal, _int=int, _shift_left=shift_left, _step=step, min=min, max=max, __builtins__=builtins)
    for method, tree in zip(job["methods"], trees):
        rewritten = ast.fix_missing_locations(Rewrite(constants, signatures).visit(tree))
        names = dict(everywhere, _m=Model(method["wrap"]))
        exec(compile(rewritten, method["name"], "exec"), names)
        functions[method["name"]] = names[method["name"]]
    for function in functions.values():
        function.__globals__.update(functions)
    return functions


def plain(job):
    """Each method as Python reads it."""
    names = {name: Width(ALIASES.get(name, name)) for name in TYPES if name[0] in "iu" and name != "int"}
    names.update(f32=float, f64=float, math=math, **module_names(job))
    for method in job["methods"]:
        # Annotations mean nothing to Python.
        exec(compile(source(method), method["name"], "exec", __future__.annotations.compiler_flag), names)
    return names


FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 1e300, -1e300, 1e-300, 5e-324, math.inf, -math.inf, math.nan, 2.0**53, 2.0**53 + 2,
          2.0**63, -2.0**63, 2.0**64, 9.2233720368547748e18, 1e19, 0.1, 3.0, -7.0, 1e16 + 2, 4503599627370497.5]
OBJECTS = [None, None, True, False, 0, -1, 10**30, 1.5, "", "text", b"", (), (1, 2), [], [3], {}, len, object(), Ellipsis, ValueError]
ODD = [None, "1", 2**63, -2**63 - 1, 2**64, 2**64 + 5, -2**100, 10**400, 1.0, math.nan, b"1", True, [], 1j]


def view_argument(rng, storage, convert):
    """A right argument for something that is no number."""
    if storage.endswith(" | None") and rng.random() < 0.3:
        return None
    content = bytes(rng.choice([0, 1, 97, 98, 99, 127, 128, 255, rng.randrange(256)]) for _ in range(max(0, rng.randrange(-1, 12))))
    if convert == "bytes":
        return content
    if convert == "str":
        return rng.choice([content.decode("latin-1"), "text", "a", "", "\u20ac\U0001f600" * rng.randrange(3)])
    if convert == "complex":
        return complex(rng.choice(FLOATS), rng.choice(FLOATS))
    if convert == "buffer":
        kinds = [bytearray] if storage.startswith("Mut") else [bytes, bytearray, memoryview]
        return rng.choice(kinds + [lambda content: array.array("B", content)])(content)
    name = storage.split("[")[1].split("]")[0]
    if name == "bool":
        return memoryview(bytearray(byte & 1 for byte in content)).cast("?")
    letter = {"i8": "b", "i16": "h", "i32": "i", "i64": "q", "u8": "B", "u16": "H", "u32": "I", "u64": "Q", "f32": "f", "f64": "d"}[name]
    return array.array(letter, [argument(rng, name, rng.random() < 0.5) for _ in range(rng.randrange(-1, 9))])


def fresh(value, convert):
    """The same argument once more, where calls can change it."""
    if convert not in ("buffer", "items"):
        return value
    if isinstance(value, memoryview) and not value.readonly:
        return memoryview(bytearray(value.cast("B"))).cast(value.format)
    return value[:] if isinstance(value, (bytearray, array.array)) else value


def contents(places, keywords):
    """What calls may have changed."""
    values = list(places) + [keywords[name] for name in sorted(keywords)]
    return [bytes(value) for value in values if isinstance(value, (bytearray, array.array, memoryview))]


def argument(rng, storage, calm):
    if storage == "object":
        return rng.choice(OBJECTS)
    if storage == "bool":
        return rng.random() < 0.5
    if calm:
        low = RANGES.get(storage, (-1, 0))[0]
        value = rng.randrange(-30 if low else 0, 100)
        return value / 4 if storage in ("f64", "f32") else value
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


def call_of(rng, params, reach):
    """Arguments for a call: by position, by keyword in any order, or left out, as the parameters allow; integers of `reach` bits."""
    calm = rng.random() < 0.6
    places, keywords, by_place = [], [], True
    for param in params:
        optional = param["default"] is not None
        by_place = by_place and param["kind"] != "keyword"
        if optional and rng.random() < 0.25 or not by_place and param["kind"] == "positional":
            by_place = False
            continue
        if param["kind"] == "either" and rng.random() < 0.25:
            by_place = False
        if param["convert"] in ("bytes", "str", "complex", "buffer", "items"):
            value = view_argument(rng, param["range"], param["convert"])
        else:
            value = argument(rng, param["range"], calm)
        if type(value) is int and param["convert"] != "object" and abs(value) >> reach:
            value = abs(value) % (1 << reach) * (1 if value > 0 else -1)
        if rng.random() < 0.02:
            value = rng.choice(ODD)
        if by_place:
            places.append(value)
        else:
            keywords.append((param["name"], value))
    rng.shuffle(keywords)
    return places, dict(keywords)


def converted(model, params, places, keywords):
    """The arguments as the body gets them; the order is that of the parameters."""
    given = dict(zip((param["name"] for param in params), places), **keywords)
    values = {p["name"]: model.argument(p, given[p["name"]]) for p in params if p["name"] in given}
    return [values[param["name"]] for param, _ in zip(params, places)], {name: values[name] for name in keywords}


def outcome(function, places, keywords):
    try:
        return "returned", function(*places, **keywords)
    except Exception as error:
        return "raised", error


def number(value):
    """A model's value as CPython sees it."""
    return int(value) if isinstance(value, (I64, U64, Literal)) else value


def bare(method, value):
    """A model's result as CPython sees it: a view as bytes; objects are left alone."""
    def one(value):
        return bytes(value) if isinstance(value, memoryview) else number(value)
    return shaped(method["result"], lambda _, value: one(value), value)


def shown(how, value):
    if how == "raised":
        return "raised %s: %s" % (type(value).__name__, value)
    return "returned %r" % (value,)


def ancestors(error):
    return [cls.__name__ for cls in type(error).__mro__]


def texts_differ(error):
    """Its text is pyasmgen's, not CPython's."""
    return hasattr(error, "ours") and not hasattr(error, "text_is_known") or isinstance(error, UnboundLocalError)


def identical(storage, got, wanted):
    """Type, sign of zeros and NaN are compared too; objects are the very same, but for those that are made."""
    if storage == "object" and not isinstance(wanted, (int, float, complex, bytes, bytearray, str)):
        return got is wanted
    return type(got) is type(wanted) and repr(got) == repr(wanted)


def equal(storage, got, wanted):
    """As numbers; plain Python does not round to 32 bits."""
    if storage == "object" and not isinstance(wanted, (int, float, complex, bytes, bytearray, str)):
        return got is wanted
    if isinstance(got, memoryview):
        got = bytes(got)
    if isinstance(got, complex):
        return repr(got) == repr(wanted)
    got = ctypes.c_float(got).value if storage == "f32" else got
    return got == wanted or got != got and wanted != wanted


def same(method, got, wanted, test):
    wrong = []

    def leaf(storage, got, wanted):
        if not test(storage or "object", got, wanted):
            wrong.append(got)
    shaped(method["result"], leaf, got, wanted)
    return not wrong


def agree(method, module, model):
    (how, got), (model_how, wanted) = module, model
    if how != model_how:
        return False
    if how == "raised":
        if texts_differ(wanted):
            return type(got) is type(wanted)
        return ancestors(got) == ancestors(wanted) and repr(got.args) == repr(wanted.args)
    return same(method, got, wanted, identical)


def plain_agrees(method, plainly, model):
    (how, got), (model_how, wanted) = plainly, model
    if how != model_how:
        return False
    if how == "raised":
        if isinstance(wanted, ValueError) and isinstance(got, IndexError) and "byte must be" in str(wanted):
            return sys.version_info < (3, 11)
        # Which kind of view a name has, Python finds out when it is used.
        texts = isinstance(wanted, (UnboundLocalError, OverflowError, IndexError)) or str(got) == str(wanted)
        return ancestors(got) == ancestors(wanted) and texts
    return same(method, got, wanted, equal)


class Comparison:
    """The methods of a job, and what was found."""

    def __init__(self, job, verbose):
        self.job, self.verbose = job, verbose
        self.step = Steps()
        self.models, self.plains = modelled(job, self.step), plain(job)
        self.module = None
        if job["file"]:
            self.module = loading.load(job["name"], job["file"])

    def method(self, method, rng):
        """Compares until there is enough; gives how many were compared, returned, were compared with plain Python."""
        name, params = method["name"], method["params"]
        if hasattr(signal, "alarm"):
            signal.alarm(MINUTES * 60)      # Ends the process: compiled loops listen to nothing else.
        counts, told, reach = [0, 0, 0], 0, 64
        wanted = self.job["inputs"] if params else 1
        for attempt in range(4 * wanted):
            if counts[0] == wanted:
                break
            call = call_of(rng, params, reach)
            try:
                found, model, plainly = self.compare(method, *call)
            except Skip:
                reach = max(3, reach - 1)
                continue
            if reach < 64 and attempt % 32 == 0:
                reach += 1
            counts = [counts[0] + 1, counts[1] + (model[0] == "returned"), counts[2] + plainly]
            if found and told < 3:
                told += 1
                print(json.dumps({"call": written(name, *call), "model": shown(*model), "found": found, "method": method}), flush=True)
        return counts

    def compare(self, method, places, keywords):
        name = method["name"]
        converts = {param["name"]: param["convert"] for param in method["params"]}

        def again():
            return ([fresh(value, param["convert"]) for param, value in zip(method["params"], places)],
                    {key: fresh(value, converts[key]) for key, value in keywords.items()})
        given = again()
        self.step.left = self.job["steps"]
        model = Model(method["wrap"])
        how, inner = outcome(lambda: converted(model, method["params"], *given), [], {})
        if how == "returned":
            how, value = outcome(self.models[name], *inner)
        else:
            value, inner = inner, None
        value = bare(method, value) if how == "returned" else value
        if self.verbose:
            print("at " + written(name, places, keywords), flush=True)
        found = []
        if self.module:
            arguments = again()
            mine = outcome(getattr(self.module, name), *arguments)
            if not agree(method, mine, (how, value)):
                found.append("the module " + shown(*mine))
            elif contents(*arguments) != contents(*given):
                found.append("the module left %r, the model %r" % (contents(*arguments), contents(*given)))
        if inner is None or not method["plain"] or how == "raised" and hasattr(value, "ours"):
            return found, (how, value), False
        arguments = again()
        inner = converted(model, method["params"], *arguments)
        inner = [number(v) for v in inner[0]], {key: number(v) for key, v in inner[1].items()}
        plainly = outcome(self.plains[name], *inner)
        if sys.version_info < (3, 10) and "bit_count" in str(plainly[1]):
            return found, (how, value), False       # int.bit_count came with 3.10
        if not plain_agrees(method, plainly, (how, value)):
            found.append("Python " + shown(*plainly))
        elif contents(*arguments) != contents(*given):
            found.append("Python left %r, the model %r" % (contents(*arguments), contents(*given)))
        return found, (how, value), True

    def constants(self):
        """Attributes of the module that are not what the spec says."""
        for name, text in self.job["constants"]:
            mine, wanted = getattr(self.module, name, None), eval(text)
            if type(mine) is not type(wanted) or repr(mine) != repr(wanted):
                yield {"call": name, "model": repr(wanted), "found": ["the module has %r" % (mine,)], "method": {}}


def written(name, places, keywords):
    return "%s(%s)" % (name, ", ".join([repr(v) for v in places] + ["%s=%r" % item for item in keywords.items()]))


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    # Calls end by the number of their steps, not by their depth.
    sys.setrecursionlimit(20 * job["steps"] + 1000)
    comparison = Comparison(job, "verbose" in sys.argv)
    rng = random.Random(job["seed"])
    if comparison.module:
        for difference in comparison.constants():
            print(json.dumps(difference), flush=True)
    compared = {method["name"]: comparison.method(method, rng) for method in job["methods"]
                if job.get("only") in (None, method["name"])}
    print(json.dumps({"compared": compared}))
    print("done")


if __name__ == "__main__":
    main()
