"""`make run` starts this: `python -m dev run`."""

import argparse
import os
import sys
from functools import partial
from pathlib import Path

from dev.run.guard import guarded
from dev.run.refusals import lock_folder
from dev.run.runner import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser(
        "run", help="start everything, with a Postgres and a Redis of its own where none is named"
    )
    parser.parse_args()
    folder = Path(os.environ.get("DATA_DIR") or ".data").absolute()
    with lock_folder(folder):
        return guarded(partial(run, folder))


if __name__ == "__main__":
    sys.exit(main())
