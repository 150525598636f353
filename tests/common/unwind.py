"""Steps a debugger through functions of a module, one machine instruction at a time, and walks the stack at each.

Run by gdb (`gdb -batch -x unwind.py`); the environment says what: UNWIND_MODULE, UNWIND_CALLS (lines of "function: call"), and what debuggee.py
wants to know.
Prints a line per function: its name, how many instructions were stepped, and where the walk did not reach the interpreter's entry.
"""

import os
import sys

import gdb

sys.path.insert(0, os.path.dirname(__file__))
import debuggee

MODULE = os.environ["UNWIND_MODULE"]
LIMIT = 4000


def walk(frame):
    """The names of all frames, innermost first."""
    names = []
    while frame is not None:
        names.append(frame.name())
        frame = frame.older()
    return names


def step_through(function, call):
    begin = debuggee.start(f"import {MODULE}; {MODULE}.{call}")
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
    debuggee.stop()


debuggee.prepare()
for line in os.environ["UNWIND_CALLS"].splitlines():
    step_through(*line.split(": ", 1))
