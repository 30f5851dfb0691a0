"""Checking payloads by their models: the fields, their types, how moments are written."""

from collections.abc import Iterator
from typing import Any

import orjson
import psycopg
from pydantic import TypeAdapter, ValidationError

from models.feed import payload_text
from models.schemas.payloads import PAYLOADS, AlertPayload, AnomalyPayload

Adapters = dict[str, TypeAdapter[Any]]

_ADAPTERS: Adapters = {event: TypeAdapter(model) for event, model in PAYLOADS.items()}
_FEED = "SELECT tenant_id, position, event, body FROM message ORDER BY tenant_id, position"


def checked(event: str, text: str | bytes) -> Any:
    """Return the payload of an event as its model has it. Raises ValidationError."""
    return _ADAPTERS[event].validate_json(text)


def alert_payload(payload: dict[str, Any]) -> AlertPayload:
    alert = checked(payload["type"], orjson.dumps(payload))
    assert isinstance(alert, AlertPayload)
    return alert


def anomaly_payload(payload: dict[str, Any]) -> AnomalyPayload:
    anomaly = checked(payload["type"], orjson.dumps(payload))
    assert isinstance(anomaly, AnomalyPayload)
    return anomaly


def faults_of_messages(connection: psycopg.Connection) -> Iterator[str]:
    """Yield a sentence for each message of any feed that is not as its model has it."""
    for tenant_id, position, event, body in connection.execute(_FEED):
        place = f"tenant {tenant_id}, position {position}, {event}"
        try:
            payload = checked(event, payload_text(body, position))
        except ValidationError as error:
            yield f"{place}: {error}"
            continue
        if (payload.type, payload.position, payload.tenant_id) != (event, position, tenant_id):
            yield f"{place}: its payload says that it is another message"
