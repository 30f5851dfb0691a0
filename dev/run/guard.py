"""Runs work in two processes that watch each other, so that none of their descendants outlives a
runner, however it ends.

The first stays with the terminal and passes signals on; the second does the work in a session of
its own. Where the first dies, the second gets SIGTERM; where the second dies, its orphans become
the first one's children, who ends them.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from dev.run import linux
from dev.run.descendants import end_descendants

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def guarded(work: Callable[[], int]) -> int:
    """Run `work`; return the status that it returned, or 1 where it was killed. In `work`, a signal
    to stop is a KeyboardInterrupt.

    Call it before any thread is started.
    """
    linux.adopt_orphans()
    if "MAKELEVEL" in os.environ:  # make cannot pass on that it was killed
        linux.end_with_parent(signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    worker = os.fork()
    if worker == 0:
        _work(work)
    _pass_signals_on(worker)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    _, status = os.waitpid(worker, 0)
    end_descendants(seconds=10)
    if os.WIFEXITED(status):
        return os.WEXITSTATUS(status)
    ended_by = signal.Signals(os.WTERMSIG(status)).name
    print(
        f"rollcall: the runner was ended by {ended_by}; all it had started is stopped",
        file=sys.stderr,
    )
    return 1


def _work(work: Callable[[], int]) -> NoReturn:
    os.setsid()
    linux.adopt_orphans()
    linux.end_with_parent(signal.SIGTERM)
    for number in STOPPING:
        signal.signal(number, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    status = 1
    try:
        status = work()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except KeyboardInterrupt:  # a second one, while it was stopping: wait no longer
        status = 130
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        end_descendants(seconds=3)
        with contextlib.suppress(OSError):  # the terminal may be gone
            sys.stdout.flush()
        os._exit(status)


def _pass_signals_on(worker: int) -> None:
    passed_at = 0.0

    def pass_on(_number: int, _frame: FrameType | None) -> None:
        # One Ctrl-C may arrive twice, from the terminal and from make; a second one that is meant
        # comes later.
        nonlocal passed_at
        if time.monotonic() - passed_at > 1:
            passed_at = time.monotonic()
            os.kill(worker, signal.SIGTERM)

    for number in STOPPING:
        signal.signal(number, pass_on)
