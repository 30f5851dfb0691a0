"""POST /api/v1/punches and the rejected submissions: the same door as the tasks."""

import asyncio
import json
from typing import Any

from redis import Redis

from models import intake
from models.broker import JUDGE_TASK
from realtime import metrics
from tests.realtime.cast import ACME, GLOBEX, Feed, RunningServer, eventually
from tests.realtime.http.conftest import Caller

PATH = "/api/v1/punches"
REJECTED = "/api/v1/rejected"


def punch(punch_id: str = "p1", **more: Any) -> dict[str, Any]:
    return {
        "punch_id": punch_id,
        "tenant_id": ACME,
        "person_id": 7,
        "site_id": 15,
        "kind": "check_in",
        "occurred_at": "2026-11-23T08:00:00+01:00",
        **more,
    }


async def post(caller: Caller, body: Any, path: str = PATH, **claims: Any) -> tuple[int, Any]:
    response = await caller.ask(
        "POST",
        path,
        data=body if isinstance(body, bytes) else json.dumps(body),
        **{"role": "admin"} | claims,
    )
    return response.status, await response.json()


async def test_punches_are_stored_and_each_is_answered_in_its_place(
    caller: Caller, feed: Feed
) -> None:
    feed.know_site()
    assert await post(caller, punch()) == (
        202,
        {"punch_id": "p1", "status": "accepted", "applied": True, "reasons": []},
    )
    status, answers = await post(caller, [punch("p2"), punch("p3", kind="nap"), punch("p1")])
    assert status == 202
    assert [(answer["punch_id"], answer["status"]) for answer in answers] == [
        ("p2", "accepted"),
        ("p3", "rejected"),
        ("p1", "accepted"),
    ]
    assert answers[1]["reasons"][0]["field"] == "kind"
    assert feed.rows("SELECT punch_id FROM punch ORDER BY 1") == [("p1",), ("p2",)]


async def test_a_tap_is_taken_and_another_kind_is_told_which_there_are(
    caller: Caller, feed: Feed
) -> None:
    feed.know_site()
    status, (taken, refused) = await post(caller, [punch(kind="tap"), punch("p2", kind="nap")])
    assert (status, taken["applied"], refused["status"]) == (202, True, "rejected")
    assert refused["reasons"] == [
        {
            "code": "unknown_value",
            "field": "kind",
            "message": "must be one of 'check_in', 'check_out' or 'tap'",
        }
    ]
    assert feed.rows("SELECT punch_id, is_check_in, is_tap FROM punch") == [("p1", True, True)]


async def test_the_workers_are_told_by_name(
    caller: Caller, feed: Feed, redis_url: str, broker_url: str
) -> None:
    feed.know_site()
    await post(caller, punch())
    if broker_url != redis_url:
        return  # RabbitMQ keeps its queues to itself
    with Redis.from_url(redis_url) as redis:
        await eventually(lambda: redis.llen("upkeep"))
        message = json.loads(redis.lindex("upkeep", 0))
    assert message["headers"]["task"] == JUDGE_TASK


async def test_another_tenants_punch_is_forbidden_and_nothing_is_stored(
    caller: Caller, feed: Feed
) -> None:
    feed.know_site()
    status, answer = await post(caller, [punch(), punch("p2", tenant_id=GLOBEX)])
    assert (status, answer["error"]["code"]) == (403, "forbidden")
    assert feed.rows("SELECT * FROM punch") == []
    assert feed.rows("SELECT * FROM rejected") == []


async def test_submitting_needs_the_role_admin_or_the_scope_submit(
    caller: Caller, feed: Feed
) -> None:
    feed.know_site()
    assert (await post(caller, punch(), role="operator"))[0] == 403
    assert (await post(caller, punch(), role=None, scope="submit"))[0] == 202
    assert (await post(caller, punch(), role="viewer", scope="read submit"))[0] == 202


async def test_a_body_that_is_no_punches_is_invalid(caller: Caller) -> None:
    for body in (b"", b"{", b"[" * 100_000, [], [punch()] * 10_001):
        status, answer = await post(caller, body)
        assert (status, answer["error"]["code"]) == (400, "invalid")
    status, answer = await post(caller, b" " * (17 * 1024 * 1024))
    assert (status, answer["error"]["code"]) == (413, "invalid")


async def test_rejected_submissions_are_for_admins_of_their_tenant_and_sites(
    caller: Caller, feed: Feed
) -> None:
    feed.know_site()
    await post(caller, [punch("p1", kind="nap"), punch("p2", site_id=16)])
    feed.know_site(GLOBEX)
    await post(caller, [punch("p9", tenant_id=GLOBEX, kind="nap")], tenant_id=GLOBEX)
    assert {item["punch_id"] for item in await caller.items(REJECTED, role="admin")} == {"p1", "p2"}
    assert [
        item["punch_id"] for item in await caller.items(REJECTED, role="admin", sites=[15])
    ] == ["p1"]
    assert [
        item["punch_id"]
        for item in await caller.items(f"{REJECTED}?punch_id=p2&state=open", role="admin")
    ] == ["p2"]
    response = await caller.get(REJECTED, role="operator")
    assert response.status == 403


async def test_a_mended_submission_is_resubmitted(caller: Caller, feed: Feed) -> None:
    feed.know_site()
    await post(caller, punch("p1", kind="nap"))
    rejected_id = (await caller.items(REJECTED, role="admin"))[0]["rejected_id"]
    path = f"{REJECTED}/{rejected_id}/resubmit"
    assert (await post(caller, punch("p1"), path, role="operator"))[0] == 403
    assert (await post(caller, punch("p1"), path, tenant_id=GLOBEX))[0] == 404
    assert (await post(caller, punch("p1"), path, sites=[16]))[0] == 404
    assert (await post(caller, punch("p1", tenant_id=GLOBEX), path))[0] == 403
    assert (await post(caller, punch("p1"), f"{REJECTED}/none-such/resubmit"))[0] == 404
    assert await post(caller, punch("p1"), path) == (
        202,
        {"punch_id": "p1", "status": "accepted", "applied": True, "reasons": []},
    )
    assert feed.rows("SELECT punch_id FROM punch") == [("p1",)]


async def test_punches_are_taken_while_the_broker_is_away(start_server: Any, feed: Feed) -> None:
    import aiohttp

    feed.know_site()
    server: RunningServer = await start_server(CELERY_BROKER_URL="redis://127.0.0.1:9/0")
    async with aiohttp.ClientSession() as session:
        assert (await post(Caller(session, server), punch()))[0] == 202
        assert feed.rows("SELECT punch_id FROM punch") == [("p1",)]


async def test_a_punch_at_another_site_than_the_tokens_is_forbidden_and_nothing_is_stored(
    caller: Caller, feed: Feed
) -> None:
    feed.know_site()
    attempts: list[tuple[Any, dict[str, Any]]] = [
        ([punch(site_id=16), punch("p2")], {"sites": [16]}),
        (punch(), {"sites": []}),
        # a token that names no sites names none
        (punch(), {"sites": None, "role": None, "scope": "submit"}),
        (punch(kind="nap"), {"sites": [16], "role": None, "scope": "submit"}),
    ]
    for body, claims in attempts:
        status, answer = await post(caller, body, **claims)
        assert (status, answer["error"]["code"]) == (403, "forbidden")
    assert feed.rows("SELECT 1 FROM punch UNION ALL SELECT 1 FROM rejected") == []
    assert (await post(caller, punch(), sites=[15], role=None, scope="submit"))[0] == 202


async def test_a_token_of_one_site_cannot_take_another_sites_punch(
    caller: Caller, feed: Feed
) -> None:
    feed.know_site()
    feed.know_site(ACME, 16, "Office")
    await post(caller, punch())
    elsewhere = punch(site_id=16, sent_at="9999-01-01T00:00:00Z")
    status, answer = await post(caller, elsewhere, sites=[16], role=None, scope="submit")
    assert (status, answer["error"]["code"]) == (403, "forbidden")
    assert feed.rows("SELECT site_id, submitted_by FROM punch") == [
        (15, {"door": "POST /api/v1/punches", "name": "alice"})
    ]
    assert (await post(caller, elsewhere, sites=[15, 16]))[1]["applied"]


async def test_a_correction_that_loses_is_accepted_not_applied_and_counted(
    caller: Caller, feed: Feed, server: RunningServer
) -> None:
    feed.know_site()
    before = metrics.punches.labels("lost")._value.get()
    await post(caller, punch(sent_at="2026-11-23T09:00:00Z"))
    status, answer = await post(caller, punch(note="older", sent_at="2026-11-23T08:00:00Z"))
    assert (status, answer) == (
        202,
        {"punch_id": "p1", "status": "accepted", "applied": False, "reasons": []},
    )
    assert metrics.punches.labels("lost")._value.get() == before + 1


async def test_what_was_taken_up_again_stands_no_more_among_the_rejected(
    caller: Caller, feed: Feed
) -> None:
    assert (await post(caller, punch()))[1]["status"] == "rejected"
    [item] = await caller.items(REJECTED, role="admin")
    assert (item["waits_for"], item["submitted_by"]) == (
        "site",
        {"door": "POST /api/v1/punches", "name": "alice"},
    )
    site = {"site_id": 15, "name": "Depot", "timezone": "Europe/Paris"}
    await asyncio.to_thread(
        intake.sync_roster, feed.engine, {"tenant": {"tenant_id": ACME}, "sites": [site]}
    )
    assert feed.rows("SELECT punch_id FROM punch") == [("p1",)]
    assert await caller.items(REJECTED, role="admin") == []
    assert [
        item["punch_id"]
        for item in await caller.items(f"{REJECTED}?state=resubmitted", role="admin")
    ] == ["p1"]
    assert len(await caller.items(f"{REJECTED}?state=open,resubmitted", role="admin")) == 1


async def test_an_admin_of_some_sites_resubmits_nothing_to_others_nor_a_roster(
    caller: Caller, feed: Feed
) -> None:
    feed.know_site()
    await post(caller, punch(kind="nap"))
    roster = {"tenant": {"tenant_id": ACME}, "people": [{"person_id": "x"}], "site_id": 15}
    await asyncio.to_thread(intake.sync_roster, feed.engine, roster)
    await asyncio.to_thread(intake.sync_roster, feed.engine, roster | {"tenant": 5})
    [item] = await caller.items(REJECTED, role="admin", sites=[15])
    path = f"{REJECTED}/{item['rejected_id']}/resubmit"
    assert (await post(caller, punch(site_id=16), path, sites=[15]))[0] == 403
    assert (await post(caller, punch(), path, sites=[15]))[1]["applied"]
    assert feed.rows("SELECT submitted_by FROM punch") == [
        ({"door": "POST /api/v1/rejected/{rejected_id}/resubmit", "name": "alice"},)
    ]
