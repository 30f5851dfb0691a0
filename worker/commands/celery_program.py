"""Celery's own program, in this process and with our app, as if `celery -A worker ...` had been typed."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

celery_options = click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[CELERY'S OPTIONS]...")


def run_celery(subcommand: str, options: Sequence[str]) -> NoReturn:
    """Run `celery -A worker SUBCOMMAND OPTIONS`. Raises SystemExit with its status, or SettingsError."""
    # Imported here, and Celery last: help and completion need neither, a wrong setting only the first.
    from models.settings import load_settings

    load_settings()
    # Celery reads its arguments here in several places, and starts itself by them anew on SIGHUP and --detach.
    sys.argv = [str(Path(sys.executable).with_name("celery")), "-A", "worker", subcommand, *options]
    from celery.__main__ import main

    main()
    raise AssertionError("Celery's program ends by SystemExit")
