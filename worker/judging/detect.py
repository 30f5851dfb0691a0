"""Run every detector over a window, and combine the findings on each subject and type into one
scored finding.
"""

from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

import structlog

from models.policy.part import TypePolicy
from models.vocabulary import gravity
from worker.metrics import DETECTOR_CRASHES
from worker.registry import DETECTORS
from worker.rules.finding import Finding, ScoredFinding, Subject
from worker.rules.window import Window

DETECTOR_CRASHED = "detector_crashed"

log = structlog.get_logger()


def detect(window: Window, detectors: Iterable[ModuleType] = DETECTORS) -> list[ScoredFinding]:
    """Return what stands on the window's subjects: a subject with no scored finding has no anomaly.

    A detector that crashes is logged with its type and subject, counted, and noted in
    `window.crashed`, so that what stood of it is kept; the other findings survive.
    """
    findings = [
        finding
        for detector in detectors
        for finding in _run(detector, window)
        if finding.subject in window.subjects
    ]
    by_subject: dict[Subject, dict[str, list[Finding]]] = {}
    for finding in findings:
        if _policy_of(window, finding).mode != "off":
            by_subject.setdefault(finding.subject, {}).setdefault(finding.anomaly_type, []).append(
                finding
            )
    return [
        scored
        for subject in sorted(by_subject)
        for scored in _scored_findings(window, by_subject[subject])
    ]


def _run(detector: ModuleType, window: Window) -> Iterator[Finding]:
    """Find all at once, and where the detector crashes, one subject at a time.

    So only the findings on the subject it crashes on are lost.
    """
    try:
        return iter([found for found in detector.detect(window) if isinstance(found, Finding)])
    # Whatever the error is, the other detectors and subjects must not suffer by it.
    except Exception:
        return iter(
            [
                finding
                for subject in sorted(window.subjects)
                for finding in _run_on(detector, window, subject)
            ]
        )


def _run_on(detector: ModuleType, window: Window, subject: Subject) -> list[Finding]:
    try:
        return [
            found for found in detector.detect(window.of(subject)) if isinstance(found, Finding)
        ]
    except Exception:
        DETECTOR_CRASHES.labels(anomaly_type=detector.TYPE).inc()
        window.crashed.add((subject, detector.TYPE))
        punch_id, shift_id = subject
        log.exception(
            DETECTOR_CRASHED,
            tenant_id=window.tenant_id,
            anomaly_type=detector.TYPE,
            punch_id=punch_id,
            shift_id=shift_id,
        )
        return []


def _scored_findings(window: Window, by_type: dict[str, list[Finding]]) -> Iterator[ScoredFinding]:
    led = [_lead(findings) for _, findings in sorted(by_type.items())]
    score = fraud_score(window, [finding for finding, _ in led])
    for leading, rest in led:
        finding = leading._replace(
            evidence={
                **leading.evidence,
                "also": [_also(f) for f in rest],
                "policy_version": window.policy_version,
            },
            private=_private(leading, rest),
            other_sites=leading.other_sites.union(*(f.other_sites for f in rest)),
        )
        yield ScoredFinding(
            finding,
            _policy_of(window, finding).mode == "shadow",
            score,
            window.policy_version,
            _person_name(window, finding),
            window.site_name(finding.site_id, finding.occurred_at),
        )


def fraud_score(window: Window, leading: Iterable[Finding]) -> float:
    """Return 1 - product of (1 - weight x confidence) over the types that stand on one subject.

    Types in shadow are left out. It is from 0 to 1, with 4 decimals.
    """
    remains = 1.0
    for finding in leading:
        policy = _policy_of(window, finding)
        if policy.mode != "shadow":
            remains *= 1 - policy.weight * finding.confidence
    return round(1 - remains, 4)


def _lead(findings: list[Finding]) -> tuple[Finding, list[Finding]]:
    """Return the gravest finding, and the others, gravest first.

    They are ordered by severity, then by confidence, then as the detector yields them: in the order
    of its docstring.
    """
    ranked = sorted(findings, key=lambda f: (-gravity(f.severity), -f.confidence))
    return ranked[0], ranked[1:]


def _also(finding: Finding) -> dict[str, Any]:
    return {
        "reason": finding.reason,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "explanation": finding.explanation,
        "evidence": finding.evidence,
    }


def _private(leading: Finding, rest: list[Finding]) -> dict[str, Any] | None:
    """Return the evidence that names other sites, by reason."""
    named = {finding.reason: finding.private for finding in (leading, *rest) if finding.private}
    return named or None


def _policy_of(window: Window, finding: Finding) -> TypePolicy:
    return window.policy(finding.site_id, finding.occurred_at).of_type(finding.anomaly_type)


def _person_name(window: Window, finding: Finding) -> str | None:
    punch = window.punch(finding.subject.punch_id)
    return window.name_of(punch) if punch else window.person(finding.person_id, finding.occurred_at)
