"""What is kept how long: messages and what belongs to them, and revisions of punches."""

from datetime import timedelta

import orjson
import pytest
from sqlalchemy import Engine

import worker.retention
from models import intake
from models.database import transaction
from models.feed import Message, append
from tests.worker.cast import rows
from worker.retention import prune, prune_feed

MONTH = timedelta(days=30)


def say(engine: Engine, number: int, tenant_id: int = 1) -> None:
    with transaction(engine) as cursor:
        body = {
            "type": "ticket_updated",
            "tenant_id": tenant_id,
            "site_id": None,
            "severity": None,
            "timestamp": "2026-03-02T08:00:00Z",
        }
        append(
            cursor,
            tenant_id,
            [Message("ticket_updated", None, None, None, None, orjson.dumps(body).decode())]
            * number,
        )


def age_up_to(engine: Engine, position: int) -> None:
    sql = """
        UPDATE message SET said_at = said_at - interval '31 days'
        WHERE tenant_id = 1 AND position <= %s
        RETURNING 1
    """
    rows(engine, sql, position)


def floor_and_positions(engine: Engine, tenant_id: int = 1) -> tuple[int, list[int]]:
    ((floor,),) = rows(engine, "SELECT floor FROM tenant WHERE tenant_id = %s", tenant_id)
    return floor, [
        position
        for (position,) in rows(
            engine, "SELECT position FROM message WHERE tenant_id = %s ORDER BY 1", tenant_id
        )
    ]


def test_old_messages_go_and_the_floor_says_so(engine: Engine) -> None:
    say(engine, 10)
    say(engine, 3, tenant_id=2)
    age_up_to(engine, 6)
    prune(engine, MONTH)
    assert floor_and_positions(engine) == (6, [7, 8, 9, 10])
    assert floor_and_positions(engine, 2) == (0, [1, 2, 3])


def test_a_feed_that_is_old_altogether_goes_altogether_and_goes_on(engine: Engine) -> None:
    say(engine, 5)
    age_up_to(engine, 5)
    prune(engine, MONTH)
    assert floor_and_positions(engine) == (5, [])
    say(engine, 1)
    assert floor_and_positions(engine) == (5, [6])


def test_batches_end_where_the_old_ends(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker.retention, "BATCH", 2)
    say(engine, 7)
    age_up_to(engine, 5)
    assert prune_feed(engine, 1, MONTH) == 5
    assert floor_and_positions(engine) == (5, [6, 7])


def test_what_belongs_to_the_feed_goes_with_it_and_revisions_stay(engine: Engine) -> None:
    message = {"type": "ticket_updated", "tenant_id": 1, "message_id": "m1", "data": {}}
    intake.publish(engine, message)
    with transaction(engine) as cursor:
        cursor.execute("UPDATE published SET said_at = said_at - interval '31 days'")
        cursor.execute(
            "INSERT INTO viewer_filter VALUES (1, 'pid', 'ada', '{}', now() - interval '31 days')"
        )
        revision = "INSERT INTO punch_revision VALUES (1, %s, '', '{}', NULL, now() - %s)"
        for punch_id, days in (("p1", 31), ("p2", 401)):
            cursor.execute(revision, (punch_id, timedelta(days=days)))
    prune(engine, MONTH)
    assert rows(
        engine, "SELECT (SELECT count(*) FROM published), (SELECT count(*) FROM viewer_filter)"
    ) == [(0, 0)]
    assert rows(engine, "SELECT punch_id FROM punch_revision") == [("p1",)]
