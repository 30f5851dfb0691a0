"""A tenant whose messages a test says itself, as a worker does: in the feed, then over Redis."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg

from dev.bench.always_so import hold_since_ever
from models.channel_keys import SigningKeys
from models.database import make_engine
from models.emitter import FeedManager
from models.feed import Message, append
from models.schemas.payloads import instant_text

_STORE = """
INSERT INTO anomaly (
    tenant_id, anomaly_id, punch_id, anomaly_type, person_id, site_id,
    severity, confidence, reason, explanation, evidence, fraud_score,
    policy_version, occurred_at, detected_at, updated_at, said
)
SELECT
    tenant_id, anomaly_id, anomaly_id::text, anomaly_type, person_id, site_id,
    severity, confidence, reason, explanation, evidence, fraud_score,
    1, occurred_at, timestamp, timestamp, true
FROM jsonb_to_record(%s::jsonb) AS payload(
    tenant_id bigint, anomaly_id uuid, anomaly_type text, person_id bigint, site_id bigint,
    severity text, confidence float, reason text, explanation text, evidence jsonb,
    fraud_score float, occurred_at timestamptz, timestamp timestamptz
)
"""


class Company:
    def __init__(self, environ: Mapping[str, str], tenant_id: int) -> None:
        self.tenant_id = tenant_id
        self._postgres_url = environ["DATABASE_URL"]
        self._manager = FeedManager(
            environ["REDIS_URL"],
            environ["REDIS_CHANNEL"],
            SigningKeys(make_engine(self._postgres_url)),
        )
        with psycopg.connect(self._postgres_url) as connection:
            connection.execute(
                "INSERT INTO tenant (tenant_id, name, epoch) VALUES (%s, %s, %s)",
                (tenant_id, f"Company {tenant_id}", uuid.uuid4().hex),
            )
            hold_since_ever(connection)

    def say(self, *bodies: dict[str, Any]) -> int:
        """Store the anomalies of these payloads, append them to the feed, commit and emit.

        Return the position of the last.
        """
        messages = [self._message(body) for body in bodies]
        with psycopg.connect(self._postgres_url) as connection, connection.cursor() as cursor:
            cursor.executemany(
                _STORE, [_row(body) for body in bodies if body["type"] == "anomaly_detected"]
            )
            appended = append(cursor, self.tenant_id, messages)
        self._manager.say(self.tenant_id, appended.epoch, appended.base, messages)
        return appended.base + len(messages)

    def forget(self) -> None:
        """Begin another history of the feed, as a restored database would."""
        with psycopg.connect(self._postgres_url) as connection:
            connection.execute("DELETE FROM message WHERE tenant_id = %s", (self.tenant_id,))
            connection.execute(
                "UPDATE tenant SET epoch = %s, head = 0 WHERE tenant_id = %s",
                (uuid.uuid4().hex, self.tenant_id),
            )

    def anomaly(
        self, anomaly_type: str = "WRONG_PERSON", severity: str = "LOW", **other: Any
    ) -> dict[str, Any]:
        """Return the payload of an anomaly detected now; `other` are fields with other values."""
        now = instant_text(datetime.now(UTC))
        return {
            "type": "anomaly_detected",
            "anomaly_id": str(uuid.uuid4()),
            "person_id": 207,
            "person_name": "Mei-Ling Chow",
            "site_id": 15,
            "site_name": "Main Office",
            "anomaly_type": anomaly_type,
            "fraud_score": 0.76,
            "severity": severity,
            "timestamp": now,
            "tenant_id": self.tenant_id,
            "occurred_at": now,
            "punch_id": "p-1",
            "shift_id": None,
            "confidence": 0.95,
            "status": "DETECTED",
            "reason": "face_is_another_person",
            "explanation": "The face at check-in is another person's (score 0.97).",
            "evidence": {
                "distance_m": 412.03,
                "spells": [{"check_in": now, "hours": 9.5}],
                "also": [],
            },
        } | other

    def _message(self, body: dict[str, Any]) -> Message:
        site_id, severity = body.get("site_id"), body.get("severity")
        return Message(
            body["type"],
            site_id,
            body.get("anomaly_type"),
            severity,
            body.get("prior_severity"),
            orjson.dumps(body).decode(),
        )


def _row(body: Mapping[str, Any]) -> tuple[str]:
    return (orjson.dumps(body).decode(),)
