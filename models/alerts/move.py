"""Moving alerts: each move is in the trail and in the feed with the same commit."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import dict_row
from sqlalchemy import Engine

from models import feed
from models.alerts.alert import Alert
from models.alerts.clock import escalates_at, relapses_at
from models.alerts.moves import MoveRefused, status_after
from models.alerts.rows import SELECTED, Entry, alert_in, fields_of, lock_alerts, messages_of, save
from models.database import transaction
from models.ids import Id
from models.policy import Policy, merged
from models.vocabulary import OPEN, TAKEN_UP


class Actor(NamedTuple):
    """Whoever moves alerts: the token's sub, role and sites (None for all of them)."""

    sub: str
    role: str
    sites: frozenset[Id] | None

    def covers(self, site_id: Id) -> bool:
        return self.sites is None or site_id in self.sites


class WantedMove(NamedTuple):
    """A move that somebody wants. With `version`, only if the alert is still as they saw it."""

    alert_id: UUID
    move: str
    note: str | None = None
    assignee: str | None = None
    version: int | None = None


class Moved(NamedTuple):
    """What became of a move: the alert's payload now, and the refusal if there was one.

    `alert` is None where the actor may see no such alert.
    """

    alert: dict[str, Any] | None
    refused: MoveRefused | None = None


class ToPublish(NamedTuple):
    """The messages to publish once they are committed; without any, `appended` is None."""

    appended: feed.Appended | None
    messages: list[feed.Message]


class Standing(NamedTuple):
    """An alert and the policy of its site."""

    alert: Alert
    policy: Policy


POLICIES = f"{SELECTED}, tenant.policy AS tenant_policy, site.policy AS site_policy, site.timezone"
WITH_POLICIES = "alert JOIN tenant USING (tenant_id) LEFT JOIN site USING (tenant_id, site_id)"
_READ = f"""
SELECT {POLICIES} FROM {WITH_POLICIES} WHERE alert.tenant_id = %s AND alert_id = ANY(%s)
"""


def make_moves(
    engine: Engine,
    tenant_id: Id,
    actor: Actor,
    moves: Sequence[WantedMove],
) -> tuple[list[Moved], ToPublish]:
    """Make the moves that are allowed, and commit them together.

    Return what became of each, in their order, and what to publish. Two operators at once take
    turns: the second one's moves are judged by the state that the first one's have led to.
    """
    with transaction(engine) as cursor:
        at = lock_alerts(cursor, tenant_id)
        standings = _read(cursor, tenant_id, [move.alert_id for move in moves])
        entries: dict[UUID, Entry] = {}
        refusals = [_move(standings, entries, actor, move, at) for move in moves]
        saved = save(cursor, list(entries.values()), at)
        messages = messages_of(saved)
        appended = feed.append(cursor, tenant_id, messages) if messages else None
    alerts = {alert_id: standing.alert for alert_id, standing in standings.items()}
    alerts |= {entry.alert.alert_id: entry.alert for entry in saved}
    outcomes = [
        _outcome(alerts, move, refused) for move, refused in zip(moves, refusals, strict=True)
    ]
    return outcomes, ToPublish(appended, messages)


def apply(
    alert: Alert,
    move: str,
    role: str,
    policy: Policy,
    at: datetime,
    arguments: Mapping[str, object],
) -> Alert:
    """Return the alert as it is after the move. Raises MoveRefused."""
    moved = replace(alert, status=status_after(move, alert.status, role, arguments))
    if move == "assign":
        moved = replace(moved, assigned_to=str(arguments["assignee"]))
    if move == "escalate":
        moved = _step_up(moved, policy)
    if move in ("relapse", "raise"):
        moved = replace(moved, assigned_to=None, escalation_step=0, escalated_to=None)
    if alert.status == "SUPPRESSED" and move != "note":
        moved = replace(moved, quiet_id=None, quiet_until=None, quiet_reason=None)
    moved = _keep_times(moved, at)
    # A note acknowledges nothing: the time of an alert that nobody has taken up runs on.
    if move == "note" and moved.status not in TAKEN_UP:
        return moved
    due, relapse = escalates_at(moved, policy, at), relapses_at(moved, policy, at)
    return replace(moved, escalates_at=due, relapses_at=relapse)


def policy_in(row: Mapping[str, Any]) -> Policy:
    """Return the policy of the site in a row that was read with POLICIES."""
    return merged(row["tenant_policy"], row["site_policy"])


def _read(cursor: Cursor, tenant_id: Id, alert_ids: list[UUID]) -> dict[UUID, Standing]:
    with cursor.connection.cursor(row_factory=dict_row) as reader:
        rows = reader.execute(_READ, (tenant_id, alert_ids)).fetchall()
    return {row["alert_id"]: Standing(alert_in(row), policy_in(row)) for row in rows}


def _move(
    standings: Mapping[UUID, Standing],
    entries: dict[UUID, Entry],
    actor: Actor,
    wanted: WantedMove,
    at: datetime,
) -> MoveRefused | None:
    """Add the move to `entries`, or return why it is refused."""
    standing = standings.get(wanted.alert_id)
    if standing is None or not actor.covers(standing.alert.site_id):
        return MoveRefused("not_found", "There is no such alert.")
    if wanted.alert_id in entries:
        return MoveRefused("invalid", "The alert is named twice; give each one move.")
    try:
        entries[wanted.alert_id] = _entry(standing, actor, wanted, at)
    except MoveRefused as refused:
        return refused
    return None


def _entry(standing: Standing, actor: Actor, wanted: WantedMove, at: datetime) -> Entry:
    alert, policy = standing
    if wanted.version is not None and wanted.version != alert.version:
        seen = f"The alert has changed since version {wanted.version}"
        raise MoveRefused("conflict", f"{seen}; it is at version {alert.version} now.")
    arguments = {"note": wanted.note, "assignee": wanted.assignee}
    return Entry(
        before=alert,
        alert=apply(alert, wanted.move, actor.role, policy, at, arguments),
        actor=actor.sub,
        role=actor.role,
        move=wanted.move,
        note=wanted.note,
        assignee=wanted.assignee,
    )


def _outcome(
    alerts: Mapping[UUID, Alert], wanted: WantedMove, refused: MoveRefused | None
) -> Moved:
    if refused and refused.code == "not_found":
        return Moved(None, refused)
    return Moved(fields_of(alerts[wanted.alert_id]), refused)


def _step_up(alert: Alert, policy: Policy) -> Alert:
    """Escalate to the next role of the chain; past its end the last one keeps the alert."""
    chain, step = policy.escalation_chain, alert.escalation_step
    if step >= len(chain):
        return replace(alert, assigned_to=None)
    role = chain[step].role
    return replace(alert, assigned_to=None, escalated_to=role, escalation_step=step + 1)


def _keep_times(alert: Alert, at: datetime) -> Alert:
    seconds = (at - alert.created_at).total_seconds()
    if alert.status in TAKEN_UP and alert.acknowledged_at is None:
        return replace(alert, acknowledged_at=at, seconds_to_acknowledge=seconds)
    if alert.status not in OPEN and alert.resolved_at is None:
        return replace(alert, resolved_at=at, seconds_to_resolve=seconds)
    return alert
