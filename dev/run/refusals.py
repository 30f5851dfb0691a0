"""Why a runner does not start: said before it has touched anything."""

import fcntl
import os
import shlex
import sys
from pathlib import Path
from typing import TextIO

from dev.embedded.ports import is_taken


class Refusal(SystemExit):
    """Printed as it is; status 2."""

    def __init__(self, message: str) -> None:
        super().__init__(2)
        print(f"rollcall: {message}", file=sys.stderr)


def lock_folder(folder: Path) -> TextIO:
    """Hold `folder` as long as the file returned is open, in this process or one forked from it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("a+")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
    except BlockingIOError:
        raise Refusal(
            f"already running on {folder} (process {(folder / 'lock').read_text() or 'unknown'}): stop that one with Ctrl-C, join it by "
            f"`set -a; . {shlex.quote(f'{folder}/env')}; set +a`, or start another with a DATA_DIR, PORT and FLOWER_PORT of its own"
        ) from None
    except OSError as error:
        raise Refusal(
            f"cannot keep anything in {folder} ({error.strerror}): choose another DATA_DIR"
        ) from None
    return lock


def check_ports(ports: dict[str, int]) -> None:
    """`ports` by the setting's name. Raises Refusal naming every one that is taken."""
    alike = [name for name, port in ports.items() if list(ports.values()).count(port) > 1]
    if alike:
        raise Refusal(f"{' and '.join(alike)} are the same port; each needs one of its own")
    taken = [f"{name}={port}" for name, port in ports.items() if is_taken(port)]
    if taken:
        raise Refusal(
            f"another program listens on {' and '.join(taken)}: stop it, or choose another port in the environment"
        )
