# Runs inside the interpreter that a module is tried on. In comes a job (a JSON file), out go lines of JSON on the stdout we were
# started with; what the calls themselves print goes to stderr. What is expected, and what came, is compared here, by CPython.
#
# job: {"module", "file", "mode": "test" | "run", "tests": [{"call", "result" | "raises"}], "expression"}

import sys

if sys.path and sys.path[0] == "":      # `-c` puts the current folder first, and a json.py there is not ours
    del sys.path[0]

import importlib.machinery
import importlib.util
import json
import os
import platform
import traceback


def load(name, file):
    loader = importlib.machinery.ExtensionFileLoader(name, file)
    spec = importlib.util.spec_from_file_location(name, file, loader=loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)
    names = {k: v for k, v in vars(module).items() if not (k.startswith("__") and k.endswith("__"))}
    names.setdefault(name.rpartition(".")[2], module)
    return names


def said(error):
    return "".join(traceback.format_exception_only(type(error), error)).rstrip().splitlines()[-1]


def same(a, b):
    """Equal and of one type, all the way down; a NaN is a NaN, and zeros have signs."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, (float, complex)):
        return repr(a) == repr(b)
    return bool(a == b)


def shown(value):
    try:
        return repr(value)
    except Exception as error:
        return "<%s whose repr raised %s>" % (type(value).__name__, said(error))


def attempt(test, names):
    """None, or what is wrong."""
    try:
        got = eval(test["call"].strip(), dict(names))
    except BaseException as error:
        if "raises" not in test:
            return "raised " + said(error)
        if isinstance(error, eval(test["raises"].strip(), dict(names))):
            return None
        return "expected %s, raised %s" % (test["raises"], said(error))
    if "raises" in test:
        return "expected %s, got %s" % (test["raises"], shown(got))
    wanted = eval(test["result"].strip(), dict(names))
    return None if same(got, wanted) else "expected %s, got %s" % (shown(wanted), shown(got))


def test(job, names, tell):
    for one in job["tests"]:
        try:
            problem = attempt(one, names)
        except BaseException as error:
            problem = "what the test expects cannot be evaluated: " + said(error)
        tell({"problem": problem})


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    open(sys.argv[1] + ".read", "w").close()        # a sign that this is an interpreter
    if job["mode"] == "run":
        try:
            value = eval(job["expression"].strip(), load(job["module"], job["file"]))
            print(repr(value), flush=True)
        except BaseException as error:
            print(said(error), file=sys.stderr)
            sys.exit(1)
        return
    with os.fdopen(os.dup(1), "w", encoding="ascii") as wire:
        os.dup2(2, 1)

        def tell(message):
            wire.write(json.dumps(message) + "\n")
            wire.flush()

        judge(job, tell)


def judge(job, tell):
    try:
        names = load(job["module"], job["file"])
    except BaseException as error:
        tell({"failed": said(error)})
        return
    tell({"python": "%s %s" % (platform.python_implementation(), platform.python_version())})
    test(job, names, tell)


main()
