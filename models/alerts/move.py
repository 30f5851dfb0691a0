"""Moving alerts: the table of moves, applied to rows, each in the trail and in the feed with the same commit."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import dict_row
from sqlalchemy import Engine

from models import feed
from models.alerts.clock import escalates_at, relapses_at
from models.alerts.moves import MoveRefused, status_after
from models.alerts.rows import Alert, Entry, fields_of, lock_alerts, save
from models.database import transaction
from models.policy import Policy, merged
from models.vocabulary import OPEN, TAKEN_UP


class Actor(NamedTuple):
    """Who moves: the token's sub, role and sites (None for all of them)."""

    sub: str
    role: str
    sites: frozenset[int] | None

    def covers(self, site_id: int) -> bool:
        return self.sites is None or site_id in self.sites


class Wanted(NamedTuple):
    """One move that somebody wants. With `version`, only if the alert is still as they saw it."""

    alert_id: UUID
    move: str
    note: str | None = None
    assignee: str | None = None
    version: int | None = None


class Moved(NamedTuple):
    """What became of it: the alert as it is now (None where there is none to see), and the refusal if there was one."""

    alert: dict[str, Any] | None
    refused: MoveRefused | None = None


class Said(NamedTuple):
    """What to emit once it is committed; `appended` is None where there is nothing to say."""

    appended: feed.Appended | None
    messages: list[feed.Message]


POLICIES = "alert.*, tenant.policy AS tenant_policy, site.policy AS site_policy, site.timezone"
WITH_POLICIES = "alert JOIN tenant USING (tenant_id) LEFT JOIN site USING (tenant_id, site_id)"
_READ = f"SELECT {POLICIES} FROM {WITH_POLICIES} WHERE alert.tenant_id = %s AND alert_id = ANY(%s)"


def make_moves(engine: Engine, tenant_id: int, actor: Actor, wanted: Sequence[Wanted]) -> tuple[list[Moved], Said]:
    """Each move or its refusal, in the order given; those that are allowed commit together.

    Two operators at once take turns: the second is judged by the state that the first one led to.
    """
    with transaction(engine) as cursor:
        at = lock_alerts(cursor, tenant_id)
        rows = _read(cursor, tenant_id, [want.alert_id for want in wanted])
        entries: dict[UUID, Entry] = {}
        refusals = [_move(rows, entries, actor, want, at) for want in wanted]
        messages = save(cursor, list(entries.values()), at)
        appended = feed.append(cursor, tenant_id, messages) if messages else None
    moved = [Moved(_seen(rows.get(want.alert_id), refusal), refusal) for want, refusal in zip(wanted, refusals, strict=True)]
    return moved, Said(appended, messages)


def apply(alert: Alert, move: str, role: str, policy: Policy, at: datetime, arguments: Mapping[str, object]) -> str:
    """Change `alert` as the move says; the status it came from. Raises MoveRefused, and then nothing is changed."""
    before: str = alert["status"]
    alert["status"] = status_after(move, before, role, arguments)
    if move == "assign":
        alert["assigned_to"] = arguments["assignee"]
    if move == "escalate":
        _step_up(alert, policy)
    if move in ("relapse", "raise"):
        alert.update(assigned_to=None, escalation_step=0, escalated_to=None)
    if before == "SUPPRESSED" and move != "note":
        alert.update(quiet_id=None, quiet_until=None, quiet_reason=None)
    _keep_times(alert, at)
    # A note on one that waits for somebody is no acknowledgement: its time runs on.
    if move != "note" or alert["status"] in TAKEN_UP:
        alert["escalates_at"] = escalates_at(alert, policy, at)
        alert["relapses_at"] = relapses_at(alert, policy, at)
    return before


def policy_of(row: Alert) -> Policy:
    """Of a row read with POLICIES."""
    return merged(row["tenant_policy"], row["site_policy"])


def _read(cursor: Cursor, tenant_id: int, alert_ids: list[UUID]) -> dict[UUID, Alert]:
    with cursor.connection.cursor(row_factory=dict_row) as rows:
        return {row["alert_id"]: row for row in rows.execute(_READ, (tenant_id, alert_ids))}


def _move(rows: Mapping[UUID, Alert], entries: dict[UUID, Entry], actor: Actor, want: Wanted, at: datetime) -> MoveRefused | None:
    row = rows.get(want.alert_id)
    if row is None or not actor.covers(row["site_id"]):
        return MoveRefused("not_found", "There is no such alert.")
    if want.alert_id in entries:
        return MoveRefused("invalid", "The alert is named twice; give each one move.")
    if want.version is not None and want.version != row["version"]:
        return MoveRefused("conflict", f"The alert has changed since version {want.version}; it is at version {row['version']} now.")
    try:
        before = apply(row, want.move, actor.role, policy_of(row), at, {"note": want.note, "assignee": want.assignee})
    except MoveRefused as refusal:
        return refusal
    entries[want.alert_id] = Entry(row, actor.sub, actor.role, want.move, before, want.note, want.assignee)
    return None


def _step_up(alert: Alert, policy: Policy) -> None:
    """To the next role of the chain; past its end the last one keeps it."""
    chain = policy.escalation_chain
    if alert["escalation_step"] < len(chain):
        alert["escalated_to"] = chain[alert["escalation_step"]].role
        alert["escalation_step"] += 1
    alert["assigned_to"] = None


def _keep_times(alert: Alert, at: datetime) -> None:
    if alert["status"] in TAKEN_UP and alert["acknowledged_at"] is None:
        alert.update(acknowledged_at=at, seconds_to_acknowledge=(at - alert["created_at"]).total_seconds())
    if alert["status"] not in OPEN and alert["resolved_at"] is None:
        alert.update(resolved_at=at, seconds_to_resolve=(at - alert["created_at"]).total_seconds())


def _seen(row: Alert | None, refusal: MoveRefused | None) -> dict[str, Any] | None:
    return fields_of(row) if row and not (refusal and refusal.code == "not_found") else None
