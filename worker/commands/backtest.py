"""`rollcall backtest`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from models.commands.ids import ID

_LAST = timedelta(days=1) - timedelta(microseconds=1)


class Moment(click.ParamType[Any]):
    """A moment with its offset; or a date, which means the moment `of_day` after its 00:00 UTC."""

    name = "date or moment"

    def __init__(self, of_day: timedelta) -> None:
        self._of_day = of_day

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> datetime:
        # Imported here, as it is only needed where a time is given.
        from models.schemas.instants import parse_instant

        try:
            moment = parse_instant(value)
        except ValueError:
            advice = "write 2026-03-01 or 2026-03-01T08:00+01:00"
            self.fail(f"{value!r} is neither a date nor a moment; {advice}", param, ctx)
        if len(value) == len("2026-03-01"):
            return moment.replace(tzinfo=UTC) + self._of_day
        if moment.tzinfo is None:
            advice = f"write for instance {value}Z or {value}+01:00"
            self.fail(f"{value!r} has no offset; {advice}", param, ctx)
        return moment


_FIRST: Callable[..., Any] = click.option(
    "--from",
    "since",
    type=Moment(timedelta(0)),
    required=True,
    metavar="TIME",
    help="2026-03-01 (UTC), or a moment with its offset.",
)
_UNTIL: Callable[..., Any] = click.option(
    "--to",
    "until",
    type=Moment(_LAST),
    metavar="TIME",
    help="Likewise, included; now where it is left out.",
)


@click.command(
    short_help="Judge history again under another policy.",
    epilog="""\b
Examples:
  rollcall backtest --tenant 1 --policy policy.json --from 2026-10-01 --to 2026-10-31
  rollcall backtest --tenant 1 --policy policy.json --from 2026-11-23T08:00+01:00 --json""",
)
@click.option("--tenant", type=ID, required=True, help="The tenant_id.")
@click.option(
    "--policy",
    required=True,
    metavar="FILE",
    help='JSON: policy keys, or {"tenant": {...}, "sites": {"15": {...}}}.',
)
@_FIRST
@_UNTIL
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(
    tenant: Any,
    policy: str,
    since: datetime,
    until: datetime | None,
    as_json: bool,
) -> int:
    """Judge history again under another policy, and print what would change.

    Nothing is stored or sent.
    """
    # Imported here: all detectors with NumPy and Shapely, which help and completion go without.
    from models.numbering import find_tenant
    from worker.commands.backtesting import backtest
    from worker.commands.installation import database

    with database() as engine:
        return backtest(engine, find_tenant(engine, tenant), policy, since, until, as_json=as_json)
