"""Warns in one line before a full disk stops anything, and tells a full disk by what failed."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

SCARCE_BYTES = 64 << 20  # PostgreSQL takes 16 MB at a time for its log of changes
_FULL = tuple(os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT))


class Disk:
    """The disk with `folder`. It calls `say` once each time that its room gets scarce."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.folder = folder
        self.say = say
        self.scarce = False

    def look(self) -> None:
        free = shutil.disk_usage(self.folder).free
        if free < SCARCE_BYTES and not self.scarce:
            self.say(
                f"the disk of {self.folder} is nearly full, {free >> 20} MB are left: "
                "without room nothing new can be stored"
            )
        # With twice the limit, the line is not repeated where room comes and goes.
        self.scarce = free < (2 * SCARCE_BYTES if self.scarce else SCARCE_BYTES)


def tells_of_full_disk(text: str) -> bool:
    """Whether the text, of a program or an error, means that a disk is full."""
    return any(words in text for words in _FULL)
