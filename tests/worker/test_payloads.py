"""A busy company in which all is said that ever is: every message is as its model says."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from dev.simulator.day import honest_day
from dev.simulator.founding import found_company
from dev.simulator.frauds import PLANTERS, plant
from models import intake
from models.alerts.move import Actor
from models.alerts.moves import MOVES, operator_moves
from models.alerts.quiet_rows import add_quiet, cancel_quiet
from models.alerts.review import Verdict, review
from models.database import transaction
from models.feed import Message, append
from models.ids import Id
from models.schemas.payloads import PAYLOADS
from models.schemas.quiet import Silence
from models.vocabulary import TYPES, VERDICTS
from tests.models.alerts.cast import OPERATOR, move, open_alert
from tests.payloads import faults_of_messages
from tests.worker.alerts.test_escalation import keep, pass_time
from tests.worker.cast import NOON, feed, imposter, punch, rows
from tests.worker.conftest import Heard
from worker.judging.judge import judge

SERVERS_OWN = {"snapshot", "resync", "token_expired"}


def submit(engine: Engine, heard: Heard, *punches: dict[str, Any]) -> None:
    intake.submit(engine, punches)
    judge(engine, 1, heard)


def alert_of(engine: Engine, person_id: Id) -> UUID:
    """Return the id of an imposter's alert."""
    sql = "SELECT alert_id FROM alert WHERE person_id = %s AND anomaly_type = 'WRONG_PERSON'"
    ((alert_id,),) = rows(engine, sql, person_id)
    assert isinstance(alert_id, UUID)
    return alert_id


def every_type(engine: Engine, heard: Heard) -> None:
    """Submit three days of a company in which every fraud there is was planted."""
    company = found_company(1, "Acme", seed=5, sites=20, people=200)
    dates = [date(2026, 3, 18) + timedelta(days=number) for number in range(3)]
    days = [honest_day(company, day, history_days=20) for day in dates]
    for day in days:
        for reason in PLANTERS:
            plant(day, reason)
    intake.sync_roster(engine, company.roster())
    for day in days:
        planned = {
            "shifts": [shift.contract() for shift in day.shifts],
            "absences": [absence.contract() for absence in day.absences],
        }
        intake.sync_roster(engine, {"tenant": {"tenant_id": 1}, **planned})
    submit(engine, heard, *(made.contract(1) for day in days for made in day.punches))


def every_move(engine: Engine, heard: Heard) -> None:
    arguments: dict[str, Any] = {"assign": {"assignee": "Ann"}, "note": {"note": "Seen."}}
    policy = {"relapse_minutes": 5}
    intake.sync_roster(engine, {"tenant": {"tenant_id": 1, "policy": policy}})
    for number, name in enumerate(operator_moves(), 9_001):
        submit(engine, heard, imposter(f"m{number}", person_id=number))
        move(engine, alert_of(engine, number), name, **arguments.get(name, {}))
    pass_time(engine, 10)  # two fall back to NEW
    keep(engine, heard)
    pass_time(engine, 20)  # and are escalated
    keep(engine, heard)
    submit(engine, heard, punch("m9001", person_id=9_001))  # withdrawn, and so resolved


def every_quiet(engine: Engine, heard: Heard) -> None:
    ends_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    content = {"kind": "silence", "reason": "Works.", "ends_at": ends_at, "people": [9_101, 9_102]}
    silence = add_quiet(engine, 1, OPERATOR, Silence.model_validate(content))
    submit(engine, heard, imposter("q1", person_id=9_101), imposter("q2", person_id=9_102))
    submit(engine, heard, punch("q2", person_id=9_102))
    cancel_quiet(engine, 1, OPERATOR, silence)
    keep(engine, heard)


def every_review(engine: Engine, heard: Heard) -> None:
    submit(engine, heard, imposter("r1", person_id=9_201))
    sql = "SELECT anomaly_id FROM anomaly WHERE punch_id = 'r1' AND anomaly_type = 'WRONG_PERSON'"
    ((anomaly_id,),) = rows(engine, sql)
    for verdict in VERDICTS:
        review(engine, 1, Actor("olga", "admin", None), Verdict(anomaly_id, verdict))


def every_publication(engine: Engine, heard: Heard) -> None:
    odd = {"type": "mine", "position": 3, "timestamp": 7, "deep": [{"er": None}], "": "\u2028"}
    of_site = {"site_id": 15, "severity": "HIGH"}
    for message in ({"type": "finding_created"}, {"type": "ticket_updated", **of_site}):
        message |= {"tenant_id": 1, "message_id": str(message["type"]), "data": odd}
        assert intake.publish(engine, message).outcome.status == "accepted"
    for person_id in range(1, 6):
        at = (NOON + timedelta(minutes=10 * person_id)).isoformat()
        at_kiosk = {"person_id": person_id, "device_id": "lobby", "occurred_at": at}
        submit(engine, heard, punch(f"k{person_id}", **at_kiosk))
    submit(engine, heard, punch("reused", occurred_at=(NOON - timedelta(days=9)).isoformat()))
    submit(engine, heard, punch("reused", person_id=2))


def test_every_message_of_a_busy_company_is_as_its_model_says(engine: Engine, heard: Heard) -> None:
    """The fixture `engine` checks every message; here every type and state is said."""
    for busy in (every_type, every_move, every_quiet, every_review, every_publication):
        busy(engine, heard)
    said = feed(engine)
    assert {payload["type"] for payload in said} == PAYLOADS.keys() - SERVERS_OWN
    found = [payload for payload in said if "anomaly_id" in payload]
    assert {payload["anomaly_type"] for payload in found} == set(TYPES)
    assert {payload["status"] for payload in found} == {"DETECTED", "WITHDRAWN", *VERDICTS}
    moves = {name for (name,) in rows(engine, "SELECT DISTINCT move FROM alert_trail")}
    assert moves == {*MOVES, "create", "bump"} - {"suppress"}  # suppressed as it is created
    notices = {"UNDECLARED_SHARED_DEVICE", "PUNCH_ID_REUSED"}
    assert {payload.get("finding") for payload in said} >= notices


def test_a_message_that_is_not_as_its_model_says_is_noticed(engine: Engine) -> None:
    open_alert(engine)
    with transaction(engine) as cursor:
        columns = ", ".join(Message._fields)
        (message,) = map(Message._make, cursor.execute(f"SELECT {columns} FROM message"))
        coloured = message._replace(body=message.body[:-1] + ',"colour":"red"}')
        append(cursor, 1, [message, coloured, message._replace(event="alert_updated")])
        faults = list(faults_of_messages(cursor.connection))
        cursor.execute("DELETE FROM message")
    assert [fault.partition(":")[0] for fault in faults] == [
        "tenant 1, position 3, alert_created",
        "tenant 1, position 4, alert_updated",
    ]
