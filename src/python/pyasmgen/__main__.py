"""``python -m pyasmgen``: the program, with the arguments and the exit code it has by itself."""

import os
import sys

from ._program import find


def main() -> int:
    try:
        program = find()
    except FileNotFoundError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    arguments = [program, *sys.argv[1:]]
    if os.name == "posix":
        os.execv(program, arguments)
    # Elsewhere a process that is replaced looks finished to whoever waits for it.
    import subprocess

    return subprocess.run(arguments).returncode


if __name__ == "__main__":
    sys.exit(main())
