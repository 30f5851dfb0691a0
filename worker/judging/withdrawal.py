"""Withdrawals that a correction or a void brought about name it in the anomaly's trail: which, whose, by which door, when."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson
from psycopg import Cursor

from worker.load.touched import Touched, TouchedPunch
from worker.rules.window import Window

Row = dict[str, Any]  # the columns of the anomaly table

_NOTE = """
INSERT INTO withdrawal_trail (tenant_id, anomaly_id, at, cause, punch_id, content_hash, other_sites, received_at, submitted_by)
SELECT %(tenant_id)s, anomaly_id, %(at)s, cause, punch_id, decode(content, 'hex'), other_sites, received_at, submitted_by
FROM unnest(
    %(anomaly_id)s::uuid[], %(cause)s::text[], %(punch_id)s::text[], %(content)s::text[], %(other_sites)s::text[],
    %(received_at)s::timestamptz[], %(submitted_by)s::jsonb[]
) AS noted(anomaly_id, cause, punch_id, content, other_sites, received_at, submitted_by)
"""


class Change(NamedTuple):
    """A correction or a void, and the versions of its punch that it touched, the last one first."""

    versions: tuple[TouchedPunch, ...]

    @property
    def punch_id(self) -> str:
        return self.versions[0].punch_id

    @property
    def people(self) -> set[int]:
        return {version.person_id for version in self.versions}

    @property
    def cause(self) -> dict[str, Any]:
        return self.versions[0].cause or {}


def note_causes(cursor: Cursor, window: Window, withdrawn: Iterable[Row], touched: Touched) -> None:
    """Write a line for each anomaly that was withdrawn over a correction or a void. At most one statement."""
    changes = _changes(touched.punches)
    lines = [_line(row, change) for row in withdrawn if (change := _change_behind(row, changes, window.policy_version))]
    if lines:
        columns = {name: [line[name] for line in lines] for name in lines[0]}
        cursor.execute(_NOTE, {"tenant_id": window.tenant_id, "at": window.as_of, **columns})


def _changes(punches: Sequence[TouchedPunch]) -> dict[str, Change]:
    """The last change of each punch, the last first."""
    found: dict[str, Change] = {}
    for version in reversed(punches):
        if not (version.cause or {}).get("what"):
            continue
        change = found.setdefault(version.punch_id, Change(()))
        if not change.versions or change.cause == version.cause:
            found[version.punch_id] = Change((*change.versions, version))
    return found


def _change_behind(row: Row, changes: dict[str, Change], policy_version: int) -> Change | None:
    """Of the subject itself; else of a punch that the anomaly rested on; else another of the person's, unless the policy changed
    as well, which may be all that it is.
    """
    if not changes or row["punch_id"] in changes:
        return changes.get(row["punch_id"])
    named = set(_texts((row["evidence"], row["private_evidence"])))
    rested_on = next((change for punch_id, change in changes.items() if punch_id in named), None)
    if rested_on or row["policy_version"] != policy_version:
        return rested_on
    return next((change for change in changes.values() if row["person_id"] in change.people), None)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts(tuple(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _line(row: Row, change: Change) -> Row:
    others = {version.site_id for version in change.versions} - {row["site_id"]}
    return {
        "anomaly_id": row["anomaly_id"],
        "cause": change.cause["what"],
        "punch_id": change.punch_id,
        "content": change.cause.get("content"),
        "other_sites": ",".join(str(site_id) for site_id in sorted(others)),
        "received_at": change.versions[0].received_at,
        "submitted_by": orjson.dumps(change.cause["submitted_by"]).decode(),
    }
