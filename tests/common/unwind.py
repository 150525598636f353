"""Steps a debugger through functions of a module, one machine instruction at a time, and walks the stack at each.

Run by gdb (`gdb -batch -x unwind.py`); the environment says what: UNWIND_PYTHON, UNWIND_MODULE, UNWIND_CALLS (lines of "function: call").
For another machine, UNWIND_EMULATOR is the command that waits for a debugger at UNWIND_PORT, UNWIND_ROOT the folder of that machine's libraries.
Prints a line per function: its name, how many instructions were stepped, and where the walk did not reach the interpreter's entry.
"""

import os
import shlex
import subprocess
import time

import gdb

MODULE = os.environ["UNWIND_MODULE"]
LIMIT = 4000


def walk(frame):
    """The names of all frames, innermost first."""
    names = []
    while frame is not None:
        names.append(frame.name())
        frame = frame.older()
    return names


def start(code):
    """Makes the process; how to let it run."""
    emulator = os.environ.get("UNWIND_EMULATOR")
    if emulator is None:
        gdb.execute(f"set args -c '{code}'")
        return "run"
    subprocess.Popen([*shlex.split(emulator), "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        time.sleep(0.2)
        try:
            gdb.execute("target remote :" + os.environ["UNWIND_PORT"], to_string=True)
            break
        except gdb.error:
            pass                                    # It does not listen yet.
    return "continue"


def step_through(function, call):
    begin = start(f"import {MODULE}; {MODULE}.{call}")
    for name in (function, f"{function}.fast"):     # whichever method table is in place
        gdb.execute(f"tbreak '{name}'")
    gdb.execute(begin, to_string=True)
    steps, lost = 0, []
    while steps < LIMIT:
        try:
            frame = gdb.selected_frame()
        except gdb.error:
            break  # The program has ended.
        if f"{MODULE}.abi3.so" in (gdb.solib_name(frame.pc()) or ""):
            steps += 1
            if "Py_BytesMain" not in walk(frame):
                lost.append(hex(frame.pc()))
            gdb.execute("stepi", to_string=True)
        else:
            gdb.execute("finish", to_string=True)
    print(f"stepped {function} {steps} {' '.join(lost)}")
    gdb.execute("kill", to_string=True) if gdb.selected_inferior().pid else None


for setting in ("debuginfod enabled off", "pagination off", "confirm off", "breakpoint pending on"):
    gdb.execute(f"set {setting}")
if "UNWIND_ROOT" in os.environ:
    gdb.execute("set sysroot " + os.environ["UNWIND_ROOT"])
    gdb.execute("set solib-search-path " + os.environ["PYTHONPATH"])
gdb.execute("file " + os.environ["UNWIND_PYTHON"])
for line in os.environ["UNWIND_CALLS"].splitlines():
    step_through(*line.split(": ", 1))
