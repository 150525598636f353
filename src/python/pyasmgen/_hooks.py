"""The hooks of PEP 517 and PEP 660.

In: what a build front end says: folders to write into, ``config_settings``. Out: the name of the file or folder that was written there. The
current folder is the project's. All work is the program's; its diagnostics go to stderr as they are, and then the hook ends the process with
the program's exit code, since a traceback would only hide them.
"""

import os
import subprocess
import sys
import tempfile
from typing import Dict, List, NoReturn, Optional, Union

from ._program import find

Settings = Optional[Dict[str, Union[str, List[str]]]]

# What `config_settings` may hold, with or without dashes in front: options of `pyasmgen wheel` that take a value. Without them, the wheel is
# for the interpreter that runs the hook.
SETTINGS = ("target", "tag")


def get_requires_for_build_wheel(config_settings: Settings = None) -> List[str]:
    return []


def get_requires_for_build_sdist(config_settings: Settings = None) -> List[str]:
    return []


def get_requires_for_build_editable(config_settings: Settings = None) -> List[str]:
    return []


def build_wheel(wheel_directory: str, config_settings: Settings = None, metadata_directory: Optional[str] = None) -> str:
    return _wheel(config_settings, "-o", wheel_directory)


def build_editable(wheel_directory: str, config_settings: Settings = None, metadata_directory: Optional[str] = None) -> str:
    return _wheel(config_settings, "--editable", "-o", wheel_directory)


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: Settings = None) -> str:
    return _wheel(config_settings, "--metadata", metadata_directory)


def prepare_metadata_for_build_editable(metadata_directory: str, config_settings: Settings = None) -> str:
    return _wheel(config_settings, "--editable", "--metadata", metadata_directory)


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    # It is the same for all targets; what else is asked for is still looked at.
    _options(config_settings)
    return _written("sdist", ".", "-o", sdist_directory)[0]


def _wheel(settings: Settings, *arguments: str) -> str:
    *arguments, folder = arguments
    options = _options(settings)
    # There may be a wheel for each kind of interpreter, best first; front ends take one.
    with tempfile.TemporaryDirectory(dir=folder) as made:
        name = _written("wheel", ".", *options, *arguments, made)[0]
        os.replace(os.path.join(made, name), os.path.join(folder, name))
    return name


def _options(settings: Settings) -> List[str]:
    """The settings as arguments."""
    options = []
    for key, value in (settings or {}).items():
        name = key.lstrip("-")
        if name not in SETTINGS:
            known = ", ".join(SETTINGS)
            _end(f"error: pyasmgen has no setting `{key}`\nhint: there are {known}")
        values = value if isinstance(value, list) else [value]
        if len(values) != 1 or values[0] == "all":
            _end(f"error: build front ends take one wheel, so they can ask for one {name}\nhint: `pyasmgen wheel` makes many wheels at once")
        options += [f"--{name}", values[0]]
    return options or ["--interpreter", sys.executable]


def _written(*arguments: str) -> List[str]:
    """Runs the program; the names of what it says it has written."""
    try:
        program = find()
    except FileNotFoundError as error:
        _end(f"error: {error}")
    done = subprocess.run([program, *arguments], stdout=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(done.returncode)
    lines = os.fsdecode(done.stdout).splitlines()
    return [os.path.basename(os.path.normpath(line)) for line in lines]


def _end(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(2)
