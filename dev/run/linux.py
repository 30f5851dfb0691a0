"""Two calls of the Linux kernel that Python has no names for. Elsewhere they do nothing; what a
kill -9 leaves is not ended there.
"""

import ctypes
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Have descendants whose parents die become children of this process."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent(end: signal.Signals) -> None:
    """Have this process get the signal `end` when its parent dies."""
    _prctl(_PR_SET_PDEATHSIG, end)


def _prctl(option: int, value: int) -> None:
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl({option})")
