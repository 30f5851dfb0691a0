"""`rollcall beat`."""

import click

from worker.commands.celery_program import celery_options, run_celery


@click.command(
    short_help="Start the sweeps: `celery -A worker beat`.",
    context_settings={"ignore_unknown_options": True},
    epilog="""\b
Examples:
  rollcall beat
  rollcall beat --pidfile /run/rollcall/beat.pid
  rollcall beat -- --help                # all options of Celery's""",
)
@celery_options
def command(options: tuple[str, ...]) -> None:
    """Tell the workers when to sweep, until SIGTERM.

    It is `celery -A worker beat`, with whatever options of Celery's are given.
    """
    run_celery("beat", options)
