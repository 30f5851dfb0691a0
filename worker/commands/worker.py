"""`rollcall worker`."""

import click

from worker.commands.celery_program import celery_options, run_celery


@click.command(
    short_help="Take tasks: `celery -A worker worker`.",
    context_settings={"ignore_unknown_options": True},
    epilog="""\b
Examples:
  rollcall worker
  rollcall worker --concurrency 4 -n second@%h
  rollcall worker -Q attendance
  rollcall worker -- --help              # all options of Celery's""",
)
@celery_options
def command(options: tuple[str, ...]) -> None:
    """Take tasks until SIGTERM.

    It is `celery -A worker worker`, with whatever options of Celery's are given.
    """
    run_celery("worker", options)
