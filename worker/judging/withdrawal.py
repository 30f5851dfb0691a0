"""Withdrawals that a correction or a void brought about name it in the anomaly's trail.

Which change it was, whose, by which door, and when.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from psycopg import Cursor

from models.alerts.anomaly import Anomaly
from models.bulk import document, insert
from worker.load.touched import Touched, TouchedPunch
from worker.rules.window import Window


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


def note_causes(
    cursor: Cursor,
    window: Window,
    withdrawn: Iterable[Anomaly],
    touched: Touched,
) -> None:
    """Write a line for each anomaly that was withdrawn over a correction or a void.

    At most one statement.
    """
    changes = _changes(touched.punches)
    behind = ((each, _change_behind(each, changes, window.policy_version)) for each in withdrawn)
    lines = [_line(window, anomaly, change) for anomaly, change in behind if change]
    if lines:
        cursor.execute(insert("withdrawal_trail", lines[0]), {"rows": document(lines)})


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


def _change_behind(
    anomaly: Anomaly,
    changes: dict[str, Change],
    policy_version: int,
) -> Change | None:
    """That of the subject itself; else of a punch that the anomaly rested on.

    Else another of the person's, unless the policy changed as well, which may be all that it is.
    """
    if not changes or anomaly.punch_id in changes:
        return changes.get(anomaly.punch_id)
    named = set(_texts((anomaly.evidence, anomaly.private_evidence)))
    rested_on = next((change for punch_id, change in changes.items() if punch_id in named), None)
    if rested_on or anomaly.policy_version != policy_version:
        return rested_on
    of_person = (change for change in changes.values() if anomaly.person_id in change.people)
    return next(of_person, None)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts(tuple(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _line(window: Window, anomaly: Anomaly, change: Change) -> dict[str, Any]:
    others = {version.site_id for version in change.versions} - {anomaly.site_id}
    content = change.cause.get("content")
    return {
        "tenant_id": window.tenant_id,
        "anomaly_id": anomaly.anomaly_id,
        "at": window.as_of,
        "cause": change.cause["what"],
        "punch_id": change.punch_id,
        "content_hash": content and bytes.fromhex(content),
        "other_sites": ",".join(str(site_id) for site_id in sorted(others)),
        "received_at": change.versions[0].received_at,
        "submitted_by": change.cause["submitted_by"],
    }
