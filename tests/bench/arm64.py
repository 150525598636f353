"""The kernels on arm64: instructions that ours take beside those of the same functions in C by aarch64-linux-gnu-gcc -O2, as qemu counts them.

    python3 tests/bench/arm64.py [--pyasmgen EXE] [--python EXE] [--rows TEXT]

There is no such machine here: numbers of instructions stand for times, as far as they do. The interpreter is an arm64 CPython that runs
under qemu-aarch64; results are compared as kernels.py does. gcc may not contract multiplications and additions, since our bodies give the
interpreter's answers, nor vectorise, as -O2 did not up to gcc 11.
"""

import argparse
import ctypes
import math
import os
import statistics
import subprocess
import sys
import tempfile

import kernels

MARK = 9999                                         # that of instructions.c
PYTHONS = os.environ.get("PYASMGEN_PYTHONS", os.path.expanduser("~/.cache/pyasmgen/pythons"))


def guest(module, library, rows):
    """Under qemu: a mark in front of and behind each function, and a name for both."""
    mark = ctypes.CDLL(None).syscall
    module, library = kernels.load(module), ctypes.CDLL(library)
    for name, args, _, _ in kernels.inputs():
        if rows not in name:
            continue
        function = getattr(module, name)
        result = kernels.compare(name, function, [library], args)
        given = kernels.c_arguments(name, args)
        for work, given in (None, ()), (function, args), (kernels.c_function(library, name, result), given):
            if work:
                work(*given)
            mark(MARK)
            if work:
                work(*given)
            mark(MARK)
        print(name)


def host(exe, python, rows):
    with tempfile.TemporaryDirectory() as folder:
        at = lambda name: os.path.join(folder, name)
        here = kernels.HERE
        target = ["--target", "aarch64-unknown-linux-gnu"]
        subprocess.run([exe, "build", os.path.join(here, "kernels.toml"), *target, "-o", at("")], check=True)
        level = ["-O2", "-fno-math-errno", "-ffp-contract=off", "-fno-tree-vectorize", "-shared", "-fPIC"]
        subprocess.run(["aarch64-linux-gnu-gcc", *level, "-o", at("c.lib"), os.path.join(here, "kernels.c"), "-lm"], check=True)
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", at("count"), os.path.join(here, "instructions.c")], check=True)
        module = next(at(name) for name in os.listdir(folder) if name.endswith(".so"))
        command = [python, os.path.join(here, "arm64.py"), "--guest", module, at("c.lib"), "--rows", rows]
        ran = subprocess.run(command, env={**os.environ, "QEMU_PLUGIN": "file=" + at("count")}, capture_output=True, text=True)
    if ran.returncode:
        sys.exit(ran.stderr)
    marks = [int(line) for line in ran.stderr.split()]
    names = ran.stdout.split()
    if len(marks) != 6 * len(names):
        sys.exit(f"arm64.py: {len(marks)} marks of {len(names)} kernels: does this qemu take plugins?")
    ratios = []
    print(f"{'':12} {'ours':>12} {'-O2':>12}  {'/ -O2':>6}")
    for at, name in enumerate(names):
        nothing, ours, theirs = (marks[6 * at + 2 * n + 1] - marks[6 * at + 2 * n] for n in range(3))
        ours, theirs = ours - nothing, theirs - nothing
        ratios.append(ours / theirs)
        print(f"{name:12} {ours:12} {theirs:12}  {ours / theirs:6.2f}")
    print(f"geometric mean of {len(ratios)}: {math.exp(statistics.mean(map(math.log, ratios))):.2f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pyasmgen", default=os.path.join(kernels.ROOT, "target", "release", "pyasmgen"))
    parser.add_argument("--python", default=os.path.join(PYTHONS, "arm64", "python3.15"))
    parser.add_argument("--rows", default="", help="kernels whose name contains this")
    parser.add_argument("--guest", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.guest:
        guest(*options.guest, options.rows)
    else:
        host(options.pyasmgen, options.python, options.rows)


main()
