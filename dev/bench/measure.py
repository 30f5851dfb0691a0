"""Measures from outside what a process used; and the few statistics the tables need."""

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

import psutil

NANOSECONDS = 1e9


def cpu_seconds(*pids: int) -> float:
    """CPU time of the processes with all their children, ended ones included; in steps of 10 ms."""
    return sum(_with_reaped_children(process) for process in family(pids))


def cpu_seconds_of_one(pid: int) -> float:
    """CPU time of one process whose threads live on; to the nanosecond where the kernel tells
    (Linux).
    """
    stats = [thread / "schedstat" for thread in Path(f"/proc/{pid}/task").glob("*")]
    if not stats or not stats[0].exists():
        return cpu_seconds(pid)
    return sum(int(stat.read_text().split()[0]) for stat in stats) / NANOSECONDS


def rss_bytes(*pids: int) -> int:
    return sum(process.memory_info().rss for process in family(pids))


def family(pids: Iterable[int]) -> list[psutil.Process]:
    """The processes and all that descend from them, each once."""
    by_pid: dict[int, psutil.Process] = {}
    for pid in pids:
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            by_pid[process.pid] = process
    return list(by_pid.values())


def _with_reaped_children(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:  # it has just ended; its parent has its time by now
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0..1) of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Iterable[float]) -> float:
    return statistics.median(values)
