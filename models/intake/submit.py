"""Submitting punches: read them and store what is new, in one statement. Corrections and rejections follow in a transaction.

Cut off between the two, submitting again does what is left: of what was stored it changes nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from psycopg import Cursor
from sqlalchemy import Engine

from models.database import autocommitted, transaction
from models.intake.content import as_text
from models.intake.correct import Again, correct
from models.intake.outcome import Outcome, refusal
from models.intake.reasons import Reason, reason
from models.intake.reject import SITE_UNKNOWN, TENANT_UNKNOWN, Rejection, keep, lock, settle, unreadable
from models.intake.row import ContentKey, Refused, Row, read_punch
from models.intake.store import Placed, insert

MOST_PUNCHES = 10_000


class Taken(NamedTuple):
    """What became of punches, in the order given; and what was refused of them."""

    outcomes: list[Outcome]
    rejections: list[Rejection]


def flaws_of_call(punches: object, backfill: object) -> list[Reason]:
    """Why a call is refused as a whole, whatever its punches are."""
    reasons = []
    if not isinstance(punches, list | tuple):
        reasons.append(reason("wrong_type", "punches", "must be a list"))
    elif not 1 <= len(punches) <= MOST_PUNCHES:
        reasons.append(reason("out_of_range", "punches", f"must hold 1 to {MOST_PUNCHES:,} punches; send them in several calls"))
    if not isinstance(backfill, bool):
        reasons.append(reason("wrong_type", "backfill", "must be true or false, without quotes"))
    return reasons


def take(engine: Engine, punches: Sequence[object], *, door: str, backfill: bool, keeping: bool = True, counted: bool = True) -> Taken:
    """Store `punches` and commit; no SQL statement is run per punch.

    Unless `keeping`, what is refused is only told, not stored; unless `counted`, it is not counted as having come again.
    """
    received_at = datetime.now(UTC)
    read = [_read(content, received_at) for content in punches]
    sound = [each for each in read if isinstance(each, Row)]
    rows = _distinct(sound)
    left = _store_new(engine, rows, received_at, backfill) if rows else {}
    if not left and len(sound) == len(read):
        return Taken([_outcome(row) for row in sound], [])
    with transaction(engine) as cursor:
        accepted, missing = _store_left(cursor, rows, left, received_at, backfill) if left else ([], {})
        verdicts = [_verdict(content, each, missing) for content, each in zip(punches, read, strict=True)]
        rejections = [verdict for verdict in verdicts if isinstance(verdict, Rejection)]
        if touched := {row.tenant_id for row in accepted} | {rejection.tenant_id for rejection in rejections if keeping}:
            lock(cursor, touched)
        if accepted:
            settle(cursor, accepted, received_at)
        if rejections and keeping:
            keep(cursor, rejections, door, received_at, backfill=backfill, counted=counted)
    return Taken([_outcome(verdict) for verdict in verdicts], rejections)


def _read(content: object, received_at: datetime) -> Row | Refused:
    try:
        return read_punch(content, received_at)
    except Refused as refused:
        return refused


def _distinct(rows: Iterable[Row]) -> dict[ContentKey, Row]:
    """Each content once, where it first stood, with the latest `sent_at` it came with."""
    distinct: dict[ContentKey, Row] = {}
    for row in rows:
        key = row.content_key
        first = distinct.setdefault(key, row)
        if row.sent_at and (first.sent_at is None or row.sent_at > first.sent_at):
            distinct[key] = row
    return distinct


def _store_new(engine: Engine, rows: dict[ContentKey, Row], received_at: datetime, backfill: bool) -> dict[ContentKey, Placed]:
    """Store what is new, which is all that most punches need. What is left, by its key."""
    with autocommitted(engine) as cursor:
        placed = insert(cursor, list(rows.values()), received_at, backfill, settling=False)
    return {place.content_key: place for place in placed}


def _store_left(
    cursor: Cursor, rows: dict[ContentKey, Row], left: dict[ContentKey, Placed], received_at: datetime, backfill: bool
) -> tuple[list[Row], dict[ContentKey, Rejection]]:
    """Rows that may settle an earlier rejection, and those refused because of their tenant or site."""
    accepted: list[Row] = []
    if settling := [row for key, row in rows.items() if key in left and left[key].rejected_before]:
        left |= {place.content_key: place for place in insert(cursor, settling, received_at, backfill, settling=True)}
        accepted = [row for row in settling if left[row.content_key].stored]
    places = [(row, left[key]) for key, row in rows.items() if key in left]
    again = [Again(row, place.tenant_known and place.site_known) for row, place in places if not place.stored]
    if not again:
        return accepted, {}
    corrected = correct(cursor, again, received_at, backfill)
    return accepted + corrected.changed, {key: _homeless(rows[key], left[key].tenant_known) for key in corrected.refused}


def _homeless(row: Row, tenant_known: bool) -> Rejection:
    why, waits_for = (SITE_UNKNOWN, "site") if tenant_known else (TENANT_UNKNOWN, "tenant")
    return Rejection(row.tenant_id, row.punch_id, row.person_id, row.site_id, "", row.content_hash, [why], waits_for)


def _verdict(content: object, read: Row | Refused, missing: dict[ContentKey, Rejection]) -> Row | Rejection:
    if isinstance(read, Refused):
        return unreadable(content, read.reasons)
    homeless = missing.get(read.content_key)
    return homeless._replace(content=as_text(content)) if homeless else read


def _outcome(verdict: Row | Rejection) -> Outcome:
    return refusal(verdict) if isinstance(verdict, Rejection) else Outcome(verdict.punch_id, "accepted", [], verdict.tenant_id)


def refuse_call(engine: Engine, call: dict[str, object], reasons: list[Reason], door: str) -> Outcome:
    """Keep the call as it came."""
    rejection = unreadable(call, reasons)._replace(tenant_id=_common_tenant(call["punches"]))
    with transaction(engine) as cursor:
        lock(cursor, [rejection.tenant_id])
        keep(cursor, [rejection], door, datetime.now(UTC))
    return refusal(rejection)


def _common_tenant(punches: object) -> int:
    """The one tenant that all of a call's punches name, 0 if there is none."""
    named = {unreadable(content, []).tenant_id for content in punches} if isinstance(punches, list) else set()
    return named.pop() if len(named) == 1 else 0
