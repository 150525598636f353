"""Instructions per call of specs/pymult.toml's `multiply`, beside gcc's code for the same function (mul.c).

    python3 tests/bench/calls.py [--pyasmgen EXE] [--limit RATIO] [PYTHON...]

Each figure is a difference of two runs under callgrind that differ in the number of loop rounds only, less the same difference for an
empty loop: so neither start-up nor the loop counts. Deterministic, unlike time. Needs gcc, valgrind and interpreters with headers (default:
python3.11 and python3.13, on PATH or under ~/.pyenv). With --limit the exit code is 1 where ours is above RATIO times gcc's.
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
ROUNDS = (2_000, 12_000)
OPERANDS = {
    "small": (6, 7),                                  # operands and product are preallocated ints
    "one digit": (30_011, 20_011),                    # below 2**30
    "two digits": (2**30 + 7, 2**32 + 15),
}
# Locals only: the interpreter specialises these calls, and no look-up of names is counted.
LOOP = """
import {module}
def loop(f, x, y):
    for _ in range({rounds}):
        {call}
loop({module}.{name}, {x}, {y})
"""


def interpreters():
    for version in ("3.11", "3.13"):
        found = sorted(glob.glob(os.path.expanduser(f"~/.pyenv/versions/{version}.*/bin/python3")))
        exe = found[0] if found else shutil.which(f"python{version}")
        if exe:
            yield exe
        else:
            print(f"skipped: no python{version}", file=sys.stderr)


def ask(exe, text):
    return subprocess.run([exe, "-c", text], check=True, capture_output=True, text=True).stdout.strip()


def instructions(exe, folder, script):
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", exe, "-S", "-c", script],
        check=True, capture_output=True, text=True, env=environment)
    return int(re.search(r"Collected\s*:\s*(\d+)", run.stderr).group(1))


def per_round(exe, folder, **values):
    few, many = (instructions(exe, folder, LOOP.format(rounds=rounds, **values)) for rounds in ROUNDS)
    return (many - few) / (ROUNDS[1] - ROUNDS[0])


def build(exe, pyasmgen, folder):
    include = ask(exe, "import sysconfig; print(sysconfig.get_path('include'))")
    subprocess.run(
        ["gcc", "-O2", "-fno-plt", "-fvisibility=hidden", "-fPIC", "-shared", f"-I{include}",
         os.path.join(HERE, "mul.c"), "-o", os.path.join(folder, "mul.abi3.so")], check=True)
    subprocess.run(
        [pyasmgen, "build", os.path.join(ROOT, "specs/pymult.toml"), "-o", folder + "/"], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pyasmgen", default=os.path.join(ROOT, "target/release/pyasmgen"))
    parser.add_argument("--limit", type=float)
    parser.add_argument("pythons", nargs="*")
    options = parser.parse_args()
    worst = 0.0
    print(f"{'python':<8} {'operands':<12} {'gcc':>8} {'ours':>8} {'ratio':>7}")
    for exe in options.pythons or interpreters():
        with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor() as pool:
            build(exe, options.pyasmgen, folder)
            version = ask(exe, "import platform; print(platform.python_version())")
            theirs = {"module": "mul", "name": "mul"}
            ours = {"module": "pymult", "name": "multiply"}
            empty = pool.submit(per_round, exe, folder, **theirs, x=1, y=1, call="pass")
            jobs = {
                operands: [pool.submit(per_round, exe, folder, **which, x=x, y=y, call="f(x, y)") for which in (theirs, ours)]
                for operands, (x, y) in OPERANDS.items()}
            for operands, pair in jobs.items():
                gcc, own = (job.result() - empty.result() for job in pair)
                worst = max(worst, own / gcc)
                print(f"{version:<8} {operands:<12} {gcc:8.1f} {own:8.1f} {own / gcc:7.3f}", flush=True)
    if options.limit and worst > options.limit:
        sys.exit(f"calls.py: {worst:.3f} is above {options.limit}")


main()
