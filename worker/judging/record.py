"""Record a judgement: compare what stands now on the judged subjects with what stood before.

Rows are written only where something changed, and viewers are told only of what they can see. An
anomaly's row is for ever: one that no longer holds stops `standing`, and one that holds again keeps
its id. Alerts follow the anomalies that viewers are told of.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from psycopg import Cursor
from psycopg.rows import class_row

from models.alerts.anomaly import ANOMALY_COLUMNS, Anomaly, AnomalyEvent, message_of
from models.bulk import document, insert
from models.feed import Message
from models.ids import Id, key_text, time_ordered_id
from models.vocabulary import gravity
from worker.alerts.follow import AnomalyChange, follow
from worker.judging.withdrawal import note_causes
from worker.load.arrays import texts
from worker.load.touched import Touched
from worker.rules.finding import ScoredFinding, Subject
from worker.rules.window import Window

Identity = tuple[str, str, str, Id, Id]  # punch_id, shift_id, anomaly_type, person_id, site_id
# By anomaly_id: the operator's verdict, and the version of the policy that it judged.
Reviews = dict[UUID, tuple[str | None, int | None]]


class Difference(NamedTuple):
    """An anomaly to be written, as it stood before (None for a new one), and as it stands now.

    `event` is how viewers are told of it, or None.
    """

    before: Anomaly | None
    after: Anomaly
    event: AnomalyEvent | None


_SEEN = (
    *("severity", "confidence", "reason", "explanation", "evidence", "fraud_score"),
    *("occurred_at", "standing", "person_name", "site_name"),
)
_COMPARED = (*_SEEN, "private_evidence", "other_sites", "shadow", "backfill")

_COLUMNS = ", ".join(ANOMALY_COLUMNS)
_STORED = f"""
SELECT {_COLUMNS} FROM anomaly
WHERE tenant_id = %(tenant_id)s AND punch_id = ANY(%(punches)s) AND punch_id <> ''
UNION ALL
SELECT {_COLUMNS} FROM anomaly
WHERE tenant_id = %(tenant_id)s AND punch_id = '' AND shift_id = ANY(%(shifts)s)
"""

_IDENTITY = ("punch_id", "shift_id", "anomaly_type", "person_id", "site_id")
_FIXED = ("tenant_id", "anomaly_id", "detected_at", *_IDENTITY)
# Columns that operators write: only read here, from the row that the statement has locked.
_REVIEW_COLUMNS = ("review", "reviewed_version")
_WRITTEN = tuple(name for name in ANOMALY_COLUMNS if name not in _REVIEW_COLUMNS)
_WRITE = f"""
{insert("anomaly", _WRITTEN)}
ON CONFLICT (tenant_id, {", ".join(_IDENTITY)}) DO UPDATE
SET {", ".join(f"{name} = excluded.{name}" for name in _WRITTEN if name not in _FIXED)}
RETURNING anomaly_id, {", ".join(_REVIEW_COLUMNS)}
"""


def record(
    cursor: Cursor,
    window: Window,
    scored_findings: Sequence[ScoredFinding],
    touched: Touched,
) -> list[Message]:
    """Write what changed about the window's subjects, and return the messages that say so.

    There is at most one of each anomaly and of each alert. It takes a constant number of
    statements, however many subjects there are.
    """
    differences = list(compare(window, _stored(cursor, window), scored_findings))
    reviews = _write(cursor, [difference.after for difference in differences])
    withdrawn = [difference.after for difference in differences if not difference.after.standing]
    note_causes(cursor, window, withdrawn, touched)
    news = [_reviewed(difference, reviews) for difference in differences if difference.event]
    alerts = follow(cursor, window, [_change(difference) for difference in news])
    return [_message(difference) for difference in news] + alerts


def compare(
    window: Window,
    stored: dict[Identity, Anomaly],
    scored_findings: Sequence[ScoredFinding],
) -> Iterator[Difference]:
    """Yield what is to be written; what fell away comes first."""
    standing = {_identity_of_finding(scored): scored for scored in scored_findings}
    yield from _fallen_away(window, stored, standing)
    for identity, scored in standing.items():
        before = stored.get(identity)
        after = _anomaly(window, scored, before)
        if before is None or any(_differs(after, before, name) for name in _COMPARED):
            event = _event(after, before)
            yield Difference(before, replace(after, said=True) if event else after, event)


def _fallen_away(
    window: Window,
    stored: dict[Identity, Anomaly],
    standing: dict[Identity, ScoredFinding],
) -> Iterator[Difference]:
    scores = {_subject_at_site(scored): scored.fraud_score for scored in standing.values()}
    for identity, before in stored.items():
        subject = Subject(before.punch_id, before.shift_id)
        has_crashed = (subject, before.anomaly_type) in window.crashed
        if before.standing and identity not in standing and not has_crashed:
            # The subject's score as it is now, unless the punch has moved to another person or
            # site: then it has none here.
            score = scores.get((subject, before.person_id, before.site_id), 0.0)
            as_of = window.as_of
            after = replace(before, standing=False, fraud_score=score, updated_at=as_of)
            yield Difference(before, after, _event(after, before))


def _change(difference: Difference) -> AnomalyChange:
    before, after = difference.before, difference.after
    stands = after.is_visible
    if before is None or not before.said or not before.is_visible:
        return AnomalyChange(after, stands, stands)
    is_graver = gravity(after.severity) > gravity(before.severity)
    return AnomalyChange(after, stands, stands and is_graver)


def _event(after: Anomaly, before: Anomaly | None) -> AnomalyEvent | None:
    """Return the event by which viewers are told of an anomaly that is to be written, if any."""
    if before is None or not before.said:
        return "anomaly_detected" if after.is_visible else None
    if after.is_visible != before.is_visible:
        return "anomaly_updated"
    is_seen = after.is_visible and any(_differs(after, before, name) for name in _SEEN)
    return "anomaly_updated" if is_seen else None


def _differs(after: Anomaly, before: Anomaly, name: str) -> bool:
    if name == "evidence":  # a new version of the policy alone is no change
        unversioned = {"policy_version": 0}
        return {**after.evidence, **unversioned} != {**before.evidence, **unversioned}
    return bool(getattr(after, name) != getattr(before, name))


def _anomaly(window: Window, scored: ScoredFinding, before: Anomaly | None) -> Anomaly:
    """The anomaly of a scored finding: the one it was `before`, if there was one, or a new one."""
    finding = scored.finding
    punch = window.punch(finding.subject.punch_id)
    said = before is not None and before.said
    return Anomaly(
        tenant_id=window.tenant_id,
        anomaly_id=before.anomaly_id if before else time_ordered_id(window.as_of),
        punch_id=finding.subject.punch_id,
        shift_id=finding.subject.shift_id,
        anomaly_type=finding.anomaly_type,
        person_id=finding.person_id,
        site_id=finding.site_id,
        person_name=scored.person_name,
        site_name=scored.site_name,
        severity=finding.severity,
        confidence=finding.confidence,
        reason=finding.reason,
        explanation=finding.explanation,
        evidence=_as_json_reads(finding.evidence),
        private_evidence=finding.private and _as_json_reads(finding.private),
        other_sites=",".join(map(key_text, sorted(finding.other_sites))),
        fraud_score=scored.fraud_score,
        policy_version=scored.policy_version,
        occurred_at=finding.occurred_at,
        detected_at=before.detected_at if before else window.as_of,
        updated_at=window.as_of,
        standing=True,
        shadow=scored.shadow,
        # One that viewers were told of stays live, even if its punch is backfilled later.
        backfill=punch is not None and punch.backfill and not said,
        said=said,
        review=before.review if before else None,
        reviewed_version=before.reviewed_version if before else None,
    )


def _message(difference: Difference) -> Message:
    assert difference.event is not None
    before = difference.before
    prior_severity = before.severity if before and before.said else None
    return message_of(difference.event, difference.after, prior_severity)


def _stored(cursor: Cursor, window: Window) -> dict[Identity, Anomaly]:
    subjects = {
        "tenant_id": window.tenant_id,
        "punches": texts(subject.punch_id for subject in window.subjects if subject.punch_id),
        "shifts": texts(subject.shift_id for subject in window.subjects if subject.shift_id),
    }
    with cursor.connection.cursor(row_factory=class_row(Anomaly)) as rows:
        return {
            _identity_of_anomaly(anomaly): anomaly for anomaly in rows.execute(_STORED, subjects)
        }


def _write(cursor: Cursor, anomalies: Sequence[Anomaly]) -> Reviews:
    """Write the anomalies, and return their reviews as they stand in the database.

    Rows are locked in the order of their ids, so that overlapping writers cannot deadlock.
    """
    if not anomalies:
        return {}
    ordered = sorted(anomalies, key=lambda anomaly: anomaly.anomaly_id)
    written = cursor.execute(_WRITE, {"rows": document(ordered)}).fetchall()
    return {anomaly_id: (review, version) for anomaly_id, review, version in written}


def _reviewed(difference: Difference, reviews: Reviews) -> Difference:
    after = difference.after
    review, version = reviews[after.anomaly_id]
    if (review, version) == (after.review, after.reviewed_version):
        return difference
    return difference._replace(after=replace(after, review=review, reviewed_version=version))


def _as_json_reads(value: dict[str, Any]) -> dict[str, Any]:
    """Return the value as it comes back from the database: tuples as lists, keys as text."""
    read: dict[str, Any] = orjson.loads(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))
    return read


def _identity_of_finding(scored: ScoredFinding) -> Identity:
    finding = scored.finding
    return (*finding.subject, finding.anomaly_type, finding.person_id, finding.site_id)


def _subject_at_site(scored: ScoredFinding) -> tuple[Subject, Id, Id]:
    finding = scored.finding
    return finding.subject, finding.person_id, finding.site_id


def _identity_of_anomaly(anomaly: Anomaly) -> Identity:
    return (
        anomaly.punch_id,
        anomaly.shift_id,
        anomaly.anomaly_type,
        anomaly.person_id,
        anomaly.site_id,
    )
