"""What a debugger shows of the parameters and locals of compiled functions, compared at every line with what CPython knows of them.

Run by gdb (`gdb -batch -x debugged.py`); the environment says what: DEBUGGED_PYTHON, DEBUGGED_MODULE, DEBUGGED_FILE (the source's name),
DEBUGGED_CALLS (a file of calls, one a line), DEBUGGED_EVENTS (what traced.py printed), DEBUGGED_STEPPED (functions to step through, line
by line, as well). Prints what is wrong, then "done", how many values
were shown and how many were asked for.
"""

import json
import os

import gdb

MODULE, FILE = os.environ["DEBUGGED_MODULE"], os.environ["DEBUGGED_FILE"]
STEPPED = tuple(os.environ.get("DEBUGGED_STEPPED", "-").split())
STOPS = 400


def shown(value):
    """A value as traced.py writes it; None where the debugger has nothing to show or nothing to compare."""
    if value.is_optimized_out:
        return None
    kind = value.type.strip_typedefs().code
    if kind == gdb.TYPE_CODE_STRUCT:
        length = value["len"]
        return None if length.is_optimized_out else [int(length)]
    if kind == gdb.TYPE_CODE_BOOL:
        return repr(bool(value))
    if kind == gdb.TYPE_CODE_INT:
        return repr(int(value))
    if kind == gdb.TYPE_CODE_FLT:
        return repr(float(value))
    return None


def variables(frame):
    block = frame.block()
    while block is not None and not block.is_global and not block.is_static:
        yield from (symbol for symbol in block if symbol.is_variable or symbol.is_argument)
        block = block.superblock


def compare(call, events):
    by_line = {}
    for function, line, known in events:
        by_line.setdefault((function, line), []).append(known)
    gdb.execute("delete", to_string=True)
    for line in sorted({line for _, line, _ in events}):
        gdb.execute(f"break {FILE}:{line}", to_string=True)
    gdb.execute(f"set args -c 'from {MODULE} import *; {call}'")
    gdb.execute("run", to_string=True)
    stops = found = asked = 0
    while stops < STOPS and gdb.selected_inferior().pid:
        stops += 1
        frame = gdb.selected_frame()
        place = (frame.name(), frame.find_sal().line)
        candidates = by_line.get(place)
        if candidates is not None:
            values = {symbol.name: frame.read_var(symbol) for symbol in variables(frame)}
            values = {name: shown(value) for name, value in values.items()}
            known = {name: value for name, value in values.items() if value is not None}
            asked += max(len(c) for c in candidates)
            found += len(known)
            # All at once in one event: what several events have each for itself may never have been there together.
            fits = any(all(c.get(name) in (value, None) and name in c for name, value in known.items()) for c in candidates)
            if not fits:
                print(f"wrong {call} at {place[0]}:{place[1]} pc {frame.pc():#x}: {known}, of {candidates[:6]}")
        gdb.execute("continue", to_string=True)
    if gdb.selected_inferior().pid:
        gdb.execute("kill", to_string=True)
    if not stops:
        print(f"wrong {call}: never stopped")
    return found, asked


def step_through(call, events):
    """Steps line by line, which ought to be the way that CPython went, lines without code left out."""
    gdb.execute("delete", to_string=True)
    for line in sorted({line for _, line, _ in events}):
        gdb.execute(f"tbreak {FILE}:{line}", to_string=True)
    gdb.execute(f"set args -c 'from {MODULE} import *; {call}'")
    gdb.execute("run", to_string=True)
    gdb.execute("delete", to_string=True)
    lines = []
    while gdb.selected_inferior().pid and len(lines) < STOPS:
        frame = gdb.selected_frame()
        if frame.find_sal().symtab is None or frame.find_sal().symtab.filename.split("/")[-1] != FILE:
            break
        lines.append(frame.find_sal().line)
        gdb.execute("step", to_string=True)
    if gdb.selected_inferior().pid:
        gdb.execute("kill", to_string=True)
    went = [line for _, line, _ in events if line in lines]
    if once(went) != once(lines):
        print(f"wrong {call}: stepped {once(lines)}, CPython {once(went)}")


def once(lines):
    """Without repetitions: a line may have code in several places."""
    return [line for line, before in zip(lines, [None] + lines) if line != before]


for setting in ("debuginfod enabled off", "pagination off", "confirm off", "breakpoint pending on", "auto-load off"):
    gdb.execute(f"set {setting}")
gdb.execute("file " + os.environ["DEBUGGED_PYTHON"])
events = json.load(open(os.environ["DEBUGGED_EVENTS"]))
found = asked = 0
for call, trace in zip(open(os.environ["DEBUGGED_CALLS"]), events):
    more = compare(call.strip(), trace)
    found, asked = found + more[0], asked + more[1]
    if call.startswith(STEPPED):
        step_through(call.strip(), trace)
print("done", found, asked)
