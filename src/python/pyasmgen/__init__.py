"""The build backend of projects whose extension module is a spec: ``build-backend = "pyasmgen"`` in pyproject.toml.

The hooks are those of PEP 517 and PEP 660. The work is done by the program ``pyasmgen``, which is installed with this package;
``python -m pyasmgen`` runs it, too. ``pyasmgen.setuptools`` serves projects that are built by setuptools.

And the names of the body language, by which a file of annotated functions is both the source of a module and plain Python:
``from pyasmgen import i64, f64, Buffer, nogil``.
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
from ._language import (
    Array,
    Buffer,
    MutBuffer,
    f32,
    f64,
    i8,
    i16,
    i32,
    i64,
    isize,
    nogil,
    overflow,
    signals,
    u8,
    u16,
    u32,
    u64,
    usize,
)

# What `from pyasmgen import *` is for; hooks are asked for by name.
from ._language import __all__ as __all__
