"""Where the program ``pyasmgen`` is.

In: where this package is installed, the interpreter's installation schemes, PATH. Out: the path of the program. Nothing is run here.

The program belongs to the scripts of the wheel that this package came with, and installers put these in many places: ``bin`` or ``Scripts``
of a (virtual) environment, of the user, of the prefix that a build front end has made for one build, or inside of a folder that
``pip install --target`` was given. The same version is wanted, so what is nearest to this package is looked at first, and PATH last.
"""

import os
import shutil
import sys
import sysconfig
from typing import Iterator

NAME = "pyasmgen" + (".exe" if os.name == "nt" else "")


def find() -> str:
    """The path of the program; FileNotFoundError, with all places that were looked at, where it is not."""
    looked = []
    for path in _places():
        path = os.path.normpath(path)
        if path not in looked:
            looked.append(path)
            if os.path.isfile(path) and os.access(path, os.X_OK):
                return path
    found = shutil.which("pyasmgen")
    if found is not None:
        return found
    places = ", ".join(looked)
    raise FileNotFoundError(f"the program pyasmgen is neither on PATH nor at {places}; `pip install pyasmgen` brings it")


def _places() -> Iterator[str]:
    site = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    yield from _recorded(site)
    # `pip install --target`: pip moves the scripts there without telling RECORD.
    yield os.path.join(site, "bin", NAME)
    yield os.path.join(site, "Scripts", NAME)
    # PREFIX/lib/python3.X/site-packages, PREFIX\Lib\site-packages, and PREFIX\site-packages for users of Windows.
    scripts = "Scripts" if os.name == "nt" else "bin"
    prefix = site
    for _ in range(3):
        prefix = os.path.dirname(prefix)
        yield os.path.join(prefix, scripts, NAME)
    yield os.path.join(sysconfig.get_path("scripts"), NAME)
    if sys.version_info >= (3, 10):
        user = sysconfig.get_preferred_scheme("user")
    elif os.name == "nt":
        user = "nt_user"
    elif sys.platform == "darwin" and sysconfig.get_config_var("PYTHONFRAMEWORK"):
        user = "osx_framework_user"
    else:
        user = "posix_user"
    yield os.path.join(sysconfig.get_path("scripts", user), NAME)


def _recorded(site: str) -> Iterator[str]:
    """Where the installer says it has put the program, in the RECORD beside this package (packaging.python.org, "Recording installed projects")."""
    from importlib.metadata import distributions

    for distribution in distributions(name="pyasmgen", path=[site]):
        for file in distribution.files or ():
            if file.name == NAME and file.parent.name != "pyasmgen":
                yield str(distribution.locate_file(file))
