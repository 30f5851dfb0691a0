"""Silences and maintenance windows by REST: who may, for which sites, and what they hid."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.models.alerts.cast import open_alert
from tests.realtime.cast import GLOBEX, Feed
from tests.realtime.http.conftest import Caller

PATH = "/api/v1/quiet"
OPERATOR: dict[str, Any] = {"role": "operator", "sub": "olga"}


def hence(**span: float) -> str:
    return (datetime.now(UTC) + timedelta(**span)).isoformat()


def silence(**more: Any) -> dict[str, Any]:
    return {"kind": "silence", "reason": "Works at the gate.", "ends_at": hence(hours=2), **more}


def nightly(**more: Any) -> dict[str, Any]:
    recurring = {
        "kind": "recurring",
        "reason": "Backups.",
        "starts_at": "2026-01-01T22:00:00",
        "duration_minutes": 60,
        "rrule": "FREQ=DAILY",
    }
    return recurring | more


@pytest.fixture(autouse=True)
def _sites(feed: Feed) -> None:
    for site_id in (15, 16):
        feed.know_site(site_id=site_id)


async def add(caller: Caller, body: Any, **claims: Any) -> tuple[int, dict[str, Any]]:
    response = await caller.ask("POST", PATH, data=json.dumps(body), **(OPERATOR | claims))
    return response.status, await response.json()


async def test_each_kind_is_listed_with_its_author_reason_and_end(caller: Caller) -> None:
    planned = {
        "kind": "maintenance",
        "reason": "New gate.",
        "starts_at": hence(days=1),
        "ends_at": hence(days=1, hours=3),
        "sites": [15],
    }
    for body in (silence(types=["GPS_SPOOFING"]), planned, nightly(severities=["LOW"])):
        status, made = await add(caller, body)
        assert (status, made["author"], made["reason"], made["kind"]) == (
            201,
            "olga",
            body["reason"],
            body["kind"],
        )
    items = await caller.items(PATH)
    assert [(item["kind"], item["state"]) for item in items] == [
        ("recurring", "in_force"),
        ("maintenance", "planned"),
        ("silence", "in_force"),
    ]
    assert (items[0]["starts_at"], items[0]["duration_minutes"], items[0]["rrule"]) == (
        "2026-01-01T22:00:00",
        60,
        "FREQ=DAILY",
    )
    assert [item["kind"] for item in await caller.items(f"{PATH}?state=planned")] == ["maintenance"]
    assert await caller.items(PATH, tenant_id=GLOBEX) == []


@pytest.mark.parametrize(
    "body",
    [
        silence(reason=""),
        silence(reason=" \t "),
        {"kind": "silence", "ends_at": hence(hours=1)},
        {"kind": "silence", "reason": "No end."},
        silence(ends_at=hence(hours=-1)),
        silence(ends_at=hence(days=40)),
        silence(ends_at="2026-12-01T00:00:00"),
        silence(types=["NONSENSE"]),
        silence(sites=["15"]),
        silence(sites=[99]),  # which the roster does not have
        silence(author="somebody else"),
        {
            "kind": "maintenance",
            "reason": "x",
            "starts_at": hence(hours=2),
            "ends_at": hence(hours=1),
        },
        nightly(rrule="every day"),
        nightly(starts_at="2026-01-01T22:00:00Z"),
        {
            "kind": "maintenance",
            "reason": "x",
            "starts_at": hence(hours=-2),
            "ends_at": hence(hours=-1),
        },
        nightly(rrule="FREQ=DAILY;COUNT=3"),  # over long ago
        nightly(starts_at="0001-01-01T00:00:00"),
        nightly(starts_at="9999-12-31T23:00:00"),
        nightly(rrule="FREQ=DAILY;INTERVAL=0"),
        nightly(rrule="FREQ=MONTHLY;BYDAY=1MO,9MO"),
        nightly(duration_minutes=0),
        {"kind": "nap"},
        [],
    ],
)
async def test_one_without_reason_or_end_or_sense_is_invalid(caller: Caller, body: Any) -> None:
    status, answer = await add(caller, body)
    assert (status, answer["error"]["code"]) == (400, "invalid")
    assert "pydantic" not in answer["error"]["message"]


async def test_one_too_many_is_a_conflict(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.alerts.quiet_rows.MOST_QUIET", 1)
    assert (await add(caller, silence()))[0] == 201
    status, answer = await add(caller, silence())
    assert (status, answer["error"]["code"]) == (409, "conflict")
    assert "1 at most: end one first" in answer["error"]["message"]


async def test_a_viewer_may_look_and_not_touch(caller: Caller) -> None:
    assert (await add(caller, silence(), role="viewer"))[0] == 403
    _, made = await add(caller, silence())
    assert len(await caller.items(PATH)) == 1
    assert (await caller.ask("DELETE", f"{PATH}/{made['quiet_id']}")).status == 403


async def test_the_sites_of_a_token_bound_what_it_may_quieten_and_end(caller: Caller) -> None:
    at_15: dict[str, Any] = {"sites": [15]}
    assert (await add(caller, silence(), **at_15))[0] == 403
    assert (await add(caller, silence(sites=[15, 16]), **at_15))[0] == 403
    assert (await add(caller, silence(sites=[15]), **at_15))[0] == 201
    _, both = await add(caller, silence(sites=[15, 16]))
    _, other = await add(caller, silence(sites=[16]))
    _, everywhere = await add(caller, silence())
    seen = {item["quiet_id"]: item["sites"] for item in await caller.items(PATH, **at_15)}
    assert (seen[both["quiet_id"]], seen[everywhere["quiet_id"]], other["quiet_id"] in seen) == (
        [15],
        [],
        False,
    )
    for quiet, status in ((both, 403), (everywhere, 403), (other, 404)):
        assert (
            await caller.ask("DELETE", f"{PATH}/{quiet['quiet_id']}", **(OPERATOR | at_15))
        ).status == status
    assert await caller.items(PATH, sites=[]) == [
        item for item in await caller.items(PATH) if item["sites"] == []
    ]


async def test_it_is_ended_once_and_says_by_whom(caller: Caller) -> None:
    _, made = await add(caller, silence())
    path = f"{PATH}/{made['quiet_id']}"
    assert (await caller.ask("DELETE", path, tenant_id=GLOBEX, **OPERATOR)).status == 404
    ended = await (await caller.ask("DELETE", path, **(OPERATOR | {"sub": "otto"}))).json()
    assert (ended["state"], ended["cancelled_by"]) == ("cancelled", "otto")
    assert (await caller.ask("DELETE", path, **OPERATOR)).status == 409


async def test_it_shows_what_it_hid_at_the_sites_of_the_token(caller: Caller, feed: Feed) -> None:
    _, made = await add(caller, silence())
    for number, count in ((1, 3), (2, 4)):
        open_alert(
            feed.engine,
            person_id=number,
            count=count,
            status="SUPPRESSED",
            quiet_id=made["quiet_id"],
            quiet_reason=made["reason"],
        )
    elsewhere = {
        "site_id": 16,
        "status": "SUPPRESSED",
        "quiet_id": made["quiet_id"],
        "quiet_reason": made["reason"],
    }
    open_alert(feed.engine, person_id=3, count=5, **elsewhere)
    for sites, hid in (("all", (3, 12)), ([15], (2, 7)), ([16], (1, 5)), ([17], (0, 0))):
        (item,) = await caller.items(PATH, sites=sites)
        assert (item["hid_alerts"], item["hid_anomalies"]) == hid
