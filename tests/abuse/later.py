"""Runs a server for which time jumps: `python -m tests.abuse.later FILE`, as `python -m realtime`.

Once FILE is there, the server's monotonic clock is JUMP_SECONDS ahead: what it keeps for minutes is
old. Its timers go on as before.
"""

import runpy
import sys
import threading
import time
from pathlib import Path

JUMP_SECONDS = 400.0
_LOOK_SECONDS = 0.05


def main(file: Path) -> None:
    monotonic, ahead = time.monotonic, [0.0]
    time.monotonic = lambda: monotonic() + ahead[0]

    def jump() -> None:
        while not file.exists():
            time.sleep(_LOOK_SECONDS)
        ahead[0] = JUMP_SECONDS

    threading.Thread(target=jump, daemon=True).start()
    sys.argv[1:] = []
    runpy.run_module("realtime", run_name="__main__")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
