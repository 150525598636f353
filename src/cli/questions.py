# Asked of an interpreter before a wheel is made for it: one line of JSON.
import importlib.machinery
import json
import os
import struct
import sys
import sysconfig


def triple():
    # `platform.machine()` starts half of Windows.
    windows = sys.platform == "win32"
    machine = sysconfig.get_platform()[4:] if windows else os.uname().machine
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    if struct.calcsize("P") == 4:
        machine = {"x86_64": "i686", "aarch64": "armv7"}.get(machine, machine)
    if windows:
        return machine + "-pc-windows-msvc"
    if sys.platform == "darwin":
        return machine + "-apple-darwin"
    if sys.platform != "linux":
        return machine + "-unknown-" + sys.platform
    # The loader of the C library is named in the first page of the program (PEP 656).
    with open(sys.executable, "rb") as file:
        musl = b"/ld-musl-" in file.read(4096)
    return machine + "-unknown-linux-" + ("musl" if musl else "gnu")


print(
    json.dumps(
        {
            "implementation": sys.implementation.name,
            "version": sys.version.split()[0],
            "major": sys.version_info[0],
            "minor": sys.version_info[1],
            "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
            "suffix": importlib.machinery.EXTENSION_SUFFIXES[0],
            "triple": triple(),
        }
    )
)
