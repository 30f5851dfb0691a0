"""Celery's own program, in this process, as if `celery -A worker ...` had been typed."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

celery_options = click.argument(
    "options",
    nargs=-1,
    type=click.UNPROCESSED,
    metavar="[CELERY'S OPTIONS]...",
)


def run_celery(subcommand: str, options: Sequence[str]) -> NoReturn:
    """Run `celery -A worker SUBCOMMAND OPTIONS`. Raises SystemExit with its status."""
    # Imported here, and Celery last: help needs neither, a wrong setting only the first.
    from models.settings import load_settings

    load_settings()
    # Celery reads its arguments here, and on SIGHUP and --detach starts itself anew by them.
    sys.argv = [str(Path(sys.executable).with_name("celery")), "-A", "worker", subcommand, *options]
    from celery.__main__ import main

    main()
    raise AssertionError("Celery's program ends by SystemExit")
