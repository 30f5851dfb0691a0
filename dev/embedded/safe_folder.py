"""Folders in the machine's temporary ones, which everybody may enter and only we may change.

Each is locked as long as it is held: one that a killed process left behind is known by that, and
removed by the next.
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
    known = [Path(tempfile.gettempdir()).resolve(), Path("/tmp"), Path("/var/tmp")]  # noqa: S108
    return [
        folder
        for folder in dict.fromkeys(known)
        if folder.is_dir() and all(map(_keeps, (folder, *folder.parents)))
    ]


@contextmanager
def safe_folder(parent: Path) -> Iterator[Path]:
    """A new folder in `parent`, removed in the end. Removes those left behind there."""
    remove_left_behind(parent)
    with contextlib.ExitStack() as held:
        folder = _made(parent, held)
        held.callback(shutil.rmtree, folder)
        yield folder


def remove_left_behind(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        # An error: it is in use, a link, or removed by another this moment.
        with contextlib.suppress(OSError), _opened(folder) as descriptor:
            made_by_us = os.fstat(descriptor)
            if made_by_us.st_uid == os.geteuid() and not made_by_us.st_mode & _WRITABLE_BY_OTHERS:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)


def _made(parent: Path, held: contextlib.ExitStack) -> Path:
    """A folder that is locked until `held` ends. Before it was, another process may have taken it
    for one left behind.
    """
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        descriptor = held.enter_context(_opened(folder))
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


def _keeps(folder: Path) -> bool:
    """Whether nobody but us and root can take an entry of ours out of it."""
    state = folder.stat()
    return state.st_uid in (0, os.geteuid()) and (
        not state.st_mode & _WRITABLE_BY_OTHERS or bool(state.st_mode & stat.S_ISVTX)
    )
