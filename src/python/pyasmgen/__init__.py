"""The build backend of projects whose extension module is a spec: ``build-backend = "pyasmgen"`` in pyproject.toml.

The hooks are those of PEP 517 and PEP 660. The work is done by the program ``pyasmgen``, which is installed with this package;
``python -m pyasmgen`` runs it, too. ``pyasmgen.setuptools`` serves projects that are built by setuptools.
"""

from ._hooks import (
    build_editable,
    build_sdist,
    build_wheel,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]
