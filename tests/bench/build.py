"""Time that pyasmgen itself takes for 1 to 10,000 one-line methods, linker apart.

    python3 tests/bench/build.py [--pyasmgen EXE] [--limit]

CPU seconds (the least of some runs) and peak memory of `pyasmgen build --emit object`. With --limit the exit code is 1 where one method
takes 10 ms, or 10,000 take 1.5 s, or more than 20 times what 1000 take.
"""

import argparse
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COUNTS = {1: 20, 100: 10, 1000: 5, 10_000: 3}         # methods: runs
BODIES = ["x + y * {n}", "(x - y) // {n}", "x * x - {n} * y", "(x ^ {n}) & y", "x % {n} if x > y else y"]


def spec(count):
    text = '[module]\nname = "many"\n'
    for n in range(1, count + 1):
        body = BODIES[n % len(BODIES)].format(n=n)
        text += f'\n[[methods]]\nname = "f{n}"\nargs = "LL"\nparams = ["x", "y"]\nreturns = "L"\nbody = "return {body}"\n'
    return text


def run(command):
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"build.py: {' '.join(command)} ended with {child.returncode}")
    return usage.ru_utime, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pyasmgen", default=os.path.join(ROOT, "target/release/pyasmgen"))
    parser.add_argument("--limit", action="store_true")
    options = parser.parse_args()
    seconds = {}
    print(f"{'methods':>8} {'user ms':>9} {'all CPU ms':>11} {'per method us':>14} {'peak MiB':>9} {'object KiB':>11}")
    with tempfile.TemporaryDirectory() as folder:
        path, out = os.path.join(folder, "many.toml"), os.path.join(folder, "many.o")
        for count, runs in COUNTS.items():
            with open(path, "w") as file:
                file.write(spec(count))
            results = [run([options.pyasmgen, "build", path, "--emit", "object", "-o", out]) for _ in range(runs)]
            user, both, memory = (min(column) for column in zip(*results))
            seconds[count] = both            # short runs end before the kernel has sampled whose time it was
            size = os.path.getsize(out) / 1024
            print(f"{count:8} {user * 1e3:9.1f} {both * 1e3:11.1f} {both / count * 1e6:14.1f} {memory / 1024:9.1f} {size:11.1f}", flush=True)
    too_slow = seconds[1] >= 0.010 or seconds[10_000] >= 1.5 or seconds[10_000] > 20 * max(seconds[1000], 0.01)
    if options.limit and too_slow:
        sys.exit("build.py: above the limits")


main()
