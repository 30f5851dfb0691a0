"""Compiling the two C programs: the load client, and the sender that is the floor. Once a run, with
whatever `cc` is there.
"""

import functools
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


@functools.cache
def compiled(source: str, *libraries: str) -> Path:
    """The program made of `source` (a path below this folder). Raises CalledProcessError with the
    compiler's words.
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
    holder = tempfile.TemporaryDirectory(prefix="rollcall-bench-")
    _kept.append(holder)
    return Path(holder.name)


_kept: list[tempfile.TemporaryDirectory[str]] = []  # removed when the interpreter ends
