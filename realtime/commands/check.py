"""`rollcall check`."""

import json

import click


@click.command(
    short_help="Say whether settings make sense, and Postgres, Redis, broker and keys answer.",
    epilog="""\b
Examples:
  rollcall check
  rollcall check --json | jq .ok
  rollcall check && rollcall serve

The status is 0 where all is well, else 1.""",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object instead of a line for each.",
)
def command(as_json: bool) -> int:
    """Say of each thing that Rollcall needs whether it is `ok` or `FAILED`, and what to do.

    These are the settings, all of them at once; Postgres, its revision, and whether it can write;
    Redis; the broker; and the keys at JWT_JWKS_URL, where that is set. It takes a few seconds.
    """
    # Imported here: SQLAlchemy, Socket.IO and Celery, which help and completion go without.
    from models.migrations.revision import newest_revision
    from models.version import rollcall_version
    from realtime.commands.checks import check_all

    answers = check_all()
    well = all(answer.ok for answer in answers)
    if as_json:
        release = {"version": rollcall_version(), "revision": newest_revision()}
        checks = [answer._asdict() for answer in answers]
        click.echo(json.dumps({"ok": well, **release, "checks": checks}, indent=2))
    else:
        for answer in answers:
            click.echo(f"{'ok' if answer.ok else 'FAILED':6}  {answer.name:8}  {answer.detail}")
    return 0 if well else 1
