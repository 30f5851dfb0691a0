"""Tells why nothing could be installed, in one line made of the many that were printed."""

import errno
import os
import shutil
import sys
from pathlib import Path

# A disk with no more than this counts as full: pip has cleaned up by the time that we look.
LITTLE_BYTES = 32 << 20


def reason(output: str) -> str:
    """The reason in one line. `output` is what `venv` or `pip` printed, or an OSError's text."""
    checkout = Path.cwd()
    full = [
        str(folder)
        for folder in _written_to(checkout)
        if shutil.disk_usage(folder).free < LITTLE_BYTES
    ]
    if full or _says(output, errno.ENOSPC, errno.EDQUOT):
        return (
            f"no space left on the disk of {' and '.join(full) or checkout}: "
            ".venv takes 300 MB, with what `make test` needs 800 MB"
        )
    if _says(output, errno.EACCES, errno.EPERM, errno.EROFS):
        return f"may not write to {checkout}, where .venv is to be: {_last_line(output)}"
    if "ensurepip" in output or "No module named venv" in output:
        return (
            f"{sys.executable} cannot make a virtual environment, "
            "as it lacks venv or ensurepip; on Debian and Ubuntu: "
            f"apt-get install python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        )
    return _last_line(output)


def _written_to(checkout: Path) -> list[Path]:
    temporary = Path(os.environ.get("TMPDIR") or "/tmp")  # noqa: S108 - tempfile's last resort too
    return [folder for folder in (checkout, temporary) if folder.is_dir()]


def _says(output: str, *error_numbers: int) -> bool:
    return any(os.strerror(number) in output for number in error_numbers)


def _last_line(output: str) -> str:
    """The last of pip's errors, which names what it could not do; without any, the last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or [
        "it failed without a word"
    ]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines)[-1]
