"""Ending every process that this one started, directly or not."""

import contextlib
from collections.abc import Callable

import psutil


def end_descendants(patience: float) -> None:
    """Ask all of them to end, and kill those that have not after `patience` seconds. Nothing is
    left when it returns.
    """
    descendants = psutil.Process().children(recursive=True)
    _each(descendants, psutil.Process.resume)
    _each(descendants, psutil.Process.terminate)
    psutil.wait_procs(descendants, timeout=patience)
    while remaining := _running():
        _each(remaining, psutil.Process.kill)
        psutil.wait_procs(remaining, timeout=5)


def _running() -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _each(processes: list[psutil.Process], act: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            act(process)
