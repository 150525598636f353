"""The process that gdb looks at: CPython on this machine or, emulated, on another one. For the scripts that gdb runs.

The environment says which: DEBUGGEE_PYTHON is the program. For another machine or system DEBUGGEE_EMULATOR is the command that waits for a
debugger at DEBUGGEE_PORT, DEBUGGEE_ROOT the folder of its libraries, and DEBUGGEE_DRIVE, if there is one, what it calls this file system.
"""

import os
import shlex
import subprocess
import time

import gdb

SETTINGS = "debuginfod enabled off", "pagination off", "confirm off", "breakpoint pending on", "auto-load off", "width 0"
emulators = []


def prepare():
    """Says what the program is, and where its machine has its libraries; modules are on PYTHONPATH."""
    for setting in SETTINGS:
        gdb.execute(f"set {setting}")
    if "DEBUGGEE_ROOT" in os.environ:
        gdb.execute("set sysroot " + os.environ["DEBUGGEE_ROOT"])
        gdb.execute("set solib-search-path " + os.environ["PYTHONPATH"])
    gdb.execute("file " + os.environ["DEBUGGEE_PYTHON"])


def start(code):
    """Makes the process; how to let it run."""
    emulator = os.environ.get("DEBUGGEE_EMULATOR")
    if emulator is None:
        gdb.execute("set args -c " + shlex.quote(code))
        return "run"
    command = [*shlex.split(emulator), "-c", code]
    modules = os.environ["PYTHONPATH"]
    if "DEBUGGEE_DRIVE" in os.environ:
        modules = (os.environ["DEBUGGEE_DRIVE"] + modules).replace("/", "\\")
    env = {**os.environ, "PYTHONPATH": modules}
    emulators.append(subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    for _ in range(100):
        time.sleep(0.2)
        try:
            gdb.execute("target remote :" + os.environ["DEBUGGEE_PORT"], to_string=True)
            break
        except gdb.error:
            pass                                    # It does not listen yet.
    return "continue"


def is_alive():
    """Whether there is a process."""
    return gdb.selected_inferior().pid != 0


def stop():
    """Ends the process, if it has not ended, and its emulator."""
    if is_alive():
        gdb.execute("kill", to_string=True)
    while emulators:
        emulator = emulators.pop()
        emulator.kill()
        emulator.wait()
