# How a built module gets into the interpreter that runs this: by the loader of its system where it is of that system's format, else by
# foreign_import.py, which stands for the loader of another.

import importlib.machinery
import importlib.util
import os


def load(name, file):
    """The module of this name in this file, executed."""
    with open(file, "rb") as content:
        magic = content.read(4)
    if not magic.startswith(b"MZ" if os.name == "nt" else b"\x7fELF"):
        import foreign_import

        return foreign_import.load(file, name)
    loader = importlib.machinery.ExtensionFileLoader(name, file)
    module = importlib.util.module_from_spec(importlib.util.spec_from_file_location(name, file, loader=loader))
    loader.exec_module(module)
    return module
