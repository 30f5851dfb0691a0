"""Merging a shift or an assignment with the stored one: these carry their own times.

The last content said holds. What was removed stays removed until a content is said later; content
that was said before its removal is taken all the same, so that the order of arrival decides
nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from models.intake.content import as_json
from models.intake.flaws import flaws
from models.intake.punches.row import SENT_AHEAD
from models.intake.refused.reasons import Reason, Refused, reason
from models.intake.roster.kinds import ASSIGNMENT, EPOCH, SHIFT, Columns, Kind, sent_columns
from models.intake.roster.laying import by_key
from models.intake.roster.statement import Statement
from models.schemas.roster import LONGEST_SHIFT, RosterRow

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Removal(NamedTuple):
    """When the removal of a row was said, and whether as a correction: it never was."""

    said_at: datetime
    correction: bool


def removal_mark(kind: Kind) -> str:
    """Return the column that says when a row was removed."""
    return "removed_at" if kind is SHIFT else "ended_at"


def as_marked(kind: Kind, stored: Columns, now: datetime) -> Columns:
    """Return a stored row with its marks, also where the release before has removed it."""
    mark = removal_mark(kind)
    if not stored["deleted"] or stored[mark] is not None:
        return stored
    came = kind is ASSIGNMENT or stored["person_id"] != 0
    return stored | {mark: stored["sent_at"] or now, "said_at": EPOCH if came else None}


def asks_for_removals(kind: Kind, stored: Columns | None, row: RosterRow) -> bool:
    """Tell whether all removals of the stored row decide what becomes of it."""
    return bool(stored and stored[removal_mark(kind)] and not row.deleted)


def merge(
    kind: Kind,
    stored: Columns | None,
    row: RosterRow,
    removals: Iterable[Statement],
    *,
    sent_at: datetime | None,
    now: datetime,
) -> Columns | None:
    """Return the row's columns as they shall stand, or None where something said later stands.

    Of two contents said at one moment, the bytewise later one stands, whichever came first.
    `removals` are all that are known of it, where asks_for_removals. Raises Refused where they make
    no valid row.
    """
    said_at = sent_at or now
    content_at = _content_at(kind, stored, now)
    if content_at is not None and said_at < content_at:
        return None
    known = _known(kind, stored, removals)
    if row.deleted:
        return _marked(
            kind,
            {**_blank(kind, row), **(stored or {}), "sent_at": _later_sent(stored, sent_at, now)},
            [*known, Removal(said_at, row.correction)],
        )
    starts_afresh = content_at is None or any(removal.said_at < said_at for removal in known)
    before = stored if stored and not starts_afresh else _empty(kind)
    fields = sent_columns(kind, row)
    columns: Columns = {
        **before,
        **{
            name: kind.blank.get(name) if value is None else value for name, value in fields.items()
        },
        **{name: (stored or kind.marks)[name] for name in kind.marks},
        "said_at": said_at,
        "sent_at": _later_sent(stored, sent_at, now),
        "extra": by_key(before["extra"] or {}, row.model_extra or {}) or None,
    }
    if problems := _problems(kind, columns, row):
        raise Refused(problems)
    if stored and said_at == content_at and _canonical(kind, columns) < _canonical(kind, stored):
        return None
    return _marked(kind, columns, [removal for removal in known if removal.said_at >= said_at])


def _canonical(kind: Kind, columns: Columns) -> bytes:
    content = {name: columns[name] for name in (*kind.required, *kind.blank)}
    return as_json(
        {
            name: value.astimezone(UTC) if isinstance(value, datetime) else value
            for name, value in content.items()
        }
    )


def _content_at(kind: Kind, stored: Columns | None, now: datetime) -> datetime | None:
    """Return when the stored content was said, or None where there is none.

    It was said long ago where it came without `sent_at` before that was noted, or with one that is
    ahead of now: such a row is from before what is ahead counted as its receipt.
    """
    if stored is None or (stored["said_at"] is None and stored[removal_mark(kind)] is not None):
        return None
    said_at: datetime = stored["said_at"] or stored["sent_at"] or _LONG_AGO
    return _LONG_AGO if said_at > now + SENT_AHEAD else said_at


def _known(kind: Kind, stored: Columns | None, removals: Iterable[Statement]) -> list[Removal]:
    told = [Removal(said.said_at, said.correction) for said in removals]
    if stored is not None and (removed_at := stored[removal_mark(kind)]) is not None:
        told.append(Removal(removed_at, not told and _never_was(kind, stored)))
    return told


def _never_was(kind: Kind, stored: Columns) -> bool:
    if kind is SHIFT:
        return bool(stored["removed_as_correction"])
    return bool(stored["deleted"] and stored["said_at"] is not None)


def _marked(kind: Kind, columns: Columns, removals: Sequence[Removal]) -> Columns:
    """Return the columns with what these removals, none of them older than the content, make."""
    removed_at = min((removal.said_at for removal in removals), default=None)
    as_correction = any(removal.correction for removal in removals)
    has_come = columns["said_at"] is not None
    columns = columns | {removal_mark(kind): removed_at}
    if kind is ASSIGNMENT:
        return columns | {"deleted": as_correction or not has_come}
    return columns | {
        "deleted": removed_at is not None,
        "removed_as_correction": as_correction,
        "standing": has_come
        and not as_correction
        and is_standing(columns | {"removed_at": removed_at}),
    }


def is_standing(shift: Columns) -> bool:
    """Tell whether a shift whose content has come counts, unless it was removed as a correction."""
    was_removed = shift["removed_at"] is not None and shift["removed_at"] < shift["starts_at"]
    is_left = shift["person_left"] and not shift["substitutes"]
    return not (shift["cancelled"] or was_removed or is_left)


def _later_sent(stored: Columns | None, sent_at: datetime | None, now: datetime) -> datetime | None:
    """Return the `sent_at` to note, which one without leaves as it was."""
    before: datetime | None = stored["sent_at"] if stored else None
    if before is not None and before > now + SENT_AHEAD:
        before = None
    return max((moment for moment in (before, sent_at) if moment), default=None)


def _blank(kind: Kind, row: RosterRow) -> Columns:
    """Return a row of which only the removal has come."""
    fields = sent_columns(kind, row)
    key = {name: fields[name] for name in kind.key}
    return {**_empty(kind), **kind.required, **key}


def _empty(kind: Kind) -> Columns:
    return {**dict.fromkeys(kind.required), **kind.blank, **kind.marks, "extra": None}


def _problems(kind: Kind, columns: Columns, row: RosterRow) -> list[Reason]:
    missing = [
        reason("missing", name, "is required in a new row; add it")
        for name in kind.required
        if columns[name] is None
    ]
    unkept = [
        flaw
        for name, value in (row.model_extra or {}).items()
        for flaw in flaws({name: value}, name)
    ]
    return missing or unkept + _crossed(kind, columns)


def _crossed(kind: Kind, columns: Columns) -> list[Reason]:
    """Return what is wrong between fields that are sound by themselves."""
    if kind is SHIFT and columns["ends_at"] <= columns["starts_at"]:
        return [reason("out_of_range", "ends_at", "must be later than starts_at")]
    if kind is SHIFT and columns["ends_at"] - columns["starts_at"] > LONGEST_SHIFT:
        return [
            reason(
                "out_of_range",
                "ends_at",
                "is more than 7 days after starts_at; give one row a turn of duty",
            )
        ]
    if kind is ASSIGNMENT and (_ends_early(columns, "") or _ends_early(columns, "_date")):
        return [reason("out_of_range", "valid_to", "must not be earlier than valid_from")]
    return []


def _ends_early(columns: dict[str, Any], suffix: str) -> bool:
    start, end = columns[f"valid_from{suffix}"], columns[f"valid_to{suffix}"]
    return start is not None and end is not None and end < start
