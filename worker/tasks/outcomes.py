"""Outcomes of what came by a task: count them, and find which tenants have something to judge."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from models.ids import Id
from models.intake import Outcome
from models.intake.refused.reasons import Reason
from worker.metrics import PUNCHES, REJECTED


def count_punches(outcomes: Sequence[Outcome], door: str) -> None:
    """Count what became of punches that came by `door`, and the reasons of those rejected."""
    for status, count in Counter(outcome.became for outcome in outcomes).items():
        PUNCHES.labels(status=status).inc(count)
    for outcome in outcomes:
        count_reasons(door, outcome.reasons)


def count_reasons(door: str, reasons: Iterable[Reason]) -> None:
    """Count each reason for which something that came by `door` was rejected."""
    for reason in reasons:
        REJECTED.labels(task=door, code=reason["code"]).inc()


def to_judge(outcomes: Sequence[Outcome]) -> Collection[Id]:
    """Return the ids of the tenants whose punches were accepted."""
    accepted = (outcome.tenant_id for outcome in outcomes if outcome.status == "accepted")
    return {tenant_id for tenant_id in accepted if tenant_id is not None}
