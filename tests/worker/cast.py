"""What the tests of the pipeline submit, and what they read back.

One kind of anomaly is enough for them: another person's face.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Engine

from models.database import transaction
from models.ids import Id

NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=2)


def roster(tenant_id: int) -> dict[str, Any]:
    """Return sites 15 and 16, and people 1 to 20, assigned to both, without shifts.

    So anomalies come of a punch's own content only.
    """
    return {
        "tenant": {"tenant_id": tenant_id, "name": {1: "Acme", 2: "Globex"}[tenant_id]},
        "sites": [
            {"site_id": site_id, "name": f"Site {site_id}", "timezone": "Europe/Berlin"}
            for site_id in (15, 16)
        ],
        "people": [
            {"person_id": person_id, "name": f"Person {person_id}"} for person_id in range(1, 21)
        ],
        "assignments": [
            {"person_id": person_id, "site_id": site_id}
            for person_id in range(1, 21)
            for site_id in (15, 16)
        ],
    }


def punch(punch_id: str, **fields: Any) -> dict[str, Any]:
    """Return a check-in at noon of Acme's person 1 at site 15."""
    return {
        "punch_id": punch_id,
        "tenant_id": 1,
        "person_id": 1,
        "site_id": 15,
        "kind": "check_in",
        "occurred_at": NOON.isoformat(),
        **fields,
    }


def imposter(punch_id: str, **fields: Any) -> dict[str, Any]:
    """Return such a punch with the face of person 2, which is WRONG_PERSON and nothing else."""
    return punch(punch_id, **{"biometric": {"method": "face", "matched_person_id": 2}, **fields})


def rows(engine: Engine, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
    """Run one statement, commit, and return its rows."""
    with transaction(engine) as cursor:
        return cursor.execute(sql, arguments).fetchall()


def anomalies(engine: Engine, tenant_id: Id = 1) -> list[tuple[Any, ...]]:
    """Return punch_id, type, person_id, site_id and standing of all anomalies of punches."""
    sql = """
        SELECT punch_id, anomaly_type, person_id, site_id, standing
        FROM anomaly WHERE tenant_id = %s AND punch_id <> ''
        ORDER BY 1, 2, 3, 4
    """
    return rows(engine, sql, tenant_id)


def feed(engine: Engine, tenant_id: Id = 1) -> list[dict[str, Any]]:
    """Return the payloads of a tenant's feed, in order, with their positions."""
    sql = "SELECT position, body FROM message WHERE tenant_id = %s ORDER BY position"
    messages = rows(engine, sql, tenant_id)
    return [orjson.loads(body) | {"position": position} for position, body in messages]


def found(engine: Engine, tenant_id: Id = 1) -> list[dict[str, Any]]:
    """Return the payloads of a tenant's feed without those of alerts, which follow anomalies."""
    return [
        payload for payload in feed(engine, tenant_id) if not payload["type"].startswith("alert_")
    ]


def waiting(engine: Engine, tenant_id: Id = 1) -> int:
    """Return how many rows wait to be judged."""
    sql = """
        SELECT (SELECT count(*) FROM pending WHERE tenant_id = %s)
            + (SELECT count(*) FROM roster_change WHERE tenant_id = %s)
    """
    ((count,),) = rows(engine, sql, tenant_id, tenant_id)
    return int(count)
