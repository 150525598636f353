"""Loops: kernels.toml as we compile it, beside the same functions in C (kernels.c) by gcc -O2 and -O1.

    python3 tests/bench/kernels.py [--pyasmgen EXE] [--rows TEXT] [--runs N] [--limit]

For each kernel: results (and what was written) are compared; an input that must raise does, where the text has a check; then the median of 9
runs, the peers in turn, in microseconds, and the ratios to C. Wrappers are in the times and do not count: each run takes some
hundreds of microseconds. With --limit the exit code is 1 where a kernel of the first or third group is above 2.0 times gcc -O2, the
geometric mean of the first above 1.4, or one of the second above 1.3 times gcc -O1. Needs gcc.
"""

import argparse
import array
import ctypes
import importlib.util
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
C_TYPES = {int: ctypes.c_int64, float: ctypes.c_double}
POINTERS = {"B": ctypes.c_uint8, "I": ctypes.c_uint32, "q": ctypes.c_int64, "d": ctypes.c_double}


def octets(content):
    return array.array("B", content)


def planets():
    rng = random.Random(5)
    return array.array("d", (rng.uniform(0.5, 2.0) for _ in range(7 * 5)))


def zeros(code, count):
    return array.array(code, [0]) * count


def inputs():
    """Name, what the C function does not take, arguments, and arguments that must raise with the exception (None: the text has no check)."""
    rng = random.Random(1)
    data = octets(rng.randbytes(60_000))
    words = [octets(rng.choices(b"abcd", k=700)) for _ in range(2)]
    text = octets("".join(rng.choices("plain ascii text \u00e9\u00fc\u4e2d\u20ac\U0001f600", k=60_000)).encode())
    floats = [array.array("d", (rng.uniform(-1, 1) for _ in range(100_000))) for _ in range(2)]
    ints = array.array("q", (rng.randrange(-10**9, 10**9) for _ in range(100_000)))
    huge = array.array("q", [2**62, 2**62])
    few = floats[0][:1000]
    letters = octets(b" ".join(bytes(rng.choices(range(97, 107), k=rng.randrange(1, 9))) for _ in range(8000)))
    digits = octets(b" ".join(str(rng.randrange(10**6)).encode() for _ in range(8000)))
    picture, ways = floats[0][:40_000], array.array("q", (rng.randrange(1, 10**6) for _ in range(6400)))
    cells = octets(rng.choices((0, 1), k=10_000))
    near = array.array("q", (rng.randrange(-3000, 3000) for _ in range(50_000)))
    high = 2**63 - 1
    overflow, index = OverflowError, IndexError
    return [
        ("fib", (80, 20_000), (100, 1), overflow),
        ("gcd", (180, 0), (3, high), overflow),
        ("collatz", (1, 20_000), (2**62 + 1, 1), overflow),
        ("sieve", (200_000,), (200_001,), index),
        ("levenshtein", tuple(words), (words[0], words[1] + words[1]), index),
        ("crc32", (data,), None, None),
        ("fnv1a", (data, len(data)), (data, len(data) + 1), index),
        ("base64", (data, zeros("B", 80_000)), (data, zeros("B", 79_999)), index),
        ("utf8_valid", (text, len(text)), (text, len(text) + 1), index),
        ("mandelbrot", (100, 200, 0), (10, 200, high), overflow),
        ("nbody", (planets(), 5, 4000, 0.001), (planets(), 6, 1, 0.001), index),
        ("horner", (few[:50], 49, few), (few[:50], 50, few), index),
        ("sum_f64", (floats[0],), None, None),
        ("sum_i64", (ints,), (huge,), overflow),
        ("dot", tuple(floats), (floats[0], few), index),
        ("axpy", (0.25, floats[0], floats[1][:]), (0.25, floats[0], few[:]), index),
        ("minmax", (ints,), (ints[:0],), index),
        ("minmax_f64", (floats[0],), (few[:0],), index),
        ("count_byte", (data, 65, 0), (data, 65, high), overflow),
        ("histogram", (data, zeros("q", 256)), (data, zeros("q", 100)), index),
        ("matmul", (few * 7, few * 7, zeros("d", 6400), 80), (few, few, zeros("d", 6400), 80), index),
        ("blur", (picture, zeros("d", 40_000), 200, 200), (picture, zeros("d", 30_000), 200, 200), index),
        ("floyd", (ways, 80), (ways, 81), index),
        ("life", (cells, zeros("B", 10_000), 100, 100), (cells, zeros("B", 9000), 100, 100), index),
        ("upper", (letters, zeros("B", len(letters))), (letters, zeros("B", len(letters) - 1)), index),
        ("words", (letters, 0), (letters, high), overflow),
        ("numbers", (digits, 0), (digits, high), overflow),
        ("clip", (floats[0], zeros("d", 100_000), -0.5, 0.5), (floats[0], zeros("d", 99_999), -0.5, 0.5), index),
        ("clamped", (near, 0), (huge, high), overflow),
        ("bisect", (array.array("q", sorted(ints[:10_000])), ints[:3000], 0), (ints[:1], ints[:1], high), overflow),
        ("insertion", (ints[:600], zeros("q", 600)), (ints[:600], zeros("q", 599)), index),
        ("digits", (10**12, 3000), (high, 1), overflow),
        ("fizz", (100_000, 0), (10, high), overflow),
        ("calendar", (-10_000, 20_000), (high - 700_000, 1), overflow),
        ("helpers", (data, 0), (data, high), overflow),
    ]


# Views whose length the C function does not take: it follows from another argument.
NO_LENGTH = {("fnv1a", 0), ("base64", 1), ("utf8_valid", 0), ("nbody", 0), ("horner", 0),
             ("dot", 1), ("axpy", 2), ("histogram", 1), ("matmul", 0), ("matmul", 1), ("matmul", 2), ("blur", 0), ("blur", 1), ("floyd", 0),
             ("life", 0), ("life", 1), ("upper", 1), ("clip", 1), ("insertion", 1)}
SECOND = ("sum_f64", "sum_i64", "dot", "axpy", "minmax", "minmax_f64", "count_byte", "histogram")
THIRD = ("matmul", "blur", "floyd", "life", "upper", "words", "numbers", "clip", "clamped", "bisect", "insertion", "digits",
         "fizz", "calendar", "helpers")


def c_arguments(name, args):
    out = []
    for at, arg in enumerate(args):
        if isinstance(arg, array.array):
            address, count = arg.buffer_info()
            out.append(ctypes.cast(address, ctypes.POINTER(POINTERS[arg.typecode])))
            if (name, at) not in NO_LENGTH:
                out.append(ctypes.c_int64(count))
        else:
            out.append(C_TYPES[type(arg)](arg))
    return out


def c_function(library, name, result):
    function = getattr(library, name)
    function.restype = ctypes.c_uint64 if name == "fnv1a" else C_TYPES[type(result)]
    return function


def load(path):
    spec = importlib.util.spec_from_file_location("kernels", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build(exe, folder):
    subprocess.run([exe, "build", os.path.join(HERE, "kernels.toml"), "-o", folder], check=True)
    ours = next(name for name in os.listdir(folder) if name.endswith(".so"))
    libraries = []
    for level in ("-O2", "-O1"):
        out = os.path.join(folder, f"c{level}.lib")
        subprocess.run(["gcc", level, "-fno-math-errno", "-shared", "-fPIC", "-o", out, os.path.join(HERE, "kernels.c"), "-lm"], check=True)
        libraries.append(ctypes.CDLL(out))
    return load(os.path.join(folder, ours)), libraries


def copied(args):
    return tuple(arg[:] if isinstance(arg, array.array) else arg for arg in args)


def compare(name, ours, libraries, args):
    """Results and all buffers are the same bits, whoever computes."""
    mine = copied(args)
    result = ours(*mine)
    for library in libraries:
        theirs = copied(args)
        other = c_function(library, name, result)(*c_arguments(name, theirs))
        same = all(not isinstance(a, array.array) or a.tobytes() == b.tobytes() for a, b in zip(mine, theirs))
        if other != result or not same:
            sys.exit(f"kernels.py: {name}: {result} here, {other} in C{'' if same else ', and other buffers'}")
    return result


def must_raise(name, function, args, kind):
    try:
        function(*copied(args))
    except kind:
        return
    sys.exit(f"kernels.py: {name}: {kind.__name__} expected")


def measure(name, ours, libraries, args, runs):
    result = compare(name, ours, libraries, args)
    jobs = [(ours, args)]
    jobs += [(c_function(library, name, result), c_arguments(name, args)) for library in libraries]
    times = [[] for _ in jobs]
    now = time.perf_counter_ns
    for _ in range(runs):
        for job, (function, given) in zip(times, jobs):
            function(*given)
            start = now()
            function(*given)
            job.append(now() - start)
    return [statistics.median(job) / 1000 for job in times]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pyasmgen", default=os.path.join(ROOT, "target", "release", "pyasmgen"))
    parser.add_argument("--rows", default="", help="kernels whose name contains this")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--limit", action="store_true")
    options = parser.parse_args()
    ratios, bad = [], []
    with tempfile.TemporaryDirectory() as folder:
        module, libraries = build(options.pyasmgen, folder)
        print(f"{'':12} {'ours':>9} {'-O2':>9} {'-O1':>9}  {'/ -O2':>6} {'/ -O1':>6}")
        for name, args, raising, kind in inputs():
            if options.rows not in name:
                continue
            function = getattr(module, name)
            if kind:
                must_raise(name, function, raising, kind)
            ours, o2, o1 = measure(name, function, libraries, args, options.runs)
            print(f"{name:12} {ours:9.1f} {o2:9.1f} {o1:9.1f}  {ours / o2:6.2f} {ours / o1:6.2f}")
            if name in SECOND:
                bad += [f"{name}: {ours / o1:.2f} times gcc -O1"] if ours > 1.3 * o1 else []
            else:
                ratios += [] if name in THIRD else [ours / o2]
                bad += [f"{name}: {ours / o2:.2f} times gcc -O2"] if ours > 2.0 * o2 else []
    if ratios:
        mean = math.exp(statistics.mean(map(math.log, ratios)))
        print(f"geometric mean of the first {len(ratios)}: {mean:.2f}")
        bad += [f"geometric mean: {mean:.2f} times gcc -O2"] if mean > 1.4 else []
    if options.limit and bad:
        sys.exit("\n".join(bad))


if __name__ == "__main__":
    main()
