"""Time that pyasmgen takes from a spec of 1 to 10,000 one-line methods to the finished module, and a C compiler for the first of them.

    python3 tests/bench/build.py [--pyasmgen EXE] [--cc CC] [--limit]

Wall (the least of some runs, and the median) and CPU seconds, peak memory, size of the module. With --limit the exit code is 1 where one method
takes 5 ms or more, the C compiler less than 20 times as long, or 10,000 methods 1.2 s or more, all by the wall.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COUNTS = {1: 60, 100: 10, 1000: 5, 10_000: 3}         # methods: runs
BODIES = ["x + y * {n}", "(x - y) // {n}", "x * x - {n} * y", "(x ^ {n}) & y", "x % {n} if x > y else y"]
# What the first of the methods is in C, as its author would write it.
IN_C = """
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *f1(PyObject *self, PyObject *args)
{
    long long x, y, difference, quotient;
    if (!PyArg_ParseTuple(args, "LL:f1", &x, &y))
        return NULL;
    if (__builtin_sub_overflow(x, y, &difference)) {
        PyErr_SetString(PyExc_OverflowError, "int too large");
        return NULL;
    }
    quotient = difference / 1;
    return PyLong_FromLongLong(quotient);
}

static PyMethodDef methods[] = {{"f1", f1, METH_VARARGS, NULL}, {NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "many", NULL, 0, methods};

PyMODINIT_FUNC PyInit_many(void)
{
    return PyModuleDef_Init(&module);
}
"""


def spec(count):
    text = '[module]\nname = "many"\n'
    for n in range(1, count + 1):
        body = BODIES[n % len(BODIES)].format(n=n)
        text += f'\n[[methods]]\nname = "f{n}"\nargs = "LL"\nparams = ["x", "y"]\nreturns = "L"\nbody = "return {body}"\n'
    return text


def run(command):
    """Wall seconds, CPU seconds and peak KiB; the last word of the command is the file it makes."""
    if os.path.exists(command[-1]):
        # What a file system does about one that is replaced is nobody's compile time.
        os.remove(command[-1])
    start = time.perf_counter()
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"build.py: {' '.join(command)} ended with {child.returncode}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def runs(command, count):
    return [run(command) for _ in range(count)]


def least(results):
    return [min(column) for column in zip(*results)]


def median(results):
    return statistics.median(wall for wall, _, _ in results)


def interleaved(first, second, rounds):
    """Both in turn, so that neither has the quieter machine; the second takes long and runs in every fourth round."""
    results = [], []
    for at in range(rounds):
        results[0].append(run(first))
        if second and at % 4 == 0:
            results[1].append(run(second))
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pyasmgen", default=os.path.join(ROOT, "target/release/pyasmgen"))
    parser.add_argument("--cc", default=shutil.which("gcc") or shutil.which("cc"))
    parser.add_argument("--limit", action="store_true")
    options = parser.parse_args()
    walls = {}
    print(f"{'methods':>8} {'wall ms':>9} {'median':>8} {'all CPU ms':>11} {'CPU per method us':>18} {'peak MiB':>9} {'module KiB':>11}")
    with tempfile.TemporaryDirectory() as folder:
        path, out = os.path.join(folder, "many.toml"), os.path.join(folder, "many.so")
        in_c = os.path.join(folder, "many.c")
        with open(in_c, "w") as file:
            file.write(IN_C)
        include = sysconfig.get_path("include")
        cc = options.cc and [options.cc, "-O2", "-shared", "-fPIC", "-I", include, in_c, "-o", os.path.join(folder, "c.so")]
        ratio = None
        for count, rounds in COUNTS.items():
            with open(path, "w") as file:
                file.write(spec(count))
            command = [options.pyasmgen, "build", path, "--emit", "module", "-o", out]
            results, of_cc = interleaved(command, cc, rounds) if count == 1 else (runs(command, rounds), [])
            wall, cpu, memory = least(results)
            walls[count] = wall
            size = os.path.getsize(out) / 1024
            row = f"{wall * 1e3:9.1f} {median(results) * 1e3:8.1f} {cpu * 1e3:11.1f} {cpu / count * 1e6:18.1f} {memory / 1024:9.1f} {size:11.1f}"
            print(f"{count:8} {row}", flush=True)
            if of_cc:
                wall, cpu, memory = least(of_cc)
                ratio, usual = wall / walls[1], median(of_cc) / median(results)
                print(f"   {options.cc} -O2 in turn with it: {wall * 1e3:.1f} ms, median {median(of_cc) * 1e3:.1f}, {cpu * 1e3:.1f} of CPU,", end=" ")
                print(f"{memory / 1024:.1f} MiB: {ratio:.1f} times as long, by medians {usual:.1f}", flush=True)
    missed = [text for is_met, text in [
        (walls[1] < 0.005, "one method takes 5 ms or more"),
        (ratio is None or ratio >= 20, "a C compiler takes less than 20 times as long"),
        (walls[10_000] < 1.2, "10,000 methods take 1.2 s or more"),
    ] if not is_met]
    if not options.cc:
        print("build.py: there is no C compiler to compare with", file=sys.stderr)
    if options.limit and missed:
        sys.exit("build.py: " + "; ".join(missed))


main()
