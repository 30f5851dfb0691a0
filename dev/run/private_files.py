"""Files that only their owner may read: written whole or not at all."""

import os
import secrets
import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Replace `path` by a file of mode 0600, in one step."""
    # 0600 by itself
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    Path(temporary).replace(path)


def kept_secret(path: Path) -> str:
    """The secret in `path`; 32 random bytes in hex, the first time."""
    if not path.exists():
        write_private(path, secrets.token_hex(32))
    return path.read_text()


def write_env(path: Path, settings: Mapping[str, str]) -> None:
    """Settings as a shell sources them: `set -a; . path; set +a`."""
    write_private(
        path, "".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.items())
    )
