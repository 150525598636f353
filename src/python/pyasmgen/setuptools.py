"""Specs as sources of setuptools' extensions: ``Extension("pymult", ["pymult.toml"])``; a file of Python functions is a spec, too.

In: a distribution and its extensions. Out: modules where setuptools wants them, under the names it gives them. ``finalize`` is an entry point
by which this happens in every project that has pyasmgen among its build requirements; ``build_ext`` is for a ``cmdclass``. Extensions
without a spec are built by whoever built them before. What wheels are called is setuptools' business (``py_limited_api``).
"""

import os
import platform
import re
import shutil
import subprocess
import sysconfig
import tempfile
from typing import List

import setuptools
from setuptools.command.build_ext import build_ext as _build_ext

# In Python's own library up to 3.11, in setuptools later; importing setuptools settles which.
from distutils.errors import CompileError

from ._program import find


class Specs:
    """What a ``build_ext`` needs to know about specs; the class it is mixed into builds everything else."""

    def build_extension(self, ext: setuptools.Extension) -> None:
        specs = [source for source in map(os.fspath, ext.sources) if _is_spec(source)]
        if not specs:
            super().build_extension(ext)
            return
        if len(ext.sources) > 1:
            sources = ", ".join(map(os.fspath, ext.sources))
            raise CompileError(f"extension '{ext.name}': a spec is an extension's only source, and here are {sources}")
        destination = self.get_ext_fullpath(ext.name)
        with tempfile.TemporaryDirectory() as folder:
            module = _module(specs[0], folder)
            # CPython looks for an entry point of this name, whatever the file is called.
            name, wanted = os.path.basename(module).split(".")[0], ext.name.rpartition(".")[2]
            if name != wanted:
                raise CompileError(f"extension '{ext.name}': the spec {specs[0]} makes a module named '{name}', not '{wanted}'")
            os.makedirs(os.path.dirname(destination) or ".", exist_ok=True)
            shutil.copyfile(module, destination)

    def get_source_files(self) -> List[str]:
        files = list(super().get_source_files())
        sources = [os.fspath(source) for ext in self.extensions or () for source in ext.sources]
        inputs = [name for source in sources if _is_spec(source) for name in _inputs(source)]
        return files + [name for name in dict.fromkeys(inputs) if name not in files]


class build_ext(Specs, _build_ext):
    """setuptools' own, which takes specs as well."""


def finalize(distribution: setuptools.Distribution) -> None:
    """Has the distribution's ``build_ext``, whatever it is, take specs."""
    # None at all may mean that pyproject.toml, which is read later, has them.
    extensions = distribution.ext_modules
    if extensions and not any(_is_spec(os.fspath(source)) for ext in extensions for source in ext.sources):
        return
    base = distribution.get_command_class("build_ext")
    if not issubclass(base, Specs):
        distribution.cmdclass = {**distribution.cmdclass, "build_ext": type(base.__name__, (Specs, base), {})}


def _is_spec(source: str) -> bool:
    return source.endswith((".toml", ".py"))


def _inputs(spec: str) -> List[str]:
    """What a spec is made of besides, and an sdist needs: its Python source, the files of its tables. Of a wrong spec nobody knows; its build will tell."""
    with tempfile.TemporaryDirectory() as folder:
        rules = os.path.join(folder, "rules")
        arguments = ["build", spec, "--emit", "stub", "-o", os.path.join(folder, ""), "--depfile", rules]
        try:
            done = subprocess.run([find(), *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except FileNotFoundError:
            return []
        if done.returncode != 0:
            return []
        with open(rules, encoding="utf-8") as file:
            # The first rule is that of the stub; each input has an empty one after it.
            rows = file.read().splitlines()[1:]
    names = [row[:-1].replace("$$", "$") for row in rows if row]
    return [re.sub(r"\\([ \t#:%])", r"\1", name) for name in names]


def _module(spec: str, folder: str) -> str:
    """Builds the module into an empty folder; its path."""
    try:
        program = find()
    except FileNotFoundError as error:
        raise CompileError(str(error)) from None
    command = [program, "build", spec, "--emit", "module", "--target", _target(), "-o", os.path.join(folder, "")]
    code = subprocess.run(command).returncode
    if code != 0:
        raise CompileError(f"pyasmgen did not build {spec} (exit code {code})")
    (module,) = os.listdir(folder)
    return os.path.join(folder, module)


def _target() -> str:
    """The triple of the interpreter that runs this."""
    name = sysconfig.get_platform()
    system, _, machine = name.partition("-")
    if system == "macosx":
        machine = name.rpartition("-")[2]
    if machine in ("universal2", "intel", "fat64"):
        machine = platform.machine()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    triples = {"linux": "unknown-linux-gnu", "macosx": "apple-darwin", "win": "pc-windows-msvc"}
    return f"{machine}-{triples.get(system, system)}"
