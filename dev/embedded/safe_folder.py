"""Folders in the machine's temporary ones that everybody may enter and only we may change.

Each is locked as long as it is used. One without a lock was left behind by a killed process, and
the next process removes it.
"""

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "rollcall-postgres-"
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def parents() -> list[Path]:
    """The temporary folders in which no other user can take away, or replace, what is ours."""
    candidates = [Path(tempfile.gettempdir()).resolve(), Path("/tmp"), Path("/var/tmp")]  # noqa: S108
    return [
        folder
        for folder in dict.fromkeys(candidates)
        if folder.is_dir() and all(map(_is_protected, (folder, *folder.parents)))
    ]


@contextmanager
def safe_folder(parent: Path) -> Iterator[Path]:
    """Yield a new folder in `parent`, removed in the end. Removes those left behind there."""
    remove_left_behind(parent)
    with contextlib.ExitStack() as cleanup:
        folder = _make_locked(parent, cleanup)
        cleanup.callback(shutil.rmtree, folder)
        yield folder


def remove_left_behind(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        # An error says that it is in use, a link, or just removed by another process.
        with contextlib.suppress(OSError), _opened(folder) as descriptor:
            status = os.fstat(descriptor)
            if status.st_uid == os.geteuid() and not status.st_mode & _WRITABLE_BY_OTHERS:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)


def _make_locked(parent: Path, cleanup: contextlib.ExitStack) -> Path:
    """Make a folder that is locked until `cleanup` closes. Try again where another process took it
    for one left behind, and removed it, before it was locked.
    """
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        descriptor = cleanup.enter_context(_opened(folder))
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if folder.exists():
            return folder


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _is_protected(folder: Path) -> bool:
    """Whether nobody but us and root can take an entry of ours out of it."""
    status = folder.stat()
    return status.st_uid in (0, os.geteuid()) and (
        not status.st_mode & _WRITABLE_BY_OTHERS or bool(status.st_mode & stat.S_ISVTX)
    )
