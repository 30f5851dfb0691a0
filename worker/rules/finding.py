"""Findings: what a detector yields, and what the judge combines on one subject."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from models.ids import Id


class Subject(NamedTuple):
    """The punch or the shift that a finding is about. The other of the two ids is ''."""

    punch_id: str
    shift_id: str


class Finding(NamedTuple):
    """One reason why a subject is an anomaly of one type.

    `evidence` and `explanation` are for viewers of the subject's own site: of any other site they
    say a distance, a time and "another site", never an id, a name or a place. What names other
    sites stands in `private`, and `other_sites` lists them. Times in both are ISO 8601 UTC ending
    in Z; all values are JSON.
    """

    subject: Subject
    anomaly_type: str
    person_id: Id
    site_id: Id
    occurred_at: datetime  # of a punch its own time, of a shift its start
    reason: str
    severity: str
    confidence: float  # 0..1
    explanation: str
    evidence: dict[str, Any]
    private: dict[str, Any] | None = None
    other_sites: frozenset[Id] = frozenset()


class Nothing(NamedTuple):
    """Why a detector found nothing on a subject: yielded only while the window is `explaining`."""

    subject: Subject
    anomaly_type: str
    reason: str  # the reason that was looked for
    because: str  # one English clause with the numbers in it


# What a detector's `detect(window)` yields.
Findings = Iterator[Finding | Nothing]


class ScoredFinding(NamedTuple):
    """All findings of one type on one subject, combined: the leading one, with the other reasons in
    its evidence; and the subject's score.
    """

    # the leading one; evidence["also"] holds the rest, evidence["policy_version"] the version
    finding: Finding
    shadow: bool  # stored, never alerted or sent, and left out of the score
    fraud_score: float  # of the subject, the same on each of its scored findings
    policy_version: int
    person_name: str | None
    site_name: str
