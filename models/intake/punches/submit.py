"""Submitting punches: one statement stores what is new, and a transaction corrects and refuses.

Where it was cut off between the two, submitting again does what is left, and changes nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from psycopg import Cursor
from sqlalchemy import Engine

from models.database import autocommitted, transaction
from models.ids import Id
from models.intake.content import as_text
from models.intake.punches.correct import Again, Corrected, correct
from models.intake.punches.corrections import Content, later
from models.intake.punches.numbering import number_all
from models.intake.punches.row import ContentKey, Key, Row, read_punch
from models.intake.punches.store import Placed, insert
from models.intake.refused.outcome import Outcome, refusal
from models.intake.refused.reasons import Reason, Refused, reason
from models.intake.refused.refuse import Came, refuse, refuse_alone
from models.intake.refused.rejection import (
    OTHER_SITE,
    SITE_UNKNOWN,
    TENANT_UNKNOWN,
    Rejection,
    unreadable,
)
from models.intake.submitter import OutsideSites, Submitter
from models.schemas.punch import MOST_PUNCHES


class Taken(NamedTuple):
    """What became of punches, in their order, and what was refused of them."""

    outcomes: list[Outcome]
    rejections: list[Rejection]


def flaws_of_call(punches: object, backfill: object) -> list[Reason]:
    """Return why a call is refused as a whole, whatever its punches are."""
    reasons = []
    if not isinstance(punches, list | tuple):
        reasons.append(reason("wrong_type", "punches", "must be a list"))
    elif not 1 <= len(punches) <= MOST_PUNCHES:
        reasons.append(
            reason(
                "out_of_range",
                "punches",
                f"must hold 1 to {MOST_PUNCHES:,} punches; send them in several calls",
            )
        )
    if not isinstance(backfill, bool):
        reasons.append(reason("wrong_type", "backfill", "must be true or false, without quotes"))
    return reasons


def take(
    engine: Engine,
    punches: Sequence[object],
    *,
    by: Submitter,
    backfill: bool,
    keeping: bool = True,
    receipts: Sequence[datetime] | None = None,
) -> Taken:
    """Store `punches` and commit, with no SQL statement per punch.

    Raises OutsideSites, with nothing stored, where one is or was at a site that `by` may not write
    to. Unless `keeping`, rejections are returned only, not stored. `receipts` are given where the
    punches are taken up again, and say when they first came: they do not count as having come once
    more, and one outside of the sites of `by` is refused by itself.
    """
    received_at = datetime.now(UTC)
    if any(_names_other_site(content, by) for content in punches):
        raise OutsideSites
    moments = receipts or [received_at] * len(punches)
    read = number_all(engine, list(map(_read, punches, moments)))
    sound = [row for row in read if isinstance(row, Row)]
    rows = _distinct(sound)
    unsettled: dict[ContentKey, Placed] = {}
    if rows and by.sites is None:  # most punches need no more than this
        with autocommitted(engine) as cursor:
            unsettled = _store_new(cursor, rows, received_at, backfill, by, settling=False)
        if not unsettled and len(sound) == len(read):
            return Taken([_outcome(row, {}) for row in sound], [])
    with transaction(engine) as cursor:
        if rows and by.sites is not None:
            unsettled = _store_new(cursor, rows, received_at, backfill, by, settling=True)
        accepted, corrected = _settle(cursor, rows, unsettled, received_at, backfill, by)
        if corrected.outside and receipts is None:
            raise OutsideSites
        missing = _missing(rows, unsettled, corrected)
        results = [_result(*pair, missing) for pair in zip(punches, read, strict=True)]
        rejections = [result for result in results if isinstance(result, Rejection)]
        refuse(
            cursor,
            rejections if keeping else [],
            by,
            received_at,
            backfill=backfill,
            counted=receipts is None,
            came=_came(rows, accepted, unsettled, missing),
        )
    return Taken([_outcome(result, corrected.standing) for result in results], rejections)


def _names_other_site(content: object, by: Submitter) -> bool:
    """Tell whether a punch names a site that its submitter may not write to.

    One that names none is refused for that, later.
    """
    site_id = unreadable(content, []).site_id if by.sites is not None else None
    return site_id is not None and not by.covers(site_id)


def _read(content: object, received_at: datetime) -> Row | Rejection:
    try:
        return read_punch(content, received_at)
    except Refused as refused:
        return unreadable(content, refused.reasons)


def _distinct(rows: Iterable[Row]) -> dict[ContentKey, Row]:
    """Return each content once, where it first stood, with the latest `sent_at` it came with."""
    distinct: dict[ContentKey, Row] = {}
    for row in rows:
        first = distinct.setdefault(row.content_key, row)
        if row is not first and row.sent_at:
            latest = later(_content(first), _content(row))
            distinct[row.content_key] = first._replace(
                sent_at=latest.sent_at, claimed_at=latest.claimed_at
            )
    return distinct


def _content(row: Row) -> Content:
    return Content(row.content_hash, row.sent_at, row.claimed_at)


def _store_new(
    cursor: Cursor,
    rows: dict[ContentKey, Row],
    received_at: datetime,
    backfill: bool,
    by: Submitter,
    *,
    settling: bool,
) -> dict[ContentKey, Placed]:
    """Store what is new. Return what needs another look, by its key."""
    placed = insert(cursor, list(rows.values()), received_at, backfill, by, settling=settling)
    return {place.content_key: place for place in placed}


def _settle(
    cursor: Cursor,
    rows: dict[ContentKey, Row],
    unsettled: dict[ContentKey, Placed],
    received_at: datetime,
    backfill: bool,
    by: Submitter,
) -> tuple[list[Row], Corrected]:
    """Store what needed another look.

    Return the rows that stand now, and may so settle an earlier rejection, and what became of the
    punches that were there already.
    """
    if by.sites is None and (
        settling := {
            key: row
            for key, row in rows.items()
            if key in unsettled and unsettled[key].rejected_before
        }
    ):
        unsettled |= _store_new(cursor, settling, received_at, backfill, by, settling=True)
    places = [(row, unsettled[key]) for key, row in rows.items() if key in unsettled]
    accepted = [row for row, place in places if place.stored]
    again = [
        Again(row, place.tenant_known and place.site_known)
        for row, place in places
        if not place.stored
    ]
    corrected = (
        correct(cursor, again, received_at, backfill, by)
        if again
        else Corrected([], set(), set(), {})
    )
    return accepted + corrected.changed, corrected


def _missing(
    rows: dict[ContentKey, Row], unsettled: dict[ContentKey, Placed], corrected: Corrected
) -> dict[ContentKey, Rejection]:
    """Return the rejections of contents that were not stored."""
    missing = {key: _homeless(rows[key], unsettled[key].tenant_known) for key in corrected.refused}
    return missing | {key: _refusal_of(rows[key], OTHER_SITE, None) for key in corrected.outside}


def _came(
    rows: dict[ContentKey, Row],
    accepted: list[Row],
    unsettled: dict[ContentKey, Placed],
    missing: dict[ContentKey, Rejection],
) -> list[Came]:
    """Return the contents that settle earlier rejections."""
    rejected_before = [
        row
        for key, row in rows.items()
        if key in unsettled and unsettled[key].rejected_before and key not in missing
    ]
    return [
        Came(row.tenant_id, row.punch_id, row.content_hash, stands)
        for group, stands in ((accepted, True), (rejected_before, False))
        for row in group
    ]


def _homeless(row: Row, tenant_known: bool) -> Rejection:
    why, waits_for = (SITE_UNKNOWN, "site") if tenant_known else (TENANT_UNKNOWN, "tenant")
    return _refusal_of(row, why, waits_for)


def _refusal_of(row: Row, why: Reason, waits_for: str | None) -> Rejection:
    return Rejection(
        row.tenant_id,
        row.punch_id,
        row.punch.person_id,
        row.punch.site_id,
        "",
        row.content_hash,
        [why],
        waits_for,
        row.punch.occurred_at,
    )


def _result(
    content: object, read: Row | Rejection, missing: dict[ContentKey, Rejection]
) -> Row | Rejection:
    if isinstance(read, Rejection):
        return read
    rejection = missing.get(read.content_key)
    return rejection._replace(content=as_text(content)) if rejection else read


def _outcome(result: Row | Rejection, standing: Mapping[Key, bytes]) -> Outcome:
    if isinstance(result, Rejection):
        return refusal(result)
    applied = standing.get(result.key, result.content_hash) == result.content_hash
    return Outcome(result.punch_id, "accepted", [], result.tenant_id, applied)


def refuse_call(
    engine: Engine, call: dict[str, object], reasons: list[Reason], by: Submitter
) -> Outcome:
    """Keep the whole call as it came, among the rejected, and commit."""
    rejection = unreadable(call, reasons)._replace(tenant_id=_common_tenant(call["punches"]))
    return refuse_alone(engine, rejection, by, datetime.now(UTC))


def _common_tenant(punches: object) -> Id:
    """Return the one tenant that all of a call's punches name, 0 if there is none."""
    if not isinstance(punches, list):
        return 0
    tenant_ids = {unreadable(content, []).tenant_id for content in punches}
    return tenant_ids.pop() if len(tenant_ids) == 1 else 0
