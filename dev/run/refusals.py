"""Refuses to start a runner, before it has touched anything, and says why."""

import fcntl
import os
import shlex
import sys
from pathlib import Path
from typing import TextIO

from dev.embedded.ports import is_taken


class Refusal(SystemExit):
    """Ends the program with status 2; the message is printed as it is."""

    def __init__(self, message: str) -> None:
        super().__init__(2)
        print(f"rollcall: {message}", file=sys.stderr)


def lock_folder(folder: Path) -> TextIO:
    """Lock `folder` for as long as the file returned is open, in this process or one forked from
    it. Raises Refusal where another runner has it, or it cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("a+")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
    except BlockingIOError:
        process = (folder / "lock").read_text() or "unknown"
        raise Refusal(
            f"already running on {folder} (process {process}): stop that one with Ctrl-C, "
            f"join it by `set -a; . {shlex.quote(f'{folder}/env')}; set +a`, "
            "or start another with a DATA_DIR, PORT and FLOWER_PORT of its own"
        ) from None
    except OSError as error:
        raise Refusal(
            f"cannot keep anything in {folder} ({error.strerror}): choose another DATA_DIR"
        ) from None
    return lock


def check_ports(ports: dict[str, int]) -> None:
    """Check the ports, by the names of their settings. Raises Refusal with every one that is taken,
    or is the same as another.
    """
    equal = [name for name, port in ports.items() if list(ports.values()).count(port) > 1]
    if equal:
        raise Refusal(f"{' and '.join(equal)} are the same port; each needs one of its own")
    taken = [f"{name}={port}" for name, port in ports.items() if is_taken(port)]
    if taken:
        raise Refusal(
            f"another program listens on {' and '.join(taken)}: "
            "stop it, or choose another port in the environment"
        )
