"""Merging a roster row with the stored one: omitted fields stay, null clears, `policy` merges."""

from datetime import datetime
from typing import Any

from models.intake.flaws import flaws
from models.intake.punches.row import SENT_AHEAD
from models.intake.refused.reasons import Reason, Refused, reason
from models.intake.roster.far_from_site import far_from_site
from models.intake.roster.kinds import ASSIGNMENT, SHIFT, SITE, Columns, Kind, sent_columns
from models.policy import validate
from models.schemas.roster import LONGEST_SHIFT, RosterRow


def is_older(stored: Columns | None, sent_at: datetime | None, now: datetime) -> bool:
    """Tell whether a newer roster wrote the row already. Without `sent_at`, none is older."""
    written = _written(stored, now)
    return bool(written and sent_at and sent_at < written)


def merge(
    kind: Kind, stored: Columns | None, row: RosterRow, sent_at: datetime | None, now: datetime
) -> Columns:
    """Return the row's columns as they shall stand. Raises Refused where they make no valid row."""
    fields = sent_columns(kind, row)
    stamp = {"sent_at": sent_at or _written(stored, now), "deleted": row.deleted}
    if row.deleted:
        return (
            _empty(kind)
            | kind.required
            | {name: fields[name] for name in kind.key}
            | (stored or {})
            | stamp
        )
    base = stored if stored and not stored["deleted"] else _empty(kind)
    columns: Columns = (
        base
        | {name: kind.blank.get(name) if value is None else value for name, value in fields.items()}
        | stamp
    )
    if "policy" in kind.blank:
        columns["policy"] = _by_key(base["policy"], fields.get("policy", {}))
    columns["extra"] = _by_key(base["extra"] or {}, row.model_extra or {}) or None
    if problems := list(_problems(kind, columns, row)):
        raise Refused(problems)
    return columns


def _written(stored: Columns | None, now: datetime) -> datetime | None:
    """Return the stored row's `sent_at`, or None if it is ahead of now: then any roster is newer.

    Such a row is from before a `sent_at` that is ahead counted as its receipt.
    """
    written = stored["sent_at"] if stored else None
    return None if written and written > now + SENT_AHEAD else written


def _empty(kind: Kind) -> Columns:
    return {**dict.fromkeys(kind.required), **kind.blank, "extra": None}


def _by_key(stored: Columns, new: Columns | None) -> Columns:
    if new is None:
        return {}
    return {name: value for name, value in {**stored, **new}.items() if value is not None}


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
    policy = [
        reason("bad_policy", "policy", problem) for problem in validate(columns.get("policy", {}))
    ]
    return missing or unkept + policy + _crossed(kind, columns, row)


def _crossed(kind: Kind, columns: Columns, row: RosterRow) -> list[Reason]:
    """Return what is wrong between fields that are sound by themselves."""
    if kind is SITE and (columns["latitude"] is None) != (columns["longitude"] is None):
        return [
            reason("missing", "latitude", "and longitude go together; give both, or null for both")
        ]
    if kind is SITE:
        return far_from_site(columns, row.model_fields_set)
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
