"""What a call costs: `calls/calls.toml` beside the same functions in C, Cython, Rust and Python.

    python3 tests/bench/calls.py [--pyasmgen EXE] [--rows TEXT] [--peers all] [--times] [--limit] [PYTHON...]

Instructions per call, under callgrind: a difference of two runs that differ in the number of loop rounds only, less the same difference for
an empty loop. So neither start-up nor the loop counts; deterministic, unlike time. With --times also nanoseconds: the least of many short
runs, the peers in turn, less the empty loop.

    portable   ours, made to find nothing out about objects: what an unknown interpreter gets
    stable     C within the limited API, by hand (stable.c): what `portable` is held to
    ours       as it comes
    fields     C that reads objects in place, by hand (fields.c): what `ours` is held to
    parse      C with PyArg_ParseTuple;  cython, pyo3, plain: with --peers all, where pip and cargo find them

C is compiled by gcc -O2 -fcf-protection -fno-plt: with the hardening that our code has. Modules of the stable ABI are compiled once, with
the oldest interpreter's headers. Needs gcc, readelf, valgrind and interpreters with headers (default: python3.11 and python3.13 of pyenv or
on PATH). With --limit the exit code is 1 where a row is above 1.00 times `stable`, or above 1.03 times `fields`.
"""

import argparse
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CALLS = os.path.join(HERE, "calls")
ROUNDS = (2_000, 12_000)
LIMITS = {"portable": ("stable", 1.00), "ours": ("fields", 1.03)}
ROWS = [                                              # what it is called, function, arguments
    ("no argument", "noop", ""),
    ("identity", "identity", "x"),
    ("two ints, small", "add_i", "6, 7"),
    ("two ints, one digit", "add_i", "30_011, 20_011"),
    ("two ints, two digits", "add_i", "2**30 + 7, 2**32 + 15"),
    ("two floats", "add_f", "1.5, 2.5"),
    ("bool result", "is_even", "30_012"),
    ("UTF-8 length", "utf8_length", "'twenty-six characters long'"),
    ("first byte", "first_byte", "b'some bytes'"),
    ("one of three ints", "sum3", "1"),
    ("two of three ints", "sum3", "1, 20"),
    ("three ints", "sum3", "1, 20, 300"),
    ("one float of three", "clamp", "0.5"),
    ("three floats", "clamp", "0.5, 0.1, 0.9"),
    ("float, two keywords", "clamp", "0.5, lo=0.1, hi=0.9"),
    ("float, last keyword", "clamp", "0.5, hi=0.9"),
]
# Locals only: the interpreter specialises these calls, and no look-up of names is counted.
LOOP = """
import {module}
def loop(f, x):
    for _ in range({rounds}):
        {call}
loop({module}.{function}, [])
"""
TIMES = """
import importlib.machinery, importlib.util, sys, time
def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
peers = [load(name, path) for name, path in {peers!r}]
def make(call):
    scope = {{}}
    exec(f"def loop(f, x, now):\\n    start = now()\\n    for _ in range(2000):\\n        {{call}}\\n    return now() - start", scope)
    return scope["loop"]
now = time.perf_counter_ns
for call, function in {calls!r}:
    jobs = [(make("pass"), None)] + [(make(call), getattr(peer, function)) for peer in peers]
    least = [1 << 60] * len(jobs)
    for _ in range({windows}):
        for at, (loop, f) in enumerate(jobs):
            least[at] = min(least[at], loop(f, [], now))
    print(*((one - least[0]) / 2000 for one in least[1:]))
"""


def interpreters():
    for version in ("3.11", "3.13"):
        found = sorted(glob.glob(os.path.expanduser(f"~/.pyenv/versions/{version}.*/bin/python3")))
        exe = found[0] if found else shutil.which(f"python{version}")
        if exe:
            yield exe
        else:
            print(f"skipped: no python{version}", file=sys.stderr)


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout.strip()


def instructions(exe, folder, script):
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", exe, "-S", "-c", script],
        capture_output=True, text=True, env=environment)
    found = re.search(r"Collected\s*:\s*(\d+)", process.stderr)
    if process.returncode or not found:
        sys.exit(f"calls.py: {process.stderr}")
    return int(found.group(1))


def per_round(exe, peer, function, call):
    folder, module = os.path.split(peer.split(".")[0])
    few, many = (
        instructions(exe, folder, LOOP.format(rounds=rounds, module=module, function=function, call=call))
        for rounds in ROUNDS)
    return (many - few) / (ROUNDS[1] - ROUNDS[0])


def make_unknown(path, out):
    """Copies a module without what it knows of objects: the rows that the object beside it has at its symbol `objects.rows`."""
    object = path.replace(".abi3.so", ".o")
    symbol = re.search(r"([0-9a-f]+)\s+(\d+)\s+\S+\s+\S+\s+\S+\s+(\d+) objects\.rows", run("readelf", "-sW", object))
    address, size, section = int(symbol.group(1), 16), int(symbol.group(2)), int(symbol.group(3))
    header = re.search(rf"\[ *{section}\] \S+\s+\S+\s+[0-9a-f]+ ([0-9a-f]+)", run("readelf", "-SW", object))
    start = address + int(header.group(1), 16)
    with open(object, "rb") as file:
        rows = file.read()[start:start + size]
    with open(path, "rb") as file:
        content = file.read()
    if content.count(rows) != 1:
        sys.exit(f"calls.py: the rows of {object} are not once in {path}")
    with open(out, "wb") as file:
        file.write(content.replace(rows, bytes(size)))


def build_cython(exe, folder, include):
    try:
        run(exe, "-m", "pip", "install", "-q", "--target", folder + "/cython", "cython")
    except subprocess.CalledProcessError as error:
        return print(f"skipped: no Cython ({error.stderr.strip()[-200:]})", file=sys.stderr)
    text = os.path.join(folder, "calls_cython.c")
    run(exe, "-m", "cython", "-3", os.path.join(CALLS, "calls_cython.pyx"), "-o", text,
        env={**os.environ, "PYTHONPATH": folder + "/cython"})
    out = os.path.join(folder, "calls_cython.abi3.so")
    run("gcc", "-O2", "-w", "-fPIC", "-shared", "-DNDEBUG", f"-I{include}", text, "-o", out)
    return out


def build_pyo3(exe, folder):
    crate = shutil.copytree(os.path.join(CALLS, "pyo3"), os.path.join(folder, "pyo3"))
    try:
        run("cargo", "build", "--release", "--manifest-path", crate + "/Cargo.toml",
            env={**os.environ, "PYO3_PYTHON": exe, "CARGO_TARGET_DIR": crate + "/target"})
    except subprocess.CalledProcessError as error:
        return print(f"skipped: no PyO3 ({error.stderr.strip()[-200:]})", file=sys.stderr)
    return shutil.copy(crate + "/target/release/libcalls_pyo3.so", folder + "/calls_pyo3.abi3.so")


def build(exe, oldest, options, folder):
    """The peers: what they are called, and where they are."""
    include, oldest_include = (
        run(python, "-c", "import sysconfig; print(sysconfig.get_path('include'))") for python in (exe, oldest))
    peers = {}
    for name in ("stable", "fields", "parse"):
        out = os.path.join(folder, f"calls_{name}.abi3.so")
        run("gcc", "-O2", "-fcf-protection", "-fno-plt", "-fvisibility=hidden", "-fPIC", "-shared", f"-I{oldest_include}",
            os.path.join(CALLS, name + ".c"), "-o", out)
        peers[name] = out
    run(options.pyasmgen, "build", os.path.join(CALLS, "calls.toml"), "-o", folder + "/")
    ours = os.path.join(folder, "calls_pyasmgen.abi3.so")
    os.mkdir(os.path.join(folder, "portable"))
    portable = os.path.join(folder, "portable/calls_pyasmgen.abi3.so")
    make_unknown(ours, portable)
    peers = {"portable": portable, "stable": peers["stable"], "ours": ours, "fields": peers["fields"], "parse": peers["parse"]}
    if options.peers == "all":
        peers["cython"] = build_cython(exe, folder, include)
        peers["pyo3"] = build_pyo3(exe, folder)
        peers["plain"] = shutil.copy(os.path.join(CALLS, "calls_plain.py"), folder)
    return {name: path for name, path in peers.items() if path}


def show(title, peers, rows, results):
    """Prints a table; says how far the worst row of each that is held to another is above it."""
    worst = {}
    print(f"{title:<24}" + "".join(f"{name:>10}" for name in peers), flush=True)
    for row, values in zip(rows, results):
        values = dict(zip(peers, values))
        marks = ""
        for name, (other, most) in LIMITS.items():
            ratio = values[name] / values[other]
            worst[name] = max(worst.get(name, 0), ratio - most)
            marks += f"   {name}/{other} {ratio:.3f}"
        print(f"{row[0]:<24}" + "".join(f"{values[name]:10.1f}" for name in peers) + marks, flush=True)
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pyasmgen", default=os.path.join(ROOT, "target/release/pyasmgen"))
    parser.add_argument("--rows", default="", help="only rows that contain this")
    parser.add_argument("--peers", choices=["c", "all"], default="c")
    parser.add_argument("--times", action="store_true")
    parser.add_argument("--limit", action="store_true")
    parser.add_argument("pythons", nargs="*")
    options = parser.parse_args()
    rows = [row for row in ROWS if options.rows in row[0]]
    pythons = options.pythons or list(interpreters())
    above = 0.0
    for exe in pythons:
        with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor() as pool:
            peers = build(exe, pythons[0], options, folder)
            version = run(exe, "-c", "import platform; print(platform.python_version())")
            empty = pool.submit(per_round, exe, peers["stable"], "noop", "pass")
            jobs = [[pool.submit(per_round, exe, path, row[1], f"f({row[2]})") for path in peers.values()] for row in rows]
            counts = ([job.result() - empty.result() for job in line] for line in jobs)
            worst = show(f"{version}, instructions", peers, rows, counts)
            above = max([above, *worst.values()])
            if options.times:
                modules = [(os.path.basename(path).split(".")[0], path) for path in peers.values()]
                calls = [(f"f({row[2]})", row[1]) for row in rows]
                lines = run(exe, "-c", TIMES.format(peers=modules, calls=calls, windows=300)).splitlines()
                show(f"{version}, ns", peers, rows, ([float(word) for word in line.split()] for line in lines))
    if options.limit and above >= 0.005:
        sys.exit("calls.py: above the limits")


main()
