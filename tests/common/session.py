"""Has gdb run commands where a call comes to a breakpoint.

Run by gdb (`gdb -batch -x session.py`); the environment says what: SESSION_BREAK (a place), SESSION_CODE (what the interpreter runs),
SESSION_COMMANDS (one a line), and what debuggee.py wants to know.
"""

import os
import sys

import gdb

sys.path.insert(0, os.path.dirname(__file__))
import debuggee

debuggee.prepare()
gdb.execute("break " + os.environ["SESSION_BREAK"])
gdb.execute(debuggee.start(os.environ["SESSION_CODE"]))
for command in os.environ["SESSION_COMMANDS"].splitlines():
    gdb.execute(command)
debuggee.stop()
