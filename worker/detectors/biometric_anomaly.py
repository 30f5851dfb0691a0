"""Biometric Pattern Anomaly: the reader was not sure that it was this person, or alive.

Looks at: score and liveness of face, fingerprint and iris; and the person's own earlier scores by
the same method.

- `not_live` (HIGH 0.90): liveness below `biometric_min_liveness`.
- `low_score` (MEDIUM 0.75): score below `biometric_min_score`.
- `below_own_baseline` (MEDIUM 0.75): more than `biometric_z` standard deviations below the mean of
  the person's earlier punches of the last 30 days by the same method, at least 10 of them, the
  sample deviation taken as no less than 0.02.

Policy: `not_live_severity`, `low_score_severity`, `below_own_baseline_severity`,
`biometric_min_liveness` (0.50), `biometric_min_score` (0.70), `biometric_z` (4).

Cannot tell: cards and numbers, which can be lent; a reader that reports neither score nor liveness;
a person with fewer than 10 earlier scores has no baseline.
"""

from models.policy.biometric_anomaly import BiometricAnomaly
from worker.rules.biometrics import LEAST_DEVIATION, LEAST_SCORES, is_bodily
from worker.rules.evidence import done, found, nothing
from worker.rules.finding import Findings
from worker.rules.window import Punch, Window

TYPE = "BIOMETRIC_ANOMALY"


def detect(window: Window) -> Findings:
    for punch in window.punches_to_judge:
        if is_bodily(punch):
            policy = window.policy_of(punch)
            yield from _below(
                window,
                punch,
                "not_live",
                punch.biometric_liveness,
                policy.biometric_min_liveness,
                "liveness",
            )
            yield from _below(
                window,
                punch,
                "low_score",
                punch.biometric_score,
                policy.biometric_min_score,
                "score",
            )
            yield from _baseline(window, punch, policy.of(BiometricAnomaly))
        elif window.explaining:
            yield nothing(punch, TYPE, "low_score", "it has no face, fingerprint or iris")


def _below(
    window: Window, punch: Punch, reason: str, observed: float | None, limit: float, what: str
) -> Findings:
    own = window.policy_of(punch).of(BiometricAnomaly)
    severity, confidence = (
        (own.not_live_severity, 0.90) if reason == "not_live" else (own.low_score_severity, 0.75)
    )
    if observed is not None and observed < limit:
        yield found(
            window,
            punch,
            TYPE,
            reason,
            severity,
            confidence,
            f"{done(punch)} by {punch.biometric_method} with a {what} of {observed:.2f}; "
            f"at least {limit:.2f} is expected.",
            observed=observed,
            limit=limit,
            unit=what,
        )
    elif window.explaining:
        because = (
            f"no {what} was reported"
            if observed is None
            else f"a {what} of {observed:.2f} is at least {limit:.2f}"
        )
        yield nothing(punch, TYPE, reason, because)


def _baseline(window: Window, punch: Punch, own: BiometricAnomaly) -> Findings:
    baseline, score = window.baselines.get(punch.punch_id), punch.biometric_score
    if baseline is None or score is None or baseline.scores < LEAST_SCORES:
        if window.explaining:
            yield nothing(
                punch,
                TYPE,
                "below_own_baseline",
                _why_none(own, score, baseline.scores if baseline else 0),
            )
        return
    deviation = max(baseline.deviation, LEAST_DEVIATION)
    limit = round(baseline.mean - own.biometric_z * deviation, 9)
    if score < limit:
        yield found(
            window,
            punch,
            TYPE,
            "below_own_baseline",
            own.below_own_baseline_severity,
            0.75,
            f"{done(punch)} by {punch.biometric_method} with a score of {score:.2f}, "
            f"{(baseline.mean - score) / deviation:.1f} deviations below the person's own mean of "
            f"{baseline.mean:.2f} over {baseline.scores} punches; {own.biometric_z:g} are allowed.",
            observed=score,
            limit=limit,
            unit="score",
            mean=round(baseline.mean, 4),
            deviation=round(deviation, 4),
            earlier=baseline.scores,
        )
    elif window.explaining:
        yield nothing(
            punch, TYPE, "below_own_baseline", f"a score of {score:.2f} is at least {limit:.2f}"
        )


def _why_none(own: BiometricAnomaly, score: float | None, scores: int) -> str:
    if score is None:
        return "no score was reported"
    if score >= 1 - own.biometric_z * LEAST_DEVIATION:
        return f"a score of {score:.2f} is not below any baseline"
    earlier = f"{scores} earlier score{'' if scores == 1 else 's'}"
    return f"{earlier}, and a baseline needs at least {LEAST_SCORES}"
