"""Ends every process that this one started, directly or not."""

import contextlib
from collections.abc import Callable

import psutil


def end_descendants(seconds: float) -> None:
    """Ask all of them to end, and kill those that have not after `seconds`. None is left when this
    returns.
    """
    descendants = psutil.Process().children(recursive=True)
    _each(descendants, psutil.Process.resume)
    _each(descendants, psutil.Process.terminate)
    psutil.wait_procs(descendants, timeout=seconds)
    while remaining := _running():
        _each(remaining, psutil.Process.kill)
        psutil.wait_procs(remaining, timeout=5)


def _running() -> list[psutil.Process]:
    running = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                running.append(process)
    return running


def _each(processes: list[psutil.Process], act: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            act(process)
