"""An anomaly as the REST API shows it."""

from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import Row
from typing_extensions import TypedDict

from models.ids import number_of
from models.schemas.fields import Id, Share
from models.schemas.payloads import anomaly_status, instant_text
from models.vocabulary import VERDICTS, AnomalyStatus, AnomalyType, Severity
from realtime.http.fields import Moment, Object, UuidText, choice
from realtime.tokens import Claims

Verdict = Annotated[str, choice(VERDICTS)]


class _Anomaly(TypedDict):
    anomaly_id: UuidText
    tenant_id: Id
    timestamp: Annotated[Moment, Field(description="When it was detected.")]
    occurred_at: Moment
    anomaly_type: AnomalyType
    severity: Severity
    status: AnomalyStatus
    review: Annotated[
        Verdict | None,
        Field(
            description="An operator's latest verdict, also while the anomaly does not stand.",
        ),
    ]
    reason: str
    explanation: str
    person_id: Id
    person_name: str | None
    site_id: Id
    site_name: str | None
    punch_id: Annotated[str | None, Field(description="Null where its subject is a shift.")]
    shift_id: Annotated[str | None, Field(description="Null where its subject is a punch.")]
    fraud_score: Share
    confidence: Share


class AnomalyItem(_Anomaly):
    """What was found."""

    # The CSV has the fields in this order, those above first.
    updated_at: Moment
    policy_version: int
    backfill: bool
    evidence: Object
    private_evidence: Annotated[
        Object | None,
        Field(description="What rests on other sites; null unless the token covers them all."),
    ]


class ReviewedAnomaly(_Anomaly):
    """The anomaly as viewers are told it from now on."""

    type: Literal["anomaly_updated"]
    evidence: Object


def item(row: Row[Any], claims: Claims) -> AnomalyItem:
    return {
        "anomaly_id": str(row.anomaly_id),
        "tenant_id": row.tenant_id,
        "timestamp": instant_text(row.detected_at),
        "updated_at": instant_text(row.updated_at),
        "occurred_at": instant_text(row.occurred_at),
        "anomaly_type": row.anomaly_type,
        "severity": row.severity,
        "status": anomaly_status(row.standing, row.shadow, row.review),
        "review": row.review,
        "reason": row.reason,
        "explanation": row.explanation,
        "person_id": row.person_id,
        "person_name": row.person_name,
        "site_id": row.site_id,
        "site_name": row.site_name,
        "punch_id": row.punch_id or None,
        "shift_id": row.shift_id or None,
        "fraud_score": round(row.fraud_score, 4),
        "confidence": row.confidence,
        "policy_version": row.policy_version,
        "backfill": row.backfill,
        "evidence": row.evidence,
        "private_evidence": row.private_evidence if covers_all(row.other_sites, claims) else None,
    }


def covers_all(other_sites: str, claims: Claims) -> bool:
    """Tell whether the token covers all sites that a column `other_sites` has.

    It has the numbers of their ids, with commas between. Those of the token's are known by now.
    """
    if claims.sites is None:
        return True
    named = {int(number) for number in other_sites.split(",") if number}
    return named <= {number_of(site_id) for site_id in claims.sites}
