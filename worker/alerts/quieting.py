"""Alerts that fall into quiet: new ones, and those nobody has taken up yet when a further anomaly comes."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from psycopg import Cursor

from models.alerts.move import apply
from models.alerts.moves import MOVES, SYSTEM
from models.alerts.quiet import Cover, Quiet, cover_of
from models.alerts.quiet_rows import read_quiet
from models.alerts.rows import Alert, Entry
from worker.rules.window import Window

# What falls into quiet, and what is in it.
_MAY_BE_QUIET = MOVES["suppress"].sources | MOVES["raise"].sources


def hush(cursor: Cursor, window: Window, entries: Sequence[Entry]) -> list[Entry]:
    """The entries, their alerts SUPPRESSED where a silence or maintenance window matches now.

    One that was SUPPRESSED and has grown too grave for what hid it is raised.
    """
    quiets = read_quiet(cursor, window.tenant_id, window.as_of)
    return [_hushed(window, quiets, entry) for entry in entries]


def _hushed(window: Window, quiets: Sequence[Quiet], entry: Entry) -> Entry:
    alert = entry.alert
    if alert["status"] not in _MAY_BE_QUIET:
        return entry
    site = window.sites.get(alert["site_id"])
    cover = cover_of(quiets, alert, window.as_of, ZoneInfo(site.timezone if site else "UTC"))
    if cover is None:
        if alert["status"] == "SUPPRESSED":
            apply(alert, "raise", SYSTEM, window.policy(alert["site_id"]), window.as_of, {})
            return entry._replace(note="What kept it quiet does not match it any more.")
        return entry
    if alert["status"] in MOVES["suppress"].sources:
        apply(alert, "suppress", SYSTEM, window.policy(alert["site_id"]), window.as_of, {})
    keep_quiet(alert, cover)
    return entry._replace(note=cover.quiet.reason)


def keep_quiet(alert: Alert, cover: Cover) -> None:
    alert.update(quiet_id=cover.quiet.quiet_id, quiet_until=cover.until, quiet_reason=cover.quiet.reason)
