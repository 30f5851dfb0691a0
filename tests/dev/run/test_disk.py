"""A disk that gets full is spoken of once."""

import errno
import os
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from dev.run.disk import SCARCE_BYTES, Disk, tells_of_full_disk


class Usage(NamedTuple):
    free: int


def test_it_is_said_once_each_time_that_room_gets_scarce(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    disk = Disk(tmp_path, lines.append)
    for free in (2 * SCARCE_BYTES, 9 << 20, SCARCE_BYTES + 1, 8 << 20, 2 * SCARCE_BYTES, 7 << 20):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: Usage(free))
        disk.look()
    assert len(lines) == 2
    assert f"the disk of {tmp_path} is nearly full, 9 MB are left" in lines[0]
    assert "7 MB" in lines[1]


def test_a_full_disk_is_known_by_what_the_system_calls_it() -> None:
    assert tells_of_full_disk(f"PANIC: could not write to file: {os.strerror(errno.ENOSPC)}")
    assert tells_of_full_disk(str(OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))))
    assert not tells_of_full_disk(str(OSError(errno.EACCES, os.strerror(errno.EACCES))))
