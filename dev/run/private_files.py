"""Writes files that only their owner may read, whole or not at all."""

import os
import secrets
import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Replace `path` by a file of mode 0600, in one step."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # is 0600
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    Path(temporary).replace(path)


def kept_secret(path: Path) -> str:
    """Return the secret in `path`; the first time, make one of 32 random bytes in hex."""
    if not path.exists():
        write_private(path, secrets.token_hex(32))
    return path.read_text()


def write_env(path: Path, settings: Mapping[str, str]) -> None:
    """Write settings as a shell sources them: `set -a; . path; set +a`."""
    write_private(
        path, "".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.items())
    )
