"""Name, in an anomaly's trail, the correction or void by which it was withdrawn.

The trail says which it was, whose, by which door, and when.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from psycopg import Cursor

from models.alerts.anomaly import Anomaly
from models.bulk import document, insert
from worker.load.touched import Touched, TouchedPunch
from worker.rules.window import Window


class Correction(NamedTuple):
    """A correction or a void: the versions of its punch that it touched, the last one first."""

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
    """Write a line for each anomaly that was withdrawn because of a correction or a void.

    This takes one statement at most.
    """
    corrections = _corrections(touched.punches)
    lines = [
        _line(window, anomaly, correction)
        for anomaly in withdrawn
        if (correction := _correction_behind(anomaly, corrections, window.policy_version))
    ]
    if lines:
        cursor.execute(insert("withdrawal_trail", lines[0]), {"rows": document(lines)})


def _corrections(punches: Sequence[TouchedPunch]) -> dict[str, Correction]:
    """Return the last correction of each punch by its punch_id, the latest first."""
    corrections: dict[str, Correction] = {}
    for version in reversed(punches):
        if not (version.cause or {}).get("what"):
            continue
        correction = corrections.setdefault(version.punch_id, Correction(()))
        if not correction.versions or correction.cause == version.cause:
            corrections[version.punch_id] = Correction((*correction.versions, version))
    return corrections


def _correction_behind(
    anomaly: Anomaly,
    corrections: dict[str, Correction],
    policy_version: int,
) -> Correction | None:
    """Return the correction by which the anomaly was withdrawn, as far as can be told.

    It is that of the punch itself, else that of a punch in the anomaly's evidence, else another of
    the same person, unless the policy changed as well, which may be the only cause.
    """
    if not corrections or anomaly.punch_id in corrections:
        return corrections.get(anomaly.punch_id)
    evidence = set(_texts((anomaly.evidence, anomaly.private_evidence)))
    in_evidence = [item for punch_id, item in corrections.items() if punch_id in evidence]
    if in_evidence or anomaly.policy_version != policy_version:
        return in_evidence[0] if in_evidence else None
    of_person = (item for item in corrections.values() if anomaly.person_id in item.people)
    return next(of_person, None)


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in a JSON value, except the names of its fields."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts(tuple(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _line(window: Window, anomaly: Anomaly, correction: Correction) -> dict[str, Any]:
    other_sites = {version.site_id for version in correction.versions} - {anomaly.site_id}
    content = correction.cause.get("content")
    return {
        "tenant_id": window.tenant_id,
        "anomaly_id": anomaly.anomaly_id,
        "at": window.as_of,
        "cause": correction.cause["what"],
        "punch_id": correction.punch_id,
        "content_hash": content and bytes.fromhex(content),
        "other_sites": ",".join(str(site_id) for site_id in sorted(other_sites)),
        "received_at": correction.versions[0].received_at,
        "submitted_by": correction.cause["submitted_by"],
    }
