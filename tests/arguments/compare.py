# A module beside its twin in C: compare.py JOB MODE [verbose]
#
# JOB is a JSON file: {"name", "file", "twin", "seed", "lists", "methods": [{"name", "format", "def", "params": [{"name", "kind",
# "optional", "item"}]}]}. Arguments come from `values.py`. The modes:
#   calls        both are called with the same arguments, and must do the same: return, raise, warn, call user code, hold buffers;
#                where there is a `def`, it must take the same calls, and bind them alike
#   errors       the same with warnings that are errors
#   references   many calls leave the interpreter's total as it was, as far as the twin's do (debug builds)
#   threads      four threads call at once, each of them as one alone would
#   starved      of the memory that a call asks for, each piece in turn is refused
# Functions that others took the place of when the module was imported are tried as well.
# Prints one JSON line for each difference, one with the number of calls, then "done"; with "verbose", each call before it is made.

import ctypes
import gc
import importlib.machinery
import importlib.util
import itertools
import json
import random
import re
import struct
import sys
import threading
import warnings

import values

SHOWN = 12              # differences that are shown
DEBUG = hasattr(sys, "gettotalrefcount")
ADDRESS = re.compile(r" at 0x[0-9a-f]+")
NAMES = ["'zz'", "'X'", "'valu'", "'Values'", "'valuess'", "'groesse'", "'gro\\xdfe'", "''", "'a_rather_long_name_of_a_paramete'", "'args'", "'\\ud800'",
         "'\\xe9'", "'x\\0'", "SubStr('zz')", "''.join(['z', 'z'])"]


BASELINE = " of the baseline"
KEPT = []                               # what functions point at


class MethodDef(ctypes.Structure):
    """PyMethodDef"""
    _fields_ = [("name", ctypes.c_char_p), ("function", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p)]


def definition_of(function):
    """The PyMethodDef of a builtin function: the field behind its head."""
    return ctypes.POINTER(MethodDef).from_address(id(function) + object.__basicsize__).contents


# These take `es` in a tuple for two units, and never find the second; later ones and ours do not.
MISCOUNTS = sys.version_info < (3, 11, 7) or sys.version_info[:3] == (3, 12, 0)
ENCODED_IN_TUPLE = re.compile(r"\([^)]*e[st]")


def load(job):
    """The module's functions and the twin's by name; those that import put others in place of have another name, too."""
    loader = importlib.machinery.ExtensionFileLoader(job["name"], job["file"])
    spec = importlib.util.spec_from_file_location(job["name"], job["file"], loader=loader)
    module = importlib.util.module_from_spec(spec)
    functions = [(value, definition_of(value)) for value in vars(module).values() if isinstance(value, type(len))]
    first = {function.__name__: (MethodDef.from_buffer_copy(found), found) for function, found in functions}
    loader.exec_module(module)
    twin = ctypes.PyDLL(job["twin"])
    twin.functions.restype = ctypes.py_object
    values.NAMESPACE.update(Problem=module.Problem, SubProblem=values.sub(module.Problem))
    ctypes.c_void_p.in_dll(twin, "problem").value = id(module.Problem)
    ours, twins = dict(vars(module)), twin.functions(job["name"].encode())
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.argtypes, make.restype = [ctypes.c_void_p, ctypes.py_object, ctypes.py_object], ctypes.py_object
    if MISCOUNTS:
        job["methods"] = [method for method in job["methods"] if not ENCODED_IN_TUPLE.search(method["format"])]
    for method in list(job["methods"]):
        name = method["name"]
        before, now = first[name]
        if before.function != now.function:
            job["methods"].append(dict(method, name=name + BASELINE))
            ours[name + BASELINE], twins[name + BASELINE] = make(ctypes.byref(before), module, job["name"]), twins[name]
            KEPT.append(before)
    return ours, twins


def vectorcall(function, args, names):
    """A call that names keywords as it likes, also twice; their values are the last of `args`."""
    if sys.version_info < (3, 11):      # where it is no symbol
        import _testcapi

        return _testcapi.pyobject_vectorcall(function, args, names)
    call = ctypes.pythonapi.PyObject_Vectorcall
    call.restype = ctypes.py_object
    array = (ctypes.py_object * len(args))(*args)
    return call(ctypes.py_object(function), array, ctypes.c_size_t(len(args) - len(names)), ctypes.py_object(names))


# The units of CPython that are nearest to types without one.
NEAREST = {"i8": "b", "u8": "b", "u16": "h", "u32": "i", "u64": "n", "usize": "n", "bytes | None": "S", "str | None": "U", "Buffer | None": "z*"}


def nearest(type):
    return NEAREST.get(type) or ("w*" if type.startswith("Mut") else "y*")


def near(method, call, theirs, ours):
    """Whether what a type makes of an argument is of the kind that the nearest unit makes of it."""
    kind = lambda said: said.partition(":")[0].partition(" ")[0 if said.startswith("returned") else 2]
    pair = kind(theirs), kind(ours)
    if pair[0] == pair[1]:
        return True
    if "int" in method["params"][0]["item"]["pools"]:
        return set(pair) == {"returned", "OverflowError"}
    if call.args == ["None"] and "none" in method["params"][0]["item"]["pools"]:
        return pair[1] == "returned"
    # `w*` hides what user code raises. Items of another type, or several dimensions; what CPython calls a BufferError has its reason named.
    return "told to" in ours or pair in [("returned", "TypeError"), ("returned", "ValueError"), ("BufferError", "TypeError"), ("BufferError", "ValueError"),
                    ("TypeError", "ValueError")]


class Call:
    """Expressions for arguments and keywords; `raw` passes names as they are, also twice."""

    def __init__(self, args, names=(), values_=(), raw=False):
        self.args, self.names, self.values, self.raw = list(args), list(names), list(values_), raw

    def __str__(self):
        words = self.args + ["**{%s: %s}" % pair for pair in zip(self.names, self.values)]
        return "(%s)%s" % (", ".join(words), " by vectorcall" if self.raw else "")

    def make(self):
        """Fresh values; None where an expression has none on this version."""
        try:
            args = tuple([values.maker(one)() for one in self.args])
            names = [values.maker(one)() for one in self.names]
            given = [values.maker(one)() for one in self.values]
        except (TypeError, ValueError, AttributeError, BufferError):
            return None
        if self.raw:
            return args + tuple(given), tuple(names)
        return args, dict(zip(names, given))


def calls_of(method, rng, count):
    """Argument lists for a method: one that it takes, too few, too many, each value that there is for an only parameter, random ones."""
    params = method["params"]
    positional = [p for p in params if p["kind"] != "keyword"]
    sure = lambda some: [values.sure(p["item"], rng) for p in some]
    right = lambda some: [values.draw(p["item"], rng, 0) for p in some]
    named = params[len(positional):]
    for missing in [None] + named:
        given = [p for p in named if p is not missing]
        yield Call(sure(positional), [repr(p["name"]) for p in given], sure(given))
    for given in range(len(params) + 3):
        yield Call(right(params[:given]) + ["None"] * (given - len(params)))
    yield Call(right(params), ["'zz'"], ["1"])
    if len(params) == 1:
        only = params[0]
        for one in values.all_of(only["item"]):
            if only["kind"] != "keyword":
                yield Call([one])
            if only["kind"] != "positional":
                yield Call([], [repr(only["name"])], [one])
    plain = all(p["kind"] == "positional" for p in params)
    for _ in range(count):
        # The more parameters, the less is wrong with each.
        wrong = rng.choice([0, 0, 0.5]) / max(1, len(params))
        certain = rng.random() < 0.3
        draw = lambda some: [values.sure(p["item"], rng) if certain else values.draw(p["item"], rng, wrong) for p in some]
        if plain and rng.random() < 0.9 or len(positional) == len(params) and rng.random() < 0.2:
            required = sum(not p["optional"] for p in params)
            yield Call(draw(params[:rng.randint(required, len(params))]))
        else:
            yield with_keywords(params, len(positional), rng, draw)


def with_keywords(params, positional, rng, draw):
    """A call that gives some by position and the others by keyword, in any order; sometimes names are missing, unknown or given twice."""
    given = rng.randint(0, positional + (rng.random() < 0.1))
    args = draw(params[:min(given, positional)]) + ["1"] * (given - positional)
    named = [p for at, p in enumerate(params) if at >= given or p["kind"] == "keyword" or rng.random() < 0.05]
    named = [p for p in named if rng.random() < (0.4 if p["optional"] else 0.93)]
    named = [p for p in named if p["kind"] != "positional" or rng.random() < 0.1]
    rng.shuffle(named)
    names, more = [spelling(p["name"], rng) for p in named], draw(named)
    if rng.random() < 0.12:
        at = rng.randint(0, len(names))
        names.insert(at, rng.choice(NAMES))
        more.insert(at, "1")
    raw = rng.random() < 0.1
    if raw and names and rng.random() < 0.5:
        names.append(rng.choice(names))
        more.append("2")
    elif not raw and rng.random() < 0.02:
        names.append(rng.choice(["1", "None", "b'x'"]))
        more.append("2")
    return Call(args, names, more, raw)


def spelling(name, rng):
    """A name as callers write it, or as they make it."""
    if rng.random() < 0.7:
        return repr(name)
    return rng.choice(["''.join(%r)" % list(name), "SubStr(%r)" % name])


def describe(value, args, depth=2):
    """Which argument it is, or its type and value."""
    for at, arg in enumerate(args):
        if value is arg:
            return "argument %d" % at
    if type(value) is tuple and depth:
        return [describe(one, args, depth - 1) for one in value]
    if type(value) is float:
        return "float %s %r" % (struct.pack(">d", value).hex(), value)
    if type(value) is complex:
        return "complex %s" % struct.pack(">dd", value.real, value.imag).hex()
    return "%s %s" % (type(value).__name__, ADDRESS.sub("", repr(value)))


def tree(error):
    """Type and text, and what it was raised from."""
    said = "%s: %s" % (type(error).__name__, ADDRESS.sub("", str(error)))
    for how in ["__cause__", "__context__"]:
        other = getattr(error, how)
        if other is not None:
            said += "; %s %s: %s" % (how, type(other).__name__, ADDRESS.sub("", str(other)))
    return said


def held(value):
    """Whether somebody keeps an export of a buffer."""
    try:
        if isinstance(value, bytearray):
            value.append(1)
        elif isinstance(value, values.array.array):
            value.append(1)
        elif isinstance(value, memoryview):
            value.release()
    except BufferError:
        return True
    except (OverflowError, TypeError):
        pass
    return False


def total():
    """All references, or all blocks of memory where references are not counted."""
    del values.LOG[:]
    return sys.gettotalrefcount() if DEBUG else sys.getallocatedblocks()


def counts(objects):
    return [sys.getrefcount(one) for one in objects]


def is_shared(one):
    """One of those of which the interpreter has a single one, and uses it itself."""
    return type(one) is int and -10 < one < 1025 or type(one) in [str, bytes, tuple] and len(one) < 2


def changes(objects, before):
    """By how much counts have changed, by index; objects that everybody uses are left out."""
    pairs = enumerate(zip(counts(objects), before))
    return {at: now - then for at, (now, then) in pairs if now != then and then < 40 and not is_shared(objects[at])}


class Side:
    """How one of the two is called, and what comes of it."""

    def __init__(self, functions, caught):
        self.functions, self.caught = functions, caught

    def plainly(self, name, call, args, given):
        if call.raw:
            return vectorcall(self.functions[name], args, given)
        return self.functions[name](*args, **given)

    def outcome(self, name, call):
        made = call.make()
        if made is None:
            return None
        args, given = made
        every = args + (() if call.raw else tuple(given.values()))
        del values.LOG[:], self.caught[:]
        before = counts(every)
        try:
            result = self.plainly(name, call, args, given)
        except BaseException as error:
            said = "raised " + tree(error)
        else:
            said = "returned %s" % (describe(result, every),)
            result = None
        return {
            "said": said,
            "user code": list(values.LOG),
            "warnings": ["%s: %s" % (one.category.__name__, one.message) for one in self.caught],
            "contents": [bytes(one) for one in every if isinstance(one, (bytearray, values.array.array))],
            "buffers kept": [at for at, one in enumerate(every) if held(one)],
            "references": changes(every, before),
        }


class Run:
    def __init__(self, job, mode, caught, verbose):
        self.job, self.verbose, self.errors = job, verbose, mode == "errors"
        ours, twin = load(job)
        if mode == "starved":
            import _testcapi

            self.refuse, self.enough = _testcapi.set_nomemory, _testcapi.remove_mem_hooks
        self.ours = Side(ours, caught)
        self.twin = Side(twin, caught)
        self.count = self.returned = self.different = 0
        self.before = values.array.array("q", [0])      # a number that is no object

    def at(self, method, call):
        if self.verbose:
            print("at %s%s with %r" % (method["name"], call, method["format"]), flush=True)

    def differ(self, method, call, **found):
        self.different += 1
        if self.different <= SHOWN:
            line = {"call": "%s%s" % (method["name"], call), "format": method["format"]}
            line.update(found)
            print(json.dumps(line), flush=True)

    def lists(self, method, count):
        rng = random.Random("%s %s" % (self.job["seed"], method["name"].partition(" ")[0]))
        calls = calls_of(method, rng, count)
        # Debug builds are slow.
        return (call for call in calls if rng.random() < 0.3) if DEBUG else calls

    def calls(self):
        for method in self.job["methods"]:
            binder, nearest = self.binder(method), self.nearest(method)
            returned = self.returned
            for call in self.lists(method, self.job["lists"]):
                self.at(method, call)
                ours, twin = (side.outcome(method["name"], call) for side in [self.ours, self.twin])
                if ours is None:
                    continue
                self.count += 1
                self.returned += twin["said"].startswith("returned")
                if ours != twin:
                    different = [key for key in ours if ours[key] != twin[key]]
                    shown = lambda side: {key: repr(side[key]) for key in different}
                    self.differ(method, call, ours=shown(ours), twin=shown(twin))
                if binder:
                    self.bound(method, call, binder, ours["said"])
                if nearest and len(call.args) == 1:
                    theirs = self.twin.outcome(nearest, call)["said"]
                    if not near(method, call, theirs, ours["said"]):
                        self.differ(method, call, ours=ours["said"], nearest_unit=theirs)
            if returned == self.returned and not DEBUG and not self.errors:
                self.differ(method, "(...)", never="returned")

    def nearest(self, method):
        """The method that takes the nearest unit, where this one takes a type without one and returns what came in."""
        params = method["params"]
        if sys.version_info < (3, 10):  # where its units still call `__int__`
            return None
        if len(params) != 1 or params[0]["kind"] == "keyword" or isinstance(params[0]["item"], list) or params[0]["item"]["unit"] != "O&" or method["returns"] is not None:
            return None
        unit = nearest(params[0]["item"]["type"])
        same = (one["name"] for one in self.job["methods"] if one["format"] == unit and one["params"][0]["kind"] == "positional")
        return next(same, None)

    def binder(self, method):
        """A `def` of the same signature, where nothing but binding can fail."""
        if method["def"] is None:
            return None
        space = {}
        names = [p["name"] for p in method["params"]]
        exec("def f(%s): return %s" % (method["def"], ", ".join(names) or "None"), space)
        return Side({method["name"]: space["f"]}, self.ours.caught)

    def bound(self, method, call, binder, said):
        # A `def` takes a name that comes twice in its own way; callers in Python cannot write it.
        if len(set(call.names)) < len(call.names):
            return
        wanted = binder.outcome(method["name"], call)["said"]
        if wanted.startswith("raised") and said.startswith("raised TypeError"):
            return
        if wanted != said:
            self.differ(method, call, ours=said, like_def=wanted)

    def some(self, method):
        """A few of the lists."""
        calls = [call for call in self.lists(method, 20) if call.make()]
        return random.Random(method["format"]).sample(calls, min(len(calls), 8))

    def references(self):
        """Over many calls, ours keep no more than the twin's."""
        for method in self.job["methods"]:
            calls = self.some(method)
            self.count += len(calls)
            if self.growth(method, calls) >= 8:
                for call in calls:
                    if self.growth(method, [call]) >= 8:
                        self.differ(method, call, references="some for each call")

    def growth(self, method, calls):
        """By how much ten rounds of calls change the total, beyond what the twin's do."""
        def change(side):
            for number in range(13):
                if number == 3:
                    before = total()
                for call in calls:
                    self.at(method, call)
                    args, given = call.make()
                    try:
                        side.plainly(method["name"], call, args, given)
                    except BaseException:
                        pass
                    args = given = None
                del side.caught[:]
            return total() - before
        for _ in range(3):              # what happens only once is not a leak
            more = abs(change(self.ours) - change(self.twin))
            if more < 8:
                return 0
        return more

    def threads(self):
        """Whatever threads do at the same time, each call ends as it does alone."""
        for method in self.job["methods"]:
            calls = self.some(method)
            wanted = [self.ours.outcome(method["name"], call)["said"] for call in calls]

            def work():
                for _ in range(2):
                    for call, said in zip(calls, wanted):
                        found = self.ours.outcome(method["name"], call)["said"]
                        if found != said:
                            self.differ(method, call, said=found, wanted=said)

            self.count += 8 * len(calls)
            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def starved(self):
        """A call either ends as it does with enough memory, or in MemoryError."""
        for at, method in enumerate(self.job["methods"]):
            # Another third of them with the next seed.
            if at % 3 != self.job["seed"] % 3:
                continue
            for call in self.some(method):
                if call.raw or "MemoryError" in str(call):
                    continue
                wanted = self.ours.outcome(method["name"], call)
                # Without memory CPython itself fails where it warns or calls Python.
                if wanted["warnings"] or wanted["user code"]:
                    continue
                # Objects kept for later use, of which CPython has lists, are none that are lost. Making an ndarray loses some.
                counted = "ndarray" not in str(call)
                # A list that grows once is none either: what is lost is lost again.
                if counted and all(self.kept(method, call, wanted["said"], times) for times in (1, 200, 200)):
                    self.differ(method, call, kept="some, each time")

    def kept(self, method, call, wanted, times):
        """Starves a call so many times; whether each time left more than there was. What one time leaves, the next may use up."""
        self.before[0] = total()
        for _ in range(times):
            # All that follows is refused too: until the call ends as it should. Then one piece alone.
            self.starve(method, call, wanted, range(self.starve(method, call, wanted, range(1000), 0)), 1)
        return total() - self.before[0] >= times

    def starve(self, method, call, wanted, numbers, pieces):
        function = self.ours.functions[method["name"]]
        for number in numbers:
            self.count += 1
            args, given = call.make()
            every = args + tuple(given.values())
            before = counts(every)
            self.at(method, call)
            error = result = None
            self.refuse(number, number + 1 if pieces else 0)
            try:
                result = function(*args, **given)
            except BaseException as raised:
                self.enough()
                error = raised.with_traceback(None)
            finally:
                self.enough()
            said = "raised " + tree(error) if error else "returned %s" % (describe(result, every),)
            # Where there is no memory for a text or for a part of it, CPython may do without.
            out_of_memory = isinstance(error, MemoryError) or error is not None and wanted.startswith(said)
            error = result = None
            changed = changes(every, before)
            if changed or any(held(one) for one in every):
                self.differ(method, call, refused=number, kept=changed)
            if said == wanted and not pieces:
                return number
            if said != wanted and not out_of_memory:
                self.differ(method, call, refused=number, said=said, wanted=wanted)
                break
        return 0


def main():
    with open(sys.argv[1]) as file:
        job = json.load(file)
    mode = sys.argv[2]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("error" if mode == "errors" else "always")
        run = Run(job, mode, caught, "verbose" in sys.argv)
        {"calls": run.calls, "errors": run.calls, "references": run.references, "threads": run.threads,
         "starved": run.starved}[mode]()
    baseline = sum(method["name"].endswith(BASELINE) for method in job["methods"])
    print(json.dumps({"calls": run.count, "returned": run.returned, "different": run.different, "baseline": baseline}))
    print("done", flush=True)


main()
