"""noc.publish puts an existing app's message into the feed, once, under the envelope's fields."""

import json

from sqlalchemy import Engine

from models.intake import publish, sync_roster
from tests.models.intake.stored import Content, codes, rejected, rows

MESSAGE = {
    "type": "ticket_updated",
    "tenant_id": 1,
    "site_id": 15,
    "severity": "HIGH",
    "message_id": "m-1",
    "data": {"ticket": 5},
}


def said(engine: Engine) -> list[Content]:
    return rows(engine, "SELECT * FROM message ORDER BY tenant_id, position")


def test_a_message_gets_the_next_position_of_its_tenants_feed(engine: Engine) -> None:
    publication = publish(engine, MESSAGE)
    assert publication.outcome.status == "accepted"
    [row] = said(engine)
    assert (row["tenant_id"], row["position"], row["event"], row["site_id"], row["severity"]) == (
        1,
        1,
        "ticket_updated",
        15,
        "HIGH",
    )
    assert publication.appended
    assert publication.appended.base == 0
    assert publication.messages[0].body == row["body"]


def test_a_message_is_said_once(engine: Engine) -> None:
    publish(engine, MESSAGE)
    again = publish(engine, MESSAGE | {"data": {"ticket": 6}})
    assert (again.outcome.status, again.appended, again.messages) == ("accepted", None, ())
    publish(engine, MESSAGE | {"tenant_id": 2})
    assert [row["tenant_id"] for row in said(engine)] == [1, 2]


def test_the_envelopes_fields_win(engine: Engine) -> None:
    data = {
        "type": "x",
        "tenant_id": 2,
        "site_id": 99,
        "severity": "LOW",
        "timestamp": "never",
        "position": 7,
        "ticket": 5,
    }
    envelope = {
        name: value for name, value in MESSAGE.items() if name not in ("site_id", "severity")
    }
    publish(engine, envelope | {"data": data})
    body = json.loads(said(engine)[0]["body"])
    assert body.pop("timestamp").endswith("Z")
    assert body == {
        "type": "ticket_updated",
        "tenant_id": 1,
        "site_id": None,
        "severity": None,
        "ticket": 5,
    }


WRONG: list[tuple[Content, tuple[str, str]]] = [
    ({"type": "anomaly_detected"}, ("unknown_value", "type")),
    ({"severity": "high"}, ("unknown_value", "severity")),
    ({"site_id": 15.0}, ("wrong_type", "site_id")),
    ({"message_id": None}, ("wrong_type", "message_id")),
    ({"data": [1]}, ("wrong_type", "data")),
    ({"data": {"text": "x" * 16_384}}, ("too_large", "data")),
    ({"data": {"text": "\0"}}, ("bad_text", "data")),
    ({"data": {"text": "\ud800"}}, ("bad_json", "data")),
    ({"data": {"number": float("nan")}}, ("not_finite", "data")),
    ({"tenant_id": 99}, ("unknown_tenant", "tenant_id")),
]


def test_a_message_that_is_wrong_is_kept_with_its_reasons(engine: Engine) -> None:
    for fields, code in WRONG:
        publication = publish(engine, MESSAGE | fields)
        assert codes(publication.outcome.reasons) == [code]
        assert publication.messages == ()
    assert [row["door"] for row in rejected(engine)] == ["noc.publish"] * len(WRONG)
    assert not said(engine)


def test_sixteen_kibibytes_are_taken(engine: Engine) -> None:
    assert publish(
        engine, MESSAGE | {"data": {"text": "x" * (16_384 - len('{"text":""}'))}}
    ).appended


def test_a_message_that_waits_for_its_tenant_is_said_once_it_comes(engine: Engine) -> None:
    publish(engine, MESSAGE | {"tenant_id": 99})
    sync_roster(engine, {"tenant": {"tenant_id": 99, "name": "New"}})
    assert [(row["tenant_id"], row["position"]) for row in said(engine)] == [(99, 1)]
