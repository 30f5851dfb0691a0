"""Explain what each detector saw in one punch or shift, what it decided, and why."""

import json
import sys
from collections.abc import Iterator
from types import ModuleType

from psycopg import Cursor
from sqlalchemy import Engine

from models.database import transaction
from models.ids import Id
from models.schemas.punch import kind_of
from worker.commands.submitters import submitter
from worker.commands.told import shift_told, told
from worker.judging.detect import detect
from worker.load import load_subjects
from worker.registry import DETECTORS
from worker.rules.checking_out import checks_out, share_closed
from worker.rules.evidence import clock, instant
from worker.rules.finding import Finding, Nothing, ScoredFinding, Subject
from worker.rules.spells import spell_of
from worker.rules.window import Punch, Shift, Window

_INDENT = "    "
_SUBMITTED = {
    "before": "earlier content: received",
    "standing": "content that stands: received",
    "voided": "voided:",
}
_CONTENTS = """
SELECT received_at, coalesce(claimed_at, sent_at), submitted_by, 'before'
FROM punch_revision AS earlier
WHERE tenant_id = %(tenant_id)s AND punch_id = %(punch_id)s AND NOT EXISTS (
    SELECT FROM punch
    WHERE punch.tenant_id = earlier.tenant_id AND punch.punch_id = earlier.punch_id
      AND punch.content_hash = earlier.content_hash
)
UNION ALL
SELECT received_at, coalesce(claimed_at, sent_at), submitted_by, 'standing' FROM punch
WHERE tenant_id = %(tenant_id)s AND punch_id = %(punch_id)s AND person_id <> 0
UNION ALL
SELECT voided_at, NULL, voided_by, 'voided' FROM punch
WHERE tenant_id = %(tenant_id)s AND punch_id = %(punch_id)s AND voided_at IS NOT NULL
ORDER BY 1
"""


def explain(engine: Engine, tenant_id: Id, subject_id: str, *, of_shift: bool = False) -> int:
    """Print the explanation and return the status: 1 where the tenant or the subject is missing."""
    subject = Subject("", subject_id) if of_shift else Subject(subject_id, "")
    try:
        with transaction(engine) as cursor:
            as_of = next(iter(cursor.execute("SELECT clock_timestamp()")))[0]
            window = load_subjects(cursor, tenant_id, frozenset((subject,)), as_of, explaining=True)
            submitted = list(_submitted(cursor, tenant_id, subject.punch_id))
            roster = list(told(cursor, window))
            uncounted = list(shift_told(cursor, tenant_id, subject.shift_id))
    except LookupError as unknown:
        print(unknown, file=sys.stderr)
        return 1
    print(*submitted, sep="\n", end="\n" * bool(submitted))
    if not window.punches_to_judge and not window.shifts_to_judge:
        kind = "shift" if of_shift else "punch"
        print(f"tenant {tenant_id} has no {kind} {subject_id!r} that counts", file=sys.stderr)
        print(*uncounted, sep="\n", end="\n" * bool(uncounted), file=sys.stderr)
        return 1
    print(*lines(window), "", "The roster at that moment:", *roster, sep="\n")
    return 0


def _submitted(cursor: Cursor, tenant_id: Id, punch_id: str) -> Iterator[str]:
    """Yield who submitted each content that the punch has had, and who voided it, oldest first."""
    parameters = {"tenant_id": tenant_id, "punch_id": punch_id}
    for at, sent_at, submitted_by, event in cursor.execute(_CONTENTS, parameters):
        sent = f", sent {instant(sent_at)}" if sent_at else ""
        yield f"{_SUBMITTED[event]} {instant(at)}{sent}, by {submitter(submitted_by)}"


def lines(window: Window) -> Iterator[str]:
    """Yield the whole explanation of a window of one subject, which must be `explaining`."""
    yield from _seen(window)
    ((site_id, at),) = {(row.site_id, row.occurred_at) for row in window.punches_to_judge} | {
        (row.site_id, row.starts_at) for row in window.shifts_to_judge
    }
    for detector in DETECTORS:
        yield ""
        yield f"{detector.TYPE}{_switched(window.policy(site_id, at).of_type(detector.TYPE).mode)}"
        decisions = _decisions(detector, window) or ["nothing: it looks at other things than this"]
        yield from (_INDENT + line for line in decisions)
    yield ""
    yield from _outcome(detect(window))


def _seen(window: Window) -> Iterator[str]:
    """Yield what the window holds of the subject. Coordinates and scores may be shown: this is the
    operator's own terminal.
    """
    for punch in window.punches_to_judge:
        yield f"punch {punch.punch_id}: {_described(window, punch)}"
        yield f"{_INDENT}before it: {_described(window, window.previous(punch))}"
        yield f"{_INDENT}after it:  {_described(window, window.next(punch))}"
        if (spell := spell_of(window, punch)) and spell.check_in is punch:
            out = checks_out(window, punch)
            yield f"{_INDENT}checks out here: {out}; {share_closed(window, punch)}"
        for shift in window.shifts_of.get(punch.person_id, ()):
            yield f"{_INDENT}own shift {_planned(window, shift)}"
    for shift in window.shifts_to_judge:
        yield f"shift {_planned(window, shift)}"
    roster = "complete" if window.roster_complete else "declared incomplete"
    as_of = f"as of {instant(window.as_of)}"
    yield f"{_INDENT}policy version {window.policy_version}, roster {roster}, {as_of}"


def _described(window: Window, punch: Punch | None) -> str:
    if punch is None:
        return "nothing"
    kind = kind_of(punch).replace("_", "-")
    name = window.name_of(punch) or f"person {punch.person_id}"
    at = clock(window, punch.site_id, punch.occurred_at)
    return f"{kind} of {name} at {window.site_name(punch.site_id, punch.occurred_at)}, {at}"


def _planned(window: Window, shift: Shift) -> str:
    site_id = shift.site_id
    times = f"{clock(window, site_id, shift.starts_at)} to {clock(window, site_id, shift.ends_at)}"
    return f"{shift.shift_id}: {window.site_name(site_id, shift.starts_at)}, {times}"


def _switched(mode: str) -> str:
    return {
        "on": "",
        "off": " (switched off: what it finds does not stand)",
        "shadow": " (in shadow: stored, never alerted or sent)",
    }[mode]


def _decisions(detector: ModuleType, window: Window) -> list[str]:
    """Return what the detector decides, or that it crashes: whoever reads of that in the log asks
    here first.
    """
    try:
        return [
            _decided(answer)
            for answer in detector.detect(window)
            if answer.subject in window.subjects
        ]
    except Exception as crash:
        return [f"crashed, and decides nothing: {crash!r}"]


def _decided(answer: Finding | Nothing) -> str:
    if isinstance(answer, Nothing):
        return f"no {answer.reason}: {answer.because}"
    numbers = json.dumps({**answer.evidence, **(answer.private or {})}, ensure_ascii=False)
    decided = f"{answer.reason}, {answer.severity} {answer.confidence:.2f}"
    return f"{decided}: {answer.explanation} {numbers}"


def _outcome(scored_findings: list[ScoredFinding]) -> Iterator[str]:
    if not scored_findings:
        yield "Nothing stands."
    for scored in scored_findings:
        finding = scored.finding
        graded = f"{finding.reason}, {finding.severity}, fraud score {scored.fraud_score}"
        yield f"{finding.anomaly_type} stands: {graded}"
