"""What a debugger shows of the parameters and locals of compiled functions, compared at every line with what CPython knows of them.

Run by gdb (`gdb -batch -x debugged.py`); the environment says what: DEBUGGED_MODULE, DEBUGGED_FILE (the source's name), DEBUGGED_CALLS (a file
of calls, one a line), DEBUGGED_EVENTS (what traced.py printed), DEBUGGED_STEPPED (functions to step through, line by line, as well), and what
debuggee.py wants to know. Prints what is wrong, then "done", how many values were shown and how many were asked for.
"""

import json
import os
import sys

import gdb

sys.path.insert(0, os.path.dirname(__file__))
import debuggee

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


def fits(known, events):
    """All at once in one event: what several events have each for itself may never have been there together."""
    return any(all(name in e and e[name] in (value, None) for name, value in known.items()) for e in events)


def statements(lines):
    """The addresses where the line table of the module says that a statement begins: everywhere a debugger may stop for a line."""
    table = gdb.execute(f"maint info line-table {FILE}$", to_string=True)
    rows = (row.split() for row in table.splitlines())
    return sorted({int(row[2], 16) for row in rows if len(row) > 3 and row[3] == "Y" and row[1].isdigit() and int(row[1]) in lines})


def compare(call, events):
    by_line = {}
    for function, line, known in events:
        by_line.setdefault((function, line), []).append(known)
    lines = {line for _, line, _ in events}
    gdb.execute("delete", to_string=True)
    for line in sorted(lines):
        gdb.execute(f"break {FILE}:{line}", to_string=True)
    gdb.execute(debuggee.start(f"from {MODULE} import *; {call}"), to_string=True)
    gdb.execute("delete", to_string=True)
    for address in statements(lines) if debuggee.is_alive() else ():
        gdb.execute(f"break *{address:#x}", to_string=True)
    stops = found = asked = 0
    while stops < STOPS and debuggee.is_alive():
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
            if not fits(known, candidates):
                print(f"wrong {call} at {place[0]}:{place[1]} pc {frame.pc():#x}: {known}, of {candidates[:6]}")
        gdb.execute("continue", to_string=True)
    debuggee.stop()
    if not stops:
        print(f"wrong {call}: never stopped")
    return found, asked


def step_through(call, events):
    """Steps line by line, which ought to be the way that CPython went, lines without code left out."""
    gdb.execute("delete", to_string=True)
    for line in sorted({line for _, line, _ in events}):
        gdb.execute(f"tbreak {FILE}:{line}", to_string=True)
    gdb.execute(debuggee.start(f"from {MODULE} import *; {call}"), to_string=True)
    gdb.execute("delete", to_string=True)
    lines = []
    while debuggee.is_alive() and len(lines) < STOPS:
        frame = gdb.selected_frame()
        if frame.find_sal().symtab is None or frame.find_sal().symtab.filename.split("/")[-1] != FILE:
            break
        lines.append(frame.find_sal().line)
        gdb.execute("step", to_string=True)
    debuggee.stop()
    went = [line for _, line, _ in events if line in lines]
    if once(went) != once(lines):
        print(f"wrong {call}: stepped {once(lines)}, CPython {once(went)}")


def once(lines):
    """Without repetitions: a line may have code in several places."""
    return [line for line, before in zip(lines, [None] + lines) if line != before]


debuggee.prepare()
events = json.load(open(os.environ["DEBUGGED_EVENTS"]))
found = asked = 0
for call, trace in zip(open(os.environ["DEBUGGED_CALLS"]), events):
    more = compare(call.strip(), trace)
    found, asked = found + more[0], asked + more[1]
    if call.startswith(STEPPED):
        step_through(call.strip(), trace)
print("done", found, asked)
