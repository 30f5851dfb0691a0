"""Compiles the two C programs, the load client and the sender that is the floor, once a run."""

import functools
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


@functools.cache
def compiled(source: str, *libraries: str) -> Path:
    """Compile `source` (a path below this folder) with the machine's `cc`; return the program.
    Raises CalledProcessError with the compiler's words.
    """
    program = _folder() / Path(source).stem
    subprocess.run(
        ["cc", "-O2", "-o", str(program), str(HERE / source), *(f"-l{name}" for name in libraries)],
        check=True,
    )
    return program


def load_client() -> Path:
    return compiled("client.c", "z")


def c_sender() -> Path:
    return compiled("floors/sender.c", "crypto")


@functools.cache
def _folder() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="rollcall-bench-")
    _folders.append(folder)
    return Path(folder.name)


_folders: list[tempfile.TemporaryDirectory[str]] = []  # removed when the interpreter ends
