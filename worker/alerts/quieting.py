"""Suppress alerts that fall into quiet.

These are new ones, and those that nobody has taken up yet when one more anomaly comes.
"""

from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from psycopg import Cursor

from models.alerts.alert import Alert
from models.alerts.move import apply
from models.alerts.moves import MOVES, SYSTEM
from models.alerts.quiet import Cover, Quiet, cover_of
from models.alerts.quiet_rows import read_quiet
from models.alerts.rows import Entry
from worker.rules.window import Window

# The states of alerts that may fall into quiet, and of those that are in it.
_MAY_BE_QUIET = MOVES["suppress"].sources | MOVES["raise"].sources


def apply_quiet(cursor: Cursor, window: Window, entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries, their alerts SUPPRESSED where a silence or maintenance window matches.

    An alert that was SUPPRESSED and has grown too grave for what hid it is raised.
    """
    quiets = read_quiet(cursor, window.tenant_id, window.as_of)
    return [_with_quiet(window, quiets, entry) for entry in entries]


def _with_quiet(window: Window, quiets: Sequence[Quiet], entry: Entry) -> Entry:
    alert, as_of = entry.alert, window.as_of
    if alert.status not in _MAY_BE_QUIET:
        return entry
    cover = cover_of(quiets, alert, as_of, ZoneInfo(window.timezone(alert.site_id)))
    policy = window.policy(alert.site_id, as_of)
    if cover:
        if alert.status in MOVES["suppress"].sources:
            alert = apply(alert, "suppress", SYSTEM, policy, as_of, {})
        return replace(entry, alert=kept_quiet(alert, cover), note=cover.quiet.reason)
    if alert.status in MOVES["suppress"].sources:
        return entry
    raised = apply(alert, "raise", SYSTEM, policy, as_of, {})
    return replace(entry, alert=raised, note="What kept it quiet does not match it any more.")


def kept_quiet(alert: Alert, cover: Cover) -> Alert:
    """Return the alert as this cover keeps it quiet."""
    return replace(
        alert,
        quiet_id=cover.quiet.quiet_id,
        quiet_until=cover.until,
        quiet_reason=cover.quiet.reason,
    )
