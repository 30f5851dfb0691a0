"""The command line of the demo: `python -m dev.demo load` loads the demo companies and some days of
history, `python -m dev.demo stream` has them work until it is ended.

DEMO_SPEED says how many times faster than real the simulated clock runs (180: a day in eight
minutes).
"""

import argparse
import os
import signal
import threading
from pathlib import Path

from dev.demo.load import load
from dev.demo.stream import Stream
from dev.existing_app import ExistingApp
from models.database import make_engine
from models.logs import configure_logs
from models.settings import load_settings


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dev.demo", description=__doc__)
    parser.add_argument("command", choices=("load", "stream"))
    command = parser.parse_args().command
    settings = load_settings()
    configure_logs(settings.log_level)
    folder = Path(settings.data_dir)
    if command == "load":
        load(make_engine(settings.database_url), folder)
    else:
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        Stream(ExistingApp(settings.broker_url), folder, _speed(), stopping).run()


def _speed() -> float:
    value = os.environ.get("DEMO_SPEED", "") or "180"
    try:
        speed = float(value)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= 3_600:
        raise SystemExit(
            f"DEMO_SPEED: {value!r} is no speed; give a number over 0, up to 3600, such as 180"
        )
    return speed


if __name__ == "__main__":
    main()
