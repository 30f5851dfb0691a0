"""Merging a shift, assignment or absence with the stored one: these carry their own times.

The last content said holds, field by field: what it leaves out keeps its value, whichever came
first. What was removed stays removed until a content is said later. Where all that a new row needs
is said after a removal, the row begins anew: what was said before the removal and not since is
blank.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from models.intake.content import as_json
from models.intake.flaws import flaws
from models.intake.punches.row import SENT_AHEAD
from models.intake.refused.reasons import Reason, Refused, reason
from models.intake.roster import absences
from models.intake.roster.kinds import (
    ABSENCE,
    ASSIGNMENT,
    EPOCH,
    SHIFT,
    Columns,
    Kind,
    sent_columns,
)
from models.intake.roster.laying import by_key
from models.intake.roster.statement import Statement
from models.schemas.roster import LONGEST_SHIFT, RosterRow

# When each field was said, None where it never was.
Moments = dict[str, datetime | None]

_INSTANT = timedelta(microseconds=1)


class Removal(NamedTuple):
    """When the removal of a row was said, and whether as a correction: it never was."""

    said_at: datetime
    correction: bool


def removal_mark(kind: Kind) -> str:
    """Return the column that says when a row was removed."""
    return "ended_at" if kind is ASSIGNMENT else "removed_at"


def has_come(kind: Kind, stored: Columns) -> bool:
    """Tell whether all that a new row needs has been said, be it removed or not."""
    if kind is SHIFT:
        return all(stored[name] != blank for name, blank in kind.required.items())
    if kind is ABSENCE:
        return absences.has_come(stored)
    is_blank = stored["deleted"] and stored["ended_at"] is not None
    return stored["said_at"] is not None or not is_blank


def as_marked(kind: Kind, stored: Columns, by: datetime, now: datetime) -> Columns:
    """Return a stored row with its marks as they follow from it, `by` when it was written at last.

    The release before leaves them alone. What it wrote counts as said at `sent_at`, else long ago
    or, where it brings back what was removed, right after that; a removal, else as of `by`.
    """
    removed_at = stored[removal_mark(kind)]
    told_at = _sent_at(stored, now) or EPOCH
    said_at = stored["said_at"] or (EPOCH if has_come(kind, stored) else None)
    if stored["deleted"]:
        if removed_at is not None:
            return _marked(kind, stored, _known(kind, stored, ()))
        removed_at = told_at if told_at > (stored["said_at"] or EPOCH) else by
        return _marked(kind, stored | {"said_at": said_at}, [Removal(removed_at, False)])
    if said_at is not None:
        said_at = max(said_at, told_at, removed_at + _INSTANT if removed_at else EPOCH)
    of_fields = stored["fields_said_at"] if said_at == stored["said_at"] else None
    return _marked(kind, stored | {"said_at": said_at, "fields_said_at": of_fields}, [])


def is_left_behind(stored: Columns, marked: Columns) -> bool:
    """Tell whether a stored row lacks marks that make a difference.

    When a content was said that carries no moment makes none until something else is said.
    """
    said = {name: stored[name] for name in ("said_at", "fields_said_at")}
    return marked | said != stored


def asks_for_removals(kind: Kind, stored: Columns | None, row: RosterRow) -> bool:
    """Tell whether all removals of the stored row decide what becomes of it."""
    if stored is None or row.deleted:
        return False
    fields = sent_columns(kind, row)
    return stored[removal_mark(kind)] is not None or any(
        stored[name] != blank or fields.get(name) not in (None, blank)
        for name, blank in kind.blank.items()
    )


def merge(
    kind: Kind,
    stored: Columns | None,
    row: RosterRow,
    removals: Iterable[Statement],
    *,
    sent_at: datetime | None,
    now: datetime,
) -> Columns:
    """Return the row's columns as they shall stand.

    Of two contents said at one moment, the bytewise later one stands, whichever came first.
    `removals` are all that are known of it, where asks_for_removals. Raises Refused where they make
    no valid row.
    """
    said_at = sent_at or now
    known = _known(kind, stored, removals)
    key = {name: value for name, value in sent_columns(kind, row).items() if name in kind.key}
    columns = {**_empty(kind), **(stored or {}), **key}
    if row.deleted:
        known.append(Removal(said_at, row.correction))
    else:
        columns = _with_content(kind, columns, row, said_at)
    columns["sent_at"] = max(
        (moment for moment in (_sent_at(columns, now), sent_at) if moment), default=None
    )
    columns = _begun_anew(kind, columns, known)
    if not row.deleted and (problems := _problems(kind, columns, row)):
        raise Refused(problems)
    content_at = columns["said_at"]
    return _marked(kind, columns, [one for one in known if not content_at or one[0] >= content_at])


def _with_content(kind: Kind, before: Columns, row: RosterRow, said_at: datetime) -> Columns:
    """Return the columns with what a content says of fields of which nothing was said later."""
    moments = _moments(kind, before)
    brought = {
        name: {**kind.required, **kind.blank}[name] if value is None else value
        for name, value in sent_columns(kind, row).items()
        if name in moments
    }
    new = {name: value for name, value in brought.items() if (moments[name] or EPOCH) < said_at}
    at_once = {name: value for name, value in brought.items() if moments[name] == said_at}
    columns = before | new
    for field in _by_field(at_once):
        columns = max((columns, columns | field), key=lambda one: _canonical(kind, one))
    for name in new:
        moments[name] = said_at
    if extra := row.model_extra:
        older, newer = columns["extra"] or {}, extra
        if (moments["extra"] or EPOCH) > said_at:
            older, newer = newer, older
        columns = columns | {"extra": by_key(older, newer) or None}
        moments["extra"] = max(moments["extra"] or EPOCH, said_at)
    return _said(columns | {"said_at": max(before["said_at"] or EPOCH, said_at)}, moments)


def _by_field(brought: Columns) -> Iterable[Columns]:
    """Return the columns field by field: an end as a moment and one as a date are one field."""
    fields: dict[str, Columns] = {}
    for name, value in brought.items():
        fields.setdefault(name.removesuffix("_date"), {})[name] = value
    return fields.values()


def _begun_anew(kind: Kind, columns: Columns, removals: Iterable[Removal]) -> Columns:
    """Return the columns without what was said before a removal after which it all was said."""
    moments = _moments(kind, columns)
    needed = [moments[name] or EPOCH for name in kind.required] or [columns["said_at"] or EPOCH]
    gone = {
        name: kind.blank.get(name)
        for name in (*kind.blank, "extra")
        if (said_at := moments[name])
        and any(said_at <= removal.said_at < min(needed) for removal in removals)
    }
    return _said(columns | gone, moments | dict.fromkeys(gone)) if gone else columns


def _moments(kind: Kind, columns: Columns) -> Moments:
    """Return when each field was said, as far as that was noted: else when the content was."""
    noted = columns["fields_said_at"] or {}
    moments: Moments = {}
    for name in (*kind.required, *kind.blank, "extra"):
        text = noted.get(name)
        moments[name] = columns["said_at"] if name not in noted else _moment(text)
    if columns["extra"] is None:
        moments["extra"] = None
    return moments


def _said(columns: Columns, moments: Moments) -> Columns:
    """Return the columns with the moments of the fields that another content said, or none."""
    noted = {
        name: said_at and said_at.isoformat()
        for name, said_at in moments.items()
        if said_at != columns["said_at"] and (said_at or name != "extra")
    }
    return columns | {"fields_said_at": noted or None}


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _canonical(kind: Kind, columns: Columns) -> bytes:
    content = {name: columns[name] for name in (*kind.required, *kind.blank)}
    return as_json(
        {
            name: value.astimezone(UTC) if isinstance(value, datetime) else value
            for name, value in content.items()
        }
    )


def _sent_at(stored: Columns, now: datetime) -> datetime | None:
    """Return the `sent_at` of a stored row, or None where it is ahead of now.

    Such a row is from before what is ahead counted as its receipt.
    """
    sent_at: datetime | None = stored["sent_at"]
    return None if sent_at and sent_at > now + SENT_AHEAD else sent_at


def _known(kind: Kind, stored: Columns | None, removals: Iterable[Statement]) -> list[Removal]:
    known = [Removal(said.said_at, said.correction) for said in removals]
    if stored is not None and (removed_at := stored[removal_mark(kind)]) is not None:
        is_told = any(removal.correction for removal in known)
        known.append(Removal(removed_at, not is_told and _as_correction(kind, stored)))
    return known


def _as_correction(kind: Kind, stored: Columns) -> bool:
    if kind is SHIFT:
        return bool(stored["removed_as_correction"])
    return kind is ASSIGNMENT and bool(stored["never_was"] and stored["said_at"] is not None)


def _marked(kind: Kind, columns: Columns, removals: Sequence[Removal]) -> Columns:
    """Return the columns with what these removals, none of them older than the content, make."""
    removed_at = min((removal.said_at for removal in removals), default=None)
    as_correction = any(removal.correction for removal in removals)
    columns = columns | {removal_mark(kind): removed_at, "deleted": removed_at is not None}
    if kind is ASSIGNMENT:
        came = columns["said_at"] is not None
        return columns | {"never_was": columns["deleted"] and (as_correction or not came)}
    if kind is ABSENCE:  # removed, it is as if it had never been
        return columns | {"standing": has_come(kind, columns) and not columns["deleted"]}
    columns["removed_as_correction"] = as_correction
    return columns | {"standing": has_come(kind, columns) and is_standing(columns)}


def is_standing(shift: Columns) -> bool:
    """Tell whether a shift whose content has come counts."""
    was_removed = shift["removed_at"] is not None and (
        shift["removed_as_correction"] or shift["removed_at"] < shift["starts_at"]
    )
    is_left = shift["person_left"] and not shift["substitutes"]
    return not (shift["cancelled"] or was_removed or is_left)


def _empty(kind: Kind) -> Columns:
    """Return a row of which nothing has come."""
    others = {"sent_at": None, "deleted": False, "extra": None}
    return {**kind.required, **kind.blank, **kind.marks, **others}


def _problems(kind: Kind, columns: Columns, row: RosterRow) -> list[Reason]:
    missing = [
        reason("missing", name, "is required; give it, or leave it out to keep it")
        for name in kind.required
        if name in row.model_fields_set and getattr(row, name) is None
    ]
    if kind is ABSENCE:
        missing += absences.problems(columns, row)
    unkept = [
        flaw
        for name, value in (row.model_extra or {}).items()
        for flaw in flaws({name: value}, name)
    ]
    return missing or unkept + (_crossed(kind, columns) if has_come(kind, columns) else [])


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
