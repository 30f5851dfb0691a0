"""Corrections and voids, as what withdraws an anomaly, and which of them did.

A judgement that leaves punches to later ones leaves them these as well (worker.judging.later).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from psycopg import Cursor

from models.ids import Id, number_of
from worker.load.arrays import texts
from worker.load.touched import TouchedPunch


class Correction(NamedTuple):
    """A correction or a void, and whom and which sites the versions that it touched concern.

    People and sites are the numbers of their ids.
    """

    punch_id: str
    people: tuple[int, ...]
    sites: tuple[int, ...]
    what: str  # "correction" or "void"
    content: str | None  # the hash, in hex, of the content that stands from then on
    submitted_by: dict[str, Any]
    received_at: datetime


class Withdrawn(Protocol):
    """What is looked at of an anomaly to tell what withdrew it."""

    @property
    def punch_id(self) -> str: ...
    @property
    def person_id(self) -> Id: ...
    @property
    def policy_version(self) -> int: ...
    @property
    def evidence(self) -> dict[str, Any]: ...
    @property
    def private_evidence(self) -> dict[str, Any] | None: ...


class Corrections:
    """The last correction of each of some punches."""

    def __init__(self, latest_first: Iterable[Correction] = ()) -> None:
        self._of_punch: dict[str, Correction] = {}
        self._of_person: dict[int, Correction] = {}
        self._rank: dict[str, int] = {}
        for correction in latest_first:
            self._rank.setdefault(correction.punch_id, len(self._rank))
            self._of_punch.setdefault(correction.punch_id, correction)
            for person_id in correction.people:
                self._of_person.setdefault(person_id, correction)

    def __bool__(self) -> bool:
        return bool(self._of_punch)

    def of_punch(self, punch_id: str) -> Correction | None:
        return self._of_punch.get(punch_id)

    def of_person(self, person_id: Id) -> Correction | None:
        return self._of_person.get(number_of(person_id))

    def latest_of(self, punch_ids: set[str]) -> Correction | None:
        """Return the latest correction of any of the punches."""
        found = self._of_punch.keys() & punch_ids
        return self._of_punch[min(found, key=self._rank.__getitem__)] if found else None


NONE = Corrections()

_LEFT = """
SELECT punch_id, cause->'by' FROM pending
WHERE tenant_id = %s AND punch_id = ANY(%s) AND cause ? 'by' ORDER BY pending_id DESC
"""


def corrections_of(punches: Sequence[TouchedPunch]) -> Corrections:
    """Return the corrections and voids that touched these versions. The oldest comes first."""
    latest: dict[str, list[TouchedPunch]] = {}  # by punch_id: the versions of its last correction
    for version in reversed(punches):
        if (version.cause or {}).get("what"):
            versions = latest.setdefault(version.punch_id, [])
            if not versions or versions[0].cause == version.cause:
                versions.append(version)
    return Corrections(_correction(versions) for versions in latest.values())


def behind(
    anomaly: Withdrawn, policy_version: int | None, *latest_first: Corrections
) -> Correction | None:
    """Return the correction by which the anomaly was withdrawn, as far as can be told.

    It is that of the punch itself, else that of a punch in the anomaly's evidence, else another of
    the same person, unless the policy changed as well, which may be the only cause. Without a
    `policy_version`, it did not.
    """
    some = [corrections for corrections in latest_first if corrections]
    if not some:
        return None
    for corrections in some:
        if own := corrections.of_punch(anomaly.punch_id):
            return own
    evidence = set(_texts((anomaly.evidence, anomaly.private_evidence)))
    for corrections in some:
        if in_evidence := corrections.latest_of(evidence):
            return in_evidence
    if policy_version not in (None, anomaly.policy_version):
        return None
    of_person = (corrections.of_person(anomaly.person_id) for corrections in some)
    return next((correction for correction in of_person if correction), None)


def left_with(cursor: Cursor, tenant_id: Id, punch_ids: Iterable[str]) -> dict[str, Corrections]:
    """Return, by punch_id, the corrections with which punches were left to a later judgement."""
    rows = cursor.execute(_LEFT, (tenant_id, texts(punch_ids))).fetchall()
    left: dict[str, list[Correction]] = {}
    for punch_id, by in rows:
        left.setdefault(punch_id, []).extend(map(_read, by))
    return {punch_id: Corrections(by) for punch_id, by in left.items()}


def as_json(correction: Correction) -> dict[str, Any]:
    return correction._asdict() | {"received_at": correction.received_at.isoformat()}


def _read(value: Mapping[str, Any]) -> Correction:
    return Correction(
        value["punch_id"],
        tuple(value["people"]),
        tuple(value["sites"]),
        value["what"],
        value["content"],
        value["submitted_by"],
        datetime.fromisoformat(value["received_at"]),
    )


def _correction(versions: Sequence[TouchedPunch]) -> Correction:
    last = versions[0]
    assert last.cause is not None and last.received_at is not None
    return Correction(
        last.punch_id,
        tuple(sorted({number_of(version.person_id) for version in versions})),
        tuple(sorted({number_of(version.site_id) for version in versions})),
        last.cause["what"],
        last.cause.get("content"),
        last.cause["submitted_by"],
        last.received_at,
    )


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in a JSON value, except the names of its fields."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts(tuple(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
