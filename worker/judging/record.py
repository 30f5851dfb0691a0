"""Recording a judgement: what stands now against what stood before, of exactly the subjects that were judged.

Rows are written only where something changed, and viewers are told only of what they can see. An anomaly's row is for ever:
what no longer holds stops `standing`, and one that holds again keeps its id. Alerts follow the anomalies that viewers are told of.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from psycopg import Cursor
from psycopg.rows import dict_row

from models.feed import Message
from models.ids import time_ordered_id
from models.schemas.said import anomaly_body
from models.vocabulary import gravity
from worker.alerts.follow import Change, follow
from worker.judging.withdrawal import note_causes
from worker.load.arrays import texts
from worker.load.touched import Touched
from worker.rules.finding import Subject, Verdict
from worker.rules.window import Window

Row = dict[str, Any]  # the columns of the anomaly table
Identity = tuple[str, str, str, int, int]  # punch_id, shift_id, anomaly_type, person_id, site_id

_SEEN = (
    *("severity", "confidence", "reason", "explanation", "evidence", "fraud_score", "occurred_at", "standing"),
    *("person_name", "site_name"),
)
_KEPT = (*_SEEN, "private_evidence", "other_sites", "shadow", "backfill")

_STORED = """
SELECT * FROM anomaly WHERE tenant_id = %(tenant_id)s AND punch_id = ANY(%(punches)s) AND punch_id <> ''
UNION ALL
SELECT * FROM anomaly WHERE tenant_id = %(tenant_id)s AND punch_id = '' AND shift_id = ANY(%(shifts)s)
"""

_TYPES = {
    "anomaly_id": "uuid",
    "punch_id": "text",
    "shift_id": "text",
    "anomaly_type": "text",
    "person_id": "bigint",
    "site_id": "bigint",
    "person_name": "text",
    "site_name": "text",
    "severity": "text",
    "confidence": "double precision",
    "reason": "text",
    "explanation": "text",
    "evidence": "jsonb",
    "private_evidence": "jsonb",
    "other_sites": "text",
    "fraud_score": "double precision",
    "policy_version": "integer",
    "occurred_at": "timestamptz",
    "detected_at": "timestamptz",
    "updated_at": "timestamptz",
    "standing": "boolean",
    "shadow": "boolean",
    "backfill": "boolean",
    "said": "boolean",
}
_IDENTITY = ("punch_id", "shift_id", "anomaly_type", "person_id", "site_id")
_FIXED = ("anomaly_id", "detected_at", *_IDENTITY)
# `review` is an operator's: it is read back from the row this statement has locked, never written.
_WRITE = f"""
INSERT INTO anomaly (tenant_id, {", ".join(_TYPES)})
SELECT %(tenant_id)s, * FROM unnest({", ".join(f"%({name})s::{kind}[]" for name, kind in _TYPES.items())})
ON CONFLICT (tenant_id, {", ".join(_IDENTITY)}) DO UPDATE
SET {", ".join(f"{name} = excluded.{name}" for name in _TYPES if name not in _FIXED)}
RETURNING anomaly_id, review
"""


def record(cursor: Cursor, window: Window, verdicts: Sequence[Verdict], touched: Touched) -> list[Message]:
    """Write what changed about the window's subjects; the messages that say so, each anomaly's and each alert's at most once.

    A constant number of statements, however many subjects there are.
    """
    stored = _stored(cursor, window)
    changed = list(compare(window, stored, verdicts))
    reviews = _write(cursor, window.tenant_id, [row for row, _ in changed])
    note_causes(cursor, window, [row for row, _ in changed if not row["standing"]], touched)
    told = [(event, row | {"review": reviews[row["anomaly_id"]]}, stored.get(_identity(row))) for row, event in changed if event]
    alerts = follow(cursor, window, [_change(row, before) for _, row, before in told])
    return [_message(*each) for each in told] + alerts


def compare(window: Window, stored: dict[Identity, Row], verdicts: Sequence[Verdict]) -> Iterable[tuple[Row, str | None]]:
    """Rows to write, what fell away first, each with the event that viewers are to see, if any."""
    standing = {_identity_of(verdict): verdict for verdict in verdicts}
    scores = {(v.finding.subject, v.finding.person_id, v.finding.site_id): v.fraud_score for v in verdicts}
    for identity, row in stored.items():
        crashed = (Subject(row["punch_id"], row["shift_id"]), row["anomaly_type"]) in window.crashed
        if row["standing"] and identity not in standing and not crashed:
            # The subject's score as it is now, unless the punch has moved to another person or site: then it has none here.
            score = scores.get((Subject(row["punch_id"], row["shift_id"]), row["person_id"], row["site_id"]), 0.0)
            withdrawn = row | {"standing": False, "fraud_score": score, "updated_at": window.as_of}
            yield withdrawn, _event(withdrawn, row)
    for identity, verdict in standing.items():
        before = stored.get(identity)
        row = _row(window, verdict, before)
        if before is None or any(_changed(row, before, name) for name in _KEPT):
            event = _event(row, before)
            yield row | {"said": row["said"] or event is not None}, event


def _change(row: Row, before: Row | None) -> Change:
    stands = _visible(row)
    known = before is not None and before["said"] and _visible(before)
    graver = known and before is not None and gravity(row["severity"]) > gravity(before["severity"])
    return Change(row, stands, stands and (graver or not known))


def _visible(row: Row) -> bool:
    return bool(row["standing"] and not row["shadow"] and not row["backfill"])


def _event(row: Row, before: Row | None) -> str | None:
    """What viewers are told of a row that is to be written."""
    visible = _visible(row)
    if before is None or not before["said"]:
        return "anomaly_detected" if visible else None
    if visible != _visible(before):
        return "anomaly_updated"
    return "anomaly_updated" if visible and any(_changed(row, before, name) for name in _SEEN) else None


def _changed(row: Row, before: Row, name: str) -> bool:
    if name == "evidence":  # a new version of the policy alone is no change
        return {**row[name], "policy_version": 0} != {**before[name], "policy_version": 0}
    return bool(row[name] != before[name])


def _row(window: Window, verdict: Verdict, before: Row | None) -> Row:
    finding = verdict.finding
    punch = window.punch(finding.subject.punch_id)
    said = bool(before and before["said"])
    return {
        "tenant_id": window.tenant_id,
        "anomaly_id": before["anomaly_id"] if before else time_ordered_id(window.as_of),
        "punch_id": finding.subject.punch_id,
        "shift_id": finding.subject.shift_id,
        "anomaly_type": finding.anomaly_type,
        "person_id": finding.person_id,
        "site_id": finding.site_id,
        "person_name": verdict.person_name,
        "site_name": verdict.site_name,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "reason": finding.reason,
        "explanation": finding.explanation,
        "evidence": _as_json_reads(finding.evidence),
        "private_evidence": finding.private and _as_json_reads(finding.private),
        "other_sites": ",".join(str(site_id) for site_id in sorted(finding.other_sites)),
        "fraud_score": verdict.fraud_score,
        "policy_version": verdict.policy_version,
        "occurred_at": finding.occurred_at,
        "detected_at": before["detected_at"] if before else window.as_of,
        "updated_at": window.as_of,
        "standing": True,
        "shadow": verdict.shadow,
        # What viewers were once told of stays live, whatever a later backfill says of its punch.
        "backfill": punch is not None and punch.backfill and not said,
        "said": said,
    }


def _message(event: str, row: Row, before: Row | None) -> Message:
    prior = before["severity"] if before and before["said"] else None
    return Message(event, row["site_id"], row["anomaly_type"], row["severity"], prior, anomaly_body(event, row))


def _stored(cursor: Cursor, window: Window) -> dict[Identity, Row]:
    subjects = {
        "tenant_id": window.tenant_id,
        "punches": texts(subject.punch_id for subject in window.subjects if subject.punch_id),
        "shifts": texts(subject.shift_id for subject in window.subjects if subject.shift_id),
    }
    with cursor.connection.cursor(row_factory=dict_row) as rows:
        return {_identity(row): row for row in rows.execute(_STORED, subjects)}


def _write(cursor: Cursor, tenant_id: int, rows: Sequence[Row]) -> dict[Any, str | None]:
    """Their reviews by anomaly_id. Rows are locked in the order of their ids, so that overlapping writers cannot deadlock."""
    if not rows:
        return {}
    ordered = sorted(rows, key=lambda row: row["anomaly_id"])
    columns = {name: [_for_postgres(row[name]) for row in ordered] for name in _TYPES}
    return dict(cursor.execute(_WRITE, {"tenant_id": tenant_id, **columns}).fetchall())


def _for_postgres(value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(value, dict) else value


def _as_json_reads(value: dict[str, Any]) -> dict[str, Any]:
    """The same values as they come back from the database: tuples as lists, keys as text."""
    return orjson.loads(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))


def _identity_of(verdict: Verdict) -> Identity:
    finding = verdict.finding
    return (*finding.subject, finding.anomaly_type, finding.person_id, finding.site_id)


def _identity(row: Row) -> Identity:
    return row["punch_id"], row["shift_id"], row["anomaly_type"], row["person_id"], row["site_id"]
