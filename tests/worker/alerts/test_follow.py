"""Alerts follow anomalies, in the same commit: one open alert a person, site and type, whoever
writes and however often.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine

from models import intake
from models.alerts.move import Actor
from models.alerts.quiet_rows import add_quiet, cancel_quiet
from models.channel_keys import SigningKeys
from models.database import make_engine
from models.emitter import FeedManager
from models.schemas.quiet import Silence
from tests.models.alerts.cast import OPERATOR, move, open_alert, trail
from tests.payloads import alert_payload
from tests.worker.cast import NOON, feed, imposter, punch, rows, waiting
from tests.worker.conftest import Heard
from worker.emit import Emitter
from worker.judging.judge import judge


def submit(
    engine: Engine, heard: Heard, *punches: dict[str, Any], backfill: bool = False
) -> list[dict[str, Any]]:
    """Submit, judge, and return the new messages of alerts."""
    before = len(feed(engine))
    intake.submit(engine, punches, backfill=backfill)
    judge(engine, 1, heard)
    assert waiting(engine) == 0
    return [payload for payload in feed(engine)[before:] if payload["type"].startswith("alert_")]


def alerts(engine: Engine) -> list[tuple[Any, ...]]:
    """Return person_id, site_id, anomaly_type, status, count and severity of each alert."""
    # The ids of one judgement are in no order.
    sql = """
        SELECT person_id, site_id, anomaly_type, status, count, severity
        FROM alert WHERE tenant_id = 1
        ORDER BY created_at, person_id, anomaly_type
    """
    return rows(engine, sql)


def policy(engine: Engine, heard: Heard, **keys: Any) -> None:
    tenant = {"tenant_id": 1, "policy": keys, "correction": True}
    intake.sync_roster(engine, {"tenant": tenant})
    judge(engine, 1, heard)


def later(minutes: int) -> str:
    return (NOON + timedelta(minutes=minutes)).isoformat()


def silence(engine: Engine, **fields: Any) -> Any:
    ends_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    content = {"kind": "silence", "reason": "Works at the gate.", "ends_at": ends_at, **fields}
    return add_quiet(engine, 1, OPERATOR, Silence.model_validate(content))


def test_an_anomaly_opens_an_alert_that_is_said_after_it(engine: Engine, heard: Heard) -> None:
    (said,) = submit(engine, heard, imposter("p1"))
    payload = alert_payload(said)
    assert (payload.type, payload.status, payload.count, payload.severity) == (
        "alert_created",
        "NEW",
        1,
        "CRITICAL",
    )
    assert (payload.anomaly_type, payload.person_name, payload.site_name) == (
        "WRONG_PERSON",
        "Person 1",
        "Site 15",
    )
    assert [payload["type"] for payload in feed(engine)] == ["anomaly_detected", "alert_created"]
    assert rows(engine, "SELECT count(*) FROM alert_anomaly") == [(1,)]
    (said_again,) = submit(engine, heard, imposter("p2", occurred_at=later(60)))
    assert (said_again["type"], said_again["count"], said_again["alert_id"]) == (
        "alert_updated",
        2,
        said["alert_id"],
    )


def test_several_anomalies_of_one_judgement_are_said_as_one(engine: Engine, heard: Heard) -> None:
    (said,) = submit(
        engine,
        heard,
        *(imposter(f"p{number}", occurred_at=later(60 * number)) for number in range(5)),
    )
    assert (said["type"], said["count"], said["version"]) == ("alert_created", 5, 1)


def test_its_severity_rises_to_the_gravest_and_never_falls(engine: Engine, heard: Heard) -> None:
    policy(engine, heard, face_is_another_person_severity="LOW")
    submit(engine, heard, imposter("p1"))
    policy(engine, heard, face_is_another_person_severity="HIGH")
    assert alerts(engine) == [(1, 15, "WRONG_PERSON", "NEW", 1, "HIGH")]
    # Viewers who hear LOW only are told that an alert they know has become graver.
    update = heard.messages[-1]
    assert (update.event, update.severity, update.prior_severity) == (
        "alert_updated",
        "HIGH",
        "LOW",
    )
    said = len(feed(engine))
    policy(engine, heard, face_is_another_person_severity="MEDIUM")
    assert alerts(engine)[0][-1] == "HIGH"
    assert [payload["type"] for payload in feed(engine)[said:]] == ["anomaly_updated"]


def test_one_whose_anomalies_are_all_withdrawn_resolves_itself_and_says_why(
    engine: Engine, heard: Heard
) -> None:
    submit(engine, heard, imposter("p1"), imposter("p2", occurred_at=later(60)))
    assert submit(engine, heard, punch("p1")) == []
    (said,) = submit(engine, heard, punch("p2", occurred_at=later(60)))
    assert (said["status"], said["count"]) == ("RESOLVED", 2)
    ((alert_id,),) = rows(engine, "SELECT alert_id FROM alert")
    assert trail(engine, alert_id)[-1] == (
        "resolve",
        "system",
        "NEW",
        "RESOLVED",
        "All its anomalies were withdrawn.",
        0,
    )


def test_after_it_is_resolved_a_new_one_opens(engine: Engine, heard: Heard) -> None:
    (first,) = submit(engine, heard, imposter("p1"))
    ((alert_id,),) = rows(engine, "SELECT alert_id FROM alert")
    move(engine, alert_id, "resolve")
    (second,) = submit(engine, heard, imposter("p2", occurred_at=later(60)))
    assert (second["type"], second["count"]) == ("alert_created", 1)
    assert second["alert_id"] != first["alert_id"]


def test_what_merely_changes_its_score_brings_no_resolved_alert_back(
    engine: Engine, heard: Heard
) -> None:
    submit(engine, heard, imposter("p1"))
    ((alert_id,),) = rows(engine, "SELECT alert_id FROM alert")
    move(engine, alert_id, "resolve")
    said = submit(engine, heard, imposter("p1", is_mock_location=True))
    assert [(payload["type"], payload["anomaly_type"]) for payload in said] == [
        ("alert_created", "GPS_SPOOFING")
    ]


def test_one_that_stands_again_counts_once_in_an_open_alert(engine: Engine, heard: Heard) -> None:
    submit(engine, heard, imposter("p1"), imposter("p2", occurred_at=later(60)))
    submit(engine, heard, punch("p1"))
    assert submit(engine, heard, imposter("p1", accuracy_m=7)) == []
    assert alerts(engine)[0][3:5] == ("NEW", 2)


def test_backfill_and_shadow_alert_nobody(engine: Engine, heard: Heard) -> None:
    assert submit(engine, heard, imposter("p1"), backfill=True) == []
    policy(engine, heard, wrong_person="shadow")
    assert submit(engine, heard, imposter("p2", person_id=3)) == []
    assert alerts(engine) == []


def test_a_second_open_alert_is_refused_by_the_database(engine: Engine) -> None:
    open_alert(engine)
    with pytest.raises(psycopg.errors.UniqueViolation, match="uq_alert_open"):
        open_alert(engine)
    open_alert(engine, status="RESOLVED")


def test_fifty_workers_on_one_person_and_type_end_in_one_alert_with_the_right_count(
    engine: Engine, postgres_url: str, heard: Heard
) -> None:
    workers = make_engine(postgres_url, pool_size=50)
    ready = threading.Barrier(50)

    def work(number: int) -> None:
        ready.wait()
        intake.submit(workers, [imposter(f"p{number}", occurred_at=later(number))])
        judge(workers, 1, heard)

    with ThreadPoolExecutor(50) as pool:
        for done in [pool.submit(work, number) for number in range(50)]:
            done.result()
    workers.dispose()
    assert waiting(engine) == 0
    assert [row[2:5] for row in alerts(engine) if row[2] == "WRONG_PERSON"] == [
        ("WRONG_PERSON", "NEW", 50)
    ]
    sql = "SELECT count(*) FROM alert_anomaly JOIN alert USING (alert_id) WHERE anomaly_type = %s"
    assert rows(engine, sql, "WRONG_PERSON") == [(50,)]
    created = [
        payload
        for payload in feed(engine)
        if payload["type"] == "alert_created" and payload["anomaly_type"] == "WRONG_PERSON"
    ]
    assert len(created) == 1


def test_workers_and_operators_at_once_lose_nothing(engine: Engine, heard: Heard) -> None:
    """An operator resolves again and again while anomalies come.

    Each anomaly is in one alert, and the trails add up.
    """
    stop = threading.Event()

    def resolve_all() -> None:
        while not stop.is_set():
            for (alert_id,) in rows(
                engine, "SELECT alert_id FROM alert WHERE status <> 'RESOLVED'"
            ):
                move(engine, alert_id, "resolve")

    with ThreadPoolExecutor(1) as pool:
        resolving = pool.submit(resolve_all)
        try:
            for number in range(30):
                submit(engine, heard, imposter(f"p{number}", occurred_at=later(number * 15)))
        finally:
            stop.set()
        resolving.result()
    counts = """
        SELECT count(*), count(DISTINCT anomaly_id)
        FROM alert_anomaly JOIN anomaly USING (tenant_id, anomaly_id)
    """
    ((in_alerts, anomalies),) = rows(engine, counts)
    assert in_alerts == anomalies
    sums = "SELECT count FROM alert EXCEPT ALL SELECT sum(added) FROM alert_trail GROUP BY alert_id"
    assert rows(engine, sums) == []
    assert rows(engine, "SELECT sum(count) FROM alert WHERE anomaly_type = 'WRONG_PERSON'") == [
        (30,)
    ]


def test_a_thousand_anomalies_at_once_are_published_in_few_documents(
    engine: Engine, redis_url: str, redis_channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[int] = []
    publish = FeedManager._publish_all

    def counting(self: FeedManager, documents: Any) -> None:
        published.append(len(documents))
        publish(self, documents)

    monkeypatch.setattr(FeedManager, "_publish_all", counting)
    punches = [imposter(f"p{number}", person_id=1_000 + number) for number in range(1_000)]
    intake.submit(engine, punches)
    judge(engine, 1, Emitter(FeedManager(redis_url, redis_channel, SigningKeys(engine))))
    said = feed(engine)
    assert [payload["position"] for payload in said] == list(range(1, len(said) + 1))
    assert len([payload for payload in said if payload["type"] == "anomaly_detected"]) >= 1_000
    assert sum(published) <= len(said) // 50
    assert len(published) <= len(said) // 50


# Correlated alerts.


def correlated(engine: Engine) -> list[set[tuple[int, int]]]:
    """Return the person_id and site_id of all alerts, those that are correlated in one set."""
    groups: dict[Any, set[tuple[int, int]]] = {}
    sql = "SELECT correlation_id, person_id, site_id FROM alert ORDER BY correlation_id"
    for correlation_id, person_id, site_id in rows(engine, sql):
        groups.setdefault(correlation_id, set()).add((person_id, site_id))
    return list(groups.values())


def age(engine: Engine, minutes: int) -> None:
    rows(
        engine,
        "UPDATE alert SET last_seen = last_seen - %s RETURNING 1",
        timedelta(minutes=minutes),
    )


def test_alerts_of_one_site_person_or_device_within_the_time_belong_together(
    engine: Engine, heard: Heard
) -> None:
    submit(engine, heard, imposter("a", person_id=1, site_id=15))
    submit(engine, heard, imposter("b", person_id=3, site_id=16))
    assert correlated(engine) == [{(1, 15)}, {(3, 16)}]
    # Person 3 at site 15 belongs to both, so all three are one. The viewers of site 16 are told of
    # the new correlation_id.
    said = submit(engine, heard, imposter("c", person_id=3, site_id=15, occurred_at=later(600)))
    assert correlated(engine) == [{(1, 15), (3, 16), (3, 15)}]
    of_site_16 = [
        payload
        for payload in said
        if payload["site_id"] == 16 and payload["anomaly_type"] == "WRONG_PERSON"
    ]
    assert [(payload["type"], payload["version"]) for payload in of_site_16] == [
        ("alert_updated", 1)
    ]


def test_a_device_correlates_across_sites(engine: Engine, heard: Heard) -> None:
    submit(engine, heard, imposter("a", person_id=1, site_id=15, device_id="d"))
    submit(
        engine, heard, imposter("b", person_id=3, site_id=16, device_id="d", occurred_at=later(900))
    )
    assert len(correlated(engine)) == 1


def test_what_was_seen_longer_ago_is_not_correlated(engine: Engine, heard: Heard) -> None:
    submit(engine, heard, imposter("a", person_id=1))
    age(engine, 31)
    submit(engine, heard, imposter("b", person_id=3, occurred_at=later(600)))
    assert len(correlated(engine)) == 2
    age(engine, 29)
    submit(engine, heard, imposter("c", person_id=4, occurred_at=later(900)))
    assert [len(group) for group in correlated(engine)] == [1, 2]


def test_many_of_one_judgement_belong_together_at_once(engine: Engine, heard: Heard) -> None:
    submit(
        engine,
        heard,
        *(
            imposter(f"p{number}", person_id=number + 3, site_id=15 + number % 2)
            for number in range(8)
        ),
    )
    assert sorted(len(group) for group in correlated(engine)) == [4, 4]


# Quiet.


def test_in_quiet_alerts_are_recorded_suppressed_and_add_up(engine: Engine, heard: Heard) -> None:
    quiet_id = silence(engine, types=["WRONG_PERSON"], sites=[15])
    (said,) = submit(engine, heard, imposter("p1"))
    assert (said["type"], said["status"], said["quiet_reason"]) == (
        "alert_created",
        "SUPPRESSED",
        "Works at the gate.",
    )
    submit(
        engine, heard, imposter("p2", occurred_at=later(60)), imposter("p3", occurred_at=later(120))
    )
    submit(engine, heard, imposter("elsewhere", person_id=4, site_id=16, occurred_at=later(180)))
    assert [(row[0], row[3], row[4]) for row in alerts(engine)] == [
        (1, "SUPPRESSED", 3),
        (4, "NEW", 1),
    ]
    hidden = "SELECT count(DISTINCT alert_id), sum(added) FROM alert_trail WHERE quiet_id = %s"
    assert rows(engine, hidden, quiet_id) == [(1, 3)]
    assert rows(engine, "SELECT escalates_at FROM alert WHERE status = 'SUPPRESSED'") == [(None,)]


def test_one_nobody_took_up_falls_quiet_with_its_next_anomaly_and_one_in_hand_does_not(
    engine: Engine, heard: Heard
) -> None:
    submit(engine, heard, imposter("p1", person_id=1), imposter("q1", person_id=4))
    ((in_hand,),) = rows(engine, "SELECT alert_id FROM alert WHERE person_id = 4")
    move(engine, in_hand, "acknowledge")
    silence(engine, sites=[15])
    submit(
        engine,
        heard,
        imposter("p2", person_id=1, occurred_at=later(60)),
        imposter("q2", person_id=4, occurred_at=later(60)),
    )
    assert [(row[0], row[3], row[4]) for row in alerts(engine)] == [
        (1, "SUPPRESSED", 2),
        (4, "ACKNOWLEDGED", 2),
    ]


def test_what_grows_too_grave_for_its_silence_is_raised_at_once(
    engine: Engine, heard: Heard
) -> None:
    policy(engine, heard, face_is_another_person_severity="LOW")
    silence(engine, severities=["LOW"])
    submit(engine, heard, imposter("p1"))
    policy(engine, heard, face_is_another_person_severity="CRITICAL")
    assert [row[3] for row in alerts(engine)] == ["NEW"]


def test_one_withdrawn_in_quiet_resolves_itself_too(engine: Engine, heard: Heard) -> None:
    silence(engine)
    submit(engine, heard, imposter("p1"))
    submit(engine, heard, punch("p1"))
    assert [row[3] for row in alerts(engine)] == ["RESOLVED"]


def test_a_silence_that_was_ended_hides_nothing_more(engine: Engine, heard: Heard) -> None:
    cancel_quiet(engine, 1, Actor("olga", "operator", None), silence(engine))
    submit(engine, heard, imposter("p1"))
    assert [row[3] for row in alerts(engine)] == ["NEW"]
