# Runs inside the interpreter that a module is tried on: judge.py JOB MODE...
#
# JOB is a JSON file: {"name", "file", "foreign", "doc", "methods": [{"name", "doc", "params"}], "tests": [{"call", "result" | "raises"}]}.
# Each mode says "at MODE" before it starts, so that a crash is known by its place, and "MODE: problem" for what is wrong.
# Nothing here relies on pyasmgen: modules are loaded, called and compared by CPython.

import gc
import importlib
import importlib.machinery
import importlib.util
import inspect
import json
import sys
import time


def loader_of(job):
    name, file = job["name"], job["file"]
    loader = importlib.machinery.ExtensionFileLoader(name, file)
    return loader, importlib.util.spec_from_file_location(name, file, loader=loader)


def load(job, execute=True):
    if job.get("foreign"):              # of another system's format
        import foreign_import

        assert execute
        return foreign_import.load(job["file"], job["name"])
    loader, spec = loader_of(job)
    module = importlib.util.module_from_spec(spec)
    if execute:
        sys.modules[job["name"]] = module
        loader.exec_module(module)
    return module


def names_of(job, module):
    names = {k: v for k, v in vars(module).items() if not k.startswith("__")}
    names.setdefault(job["name"].rpartition(".")[2], module)
    return names


def same(a, b):
    """Equal and of one type, all the way down; a NaN is a NaN, and zeros have signs."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, (float, complex)):
        return repr(a) == repr(b)
    return bool(a == b)


def outcome(code, names):
    try:
        return "returned", eval(code, dict(names))
    except BaseException as error:
        return "raised", error


def problem_of(test, names):
    """None, or what is wrong with the answer."""
    how, got = outcome(test["call"].strip(), names)
    if "raises" in test:
        if how == "raised" and isinstance(got, eval(test["raises"].strip(), dict(names))):
            return None
        return "%s: %s %r instead of raising %s" % (test["call"], how, got, test["raises"])
    wanted = eval(test["result"].strip(), dict(names))
    if how == "returned" and same(got, wanted):
        return None
    return "%s: %s %r instead of %r" % (test["call"], how, got, wanted)


def problems(job, module):
    names = names_of(job, module)
    return [p for p in (problem_of(test, names) for test in job["tests"]) if p]


def tests(job):
    return problems(job, load(job))


def reimport(job):
    found = []
    for _ in range(20):
        module = load(job)
        del sys.modules[job["name"]]
        gc.collect()
    first, second = load(job), load(job)
    found += problems(job, first) + problems(job, second)
    for exception in [n for n, v in vars(first).items() if isinstance(v, type) and not n.startswith("__")]:
        if getattr(first, exception) is getattr(second, exception):
            found.append("two imports share the class " + exception)
    return found


class Finder:
    """Finds the module by its name, which may be one of the standard library too."""

    def __init__(self, job):
        self.job = job

    def find_spec(self, name, path=None, target=None):
        return loader_of(self.job)[1] if name == self.job["name"] else None


def reload(job):
    sys.meta_path.insert(0, Finder(job))
    module = load(job)
    names = sorted(vars(module))
    again = importlib.reload(module)
    found = problems(job, again)
    if again is not module or sorted(vars(again)) != names:
        found.append("reload changed what the module is")
    return found


def right_or_system_error(job, names):
    """Where state is missing, a call gives its answer all the same, or SystemError."""
    found = []
    for test in job["tests"]:
        how, got = outcome(test["call"].strip(), names)
        if how == "raised" and isinstance(got, (SystemError, NameError)):
            continue                    # NameError: a constant or class that exec would have made
        try:
            problem = problem_of(test, names)
        except NameError:
            continue
        if problem:
            found.append(problem)
    return found


def before_exec(job):
    module = load(job, execute=False)
    return right_or_system_error(job, names_of(job, module))


def state_clear_of(job, module):
    """The address of the module's own function that clears its state (which the collector would call), or None."""
    import ctypes
    import struct
    import sysconfig

    definition = ctypes.pythonapi.PyModule_GetDef
    definition.restype, definition.argtypes = ctypes.c_void_p, [ctypes.py_object]
    address = definition(module)
    if address:
        free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
        return ctypes.c_void_p.from_address(address + (104 if free_threaded else 88)).value
    sys.exc_info()
    export = getattr(ctypes.CDLL(job["file"]), "PyModExport_" + job["name"].rpartition(".")[2], None)
    if export is None:
        return None
    export.restype = ctypes.c_void_p
    at = export()
    while True:
        slot, _, _, value = struct.unpack("=HHIQ", ctypes.string_at(at, 16))
        if slot == 0:
            return None
        if slot == 105:                 # Py_mod_state_clear
            return value
        at += 16


def after_clear(job):
    import ctypes

    module = load(job)
    clear = state_clear_of(job, module)
    if clear is None:
        return []
    names = names_of(job, module)
    for _ in range(2):                  # CPython may clear twice
        ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object)(clear)(module)
        found = right_or_system_error(job, names)
    # A clear of a module whose exec never ran.
    fresh = load(job, execute=False)
    ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object)(clear)(fresh)
    del sys.modules[job["name"]], module, fresh
    gc.collect()
    return found + right_or_system_error(job, names)


def crowded(job):
    """Threads that are the first to enter a module, all at once: each finds the whole of it."""
    import ctypes
    import os
    import shutil
    import tempfile
    import threading

    Py_mod_name = 100                   # PySlot: id, flags, a reserved word, value; 16 bytes
    base_name = job["name"].rpartition(".")[2]
    found, crowd = [], 4

    def enter(entry, barrier):
        barrier.wait()
        slots = entry()
        ids = [ctypes.c_uint16.from_address(slots + 16 * n).value for n in range(4)]
        name = ctypes.c_void_p.from_address(slots + 16 * ids.index(Py_mod_name) + 8).value
        said = ctypes.string_at(name).decode()
        if said.rpartition(".")[2] != base_name:
            found.append("a thread sees a module named %r" % said)

    with tempfile.TemporaryDirectory() as folder:
        for number in range(8):
            copy = shutil.copy(job["file"], os.path.join(folder, "%d.so" % number))
            entry = getattr(ctypes.CDLL(copy), "PyModExport_" + base_name)
            entry.restype = ctypes.c_void_p
            barrier = threading.Barrier(crowd)
            threads = [threading.Thread(target=enter, args=(entry, barrier)) for _ in range(crowd)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    return found


def dropped(job):
    """Functions outlive the name of their module."""
    module = load(job)
    names = names_of(job, module)
    names = {k: v for k, v in names.items() if v is not module}
    vars(module).clear()
    del sys.modules[job["name"]], module
    gc.collect()
    return [p for p in right_or_system_error(job, names)]


def descriptions(job):
    module = load(job)
    found = []
    if job["doc"] is not None and module.__doc__ != job["doc"]:
        found.append("module: __doc__ is %r" % module.__doc__)
    if module.__name__ != job["name"] or module.__file__ != job["file"]:
        found.append("module: __name__ or __file__")
    for method in job["methods"]:
        function = getattr(module, method["name"])
        if method["doc"] is not None and function.__doc__ != method["doc"]:
            found.append("%s: __doc__ is %r" % (method["name"], function.__doc__))
        try:
            parameters = inspect.signature(function).parameters
        except ValueError as error:
            found.append("%s: %s" % (method["name"], error))
            continue
        if list(parameters) != arguments(method["params"]):
            found.append("%s: parameters %s" % (method["name"], list(parameters)))
        if function.__module__ != job["name"] or function.__name__ != method["name"]:
            found.append("%s: __module__ or __name__" % method["name"])
    return found


def arguments(entries):
    """The names that a method's arguments are shown under; a nested tuple has one, made of those inside."""
    names, depth, inside = [], 0, []
    for entry in entries:
        written = entry.split("=")[0].strip()
        if written in ("/", "*"):
            continue
        depth += written.count("(")
        inside.append(written.split(":")[0].strip("() "))
        depth -= written.count(")")
        if depth == 0:
            names.append("_".join(filter(None, inside)) or "empty")
            inside = []
    return names


def references(job):
    """No call makes or loses references; debug builds count them."""
    module = load(job)
    names = names_of(job, module)
    found = []
    for test in job["tests"]:
        if "inspect" in test["call"]:
            continue                    # its parser keeps some: inspect.signature(compile) shows the same
        code = compile(test["call"].strip(), "call", "eval")

        def rounds(count, code=code):
            for _ in range(count):
                try:
                    eval(code, names)
                except BaseException:
                    pass

        start = time.monotonic()
        rounds(10)
        slow = (time.monotonic() - start) / 10
        count = max(20, min(1000, int(0.5 / max(slow, 1e-9))))
        for _ in range(2):              # what the interpreter keeps for later use, it keeps once
            gc.collect()
            before = sys.gettotalrefcount()
            rounds(count)
            gc.collect()
            change = sys.gettotalrefcount() - before
            if abs(change) <= max(5, 0.05 * count):
                break
        else:
            found.append("%s: %+d references in %d calls" % (test["call"], change, count))
    return found


def gil_stays_off(job):
    before = sys._is_gil_enabled()
    load(job)
    return ["the import switched the GIL on"] if sys._is_gil_enabled() and not before else []


SUB = """
import sys
names = {"__name__": "sub"}
with open(%(judge)r, encoding="utf-8") as file:
    exec(compile(file.read(), %(judge)r, "exec"), names)
names["inside"](%(job)r, %(answer)r)
"""


def inside(job, answer):
    """In a sub-interpreter: the tests, twice imported."""
    with open(job, encoding="utf-8") as file:
        job = json.load(file)
    found = tests(job) + tests(job)
    with open(answer, "w") as file:
        json.dump(found, file)


def subinterpreters(job_file, isolated):
    answer = job_file + ".answer"
    script = SUB % {"judge": __file__, "job": job_file, "answer": answer}
    try:
        import _interpreters as interpreters
    except ImportError:
        import _xxsubinterpreters as interpreters
    found = []
    made = []
    for _ in range(3):
        try:
            if sys.version_info >= (3, 13):
                made.append(interpreters.create("isolated" if isolated else "legacy"))
            elif sys.version_info >= (3, 10):
                made.append(interpreters.create(isolated=isolated))
            else:
                made.append(interpreters.create())
        except TypeError:
            made.append(interpreters.create())
    for one in made:
        with open(answer, "w") as file:
            file.write('["no answer"]')
        try:
            # 3.13 and later return what went wrong, earlier ones raise it.
            error = interpreters.run_string(one, script)
        except Exception as raised:
            error = raised
        if error is not None:
            found.append("sub-interpreter: %s" % (getattr(error, "formatted", None) or error))
        with open(answer) as file:
            found += json.load(file)
    for one in made:
        interpreters.destroy(one)
    return found


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    modes = {
        "tests": tests, "reimport": reimport, "reload": reload, "before_exec": before_exec, "after_clear": after_clear,
        "dropped": dropped, "crowded": crowded, "descriptions": descriptions, "references": references, "gil_stays_off": gil_stays_off,
        "legacy": lambda job: tests(job) + subinterpreters(sys.argv[1], False) + tests(job),
        "isolated": lambda job: tests(job) + subinterpreters(sys.argv[1], True) + tests(job),
    }
    for mode in sys.argv[2:]:
        print("at " + mode, flush=True)
        for problem in modes[mode](job):
            print("%s: %s" % (mode, problem), flush=True)
    print("done", flush=True)


if __name__ == "__main__":
    main()
