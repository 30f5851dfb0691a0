"""What lists show of a row: fields that are those of the payloads, and columns that stay put."""

import csv
import io
import json
from typing import Any, get_type_hints
from uuid import uuid4

import pytest
from pydantic import TypeAdapter

from models.alerts.alert import ALERT_COLUMNS, Alert
from models.alerts.rows import fields_of
from models.schemas.payloads import AlertPayload, AnomalyPayload
from realtime.http.alert_item import AlertItem
from realtime.http.anomaly_item import ReviewedAnomaly
from realtime.http.endpoint import json_response
from tests.models.alerts.cast import open_alert
from tests.realtime.cast import Feed
from tests.realtime.http.conftest import Caller
from tests.realtime.http.described import ADMIN, OPERATOR, post

HEADERS = {
    "alerts": """alert_id first_seen last_seen anomaly_type severity status count message person_id
        person_name site_id site_name assigned_to correlation_id escalation_step escalated_to
        escalates_at quiet_reason quiet_until acknowledged_at resolved_at seconds_to_acknowledge
        seconds_to_resolve version""",
    "anomalies": """anomaly_id timestamp occurred_at anomaly_type severity status review reason
        explanation person_id person_name site_id site_name punch_id shift_id fraud_score
        confidence policy_version evidence private_evidence""",
    "rejected": """rejected_id received_at door punch_id person_id site_id reasons waits_for times
        resubmitted_at submitted_by content""",
    "quiet": """quiet_id kind state reason author types severities sites people starts_at ends_at
        duration_minutes rrule hid_alerts hid_anomalies created_at cancelled_at cancelled_by""",
    "precision": "anomaly_type site_id policy_version confirmed false_positive precision",
}


async def test_the_columns_of_a_csv_stay_in_their_order(caller: Caller) -> None:
    for name, columns in HEADERS.items():
        response = await caller.get(f"/api/v1/{name}", headers={"Accept": "text/csv"}, **ADMIN)
        assert next(csv.reader(io.StringIO(await response.text()))) == columns.split()


def test_an_alert_has_the_fields_that_are_said_of_it(feed: Feed) -> None:
    open_alert(feed.engine)
    (row,) = feed.rows(f"SELECT {', '.join(ALERT_COLUMNS)} FROM alert")
    assert set(fields_of(Alert(**dict(zip(ALERT_COLUMNS, row, strict=True))))) == set(
        get_type_hints(AlertItem)
    )


@pytest.mark.parametrize(
    ("item", "payload", "more"),
    [
        (AlertItem, AlertPayload, {"type"}),
        (ReviewedAnomaly, AnomalyPayload, set()),
    ],
)
def test_an_item_lacks_nothing_of_the_payload_but_what_makes_it_a_message(
    item: Any,
    payload: Any,
    more: set[str],
) -> None:
    said = set(TypeAdapter(payload).json_schema()["properties"])
    assert said - {"position"} - more <= set(get_type_hints(item))


async def test_an_id_is_given_back_as_it_came_whatever_it_was(caller: Caller) -> None:
    """Half of a surrogate pair is no text that can be written as UTF-8, and JSON can hold it."""
    ids = ["\ud800", "nonsense", str(uuid4())]
    body = {"alert_ids": ids, "note": "Seen."}
    answer = await post(caller, "/api/v1/alerts/note", body, **OPERATOR)
    assert [result["alert_id"] for result in answer["results"]] == ids
    assert [result["error"]["code"] for result in answer["results"]] == ["not_found"] * 3


@pytest.mark.parametrize("text", ["Zürich", "\ud800"])
def test_what_is_written_is_json_of_one_kind(text: str) -> None:
    response = json_response({"text": text}, 201)
    assert (response.status, response.content_type, response.charset) == (
        201,
        "application/json",
        "utf-8",
    )
    assert isinstance(response.body, bytes)
    assert json.loads(response.body) == {"text": text}
